"""Cross-validated cohorts beside those without folds: by which r they are compared, and what a reader must know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from sequoia_stats.compare._samples import DIFFERENT, Sharing
from sequoia_stats.errors import listing
from sequoia_stats.types.predictions import FEWEST_SAMPLES, Predictions

#: Columns of a pair that name the correlation by which each of it is compared.
CORRELATIONS = ("correlation_a", "correlation_b")


def comparable(
    x: pd.DataFrame, y: pd.DataFrame, found: Sharing | None
) -> tuple[tuple[pd.DataFrame, pd.DataFrame], tuple[str, str]]:
    """Genes of two models with the r by which they are compared, and which it is.

    Pooled over folds, r also holds differences between networks, which an ensemble does not have: a cross-validated
    cohort is compared with one without folds by r within its folds.
    """
    folds = [side["r_folds"].notna().any() for side in (x, y)]
    if found is None or found.samples != DIFFERENT or folds[0] == folds[1]:
        return (x, y), ("r", "r")
    with_folds = x if folds[0] else y
    known = with_folds["r_folds"].notna()
    within = with_folds.assign(r=with_folds["r_folds"])[known]
    return ((within, y[known]), ("r_folds", "r")) if folds[0] else ((x[known], within), ("r", "r_folds"))


def models_within_folds(rows: list[dict[str, Any]]) -> list[str]:
    """Models that are compared by r within folds."""
    sides = [(row[f"model_{side}"], row[f"correlation_{side}"]) for row in rows for side in "ab"]
    return list(dict.fromkeys(name for name, by in sides if by == "r_folds"))


def notes_on_networks(rows: list[dict[str, Any]], predictions: Mapping[str, Predictions]) -> list[str]:
    """Notes on files of which some are cross-validated, and others predicted by the mean of several networks."""
    words = {
        "held-out": "held-out (each slide by the one network that had not seen its patient)",
        "ensemble": "ensemble (each slide by the mean of all networks)",
        "one network": "one network for all slides",
        "both": "held-out where a slide has a fold, and ensemble elsewhere",
    }
    by_kind: dict[str, list[str]] = {}
    for name, data in predictions.items():
        by_kind.setdefault(data.predicted_by, []).append(name)
    known = {kind: names for kind, names in by_kind.items() if kind}
    notes = []
    if len(known) > 1 and {"ensemble", "both"} & set(known):
        told = "; ".join(f"{listing(names, len(names))}: {words[kind]}" for kind, names in known.items())
        notes.append(f"{told}. A mean of networks has a higher r than one network")
    if within := models_within_folds(rows):
        notes.append(
            f"{listing(within, len(within))}: beside cohorts without folds, compared by r within folds (r_folds); "
            "genes are judged by r over all slides"
        )
    if pooled := _pooled(rows, predictions):
        notes.append(
            f"{listing(pooled, len(pooled))}: beside cohorts without folds, but no fold has {FEWEST_SAMPLES} or more: "
            "compared by r pooled over folds, which differences between networks lower or raise"
        )
    return notes


def _pooled(rows: list[dict[str, Any]], predictions: Mapping[str, Predictions]) -> list[str]:
    """Models with folds, all too small for an r of their own, that are compared with cohorts without folds."""
    folds = {
        name: "fold" in data.obs and bool(data.obs["fold"].notna().any())
        for name, data in predictions.items()
    }
    sides = [
        (row[f"model_{one}"], row[f"model_{other}"], row[f"correlation_{one}"])
        for row in rows
        for one, other in ("ab", "ba")
        if row["samples"] == DIFFERENT
    ]
    found = [one for one, other, by in sides if folds.get(one) and not folds.get(other, True) and by == "r"]
    return list(dict.fromkeys(found))
