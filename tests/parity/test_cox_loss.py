"""The loss of a network is R's partial likelihood at given log-hazards, and its gradient the martingale residuals."""

from __future__ import annotations

import pandas as pd
import pytest
import torch

from sequoia_base.tied_times import tied_times
from sequoia_model.risk.partial_likelihood import cox_loss
from tests.parity.reference import assert_matches, inputs, reference

VALUES = reference("cox_loss/values")
GRADIENTS = reference("cox_loss/gradients")


def log_likelihood(case: pd.Series) -> tuple[float, list[float]]:
    """The log partial likelihood of a case, and its gradient by each log-hazard."""
    patients = inputs(f"cohorts/{case['cohort']}")
    told = inputs(f"cox_loss/{'tcga_pfi' if case['cohort'] == 'tcga_pfi' else 'ties'}")
    eta = torch.tensor(told[case["column"]].to_numpy(float), requires_grad=True)
    time, event = tied_times(patients["time"].to_numpy(float)), patients["event"].to_numpy(bool)
    value = -event.sum() * cox_loss(eta, time, event, ties=case["ties"])
    value.backward()
    assert eta.grad is not None
    return value.item(), eta.grad.tolist()


@pytest.mark.parametrize("cohort", VALUES["cohort"].unique())
def test_the_loss_equals_r(cohort):
    want = VALUES[VALUES["cohort"] == cohort]
    got = {name: log_likelihood(case)[0] for name, case in want.iterrows()}
    want = want[["log_likelihood"]]
    assert_matches(pd.DataFrame({"log_likelihood": got}, want.index), want, rtol=1e-8)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_the_gradient_equals_r(ties):
    want = GRADIENTS.filter(like=ties)
    got = {name: log_likelihood(VALUES.loc[name])[1] for name in want}
    assert_matches(pd.DataFrame(got, want.index), want, rtol=1e-8, atol=1e-10)
