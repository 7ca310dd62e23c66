"""The three networks that predict the genes of a slide from its features."""

from sequoia_model.nets.summary_transformer import SummaryTransformer
from sequoia_model.nets.tile_mlp import TileMLP
from sequoia_model.nets.tile_transformer import TileTransformer

__all__ = ["SummaryTransformer", "TileMLP", "TileTransformer"]
