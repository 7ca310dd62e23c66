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
from sequoia_stats.io.truth._images import LEAST_MPP, MOST_MPP
from sequoia_stats.io.truth._lattice import Lattice, nearest_distance
from sequoia_stats.types.spatial_truth import SpatialTruth

#: Scales that differ by more than this factor contradict each other.
SCALE_TOLERANCE = 1.05
#: The same of a distance to the nearest spot, which is less than the pitch where spots are jittered.
_NEAREST_TOLERANCE = 1.25
#: Pitches of usual arrays in µm: Visium, and Spatial Transcriptomics.
_USUAL_PITCHES = (100.0, 200.0)
#: Up to this share of spots is left out where they are off the image; more of them tell of another image or scale.
_MOST_OFF = 0.05


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
        Centres, x before y, in pixels of the full-resolution image, or in µm.
    flow : Flow
        What was lost so far.
    counts, genes, totals, programmes
        As in `SpatialTruth`; `totals` by default the sums of `counts`.
    scales : mapping of str to float
        µm per pixel by what says so, the most trusted first: {"the metadata": 0.5}.
    lattice : Lattice, optional
        The lattice of the array, in the unit of `pixels`, if its axes tell which of x and y is which.
    spot_px, spot_um, pitch_um : float
        Diameter of a spot in pixels, or in µm; distance of spots; 0 if unknown.
    image_size : tuple of two int, optional
        Width and height of the full-resolution image.
    swapped : str
        Why x and y seem to be swapped; empty if they do not.
    notes : tuple of str
        What the reader settled.
    in_um : bool
        Whether `pixels` are µm, which stay as they are whatever the scale.
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
    in_um: bool = False


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
        If there are no spots, no spot has a count, the scale is unknown or contradictory, axes seem to be swapped, two
        spots are at one place, or more than 5% of those with counts are off the image.
    """
    if not len(section.spots):
        raise InputError("the section has no spots", where=section.where)
    section = _with_axes(section, swap_xy)
    left = _without_empty_spots(section)
    _refuse_one_place(left)
    scale, notes = _scale(section, mpp)
    notes += _pitch_notes(section, scale, is_given=mpp is not None)
    if section.in_um:
        left = replace(left, pixels=left.pixels / scale, in_um=False)
    section = _on_image(left, swap_xy)
    totals = np.zeros(len(section.spots)) if section.totals is None else section.totals
    return SpatialTruth(
        section.name, tuple(map(str, section.spots)), section.pixels, scale, section.spot_um or section.spot_px * scale,
        section.pitch_um, section.counts, section.genes, totals, section.programmes,
        section.image_size, section.platform, section.flow, (*section.notes, *notes), bool(swap_xy),
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


def _on_image(section: Section, swap_xy: bool | None) -> Section:
    """The spots whose centre is on the image; without its size, those neither left of it nor above it.

    Raises
    ------
    InputError
        If more than a few are off it, or all would be on it if x and y were swapped.
    """
    size = section.image_size
    off = _off(section.pixels, size or (np.inf, np.inf))
    n, n_off = len(off), int(off.sum())
    if not n_off:
        return section
    may_be_swapped = swap_xy is None and size is not None and not _off(section.pixels[:, ::-1], size).any()
    if size is None:
        image = "the image: x or y is less than 0"
        fix = "give centres in pixels from the upper left corner of the image, or in µm from there"
    else:
        image = f"the image of {size[0]:,} × {size[1]:,} pixels"
        fix = "give the image on which the spots were found, or its scale factors"
    if may_be_swapped:
        fix = "x and y may be swapped, since all are on it then: --swap-xy, or --no-swap-xy to keep them"
    if n_off <= _MOST_OFF * n and not may_be_swapped:
        section.flow.add(
            "spots: image", n, n - n_off, f"{counted(n_off, 'spot is', 'spots are')} off {image}"
        )
        return _at(section, np.flatnonzero(~off))
    raise InputError(
        f"{part(n_off, n, 'spot', 'are')} off {image}",
        where=f"{section.where}: {listing(section.spots[off], 3)}",
        fix=fix,
    )


def _refuse_one_place(section: Section) -> None:
    """Refuse spots whose centre is that of another one."""
    centres = pd.DataFrame(section.pixels)
    shared = (centres.duplicated(keep=False) & centres.notna().all(axis=1)).to_numpy()
    if shared.any():
        raise InputError(
            f"{part(int(shared.sum()), len(shared), 'spot', 'are')} at the place of another one",
            where=f"{section.where}: {listing(section.spots[shared], 3)}",
            fix="give each spot its own centre",
        )


def _off(pixels: NDArray[np.float64], size: tuple[float, float]) -> NDArray[np.bool_]:
    return np.any((pixels < 0) | (pixels > np.asarray(size)), axis=1)


def _scale(section: Section, mpp: float | None) -> tuple[float, tuple[str, ...]]:
    """The scale, and a note of where it is from."""
    known = {words: scale for words, scale in section.scales.items() if _is_plausible(scale)}
    unused = tuple(
        f"{words} says {scale:.4g} µm per pixel, which no microscope has: not used."
        for words, scale in section.scales.items()
        if scale > 0 and words not in known
    )
    said = "; ".join(f"{words} says {scale:.4g}" for words, scale in known.items())
    if mpp is not None:
        if not _is_plausible(mpp):
            raise InputError(
                f"mpp must be from {LEAST_MPP:g} to {MOST_MPP:g} µm per pixel, but is {mpp:g}",
                where=section.where,
            )
        if known and not any(_agree(mpp, scale) for scale in known.values()):
            raise InputError(
                f"{mpp:.4g} µm per pixel contradicts everything that is known of the scale",
                where=f"{section.where}: {said}",
                fix="leave --mpp out; is this the image on which the spots were found?",
            )
        return mpp, (*unused, f"{mpp:.4g} µm per pixel, as given{f' ({said})' if said else ''}.")
    if not known:
        raise InputError(
            "the scale of the image is not known",
            where=" ".join((f"{section.where}.", *section.notes, *unused)).removesuffix("."),
            fix="give its µm per pixel with --mpp",
        )
    if not _agree(min(known.values()), max(known.values())):
        raise InputError(
            "what is known of the scale is contradictory",
            where=f"{section.where}: µm per pixel: {said}",
            fix="say which is right with --mpp",
        )
    words, scale = next(iter(known.items()))
    return scale, (*unused, f"{scale:.4g} µm per pixel, as {words} says.")


def _pitch_notes(section: Section, scale: float, *, is_given: bool) -> tuple[str, ...]:
    """Compare how far spots are apart with the pitch, or with those of usual arrays; a note where they differ.

    Raises
    ------
    InputError
        If they contradict a pitch that is known, and no scale was given that settles it.
    """
    lattice = section.lattice if section.lattice is not None and section.lattice.holds else None
    if lattice is None and not section.pitch_um:
        return ()
    unit, tolerance = 1.0 if section.in_um else scale, SCALE_TOLERANCE
    if lattice is None:
        apart, tolerance = unit * nearest_distance(section.pixels), _NEAREST_TOLERANCE
    else:
        apart = unit * lattice.pitch
    if not np.isfinite(apart) or any(
        _agree(apart, pitch, tolerance)
        for pitch in ([section.pitch_um] if section.pitch_um else _USUAL_PITCHES)
    ):
        return ()
    pitch = f"{section.pitch_um:g}" if section.pitch_um else "100 or 200"
    what = f"neighbouring spots are {apart:.4g} µm apart, not {pitch}"
    if not section.pitch_um or (is_given and not section.in_um):
        return (
            f"{what.capitalize()}: {'are coordinates in µm' if section.in_um else 'is the scale right'}?",
        )
    settles = "--coords-unit" if section.in_um else "--mpp"
    raise InputError(
        f"what is known of the scale is contradictory: {what}",
        where=section.where,
        fix=f"say which is right with {settles}",
    )


def _is_plausible(scale: float) -> bool:
    return bool(LEAST_MPP <= scale <= MOST_MPP)


def _agree(a: float, b: float, tolerance: float = SCALE_TOLERANCE) -> bool:
    return max(a, b) <= tolerance * min(a, b)


def _without_empty_spots(section: Section) -> Section:
    """Without spots on which nothing was counted; with the counts of the others as totals, if there are counts."""
    n = len(section.spots)
    if section.counts is None:
        return replace(section, totals=None)
    totals = totals_of(section.counts) if section.totals is None else section.totals
    kept = np.flatnonzero(totals > 0)
    if not len(kept):
        raise InputError("the section is empty: nothing was counted on any spot", where=section.where)
    if len(kept) < n:
        section.flow.add(
            "spots: not empty", n, len(kept), f"{counted(n - len(kept), 'spot has', 'spots have')} no count"
        )
    return _at(replace(section, totals=totals), kept)


def _at(section: Section, kept: NDArray[np.intp]) -> Section:
    """The section with some of its spots."""
    return replace(
        section, spots=section.spots[kept], pixels=section.pixels[kept],
        counts=None if section.counts is None else section.counts[kept],
        totals=None if section.totals is None else section.totals[kept],
        programmes=None if section.programmes is None else section.programmes.iloc[kept],
    )  # fmt: skip
