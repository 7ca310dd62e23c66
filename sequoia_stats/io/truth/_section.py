"""From what a reader finds to a section: scale and axes are settled once, for all formats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.flow import Flow
from sequoia_stats.errors import InputError, counted, listing, part
from sequoia_stats.io.truth._counts import totals_of
from sequoia_stats.io.truth._lattice import Lattice
from sequoia_stats.types.spatial_truth import SpatialTruth

#: Scales that differ by more than this factor contradict each other.
SCALE_TOLERANCE = 1.05


@dataclass(frozen=True, eq=False)
class Section:
    """What a reader found in the files of a section.

    Parameters
    ----------
    name, where, platform : str
        Its name; the file or folder, for errors; what it was read as.
    spots : Index
        Names of the spots.
    pixels : array of shape (spots, 2), float64
        Centres, x before y, in pixels of the full-resolution image.
    flow : Flow
        What was lost so far.
    counts, genes, totals, programmes
        As in `SpatialTruth`; `totals` by default the sums of `counts`.
    scales : mapping of str to float
        µm per pixel by what says so, the most trusted first: {"the metadata": 0.5}.
    lattice : Lattice, optional
        The lattice of the array, if its axes tell which of x and y is which.
    spot_px, spot_um, pitch_um : float
        Diameter of a spot in pixels, or in µm; distance of spots; 0 if unknown.
    image_size : tuple of two int, optional
        Width and height of the full-resolution image.
    swapped : str
        Why x and y seem to be swapped; empty if they do not.
    notes : tuple of str
        What the reader settled.
    """

    name: str
    where: str
    platform: str
    spots: pd.Index
    pixels: NDArray[np.float64]
    flow: Flow
    counts: Any = None
    genes: tuple[str, ...] = ()
    totals: NDArray[np.float64] | None = None
    programmes: pd.DataFrame | None = None
    scales: Mapping[str, float] = field(default_factory=dict)
    lattice: Lattice | None = None
    spot_px: float = 0.0
    spot_um: float = 0.0
    pitch_um: float = 0.0
    image_size: tuple[int, int] | None = None
    swapped: str = ""
    notes: tuple[str, ...] = ()


def settle(section: Section, *, mpp: float | None = None, swap_xy: bool | None = None) -> SpatialTruth:
    """The section with its scale and its axes settled.

    Parameters
    ----------
    section : Section
        What was found.
    mpp : float, optional
        The scale; settles a contradiction between others.
    swap_xy : bool, optional
        Whether x and y are to be swapped. None: they are not, and refused if they seem to be.

    Raises
    ------
    InputError
        If there are no spots, no spot has a count, the scale is unknown or contradictory, axes seem to be swapped, or a
        spot is off the image.
    """
    if not len(section.spots):
        raise InputError("the section has no spots", where=section.where)
    section = _with_axes(section, swap_xy)
    _refuse_off_image(section, swap_xy)
    scale, notes = _scale(section, mpp)
    section, totals = _without_empty_spots(section)
    return SpatialTruth(
        section.name, tuple(map(str, section.spots)), section.pixels, scale, section.spot_um or section.spot_px * scale,
        section.pitch_um, section.counts, section.genes, totals, section.programmes,
        section.image_size, section.platform, section.flow, (*section.notes, *notes),
    )  # fmt: skip


def _with_axes(section: Section, swap_xy: bool | None) -> Section:
    if swap_xy:
        note = "x and y were swapped, as asked."
        return replace(section, pixels=section.pixels[:, ::-1], notes=(*section.notes, note))
    reason = section.swapped
    if section.lattice is not None and section.lattice.holds and section.lattice.is_transposed:
        reason = reason or "x follows the rows of the array, and y its columns"
    if reason and swap_xy is None:
        raise InputError(
            f"x and y seem to be swapped: {reason}",
            where=section.where,
            fix="swap them with --swap-xy, or keep them with --no-swap-xy",
        )
    return section


def _refuse_off_image(section: Section, swap_xy: bool | None) -> None:
    """Refuse spots whose centre is not on the image."""
    if section.image_size is None:
        return
    off = _off(section.pixels, section.image_size)
    if not off.any():
        return
    fix = "give the image on which the spots were found, or its scale factors"
    if swap_xy is None and not _off(section.pixels[:, ::-1], section.image_size).any():
        fix = "x and y may be swapped, since all are on it then: --swap-xy"
    raise InputError(
        f"{part(int(off.sum()), len(off), 'spot', 'are')} off the image of "
        f"{section.image_size[0]:,} × {section.image_size[1]:,} pixels: {listing(section.spots[off], 3)}",
        where=section.where,
        fix=fix,
    )


def _off(pixels: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.bool_]:
    return np.any((pixels < 0) | (pixels > np.asarray(size)), axis=1)


def _scale(section: Section, mpp: float | None) -> tuple[float, tuple[str, ...]]:
    """The scale, and a note of where it is from."""
    known = {words: scale for words, scale in section.scales.items() if np.isfinite(scale) and scale > 0}
    said = "; ".join(f"{words} says {scale:.4g}" for words, scale in known.items())
    if mpp is not None:
        if not (np.isfinite(mpp) and mpp > 0):
            raise InputError(f"mpp must be more than 0 µm per pixel, but is {mpp}", where=section.where)
        if known and not any(_agree(mpp, scale) for scale in known.values()):
            raise InputError(
                f"{mpp:.4g} µm per pixel contradicts everything that is known of the scale",
                where=f"{section.where}: {said}",
                fix="leave --mpp out; is this the image on which the spots were found?",
            )
        return mpp, (f"{mpp:.4g} µm per pixel, as given{f' ({said})' if said else ''}.",)
    if not known:
        raise InputError(
            "the scale of the image is not known", where=section.where, fix="give its µm per pixel with --mpp"
        )
    if not _agree(min(known.values()), max(known.values())):
        raise InputError(
            "what is known of the scale is contradictory",
            where=f"{section.where}: µm per pixel: {said}",
            fix="say which is right with --mpp",
        )
    words, scale = next(iter(known.items()))
    return scale, (f"{scale:.4g} µm per pixel, as {words} says.",)


def _agree(a: float, b: float) -> bool:
    return max(a, b) <= SCALE_TOLERANCE * min(a, b)


def _without_empty_spots(section: Section) -> tuple[Section, NDArray[np.float64]]:
    """Without spots on which nothing was counted; and the counts of the others."""
    n = len(section.spots)
    if section.counts is None:
        return section, np.zeros(n)
    totals = totals_of(section.counts) if section.totals is None else section.totals
    kept = np.flatnonzero(totals > 0)
    if not len(kept):
        raise InputError("the section is empty: nothing was counted on any spot", where=section.where)
    if len(kept) < n:
        section.flow.add(
            "spots: counts", n, len(kept), f"{counted(n - len(kept), 'spot has', 'spots have')} no count"
        )
    programmes = None if section.programmes is None else section.programmes.iloc[kept]
    left = replace(
        section, spots=section.spots[kept], pixels=section.pixels[kept], counts=section.counts[kept],
        programmes=programmes,
    )  # fmt: skip
    return left, totals[kept]
