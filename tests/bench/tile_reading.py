"""Tiles of a 20,000 × 20,000 JPEG TIFF by OpenSlide and decoded directly, on one thread, compared one by one.

The slide is simulated: 16 pictures of stained patches with noise in a random order, JPEG of quality 80. Tiles are read
as they lie in the file (0.5 µm/px), from four of them (0.25 µm/px), and across their seams (0.499 µm/px).
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

import numpy as np
import tifffile

from sequoia_model.slide import Slide, open_slide
from sequoia_model.types.grid import grid_places, tile_side
from tests.bench.timing import seconds
from tests.build.slides import make_picture

SIDE, TILE, READS, RUNS, GOAL = 20_000, 256, 1_000, 3, 3
SCALES = (0.5, 0.25, 0.499)


def pictures(seed: int = 0) -> list[np.ndarray]:
    """16 tiles, each with the noise of a camera."""
    rng = np.random.default_rng(seed)
    whole = make_picture((512, 512), tissue=((30, 30, 512, 512),), seed=seed).astype(np.int16)
    noisy = np.clip(whole + rng.normal(scale=4, size=whole.shape), 0, 255).astype(np.uint8)
    return [noisy[y : y + TILE, x : x + TILE] for y in range(0, 1024, TILE) for x in range(0, 1024, TILE)]


def write_large(path: Path, seed: int = 0) -> None:
    """The slide, tile by tile, so that it need not be in memory."""
    rng, tiles = np.random.default_rng(seed), pictures(seed)
    n = (-(-SIDE // TILE)) ** 2
    tifffile.imwrite(
        path, (tiles[i] for i in rng.integers(len(tiles), size=n)), shape=(SIDE, SIDE, 3), dtype=np.uint8,
        tile=(TILE, TILE), photometric="rgb", compression="jpeg", compressionargs={"level": 80}, metadata=None,
    )  # fmt: skip


def read_all(slide: Slide, places: np.ndarray, side: int) -> list[np.ndarray]:
    """The tiles at some places, in their order."""
    return [slide.read(int(x), int(y), side) for x, y in places]


def compare(path: Path, mpp: float) -> None:
    """Print tiles/s of both readers at one scale; fails if a pixel differs."""
    side = tile_side(mpp)
    places = np.random.default_rng(0).permutation(grid_places((SIDE, SIDE), side))[:READS]
    places = places[np.lexsort((places[:, 0], places[:, 1]))]
    rates, tiles = {}, {}
    for reader in ("openslide", "direct"):
        with open_slide(path, mpp=mpp, reader=reader) as slide:
            tiles[reader] = read_all(slide, places, side)
            times = [seconds(lambda slide=slide: read_all(slide, places, side)) for _ in range(RUNS)]
        rates[reader] = len(places) / statistics.median(times)
    same = sum(map(np.array_equal, tiles["openslide"], tiles["direct"]))
    ratio = rates["direct"] / rates["openslide"]
    print(
        f"{mpp:5.3f} µm/px, {side} px   OpenSlide {rates['openslide']:7,.0f} tiles/s   direct {rates['direct']:7,.0f}"
        f"   {ratio:5.2f} x   identical {same:,} of {len(places):,}"
    )
    assert same == len(places)


def bench() -> None:
    """Print the lines of this file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.tif"
        write_large(path)
        print(
            f"{SIDE:,} x {SIDE:,}, {path.stat().st_size / 2**20:,.0f} MiB; reading, decoding, resampling; one thread"
        )
        for mpp in SCALES:
            compare(path, mpp)
        print(f"goal >= {GOAL} x at 0.500 µm/px, at which a tile is one of the file's")
