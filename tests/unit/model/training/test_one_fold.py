"""The test part of a fold, predicted by all methods, and the slides outside it on which genes are ranked."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from sequoia_model.training import one_fold
from sequoia_model.training.baselines import fit_ridge, nearest_neighbours, pooled_features
from sequoia_model.training.folds import FoldRows
from sequoia_model.training.one_fold import FoldPredictions, evaluate_fold
from sequoia_model.training.scores import gene_correlations
from tests.build.training import make_slides


@pytest.fixture
def data():
    """60 slides of 30 patients."""
    means, expression = make_slides(60, clusters=3, dim=5)
    patients = np.array([f"P{i // 2:02}" for i in range(60)], dtype=object)
    return SimpleNamespace(means=means, expression=expression, patients=patients)


def evaluated(monkeypatch, data, n_val):
    """A fold with some validation slides, judged with a network that knows the genes but for noise."""
    noise = np.random.default_rng(1).normal(size=data.expression.shape)
    monkeypatch.setattr(one_fold, "predict", lambda network, means, rows: (data.expression + noise)[rows])
    rows = FoldRows(0, np.arange(40), np.arange(40, 40 + n_val), np.arange(50, 60))
    return rows, noise, *evaluate_fold(None, {"untrained": None}, data, rows)


def test_with_few_validation_slides_baselines_rank_genes_by_patients_whom_they_left_out(monkeypatch, data):
    rows, noise, predictions, chosen, _ = evaluated(monkeypatch, data, n_val=9)
    x, y, patients = pooled_features(data.means)[:40], data.expression[:40], data.patients[:40]
    ridge, knn = fit_ridge(x, y, patients=patients), nearest_neighbours(x, y, patients=patients)
    np.testing.assert_array_equal(predictions.ranking["ridge"], ridge.left_out_r)
    np.testing.assert_array_equal(predictions.ranking["knn"], knn.left_out_r)
    assert (gene_correlations(y, ridge.predict(x)) > ridge.left_out_r).all()  # what would be too good
    want = gene_correlations(y, (data.expression + noise)[rows.train])
    np.testing.assert_array_equal(predictions.ranking["network"], want)
    assert (chosen.alpha_median, chosen.k_median) == (np.median(ridge.alpha), np.median(knn.k))


def test_with_enough_validation_slides_all_methods_rank_genes_on_them(monkeypatch, data):
    rows, _, predictions, *_ = evaluated(monkeypatch, data, n_val=10)
    x, truth = pooled_features(data.means), data.expression
    ridge = fit_ridge(x[:40], truth[:40], patients=data.patients[:40])
    want = gene_correlations(truth[rows.val], ridge.predict(x[rows.val]))
    np.testing.assert_array_equal(predictions.ranking["ridge"], want)
    assert not predictions.ranking["mean"].any()


def test_predictions_are_read_as_they_were_written(monkeypatch, tmp_path, data):
    _, _, predictions, *_ = evaluated(monkeypatch, data, n_val=10)
    predictions.save(tmp_path / "fold.safetensors")
    again = FoldPredictions.load(tmp_path / "fold.safetensors")
    assert set(again.predicted) == {"network", "untrained", "ridge", "knn", "mean"}
    for name, values in predictions.predicted.items():
        np.testing.assert_array_equal(again.predicted[name], values)
        np.testing.assert_array_equal(again.ranking[name], predictions.ranking[name])
