"""Where tiles may lie: in the tissue or in an annotation, apart from excluded areas and ink."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sequoia_model.slide import Slide
from sequoia_model.tiles._checks import BACKGROUND, EXCLUDED, INKED, LEAST_TISSUE, MOST_INK, OUTSIDE
from sequoia_model.tiles.options import TileOptions
from sequoia_model.tissue import (
    TissueMask,
    ink_mask,
    published_mask,
    read_annotation,
    tissue_and_ink,
)

_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Region:
    """The part of a slide in which tiles may lie.

    Parameters
    ----------
    whole : TissueMask
        The tissue, or the annotation that replaces it.
    excluded : TissueMask, optional
        Areas that were excluded from the tissue.
    ink : TissueMask, optional
        The ink, if it is not kept.
    by_share : bool
        Whether at least 80% of a tile must lie in the region, or else its top-left pixel.
    """

    whole: TissueMask
    excluded: TissueMask | None
    ink: TissueMask | None
    by_share: bool

    @property
    def mask(self) -> TissueMask:
        """The region itself."""
        mask = self.whole
        for other in (self.excluded, self.ink):
            mask = mask if other is None else mask.without(other)
        return mask

    def places(self, places: NDArray[np.int64], side: int) -> tuple[NDArray[np.int64], dict[str, int]]:
        """The places whose tiles lie in the region, and the number of the others by reason.

        Parameters
        ----------
        places : array of shape (n, 2)
            Top-left corners in level-0 pixels.
        side : int
            Side of a tile in level-0 pixels.
        """
        drawn = self.whole.source.startswith("annotation")
        tests = [(OUTSIDE if drawn else BACKGROUND, self._holds(self.whole, places, side))]
        if self.excluded is not None:
            allowed = replace(self.excluded, mask=~self.excluded.mask)
            tests.append((EXCLUDED, self._holds(allowed, places, side)))
        if self.ink is not None:
            tests.append((INKED, self.ink.shares(places, side) <= MOST_INK + _ROUNDING))
        left, left_out = np.ones(len(places), dtype=bool), {}
        for reason, passed in tests:
            left_out[reason] = int(np.count_nonzero(left & ~passed))
            left &= passed
        if not left_out.get(INKED):  # named only where there is some, since most slides have none
            left_out.pop(INKED, None)
        return places[left], left_out

    def _holds(self, mask: TissueMask, places: NDArray[np.int64], side: int) -> NDArray[np.bool_]:
        if self.by_share:
            return mask.shares(places, side) >= LEAST_TISSUE["paper"] - _ROUNDING
        return mask.holds(places)


def find_region(slide: Slide, options: TileOptions, mask: TissueMask | None = None) -> Region:
    """Find where tiles may lie.

    Parameters
    ----------
    slide : Slide
        The slide.
    options : TileOptions
        The rule, the annotation, its classes, and whether ink is kept.
    mask : TissueMask, optional
        Used as it is, in place of the tissue or the annotation.

    Raises
    ------
    InputError
        If the annotation cannot be used.
    """
    by_paper = options.effective_rule == "paper"
    if mask is not None:
        return Region(mask, None, None, by_paper)
    allowed = _annotation(slide, options)
    if allowed is None or options.only_excludes:
        excluded = None if allowed is None else replace(allowed, mask=~allowed.mask)
        whole, ink = _tissue(slide, by_paper, options.keep_ink, excluded)
    else:
        whole, ink = allowed, ink_mask(slide) if by_paper and not options.keep_ink else None
        return Region(whole, None, ink, by_paper)
    if allowed is not None:
        whole = replace(whole, notes=(*whole.notes, *allowed.notes))
    return Region(whole, excluded, ink, by_paper)


def _annotation(slide: Slide, options: TileOptions) -> TissueMask | None:
    """The area in which tiles may lie by the slide's annotation, if there is one."""
    path = options.annotation_of(slide.path)
    if path is None:
        return None
    classes = {"include": options.annotation_class, "exclude": options.exclude_class}
    return read_annotation(path, slide, **classes, partly=options.has_annotation_folder)


def _tissue(
    slide: Slide, by_paper: bool, keep_ink: bool, excluded: TissueMask | None
) -> tuple[TissueMask, TissueMask | None]:
    """The tissue by the rule, and the ink if it is left out."""
    if not by_paper:
        return published_mask(slide), None
    tissue, ink = tissue_and_ink(slide, excluded)
    return tissue, None if keep_ink else ink
