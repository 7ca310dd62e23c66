"""What the baselines of a fold have chosen: the penalty of ridge regression, and the number of nearest neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sequoia_model.training.baselines.neighbours import Neighbours
from sequoia_model.training.baselines.ridge import Ridge


@dataclass(frozen=True)
class Chosen:
    """The choices of a fold, each over its genes.

    Parameters
    ----------
    alpha_median : float
        Median penalty.
    alpha_smallest, alpha_largest : float
        The range of the penalties that were tried.
    at_smallest, at_largest : float
        Share of the genes with the smallest, and with the largest of them.
    k_median : float
        Median number of neighbours.
    """

    alpha_median: float
    alpha_smallest: float
    alpha_largest: float
    at_smallest: float
    at_largest: float
    k_median: float

    @classmethod
    def of(cls, ridge: Ridge, neighbours: Neighbours) -> Chosen:
        """The choices of fitted baselines."""
        low, high = (count / len(ridge.alpha) for count in ridge.at_edge)
        return cls(
            float(np.median(ridge.alpha)),
            float(ridge.alphas[0]),
            float(ridge.alphas[-1]),
            low,
            high,
            float(np.median(neighbours.k)),
        )


def in_words(folds: Sequence[Chosen]) -> str:
    """One sentence for each baseline.

    Parameters
    ----------
    folds : sequence of Chosen
        The choices of all folds; at least one.

    Examples
    --------
    >>> print(in_words([Chosen(10, 0.1, 1e7, 0.01, 0.2, 8), Chosen(40, 0.1, 1e7, 0.03, 0.4, 12)]))
    Ridge regression chose a median penalty of 10 to 40 in the folds; 2% of the genes have the smallest that was tried \
(0.1), and 30% the largest (1e+07). Nearest neighbours chose a median number of 8 to 12.
    """
    low, high = (
        float(np.mean([getattr(one, name) for one in folds])) for name in ("at_smallest", "at_largest")
    )
    first = folds[0]
    return (
        f"Ridge regression chose a median penalty of {_span([one.alpha_median for one in folds])} in the folds; "
        f"{low:.0%} of the genes have the smallest that was tried ({first.alpha_smallest:.3g}), and {high:.0%} the "
        f"largest ({first.alpha_largest:.3g}). Nearest neighbours chose a median number of "
        f"{_span([one.k_median for one in folds])}."
    )


def _span(values: Sequence[float]) -> str:
    low, high = f"{min(values):.3g}", f"{max(values):.3g}"
    return low if low == high else f"{low} to {high}"
