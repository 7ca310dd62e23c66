"""Coefficients of Cox models with a ridge penalty equal coxph's with ridge(), and glmnet's without ties."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sequoia_base.tied_times import tied_times
from sequoia_model.risk.ridge_cox import fit_ridge_cox
from tests.parity.reference import assert_matches, inputs, reference

WANT = reference("ridge_cox/coefficients")


def fitted(name: str, n: int, penalty: float, *, ties: bool) -> pd.DataFrame:
    """Our coefficients for the first n patients."""
    x, outcome = (inputs(f"glmnet_path/{name}_{what}").iloc[:n] for what in ("ranks", "outcome"))
    time = tied_times(outcome["time"].to_numpy(float))
    time = time if ties else outcome["time"].rank(method="first").to_numpy()
    fit = fit_ridge_cox(x.to_numpy(float), time, outcome["event"].to_numpy(bool), penalties=[penalty])
    return pd.DataFrame({"coef": fit.coefficients}, x.columns)


@pytest.mark.parametrize("penalty", [1.0, 0.1, 0.01])
@pytest.mark.parametrize(
    ("case", "name", "n", "ties", "rtol"),
    [
        ("ties_30 of 80", "ties_30", 80, True, 1e-8),
        ("ties_30 of 25", "ties_30", 25, True, 1e-8),
        ("scanb_60 without ties", "scanb_60", 400, False, 1e-6),
    ],
)
def test_coefficients_equal_r(case, name, n, ties, rtol, penalty):
    want = WANT[(WANT["case"] == case) & np.isclose(WANT["penalty"], penalty)].set_index("gene")[["coef"]]
    assert_matches(fitted(name, n, penalty, ties=ties), want, rtol=rtol, atol=rtol * want["coef"].abs().max())
