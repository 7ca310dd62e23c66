"""Intervals of genes: which residuals serve whom, what they promise, and what they say."""

from __future__ import annotations

import numpy as np
import pytest

from sequoia_base.conformal import IntervalOptions, SlideRows, conformal_radius, plan_intervals
from sequoia_base.conformal.genes import fewest_patients
from sequoia_base.conformal.shift import PredictionShift, effective_patients
from sequoia_base.errors import InputError


def make_rows(n, folds=5, start=0):
    return SlideRows([f"P{i}" for i in range(start, start + n)], np.arange(n) % folds)


def make_new(n):
    return SlideRows([f"N{i}" for i in range(n)])


def draw(n, genes=4, seed=0):
    """Measured and predicted values of n slides."""
    drawn = np.random.default_rng(seed)
    predicted = drawn.normal(size=(n, genes))
    return predicted + drawn.normal(size=(n, genes)), predicted


def half_widths(plan, measured, predicted, new):
    bounds = plan.bounds(measured, predicted, new)
    np.testing.assert_allclose(bounds.upper - new, new - bounds.lower, rtol=1e-5)
    return bounds.upper - new


def test_a_new_patient_gets_the_residuals_of_all_folds():
    measured, predicted = draw(60)
    plan = plan_intervals(make_rows(60), make_new(3), IntervalOptions())
    expected = np.sort(np.abs(measured - predicted), axis=0)[54]  # ⌈61 · .9⌉ = 55
    np.testing.assert_allclose(
        half_widths(plan, measured, predicted, predicted[:3]), [expected] * 3, rtol=1e-5
    )
    assert plan.is_new.all()


def test_a_cross_validated_patient_gets_the_residuals_of_the_other_folds():
    measured, predicted = draw(60)
    rows = make_rows(60)
    plan = plan_intervals(rows, rows, IntervalOptions())
    found = half_widths(plan, measured, predicted, predicted)
    residuals = np.abs(measured - predicted)
    expected = [conformal_radius(residuals[rows.folds != fold], 0.9) for fold in rows.folds]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert not plan.is_new.any()


def test_a_patient_whom_a_fold_held_out_is_not_new_even_under_another_name():
    measured, predicted = draw(60)
    plan = plan_intervals(make_rows(60), SlideRows(["X"], [2]), IntervalOptions())
    others = np.abs(measured - predicted)[np.arange(60) % 5 != 2]
    found = half_widths(plan, measured, predicted, predicted[:1])
    np.testing.assert_allclose(found[0], conformal_radius(others, 0.9), rtol=1e-5)
    assert not plan.is_new.any()


def test_a_patient_of_a_calibration_without_folds_does_not_get_the_own_residual():
    measured, predicted = draw(40)
    measured[0] += 100
    rows = SlideRows([f"P{i}" for i in range(40)])
    plan = plan_intervals(rows, SlideRows(["P0", "N0"]), IntervalOptions(level=32 / 33))  # the largest of 32
    found = half_widths(plan, measured, predicted, predicted[:2])
    assert (found[0] < 50).all()
    assert plan.is_new.tolist() == [False, True]


def test_slides_of_a_patient_share_the_weight_of_the_patient():
    measured, predicted = draw(30)
    twice = np.repeat(np.arange(30), np.arange(30) % 3 + 1)
    rows = SlideRows(twice.astype(str), twice % 5)
    one = plan_intervals(
        SlideRows(np.arange(30).astype(str), np.arange(30) % 5), make_new(1), IntervalOptions()
    )
    many = plan_intervals(rows, make_new(1), IntervalOptions())
    np.testing.assert_allclose(
        half_widths(many, measured[twice], predicted[twice], predicted[:1]),
        half_widths(one, measured, predicted, predicted[:1]),
        rtol=1e-6,
    )


def test_a_slide_without_a_measurement_leaves_its_weight_to_the_others_of_the_patient():
    measured, predicted = draw(30)
    rows = SlideRows(np.repeat(np.arange(30), 2).astype(str), np.repeat(np.arange(30), 2) % 5)
    measured, predicted = np.repeat(measured, 2, axis=0), np.repeat(predicted, 2, axis=0)
    plan = plan_intervals(rows, make_new(1), IntervalOptions())
    expected = half_widths(plan, measured, predicted, predicted[:1])
    measured[::4, 1] = np.nan
    np.testing.assert_array_equal(half_widths(plan, measured, predicted, predicted[:1]), expected)


def test_within_uses_patients_of_the_same_level_and_says_which_levels_are_too_small():
    measured, predicted = draw(60)
    groups = np.repeat(["A", "B", "C"], [40, 15, 5])
    rows = SlideRows(make_rows(60).patients, np.arange(60) % 5, groups)
    new = SlideRows(["n1", "n2", "n3", "n4"], None, ["A", "B", "C", None])
    plan = plan_intervals(rows, new, IntervalOptions(within="site"))
    residuals = np.abs(measured - predicted)
    sets = [residuals[:40], residuals[40:55], residuals, residuals]
    found = half_widths(plan, measured, predicted, predicted[:4])
    np.testing.assert_allclose(found, [conformal_radius(some, 0.9) for some in sets], rtol=1e-5)
    assert plan.notes[0].startswith("1 level of site with fewer than 9 calibration patients")
    assert "C (5 patients)" in plan.notes[0] and "1 slide has no site" in plan.notes[1]


