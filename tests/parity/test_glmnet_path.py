"""Our call of glmnet gives the stored paths, and the stored paths meet the optimality conditions of the LASSO."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sequoia_stats.coxpath.path_engines import cox_path
from sequoia_stats.survival import cox_score
from tests.parity.glmnet_cases import CASES, problem, stored_path
from tests.parity.reference import assert_matches, require_stored_versions


@pytest.mark.needs_r
@pytest.mark.parametrize("case", CASES)
def test_path_through_the_bridge_equals_glmnet_called_from_r(case):
    require_stored_versions("glmnet_path")
    got, want = cox_path(*problem(case)), stored_path(case)
    np.testing.assert_allclose(got.lambdas, want.lambdas, rtol=1e-9)
    assert_matches(pd.DataFrame(got.coefficients), pd.DataFrame(want.coefficients), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("case", CASES)
def test_stored_path_satisfies_the_optimality_conditions_with_our_gradient(case):
    (x, outcome, settings), path = problem(case), stored_path(case)
    scale = x.std(axis=0)
    scores = [cox_score(x, x @ beta, outcome, as_glmnet=True) for beta in path.coefficients]
    gradients = np.array(scores) / scale / outcome.n
    lambdas, beta = path.lambdas[:, None], path.coefficients * scale
    gradients -= lambdas * (1 - settings.alpha) * beta
    bound = lambdas * settings.alpha
    residual = np.where(beta != 0, np.abs(gradients - bound * np.sign(beta)), np.abs(gradients) - bound)
    assert residual.max() < 1e-7
