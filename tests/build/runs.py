"""Builders for runs over folders of slides: a small encoder, and processes that stop at a given step."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sequoia_model.types.bag import EncoderId
from tests.build.processes import start
from tests.build.slides import write_slide

_ROOT = Path(__file__).parents[2]
_CHILD = """
import sys
from tests.build import runs
runs.run_child(*sys.argv[1:])
"""


class TinyEncoder:
    """Mean colours of the four quarters of a tile: 12 numbers, the same in every batch."""

    def __init__(self, name: str = "tiny", seed: int = 0, batch_size: int = 4) -> None:
        fingerprint = np.random.default_rng(seed).normal(size=12).astype(np.float32)
        self.id, self.batch_size = EncoderId(name, fingerprint=fingerprint), batch_size
        self.batches: list[tuple[int, ...]] = []

    def prepare(self, tile: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Every other pixel."""
        return np.ascontiguousarray(tile[::2, ::2])

    def __call__(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.batches.append(batch.shape)
        n, side = batch.shape[:2]
        quarters = batch.reshape(n, 2, side // 2, 2, side // 2, 3).mean(axis=(2, 4), dtype=np.float64)
        return quarters.reshape(n, 12).astype(np.float32)


def write_slides(folder: Path, n: int, **made: Any) -> Path:
    """A folder of slides S00, S01, … of 12 tiles of tissue each."""
    for i in range(n):
        write_slide(folder / f"S{i:02}.tif", **{"seed": i} | made)
    return folder


def state_of(output: Path, slide: str = "S00") -> dict[str, Any]:
    """The content of a slide's state file; nothing before there is one."""
    try:
        content: dict[str, Any] = json.loads((output / ".runs" / f"{slide}.json").read_text())
    except FileNotFoundError:
        return {}
    return content


def start_embed(slides: Path, output: Path, stop: str = "", **popen: Any) -> subprocess.Popen[str]:
    """`embed_folder` with the small encoder in a process that stops in the step `stop`."""
    return start(_CHILD, slides, output, stop, cwd=_ROOT, **popen)


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str], seconds: float = 60) -> None:
    """Return once a condition holds, as long as a process is running."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end or process.poll() is not None:
            process.kill()
            raise TimeoutError(process.communicate()[1])
        time.sleep(0.01)


def run_child(slides: str, output: str, stop: str) -> None:
    """What `start_embed` runs: the command line, with another encoder."""
    from sequoia_model import clusters, encoders
    from sequoia_model.cli.app import main
    from sequoia_model.tiles import candidates

    def halt(*_: object, **__: object) -> None:
        while True:
            signal.pause()

    def halt_at_outputs(source: Path, target: Path) -> None:
        if ".part" in str(source) and ".part" not in str(target):
            halt()
        replace(source, target)

    replace, encoder = os.replace, TinyEncoder()
    encoders.get_encoder, encoders.known_id = lambda name, device: encoder, lambda name: None
    if stop == "tile":
        candidates.find_candidates = halt
    elif stop == "embed":
        TinyEncoder.__call__ = halt  # type: ignore[assignment]
    elif stop == "cluster":
        clusters.cluster_means = halt
    elif stop == "rename":
        os.replace = halt_at_outputs  # type: ignore[assignment]
    main(["embed", slides, "-o", output, "--encoder", "tiny"])
