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

Origin = Literal["given", "mpp", "OME pixel size", "ImageJ scale", "TIFF resolution", "objective power"]

#: µm per pixel that a user may give.
_GIVEN_LIMITS = (0.05, 100.0)
#: µm per pixel that a file is believed. No microscope is finer; coarser ones are of screens, printers and overviews.
_BELIEVED_LIMITS = (0.08, 10.0)
_POWER_LIMITS = (0.5, 150.0)
#: Statements in µm per pixel, the most credible first.
_LENGTHS = ("mpp", "OME pixel size", "ImageJ scale", "TIFF resolution")
#: Two statements contradict each other if they differ by more than this factor; x and y may differ by the second.
_CONTRADICTION = 1.5
_SQUARE = 1.05
#: Formats of scanners with an adapter between objective and camera, whose power says little about their scale.
_WITH_ADAPTER = ("mirax",)
_MICRONS_PER_INCH = 25_400.0
_FIX = "use --slide-mpp X for one slide, or --mpp-table CSV, with the columns slide and mpp, for several"


@dataclass(frozen=True)
class Resolution:
    """µm per pixel of level 0, and where the value comes from.

    Parameters
    ----------
    mpp : float
        µm per pixel.
    source : {"given", "mpp", "OME pixel size", "ImageJ scale", "TIFF resolution", "objective power"}
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
        If it is not a number from 0.05 to 100.
    """
    low, high = _GIVEN_LIMITS
    if not (math.isfinite(mpp) and low <= mpp <= high):
        raise InputError(
            f"{mpp:g} µm per pixel is not a valid resolution of a slide",
            where=str(where),
            fix=f"give µm per pixel, at least {low:g} and at most {high:g}; 0.25 is about 40x, 0.5 about 20x",
        )
    return float(mpp)


def resolve(facts: Facts, path: Path, given: float | None = None) -> Resolution:
    """Find the resolution of a slide: the given one, or else the most credible statement of its file.

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
        If nothing is known, statements are incredible or contradict each other, or the given value is not a valid
        resolution.
    """
    notes = [f"the file's {words}" for words in facts.unused] if given is None else []
    said = _statements(facts.claims, notes, path, strict=given is None)
    if given is not None:
        mpp, source = check_mpp(given, path), "given"
        notes += [
            f"the file's {name} says {value:.4g} µm/px, but {mpp:.4g} was given"
            for name, value in said.items()
            if not _agree(value, mpp, _SQUARE)
        ]
    elif said:
        _refuse_contradictions(said, facts, path)
        name, mpp = next(iter(said.items()))
        source = next((origin for origin in _LENGTHS if name.startswith(origin)), name)
    elif notes:
        raise InputError(
            f"nothing that the file says about its scale can be used: {'; '.join(notes)}",
            where=str(path),
            fix=_FIX,
        )
    else:
        raise InputError("the file does not state its µm per pixel", where=str(path), fix=_FIX)
    if mpp > TILE_MPP * 1.02:
        notes.append(f"the slide is coarser than {TILE_MPP:g} µm/px: its tiles are enlarged")
    return Resolution(mpp, source, dict(facts.claims), tuple(notes))  # type: ignore[arg-type]


def _statements(
    claims: Mapping[str, float], notes: list[str], path: Path, *, strict: bool
) -> dict[str, float]:
    """The plausible statements in µm per pixel, the most credible first."""
    said: dict[str, float] = {}
    for name in _names(claims):
        axes = [value for axis in "xy" if (value := claims.get(f"{name} {axis}")) is not None]
        words = f"{name} of {' × '.join(f'{value:.4g}' for value in axes)} µm/px"
        if not _believed(name, axes, words, notes, path, strict=strict):
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


def _names(claims: Mapping[str, float]) -> list[str]:
    """Names of the statements in µm per pixel, the most credible first, those of coarser levels last."""
    names = dict.fromkeys(name[:-2] for name in claims if name.endswith((" x", " y")))
    return sorted(names, key=lambda name: _LENGTHS.index(name) if name in _LENGTHS else len(_LENGTHS))


def _believed(
    name: str, axes: list[float], words: str, notes: list[str], path: Path, *, strict: bool
) -> bool:
    """Whether a statement is one of a microscope. What means nothing is noted, what cannot be true is refused."""
    low, high = _BELIEVED_LIMITS
    if all(math.isfinite(value) and low <= value <= high for value in axes):
        return True
    empty = not all(math.isfinite(value) and value > 0 for value in axes)
    printed = name.startswith("TIFF resolution") and all(value > high for value in axes)
    if strict and not empty and not printed:
        raise InputError(
            f"the file's {words} is implausible for a slide: a microscope has {low:g} to {high:g}",
            where=str(path),
            fix=_FIX,
        )
    why = (
        "is that of a screen or printer, implausible for a slide,"
        if printed
        else "is implausible for a slide"
    )
    dpi = f" ({_MICRONS_PER_INCH / axes[0]:.4g} dpi)" if printed else ""
    notes.append(f"the file's {words}{dpi} {why} and was not used")
    return False


def _refuse_contradictions(said: Mapping[str, float], facts: Facts, path: Path) -> None:
    first, mpp = next(iter(said.items()))
    for name, value in said.items():
        is_power = name == "objective power"
        if _agree(value, mpp, _CONTRADICTION) or (is_power and facts.format in _WITH_ADAPTER):
            continue
        words = f"{value:.4g} µm/px"
        if is_power:
            words = f"{facts.claims[name]:g}x, about {value:.3g} µm/px"
        raise InputError(
            f"the slide contradicts itself: its {first} is {mpp:.4g} µm/px, but its {name} is {words}",
            where=str(path),
            fix=_FIX,
        )


def _agree(one: float, other: float, factor: float) -> bool:
    return 1 / factor <= one / other <= factor
