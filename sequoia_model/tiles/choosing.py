"""From a slide to its tiles, by a rule."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sequoia_model.tiles.choice import TileChoice
from sequoia_model.tiles.options import DEFAULT_RULE, TileOptions
from sequoia_model.tiles.rules import BACKGROUND, LEAST_TISSUE, OUTSIDE
from sequoia_model.tissue import TissueMask, published_mask, read_annotation, tissue_mask
from sequoia_model.types.grid import TileGrid, grid_places, tile_side

if TYPE_CHECKING:
    from sequoia_model.slide import Slide

_ROUNDING = 1e-9


def choose(
    slide: Slide, options: TileOptions = TileOptions(), *, mask: TissueMask | None = None
) -> TileChoice:
    """Find the places of a slide whose tiles the mask lets through; no tile is read yet.

    Places form a grid of 128 µm from the top-left corner, whole tiles only, with either rule. By "paper", at least 80%
    of a tile lies in the tissue mask, and its contrast is not low. By "published-code", the top-left pixel of a tile
    lies in the published code's mask, more than 20% of the tile is tissue by its own thresholds, and its contrast is
    not low.

    Parameters
    ----------
    slide : Slide
    options : TileOptions
    mask : TissueMask, optional
        A mask made before; without it the mask is made here, by the rule or from the annotation.

    Returns
    -------
    TileChoice

    Raises
    ------
    InputError
        If the annotation cannot be used.

    Notes
    -----
    The published code differs in two ways: it lets the last column and row reach beyond the slide, filled with black,
    and takes the side of a tile from the objective power, not from the µm per pixel.
    """
    rule = options.rule or DEFAULT_RULE
    if mask is None:
        annotation = options.annotation_of(slide.path)
        if annotation is not None:
            mask = read_annotation(annotation, slide)
        else:
            mask = tissue_mask(slide) if rule == "paper" else published_mask(slide)
    side = tile_side(slide.mpp)
    places = grid_places(slide.size, side)
    by_share = rule == "paper"
    inside = mask.shares(places, side) >= LEAST_TISSUE[rule] - _ROUNDING if by_share else mask.holds(places)
    reason = OUTSIDE if mask.source.startswith("annotation") else BACKGROUND
    left_out = {reason: int(np.count_nonzero(~inside))}
    return TileChoice(
        slide, mask, rule, options.max_tiles, options.seed, side, len(places), places[inside], left_out
    )


def tile_grid(
    slide: Slide, options: TileOptions = TileOptions(), *, annotation: str | Path | None = None
) -> TileGrid:
    """Choose the tiles of a slide: those that hold tissue and have contrast.

    Parameters
    ----------
    slide : Slide
    options : TileOptions
    annotation : path, optional
        A GeoJSON or PNG that replaces the tissue mask; overrides that of the options.

    Returns
    -------
    TileGrid

    Raises
    ------
    InputError
        If the annotation cannot be used, a place of the slide cannot be read, or no tile is left.
    """
    if annotation is not None:
        options = replace(options, annotation=annotation)
    return choose(slide, options).examine(jobs=options.jobs)
