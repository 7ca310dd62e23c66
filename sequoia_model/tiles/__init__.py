"""The tiles of a slide: chosen by a rule, read in batches, and written for other tools and for the eye."""

from sequoia_model.tiles.batches import TileBatch, read_tiles
from sequoia_model.tiles.choice import TileChoice
from sequoia_model.tiles.choosing import choose, tile_grid
from sequoia_model.tiles.files import write_coords, write_geojson, write_mask
from sequoia_model.tiles.options import MAX_TILES, RULES, TileOptions
from sequoia_model.tiles.overlay import write_overlay

__all__ = [
    "MAX_TILES",
    "RULES",
    "TileBatch",
    "TileChoice",
    "TileOptions",
    "choose",
    "read_tiles",
    "tile_grid",
    "write_coords",
    "write_geojson",
    "write_mask",
    "write_overlay",
]
