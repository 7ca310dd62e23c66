"""What a GPU makes of training, maps and embedding: one script for a machine that has one, in under 8 minutes.

``python -m tests.bench.gpu --json gpu.json`` prints a table and writes it. Each row has the median seconds of a call
after warm-up, with the GPU waited for. A row that fails, as for want of memory, says why, and the others go on. After
`--seconds` no further part begins. Without a GPU it runs on the CPU (`--tiny`: with small sizes, which a test does);
CUDA graphs and pinned memory are then left out.

The parts: the rate of products of large matrices; a training step at batch 16 and 64 in float32, TF32 and bfloat16,
with fused Adam and without, as a CUDA graph, and of 16 separate heads (`tests.bench.nets`); an epoch of batches from
data on the device, from pinned memory and from a memory map; an epoch of `fit` against the published loop
(`tests.bench.training`); the windows of a map; tiles through a ViT-L. All weights and data are random.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sequoia_base.results import jsonable
from sequoia_model.nets import SummaryTransformer
from tests.bench.nets import HEADS, SeparateTransformer, timed
from tests.bench.training import Epoch, make_product, make_step

TF32 = "TF32"


@dataclass(frozen=True)
class Sizes:
    """How large everything is."""

    product: int = 8192
    dim: int = 1024
    depth: int = 6
    heads: int = HEADS
    width: int = 64
    genes: int = 20_820
    clusters: int = 100
    batches: tuple[int, ...] = (16, 64)
    slides: int = 512
    epoch: tuple[int, int] = (256, 32)
    windows: int = 4000
    window_batch: int = 256
    tiles: int = 512
    tile_batch: int = 64
    encoder: str = "vit_large_patch16_224"
    runs: int = 11

    def network(self) -> SummaryTransformer:
        """A network of these sizes with the same parameters each time."""
        torch.manual_seed(0)
        widths = {f"dimensions_{part}": self.width for part in "fsc"}
        return SummaryTransformer(
            input_dim=self.dim, num_outputs=self.genes, num_clusters=self.clusters, depth=self.depth,
            nheads=self.heads, **widths,
        )  # fmt: skip


#: Sizes for the test of the CPU path. The separate heads are those of the full network, so they are left out.
TINY = Sizes(
    product=64, dim=16, depth=1, heads=2, width=4, genes=20, clusters=5, batches=(4,), slides=16, epoch=(16, 16),
    windows=6, window_batch=4, tiles=2, tile_batch=1, encoder="vit_tiny_patch16_224", runs=1,
)  # fmt: skip


@dataclass
class Row:
    """A measurement: median seconds of a call, and how many units a call processes."""

    part: str
    what: str
    seconds: float = float("nan")
    units: float = 1
    unit: str = "calls"
    peak_gb: float = float("nan")
    error: str = ""

    def __str__(self) -> str:
        if self.error:
            return f"{self.part:<10} {self.what:<46} failed: {self.error}"
        rate = f"{self.units / self.seconds:14,.1f} {self.unit}/s"
        return f"{self.part:<10} {self.what:<46} {1e3 * self.seconds:10.2f} ms {rate:<32} peak {self.peak_gb:6.2f} GB"


class Bench:
    """Rows, as they are measured on a device."""

    def __init__(self, device: str, sizes: Sizes, limit: float) -> None:
        self.device, self.sizes, self.rows = device, sizes, list[Row]()
        self.end = time.monotonic() + limit

    @property
    def on_gpu(self) -> bool:
        """Whether the device is a GPU."""
        return self.device == "cuda"

    def measure(
        self, part: str, cases: dict[str, Callable[[], Callable[[], object]]], units: float, unit: str
    ) -> None:
        """Make and time each case; `units` are processed in a call."""
        for what, make in cases.items():
            row = Row(part, what, units=units, unit=unit)
            self.rows.append(row)
            try:
                row.seconds, row.peak_gb = self._time(make)
            except (RuntimeError, ValueError, ImportError) as error:  # out of memory is a RuntimeError
                row.error = str(error).splitlines()[0][:100]
            print(row, flush=True)
            if self.on_gpu:
                torch.cuda.empty_cache()

    def _time(self, make: Callable[[], Callable[[], object]]) -> tuple[float, float]:
        if self.on_gpu:
            torch.cuda.reset_peak_memory_stats()
        call = timed(make(), self.device)
        for _ in range(2 if self.on_gpu else 1):
            call()
        times = []
        for _ in range(self.sizes.runs):
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
        peak = torch.cuda.max_memory_allocated() / 1e9 if self.on_gpu else float("nan")
        return statistics.median(times), peak

    def run(self, parts: dict[str, Callable[[Bench], None]]) -> None:
        """Measure parts until the time is over."""
        for name, part in parts.items():
            if time.monotonic() > self.end:
                self.rows.append(Row(name, "", error="no time was left"))
                print(self.rows[-1], flush=True)
                continue
            part(self)


@contextmanager
def precision_of_products(name: str) -> Iterator[None]:
    """TF32 in products of float32 matrices, or not."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if name == TF32 else "highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def bench_products(bench: Bench) -> None:
    """The highest rate of products, per precision."""
    n = bench.sizes.product
    for name in ("float32", TF32, "bfloat16"):
        with precision_of_products(name):
            kind = "float32" if name == TF32 else name
            cases = {f"{n} x {n}, {name}": lambda kind=kind: make_product(kind, n, bench.device)}
            bench.measure("products", cases, 2e-12 * n**3, "TFLOP")


