"""The tiles of a slide: chosen by a rule, read in batches, and written for other tools and as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sequoia_base.lazy import on_demand
from sequoia_model.tiles.options import MAX_TILES, TILE_RULES, TileOptions

if TYPE_CHECKING:
    from sequoia_model.tiles.batches import TileBatch, read_tiles
    from sequoia_model.tiles.candidates import Candidates, TileChoice, find_candidates, tile_grid
    from sequoia_model.tiles.files import write_coords, write_geojson, write_mask, write_overlay

__all__ = [
    "MAX_TILES",
    "TILE_RULES",
    "Candidates",
    "TileBatch",
    "TileChoice",
    "TileOptions",
    "find_candidates",
    "read_tiles",
    "tile_grid",
    "write_coords",
    "write_geojson",
    "write_mask",
    "write_overlay",
]

# The options themselves need no compiler.
__getattr__ = on_demand(
    __name__,
    {
        "TileBatch": "batches:TileBatch",
        "read_tiles": "batches:read_tiles",
        "Candidates": "candidates:Candidates",
        "TileChoice": "candidates:TileChoice",
        "find_candidates": "candidates:find_candidates",
        "tile_grid": "candidates:tile_grid",
        "write_coords": "files:write_coords",
        "write_geojson": "files:write_geojson",
        "write_mask": "files:write_mask",
        "write_overlay": "files:write_overlay",
    },
)
