"""Predicted genes of slides: networks averaged, patients held out, predictions streamed to a file."""

from sequoia_model.nets.ensemble import ensemble
from sequoia_model.prediction.from_slides import predict_any, predict_slides
from sequoia_model.prediction.stream import predict
from sequoia_model.prediction.summary import Failure, PredictionRun

__all__ = ["Failure", "PredictionRun", "ensemble", "predict", "predict_any", "predict_slides"]
