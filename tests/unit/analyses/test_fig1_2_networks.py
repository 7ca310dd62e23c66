"""What the networks learnt, as tables, captions and figures (analyses/fig1_2_networks.py), from made-up runs."""

import json
import re
import sys

import anndata
import numpy as np
import pandas as pd
import pytest

from sequoia_model.training.one_fold import FoldPredictions, results_file
from tests.build.results import ROOT, scripts_of_analyses
from tests.unit.analyses.test_her2st import make_section

with scripts_of_analyses():
    import fig1_2_networks
    import her2st
    import her2st_bags
    import her2st_judging as judging

pytestmark = pytest.mark.slow

SETTINGS = {
    "stride": 2, "judging_stride": 5, "controls": 2, "seed": 7, "recipe": "strict", "top": 5,
    "rules": ["paper", "strict"],
    "networks": [{"name": "Good one", "architecture": "tile_mlp"}, {"name": "Poor one", "architecture": "tile_mlp"}],
}  # fmt: skip


def write_run(folder, measured, accuracy, seed):
    """A run folder as far as the figures read it."""
    rng = np.random.default_rng(seed)
    shape = measured.shape

    def noise():
        return (measured.to_numpy().std() * rng.normal(size=shape)).astype(np.float32)

    predicted = {name: noise() for name in ("untrained", "ridge", "knn")}
    predicted["network"] = (accuracy * measured.to_numpy() + 0.3 * noise()).astype(np.float32)
    predicted["mean"] = np.ones(shape, dtype=np.float32) * measured.to_numpy().mean(axis=0, dtype=np.float32)
    ranking = {name: rng.uniform(accuracy, 1, shape[1]) for name in predicted}
    (folder / ".runs").mkdir(parents=True)
    FoldPredictions(np.arange(len(measured)), predicted, ranking).save(folder / results_file(0))
    anndata.AnnData(predicted["network"], measured[[]], pd.DataFrame(index=measured.columns)).write_h5ad(
        folder / "predictions.h5ad"
    )
    epochs = {
        "fold": 0,
        "epoch": range(4),
        "phase": 1,
        "train_mse": 0.5,
        "val_mse": 0.7,
        "val_r": 0.3,
        "lr": 1e-3,
    }
    pd.DataFrame(epochs | {"saved": [True, True, False, False], "seconds": 2.0}).to_csv(
        folder / "log.csv", index=False
    )
    fold = {"epochs": 4, "kept_epoch": 1, "stop": "patience"}
    record = {"folds": [fold], "settings": {"encoder": "lite0", "size": "small"}}
    (folder / "run.json").write_text(json.dumps(record))


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    results = tmp_path_factory.mktemp("results")
    sections = {name: make_section(name, size=18, genes=12, seed=i) for i, name in enumerate(her2st.SECTIONS)}
    table = her2st_bags.save(list(sections.values()), SETTINGS, results / "her2st")
    slides = table.loc[table["role"] == "test", "slide"][::-1]  # the run has an order of its own
    measured = anndata.read_h5ad(results / "her2st" / "measured.h5ad").to_df().loc[slides]
    for i, (name, accuracy) in enumerate(
        {"good-one": 1, "poor-one": 0.1, "shuffled_0": 0, "shuffled_1": 0}.items()
    ):
        write_run(results / "her2st" / "runs" / name, measured, accuracy, seed=10 + i)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fig1_2_networks, "read_section", sections.__getitem__)
        fig1_2_networks.draw(results, SETTINGS)
    return results


def read_about(results):
    return json.loads((results / "her2st.json").read_text())


def test_the_winner_has_the_largest_correlation_of_genes_ranked_on_validation(results):
    table = pd.read_csv(results / "her2st_methods.csv", index_col="method")
    rivals = table[table["kind"].isin(["network", "baseline"])]
    assert read_about(results)["winner"] == rivals["r_validation"].idxmax() == "Good one"


def test_windows_are_matched_by_name(results):
    table = pd.read_csv(results / "her2st_methods.csv", index_col="method")
    assert table.loc["Good one", "r_median"] > 0.5


@pytest.mark.parametrize("name", ["fig1d", "fig2", "learning"])
def test_captions_say_what_learnt_from_what_and_what_it_does_not_show(results, name):
    caption = (results / "captions" / f"{name}.txt").read_text()
    assert "sections C2, C3" in caption and "C4 stopped training" in caption and "C5 tests" in caption
    assert (
        "adjacent sections of one tumour of one patient" in caption and "not that they generalise" in caption
    )
    assert (results / f"{name}.png").is_file() and (results / f"{name}.svg").is_file()


def test_well_predicted_genes_are_counted_beside_those_of_shuffled_labels(results):
    rules = pd.read_csv(results / "her2st_rules.csv").set_index(["method", "rule"])
    drawn = pd.read_csv(results / "her2st_correlations.csv", index_col="model")
    for method in ("Good one", judging.SHUFFLED):
        assert drawn.loc[method, "n_well_predicted"] == round(rules.loc[(method, "paper"), "median"])
    assert drawn.loc[judging.SHUFFLED, "n"] == 2 * 12


def test_what_overlapping_windows_would_say_is_shown_for_shuffled_labels(results):
    wrong = pd.read_csv(results / "her2st_overlapping.csv").set_index(["method", "rule"])
    row = wrong.loc[(judging.SHUFFLED, "paper")]
    windows = pd.read_csv(results / "her2st" / "windows.csv")
    assert row["n_low"] == row["n_high"] == (windows["role"] == "test").sum() and row["sets"] == 2
    assert read_about(results)["overlapping_highest"] == row["highest"] / 12


def test_the_best_genes_are_those_of_the_ranking(results):
    drawn = pd.read_csv(results / "her2st_best.csv", index_col="model")
    assert (drawn["n"] == 5).all() and judging.TUNED in drawn.index


def test_the_page_on_networks_shows_these_results(results, monkeypatch):
    pytest.importorskip("IPython")
    monkeypatch.setenv("SEQUOIA_RESULTS", str(results))
    monkeypatch.syspath_prepend(ROOT / "reports")
    monkeypatch.delitem(sys.modules, "_results", raising=False)
    page = (ROOT / "reports" / "model.qmd").read_text(encoding="utf-8")
    blocks = re.findall(r"```{python}\n(.*?)```", page, flags=re.DOTALL)
    first, *others = [block for block in blocks if not re.search(r'"networks[_."]', block)]
    assert len(others) >= 9 and all(re.search("her2st|fig1d|fig2|learning", block) for block in others)
    names = {}
    exec(first, names)
    shown = [eval(block, names).data for block in others]  # a missing file or column is an error
    assert "Good one" in shown[1]
    monkeypatch.delitem(sys.modules, "_results")


def test_the_error_of_the_mean_is_in_standard_deviations_of_the_training_part():
    parts = {"train": np.array([[0.0, 5.0], [2.0, 5.0]]), "val": np.array([[4.0, 6.0]])}
    assert fig1_2_networks.mean_error(parts, standardised=True) == pytest.approx((9 + 1) / 2)
    assert fig1_2_networks.mean_error(parts, standardised=False) == pytest.approx((9 + 1) / 2)
    scaled = {role: 2 * values for role, values in parts.items()}
    assert fig1_2_networks.mean_error(scaled, standardised=True) == pytest.approx((9 + 4) / 2)
