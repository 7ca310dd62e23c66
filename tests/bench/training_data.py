"""Loading an epoch of training data against per-row reading as published, and the memory and time of the first reading.

The published loader holds the table of expression as a frame. For every item of every epoch it takes a row, looks for
the columns with ``rna_`` in their names, converts their values to float32, opens the feature file of the slide and
reads its cluster means. Written here from its behaviour. Both sides shuffle, and stack batches of 16 as tensors;
nothing is computed with them, so this is loading alone. Files are in the page cache.

Memory: each line is a separate process that loads slides of 100 × 1,024 cluster means, from a table or an AnnData,
with an empty cache and with a full one. Its arrays are the expression in memory and the cluster means, a map of a file
whose pages processes share; both count in the peak.

``python -m tests.bench.training_data --slides 200 --genes 4000 --memory-slides 200`` takes less than a minute.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import torch
from torch import Tensor

from sequoia_model.feature_files import write
from sequoia_model.training.data import TrainingData, load_training_data
from sequoia_model.training.parts import FoldPart, Targets
from sequoia_model.types.bag import EncoderId, FeatureBag
from sequoia_model.weights.gene_lists import published_genes
from tests.bench.timing import peak

SLIDES, GENES, MEMORY_SLIDES = 1000, len(published_genes()), 1130
CLUSTERS, DIM, BATCH = 100, 1024, 16
#: Items of the published loader that are timed: each takes as long as the others.
ITEMS = 300
SCRIPT = "from tests.bench.training_data import load; load({features!r}, {table!r}, {cache!r})"

Batch = tuple[Tensor, Tensor]


def names(n: int) -> list[str]:
    """Slides, one per patient."""
    return [f"S{i:05d}" for i in range(n)]


def write_features(folder: Path, n: int, clusters: int = CLUSTERS, dim: int = DIM) -> Path:
    """Files of ours that hold cluster means alone."""
    folder.mkdir()
    means = np.random.default_rng(0).standard_normal((clusters, dim), dtype=np.float32)
    for i, slide in enumerate(names(n)):
        bag = FeatureBag(slide, cluster_features=np.roll(means, i, axis=1), encoder=EncoderId("uni"))
        write(bag, folder / f"{slide}.h5")
    return folder


def make_frame(n: int, n_genes: int) -> pd.DataFrame:
    """Expression in the published layout, with six decimals."""
    values = np.random.default_rng(0).uniform(0, 12, (n, n_genes)).round(6)
    frame = pd.DataFrame(values, columns=[f"rna_{gene}" for gene in published_genes()[:n_genes]])
    about = {
        "wsi_file_name": names(n),
        "patient_id": [f"P{slide}" for slide in names(n)],
        "tcga_project": "BRCA",
    }
    return pd.concat([pd.DataFrame(about), frame], axis=1)


def write_h5ad(path: Path, frame: pd.DataFrame) -> Path:
    """The same as AnnData of slides, float32."""
    import anndata

    x = frame.filter(like="rna_")
    obs = frame[["patient_id"]].set_axis(frame["wsi_file_name"].rename(None))
    var = pd.DataFrame(index=x.columns.str.removeprefix("rna_"))
    anndata.AnnData(x.to_numpy(np.float32), obs, var).write_h5ad(path)
    return path


def published_items(frame: pd.DataFrame, folder: Path, order: np.ndarray) -> Iterator[Batch]:
    """Items as the published loader reads them: one row, one file."""
    for place in order:
        row = frame.iloc[place]
        values = row[[name for name in row.index if "rna_" in name]].values.astype(np.float32)
        with h5py.File(folder / f"{row['wsi_file_name']}.h5", "r") as file:
            means = file["cluster_features"][:]
        yield torch.tensor(means), torch.tensor(values)


def published_epoch(frame: pd.DataFrame, folder: Path, order: np.ndarray) -> Iterator[Batch]:
    """Batches of these items."""
    items = list[Batch]()
    for item in published_items(frame, folder, order):
        items.append(item)
        if len(items) == BATCH:
            yield torch.stack([x for x, _ in items]), torch.stack([y for _, y in items])
            items.clear()


def our_epoch(data: TrainingData, order: np.ndarray) -> Iterator[Batch]:
    """Batches as `train` takes them out of the two arrays."""
    part = FoldPart(data.means, data.expression, np.arange(len(order)))
    return part.batches(BATCH, Targets.plain(len(data.genes)), torch.device("cpu"), order)


def spent(batches: Iterator[Batch]) -> float:
    """Seconds to take all batches."""
    start = time.perf_counter()
    for _ in batches:
        pass
    return time.perf_counter() - start


def bench_epoch(root: Path, n: int, n_genes: int) -> None:
    """One line: an epoch of ours against items of the published loader, in turn, three times each."""
    folder, frame = write_features(root / "epoch", n), make_frame(n, n_genes)
    table = write_h5ad(root / "epoch.h5ad", frame)
    data = load_training_data(folder, table, cache=root / "epoch-cache")
    order = np.random.default_rng(1).permutation(n)
    some = order[: min(n, ITEMS) // BATCH * BATCH]
    ours, theirs = next(our_epoch(data, order)), next(published_epoch(frame, folder, order))
    assert torch.equal(ours[0], theirs[0]) and torch.equal(ours[1], theirs[1])
    times = [
        (spent(our_epoch(data, order)) / n, spent(published_epoch(frame, folder, some)) / len(some))
        for _ in range(3)
    ]
    mine, published = (float(np.median(column)) for column in zip(*times, strict=True))
    print(
        f"{f'an epoch of {n} slides x {n_genes} genes, loading':<52} {1000 * mine:7.3f} ms a slide   published "
        f"{1000 * published:7.2f} ms   {published / mine:6.0f} x   goal >= 100 x"
    )


def load(features: str, table: str, cache: str) -> None:
    """Print the seconds, the bytes of the arrays, and the peak memory of this process before and after."""
    start, before = time.perf_counter(), peak()
    data = load_training_data(features, table, cache=cache)
    print(time.perf_counter() - start, data.means.nbytes + data.expression.nbytes, before, peak())


def bench_memory(root: Path, n: int, n_genes: int) -> None:
    """Two lines for each format: an empty cache, and a full one."""
    folder, frame = write_features(root / "memory", n), make_frame(n, n_genes)
    frame.to_csv(root / "measured.csv", index=False, float_format="%.6f")
    tables = [root / "measured.csv", write_h5ad(root / "measured.h5ad", frame)]
    del frame
    for table in tables:
        cache = str(root / f"cache-{table.suffix}")
        for state in ("empty", "full"):
            command = SCRIPT.format(features=str(folder), table=str(table), cache=cache)
            answer = subprocess.run(
                [sys.executable, "-c", command], capture_output=True, text=True, check=True
            )
            seconds, arrays, before, after = map(float, answer.stdout.split())
            what = f"{n} slides x {n_genes} genes, {table.suffix}, {state} cache"
            memory = f"arrays {arrays / 2**20:5.0f} MiB   peak {(after - before) / 2**20:5.0f} MiB more"
            print(f"{what:<52} {seconds:7.1f} s   {memory} than the {before / 2**20:.0f} of the start")


def bench(n: int = SLIDES, n_genes: int = GENES, n_memory: int = MEMORY_SLIDES) -> None:
    """Print the lines of this file."""
    with tempfile.TemporaryDirectory() as name:
        bench_epoch(Path(name), n, n_genes)
        bench_memory(Path(name), n_memory, n_genes)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--slides", type=int, default=SLIDES)
    parser.add_argument("--genes", type=int, default=GENES)
    parser.add_argument("--memory-slides", type=int, default=MEMORY_SLIDES)
    given = parser.parse_args()
    bench(given.slides, given.genes, given.memory_slides)
