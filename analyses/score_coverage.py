"""How often the intervals of a score hold the measured scores of new patients, in simulated cohorts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from interval_coverage import simulate_cohort

from sequoia_stats.conformal import decide_risk

#: Genes of the simulated signature.
GENES = 20


def simulate_score_coverage(
    sizes: Sequence[int] = (60, 100, 500),
    *,
    cohorts: int = 20,
    n_new: int = 1000,
    level: float = 0.9,
    seed: int = 0,
) -> pd.DataFrame:
    """The coverage of new patients by the intervals of the score of a signature with random coefficients.

    Networks and genes are those of `simulate_cohort`; the score is Σ coefficient × gene, cut at the median of the
    measured scores of the cohort.

    Parameters
    ----------
    sizes : sequence of int
        Patients of a cohort.
    cohorts : int, default 20
        Cohorts of each size; each has a random stream and a signature of its own.
    n_new : int
        New patients of a cohort.
    level : float, default 0.9
        The promised coverage.
    seed : int, default 0
        Random seed.

    Returns
    -------
    DataFrame
        Per size: ``n, r, mean, lowest, highest, sd, decided, error``: the mean correlation of measured and predicted
        score in the cohort; mean, range and standard deviation over cohorts of the coverage of the new patients; the
        share of these that is decided, and the share of the decided that is on the wrong side.
    """
    rows = []
    for size, stream in zip(sizes, np.random.SeedSequence(seed).spawn(len(sizes)), strict=True):
        for one in stream.spawn(cohorts):
            rng = np.random.default_rng(one)
            known, new = simulate_cohort(rng, size, n_new, GENES)
            weights = rng.normal(size=GENES)
            calibration = pd.DataFrame(
                {"measured": known.measured @ weights, "predicted": known.predicted @ weights}, known.patients
            ).assign(fold=known.obs["fold"].to_numpy())
            truth = pd.Series(new.layers["measured"] @ weights, new.obs_names)
            scores = pd.DataFrame({"predicted": new.X @ weights, "measured": truth})
            cutoff = float(calibration["measured"].median())
            found = decide_risk(calibration, scores, cutoff, level=level)
            decided = found.frame["group"] != "uncertain"
            wrong = decided & ((truth > cutoff) != (found.frame["group"] == "high"))
            rows.append((size, found.intervals.r, found.coverage, decided.sum(), wrong.sum()))
    table = pd.DataFrame(rows, columns=["n", "r", "coverage", "decided", "wrong"])
    by_size = table.groupby("n")
    coverage = by_size["coverage"].agg(["mean", "min", "max", "std"])
    summary = coverage.set_axis(["mean", "lowest", "highest", "sd"], axis=1)
    summary.insert(0, "r", by_size["r"].mean())
    decided, wrong = by_size["decided"].sum(), by_size["wrong"].sum()
    return summary.assign(decided=decided / (cohorts * n_new), error=wrong / decided).reset_index()
