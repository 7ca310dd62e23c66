"""Scores of cross-validated models on one scale, and the groups that each fold's own cut-off makes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sequoia_stats.errors import listing
from sequoia_stats.risk._score_files import RiskScores

_ALL = 0  # the fold of everybody where there are none


@dataclass(frozen=True, eq=False)
class StandardScores:
    """The scores of one model, centred and scaled on the training patients of each fold.

    Parameters
    ----------
    name : str
        The model.
    scores : Series
        Index = patient_id, float64.
    groups : Series
        "low", "high" or "uncertain".
    notes : tuple of str
        What stands in place of the training patients, and folds in which all patients have one score.
    """

    name: str
    scores: pd.Series
    groups: pd.Series
    notes: tuple[str, ...] = ()

    def of(self, patients: pd.Index) -> StandardScores:
        """The scores of these patients, in this order."""
        return replace(self, scores=self.scores[patients], groups=self.groups[patients])


def standardise(model: RiskScores) -> StandardScores:
    """Centre and scale the scores on each fold's training patients, and divide patients at these patients' median.

    Each fold's model has a scale of its own, so that scores of two folds cannot be compared as they are. A score above
    the cut-off is high; groups that the file holds are kept. Where the scores of the training patients are not known,
    the patients tested in the fold take their place (without folds: all patients).

    Parameters
    ----------
    model : RiskScores
        Scores of the patients that are compared.
    """
    raw = model.frame["risk_score"].astype(np.float64)
    folds = pd.Series(_ALL, raw.index) if model.folds is None else model.folds.astype("int64")
    training, notes = model.training, []
    if training is None:
        parts = raw.groupby(folds)
        training = pd.DataFrame({"mean": parts.mean(), "sd": parts.std(ddof=1), "cutoff": parts.median()})
        if model.folds is not None:
            notes.append(
                f"{model.name}: the scores of training patients are not known, so it is centred, scaled and divided on "
                "the patients tested in each fold"
            )
    # rounding gives scores that are all the same an SD above 0
    tolerance = 1e-12 * raw.abs().groupby(folds).max().reindex(training.index).fillna(0.0)
    same = ~(training["sd"] > tolerance)
    scale = training["sd"].mask(same, 1.0)
    scores = (raw - folds.map(training["mean"])) / folds.map(scale)
    if (flat := [fold for fold in training.index[same] if (folds == fold).any()]) and model.folds is not None:
        which = f"fold{'s' if len(flat) > 1 else ''} {listing(flat)}"
        notes.append(f"{model.name}: all scores are the same in {which}")
    if "group" in model.frame:
        groups = model.frame["group"].astype(str)
    else:
        high = raw.to_numpy() > folds.map(training["cutoff"]).to_numpy()
        groups = pd.Series(np.where(high, "high", "low").astype(str), raw.index)
    return StandardScores(model.name, scores.rename(model.name), groups.rename(model.name), tuple(notes))
