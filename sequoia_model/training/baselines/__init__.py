"""What a network must beat: the training mean, ridge regression and nearest neighbours, on mean-pooled features.

All see the training part alone, also to choose the penalty and the number of neighbours.
"""

from sequoia_model.training.baselines.chosen import Chosen, in_words
from sequoia_model.training.baselines.neighbours import NEIGHBOURS, Neighbours, nearest_neighbours
from sequoia_model.training.baselines.pooled import TrainingMean, pooled_features, training_mean
from sequoia_model.training.baselines.ridge import ALPHAS, Ridge, fit_ridge

__all__ = [
    "ALPHAS",
    "NEIGHBOURS",
    "Chosen",
    "Neighbours",
    "Ridge",
    "TrainingMean",
    "fit_ridge",
    "in_words",
    "nearest_neighbours",
    "pooled_features",
    "training_mean",
]
