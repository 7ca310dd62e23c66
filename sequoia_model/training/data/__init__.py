"""What networks learn from: cluster means and measured expression, each read once."""

from sequoia_model.training.data._means import MeansSource, find_features
from sequoia_model.training.data.loading import TrainingData, load_training_data

__all__ = ["MeansSource", "TrainingData", "find_features", "load_training_data"]
