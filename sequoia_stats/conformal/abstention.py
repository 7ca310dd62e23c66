"""Abstention: who is low or high risk for sure, who is uncertain, and how many are decided at a level."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from sequoia_base.conformal import check_level
from sequoia_stats.conformal.scores import Width, correlation, score_intervals
from sequoia_stats.errors import InputError, listing, part

#: Levels of the table that is printed.
ABSTENTION_LEVELS = (0.99, 0.95, 0.9, 0.8, 0.7, 0.5)


def interval_groups(lower: ArrayLike, upper: ArrayLike, cutoff: ArrayLike) -> NDArray[np.object_]:
    """The group of each patient: "high" or "low" if the whole interval is on that side, otherwise "uncertain".

    Parameters
    ----------
    lower, upper : array of shape (n,)
        Limits of the measured score.
    cutoff : float or array of shape (n,)
        A score above it is high risk; a tie is low.

    Examples
    --------
    >>> interval_groups([0.1, -0.4, -0.9], [0.9, 0.5, 0.0], 0.0).tolist()
    ['high', 'uncertain', 'low']
    """
    lower, upper, cutoff = (np.asarray(values, dtype=float) for values in (lower, upper, cutoff))
    return np.where(lower > cutoff, "high", np.where(upper <= cutoff, "low", "uncertain")).astype(object)


def expected_share(r: float, level: float, cutoff: float = 0.0) -> float:
    """The share of patients decided if measured and predicted score are normal with correlation r.

    The measured score is expected at r · p, where p is the predicted one in SDs, and lies z √(1 − r²) around it, where
    z is the (1 + level) / 2 quantile: a patient is decided if |r p − cutoff| is larger. At the median this is
    2 Φ(−z √(1 − r²) / r).

    Parameters
    ----------
    r : float
        Correlation; none decides if it is not positive.
    level : float
        The coverage, between 0 and 1.
    cutoff : float, default 0
        The cut-off, in SDs of the measured score above its mean.

    Examples
    --------
    >>> [round(100 * expected_share(r, level), 1) for r, level in ((0.5, 0.9), (0.7, 0.9), (0.5, 0.8), (0.7, 0.8))]
    [0.4, 9.3, 2.6, 19.1]
    """
    check_level(level)
    if not r > 0:
        return 0.0
    normal = NormalDist()
    half = normal.inv_cdf((1 + level) / 2) * np.sqrt(max(1 - r**2, 0.0))
    return normal.cdf(-(half + cutoff) / r) + normal.cdf(-(half - cutoff) / r)


def share_decided(
    calibration: pd.DataFrame,
    scores: pd.DataFrame,
    cutoff: float | pd.Series,
    *,
    levels: Sequence[float] = ABSTENTION_LEVELS,
    width: Width = "shorter",
    within: str | None = None,
) -> pd.DataFrame:
    """How many patients are decided at several levels, and how many of them lie on the side that was measured.

    Parameters
    ----------
    calibration, scores : DataFrame
        As in `score_intervals`; `scores` may also hold ``measured``, missing where it is not known.
    cutoff : float or Series
        Cut-off of the measured score, for all or by patient id.
    levels : sequence of float
        Levels of coverage.
    width, within : str
        As in `score_intervals`.

    Returns
    -------
    DataFrame
        A row per level: ``level``; ``n``; ``n_low``, ``n_high`` and ``n_decided``; ``share``, that of the decided;
        ``expected``, the share if the scores were normal with the correlation of the calibration; ``n_measured``, the
        decided patients whose measured score is known; ``n_right``, those of them on the measured side; and ``error``,
        the share of the others, NaN if there are none.

    Raises
    ------
    InputError
        As `score_intervals`; if a patient has no cut-off.
    """
    cuts = _cutoffs(cutoff, scores.index)
    known = calibration[calibration["measured"].notna()]
    r, mean, sd = (
        correlation(known["measured"], known["predicted"]),
        known["measured"].mean(),
        known["measured"].std(),
    )
    standard = (cuts - mean) / sd if sd > 0 else 0 * cuts
    measured = measured_of(calibration, scores)
    distinct, counts = np.unique(standard, return_counts=True)
    rows: list[dict[str, Any]] = []
    for level in levels:
        frame = score_intervals(calibration, scores, level=level, width=width, within=within).frame
        groups = interval_groups(frame["lower"], frame["upper"], cuts)
        decided = groups != "uncertain"
        judged = decided & measured.notna().to_numpy()
        right = judged & ((measured > cuts).to_numpy() == (groups == "high"))
        share = [expected_share(r, level, float(cut)) for cut in distinct]
        rows.append(
            {
                "level": float(level),
                "n": len(frame),
                "n_low": int((groups == "low").sum()),
                "n_high": int((groups == "high").sum()),
                "n_decided": int(decided.sum()),
                "share": float(decided.mean()),
                "expected": float(np.average(share, weights=counts)),
                "n_measured": int(judged.sum()),
                "n_right": int(right.sum()),
                "error": 1 - right.sum() / judged.sum() if judged.any() else float("nan"),
            }
        )
    return pd.DataFrame(rows)


def measured_of(calibration: pd.DataFrame, scores: pd.DataFrame) -> pd.Series:
    """The measured score of each patient as far as it is known: of `scores` itself, or of the calibration."""
    own = calibration["measured"].reindex(scores.index)
    return scores["measured"].combine_first(own).loc[scores.index] if "measured" in scores else own


def _cutoffs(cutoff: float | pd.Series, patients: pd.Index) -> pd.Series:
    """The cut-off of each patient."""
    if not isinstance(cutoff, pd.Series):
        return pd.Series(cutoff, patients, dtype=float)
    cuts = cutoff.reindex(patients).astype(float)
    absent = patients[cuts.isna()]
    if len(absent):
        raise InputError(
            f"{part(len(absent), len(patients), 'patient', 'have')} no cut-off", where=listing(absent)
        )
    return cuts
