"""Paths: interpolation between penalties, settings, and what glmnet's paths depend on."""

from dataclasses import replace

import numpy as np
import pytest

from sequoia_stats.coxpath.path_engines import CoxPath, PathSettings, cox_path
from sequoia_stats.errors import InputError
from sequoia_stats.types.outcome import Outcome
from tests.build.cohorts import make_cohort


@pytest.fixture(scope="module")
def cohort():
    return make_cohort(n=150, events=70, genes=12, seed=2, planted={"G1": 1.0, "G2": -0.7})


@pytest.fixture
def small_path():
    return CoxPath(np.array([0.4, 0.2, 0.1]), np.array([[0.0, 0.0], [1.0, 0.0], [3.0, -2.0]]), 1.0, 0.0)


def test_coefficients_at_a_fitted_penalty_are_the_fitted_ones(small_path):
    np.testing.assert_array_equal(small_path.at(small_path.lambdas), small_path.coefficients)


def test_coefficients_between_penalties_are_linear_in_the_penalty(small_path):
    np.testing.assert_allclose(small_path.at(np.array([0.15])), [[2.0, -1.0]])


def test_coefficients_beyond_the_path_are_those_of_its_ends(small_path):
    np.testing.assert_array_equal(small_path.at(np.array([9.0, 0.001])), small_path.coefficients[[0, 2]])


def test_a_path_of_one_penalty_is_constant():
    path = CoxPath(np.array([0.3]), np.array([[1.5]]), 1.0, 0.0)
    np.testing.assert_array_equal(path.at(np.array([1.0, 0.3, 0.1])), [[1.5]] * 3)


@pytest.mark.needs_r
def test_the_unit_of_time_does_not_change_the_path(cohort):
    x, outcome = cohort.expression.to_numpy(), cohort.outcome
    days = replace(outcome, time=outcome.time * 30.4375)
    np.testing.assert_array_equal(cox_path(x, outcome).coefficients, cox_path(x, days).coefficients)


@pytest.mark.needs_r
def test_events_tied_with_censorings_do_not_depend_on_the_order_of_patients():
    cohort = make_cohort(n=80, events=40, genes=5, seed=5, ties=True)
    order = np.random.default_rng(0).permutation(80)
    x, outcome = cohort.expression.to_numpy(), cohort.outcome
    permuted = Outcome(outcome.time[order], outcome.event[order], "RFS")
    np.testing.assert_allclose(
        cox_path(x, outcome, PathSettings(thresh=1e-12)).coefficients,
        cox_path(x[order], permuted, PathSettings(thresh=1e-12)).coefficients,
        atol=1e-6,
    )


@pytest.mark.needs_r
def test_the_path_starts_where_the_first_gene_enters(cohort):
    path = cox_path(cohort.expression.to_numpy(), cohort.outcome)
    assert path.n_nonzero[0] == 0 and path.n_nonzero[1] > 0


@pytest.mark.parametrize(
    "bad", [{"alpha": 0.0}, {"alpha": 1.1}, {"lambda_min_ratio": 1.0}, {"lambda_min_ratio": 0.0}]
)
def test_settings_out_of_range_are_refused(bad):
    with pytest.raises(InputError, match=next(iter(bad))):
        PathSettings(**bad)


def test_an_unknown_engine_is_refused_with_the_choices(cohort):
    with pytest.raises(InputError, match="'glmnt' is not a valid engine") as caught:
        cox_path(cohort.expression.to_numpy(), cohort.outcome, engine="glmnt")
    assert "glmnet" in caught.value.fix
