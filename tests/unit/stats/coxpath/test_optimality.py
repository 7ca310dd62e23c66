"""Optimality conditions: met by converged solutions, broken by moved ones; the penalty at which the path begins."""

import numpy as np
import pytest

from sequoia_stats.coxpath.optimality import kkt_residual, largest_penalty
from sequoia_stats.coxpath.path_engines import PathSettings, cox_path
from tests.build.cohorts import make_cohort


@pytest.fixture(scope="module")
def cohort():
    return make_cohort(n=150, events=70, genes=12, seed=2, planted={"G1": 1.0, "G2": -0.7})


@pytest.mark.needs_r
@pytest.mark.parametrize("alpha", [1.0, 0.5])
def test_converged_solutions_meet_the_optimality_conditions(cohort, alpha):
    x = cohort.expression.to_numpy()
    path = cox_path(x, cohort.outcome, PathSettings(alpha=alpha, thresh=1e-14))
    middle = path.lambdas.size // 2
    residual = kkt_residual(x, cohort.outcome, path.coefficients[middle], path.lambdas[middle], alpha)
    assert path.n_nonzero[middle] > 0 and residual < 1e-5


@pytest.mark.needs_r
def test_a_solution_that_is_moved_breaks_the_optimality_conditions(cohort):
    x = cohort.expression.to_numpy()
    path = cox_path(x, cohort.outcome)
    moved = path.coefficients[40] + 0.05 * (path.coefficients[40] != 0)
    assert kkt_residual(x, cohort.outcome, moved, path.lambdas[40]) > 0.01


def test_the_null_model_is_optimal_from_the_largest_penalty_on(cohort):
    x, null = cohort.expression.to_numpy(), np.zeros(12)
    first = largest_penalty(x, cohort.outcome)
    assert kkt_residual(x, cohort.outcome, null, first) == 0
    assert kkt_residual(x, cohort.outcome, null, 0.99 * first) > 0


@pytest.mark.needs_r
def test_the_path_begins_at_the_largest_penalty(cohort):
    x = cohort.expression.to_numpy()
    path = cox_path(x, cohort.outcome, PathSettings(alpha=0.5))
    assert path.lambdas[0] == pytest.approx(largest_penalty(x, cohort.outcome, 0.5), rel=1e-12)
