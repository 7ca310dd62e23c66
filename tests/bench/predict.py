"""Slides per second from stored features, where the time goes, and the memory that it takes.

Five networks of the published size with random parameters predict slides of 4,000 tiles × 1,024 features, float32, in
files of our layout, from the page cache. New slides are averaged over five folds; patients of the published splits
need one network. Reading and clustering run in threads beside the networks: the seconds of the parts are summed over
threads and can exceed the wall time. No other program does this with these files, so there is nothing to compare with.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

from sequoia_model.clusters import cluster_means
from sequoia_model.feature_files import write
from sequoia_model.nets import SummaryTransformer
from sequoia_model.prediction import predict, run
from sequoia_model.prediction._file import PredictionsFile
from sequoia_model.targets import network_input
from sequoia_model.types.bag import EncoderId, FeatureBag
from sequoia_model.weights.gene_lists import published_genes
from sequoia_model.weights.loading import Weights
from tests.bench.measured import peak as peak_memory

SLIDES, TILES, DIM, GENES, FOLDS = 16, 4000, 1024, 20_820, 5
PARTS = ("reading", "clustering", "networks", "writing")
#: Numbers of slides between which memory is compared.
FEW, MANY = 100, 1100
MEMORY = "from tests.bench.predict import peak; print(peak({folder!r}, {n}))"


def make_features(seed: int) -> np.ndarray:
    """Tiles of 40 kinds."""
    generator = np.random.default_rng(seed)
    kinds = generator.standard_normal((40, DIM), dtype=np.float32)
    tiles = generator.standard_normal((TILES, DIM), dtype=np.float32)
    return tiles + kinds[generator.integers(40, size=TILES)]


def write_slides(folder: Path, *, clusters: bool) -> Path:
    """Files of ours, with or without their cluster means."""
    folder.mkdir()
    for i in range(SLIDES):
        features = make_features(i)
        means = cluster_means(features).means if clusters else None
        bag = FeatureBag(f"S{i}", features, cluster_features=means, encoder=EncoderId("uni"))
        write(bag, folder / f"S{i}.h5")
    return folder


def make_weights(folds: int, **sizes: int) -> Weights:
    """Networks with random parameters, of the published size by default."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        given = {"input_dim": DIM, "num_outputs": GENES} | sizes
        networks = tuple(SummaryTransformer(**given).eval() for _ in range(folds))
    return Weights(networks, tuple(range(folds)), "random", encoder="uni")


@contextmanager
def timed() -> Iterator[dict[str, float]]:
    """Seconds of each part, summed over threads."""
    spent = dict.fromkeys(PARTS, 0.0)

    def watch(part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*given: Any, **options: Any) -> Any:
            start = time.perf_counter()
            try:
                return function(*given, **options)
            finally:
                spent[part] += time.perf_counter() - start

        return watched

    places = [
        ("reading", network_input, "read"),
        ("clustering", network_input, "cluster_means"),
        ("networks", run, "average"),
    ]
    places += [("writing", PredictionsFile, name) for name in ("append", "finish")]
    with ExitStack() as stack:
        for part, place, name in places:
            stack.enter_context(patch.object(place, name, watch(part, getattr(place, name))))
        yield spent


def bench_speed(folder: Path, weights: Weights, what: str, jobs: int, device: str) -> None:
    """One line: slides per second, and the parts."""
    start = time.perf_counter()
    with timed() as spent:
        predict([folder], weights, output=folder.parent / "p.h5ad", jobs=jobs, device=device, force=True)
    wall = time.perf_counter() - start
    shares = "  ".join(f"{part} {seconds / wall:4.0%}" for part, seconds in spent.items())
    print(f"{what + f', {jobs} jobs, {device}':<44} {SLIDES / wall:8.2f} slides/s   of the clock: {shares}")


def peak(folder: str, n: int) -> int:
    """Peak memory of a process that predicts this number of slides from stored cluster means with a small network."""
    weights = make_weights(1, input_dim=32, depth=1, nheads=2)
    files = sorted(Path(folder).iterdir())[:n]
    predict(files, weights, output=Path(folder).parent / f"{n}.h5ad", genes=published_genes(), device="cpu")
    return peak_memory()


def bench_memory(folder: Path) -> None:
    """How much more memory ten times as many slides take."""
    folder.mkdir()
    for i in range(MANY):
        means = np.random.default_rng(i).standard_normal((100, 32), dtype=np.float32)
        write(FeatureBag(f"S{i}", cluster_features=means, encoder=EncoderId("uni")), folder / f"S{i}.h5")
    commands = [[sys.executable, "-c", MEMORY.format(folder=str(folder), n=n)] for n in (FEW, MANY)]
    few, many = (int(subprocess.run(c, capture_output=True, text=True, check=True).stdout) for c in commands)
    size = 2 * 4 * GENES * (MANY - FEW)
    print(
        f"{f'peak memory, {MANY} slides over {FEW}':<44} {(many - few) / 2**20:8.1f} MiB more, of {few / 2**20:.0f}, "
        f"for {size / 2**20:.0f} MiB more that are written"
    )


def bench() -> None:
    """Print the lines of this file."""
    devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    print(f"{SLIDES} slides of {TILES} x {DIM}, {GENES} genes; {torch.get_num_threads()} threads of torch")
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        weights = {folds: make_weights(folds) for folds in (FOLDS, 1)}
        for clusters in (False, True):
            folder = write_slides(root / f"clusters-{clusters}", clusters=clusters)
            features = "stored clusters" if clusters else "tiles"
            for folds, jobs in [(FOLDS, 1), (1, 1)] if clusters else [(FOLDS, 1), (FOLDS, 2), (1, 1)]:
                for device in devices:
                    bench_speed(folder, weights[folds], f"{features}, {folds} networks", jobs, device)
        bench_memory(root / "many")
