"""What networks learn from the HER2ST sections (figures 1d, 2a-b, learning curves): read, judge, draw, save."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import captions_her2st as captions
import her2st_judging as judging
import numpy as np
import pandas as pd
from _shared import arguments, save_drawing, save_json, save_table, say
from her2st import SECTIONS, read_section, tokens
from her2st_train import CONTROL, name_of

from sequoia_model.training.recipes import recipe_named
from sequoia_stats import plots
from sequoia_stats.compare import Distribution
from sequoia_stats.compare.distributions import describe

#: Columns of a log that are drawn and saved.
LOG = ["network", "epoch", "phase", "train_mse", "val_mse", "val_r", "lr", "saved"]


def main() -> None:
    """Write the tables of methods, rules and pairs, the figures and their captions."""
    options = arguments("her2st genes", "Judge what networks learnt from the HER2ST sections.")
    draw(options.results, options.settings)


def draw(results: Path, settings: dict) -> None:
    """Read the run folders in `results`, and write what they show."""
    import anndata

    folder = results / "her2st"
    names = [one["name"] for one in settings["networks"]]
    runs = {name: judging.read_run(folder / "runs" / name_of(name)) for name in names}
    controls = [judging.read_run(folder / "runs" / f"{CONTROL}_{i}") for i in range(settings["controls"])]
    windows = pd.read_csv(folder / "windows.csv")
    expression = anndata.read_h5ad(folder / "measured.h5ad")
    first = runs[names[0]]
    tested = windows.set_index("slide").loc[first.slides]
    measured = expression.to_df().loc[first.slides, first.genes]
    methods = judging.methods_of(runs, controls)
    parts = parts_of(windows, expression.to_df()[first.genes])
    methods.insert(len(runs) + 2, tuned_ridge(windows, tested, parts, methods[0].untrained))
    scores = judging.scores(methods, measured.to_numpy(), settings["top"])
    save_table(scores, results / "her2st_methods.csv")
    say("judging genes on windows that overlap less")
    rules = judging.rule_summary(judged(methods, measured, tested, settings["judging_stride"], settings))
    save_table(rules, results / "her2st_rules.csv")
    say("judging genes on all windows, as if they did not overlap")
    learnt = [methods[0], *(one for one in methods if one.kind == judging.CONTROL)]
    wrong = judging.rule_summary(judged(learnt, measured, tested, 1, settings))
    save_table(wrong, results / "her2st_overlapping.csv")
    rivals = (judging.BASELINES["ridge"], judging.TUNED)
    shown = [one for one in methods if one.kind == judging.NETWORK or one.name in rivals]
    pairs = judging.pairs(shown, measured.to_numpy())
    save_table(pairs, results / "her2st_pairs.csv")
    save_table(epochs(runs), results / "her2st_runs.csv")
    about = describe_all(runs, controls, scores, rules, windows, parts, settings)
    about |= {"genes": expression.n_vars, "units": expression.uns["units"]}
    shuffled = wrong.set_index(["method", "rule"]).loc[(judging.SHUFFLED, settings["rules"][0])]
    about |= {"rule": settings["rules"][0]}
    about |= {f"overlapping_{end}": float(shuffled[end] / len(first.genes)) for end in ("lowest", "highest")}
    save_json(about, results / "her2st.json")
    draw_all(methods, shown, runs, measured, rules, pairs, about, results, settings)


def judged(
    methods: Sequence[judging.Method],
    measured: pd.DataFrame,
    tested: pd.DataFrame,
    stride: int,
    settings: dict,
) -> pd.DataFrame:
    """Genes that are well predicted on windows at least a stride apart."""
    places = tested[["row", "column"]].to_numpy()
    return judging.rule_counts(
        methods, measured.to_numpy(), list(measured.columns), places, stride, settings["rules"]
    )


def parts_of(windows: pd.DataFrame, expression: pd.DataFrame) -> dict[str, np.ndarray]:
    """The measured expression of each part, windows × genes, in the order of the table of windows."""
    return {role: expression.loc[part["slide"]].to_numpy() for role, part in windows.groupby("role")}


def tuned_ridge(
    windows: pd.DataFrame, tested: pd.DataFrame, parts: Mapping[str, np.ndarray], null: tuple
) -> judging.Method:
    """Ridge regression on the mean features of windows, tuned on the validation section."""
    sections = {name: read_section(name) for name in SECTIONS}

    def pooled(table: pd.DataFrame) -> np.ndarray:
        rows = table[["section", "row", "column"]].itertuples(index=False)
        means = [
            tokens(sections[name], np.array(place)).mean(axis=0, dtype=np.float64) for name, *place in rows
        ]
        return np.stack(means)

    train, val = ((pooled(windows[windows["role"] == role]), parts[role]) for role in ("train", "val"))
    return judging.tuned_ridge(train, val, pooled(tested), null)


def draw_all(
    methods: Sequence[judging.Method],
    shown: Sequence[judging.Method],
    runs: Mapping[str, judging.Run],
    measured: pd.DataFrame,
    rules: pd.DataFrame,
    pairs: pd.DataFrame,
    about: dict,
    results: Path,
    settings: dict,
) -> None:
    """Draw and save the three figures."""
    rule = settings["rules"][0]
    found = rules[rules["rule"] == rule].set_index("method")["median"]
    first = [methods[0], *(one for one in methods if one.kind == judging.CONTROL)]
    everything = distribution(first, measured, found, None)
    save_table(everything.summary, results / "her2st_correlations.csv")
    best = distribution(shown, measured, found, settings["top"])
    save_table(best.summary, results / "her2st_best.csv")
    log = log_of(runs)
    figures = {
        "fig1d": (plots.correlation_violins(everything), captions.correlations(everything, about, rule)),
        "fig2": (plots.correlation_violins(best), captions.models(best, pairs, about, rule)),
        "learning": (
            plots.learning_curves(log, mean_mse=about["mean_val_mse"]),
            captions.learning(list(runs), about),
        ),
    }
    for name, (figure, caption) in figures.items():
        save_drawing(figure, caption, results, name)


def distribution(
    methods: Sequence[judging.Method], measured: pd.DataFrame, found: pd.Series, top: int | None
) -> Distribution:
    """The correlations of all genes, or of those that rank best on the validation section, for a figure.

    The numbers of well-predicted genes are those of windows that overlap less.
    """
    values = pd.concat([_correlations(one, measured, top) for one in methods], ignore_index=True)
    summary = describe(values).reset_index()
    numbers = found.reindex(summary["model"]).round().astype(int).to_numpy()
    summary.insert(2, "n_genes", measured.shape[1])
    summary.insert(3, "n_well_predicted", numbers)
    return Distribution(summary, top, values)


def _correlations(method: judging.Method, measured: pd.DataFrame, top: int | None) -> pd.DataFrame:
    r = judging.gene_correlations(measured.to_numpy(), method.predicted)
    genes = judging.best(method.ranking, len(r) if top is None else top)
    return pd.DataFrame(
        {"model": method.name, "level": "C5", "gene": measured.columns[genes], "r": r[genes]}
    ).sort_values("r", ascending=False, kind="stable")


def log_of(runs: Mapping[str, judging.Run]) -> pd.DataFrame:
    """The epochs of all networks under each other."""
    return pd.concat([run.log.assign(network=name) for name, run in runs.items()], ignore_index=True)[LOG]


def epochs(runs: Mapping[str, judging.Run]) -> pd.DataFrame:
    """How long each network learnt: ``network, epochs, kept_epoch, stop, val_mse, val_r, seconds``; the errors are
    those of the kept epoch, the time is that of this machine, on one thread."""
    rows = []
    for name, run in runs.items():
        (fold,) = run.record["folds"]
        kept = run.log[run.log["epoch"] == fold["kept_epoch"]].iloc[0]
        rows.append(
            {
                "network": name, "epochs": fold["epochs"], "kept_epoch": fold["kept_epoch"], "stop": fold["stop"],
                "val_mse": kept["val_mse"], "val_r": kept["val_r"], "seconds": run.log["seconds"].sum(),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def describe_all(
    runs: Mapping[str, judging.Run],
    controls: Sequence[judging.Run],
    scores: pd.DataFrame,
    rules: pd.DataFrame,
    windows: pd.DataFrame,
    parts: Mapping[str, np.ndarray],
    settings: dict,
) -> dict[str, Any]:
    """Numbers for the report and the captions."""
    first = next(iter(runs.values()))
    table = scores.set_index("method")
    rivals = table[table["kind"].isin([judging.NETWORK, judging.BASELINE])]["r_validation"]
    networks = table[table["kind"] == judging.NETWORK]
    network = str(networks["r_validation"].idxmax())
    shuffled, untrained = table.loc[judging.SHUFFLED], table.loc[judging.UNTRAINED]
    roles = windows["role"].value_counts()
    settings_of_run = first.record["settings"]
    return {
        "encoder": settings_of_run["encoder"],
        "size": settings_of_run["size"],
        "recipe": settings["recipe"],
        "controls": len(controls),
        "untrained": len(first.untrained),
        **{f"n_{role}": int(roles[role]) for role in ("train", "val", "test")},
        "top": settings["top"],
        "judging_stride": settings["judging_stride"],
        "judged_low": int(rules["n_low"].min()),
        "judged_high": int(rules["n_high"].max()),
        "judged_sets": int(rules["sets"].min()),
        "winner": str(rivals.idxmax()),
        "winner_r": float(rivals.max()),
        "network": network,
        "network_r": float(networks.loc[network, "r_validation"]),
        "ridge_r": float(table.loc[judging.BASELINES["ridge"], "r_validation"]),
        "tuned_r": float(table.loc[judging.TUNED, "r_validation"]),
        "shuffled_r": float(shuffled["r_validation"]),
        "shuffled_r_high": float(shuffled["r_validation_high"]),
        "untrained_r_test_high": float(untrained["r_test_high"]),
        "untrained_r": float(untrained["r_validation"]),
        "untrained_r_test": float(untrained["r_test"]),
        "untrained_mse_ratio": float(untrained["mse_ratio"]),
        "least_mse_ratio": float(networks["mse_ratio"].min()),
        "most_mse_ratio": float(networks["mse_ratio"].max()),
        "mean_val_mse": mean_error(parts, recipe_named(settings["recipe"]).standardised),
    }


def mean_error(parts: Mapping[str, np.ndarray], standardised: bool) -> float:
    """The error of the training mean on the validation part, in the units of the log: those of the expression, or
    standard deviations of the training part."""
    scale = parts["train"].std(axis=0) if standardised else np.ones(parts["train"].shape[1])
    errors = (parts["val"] - parts["train"].mean(axis=0)) / np.where(scale > 0, scale, 1)
    return float(np.mean(errors**2, dtype=np.float64))


if __name__ == "__main__":
    main()
