"""Spatial maps: what `sequoia-model map` writes and both packages read."""

from sequoia_base.maps._about import ABOUT, SCHEMA
from sequoia_base.maps._gene_values import GeneValues
from sequoia_base.maps._reading import read_map
from sequoia_base.maps._scores import MapScore
from sequoia_base.maps._writing import write_map
from sequoia_base.maps.geojson import write_geojson
from sequoia_base.maps.heads import Heads, read_heads
from sequoia_base.maps.spatial_map import Map

__all__ = [
    "ABOUT",
    "SCHEMA",
    "GeneValues",
    "Heads",
    "Map",
    "MapScore",
    "read_heads",
    "read_map",
    "write_geojson",
    "write_map",
]