@pytest.mark.parametrize(("level", "fewest"), [(0.9, 9), (0.95, 19), (0.8, 4), (0.5, 1)])
def test_the_fewest_patients_give_a_finite_interval(level, fewest):
    assert fewest_patients(level) == fewest
    measured, predicted = draw(fewest)
    plan = plan_intervals(make_rows(fewest), make_new(1), IntervalOptions(level=level))
    assert np.isfinite(half_widths(plan, measured, predicted, predicted[:1])).all()
    with pytest.raises(InputError, match="is the whole line"):
        plan_intervals(make_rows(fewest - 1), make_new(1), IntervalOptions(level=level))


def test_eight_patients_are_told_the_largest_level():
    with pytest.raises(InputError) as caught:
        plan_intervals(make_rows(8), make_new(1), IntervalOptions(level=0.9))
    assert "8 calibration patients" in caught.value.what
    assert "0.888" in caught.value.fix


def test_a_gene_measured_in_too_few_patients_has_the_whole_line():
    measured, predicted = draw(20)
    measured[:12, 1] = np.nan
    plan = plan_intervals(make_rows(20), make_new(2), IntervalOptions())
    bounds = plan.bounds(measured, predicted, predicted[:2])
    assert np.isneginf(bounds.lower[:, 1]).all() and np.isposinf(bounds.upper[:, 1]).all()
    assert np.isfinite(bounds.lower[:, [0, 2, 3]]).all()


# --- widths that follow the predicted value ------------------------------------------------------------------------


def draw_fan(n, seed, growth):
    """2,000 genes whose residuals grow with the predicted value."""
    drawn = np.random.default_rng(seed)
    predicted = drawn.normal(size=(n, 2000))
    return predicted + np.exp(growth * predicted) * drawn.normal(size=predicted.shape), predicted


@pytest.mark.parametrize(("n", "growth"), [(60, 0.0), (60, 0.4), (100, 0.4)])
def test_normalised_intervals_keep_their_promise(n, growth):
    measured, predicted = draw_fan(n + 200, n, growth)
    plan = plan_intervals(make_rows(n), make_new(200), IntervalOptions(normalised=True))
    bounds = plan.bounds(measured[:n], predicted[:n], predicted[n:])
    covered = (measured[n:] >= bounds.lower) & (measured[n:] <= bounds.upper)
    assert covered.mean() == pytest.approx(0.9, abs=0.012)


def test_normalised_intervals_are_shorter_where_residuals_follow_the_predicted_value():
    measured, predicted = draw_fan(300, 1, 0.4)
    widths = []
    for normalised in (False, True):
        plan = plan_intervals(make_rows(100), make_new(200), IntervalOptions(normalised=normalised))
        bounds = plan.bounds(measured[:100], predicted[:100], predicted[100:])
        widths.append((bounds.upper - bounds.lower).mean())
    assert widths[1] < 0.96 * widths[0]


def test_normalised_intervals_are_plain_where_residuals_do_not():
    measured, predicted = draw_fan(300, 2, 0.0)
    plan = plan_intervals(make_rows(100), make_new(200), IntervalOptions(normalised=True))
    assert plan.bounds(measured[:100], predicted[:100], predicted[100:]).normalised.mean() < 0.02


def test_the_spread_of_a_patient_does_not_depend_on_the_own_fold():
    measured, predicted = draw_fan(50, 3, 0.4)
    rows = make_rows(50)
    plan = plan_intervals(rows, SlideRows(rows.patients[:1]), IntervalOptions(normalised=True))
    before = plan.bounds(measured, predicted, predicted[:1])
    measured[np.arange(50) % 5 == 0] += 50
    after = plan.bounds(measured, predicted, predicted[:1])
    same = before.normalised == after.normalised  # which genes are normalised is chosen with all
    np.testing.assert_allclose(before.upper[:, same], after.upper[:, same], rtol=1e-5)


def test_residuals_of_zero_give_intervals_of_no_width():
    predicted = draw(20)[1]
    plan = plan_intervals(make_rows(20), make_new(1), IntervalOptions(normalised=True))
    bounds = plan.bounds(predicted, predicted, predicted[:1])
    np.testing.assert_array_equal(bounds.lower, bounds.upper)


# --- CV+ ------------------------------------------------------------------------------------------------------------


def brute_cv_plus(residuals, folds, by_network, level):
    """Barber et al. (2021), equation 10, for one slide and gene, by sorting all sums."""
    kept = ~np.isnan(residuals)
    sums = (by_network[folds] + residuals)[kept]
    differences = (by_network[folds] - residuals)[kept]
    rank = int(np.ceil((kept.sum() + 1) * level - 1e-9))
    if rank > kept.sum():
        return -np.inf, np.inf
    return -np.sort(-differences)[rank - 1], np.sort(sums)[rank - 1]


