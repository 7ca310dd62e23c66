"""The noise model that stands in for a network (analyses/noise_model.py)."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.build.cohorts import make_cohort
from tests.build.results import scripts_of_analyses

with scripts_of_analyses():
    import noise_model
    import simulate_predictions

MODELS = [{"name": "less noise", "factor": 1.0}, {"name": "more noise", "factor": 0.6}]
SETTINGS = {"models": MODELS, "two_slides": 0.2, "fold_offset": 0.5}


def make_expression(n=1500, genes=60, seed=0):
    """Genes on different scales; the first half has a component in common."""
    rng = np.random.default_rng(seed)
    common = np.outer(rng.normal(size=n), np.arange(genes) < genes // 2)
    x = 5 + (common + rng.normal(size=(n, genes))) * rng.uniform(0.5, 3, size=genes)
    return pd.DataFrame(x, [f"P{i}" for i in range(n)], [f"G{j}" for j in range(genes)])


def make_truth(seed=0, **settings):
    expression = make_expression()
    obs = pd.DataFrame({"cohort": "made"}, index=expression.index)
    model = noise_model.settings_of({**SETTINGS, "components": 1, **settings})
    return noise_model.make_truth(expression, obs, model, np.random.default_rng(seed)), model


def draw(truth, model, factor=1.0, seed=1):
    return noise_model.predict(truth, factor, model, np.random.default_rng(seed), name="made")


def correlations(x, y):
    """r of every column."""
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    return (x * y).sum(axis=0) / np.sqrt((x**2).sum(axis=0) * (y**2).sum(axis=0))


def within_folds(predictions):
    """r of every gene, mean over the folds."""
    fold = predictions.obs["fold"].to_numpy()
    parts = [predictions.rows(fold == k) for k in np.unique(fold)]
    return np.mean([correlations(part.predicted, part.measured) for part in parts], axis=0)


@pytest.mark.parametrize("factor", [1.0, 0.6])
def test_correlations_within_folds_come_out_as_drawn(factor):
    truth, model = make_truth()
    got = within_folds(draw(truth, model, factor))
    assert np.abs(got - factor * truth.target).max() < 0.1  # four standard errors
    assert abs((got - factor * truth.target).mean()) < 0.01


def test_offsets_of_folds_lower_the_pooled_correlation():
    truth, model = make_truth()
    predictions = draw(truth, model)
    pooled = correlations(predictions.predicted, predictions.measured)
    expected = truth.target / np.sqrt(1 + model.fold_offset**2)
    assert abs((pooled - expected).mean()) < 0.015
    assert pooled.mean() < within_folds(predictions).mean()


def test_untrained_networks_are_related_to_the_trained_and_not_to_the_truth():
    truth, model = make_truth()
    predictions = draw(truth, model)
    assert len(predictions.untrained) == model.untrained
    for untrained in predictions.untrained:
        with_truth = correlations(untrained, predictions.measured)
        assert with_truth.std() == pytest.approx(1 / np.sqrt(predictions.n), rel=0.35)
        assert abs(with_truth.mean()) < 0.02
        assert correlations(untrained, predictions.predicted)[truth.target == 0].mean() > 0.2


def test_predictions_are_shrunken_towards_the_mean_of_the_gene():
    truth, model = make_truth(fold_offset=0.0, width_error=0.0)
    predicted = draw(truth, model).predicted
    assert predicted.std(axis=0) / truth.sd == pytest.approx(np.maximum(truth.target, model.floor), rel=0.1)
    assert np.abs((predicted.mean(axis=0) - truth.mean) / truth.sd).max() < 0.1


def test_genes_that_vary_together_get_the_larger_targets():
    truth, _ = make_truth(unpredictable=0.0)
    first, second = truth.target[:30], truth.target[30:]
    assert truth.share[:30].min() > truth.share[30:].max()
    assert first.mean() > second.mean() + 0.15


def test_the_share_of_genes_that_cannot_be_predicted_is_the_stated_one():
    model = noise_model.NoiseModel(unpredictable=0.3)
    targets = noise_model.draw_targets(np.linspace(0, 1, 5000), model, np.random.default_rng(0))
    assert (targets == 0).mean() == pytest.approx(0.3, abs=0.03)
    assert ((targets >= 0) & (targets < 1)).all()


def test_slides_of_a_patient_share_truth_and_fold_but_no_noise():
    truth, model = make_truth()
    predictions = draw(truth, model)
    sizes = predictions.obs.groupby("patient_id")["fold"].agg(["size", "nunique"])
    assert (sizes["size"] == 2).mean() == pytest.approx(model.two_slides, abs=0.04)
    assert (sizes["nunique"] == 1).all()
    one, other = np.flatnonzero(predictions.patients == sizes.index[sizes["size"] == 2][0])
    assert np.array_equal(predictions.measured[one], predictions.measured[other])
    assert not np.array_equal(predictions.predicted[one], predictions.predicted[other])


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    cohort = make_cohort(n=40, genes=12)
    files = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        _, predictions = simulate_predictions.simulate(cohort, SETTINGS, np.random.SeedSequence(seed))
        simulate_predictions.save_predictions(predictions["more noise"], tmp_path / f"{name}.h5ad")
        files.append((tmp_path / f"{name}.h5ad").read_bytes())
    assert files[0] == files[1] != files[2]


def test_the_note_says_that_predictions_are_simulated_and_mixed_units_become_ranks():
    cohort = make_cohort(n=40, genes=4)
    _, plain = simulate_predictions.simulate(cohort, SETTINGS, np.random.SeedSequence(0))
    mixed = replace(cohort, units=pd.Series(["RSEM", "z", "z", "z"], cohort.genes))
    _, ranked = simulate_predictions.simulate(mixed, SETTINGS, np.random.SeedSequence(0))
    assert plain["less noise"].note == (
        "simulated predictions: measured expression of made plus noise; says nothing about images"
    )
    assert "made (rank-normalised) plus noise" in ranked["less noise"].note
    assert np.abs(ranked["less noise"].measured.mean(axis=0)).max() < 0.3
