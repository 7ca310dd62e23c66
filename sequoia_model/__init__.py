"""Gene expression from H&E slides: tile features, their clusters, the networks and their predictions.

Needs the extra ``model`` (torch); `sequoia_stats` does not. Public names are loaded when they are first used.

>>> import sequoia_model as sm
>>> sm.published_splits("BRCA").n_folds
5
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sequoia_model.bag import EncoderId, FeatureBag
    from sequoia_model.clusters import ClusterMeans, cluster_means
    from sequoia_model.errors import SequoiaError
    from sequoia_model.feature_files import read as read_features
    from sequoia_model.feature_files import write as write_features
    from sequoia_model.inference import PredictionRun, predict
    from sequoia_model.nets import SummaryTransformer, TileMLP, TileTransformer
    from sequoia_model.nets.hub import Weights, load_weights, save_weights
    from sequoia_model.results_pickle import read_results
    from sequoia_model.splits import Splits, read_splits
    from sequoia_model.splits import draw as draw_splits
    from sequoia_model.splits import published as published_splits

    __version__: str

#: Where each public name is, and what it is called there.
_PLACES = {
    "ClusterMeans": "clusters:ClusterMeans",
    "EncoderId": "bag:EncoderId",
    "FeatureBag": "bag:FeatureBag",
    "PredictionRun": "inference:PredictionRun",
    "SequoiaError": "errors:SequoiaError",
    "Splits": "splits:Splits",
    "SummaryTransformer": "nets:SummaryTransformer",
    "TileMLP": "nets:TileMLP",
    "TileTransformer": "nets:TileTransformer",
    "Weights": "nets.hub:Weights",
    "cluster_means": "clusters:cluster_means",
    "draw_splits": "splits:draw",
    "load_weights": "nets.hub:load_weights",
    "predict": "inference:predict",
    "published_splits": "splits:published",
    "read_features": "feature_files:read",
    "read_results": "results_pickle:read_results",
    "read_splits": "splits:read_splits",
    "save_weights": "nets.hub:save_weights",
    "write_features": "feature_files:write",
}

__all__ = [
    "ClusterMeans",
    "EncoderId",
    "FeatureBag",
    "PredictionRun",
    "SequoiaError",
    "Splits",
    "SummaryTransformer",
    "TileMLP",
    "TileTransformer",
    "Weights",
    "__version__",
    "cluster_means",
    "draw_splits",
    "load_weights",
    "predict",
    "published_splits",
    "read_features",
    "read_results",
    "read_splits",
    "save_weights",
    "write_features",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("sequoia-histology")
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, there = _PLACES[name].partition(":")
    value = getattr(import_module(f"{__name__}.{module}"), there)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
