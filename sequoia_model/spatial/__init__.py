"""Maps of genes over a slide: windows of tiles, the latent vectors of networks on them, and their means per tile."""

from sequoia_base.maps import Map, read_map, write_map
from sequoia_model.spatial.holes import HOLES
from sequoia_model.spatial.latents import window_latents
from sequoia_model.spatial.mlp_scores import tile_scores, window_scores
from sequoia_model.spatial.stain_density import tile_densities
from sequoia_model.spatial.tile_places import TilePlaces, place_tiles
from sequoia_model.spatial.window_means import tile_means
from sequoia_model.spatial.windows import Windows, window_size, windows_of

__all__ = [
    "HOLES",
    "Map",
    "TilePlaces",
    "Windows",
    "place_tiles",
    "read_map",
    "tile_densities",
    "tile_means",
    "tile_scores",
    "window_latents",
    "window_scores",
    "window_size",
    "windows_of",
    "write_map",
]
