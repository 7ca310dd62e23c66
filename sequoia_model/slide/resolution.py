"""Resolution: which statement of a file about its pixel size is used, and which statements contradict each other."""

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

#: The largest µm per pixel that a slide can have.
_LARGEST_MPP = 100.0
#: µm per pixel in TIFF tags that come from a microscope, not from a screen or printer (600 dpi is 42 µm).
_TIFF_LIMITS = (0.02, 10.0)
_POWER_LIMITS = (0.5, 150.0)
#: Two statements contradict each other if they differ by more than this factor; x and y may differ by the second.
_CONTRADICTION = 1.5
_SQUARE = 1.05
_FIX = "use --slide-mpp X for one slide, or --mpp-table CSV, with the columns slide and mpp, for several"


@dataclass(frozen=True)
class Resolution:
    """µm per pixel of level 0, and where the value comes from.

    Parameters
    ----------
    mpp : float
        µm per pixel.
    source : {"given", "mpp", "TIFF resolution", "objective power"}
        Which statement was used.
    found : mapping of str to float
        Everything that the file says about its scale, used or not.
    notes : tuple of str
        Notes that matter for the interpretation of results.
    """

    mpp: float
    source: Origin
    found: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def check_mpp(mpp: float, where: object = "") -> float:
    """Check that a number can be the resolution of a slide.

    Raises
    ------
    InputError
        If it is not a number above 0 and at most 100.
    """
    if not (math.isfinite(mpp) and 0 < mpp <= _LARGEST_MPP):
        raise InputError(
            f"{mpp:g} µm per pixel is not a valid resolution of a slide",
            where=str(where),
            fix=f"give a number above 0 and at most {_LARGEST_MPP:g}; 0.25 is about 40x, 0.5 about 20x",
        )
    return float(mpp)


def resolve(facts: Facts, path: Path, given: float | None = None) -> Resolution:
    """Find the resolution of a slide: the given one, or else its mpp, TIFF resolution or objective power.

    Parameters
    ----------
    facts : Facts
        What the file says about itself.
    path : Path
        The file that error messages name.
    given : float, optional
        µm per pixel as given by the user; takes precedence over what the file says.

    Raises
    ------
    InputError
        If nothing is known, statements contradict each other, or the given value is not a valid resolution.
    """
    notes: list[str] = []
    said = _statements(facts.claims, notes, path, strict=given is None)
    if given is not None:
        mpp, source = check_mpp(given, path), "given"
        notes += [
            f"the file's {name} says {value:.4g} µm/px, but {mpp:.4g} was given"
            for name, value in said.items()
            if not _agree(value, mpp, _SQUARE)
        ]
    elif said and not facts.plain:
        _refuse_contradictions(said, facts.claims, path)
        source, mpp = next(iter(said.items()))
    else:
        kind = "a plain image" if facts.plain else "the slide"
        more = f" ({'; '.join(notes)})" if notes else ""
        raise InputError(f"{kind} does not state its µm per pixel{more}", where=str(path), fix=_FIX)
    if mpp > TILE_MPP * 1.02:
        notes.append(f"the slide is coarser than {TILE_MPP:g} µm/px: its tiles are enlarged")
    return Resolution(mpp, source, dict(facts.claims), tuple(notes))  # type: ignore[arg-type]


def _statements(
    claims: Mapping[str, float], notes: list[str], path: Path, *, strict: bool
) -> dict[str, float]:
    """The plausible statements in µm per pixel, the most credible first."""
    said: dict[str, float] = {}
    limits = {"mpp": (0.0, _LARGEST_MPP), "TIFF resolution": _TIFF_LIMITS}
    for name, (low, high) in limits.items():
        axes = [value for axis in "xy" if (value := claims.get(f"{name} {axis}")) is not None]
        if not axes:
            continue
        if not all(math.isfinite(value) and low < value <= high for value in axes):
            words = " × ".join(f"{value:.4g}" for value in axes)
            notes.append(f"the file's {name} of {words} µm/px is implausible for a slide and was not used")
            continue
        if strict and not _agree(min(axes), max(axes), _SQUARE):
            raise InputError(
                f"the slide states {axes[0]:.4g} µm/px in x and {axes[1]:.4g} in y, but pixels must be square",
                where=f"{path}, {name}",
                fix=_FIX,
            )
        said[name] = sum(axes) / len(axes)
    power = claims.get("objective power")
    if power is not None and _POWER_LIMITS[0] <= power <= _POWER_LIMITS[1]:
        said["objective power"] = 10 / power
    elif power is not None:
        notes.append(
            f"the file's objective power of {power:g} is implausible for a microscope and was not used"
        )
    return said


def _refuse_contradictions(said: Mapping[str, float], claims: Mapping[str, float], path: Path) -> None:
    first, mpp = next(iter(said.items()))
    for name, value in said.items():
        if _agree(value, mpp, _CONTRADICTION):
            continue
        words = f"{value:.4g} µm/px"
        if name == "objective power":
            words = f"{claims[name]:g}x, about {value:.3g} µm/px"
        raise InputError(
            f"the slide contradicts itself: its {first} is {mpp:.4g} µm/px, but its {name} is {words}",
            where=str(path),
            fix=_FIX,
        )


def _agree(one: float, other: float, factor: float) -> bool:
    return 1 / factor <= one / other <= factor
