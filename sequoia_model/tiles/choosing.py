"""From a slide to its tiles, by a rule."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sequoia_model.errors import InputError
from sequoia_model.tiles.choice import TileChoice
from sequoia_model.tiles.rules import BACKGROUND, LEAST_TISSUE, OUTSIDE, RULES, Rule
from sequoia_model.tissue import TissueMask, published_mask, read_annotation, tissue_mask
from sequoia_model.types.grid import TileGrid, grid_places, tile_side

if TYPE_CHECKING:
    from sequoia_model.slide import Slide

#: Tiles of a slide that are used at most.
MAX_TILES = 4000

_ROUNDING = 1e-9


def choose(
    slide: Slide,
    *,
    rule: str = "paper",
    max_tiles: int | None = MAX_TILES,
    seed: int = 0,
    annotation: str | Path | None = None,
    mask: TissueMask | None = None,
) -> TileChoice:
    """Find the places of a slide whose tiles the mask lets through; no tile is read yet.

    Places are those of a grid of 128 µm from the top-left corner, whole tiles only, with either rule. By "paper" at
    least 80% of a tile lie in the tissue mask, and its contrast is not low. By "published-code" the top-left pixel of a
    tile lies in the published code's mask, more than 20% of it are tissue by the tile's own thresholds, and its
    contrast is not low.

    Parameters
    ----------
    slide : Slide
    rule : {"paper", "published-code"}
    max_tiles : int, optional
        Of more tiles so many are drawn; None for all.
    seed : int
        Of the drawing, ≥ 0.
    annotation : path, optional
        A GeoJSON or PNG that takes the place of the tissue mask.
    mask : TissueMask, optional
        One that was made already.

    Returns
    -------
    TileChoice

    Raises
    ------
    InputError
        If an option or the annotation cannot be used.

    Notes
    -----
    The published code differs in places: it lets the last column and row reach beyond the slide, filled with black,
    and takes the side of a tile from the objective power, not from the µm per pixel.
    """
    rule = _checked(rule, max_tiles, seed)
    if mask is None:
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
    return TileChoice(slide, mask, rule, max_tiles, seed, side, len(places), places[inside], left_out)


def tile_grid(
    slide: Slide,
    *,
    rule: str = "paper",
    max_tiles: int | None = MAX_TILES,
    seed: int = 0,
    annotation: str | Path | None = None,
    workers: int | None = None,
) -> TileGrid:
    """Choose the tiles of a slide: those that hold tissue and have contrast.

    Parameters
    ----------
    slide : Slide
    rule : {"paper", "published-code"}
        As `choose` says.
    max_tiles : int, optional
        Of more tiles so many are drawn; None for all.
    seed : int
        Of the drawing, ≥ 0.
    annotation : path, optional
        A GeoJSON or PNG that takes the place of the tissue mask.
    workers : int, optional
        Number of reader threads; has no influence on the result.

    Returns
    -------
    TileGrid

    Raises
    ------
    InputError
        If an option or the annotation cannot be used, a place of the slide cannot be read, or no tile is left.
    """
    choice = choose(slide, rule=rule, max_tiles=max_tiles, seed=seed, annotation=annotation)
    return choice.examine(workers=workers)


def _checked(rule: str, max_tiles: int | None, seed: int) -> Rule:
    if max_tiles is not None and max_tiles < 1:
        raise InputError(f"{max_tiles} tiles cannot be drawn", fix="give 1 or more, or None for all")
    if seed < 0:
        raise InputError(f"{seed} is no seed", fix="give 0 or more")
    for known in RULES:
        if rule == known:
            return known
    raise InputError(f"there is no rule {rule!r}", fix=f"give one of {', '.join(RULES)}")
