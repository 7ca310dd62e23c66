"""A gene from a map: of 4,000 tiles, five folds and latent vectors of 1,024 numbers, with heads of 20,820 genes.

The latent vectors are in memory and the heads on the disk, as where many genes are asked of one map; a stored gene is
read from the file alone. Beside them: the map's size, and that of the genes of five folds in float32, without heads.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import numpy as np

from sequoia_base.maps import read_map, write_map
from tests.bench.timing import seconds
from tests.build.maps import make_heads, make_map, make_places

TILES, FOLDS, DIM, GENES, STORED, RUNS = (50, 80), 5, 1024, 20820, 1000, 41


def median_ms(function: Callable[[str], object], names: list[str]) -> float:
    """Median milliseconds of one call, another gene each time, after a warm-up."""
    function(names[0])
    ways = cycle(names[1:])
    return 1000 * statistics.median(seconds(lambda: function(next(ways))) for _ in range(RUNS))


def bench() -> None:
    """Print sizes and times."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "S1.map.h5ad"
        names = [f"G{i}" for i in range(GENES)]
        heads = make_heads(Path(folder) / "heads.h5", names, range(FOLDS), DIM)
        made = make_map(heads, places=make_places(*TILES, holes=[]))
        write_map(made, path)
        n = len(made.places)
        print(f"{n:,} tiles, {FOLDS} folds, {DIM:,} numbers, {GENES:,} genes")
        size, of_genes = path.stat().st_size / 1e6, 4 * n * GENES * FOLDS / 1e6
        print(f"size of the map {size:.1f} MB (goal <= 100)")
        print(f"genes of all folds {of_genes:,.0f} MB: the map has {of_genes / size:.1f} x less")
        found = read_map(path)
        for latent in found.latents.values():
            np.asarray(latent)
        asked = np.random.default_rng(0).permutation(names).tolist()
        print(f"a gene from latent vectors in memory {median_ms(found.gene, asked):.1f} ms (goal <= 20)")
        print(f"its spread over folds {median_ms(found.std, asked):.1f} ms")
        print(f"its row of the heads alone {median_ms(heads.gene, asked):.1f} ms")
        write_map(made, path, names[:STORED], force=True)
        stored = read_map(path).values
        assert stored is not None
        asked = np.random.default_rng(1).permutation(names[:STORED]).tolist()
        print(f"a stored gene {median_ms(lambda name: stored.columns([name]), asked):.2f} ms (goal <= 2)")
        print(
            f"opening the map {1000 * statistics.median(seconds(lambda: read_map(path)) for _ in range(5)):.0f} ms"
        )


if __name__ == "__main__":
    bench()
