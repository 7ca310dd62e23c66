"""Memory and time to read measured expression: it is read in blocks, so the size of the table should not matter.

Each line is a separate process that opens a table of the 20,820 published genes, matches its slides and writes their
values into a predictions file, as `predict --measured` does before the first slide. Tables of few and many rows are
read in turn. If a table were held in memory, the larger one would take the difference in size, as float32, more.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from sequoia_model.prediction._file import PredictionsFile
from sequoia_model.targets.measured import open_measured
from sequoia_model.weights.gene_lists import published_genes
from tests.bench.timing import peak

#: Rows of the tables: few and many.
CSV_ROWS, H5AD_ROWS = (1000, 3000), (1000, 10_000)
#: Number of different rows, which are repeated.
KINDS = 50
SCRIPT = "from tests.bench.measured import read; read({path!r}, {n})"


def names(n: int) -> list[str]:
    """Slides of a table, one per patient."""
    return [f"S{i:05d}" for i in range(n)]


def write_csv(path: Path, n: int) -> None:
    """A table in the published layout, with six decimals."""
    values = np.random.default_rng(0).uniform(0, 12, (KINDS, len(published_genes())))
    rows = [",".join(f"{value:.6f}" for value in row) for row in values]
    with path.open("w") as file:
        file.write(
            "wsi_file_name,patient_id,tcga_project," + ",".join(f"rna_{g}" for g in published_genes()) + "\n"
        )
        file.writelines(f"{slide},P{slide},TCGA-BRCA,{rows[i % KINDS]}\n" for i, slide in enumerate(names(n)))


def write_h5ad(path: Path, n: int) -> None:
    """The same as AnnData of slides, float32."""
    values = np.random.default_rng(0).uniform(0, 12, (KINDS, len(published_genes()))).astype(np.float32)
    with PredictionsFile(path, published_genes(), []) as file:
        for _ in range(n // KINDS):
            file.append(X=values)
        file.finish(pd.DataFrame({"patient_id": [f"P{slide}" for slide in names(n)]}, index=names(n)), {})


def read(path: str, n: int) -> None:
    """Print the seconds, and the peak memory of this process before and after all values were read and written."""
    start, before = time.perf_counter(), peak()
    genes, slides = published_genes(), names(n)
    table = open_measured(path, genes)
    with PredictionsFile(f"{path}.out.h5ad", genes, []) as file:
        file.add_layer("measured", n)
        for slide, values in table.values(table.match(slides, slides), genes):
            assert values is not None
            file.set_row("measured", slide, values)
    print(time.perf_counter() - start, before, peak())


def bench_format(
    folder: Path, ending: str, write: Callable[[Path, int], None], rows: tuple[int, int]
) -> None:
    """One line for few rows, and one for many."""
    for n in rows:
        path = folder / f"{n}.{ending}"
        write(path, n)
        command = [sys.executable, "-c", SCRIPT.format(path=str(path), n=n)]
        answer = subprocess.run(command, capture_output=True, text=True, check=True)
        seconds, before, after = map(float, answer.stdout.split())
        what, size = f"measured .{ending}, {n} slides x {len(published_genes())} genes", path.stat().st_size
        memory = f"peak memory {after / 2**20:6.0f} MiB, {before / 2**20:.0f} at the start"
        print(f"{what:<52} {seconds:7.1f} s   {memory}   file {size / 2**20:6.0f} MiB")
        path.unlink()
        Path(f"{path}.out.h5ad").unlink()


def bench() -> None:
    """Print the lines of this file."""
    with tempfile.TemporaryDirectory() as name:
        bench_format(Path(name), "csv", write_csv, CSV_ROWS)
        bench_format(Path(name), "h5ad", write_h5ad, H5AD_ROWS)
