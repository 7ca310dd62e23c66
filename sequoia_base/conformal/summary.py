"""What a person should know about intervals: their number, width and coverage, and where they are the whole line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sequoia_base.conformal.coverage import Coverage, CoverageCount
from sequoia_base.conformal.genes import GeneBounds, IntervalPlan, fewest_patients
from sequoia_base.conformal.quantiles import RealArray
from sequoia_base.conformal.slides import SEEN_IN_TRAINING
from sequoia_base.errors import counted, listing
from sequoia_base.results import Result

#: The promise, in a sentence that is printed.
PROMISE = "promised on average over genes, for patients of the same population"
NO_GUARANTEE = "no guarantee"


@dataclass(frozen=True, eq=False)
class IntervalSummary(Result):
    """What is known about the intervals of a file of predictions.

    Parameters
    ----------
    level : float
        The promised coverage.
    method : {"pooled", "cv+"}
        How they were made.
    normalised, weighted : bool
        Whether widths may follow the predicted value, and whether calibration patients were weighted.
    within : str
        The grouping within which they were made; empty if none.
    n_patients : int
        Number of calibration patients.
    effective_patients : float, optional
        Their effective number under the weights.
    n_slides, n_new, n_seen : int
        Slides with intervals; those of new patients among them; and those of patients whom the networks that predict
        them have seen.
    n_genes, n_whole_line, n_normalised : int
        Genes; those whose interval is the whole line for some slide; those whose width follows the predicted value.
    mean_width : float
        Mean width over slides and genes, of the intervals that are not the whole line.
    notes : tuple of str
        What the user should know.
    coverage : Coverage, optional
        How often the intervals hold measured values of new patients, if there are any.
    """

    level: float
    method: str
    normalised: bool
    weighted: bool
    within: str
    n_patients: int
    effective_patients: float | None
    n_slides: int
    n_new: int
    n_seen: int
    n_genes: int
    n_whole_line: int
    n_normalised: int
    mean_width: float
    notes: tuple[str, ...] = ()
    coverage: Coverage | None = None

    def __str__(self) -> str:
        how = "residuals of all folds" if self.method == "pooled" else "cv+"
        weighted = self.effective_patients is not None
        effective = f", {self.effective_patients:.1f} effective under weights" if weighted else ""
        patients = f"{counted(self.n_patients, 'calibration patient')}{effective}"
        held = self.n_slides - self.n_new - self.n_seen
        inside = f", within {self.within}" if self.within else ""
        lines = [
            f"{self.level:g} intervals from {patients} ({how}){inside}, mean width {self.mean_width:.3g}"
        ]
        lines += [f"  {counted(self.n_new, 'slide')} of new patients: {self._promise}"] * bool(self.n_new)
        lines += [
            f"  {counted(held, 'slide')} of cross-validated patients, from the other folds: {NO_GUARANTEE}"
        ] * bool(held)
        lines += [
            f"  {counted(self.n_seen, 'slide')} predicted by networks that have seen the patient: {NO_GUARANTEE}, and "
            "likely too narrow"
        ] * bool(self.n_seen)
        if self.normalised:
            lines.append(f"  the width follows the predicted value in {counted(self.n_normalised, 'gene')}")
        lines += [f"  {text}" for text in self.notes]
        lines += [f"  {self.coverage}"] * (self.coverage is not None)
        return "\n".join(lines)

    @property
    def _promise(self) -> str:
        """What is promised to new patients."""
        least = (
            f", {1 - 2 * (1 - self.level):.3g} guaranteed for any networks" if self.method == "cv+" else ""
        )
        return f"{PROMISE}{least}"

    def to_uns(self) -> dict[str, Any]:
        """For ``uns["intervals"]``: numbers and texts; the coverage is not stored, as it follows from the layers."""
        found = self.to_dict() | {"note": f"{self._promise}; {NO_GUARANTEE} for cross-validated patients"}
        return {
            name: value
            for name, value in found.items()
            if value is not None and name not in ("coverage", "notes")
        }


class IntervalTally:
    """Counts over blocks of genes what a summary needs.

    Parameters
    ----------
    plan : IntervalPlan
        What the intervals were made by.

    Attributes
    ----------
    n_finite : int
        Intervals so far that are not the whole line.
    """

    def __init__(self, plan: IntervalPlan) -> None:
        self._plan = plan
        self._cover = CoverageCount(plan.new.patients[plan.is_new])
        self._whole: list[NDArray[np.bool_]] = []
        self._whole_slides = np.zeros(len(plan.new), dtype=bool)
        self.n_finite = self._n_normalised = 0
        self._width = 0.0

    def add(self, bounds: GeneBounds, measured: RealArray | None = None) -> None:
        """Count a block; `measured` holds values of the new slides, NaN if missing."""
        width = bounds.upper - bounds.lower
        finite = np.isfinite(width)
        self._whole.append(np.asarray(~finite.all(axis=0)))
        self._whole_slides |= ~finite.all(axis=1)
        self.n_finite += int(finite.sum())
        self._n_normalised += int(bounds.normalised.sum())
        self._width += float(width.sum(where=finite, dtype=float))
        if measured is not None:
            rows = self._plan.is_new
            self._cover.add(measured[rows], bounds.lower[rows], bounds.upper[rows])

    def summary(self, genes: Sequence[str] = ()) -> IntervalSummary:
        """The summary of all blocks, of which one interval at least is not the whole line; `genes` are their names."""
        plan, options = self._plan, self._plan.options
        whole = np.concatenate([np.empty(0, bool), *self._whole])
        effective = plan.effective_patients()
        notes = list(plan.notes)
        if whole.any():
            names = (
                [gene for gene, is_whole in zip(genes, whole, strict=True) if is_whole] if len(genes) else []
            )
            few = f"fewer than {fewest_patients(options.level)} calibration patients have a measured value"
            why = few if effective is None else f"{few}, or the weights leave too few"
            named = f": {listing(names, 3)}" if names else ""
            n, n_all = int(self._whole_slides.sum()), len(self._whole_slides)
            slides = "all slides" if n == n_all else f"{n:,} of {counted(n_all, 'slide')}"
            notes.append(
                f"the interval of {counted(int(whole.sum()), 'gene')} is the whole line in {slides}, because "
                f"{why}{named}"
            )
        return IntervalSummary(
            **options.to_dict(),
            n_patients=plan.calibration.n_patients,
            effective_patients=effective,
            n_slides=len(plan.new),
            n_new=int(plan.is_new.sum()),
            n_seen=int((plan.new.folds == SEEN_IN_TRAINING).sum()),
            n_genes=len(whole),
            n_whole_line=int(whole.sum()),
            n_normalised=self._n_normalised,
            mean_width=self._width / self.n_finite,
            notes=tuple(notes),
            coverage=self._cover.result(options.level),
        )
