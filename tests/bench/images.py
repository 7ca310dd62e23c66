"""Memory and time to open plain images of 256 million pixels, which are held as 768 MB of RGB.

Each line is a separate process that opens an image and reads its thumbnail. A progressive JPEG needs the memory of its
coefficients besides, and a PNG that of its decoder.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from sequoia_model.slide import open_slide
from tests.bench.timing import peak
from tests.build.slides import make_picture

#: Copies along each side of a picture of 4,000 × 4,000 px.
COPIES = 4
SCRIPT = "from tests.bench.images import read; read({path!r})"
KINDS = ("jpg", "progressive.jpg", "png", "strips.tif", "lzw.tif")


def write(path: Path, pixels: np.ndarray) -> None:
    """The same pixels in each kind of file."""
    if path.suffix == ".tif":
        options = {"compression": "lzw", "rowsperstrip": 64} if path.name.startswith("lzw") else {}
        tifffile.imwrite(path, pixels, photometric="rgb", **options)
    else:
        options = {"progressive": True} if path.name.startswith("progressive") else {}
        Image.fromarray(pixels).save(path, **options)


def read(path: str) -> None:
    """Print the seconds, and the peak memory of this process before and after."""
    start, before = time.perf_counter(), peak()
    with open_slide(path, mpp=0.5) as slide:
        slide.thumbnail(10)
    print(time.perf_counter() - start, before, peak())


def bench() -> None:
    """Print the lines of this file."""
    pixels = np.tile(make_picture((2000, 2000), ((100, 100, 1900, 1900),)), (COPIES, COPIES, 1))
    with tempfile.TemporaryDirectory() as name:
        for kind in KINDS:
            path = Path(name) / (kind if kind.count(".") else f"image.{kind}")
            write(path, pixels)
            command = [sys.executable, "-c", SCRIPT.format(path=str(path))]
            answer = subprocess.run(command, capture_output=True, text=True, check=True)
            seconds, before, after = map(float, answer.stdout.split())
            memory = f"peak memory {after / 2**20:6.0f} MiB, {before / 2**20:.0f} at the start"
            print(
                f"{f'{kind} of {pixels.shape[0] * pixels.shape[1] / 1e6:.0f} Mpx':<44} {seconds:7.1f} s   {memory}"
            )
            path.unlink()