def make_batch(bench: Bench, size: int) -> tuple[Tensor, Tensor]:
    """Slides and genes on the device."""
    sizes, generator = bench.sizes, torch.Generator().manual_seed(1)
    x = torch.randn(size, sizes.clusters, sizes.dim, generator=generator)
    y = torch.randn(size, sizes.genes, generator=generator)
    return x.to(bench.device), y.to(bench.device)


def separate(bench: Bench) -> nn.Module:
    """16 heads, one after the other."""
    network = bench.sizes.network()
    if network.nheads != HEADS:
        raise ValueError("the separate heads have the full size only")
    return SeparateTransformer(network).to(bench.device)


def graphed_step(network: nn.Module, x: Tensor, y: Tensor, precision: str) -> Callable[[], object]:
    """A training step as a CUDA graph: recorded once, then replayed without a call from Python for each kernel."""
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True, capturable=True)

    def step() -> None:
        # without a cache of halved weights: a replay would not see that they have changed
        with torch.autocast("cuda", torch.bfloat16, enabled=precision == "bfloat16", cache_enabled=False):
            loss = nn.functional.mse_loss(network(x).float(), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()

    def replay() -> object:
        graph.replay()
        return step  # holds the network, the optimizer and the batch, which must live as long as the graph

    return replay


def bench_steps(bench: Bench) -> None:
    """A training step in all ways."""
    for size in bench.sizes.batches:
        for name in ("float32", TF32, "bfloat16"):
            kind = "float32" if name == TF32 else name
            cases: dict[str, Callable[[], Callable[[], object]]] = {
                f"batch {size}, {name}, fused": lambda kind=kind, size=size: make_step(
                    bench.sizes.network().to(bench.device), *make_batch(bench, size), kind
                ),
                f"batch {size}, {name}, not fused": lambda kind=kind, size=size: make_step(
                    bench.sizes.network().to(bench.device), *make_batch(bench, size), kind, fused=False
                ),
            }
            if bench.on_gpu:
                cases[f"batch {size}, {name}, CUDA graph"] = lambda kind=kind, size=size: graphed_step(
                    bench.sizes.network().to(bench.device), *make_batch(bench, size), kind
                )
            if bench.sizes.heads == HEADS:
                cases[f"batch {size}, {name}, 16 heads"] = lambda kind=kind, size=size: make_step(
                    separate(bench), *make_batch(bench, size), kind, fused=None
                )
            with precision_of_products(name):
                bench.measure("step", cases, size, "slides")


def bench_data(bench: Bench) -> None:
    """An epoch of batches without learning: from the device, from pinned memory, and from a memory map as `fit`."""
    sizes, generator = bench.sizes, np.random.default_rng(0)
    size = sizes.batches[0]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "means.npy")
        means = np.lib.format.open_memmap(
            path, "w+", np.dtype(np.float32), (sizes.slides, sizes.clusters, sizes.dim)
        )
        for slide in means:
            slide[:] = generator.standard_normal(slide.shape, dtype=np.float32)
        means.flush()
        mapped = np.load(path, mmap_mode="r")

        def epoch(take: Callable[[np.ndarray], Tensor]) -> Callable[[], None]:
            def run() -> None:
                order = generator.permutation(sizes.slides)
                for start in range(0, sizes.slides, size):
                    take(order[start : start + size]).to(bench.device, non_blocking=True)

            return run

        def from_device() -> Callable[[], None]:
            there = torch.from_numpy(np.array(mapped)).to(bench.device)
            return epoch(lambda some: there[torch.from_numpy(some).to(bench.device)])

        def from_pinned() -> Callable[[], None]:
            there = torch.from_numpy(np.array(mapped)).pin_memory()
            # an index makes a copy, which must be pinned itself to be sent beside other work
            return epoch(lambda some: there[torch.from_numpy(some)].pin_memory())

        cases: dict[str, Callable[[], Callable[[], object]]] = {
            "from the device": from_device,
            "from a memory map": lambda: epoch(lambda some: torch.from_numpy(mapped[some])),
        }
        if bench.on_gpu:
            cases["from pinned memory"] = from_pinned
        bench.measure("data", cases, sizes.slides, "slides")


