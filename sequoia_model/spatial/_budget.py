"""The stride that a time allows, and what it costs: the error against stride 1 on a part of the slide.

Few windows are timed. Windows of every stride are counted exactly, and the smallest stride whose windows fit into the
time is taken.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sequoia_model.errors import InputError, counted
from sequoia_model.spatial._values import WindowValues
from sequoia_model.spatial.window_means import tile_means
from sequoia_model.spatial.windows import Windows, windows_of

_TEXT = re.compile(r"(\d+(?:\.\d+)?)\s*(s|sec|min|m|h)", re.IGNORECASE)
_SECONDS = {"s": 1.0, "sec": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0}
#: Windows that are timed, after as many that warm up.
_TIMED = 8
#: The error is measured in the time that the windows leave, or in this share of all, on a square of so many tiles
#: a side at most.
_SHARE, _LARGEST_PART = 0.1, 10
#: Genes on which the error is measured, evenly spread over the outputs.
_GENES = 200


@dataclass(frozen=True)
class StrideError:
    """How a map of a stride differs from that of stride 1, on a part of a slide.

    Parameters
    ----------
    n_tiles, n_genes : int
        Tiles of the part that both maps cover, and genes.
    r : float
        Median over genes of the correlation over the tiles.
    relative_rms : float
        Median over genes of the root mean square of the difference, in standard deviations of the map of stride 1.
    """

    n_tiles: int
    n_genes: int
    r: float
    relative_rms: float


@dataclass(frozen=True)
class Budget:
    """A time for a map, and the stride that was chosen for it.

    Parameters
    ----------
    seconds : float
        The time.
    stride : int
        The smallest stride whose windows fit into it.
    n_windows : int
        Number of its windows.
    seconds_per_window : float
        Of all networks together, as it was measured.
    predicted_seconds : float
        The time for all windows.
    error : StrideError, optional
        The error against stride 1; None for stride 1, and where the time was too short to measure it.
    """

    seconds: float
    stride: int
    n_windows: int
    seconds_per_window: float
    predicted_seconds: float
    error: StrideError | None = None

    def to_uns(self) -> dict[str, Any]:
        """Plain values for the map."""
        words = asdict(self)
        error = words.pop("error") or {}
        return words | {f"error_{name}": value for name, value in error.items()}

    @classmethod
    def of(cls, words: Mapping[str, Any]) -> Budget:
        """The budget that `to_uns` wrote."""
        names = {name.removeprefix("error_"): words[name] for name in words if name.startswith("error_")}
        own = {name: value for name, value in words.items() if not name.startswith("error_")}
        return cls(**own, error=StrideError(**names) if names else None)

    def __str__(self) -> str:
        head = f"stride {self.stride}: {counted(self.n_windows, 'window')}, about {in_words(self.predicted_seconds)}"
        if self.stride == 1:
            return head
        if self.error is None:
            return f"{head}; the error against stride 1 was not measured, for which the time is too short"
        error = self.error
        return (
            f"{head}; against stride 1, on {counted(error.n_tiles, 'tile')} and {counted(error.n_genes, 'gene')}: "
            f"median r {error.r:.3f}, difference {error.relative_rms:.0%} of a standard deviation"
        )


def seconds_of(text: str | float) -> float:
    """A time in seconds.

    Parameters
    ----------
    text : str or float
        Seconds, or words such as "45s", "10min", "1.5h".

    Raises
    ------
    InputError
        If it is no time above 0.

    Examples
    --------
    >>> seconds_of("10min"), seconds_of("1.5h"), seconds_of(45)
    (600.0, 5400.0, 45.0)
    """
    match = _TEXT.fullmatch(text.strip()) if isinstance(text, str) else None
    seconds = float(match[1]) * _SECONDS[match[2].lower()] if match else 0.0
    if not isinstance(text, str | bool):
        seconds = float(text)
    if not 0 < seconds < np.inf:
        raise InputError(f"{text!r} is not a valid time", fix="--budget 45s, 10min or 1h")
    return seconds


def in_words(seconds: float) -> str:
    """A time for people.

    Parameters
    ----------
    seconds : float
        The time.

    Examples
    --------
    >>> in_words(8), in_words(150), in_words(9000)
    ('8 s', '2.5 min', '2.5 h')
    """
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.2g} s"


def choose_stride(counts: Mapping[int, int], seconds_per_window: float, seconds: float) -> int:
    """The smallest stride whose windows fit into a time.

    Parameters
    ----------
    counts : mapping of int to int
        Number of windows of each stride.
    seconds_per_window : float
        Of all networks together.
    seconds : float
        The time.

    Raises
    ------
    InputError
        If those of the largest stride do not fit.
    """
    for stride in sorted(counts):
        if counts[stride] and counts[stride] * seconds_per_window <= seconds:
            return stride
    coarsest = max((stride for stride in counts if counts[stride]), default=max(counts))
    needed = counts[coarsest] * seconds_per_window
    raise InputError(
        f"the map takes about {in_words(needed)} even at stride {coarsest}, the coarsest, but --budget is "
        f"{in_words(seconds)}",
        fix=f"a longer --budget, or --stride {coarsest}",
    )


def choose_by_time(
    values: WindowValues,
    folds: Sequence[int],
    places: NDArray[np.int64],
    seconds: float,
    *,
    size: int,
    origins: str,
    outputs: Sequence[int],
    clock: Callable[[], float] = time.perf_counter,
) -> Budget:
    """Time a few windows, choose the stride, and measure its error.

    Parameters
    ----------
    values : WindowValues
        Computes windows.
    folds : sequence of int
        The networks that are used.
    places : array of shape (tiles, 2)
        Row and column of each tile.
    seconds : float
        The time for all windows.
    size : int
        Places along the side of a window.
    origins : str
        Where windows may begin.
    outputs : sequence of int
        Genes that can be asked of `values`, by their number among the outputs.
    clock : callable
        Tells the time in seconds.

    Raises
    ------
    InputError
        If the time is too short for the coarsest stride.
    """
    every = windows_of(places, size=size, stride=1, origins=origins)
    counts = {
        stride: len(windows_of(places, size=size, stride=stride, origins=origins))
        for stride in range(1, size + 1)
    }
    per_network = _seconds_per_window(values, folds[0], every, clock)
    together = per_network * len(folds)
    stride = choose_stride(counts, together, seconds)
    error = None
    if stride > 1:
        affordable = int(max(_SHARE * seconds, seconds - counts[stride] * together) / per_network)
        error = stride_error(values, folds[0], places, every, stride, most=affordable, outputs=outputs)
    return Budget(seconds, stride, counts[stride], together, counts[stride] * together, error)


def stride_error(
    values: WindowValues,
    fold: int,
    places: NDArray[np.int64],
    every: Windows,
    stride: int,
    *,
    most: int,
    outputs: Sequence[int],
) -> StrideError | None:
    """The error of a stride against stride 1, by one network, on a square of tiles in the middle of the tissue.

    Parameters
    ----------
    values : WindowValues
        Computes windows.
    fold : int
        The network.
    places : array of shape (tiles, 2)
        Row and column of each tile.
    every : Windows
        Those of stride 1.
    stride : int
        The stride.
    most : int
        Most windows that may be computed.
    outputs : sequence of int
        Genes that can be asked of `values`, by their number among the outputs.

    Returns
    -------
    StrideError or None
        None if a square of two tiles a side needs more windows than `most`, or no gene varies on it.
    """
    corner = places.min(axis=0)
    sparse = ((every.origins - corner) % stride == 0).all(axis=1)
    middle = places[np.argmin(np.abs(places - np.median(places, axis=0)).sum(axis=1))]
    for side in range(_LARGEST_PART, 1, -1):
        away = places - middle + side // 2
        part = np.flatnonzero(((away >= 0) & (away < side)).all(axis=1))
        near = np.flatnonzero(np.isin(every.tiles, part).any(axis=1))
        if len(near) <= most:
            break
    else:
        return None
    computed = values.of(fold, every, near)
    some = np.linspace(0, len(outputs) - 1, min(_GENES, len(outputs))).round().astype(int)
    genes = [outputs[i] for i in some]
    maps = []
    for kept in (np.ones(len(near), dtype=bool), sparse[near]):
        windows = Windows(every.origins[near][kept], every.tiles[near][kept], every.size, 1)
        means = tile_means(computed[kept], windows, len(places))[0][part]
        maps.append(values.genes(fold, means, genes))
    return _compared(*maps)


def _compared(full: NDArray[np.float64], coarse: NDArray[np.float64]) -> StrideError | None:
    covered = np.isfinite(full).all(axis=1) & np.isfinite(coarse).all(axis=1)
    full, coarse = full[covered], coarse[covered]
    spread = full.std(axis=0) if len(full) else np.zeros(full.shape[1])
    there = (spread > 0) & (coarse.std(axis=0) > 0 if len(coarse) else False)
    if not there.any():
        return None
    full, coarse, spread = full[:, there], coarse[:, there], spread[there]
    centred = [x - x.mean(axis=0) for x in (full, coarse)]
    r = (centred[0] * centred[1]).mean(axis=0) / (spread * coarse.std(axis=0))
    rms = np.sqrt(((full - coarse) ** 2).mean(axis=0)) / spread
    return StrideError(len(full), int(there.sum()), float(np.median(r)), float(np.median(rms)))


def _seconds_per_window(values: WindowValues, fold: int, every: Windows, clock: Callable[[], float]) -> float:
    n = min(_TIMED, len(every))
    rows = np.linspace(0, len(every) - 1, n).round().astype(np.int64)
    values.of(fold, every, rows)
    began = clock()
    values.of(fold, every, rows)
    return max((clock() - began) / n, 1e-9)
