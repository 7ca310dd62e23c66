"""What a network says of patients is the same to both packages: one writes the risks, the other reads them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from sequoia_base.outcomes import read_risk_table, write_risk_table
from sequoia_base.tied_times import tied_times
from sequoia_model.nets import TileMLP
from sequoia_model.risk.concordance import concordance
from sequoia_model.risk.fit import RiskPart, predict_risk
from sequoia_model.risk.partial_likelihood import cox_loss
from sequoia_stats.survival import breslow_log_likelihood, cox_regression, harrell_c
from sequoia_stats.types.outcome import Outcome


@pytest.fixture(scope="module")
def part() -> RiskPart:
    """Sixty patients of one slide each, whose times tie, also but for rounding."""
    drawn = np.random.default_rng(0)
    inputs = drawn.normal(size=(60, 6, 8)).astype(np.float32)
    days = drawn.integers(30, 200, 60)
    time = tied_times(np.where(days % 2, days / 30.4375, days * 12 / 365.25))
    return RiskPart(inputs, tuple(np.arange(60)[:, None]), time, drawn.random(60) < 0.5)


@pytest.fixture(scope="module")
def risk(part: RiskPart) -> np.ndarray:
    """What an untrained network says of them."""
    torch.manual_seed(0)
    network = TileMLP(input_dim=8, num_outputs=1, layers=(8,), ks=(1, 2, 6), num_clusters=6).eval()
    return predict_risk(network, part)


@pytest.fixture
def table(tmp_path: Path, part: RiskPart, risk: np.ndarray) -> pd.DataFrame:
    """The file of the model, as the statistics read it."""
    patients = pd.Index([f"P{i}" for i in range(60)], name="patient_id")
    written = pd.DataFrame(
        {"risk_score": risk, "fold": 0, "time": part.time, "event": part.event.astype(int)}, patients
    )
    write_risk_table(written, tmp_path / "risk.csv")
    return read_risk_table(tmp_path / "risk.csv")


def outcome_of(table: pd.DataFrame) -> Outcome:
    return Outcome(table["time"].to_numpy(), table["event"].to_numpy(bool), "PFI")


def test_breslow_s_loss_is_the_likelihood_of_the_statistics(table, part, risk):
    want = breslow_log_likelihood(table["risk_score"].to_numpy(), outcome_of(table))
    loss = cox_loss(torch.from_numpy(risk), part.time, part.event, ties="breslow")
    assert -part.event.sum() * float(loss) == pytest.approx(float(want), rel=1e-12)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_the_loss_at_the_coefficient_of_a_cox_model_is_its_likelihood(table, part, risk, ties):
    fit = cox_regression(outcome_of(table), table[["risk_score"]], ties=ties)
    told = torch.from_numpy(fit.frame["coef"].iloc[0] * risk)
    ours = [
        -part.event.sum() * float(cox_loss(eta, part.time, part.event, ties=ties)) for eta in (told, 0 * told)
    ]
    assert ours == pytest.approx([fit.log_likelihood, fit.log_likelihood_null], rel=1e-12)


def test_c_is_harrell_s_c_of_the_statistics(table, part, risk):
    want = harrell_c(outcome_of(table), table["risk_score"].to_numpy()).c_index
    assert concordance(part.time, part.event, risk) == want