def test_cv_plus_is_the_definition_of_its_authors():
    measured, predicted = draw(37, genes=5)
    measured[:4, 2] = np.nan
    measured[:30, 3] = np.nan
    by_network = np.random.default_rng(7).normal(size=(5, 6, 5))
    rows = make_rows(37)
    plan = plan_intervals(rows, make_new(6), IntervalOptions(method="cv+"), range(5))
    bounds = plan.bounds(measured, predicted, by_network.mean(axis=0), by_network)
    residuals = np.abs(measured - predicted)
    expected = np.array(
        [
            [brute_cv_plus(residuals[:, gene], rows.folds, by_network[:, i, gene], 0.9) for gene in range(5)]
            for i in range(6)
        ]
    )
    np.testing.assert_allclose(np.stack([bounds.lower, bounds.upper], axis=-1), expected, rtol=1e-6)


def test_cv_plus_with_equal_networks_is_the_pooled_interval():
    measured, predicted = draw(50)
    new = predicted[:3]
    pooled = plan_intervals(make_rows(50), make_new(3), IntervalOptions()).bounds(measured, predicted, new)
    plan = plan_intervals(make_rows(50), make_new(3), IntervalOptions(method="cv+"), range(5))
    found = plan.bounds(measured, predicted, new, np.stack([new] * 5))
    np.testing.assert_allclose(found.lower, pooled.lower, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.upper, pooled.upper, rtol=1e-5, atol=1e-6)


def test_cv_plus_weighs_the_slides_of_a_patient():
    measured, predicted = draw(30)
    twice = np.repeat(np.arange(30), 2)
    by_network = np.random.default_rng(8).normal(size=(5, 2, 4))
    options = IntervalOptions(method="cv+")
    one = plan_intervals(make_rows(30), make_new(2), options, range(5))
    two = plan_intervals(SlideRows(twice.astype(str), twice % 5), make_new(2), options, range(5))
    once = one.bounds(measured, predicted, by_network[0], by_network)
    doubled = two.bounds(measured[twice], predicted[twice], by_network[0], by_network)
    np.testing.assert_array_equal(doubled.upper, once.upper)


def test_cv_plus_refuses_folds_without_their_network():
    with pytest.raises(InputError, match="there is none for 3, 4"):
        plan_intervals(make_rows(30), make_new(1), IntervalOptions(method="cv+"), [0, 1, 2])


def test_cv_plus_is_not_normalised():
    with pytest.raises(InputError, match="cv\\+ cannot be normalised"):
        IntervalOptions(method="cv+", normalised=True)


# --- covariate shift ------------------------------------------------------------------------------------------------


def shifted(n, m, shift, seed=0):
    """Predictions whose first hidden value is shifted in new patients, and whose residuals grow with it."""
    drawn = np.random.default_rng(seed)
    hidden = drawn.normal(size=(n + m, 2))
    hidden[n:, 0] += shift
    predicted = hidden @ drawn.normal(size=(2, 300)) + 0.1 * drawn.normal(size=(n + m, 300))
    return predicted + np.exp(0.5 * hidden[:, :1]) * drawn.normal(size=predicted.shape), predicted


def with_shift_weights(plan, predicted, n):
    found = PredictionShift(plan.calibration, plan.new)
    found.add(predicted[:n])
    found.project(predicted[:n], predicted[n:])
    return plan.with_weights(*found.weights())


def test_weights_restore_the_coverage_of_shifted_patients():
    n, m = 600, 300
    measured, predicted = shifted(n, m, 1.0)
    plan = plan_intervals(make_rows(n), make_new(m), IntervalOptions(weighted=True))
    coverage = []
    for one in (plan, with_shift_weights(plan, predicted, n)):
        bounds = one.bounds(measured[:n], predicted[:n], predicted[n:])
        coverage.append(((measured[n:] >= bounds.lower) & (measured[n:] <= bounds.upper)).mean())
    assert coverage[0] < 0.83 and coverage[1] == pytest.approx(0.9, abs=0.03)


def test_the_effective_number_falls_with_the_shift():
    n, found = 300, []
    for shift in (0.0, 1.5):
        _, predicted = shifted(n, 200, shift)
        plan = plan_intervals(make_rows(n), make_new(200), IntervalOptions(weighted=True))
        found.append(with_shift_weights(plan, predicted, n).effective_patients())
    assert 270 < found[0] <= 300 and found[1] < 120


def test_the_effective_number_counts_patients():
    assert effective_patients(np.ones(6), np.array([0, 0, 0, 1, 2, 2])) == pytest.approx(3)


def test_blocks_of_genes_give_the_same_components():
    _, predicted = shifted(80, 40, 0.5)
    plan = plan_intervals(make_rows(80), make_new(40), IntervalOptions(weighted=True))
    whole = with_shift_weights(plan, predicted, 80).weights
    parts = PredictionShift(plan.calibration, plan.new)
    for cut in (slice(0, 90), slice(90, 300)):
        parts.add(predicted[:80, cut])
    for cut in (slice(0, 90), slice(90, 300)):
        parts.project(predicted[:80, cut], predicted[80:, cut])
    for one, other in zip(parts.weights(), whole, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)
