"""Training the full network against a loop like the published one: a step, and a whole epoch.

A step is forward pass, backward pass and optimizer, of the SummaryTransformer in float32 and in bfloat16, and of 16
separate heads in float32 (`tests.bench.nets` describes them), which learn by AdamW without decay, one tensor after the
other, as published; the same with fused AdamW is shown beside it. Batch 16. All are run in turn.

The published loop reads expression and features of each item by themselves (`tests.bench.training_data`). In every
batch, of the training and of the validation part, it computes the mean absolute error, and the correlation of one gene
after the other with `np.corrcoef`, without genes that are constant. It saves the network after a better validation.
Written here from its behaviour. Ours is `fit`. Both start from the same parameters and take the slides in the same
order, and their losses must agree. An epoch here has few slides; its time grows with their number on both sides.

Threads are those of torch. The step is also timed with one, in seconds of the CPU, which hardly depend on what else
runs on the machine.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from sequoia_model.nets import SummaryTransformer
from sequoia_model.training.checkpoints import Checkpoints
from sequoia_model.training.data import TrainingData, load_training_data
from sequoia_model.training.fit import FitOptions, fit
from sequoia_model.training.parts import FoldPart
from sequoia_model.training.recipes import RECIPES
from tests.bench.nets import BATCH, DIM, GENES, TOKENS, SeparateTransformer, flops
from tests.bench.timing import cpu_seconds, line, seconds
from tests.bench.training_data import Batch, make_frame, published_epoch, write_features, write_h5ad

#: Slides of an epoch that train and validate: four batches and one.
TRAIN, VAL = 64, 16
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def in_turn(functions: Sequence[Callable[[], object]], runs: int, *, cpu: bool) -> list[float]:
    """Median seconds of each function, run one after the other several times after a warm-up."""
    spent = cpu_seconds if cpu else seconds
    times = [[spent(function) for function in functions] for _ in range(1 + runs)]
    return [median(column) for column in zip(*times[1:], strict=True)]


def make_step(
    network: nn.Module, x: Tensor, y: Tensor, precision: str = "float32", *, fused: bool | None = True
) -> Callable[[], None]:
    """A training step as `fit` makes it."""
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=0, fused=fused)

    def step() -> None:
        with torch.autocast(x.device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16"):
            loss = mse_loss(network(x).float(), y)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    return step


def make_product(precision: str, n: int = 4096, device: str = "cpu") -> Callable[[], Tensor]:
    """A product of large matrices, whose rate is taken for the highest that there is."""
    a, b = (torch.randn(n, n, device=device).to(PRECISIONS[precision]) for _ in range(2))
    return lambda: a @ b


def bench_step(runs: int = 3) -> None:
    """Lines of a step, with the threads that torch has now."""
    torch.manual_seed(0)
    ours = SummaryTransformer(input_dim=DIM, num_outputs=GENES)
    theirs = SeparateTransformer(ours)
    x, y = torch.randn(BATCH, TOKENS, DIM), torch.randn(BATCH, GENES)
    count, n = flops(make_step(ours, x, y)), 4096
    times = in_turn(
        [
            make_step(ours, x, y),
            make_step(ours, x, y, "bfloat16"),
            make_step(theirs, x, y, fused=None),
            make_step(theirs, x, y),
            *(make_product(precision, n) for precision in PRECISIONS),
        ],
        runs,
        cpu=torch.get_num_threads() == 1,
    )
    mine, published, fused, products = times[:2], times[2], times[3], times[4:]
    for precision, spent, product in zip(PRECISIONS, mine, products, strict=True):
        goal = ">= 2.5 x" if precision == "bfloat16" else "none"
        line(f"step in {precision}", spent, published, "16 heads", goal)
        line("", spent, fused, "fused Adam", "none")
        print(
            f"{'':<44} {count / 1e9:.0f} GFLOP in products: {count / spent * product / 2 / n**3:.0%} of the "
            f"measured peak, {2e-12 * n**3 / product:.2f} TFLOP/s"
        )


def correlate(measured: np.ndarray, predicted: np.ndarray) -> float:
    """Mean over genes of the correlation, gene by gene."""
    rs = []
    for gene in range(measured.shape[1]):
        x, y = measured[:, gene], predicted[:, gene]
        if len(np.unique(x)) > 1 and len(np.unique(y)) > 1:
            rs.append(np.corrcoef(x, y)[0, 1])
    return float(np.mean(rs))


def published_fit(
    network: nn.Module,
    parts: dict[str, Callable[[], Iterator[Batch]]],
    saved: Path,
    device: str = "cpu",
) -> float:
    """One epoch of the published loop; returns the training loss, the mean over batches."""
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=0)
    losses: dict[str, list[float]] = {}
    for name, batches in parts.items():
        network.train(name == "train")
        errors, rs = [], []
        for x, y in batches():
            with torch.set_grad_enabled(name == "train"):
                output = network(x.to(device))
            loss = mse_loss(output, y.to(device))
            measured, predicted = y.numpy(), output.detach().cpu().numpy()
            errors.append(np.abs(measured - predicted).mean())
            rs.append(correlate(measured, predicted))
            losses.setdefault(name, []).append(float(loss.detach()))
            if name == "train":
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    torch.save(network.state_dict(), saved)
    return float(np.mean(losses["train"]))


class Epoch:
    """An epoch of some slides in both ways, each from the same parameters."""

    def __init__(
        self, root: Path, network: SummaryTransformer, n_train: int, n_val: int, *, device: str = "cpu"
    ) -> None:
        self.root, self.network, self.device = root, network, device
        n = n_train + n_val
        self.folder = write_features(root / "features", n, network.num_clusters, network.input_dim)
        self.frame = make_frame(n, network.num_outputs)
        self.data = self._load()
        self.rows = {"train": np.arange(n_train), "val": np.arange(n_train, n)}
        self.order = np.random.default_rng(np.random.SeedSequence([0, 0, 0])).permutation(n_train)
        self.losses: dict[str, float] = {}
        self.start = {name: tensor.clone() for name, tensor in network.state_dict().items()}

    def _load(self) -> TrainingData:
        table = write_h5ad(self.root / "measured.h5ad", self.frame)
        return load_training_data(
            self.folder, table, n_clusters=self.network.num_clusters, cache=self.root / "cache"
        )

    def ours(self, precision: str) -> float:
        """Seconds of an epoch of `fit`, as its log gives them: learning, validation, and saving the network."""
        self.network.load_state_dict(self.start)
        checkpoints = Checkpoints(self.root / "checkpoint", "", every=math.inf)
        checkpoints.clear()
        train, val = (FoldPart(self.data.means, self.data.expression, rows) for rows in self.rows.values())
        options = FitOptions(RECIPES["paper"], epochs=1, batch_size=BATCH, precision=precision)
        fitted = fit(
            self.network, train, val, options, checkpoints=checkpoints, device=torch.device(self.device)
        )
        self.losses[precision] = fitted.log[0]["train_mse"]
        return float(fitted.log[0]["seconds"])

    def published(self) -> float:
        """Seconds of an epoch of the published loop."""
        self.network.cpu().load_state_dict(self.start)
        theirs = SeparateTransformer(self.network).to(self.device)
        orders = {"train": self.order, "val": self.rows["val"]}
        parts = {
            name: lambda order=order: published_epoch(self.frame, self.folder, order)
            for name, order in orders.items()
        }

        def epoch() -> None:
            self.losses["published"] = published_fit(theirs, parts, self.root / "best.pt", self.device)

        return seconds(epoch)


def bench_epoch(n_train: int = TRAIN, n_val: int = VAL, runs: int = 3) -> None:
    """Two lines: an epoch in float32 and in bfloat16."""
    torch.manual_seed(0)
    network = SummaryTransformer(input_dim=DIM, num_outputs=GENES)
    with tempfile.TemporaryDirectory() as name:
        epoch = Epoch(Path(name), network, n_train, n_val)
        rounds = [(epoch.ours("float32"), epoch.ours("bfloat16"), epoch.published()) for _ in range(runs)]
    single, halved, published = (median(column) for column in zip(*rounds, strict=True))
    line(f"epoch of {n_train} + {n_val} slides, float32", single, published, "published", ">= 1.8 x")
    line(f"epoch of {n_train} + {n_val} slides, bfloat16", halved, published, "published", ">= 3 x")
    losses = pd.Series(epoch.losses)
    print(f"{'':<44} training loss: {', '.join(f'{name} {loss:.5f}' for name, loss in losses.items())}")
    assert abs(losses["float32"] / losses["published"] - 1) < 1e-3
    assert abs(losses["bfloat16"] / losses["published"] - 1) < 0.05


def bench() -> None:
    """Print the lines of this file."""
    threads = torch.get_num_threads()
    for n in sorted({1, threads}):
        torch.set_num_threads(n)
        print(f"{n} threads" if n > 1 else "1 thread, seconds of the CPU")
        bench_step()
    print(f"{threads} threads")
    bench_epoch()


if __name__ == "__main__":
    bench()
