"""How well networks predict the test section, beside baselines and controls: correlations, errors, and gene rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _shared import say
from numpy.typing import NDArray

from sequoia_model.training.scores import gene_correlations, squared_errors
from sequoia_stats import well_predicted
from sequoia_stats.compare import mann_whitney, signed_rank
from sequoia_stats.types.predictions import Predictions

Matrix = NDArray[np.floating]
#: What a method is.
NETWORK, BASELINE, CONTROL, NULL = "network", "baseline", "control", "null"
#: Baselines, as `FoldPredictions` names them; the first is that with which errors are compared.
BASELINES = {"mean": "Training mean", "ridge": "Ridge", "knn": "Nearest neighbours"}
TUNED = "Tuned ridge"
SHUFFLED, UNTRAINED = "Labels shuffled", "Untrained"


@dataclass(frozen=True, eq=False)
class Method:
    """What a method predicts for the windows of the test section.

    Parameters
    ----------
    name : str
        As it is written.
    kind : str
        `NETWORK`, `BASELINE`, `CONTROL` or `NULL`.
    predicted : array of shape (windows, genes)
        Predicted expression.
    ranking : array of shape (genes,)
        Correlation of each gene on the validation section; the best genes are chosen by it.
    untrained : tuple of array of shape (windows, genes)
        Predictions of the network before training.
    """

    name: str
    kind: str
    predicted: Matrix
    ranking: Matrix
    untrained: tuple[Matrix, ...] = ()


@dataclass(frozen=True, eq=False)
class Run:
    """What a run folder holds of its one fold.

    Parameters
    ----------
    predicted, ranking : mapping of str to array
        Predictions of the test section (windows × genes), and r of genes on the validation section, by method.
    slides, genes : sequence of str
        The windows and genes of the predictions.
    log : DataFrame
        A row per epoch.
    record : mapping
        The content of ``run.json``.
    """

    predicted: Mapping[str, Matrix]
    ranking: Mapping[str, Matrix]
    slides: Sequence[str]
    genes: Sequence[str]
    log: pd.DataFrame
    record: Mapping[str, Any]

    @property
    def untrained(self) -> list[str]:
        """The untrained networks, as they are named among the methods."""
        return [name for name in self.predicted if name.startswith("untrained")]


def methods_of(runs: Mapping[str, Run], controls: Sequence[Run]) -> list[Method]:
    """All methods: a network per run, the baselines and the null of the first run, and the controls.

    Parameters
    ----------
    runs : mapping of str to Run
        Runs by the name of the network.
    controls : sequence of Run
        Runs whose labels were shuffled, one per seed.
    """
    first = next(iter(runs.values()))
    methods = [_network(name, NETWORK, run) for name, run in runs.items()]
    null = tuple(first.predicted[name] for name in first.untrained)
    methods += [
        Method(name, BASELINE, first.predicted[key], first.ranking[key], null)
        for key, name in BASELINES.items()
    ]
    methods += [_network(SHUFFLED, CONTROL, run) for run in controls]
    methods += [Method(UNTRAINED, NULL, first.predicted[key], first.ranking[key]) for key in first.untrained]
    return methods


def _network(name: str, kind: str, run: Run) -> Method:
    null = tuple(run.predicted[key] for key in run.untrained)
    return Method(name, kind, run.predicted["network"], run.ranking["network"], null)


def scores(methods: Sequence[Method], measured: Matrix, top: int) -> pd.DataFrame:
    """A row per method: ``method, kind, r_median`` of all genes, ``r_validation`` and ``r_test``, the medians of the
    best genes when these are ranked on the validation or on the test section, ``optimism``, the difference of the
    two, ``mse``, and ``mse_ratio`` to that of the training mean. Methods of one name, seeds, are averaged; their number
    is ``seeds``, and ``r_validation_high`` and ``r_test_high`` are the largest of them."""
    (mean,) = (one.predicted for one in methods if one.name == BASELINES["mean"])
    reference = float(squared_errors(measured, mean).mean())
    rows = []
    for one in methods:
        r = gene_correlations(measured, one.predicted)
        mse = float(squared_errors(measured, one.predicted).mean())
        honest, usual = (float(np.median(r[best(by, top)])) for by in (one.ranking, r))
        rows.append(
            (one.name, one.kind, float(np.median(r)), honest, usual, usual - honest, mse, mse / reference)
        )
    columns = ["method", "kind", "r_median", "r_validation", "r_test", "optimism", "mse", "mse_ratio"]
    table = pd.DataFrame(rows, columns=columns)
    seeds = table.groupby(["method", "kind"], sort=False)
    largest = seeds[["r_validation", "r_test"]].max().add_suffix("_high")
    return seeds.mean().join(largest).assign(seeds=seeds.size()).reset_index()


def best(r: Matrix, top: int) -> NDArray[np.intp]:
    """The genes with the largest r; equal ones in their order."""
    return np.argsort(-r, kind="stable")[:top]


def grids(places: NDArray[np.int64], stride: int) -> Iterator[NDArray[np.intp]]:
    """Windows that are at least a stride apart: one set for every offset, in rows and columns."""
    offsets = places % stride
    for row in range(stride):
        for column in range(stride):
            yield np.flatnonzero((offsets == (row, column)).all(axis=1))


def rule_counts(
    methods: Sequence[Method],
    measured: Matrix,
    genes: Sequence[str],
    places: NDArray[np.int64],
    stride: int,
    rules: Sequence[str],
) -> pd.DataFrame:
    """Genes that are well predicted: a row per method, rule and set of windows: ``method, kind, rule, draw, grid, n,
    found``. `draw` counts methods of one name. Every window counts as a unit, although neighbours overlap."""
    chosen = [rows for rows in grids(places, stride) if len(rows)]
    lines, drawn = [], dict.fromkeys((one.name for one in methods), 0)
    for one in methods:
        if not one.untrained or np.ptp(one.predicted, axis=0).max() == 0:
            continue  # the null itself, and the training mean
        say(f"  genes of {one.name}")
        for i, rows in enumerate(chosen):
            part = _predictions(one, measured, genes, rows)
            for rule in rules:
                found = int(well_predicted(part, rule=rule, jobs=1).well_predicted.sum())
                lines.append((one.name, one.kind, rule, drawn[one.name], i, len(rows), found))
        drawn[one.name] += 1
    return pd.DataFrame(lines, columns=["method", "kind", "rule", "draw", "grid", "n", "found"])


def _predictions(
    method: Method, measured: Matrix, genes: Sequence[str], rows: NDArray[np.intp]
) -> Predictions:
    names = [f"window {row}" for row in rows]
    return Predictions(
        predicted=method.predicted[rows],
        measured=measured[rows],
        obs=pd.DataFrame({"patient_id": names}, index=names),
        genes=pd.Index(genes),
        untrained=tuple(each[rows] for each in method.untrained),
        name=method.name,
    )


def rule_summary(counts: pd.DataFrame) -> pd.DataFrame:
    """Over the sets of windows, and over the seeds of a control: ``method, rule, sets, n_low, n_high, lowest, median,
    highest``, of which n are windows of a set."""
    grouped = counts.groupby(["method", "rule"], sort=False)
    return grouped.agg(
        sets=("found", "size"),
        n_low=("n", "min"),
        n_high=("n", "max"),
        lowest=("found", "min"),
        median=("found", "median"),
        highest=("found", "max"),
    ).reset_index()


def pairs(methods: Sequence[Method], measured: Matrix) -> pd.DataFrame:
    """Pairs of methods over all genes: ``method_a, method_b, median_r_a, median_r_b, hodges_lehmann, p_wilcoxon,
    rank_biserial_paired, p_mann_whitney, superiority``."""
    r = {one.name: gene_correlations(measured, one.predicted) for one in methods}
    rows = []
    for a, b in combinations(r, 2):
        paired, unpaired = signed_rank(r[a], r[b]), mann_whitney(r[a], r[b])
        rows.append(
            {
                "method_a": a, "method_b": b, "median_r_a": np.median(r[a]), "median_r_b": np.median(r[b]),
                "hodges_lehmann": paired.hodges_lehmann, "p_wilcoxon": paired.p,
                "rank_biserial_paired": paired.rank_biserial, "p_mann_whitney": unpaired.p,
                "superiority": unpaired.superiority,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def read_run(folder: Path) -> Run:
    """Read a run folder that has one fold."""
    import json

    import anndata

    from sequoia_model.training.one_fold import FoldPredictions, results_file

    results = FoldPredictions.load(folder / results_file(0))
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    names = anndata.read_h5ad(folder / "predictions.h5ad", backed="r")
    slides, genes = list(names.obs_names), list(names.var_names)
    names.file.close()
    return Run(results.predicted, results.ranking, slides, genes, pd.read_csv(folder / "log.csv"), record)


def tuned_ridge(
    train: tuple[Matrix, Matrix], val: tuple[Matrix, Matrix], test: Matrix, null: tuple[Matrix, ...]
) -> Method:
    """Ridge regression whose penalty, one for all genes, has the best mean r on the validation section.

    The ridge regression of `sequoia-model train` sees the training part alone, but networks also see the validation
    part, which stops them. This one is told as much as they are.

    Parameters
    ----------
    train, val : tuple of array of shape (windows, d), array of shape (windows, genes)
        Mean features and expression.
    test : array of shape (windows, d)
        Mean features of the test section.
    null : tuple of array of shape (windows, genes)
        Predictions of untrained networks.
    """
    from sequoia_model.training.baselines import ALPHAS, fit_ridge

    fits = [fit_ridge(*train, alphas=(alpha,)) for alpha in ALPHAS]
    rankings = [gene_correlations(val[1], fit.predict(val[0])) for fit in fits]
    best_fit = int(np.argmax([ranking.mean() for ranking in rankings]))
    return Method(TUNED, BASELINE, fits[best_fit].predict(test), rankings[best_fit], null)
