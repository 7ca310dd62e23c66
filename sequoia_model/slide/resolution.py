"""How large a pixel is: what the file says, in which order it is believed, and what contradicts what."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from sequoia_model.errors import InputError
from sequoia_model.slide.sources.levels import Facts
from sequoia_model.types.units import TILE_MPP

Origin = Literal["given", "mpp", "TIFF resolution", "objective power"]

#: µm per pixel that a slide can have; of TIFF tags only what a microscope writes (600 dpi are 42 µm).
LARGEST_MPP = 100.0
_TAGS = (0.02, 10.0)
_POWERS = (0.5, 150.0)
#: Two statements contradict each other when one is this many times the other, and x and y at a 20th.
_APART = 1.5
_SQUARE = 1.05
_FIX = "--slide-mpp X for one slide, --mpp-table CSV with the columns slide and mpp for a folder"


@dataclass(frozen=True)
class Resolution:
    """µm per pixel of level 0, and how that is known.

    Parameters
    ----------
    mpp : float
        µm per pixel.
    source : {"given", "mpp", "TIFF resolution", "objective power"}
        What was believed.
    found : mapping of str to float
        All that the file says, believed or not.
    notes : tuple of str
        What a reader of the results should know.
    """

    mpp: float
    source: Origin
    found: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def check_mpp(mpp: float, where: object = "") -> float:
    """A resolution that can be one.

    Raises
    ------
    InputError
        If it is no number above 0 and at most 100.
    """
    if not (math.isfinite(mpp) and 0 < mpp <= LARGEST_MPP):
        raise InputError(
            f"{mpp:g} µm per pixel is no resolution of a slide",
            where=str(where),
            fix=f"a number above 0 and at most {LARGEST_MPP:g}; 0.25 is about 40x, 0.5 about 20x",
        )
    return float(mpp)


def resolve(facts: Facts, path: Path, given: float | None = None) -> Resolution:
    """The resolution of a slide: as given, else its mpp, its TIFF resolution, its objective power.

    Parameters
    ----------
    facts : Facts
    path : Path
        For errors.
    given : float, optional
        By the user; wins over all.

    Raises
    ------
    InputError
        If nothing is known, statements contradict each other, or the given one cannot be.
    """
    notes: list[str] = []
    said = _statements(facts.claims, notes, path, strict=given is None)
    if given is not None:
        mpp, source = check_mpp(given, path), "given"
        notes += [
            f"the file's {name} says {value:.4g} µm/px, and {mpp:.4g} was given"
            for name, value in said.items()
            if not _agree(value, mpp, _SQUARE)
        ]
    elif said and not facts.plain:
        _refuse_contradictions(said, facts.claims, path)
        source, mpp = next(iter(said.items()))
    else:
        what = "a plain image does not say its scale" if facts.plain else "the slide does not say its scale"
        more = f" ({'; '.join(notes)})" if notes else ""
        raise InputError(f"{what}, µm per pixel{more}", where=str(path), fix=_FIX)
    if mpp > TILE_MPP * 1.02:
        notes.append(f"the slide is coarser than {TILE_MPP:g} µm/px: its tiles are enlarged")
    return Resolution(mpp, source, dict(facts.claims), tuple(notes))  # type: ignore[arg-type]


def _statements(
    claims: Mapping[str, float], notes: list[str], path: Path, *, strict: bool
) -> dict[str, float]:
    """What can be believed, µm per pixel, the most credible first."""
    said: dict[str, float] = {}
    limits = {"mpp": (0.0, LARGEST_MPP), "TIFF resolution": _TAGS}
    for name, (low, high) in limits.items():
        axes = [value for axis in "xy" if (value := claims.get(f"{name} {axis}")) is not None]
        if not axes:
            continue
        if not all(math.isfinite(value) and low < value <= high for value in axes):
            words = " × ".join(f"{value:.4g}" for value in axes)
            notes.append(f"the file's {name} of {words} µm/px is not that of a slide, and was not used")
            continue
        if strict and not _agree(min(axes), max(axes), _SQUARE):
            raise InputError(
                f"the slide says {axes[0]:.4g} µm/px in x and {axes[1]:.4g} in y, and pixels are to be square",
                where=f"{path}, {name}",
                fix=_FIX,
            )
        said[name] = sum(axes) / len(axes)
    power = claims.get("objective power")
    if power is not None and _POWERS[0] <= power <= _POWERS[1]:
        said["objective power"] = 10 / power
    elif power is not None:
        notes.append(f"the file's objective power of {power:g} is none of a microscope, and was not used")
    return said


def _refuse_contradictions(said: Mapping[str, float], claims: Mapping[str, float], path: Path) -> None:
    first, mpp = next(iter(said.items()))
    for name, value in said.items():
        if _agree(value, mpp, _APART):
            continue
        words = f"{name} of {value:.4g} µm/px"
        if name == "objective power":
            words = f"{name} of {claims[name]:g}x, about {value:.3g} µm/px"
        raise InputError(
            f"the slide contradicts itself: {first} of {mpp:.4g} µm/px, {words}", where=str(path), fix=_FIX
        )


def _agree(one: float, other: float, factor: float) -> bool:
    return 1 / factor <= one / other <= factor
