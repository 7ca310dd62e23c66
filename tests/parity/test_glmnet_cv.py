"""The cross-validation curve equals cv.glmnet's: its arithmetic on R's own folds, and the whole through the bridge."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from sequoia_stats.coxpath.cross_validation import CrossValidation, cross_validate
from sequoia_stats.coxpath.path_engines import PATH_ENGINES, CoxPath, PathSettings
from sequoia_stats.types.outcome import Outcome
from tests.parity.glmnet_cases import CASES, FOLDS_STORED, foldid, problem, stored_fold_paths, stored_path
from tests.parity.reference import assert_matches, reference, require_stored_versions


class StoredFolds:
    """An engine that returns R's stored path: of all patients, or of the fold whose patients are missing."""

    def __init__(self, case: str) -> None:
        x, folds = problem(case)[0], foldid(case)
        self.paths = {x.tobytes(): stored_path(case)}
        self.paths |= {x[folds != k + 1].tobytes(): path for k, path in enumerate(stored_fold_paths(case))}

    def path(self, x: np.ndarray, outcome: Outcome, settings: PathSettings) -> CoxPath:
        return self.paths[np.ascontiguousarray(x).tobytes()]

    def versions(self) -> Mapping[str, str]:
        return {}


def check_curve(got: CrossValidation, case: str, rtol: float) -> None:
    want = reference(f"glmnet_cv/{case}_curve")
    curve = got.to_frame().set_axis(want.index)
    curve["se"], curve["mean"] = curve["high"] - curve["deviance"], curve["deviance"]
    assert_matches(curve[want.columns], want, rtol=rtol)
    chosen = reference("glmnet_cv/chosen").loc[case]
    np.testing.assert_allclose(
        [got.lambda_min, got.lambda_1se], [chosen.lambda_min, chosen.lambda_1se], rtol=1e-9
    )


@pytest.mark.parametrize("case", FOLDS_STORED)
def test_curve_from_the_stored_folds_equals_cv_glmnet(case, monkeypatch):
    monkeypatch.setitem(PATH_ENGINES, "stored", StoredFolds(case))
    x, outcome, settings = problem(case)
    _, got = cross_validate(x, outcome, foldid(case)[None], settings, engine="stored")
    check_curve(got, case, rtol=1e-8)


@pytest.mark.slow
@pytest.mark.needs_r
@pytest.mark.parametrize("case", CASES)
def test_curve_through_the_bridge_equals_cv_glmnet(case):
    require_stored_versions("glmnet_cv")
    x, outcome, settings = problem(case)
    check_curve(cross_validate(x, outcome, foldid(case)[None], settings)[1], case, rtol=1e-6)
