"""The full SummaryTransformer against 16 separate heads: forward pass and training step, batch 16.

The separate heads are written from the description of the published network: every head has its own three Linear and
two LayerNorm, s is applied to every token before the mean, the summary is repeated for every token and joined to the
local half, and a loop runs over the heads. Both get the same parameters and must give the same output. float32
throughout, on the CPU and, if there is one, on a GPU (with and without TF32 for both).

Most of the time is products of matrices, which no arrangement of the heads makes faster: the FLOPs of both are
printed, and which share of the measured peak of the device ours reaches.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, mse_loss
from torch.utils.flop_counter import FlopCounterMode

from sequoia_model.nets import SummaryTransformer
from tests.bench.timing import alternate, line, seconds

BATCH, TOKENS, DIM, HEADS, WIDTH, GENES = 16, 100, 1024, 16, 64, 20_820
GOAL = ">= 2 x"


class SeparateHead(nn.Module):
    """One head with its own parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.local_norm, self.summary_norm = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.s, self.f = nn.Linear(DIM, WIDTH), nn.Linear(DIM, WIDTH)
        self.c = nn.Linear(2 * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        local = gelu(self.local_norm(self.f(x)))
        summary = gelu(self.summary_norm(self.s(x).mean(dim=1)))
        return gelu(self.c(torch.cat([local, summary[:, None].repeat(1, x.shape[1], 1)], dim=2)))


class SeparateHeads(nn.Module):
    """A loop over the heads."""

    def __init__(self) -> None:
        super().__init__()
        self.mixers = nn.ModuleList(SeparateHead() for _ in range(HEADS))
        self.projection = nn.Linear(HEADS * WIDTH, DIM)

    def forward(self, x: Tensor) -> Tensor:
        return self.projection(torch.cat([mixer(x) for mixer in self.mixers], dim=2))


class SeparateTransformer(nn.Module):
    """The network with a loop over its heads, and `ours` in everything else: parameters are copied from it."""

    def __init__(self, ours: SummaryTransformer) -> None:
        super().__init__()
        self.pos_emb1D = nn.Parameter(torch.empty_like(ours.pos_emb1D))
        layers = [nn.ModuleList([SeparateHeads(), Forward()]) for _ in range(len(ours.transformer["layers"]))]
        self.transformer = nn.ModuleDict({"layers": nn.ModuleList(layers)})
        self.linear_head = nn.Sequential(nn.LayerNorm(DIM), nn.Linear(DIM, GENES))
        self.load_state_dict(ours.published_state())

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.pos_emb1D
        for mix, feed in self.transformer["layers"]:
            x = mix(x) + x
            x = feed(x) + x
        return self.linear_head(x.mean(dim=1))


class Forward(nn.Module):
    """LayerNorm, Linear, GELU, Linear."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.LayerNorm(DIM), nn.Linear(DIM, DIM), nn.GELU(), nn.Linear(DIM, DIM))

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


def bench() -> None:
    """Print the lines of this file."""
    torch.manual_seed(0)
    ours = SummaryTransformer(input_dim=DIM, num_outputs=GENES)
    theirs = SeparateTransformer(ours)
    print(f"{sum(p.numel() for p in ours.parameters()):,} parameters, batch {BATCH}, float32")
    threads = torch.get_num_threads()
    for n in sorted({1, threads}):  # one thread: the work alone, without the cost of sharing it
        torch.set_num_threads(n)
        print(f"CPU, {n} thread{'s'[: n > 1]}")
        bench_on("cpu", ours, theirs, runs=3)
    if not torch.cuda.is_available():
        print("no GPU here")
        return
    print(torch.cuda.get_device_name())
    for tf32 in (False, True):
        torch.set_float32_matmul_precision("high" if tf32 else "highest")
        print("TF32" if tf32 else "float32 without TF32")
        bench_on("cuda", ours.cuda(), theirs.cuda(), runs=21, tolerance=0.05 if tf32 else 1e-3)


def bench_on(device: str, ours: nn.Module, theirs: nn.Module, runs: int, tolerance: float = 1e-3) -> None:
    """Forward pass and training step of both on a device."""
    theirs.load_state_dict(ours.published_state())  # training steps of an earlier device have moved both
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(BATCH, TOKENS, DIM, generator=generator).to(device)
    y = torch.randn(BATCH, GENES, generator=generator).to(device)
    with torch.inference_mode():
        assert torch.allclose(ours(x), theirs(x), atol=tolerance)
        mine, other = alternate(timed(lambda: ours(x), device), timed(lambda: theirs(x), device), runs)
    line(f"forward pass, {device}", mine, other, "16 heads", GOAL)
    rate, counts = peak(device), (flops(lambda: ours(x)), flops(lambda: theirs(x)))
    print(
        f"{'':<44} products of ours {counts[0] / 1e9:.0f} GFLOP, of 16 heads {counts[1] / 1e9:.0f}: "
        f"{counts[1] / counts[0]:.2f} x; measured peak {rate / 1e12:.2f} TFLOP/s, ours at {counts[0] / mine / rate:.0%}"
    )
    steps = [timed(training_step(network, x, y), device) for network in (ours, theirs)]
    mine, other = alternate(*steps, runs)
    line(f"training step, {device}", mine, other, "16 heads", GOAL)
    count = flops(training_step(ours, x, y))
    print(f"{'':<44} ours at {count / mine / rate:.0%} of the peak")
    steps = [timed(training_step(network, x, y, fused=True), device) for network in (ours, theirs)]
    line(f"training step, {device}, fused AdamW", *alternate(*steps, runs), "16 heads", GOAL)


def training_step(network: nn.Module, x: Tensor, y: Tensor, fused: bool | None = None) -> Callable[[], None]:
    """Forward, backward and AdamW, as a function to be timed."""
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, fused=fused)

    def step() -> None:
        optimizer.zero_grad()
        mse_loss(network(x), y).backward()
        optimizer.step()

    return step


def timed(function: Callable[[], object], device: str) -> Callable[[], None]:
    """Call the function, and wait for what it started on a GPU."""

    def run() -> None:
        function()
        if device == "cuda":
            torch.cuda.synchronize()

    return run


def flops(function: Callable[[], object]) -> int:
    """Floating-point operations of all products of matrices."""
    with FlopCounterMode(display=False) as counter:
        function()
    return counter.get_total_flops()


def peak(device: str, n: int = 4096) -> float:
    """The highest number of operations per second that a product of large matrices reaches here."""
    a, b = (torch.randn(n, n, device=device) for _ in range(2))
    product = timed(lambda: a @ b, device)
    product()
    return 2 * n**3 / min(seconds(product) for _ in range(5))
