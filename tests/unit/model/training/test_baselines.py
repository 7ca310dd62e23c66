"""Baselines: ridge and neighbours equal scikit-learn and brute force, and choose without the patient they predict."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge as SklearnRidge
from sklearn.linear_model import RidgeCV
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sequoia_model.errors import InputError
from sequoia_model.training.baselines import (
    ALPHAS,
    Chosen,
    fit_ridge,
    in_words,
    nearest_neighbours,
    pooled_features,
    training_mean,
)
from sequoia_model.training.baselines.pooled import GENES_AT_A_TIME

#: More slides than columns, and fewer.
SHAPES = [(40, 12), (30, 50)]


def make_part(n=40, d=12, genes=7, seed=0, slides_each=1):
    """Features on unequal scales, genes that depend on them to a different degree, and patients."""
    rng = np.random.default_rng([seed, n, d])
    x = rng.normal(size=(n, d)) * np.exp(rng.normal(size=d)) + rng.normal(size=d)
    signal = (x - x.mean(0)) / x.std(0) @ rng.normal(size=(d, genes))
    y = 3 + np.linspace(0, 1, genes) * signal + rng.normal(size=(n, genes)) * np.sqrt(d)
    patients = np.array([f"P{i // slides_each}" for i in range(n)], dtype=object)
    return x, y, patients


def left_out_errors(x, y, patients, alpha):
    """Squared errors by fitting once per patient, with the scale of all columns kept."""
    x = (x - x.mean(0)) / x.std(0)
    predicted = np.empty_like(y)
    for patient in set(patients):
        out = patients == patient
        predicted[out] = SklearnRidge(alpha=alpha, solver="svd").fit(x[~out], y[~out]).predict(x[out])
    return np.mean((y - predicted) ** 2, axis=0), predicted


@pytest.mark.parametrize(("n", "d"), SHAPES)
@pytest.mark.parametrize("alpha", [0.1, 30.0, 1e5])
def test_ridge_equals_scikit_learns(n, d, alpha):
    x, y, _ = make_part(n, d)
    new = make_part(9, d, seed=1)[0]
    theirs = make_pipeline(StandardScaler(), SklearnRidge(alpha=alpha, solver="svd")).fit(x, y)
    ours = fit_ridge(x, y, alphas=[alpha])
    np.testing.assert_allclose(ours.predict(new), theirs.predict(new), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(("n", "d"), SHAPES)
def test_each_gene_gets_the_penalty_of_ridgecv(n, d):
    x, y, _ = make_part(n, d, genes=30)
    theirs = RidgeCV(alphas=ALPHAS, alpha_per_target=True).fit(StandardScaler().fit_transform(x), y)
    ours = fit_ridge(x, y)
    np.testing.assert_array_equal(ours.alpha, theirs.alpha_)
    np.testing.assert_allclose(ours.left_out_mse, -theirs.best_score_, rtol=1e-8)
    assert len(set(ours.alpha)) > 3


@pytest.mark.parametrize(("n", "d"), SHAPES)
@pytest.mark.parametrize("slides_each", [2, 3, 15])
def test_all_slides_of_a_patient_are_left_out_together(n, d, slides_each):
    x, y, patients = make_part(n, d, slides_each=slides_each)
    tried = [0.5, 20.0, 900.0]
    errors = np.array([left_out_errors(x, y, patients, alpha)[0] for alpha in tried])
    ours = fit_ridge(x, y, patients=patients, alphas=tried, shared=False)
    np.testing.assert_allclose(ours.left_out_mse, errors.min(axis=0), rtol=1e-8)
    np.testing.assert_array_equal(ours.alpha, np.array(tried)[errors.argmin(axis=0)])


def test_a_shared_penalty_has_the_smallest_error_over_all_genes():
    x, y, patients = make_part(slides_each=2)
    y[:, 2] *= 100  # the unit of a gene does not count
    y = np.c_[y, np.ones(len(y))]  # nor does a constant gene
    errors = np.array([left_out_errors(x, y, patients, alpha)[0] for alpha in ALPHAS])
    want = ALPHAS[(errors[:, :-1] / y[:, :-1].var(axis=0)).sum(axis=1).argmin()]
    fit = fit_ridge(x, y, patients=patients, shared=True)
    assert set(fit.alpha) == {want}
    np.testing.assert_allclose(fit.left_out_mse, errors[ALPHAS.index(want)], rtol=1e-8, atol=1e-12)
    assert fit.alphas.tolist() == sorted(ALPHAS)
    assert len(set(fit_ridge(x, y, patients=patients).alpha)) > 1


def test_few_patients_choose_one_penalty_for_all_genes_and_this_is_said():
    x, y, patients = make_part(38, slides_each=2)
    few = fit_ridge(x, y, patients=patients)
    np.testing.assert_array_equal(few.alpha, fit_ridge(x, y, patients=patients, shared=True).alpha)
    assert few.note == "all genes share one penalty, since only 19 patients chose it"
    enough = fit_ridge(x, y)
    assert enough.note == "" and len(set(enough.alpha)) > 1


def test_the_left_out_correlation_is_that_of_the_left_out_predictions():
    x, y, patients = make_part(slides_each=2)
    predicted = left_out_errors(x, y, patients, 20.0)[1]
    want = [np.corrcoef(y[:, j], predicted[:, j])[0, 1] for j in range(y.shape[1])]
    np.testing.assert_allclose(fit_ridge(x, y, patients=patients, alphas=[20.0]).left_out_r, want, rtol=1e-8)


def test_leaving_out_patients_chooses_otherwise_than_leaving_out_slides():
    x, y, patients = make_part(60, 12, genes=20, slides_each=1)
    x, y, patients = np.repeat(x, 3, 0), np.repeat(y, 3, 0), np.repeat(patients, 3)  # three equal slides each
    x = x + np.random.default_rng(2).normal(size=x.shape) * 1e-3
    assert fit_ridge(x, y, patients=patients).alpha.mean() > 3 * fit_ridge(x, y).alpha.mean()


def test_genes_of_other_blocks_make_no_difference():
    x, y, patients = make_part(genes=GENES_AT_A_TIME + 5, slides_each=2)
    whole, last = fit_ridge(x, y, patients=patients), fit_ridge(x, y[:, -3:], patients=patients)
    np.testing.assert_array_equal(whole.alpha[-3:], last.alpha)
    np.testing.assert_allclose(whole.coefficients[:, -3:], last.coefficients, rtol=1e-10, atol=1e-13)
    whole, last = (nearest_neighbours(x, part, patients=patients) for part in (y, y[:, -3:]))
    np.testing.assert_array_equal(whole.predict(x)[:, -3:], last.predict(x))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 99), st.floats(0.1, 10), st.floats(-5, 5))
def test_ridge_does_not_depend_on_the_scale_of_features_or_genes(seed, factor, shift):
    x, y, patients = make_part(24, 6, genes=3, seed=seed, slides_each=2)
    plain = fit_ridge(x, y, patients=patients, shared=False)
    moved = fit_ridge(x * factor + shift, y * factor + shift, patients=patients, shared=False)
    np.testing.assert_array_equal(moved.alpha, plain.alpha)
    np.testing.assert_allclose(
        moved.predict(x * factor + shift), plain.predict(x) * factor + shift, rtol=1e-6
    )


def test_a_constant_column_and_a_constant_gene_change_nothing_else():
    x, y, _ = make_part()
    plain = fit_ridge(x, y)
    constant = fit_ridge(np.c_[x, np.full(len(x), 0.1)], np.c_[y, np.full(len(y), 0.1)])
    np.testing.assert_allclose(constant.predict(np.c_[x, np.zeros(len(x))])[:, :-1], plain.predict(x))
    assert constant.predict(np.c_[x, np.zeros(len(x))])[:, -1] == pytest.approx(np.full(len(x), 0.1))
    assert constant.left_out_r[-1] == 0
    np.testing.assert_array_equal(constant.alpha[:-1], plain.alpha)


def test_features_without_any_difference_predict_the_training_mean():
    _, y, _ = make_part()
    fit = fit_ridge(np.ones((len(y), 4)), y)
    np.testing.assert_allclose(fit.predict(np.ones((2, 4))), training_mean(y).predict(np.ones((2, 4))))
    assert fit.at_edge == (0, y.shape[1])


def test_genes_that_features_do_not_tell_are_at_the_strongest_penalty():
    x, y, _ = make_part(60, 12, genes=40)
    strong = fit_ridge(x, np.random.default_rng(5).normal(size=y.shape))
    assert strong.at_edge[1] > 10
    assert strong.at_edge[0] == 0


@pytest.mark.parametrize(("fit", "more"), [(fit_ridge, {"shared": False}), (nearest_neighbours, {})])
def test_slides_of_one_patient_are_left_out_singly_and_this_is_said(fit, more):
    x, y, _ = make_part()
    one, each = fit(x, y, patients=["P"] * len(x), **more), fit(x, y)
    np.testing.assert_array_equal(one.left_out_mse, each.left_out_mse)
    assert "one patient" in one.note
    assert each.note == ""


def test_neighbours_equal_scikit_learns():
    x, y, _ = make_part(50, 8)
    new = make_part(9, 8, seed=1)[0]
    theirs = make_pipeline(StandardScaler(), KNeighborsRegressor(5)).fit(x, y)
    np.testing.assert_allclose(nearest_neighbours(x, y, k=[5]).predict(new), theirs.predict(new), rtol=1e-12)


def test_the_number_of_neighbours_is_chosen_without_slides_of_the_same_patient():
    x, y, patients = make_part(40, 5, genes=12, slides_each=2)
    tried = [1, 3, 10]
    standard = (x - x.mean(0)) / x.std(0)
    distance = ((standard[:, None] - standard) ** 2).sum(axis=2)
    errors = np.empty((len(tried), y.shape[1]))
    for row, k in enumerate(tried):
        predicted = np.empty_like(y)
        for i, patient in enumerate(patients):
            others = np.flatnonzero(patients != patient)
            predicted[i] = y[others[np.argsort(distance[i, others])[:k]]].mean(axis=0)
        errors[row] = ((y - predicted) ** 2).mean(axis=0)
    fit = nearest_neighbours(x, y, patients=patients, k=tried)
    np.testing.assert_allclose(fit.left_out_mse, errors.min(axis=0), rtol=1e-10)
    np.testing.assert_array_equal(fit.k, np.array(tried)[errors.argmin(axis=0)])


def test_more_neighbours_than_slides_are_not_tried():
    x, y, patients = make_part(8, 3, slides_each=4)
    assert set(nearest_neighbours(x, y, patients=patients).k) <= {1, 2, 3}
    assert nearest_neighbours(x, y, patients=patients, k=[50]).k.tolist() == [4] * y.shape[1]


def test_expression_in_float32_is_enough_and_is_not_copied():
    x, y, _ = make_part()
    fit = nearest_neighbours(x, y.astype(np.float32))
    assert fit.expression.dtype == np.float32
    np.testing.assert_allclose(
        fit_ridge(x, y.astype(np.float32)).predict(x), fit_ridge(x, y).predict(x), rtol=1e-4
    )


def test_features_are_pooled_over_clusters_in_blocks():
    means = np.random.default_rng(0).normal(size=(70, 5, 4)).astype(np.float32)
    np.testing.assert_allclose(pooled_features(means), means.astype(np.float64).mean(axis=1), rtol=1e-12)


@pytest.mark.parametrize(
    ("x", "y", "patients", "words"),
    [
        (np.ones((3, 2)), np.ones((4, 2)), None, "do not fit together"),
        (np.ones((3, 2)), np.ones((3, 2)), ["P"], "1 patient do not fit"),
        (np.ones((1, 2)), np.ones((1, 2)), None, "there is 1"),
        (np.array([[1.0], [np.nan]]), np.ones((2, 2)), ["P7", "P8"], "row 1, patient P8"),
        (np.ones((2, 2)), np.array([[np.inf], [1.0]]), ["P7", "P8"], "measured values of 1 training slide"),
    ],
)
@pytest.mark.parametrize("fit", [fit_ridge, nearest_neighbours])
def test_a_training_part_that_cannot_be_fitted_is_refused(fit, x, y, patients, words):
    with pytest.raises(InputError, match=words):
        fit(x, y, patients=patients)


@pytest.mark.parametrize("alphas", [[], [0.0], [-1.0], [np.nan]])
def test_penalties_that_are_not_above_zero_are_refused(alphas):
    x, y, _ = make_part()
    with pytest.raises(InputError, match="penalties must be"):
        fit_ridge(x, y, alphas=alphas)


def test_no_neighbours_are_refused():
    x, y, _ = make_part()
    with pytest.raises(InputError, match="1 or more"):
        nearest_neighbours(x, y, k=[0])


@pytest.mark.parametrize("fit", [fit_ridge, nearest_neighbours])
def test_features_of_another_encoder_are_refused(fit):
    x, y, _ = make_part()
    with pytest.raises(InputError, match="12 columns"):
        fit(x, y).predict(x[:, :5])


# --- what was chosen ------------------------------------------------------------------------------------------------


def test_the_choices_of_a_fold_are_medians_and_the_genes_at_the_edges():
    x, y, _ = make_part(genes=6)
    ridge, knn = fit_ridge(x, y, alphas=[1e-3, 1.0, 1e6], shared=False), nearest_neighbours(x, y)
    ridge = replace(ridge, alpha=np.array([1e-3, 1, 1, 1e6, 1e6, 1e6]))
    knn = replace(knn, k=np.array([1, 2, 3, 5, 8, 12]))
    assert Chosen.of(ridge, knn) == Chosen(500000.5, 1e-3, 1e6, 1 / 6, 1 / 2, 4.0)


def test_one_number_for_all_folds_is_said_once():
    words = in_words([Chosen(10, 0.1, 1e7, 0, 1, 8)] * 2)
    assert "a median penalty of 10 in the folds; 0% of the genes" in words and words.endswith("number of 8.")