def bench_epoch(bench: Bench) -> None:
    """An epoch of `fit` against the published loop, once each, since both take seconds."""
    n_train, n_val = bench.sizes.epoch
    with tempfile.TemporaryDirectory() as folder:
        epoch = Epoch(Path(folder), bench.sizes.network(), n_train, n_val, device=bench.device)
        epoch.ours("bfloat16")  # compiles kernels
        cases = {name: lambda name=name: epoch.ours(name) for name in ("float32", "bfloat16")}
        if bench.sizes.heads == HEADS:
            cases["published"] = epoch.published
        for what, run in cases.items():
            row = Row("epoch", what, units=n_train + n_val, unit="slides")
            if bench.on_gpu:
                torch.cuda.reset_peak_memory_stats()
            try:
                row.seconds = max(run(), 1e-9)
            except RuntimeError as error:
                row.error = str(error).splitlines()[0][:100]
            if bench.on_gpu:
                row.peak_gb = torch.cuda.max_memory_allocated() / 1e9
            bench.rows.append(row)
            print(row, flush=True)


def bench_windows(bench: Bench) -> None:
    """Windows of a map: the tokens of 100 tiles each, gathered on the device from the tiles of a slide."""
    sizes = bench.sizes
    side = max(1, round(sizes.windows**0.5))
    tiles = torch.randn(side * side, sizes.dim).to(bench.device)
    picked = torch.randint(side * side, (sizes.windows, sizes.clusters)).to(bench.device)
    network = sizes.network().to(bench.device).eval()

    def run(precision: str) -> Callable[[], None]:
        def windows() -> None:
            with (
                torch.inference_mode(),
                torch.autocast(bench.device, torch.bfloat16, enabled=precision == "bfloat16"),
            ):
                for start in range(0, sizes.windows, sizes.window_batch):
                    network(tiles[picked[start : start + sizes.window_batch]]).cpu()

        return windows

    for name in ("float32", TF32, "bfloat16"):
        with precision_of_products(name):
            what = f"{sizes.windows} windows, {name}"
            bench.measure("map", {what: lambda name=name: run(name)}, sizes.windows, "windows")


def bench_tiles(bench: Bench) -> None:
    """Tiles of 224 × 224 through a ViT-L, as uint8 that is sent to the device and scaled there."""
    sizes = bench.sizes

    def run(kind: torch.dtype) -> Callable[[], object]:
        import timm

        encoder = timm.create_model(sizes.encoder, pretrained=False, num_classes=0)
        encoder = encoder.to(bench.device, kind).eval()
        pixels = torch.randint(256, (sizes.tile_batch, 3, 224, 224), dtype=torch.uint8)
        pixels = pixels.pin_memory() if bench.on_gpu else pixels

        def tiles() -> None:
            with torch.inference_mode():
                for _ in range(0, sizes.tiles, sizes.tile_batch):
                    encoder(pixels.to(bench.device, non_blocking=True).to(kind) / 127.5 - 1).float().cpu()

        return tiles

    kinds = {
        "float32": torch.float32,
        TF32: torch.float32,
        "float16": torch.float16,
        "bfloat16": torch.bfloat16,
    }
    for name, kind in kinds.items():
        if kind == torch.float16 and not bench.on_gpu:
            continue
        with precision_of_products(name):
            cases = {f"{sizes.encoder}, {name}": lambda kind=kind: run(kind)}
            bench.measure("tiles", cases, sizes.tiles, "tiles")


PARTS: dict[str, Callable[[Bench], None]] = {
    "products": bench_products,
    "step": bench_steps,
    "data": bench_data,
    "epoch": bench_epoch,
    "map": bench_windows,
    "tiles": bench_tiles,
}


def main(sizes: Sizes, *, limit: float, parts: list[str], output: Path | None = None) -> dict[str, Any]:
    """Measure, and write JSON: {"device", "torch", "sizes", "rows"}."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    name = torch.cuda.get_device_name() if device == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    print(f"{name}, torch {torch.__version__}")
    bench = Bench(device, sizes, limit)
    start = time.monotonic()
    bench.run({part: PARTS[part] for part in parts})
    print(f"{time.monotonic() - start:.0f} s in all")
    result = {
        "device": name,
        "torch": torch.__version__,
        "sizes": asdict(sizes),
        "rows": [asdict(row) for row in bench.rows],
    }
    if output is not None:
        output.write_text(json.dumps(jsonable(result), indent=1) + "\n")
    return result


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="also write the rows to this file")
    parser.add_argument("--tiny", action="store_true", help="small sizes, to see that everything runs")
    parser.add_argument(
        "--seconds", type=float, default=400, help="after so many seconds no further part begins"
    )
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    given = parser.parse_args()
    main(TINY if given.tiny else Sizes(), limit=given.seconds, parts=given.parts, output=given.json)
