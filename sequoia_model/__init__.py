"""Gene expression from H&E slides: tiles, their features and clusters, the networks and their predictions.

Needs the extra ``model`` (torch); `sequoia_stats` does not. Public names are loaded when they are first used.

>>> import sequoia_model as sm
>>> sm.published_splits("BRCA").n_folds
5
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sequoia_base.lazy import on_demand

if TYPE_CHECKING:
    from sequoia_model.clusters import ClusterMeans, cluster_means
    from sequoia_model.embedding import embed, embed_folder, tile_folder
    from sequoia_model.encoders import Encoder, get_encoder
    from sequoia_model.errors import InputError, SequoiaError
    from sequoia_model.feature_files import read as read_features
    from sequoia_model.feature_files import write as write_features
    from sequoia_model.leakage import Audit, audit, audit_splits, site_signal
    from sequoia_model.legacy import read_results
    from sequoia_model.nets import SummaryTransformer, TileMLP, TileTransformer
    from sequoia_model.prediction import PredictionRun, predict, predict_slides
    from sequoia_model.risk.crossval import train_risk
    from sequoia_model.risk.data import RiskData, load_risk_data
    from sequoia_model.risk.options import RiskOptions
    from sequoia_model.risk.result import RiskRun
    from sequoia_model.risk.ridge_cox import fit_ridge_cox
    from sequoia_model.risk.scoring import ScoredPatients, score_risk
    from sequoia_model.slide import Slide, find_slides, open_slide
    from sequoia_model.spatial import Map, read_map, write_map
    from sequoia_model.spatial.map_result import MapRun
    from sequoia_model.spatial.run import map_slide as spatial_map
    from sequoia_model.splits import Splits, read_splits
    from sequoia_model.splits import draw as draw_splits
    from sequoia_model.splits import published as published_splits
    from sequoia_model.tiles import TileOptions, read_tiles, tile_grid
    from sequoia_model.tissue import TissueMask, tissue_mask
    from sequoia_model.training.crossval import train
    from sequoia_model.training.data import TrainingData, load_training_data
    from sequoia_model.training.options import TrainOptions
    from sequoia_model.training.result import TrainingRun
    from sequoia_model.types.bag import EncoderId, FeatureBag, TileGeometry
    from sequoia_model.types.grid import TileGrid
    from sequoia_model.weights.heads import read_heads
    from sequoia_model.weights.loading import Weights, load_weights, save_weights

    __version__: str

__all__ = [
    "Audit",
    "ClusterMeans",
    "Encoder",
    "EncoderId",
    "FeatureBag",
    "InputError",
    "Map",
    "MapRun",
    "PredictionRun",
    "RiskData",
    "RiskOptions",
    "RiskRun",
    "ScoredPatients",
    "SequoiaError",
    "Slide",
    "Splits",
    "SummaryTransformer",
    "TileGeometry",
    "TileGrid",
    "TileMLP",
    "TileOptions",
    "TileTransformer",
    "TissueMask",
    "TrainOptions",
    "TrainingData",
    "TrainingRun",
    "Weights",
    "__version__",
    "audit",
    "audit_splits",
    "cluster_means",
    "draw_splits",
    "embed",
    "embed_folder",
    "find_slides",
    "fit_ridge_cox",
    "get_encoder",
    "load_risk_data",
    "load_training_data",
    "load_weights",
    "open_slide",
    "predict",
    "predict_slides",
    "published_splits",
    "read_features",
    "read_heads",
    "read_map",
    "read_results",
    "read_splits",
    "read_tiles",
    "save_weights",
    "score_risk",
    "site_signal",
    "spatial_map",
    "tile_folder",
    "tile_grid",
    "tissue_mask",
    "train",
    "train_risk",
    "write_features",
    "write_map",
]


__getattr__ = on_demand(
    __name__,
    {
        "Audit": "leakage:Audit",
        "ClusterMeans": "clusters:ClusterMeans",
        "Encoder": "encoders:Encoder",
        "EncoderId": "types.bag:EncoderId",
        "FeatureBag": "types.bag:FeatureBag",
        "MapRun": "spatial.map_result:MapRun",
        "PredictionRun": "prediction:PredictionRun",
        "InputError": "errors:InputError",
        "RiskData": "risk.data:RiskData",
        "RiskOptions": "risk.options:RiskOptions",
        "RiskRun": "risk.result:RiskRun",
        "ScoredPatients": "risk.scoring:ScoredPatients",
        "SequoiaError": "errors:SequoiaError",
        "Slide": "slide:Slide",
        "Splits": "splits:Splits",
        "SummaryTransformer": "nets:SummaryTransformer",
        "TileGeometry": "types.bag:TileGeometry",
        "TileGrid": "types.grid:TileGrid",
        "TileMLP": "nets:TileMLP",
        "TileOptions": "tiles:TileOptions",
        "TileTransformer": "nets:TileTransformer",
        "TissueMask": "tissue:TissueMask",
        "TrainOptions": "training.options:TrainOptions",
        "TrainingData": "training.data:TrainingData",
        "TrainingRun": "training.result:TrainingRun",
        "Weights": "weights.loading:Weights",
        "audit": "leakage:audit",
        "audit_splits": "leakage:audit_splits",
        "cluster_means": "clusters:cluster_means",
        "draw_splits": "splits:draw",
        "embed": "embedding:embed",
        "embed_folder": "embedding:embed_folder",
        "find_slides": "slide:find_slides",
        "fit_ridge_cox": "risk.ridge_cox:fit_ridge_cox",
        "get_encoder": "encoders:get_encoder",
        "load_risk_data": "risk.data:load_risk_data",
        "load_training_data": "training.data:load_training_data",
        "load_weights": "weights.loading:load_weights",
        "open_slide": "slide:open_slide",
        "predict": "prediction:predict",
        "predict_slides": "prediction:predict_slides",
        "published_splits": "splits:published",
        "read_features": "feature_files:read",
        "read_heads": "weights.heads:read_heads",
        "read_results": "legacy:read_results",
        "read_splits": "splits:read_splits",
        "read_tiles": "tiles:read_tiles",
        "save_weights": "weights.loading:save_weights",
        "score_risk": "risk.scoring:score_risk",
        "site_signal": "leakage:site_signal",
        "spatial_map": "spatial.run:map_slide",
        "tile_folder": "embedding:tile_folder",
        "tile_grid": "tiles:tile_grid",
        "tissue_mask": "tissue:tissue_mask",
        "train": "training.crossval:train",
        "train_risk": "risk.crossval:train_risk",
        "write_features": "feature_files:write",
        "Map": "spatial:Map",
        "read_map": "spatial:read_map",
        "write_map": "spatial:write_map",
    },
)


def __dir__() -> list[str]:
    return sorted(__all__)
