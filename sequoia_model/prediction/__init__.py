"""Predicted genes of slides: networks averaged, patients held out, predictions written to a file."""

from sequoia_model.nets.ensemble import ensemble
from sequoia_model.prediction.from_slides import predict_any, predict_slides
from sequoia_model.prediction.result import PredictionRun
from sequoia_model.prediction.run import predict

__all__ = ["PredictionRun", "ensemble", "predict", "predict_any", "predict_slides"]
