"""The Cox loss beside torchsurv's, and an epoch of a network that learns risk, on one thread.

The loss is timed with its gradient: of a batch of 64 patients, and of whole cohorts, with times that tie (months) and
that do not. Both get the same log-hazards, times and events, and their sums must agree to the digits of float32, in
which torchsurv computes. An epoch is that of the small network: 450 patients in batches, 50 who validate, 100 × 128
inputs each. The other epoch is the same with torchsurv's loss. The network itself takes nearly all of an epoch, so the
share of the loss and of everything else outside the network is printed too.
"""

from __future__ import annotations

import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import torch
from torch import Tensor

from sequoia_model.risk import fit as risk_fit
from sequoia_model.risk.fit import RiskPart, fit_risk
from sequoia_model.risk.options import RiskOptions
from sequoia_model.risk.partial_likelihood import TIES, cox_loss
from sequoia_model.risk.ridge_cox import fit_ridge_cox
from sequoia_model.training.checkpoints import Checkpoints
from sequoia_model.training.networks import new_network
from tests.bench.timing import cpu_seconds, line

TRAIN, VAL, TOKENS, DIM = 450, 50, 100, 128
Loss = Callable[..., Tensor]


def torchsurv_loss(log_hazard: Tensor, time: Tensor, event: Tensor, *, ties: str = "efron") -> Tensor:
    """Torchsurv's loss, per event as ours."""
    from torchsurv.loss.cox import neg_partial_log_likelihood

    event, time = torch.as_tensor(event), torch.as_tensor(time)
    total = neg_partial_log_likelihood(log_hazard.float(), event, time, ties_method=ties, reduction="sum")
    return total / event.sum()


def repeated(
    loss: Loss, eta: Tensor, months: Tensor, event: Tensor, ties: str, times: int
) -> Callable[[], None]:
    """The loss and its gradient, several times."""

    def run() -> None:
        for _ in range(times):
            loss(eta, months, event, ties=ties).backward()
            eta.grad = None

    return run


def bench_loss(n: int, *, tied: bool, ties: str, times: int) -> None:
    """A line of the loss of n patients."""
    drawn = np.random.default_rng(n)
    months = 30 * drawn.exponential(size=n)
    what = torch.tensor(np.ceil(months) if tied else months), torch.tensor(drawn.random(n) < 0.4)
    eta = torch.tensor(drawn.normal(size=n).astype(np.float32), requires_grad=True)
    ours, theirs = (repeated(loss, eta, *what, ties, times) for loss in (cox_loss, torchsurv_loss))
    rounds = [(cpu_seconds(ours), cpu_seconds(theirs)) for _ in range(6)][1:]
    mine, other = (median(column) / times * 1000 for column in zip(*rounds, strict=True))
    values = [float(loss(eta, *what, ties=ties)) for loss in (cox_loss, torchsurv_loss)]
    assert abs(values[0] / values[1] - 1) < 1e-5
    line(
        f"1,000 losses of {n:,}, {'tied' if tied else 'distinct'} times, {ties}",
        mine,
        other,
        "torchsurv",
        ">= 1 x",
    )


class Cohort:
    """Patients with one slide each, and the network that learns from them."""

    def __init__(self) -> None:
        drawn = np.random.default_rng(0)
        inputs = drawn.normal(size=(TRAIN + VAL, TOKENS, DIM)).astype(np.float32)
        months, event = 30 * drawn.exponential(size=TRAIN + VAL), drawn.random(TRAIN + VAL) < 0.4
        self.parts = [
            RiskPart(inputs, tuple(np.arange(a, b)[:, None]), months[a:b], event[a:b])
            for a, b in ((0, TRAIN), (TRAIN, TRAIN + VAL))
        ]
        self.options = RiskOptions(size="small", epochs=1).completed("cpu")

    def epoch(self, loss: Loss) -> tuple[float, float]:
        """Seconds of the CPU of an epoch with a loss, and the training loss."""
        network = new_network(self.options, dim=DIM, n_clusters=TOKENS, n_genes=1, fold=0)
        before, risk_fit.cox_loss = risk_fit.cox_loss, loss
        try:
            with tempfile.TemporaryDirectory() as name:
                checkpoints, start = Checkpoints(Path(name), ""), time.process_time()
                fitted = fit_risk(
                    network, *self.parts, self.options, checkpoints=checkpoints, device=torch.device("cpu")
                )
                return time.process_time() - start, fitted.log[0]["train_loss"]
        finally:
            risk_fit.cox_loss = before

    def network_alone(self) -> float:
        """Seconds of the CPU of the network's own passes: forward and backward, and forward to validate."""
        network = new_network(self.options, dim=DIM, n_clusters=TOKENS, n_genes=1, fold=0).train()
        train, val = (torch.from_numpy(part.inputs[np.concatenate(part.slides)]) for part in self.parts)

        def passes() -> None:
            for batch in train.split(self.options.batch_size):
                network(batch).sum().backward()
            with torch.inference_mode():
                network(val)

        return cpu_seconds(passes)


def bench_epoch(runs: int = 3) -> None:
    """A line of an epoch, and what the network takes of it."""
    cohort = Cohort()
    rounds = [
        (*cohort.epoch(cox_loss), *cohort.epoch(torchsurv_loss), cohort.network_alone())
        for _ in range(runs + 1)
    ]
    ours, loss, theirs, other, alone = (median(column) for column in zip(*rounds[1:], strict=True))
    assert abs(loss / other - 1) < 1e-4
    line(f"an epoch of {TRAIN} + {VAL} patients", ours, theirs, "torchsurv", "none")
    print(f"{'':<44} the network's own passes: {alone:.3f} s, {alone / ours:.0%} of the epoch")


def bench_ridge() -> None:
    """A line without a competitor: the linear baseline of an epoch's patients."""
    drawn = np.random.default_rng(0)
    for d in (128, 1536):
        x = drawn.normal(size=(TRAIN, 20)) @ drawn.normal(size=(20, d)) + drawn.normal(size=(TRAIN, d))
        months = np.ceil(30 * drawn.exponential(np.exp(-x[:, :5].sum(axis=1) / 10)))
        event = drawn.random(TRAIN) < 0.4
        spent = cpu_seconds(lambda x=x, months=months, event=event: fit_ridge_cox(x, months, event))
        print(f"{f'ridge Cox, {TRAIN} patients × {d} features':<44} {spent:8.3f} s")


def bench() -> None:
    """Print the lines of this file, in seconds of the CPU."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # torchsurv warns of every batch with few events
    try:
        for n, times in ((64, 50), (600, 50), (5000, 10)):
            for ties in TIES:
                bench_loss(n, tied=True, ties=ties, times=times)
            bench_loss(n, tied=False, ties=TIES[0], times=times)
        bench_epoch()
        bench_ridge()
    finally:
        torch.set_num_threads(threads)


if __name__ == "__main__":
    bench()
