"""Concordance of all models, and their differences, from the same bootstrap draws of patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from sequoia_base.arguments import ProgressBar
from sequoia_stats.risk._measures import ComparedPatients, stacked
from sequoia_stats.risk._standard import StandardScores
from sequoia_stats.survival import compare_concordance

_C, _PAIR = ["score", "c_index", "low", "high"], ["a", "b", "c_difference", "low", "high", "p"]


@dataclass(frozen=True)
class Bootstrap:
    """How intervals of C are drawn.

    Parameters
    ----------
    draws, seed : int
        Number of draws of patients with replacement, and the random seed.
    progress : callable, optional
        Wraps the iterator over what takes long.
    """

    draws: int
    seed: int
    progress: ProgressBar | None = None

    def concordance(
        self, models: Sequence[StandardScores], patients: ComparedPatients
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """C of each model (``score, c_index, low, high``) and the difference of each two (``a, b, c_difference, ...``).

        Parameters
        ----------
        models : sequence of StandardScores
            Scores of these patients; the first of two is `a`.
        patients : ComparedPatients
            Pairs of them are counted within strata.
        """
        scores = pd.DataFrame({model.name: model.scores for model in models})
        found = compare_concordance(
            patients.outcome,
            scores,
            strata=patients.strata,
            bootstrap=self.draws,
            seed=self.seed,
            progress=self.progress,
        )
        return found.scores[_C], found.pairs[_PAIR]

    def concordance_beside(
        self,
        models: Sequence[StandardScores],
        patients: ComparedPatients,
        further: StandardScores,
        known: ComparedPatients,
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The same with a further model, which has a score for some of the patients only.

        Its pairs with the others are those of the patients that it knows.

        Parameters
        ----------
        models : sequence of StandardScores
            Scores of `patients`.
        patients : ComparedPatients
            All of them.
        further : StandardScores
            Scores of `known`.
        known : ComparedPatients
            Some of them, in the same order.
        """
        if known.outcome.n == patients.outcome.n:
            return self.concordance([*models, further], patients)
        scores, pairs = self.concordance(models, patients)
        own, more = self.concordance([*(model.of(known.ids) for model in models), further], known)
        own, more = own[own["score"] == further.name], more[more["b"] == further.name]
        return stacked([scores, own]), stacked([pairs, more])
