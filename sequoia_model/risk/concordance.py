"""Harrell's C of risks in a test or validation part, counted within folds or other strata."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def concordance(time: ArrayLike, event: ArrayLike, risk: ArrayLike, strata: ArrayLike | None = None) -> float:
    """Harrell's C: how often the patient with the higher risk has the earlier event.

    A pair is comparable if the earlier of the two times is an event. At the same time, an event comes before a
    censoring, and two events are not comparable. A tied risk counts half (Harrell 1982). Reference:
    ``survival::concordance(Surv(time, event) ~ risk + strata(s), reverse = TRUE)``.

    Parameters
    ----------
    time : array of shape (n,)
        Times are tied where they are equal: see `sequoia_base.tied_times`.
    event : array of shape (n,), bool
        Whether the event was seen.
    risk : array of shape (n,)
        A higher risk means an earlier event.
    strata : array of shape (n,), optional
        Only pairs within a stratum count, such as the patients tested in one fold; all pairs by default.

    Returns
    -------
    float
        NaN if no pair is comparable.

    Examples
    --------
    >>> concordance([1.0, 2.0, 3.0, 4.0], [True, True, False, True], [4, 2, 1, 3])
    0.8
    """
    t, d, r = np.asarray(time), np.asarray(event, dtype=bool), np.asarray(risk)
    labels = np.zeros(len(t), dtype=np.int64) if strata is None else np.unique(strata, return_inverse=True)[1]
    counts = np.zeros(2)
    for stratum in np.unique(labels):
        counts += counted_pairs(*(values[labels == stratum] for values in (t, d, r)))
    comparable, concordant = counts
    return float(concordant / comparable) if comparable else float("nan")


def counted_pairs(time: NDArray, event: NDArray[np.bool_], risk: NDArray) -> tuple[int, float]:
    """The number of comparable pairs of patients, and of concordant ones among them; parameters as in `concordance`."""
    comparable, concordant = 0, 0.0
    # in blocks of events, which bound the memory
    for some in np.array_split(np.flatnonzero(event), 1 + len(time) * int(event.sum()) // 2**24):
        later = (time > time[some, None]) | (~event & (time == time[some, None]))
        own = risk[some, None]
        comparable += int(np.count_nonzero(later))
        concordant += (
            int(np.count_nonzero(later & (own > risk))) + np.count_nonzero(later & (own == risk)) / 2
        )
    return comparable, concordant
