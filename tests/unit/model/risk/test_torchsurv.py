"""The Cox loss beside torchsurv's, which computes in float32 and takes the mean over distinct event times."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sequoia_model.risk.partial_likelihood import cox_loss

theirs = pytest.importorskip("torchsurv.loss.cox", reason="torchsurv is installed by setup.sh with the model")


@pytest.mark.filterwarnings("ignore:Ties in `time` detected")
@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("months", [3, 20, 10**6])
def test_the_sum_agrees_to_the_digits_of_float32(ties, months):
    drawn = np.random.default_rng(months)
    time, event = torch.tensor(drawn.integers(1, months + 1, 200)), torch.tensor(drawn.random(200) < 0.4)
    log_hazard = torch.tensor(drawn.normal(size=200).astype(np.float32))
    want = theirs.neg_partial_log_likelihood(
        log_hazard, event, time.float(), ties_method=ties, reduction="sum"
    )
    got = cox_loss(log_hazard, time, event, ties=ties) * event.sum()
    assert float(got) == pytest.approx(float(want), rel=1e-5)
