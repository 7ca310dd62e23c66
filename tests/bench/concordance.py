"""Paired bootstrap of Harrell's C against loops over lifelines' and R's concordance, with the same draws."""

from __future__ import annotations

import numpy as np
import pandas as pd
import rpy2.robjects as ro
from lifelines.utils import concordance_index

from sequoia_stats import rbridge
from sequoia_stats.survival import ConcordanceComparison, compare_concordance
from sequoia_stats.types.outcome import Outcome
from tests.bench.timing import line, seconds

PATIENTS, SCORES, DRAWS = 2000, 4, 1000
#: Of the loops, whose time is scaled to all draws.
FEWER = 10
R_LOOP = """
function(time, event, scores, stratum, draws) {
  strata <- survival::strata
  sapply(seq_len(ncol(draws)), function(b) {
    rows <- rep(seq_along(time), draws[, b])
    y <- survival::Surv(time[rows], event[rows])
    fold <- stratum[rows]
    c_index <- function(x) survival::concordance(y ~ x + strata(fold), reverse = TRUE)$concordance
    apply(scores[rows, ], 2, c_index)
  })
}
"""


def cohort() -> tuple[Outcome, pd.DataFrame, np.ndarray]:
    """Patients with 40% events, scores that know the outcome more or less well, and five folds."""
    generator = np.random.default_rng(3)
    risk = generator.normal(size=PATIENTS)
    time = generator.exponential(np.exp(-risk)) + 0.01
    outcome = Outcome(time, generator.random(PATIENTS) < 0.4, "OS")
    noise = generator.normal(size=(SCORES, PATIENTS))
    scores = {f"score {k}": risk + (k + 1) * noise[k] for k in range(SCORES)}
    return outcome, pd.DataFrame(scores), generator.integers(0, 5, PATIENTS)


def bench() -> None:
    """Print the lines of this file."""
    outcome, scores, folds = cohort()
    draws = np.random.default_rng(0).multinomial(PATIENTS, np.full(PATIENTS, 1 / PATIENTS), FEWER)
    rows = [np.repeat(np.arange(PATIENTS), draw) for draw in draws]

    def ours(strata: np.ndarray | None = None) -> ConcordanceComparison:
        return compare_concordance(outcome, scores, strata=strata, bootstrap=DRAWS)

    def by_lifelines() -> list[list[float]]:
        return [
            [concordance_index(outcome.time[r], -risk[r], outcome.event[r]) for risk in scores.to_numpy().T]
            for r in rows
        ]

    rbridge.start()
    r_loop = ro.r(R_LOOP)
    arguments = [
        ro.FloatVector(outcome.time),
        ro.IntVector(outcome.event.astype(int)),
        ro.r.matrix(ro.FloatVector(scores.to_numpy().ravel(order="F")), nrow=PATIENTS),
        ro.IntVector(folds),
        ro.r.matrix(ro.IntVector(draws.ravel()), nrow=PATIENTS),
    ]

    def by_r() -> np.ndarray:
        return np.array(r_loop(*arguments)).reshape(SCORES, FEWER, order="F").T

    for name, what, strata, loop in (
        ("lifelines", "all pairs", None, by_lifelines),
        ("survival", "pairs within folds", folds, by_r),
    ):
        mine = min(seconds(lambda strata=strata: ours(strata)) for _ in range(3))
        theirs = seconds(loop) * DRAWS / FEWER
        line(f"bootstrap of {SCORES} C, {what}", mine, theirs, name, ">= 20 x")
        worst = np.abs(ours(strata).replicates[:FEWER] - np.array(loop())).max()
        print(
            f"{'':<44} {DRAWS * SCORES / mine:,.0f} C a second on {PATIENTS:,} patients; {name} in {FEWER} draws, "
            f"scaled; largest difference of the replicates {worst:.1e}"
        )
        assert worst < 1e-6
