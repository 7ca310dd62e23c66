"""How methods are compared on the test section (analyses/her2st_judging.py)."""

import numpy as np
import pandas as pd
import pytest

from sequoia_model.training.baselines import ALPHAS, fit_ridge
from sequoia_model.training.scores import gene_correlations
from tests.build.results import scripts_of_analyses

with scripts_of_analyses():
    import her2st_judging as judging

PLACES = np.argwhere(np.ones((10, 10)))


def make_run(accuracy, measured, seed=0):
    """A network with predictions of some accuracy, two untrained ones, and baselines of noise."""
    rng = np.random.default_rng(seed)
    noise = {name: rng.normal(size=measured.shape) for name in ("untrained", "untrained_1", "ridge", "knn")}
    network = accuracy * measured + 0.5 * rng.normal(size=measured.shape)
    mean = np.tile(measured.mean(axis=0) + 1, (len(measured), 1))
    predicted = {"network": network, "mean": mean, **noise}
    ranking = {name: rng.normal(size=measured.shape[1]) for name in predicted}
    return judging.Run(predicted, ranking, [], [], pd.DataFrame(), {})


@pytest.fixture(scope="module")
def measured():
    return np.random.default_rng(99).normal(size=(len(PLACES), 40))


@pytest.fixture(scope="module")
def methods(measured):
    runs = {"Good": make_run(1, measured, 1), "Poor": make_run(0.3, measured, 2)}
    return judging.methods_of(runs, [make_run(0, measured, 3), make_run(0, measured, 4)])


def test_the_null_and_the_controls_are_averaged_over_seeds(methods, measured):
    table = judging.scores(methods, measured, 10).set_index("method")
    names = ["Good", "Poor", "Training mean", "Ridge", "Nearest neighbours", "Labels shuffled", "Untrained"]
    assert table.index.tolist() == names
    alone = [judging.scores([m, methods[2]], measured, 10)["r_test"][0] for m in methods if m.kind == "null"]
    assert len(alone) == 2 and table.loc["Untrained", "r_test"] == pytest.approx(np.mean(alone))


def test_best_genes_are_those_of_the_ranking(methods, measured):
    good = methods[0]
    r = np.array([np.corrcoef(x, y)[0, 1] for x, y in zip(measured.T, good.predicted.T, strict=True)])
    chosen = np.argsort(good.ranking)[-10:]
    row = judging.scores(methods, measured, 10).iloc[0]
    assert row["r_validation"] == pytest.approx(np.median(r[chosen]))
    assert row["r_test"] == pytest.approx(np.median(np.sort(r)[-10:]))
    assert row["optimism"] == pytest.approx(row["r_test"] - row["r_validation"])


def test_errors_are_compared_with_the_training_mean(methods, measured):
    table = judging.scores(methods, measured, 10).set_index("method")
    errors = ((measured - methods[0].predicted) ** 2).mean()
    mean = ((measured - measured.mean(axis=0) - 1) ** 2).mean()
    assert table.loc["Good", "mse_ratio"] == pytest.approx(errors / mean)
    assert table.loc["Training mean", ["r_median", "mse_ratio"]].tolist() == [0, 1]


def test_windows_that_are_judged_together_are_a_stride_apart():
    found = list(judging.grids(PLACES, 5))
    assert sorted(np.concatenate(found).tolist()) == list(range(100)) and len(found) == 25
    steps = [np.abs(np.diff(PLACES[rows], axis=0)).max(axis=1).min() for rows in found]
    assert min(steps) >= 5


def test_a_rule_finds_genes_of_the_better_network(methods, measured):
    names = [f"G{i}" for i in range(40)]
    counts = judging.rule_counts(methods, measured, names, PLACES, 3, ["paper", "strict"])
    table = judging.rule_summary(counts).set_index(["method", "rule"])
    assert set(table.index.get_level_values("method")) == {
        "Good", "Poor", "Ridge", "Nearest neighbours", "Labels shuffled",
    }  # fmt: skip
    assert table.loc[("Good", "paper"), "sets"] == 9 and table.loc[("Labels shuffled", "paper"), "sets"] == 18
    good, shuffled = (table.loc[(name, "paper"), "median"] for name in ("Good", "Labels shuffled"))
    assert good > 10 > shuffled


def test_the_tuned_ridge_has_the_best_penalty_on_the_validation_section():
    rng = np.random.default_rng(5)
    b = rng.normal(size=(30, 8))
    train, val = ((x, x @ b + 3 * rng.normal(size=(len(x), 8))) for x in rng.normal(size=(2, 60, 30)))
    test = rng.normal(size=(20, 30))
    found = judging.tuned_ridge(train, val, test, ())
    fits = [fit_ridge(*train, alphas=(alpha,)) for alpha in ALPHAS]
    r = [gene_correlations(val[1], fit.predict(val[0])).mean() for fit in fits]
    assert found.ranking.mean() == max(r) and 0 < np.argmax(r) < len(r) - 1
    np.testing.assert_array_equal(found.predicted, fits[np.argmax(r)].predict(test))


def test_pairs_are_compared_gene_by_gene(methods, measured):
    row = judging.pairs(methods[:2], measured).iloc[0]
    assert (row["method_a"], row["method_b"]) == ("Good", "Poor")
    assert row["hodges_lehmann"] > 0.3 and row["p_wilcoxon"] < 1e-6 and row["superiority"] > 0.9
