"""Intervals for all genes, a block of genes at a time, wherever the matrices are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from sequoia_base.conformal.genes import GeneBounds, IntervalPlan, too_few
from sequoia_base.conformal.quantiles import RealArray
from sequoia_base.conformal.shift import PredictionShift
from sequoia_base.conformal.summary import IntervalSummary, IntervalTally

#: Values of a matrix in a block.
_VALUES = 2**20


class GeneBlock(NamedTuple):
    """Some genes of all slides.

    Parameters
    ----------
    measured, predicted : array, shape (calibration slides, genes)
        Measured values, NaN if missing (also for a gene without calibration), and out-of-fold predictions.
    new : array, shape (new slides, genes)
        Predictions to put intervals around.
    new_measured : array, shape (new slides, genes), optional
        Measured values of the new slides, NaN if missing.
    by_network : array, shape (networks, new slides, genes), optional
        Their predictions by each network, for CV+.
    """

    measured: RealArray
    predicted: RealArray
    new: RealArray
    new_measured: RealArray | None = None
    by_network: RealArray | None = None


def make_intervals(
    plan: IntervalPlan,
    genes: Sequence[str],
    read: Callable[[slice], GeneBlock],
    write: Callable[[slice, GeneBounds], None],
) -> IntervalSummary:
    """Make the intervals of all genes.

    Parameters
    ----------
    plan : IntervalPlan
        Which calibration slides serve which new slides.
    genes : sequence of str
        Names of the genes, for messages.
    read : callable
        Gives the block of a slice of genes; under weights, three times.
    write : callable
        Takes a slice and its intervals.

    Raises
    ------
    InputError
        If every interval is the whole line.
    """
    step = max(1, _VALUES // max(len(plan.calibration), len(plan.new)))
    cuts = [slice(start, min(start + step, len(genes))) for start in range(0, len(genes), step)]
    if plan.options.weighted and plan.is_new.any():
        plan = _weighted(plan, cuts, read)
    tally = IntervalTally(plan)
    for cut in cuts:
        block = read(cut)
        bounds = plan.bounds(block.measured, block.predicted, block.new, block.by_network)
        write(cut, bounds)
        tally.add(bounds, block.new_measured)
    if not tally.n_finite:
        raise too_few(max(plan.most_patients(read(cut).measured) for cut in cuts), plan.options.level)
    return tally.summary(genes)


def _weighted(plan: IntervalPlan, cuts: Sequence[slice], read: Callable[[slice], GeneBlock]) -> IntervalPlan:
    """The plan with weights of calibration patients."""
    is_new = plan.is_new
    shift = PredictionShift(plan.calibration, plan.new.take(is_new))
    for cut in cuts:
        shift.add(read(cut).predicted)
    for cut in cuts:
        block = read(cut)
        shift.project(block.predicted, block.new[is_new])
    return plan.with_weights(*shift.weights())
