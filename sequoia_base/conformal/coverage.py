"""How often intervals hold the measured value."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sequoia_base.conformal.quantiles import RealArray
from sequoia_base.conformal.slides import SlideRows, slide_weights
from sequoia_base.errors import counted
from sequoia_base.results import Result


@dataclass(frozen=True, eq=False)
class Coverage(Result):
    """The share of patients whose measured value is in the interval, over genes.

    Parameters
    ----------
    level : float
        The promised coverage.
    n_patients, n_genes : int
        Patients and genes with a measured value and an interval that is not the whole line.
    mean, sd : float
        Mean and standard deviation of the coverage over genes.
    low, high : float
        Its 5th and 95th percentile over genes.
    genes : array, shape (genes,)
        The coverage of each gene; NaN if nothing is measured.
    """

    level: float
    n_patients: int
    n_genes: int
    mean: float
    sd: float
    low: float
    high: float
    genes: NDArray[np.float64] = field(metadata={"show": False})

    def __str__(self) -> str:
        return (
            f"coverage of {counted(self.n_patients, 'measured patient')}, {self.level:g} promised: {self.mean:.3f} on "
            f"average over {counted(self.n_genes, 'gene')} (SD {self.sd:.3f}; 90% of genes from {self.low:.3f} to "
            f"{self.high:.3f})"
        )


class CoverageCount:
    """Counts, block by block of genes, how many patients an interval holds; their slides share their weight.

    Parameters
    ----------
    patients : array-like of str, shape (slides,)
        The patient of each slide.
    """

    def __init__(self, patients: ArrayLike) -> None:
        self._codes = SlideRows(patients).codes
        self._seen = np.zeros(len(self._codes), dtype=bool)
        self._shares: list[NDArray[np.float64]] = []

    def add(self, measured: RealArray, lower: RealArray, upper: RealArray) -> None:
        """Count a block of genes, (slides, genes) each; the whole line and what is not measured are left out."""
        known = ~np.isnan(measured) & np.isfinite(lower) & np.isfinite(upper)
        held = known & (measured >= lower) & (measured <= upper)
        weights = slide_weights(self._codes, known) * known
        with np.errstate(invalid="ignore"):  # 0 / 0 if nobody is measured
            self._shares.append((weights * held).sum(axis=0) / weights.sum(axis=0))
        self._seen |= known.any(axis=1)

    def result(self, level: float) -> Coverage | None:
        """The coverage over all genes so far; None if nothing is measured."""
        shares = np.concatenate([np.empty(0), *self._shares])
        known = shares[~np.isnan(shares)]
        if not len(known):
            return None
        low, high = np.quantile(known, [0.05, 0.95])
        n = len(set(self._codes[self._seen].tolist()))
        sd = float(known.std(ddof=1)) if len(known) > 1 else 0.0
        return Coverage(level, n, len(known), float(known.mean()), sd, float(low), float(high), shares)
