"""The outcome of patients that were scored: who has one, and the survival of their risk groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.names import tcga_patient, written_otherwise
from sequoia_base.results import Result, jsonable
from sequoia_stats.errors import InputError, counted, listing
from sequoia_stats.survival import KaplanMeier, group_curves, logrank_test
from sequoia_stats.types.outcome import Outcome


@dataclass(frozen=True, eq=False)
class GroupSurvival(Result):
    """The survival of risk groups.

    Parameters
    ----------
    curves : dict
        Kaplan-Meier curves of the groups that have patients: "low", "high", "uncertain".
    p : float
        p-value of the log-rank test of high against low risk, within folds if there are several; NaN, and the reason
        in `note`, if there is none.
    note : str
        Why there is no test.
    """

    curves: dict[str, KaplanMeier]
    p: float
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values: patients, events and median survival (months) of each group, p and note."""
        names = ("n", "n_events", "median", "median_low", "median_high")
        groups = {
            group: {name: jsonable(getattr(curve, name)) for name in names}
            for group, curve in self.curves.items()
        }
        return {"groups": groups, "logrank_p": jsonable(self.p), "note": self.note}

    def __str__(self) -> str:
        of = [f"{group} {curve.n_events} of {curve.n}" for group, curve in self.curves.items()]
        return f"Events of the groups: {', '.join(of)}; {self.tested}"

    @property
    def tested(self) -> str:
        """The test in words."""
        if self.note:
            return f"no log-rank test: {self.note}"
        return f"high against low risk: log-rank {'p < 0.0001' if self.p < 1e-4 else f'p = {self.p:.2g}'}"


def matched_outcome(patients: pd.Index, outcome: pd.DataFrame) -> tuple[NDArray[np.bool_], Outcome]:
    """Which patients have an outcome, and the outcomes of these.

    Parameters
    ----------
    patients : Index of shape (n,)
        Ids, compared as they are written, and as the TCGA patient of a sample's barcode.
    outcome : DataFrame
        Index = patient id; ``time`` (months) and ``event``.

    Raises
    ------
    InputError
        If no patient has an outcome.
    """
    names = [name if name in outcome.index else tcga_patient(name) for name in map(str, patients)]
    times = outcome.reindex(names)
    there = times["time"].notna().to_numpy()
    if not there.any():
        alike = written_otherwise(map(str, patients), outcome.index)
        pairs = listing((f"{ours!r} and {theirs!r}" for ours, theirs in alike), 3)
        raise InputError(
            f"none of the {counted(len(patients), 'patient')} has an outcome",
            where=f"patients: {listing(patients, 3)}; outcome: {listing(outcome.index, 3)}",
            fix=f"write the ids alike: {pairs}" if alike else "give the outcome of these patients",
        )
    return there, Outcome(
        times["time"][there].to_numpy(), times["event"][there].to_numpy(dtype=bool), "event"
    )


def fold_strata(table: pd.DataFrame) -> NDArray[np.str_] | None:
    """The ``fold`` of each patient as a label, "none" for patients of no fold; None if there are not several."""
    if "fold" not in table or table["fold"].nunique(dropna=False) < 2:
        return None
    return table["fold"].astype(object).where(table["fold"].notna(), "none").to_numpy(dtype=np.str_)


def survival_of_groups(scores: pd.DataFrame, outcome: pd.DataFrame) -> GroupSurvival:
    """Survival of the risk groups of patients, and the log-rank test of high against low risk.

    Parameters
    ----------
    scores : DataFrame
        Index = patient id; ``group`` and, if scores are cross-validated, ``fold``.
    outcome : DataFrame
        As in `matched_outcome`.
    """
    there, known = matched_outcome(scores.index, outcome)
    groups, strata = scores["group"].to_numpy()[there], fold_strata(scores[there])
    sure = groups != "uncertain"
    curves = group_curves(known, groups)
    try:
        test = logrank_test(known[sure], groups[sure], strata=None if strata is None else strata[sure])
    except InputError as error:  # one group, or no event in them
        return GroupSurvival(curves, float("nan"), error.what)
    return GroupSurvival(curves, test.p_value)
