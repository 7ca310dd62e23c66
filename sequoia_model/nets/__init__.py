"""The three networks that predict the genes of a slide from its features, and how they are built."""

from sequoia_model.nets._fine_tuning import freeze, transfer
from sequoia_model.nets.architectures import build, infer_config, recognise
from sequoia_model.nets.summary_transformer import SummaryTransformer
from sequoia_model.nets.tile_mlp import TileMLP
from sequoia_model.nets.tile_transformer import TileTransformer

__all__ = [
    "SummaryTransformer",
    "TileMLP",
    "TileTransformer",
    "build",
    "freeze",
    "infer_config",
    "recognise",
    "transfer",
]
