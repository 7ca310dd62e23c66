"""The three networks that turn the features of a slide into its genes, and their weights on disk and on the hub."""

from sequoia_model.nets.summary_transformer import SummaryTransformer
from sequoia_model.nets.tile_mlp import TileMLP
from sequoia_model.nets.tile_transformer import TileTransformer

__all__ = ["SummaryTransformer", "TileMLP", "TileTransformer"]
