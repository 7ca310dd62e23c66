"""Intervals of the scores of a signature: the measured score of a patient, from residuals of others."""

from __future__ import annotations

from contextlib import suppress

import pandas as pd

from sequoia_stats.conformal import RiskDecisions, decide_risk
from sequoia_stats.errors import InputError, part
from sequoia_stats.signature.fold_scores import FoldScores, whole_folds
from sequoia_stats.signature.folds import FoldSignatures
from sequoia_stats.signature.predicted import comparable, measured_expression, measured_scores
from sequoia_stats.signature.reference import ScaleReference
from sequoia_stats.signature.scoring import RiskScore
from sequoia_stats.signature.signature import Signature
from sequoia_stats.types.predictions import Predictions


def decide_scores(
    signature: Signature | FoldSignatures,
    scored: RiskScore | FoldScores,
    calibration: Predictions,
    calibration_scores: RiskScore | FoldScores,
    *,
    truth: Predictions | None = None,
    level: float = 0.9,
    within: pd.Series | None = None,
    reference: ScaleReference | None = None,
) -> RiskDecisions:
    """Put patients into risk groups by intervals of the score that they would have on measured expression.

    Parameters
    ----------
    signature : Signature or FoldSignatures
        The signature.
    scored : RiskScore or FoldScores
        Scores of predicted expression of the patients.
    calibration : Predictions
        Predicted and measured expression of the patients whose residuals give the intervals, with the fold of each if
        networks are cross-validated.
    calibration_scores : RiskScore or FoldScores
        Scores of their predicted expression; `scored` itself if these are the same patients.
    truth : Predictions, optional
        Measured expression of some of the patients to decide, which tells the coverage of their intervals.
    level : float, default 0.9
        The coverage, between 0 and 1.
    within : Series, optional
        Level of each patient of both, by patient id, such as the site: residuals come from the same level.
    reference : ScaleReference, optional
        The scale of measured scores if a reference gives that of predicted ones; see `predicted.measured_reference`.

    Returns
    -------
    RiskDecisions
        The cut-off is that of the measured score: frozen in one signature, of the training patients of each fold of
        several.

    Raises
    ------
    InputError
        If the signature has no gene, or there are too few measured scores; as `predicted.measured_scores`.
    """
    models = signature.signatures if isinstance(signature, FoldSignatures) else (signature,)
    if all(one.is_null for one in models):
        raise InputError("the signature has no gene, so its score needs no interval")
    measured = measured_scores(signature, calibration, calibration_scores, reference)
    known = _frame(calibration_scores, within).assign(measured=comparable(measured))
    if not isinstance(calibration_scores, FoldScores):
        folds = whole_folds(measured_expression(calibration, []))
        known = known if folds is None else known.assign(fold=folds)
    cutoff, of_folds = (
        (measured.cutoff, measured.folds) if isinstance(measured, FoldScores) else (models[0].cutoff, None)
    )
    column, scores = None if within is None else str(within.name), _frame(scored, within)
    if truth is not None:
        with suppress(InputError):  # too few were measured for a score: `compare_with_measured` says so
            scores["measured"] = comparable(measured_scores(signature, truth, scored, reference))
    notes = []
    if calibration_scores is not scored and isinstance(calibration_scores, RiskScore):
        seen = calibration_scores.n_overlap or 0
        who = part(seen, len(calibration_scores.scores), "calibration patient", "were")
        notes += [f"{who} used to train the signature"] * bool(seen)
    return decide_risk(known, scores, cutoff, folds=of_folds, level=level, within=column, notes=notes)


def _frame(scored: RiskScore | FoldScores, within: pd.Series | None) -> pd.DataFrame:
    """Scores on one scale, by patient id, with fold and level where they are known."""
    frame = pd.DataFrame({"predicted": comparable(scored)})
    if isinstance(scored, FoldScores):
        frame["fold"] = scored.fold
    return frame if within is None else frame.assign(**{str(within.name): within})
