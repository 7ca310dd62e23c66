"""The tiles of a slide: chosen by a rule, read in batches, and written for other tools and for the eye."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sequoia_model.tiles.options import MAX_TILES, RULES, TileOptions

if TYPE_CHECKING:
    from sequoia_model.tiles.batches import TileBatch, read_tiles
    from sequoia_model.tiles.candidates import Candidates, TileChoice, find_candidates, tile_grid
    from sequoia_model.tiles.files import write_coords, write_geojson, write_mask, write_overlay

__all__ = [
    "MAX_TILES",
    "RULES",
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

_MODULES = {"read_tiles": "batches", "TileBatch": "batches"} | {
    name: "files" for name in __all__ if name.startswith("write")
}


def __getattr__(name: str) -> Any:  # options alone need no compiler
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'candidates')}"), name)
