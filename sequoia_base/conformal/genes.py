"""Intervals for all genes of slides, block by block of genes, from the residuals of calibration slides."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sequoia_base.conformal._spread import SpreadModel
from sequoia_base.conformal.options import IntervalOptions
from sequoia_base.conformal.quantiles import (
    RealArray,
    conformal_radius,
    conformal_rank,
    exact_level,
    largest_level,
)
from sequoia_base.conformal.shift import effective_patients
from sequoia_base.conformal.slides import NEW, Cell, SlideRows, make_cells, slide_weights
from sequoia_base.errors import InputError, counted, listing


@dataclass(frozen=True, eq=False)
class GeneBounds:
    """Intervals of a block of genes.

    Parameters
    ----------
    lower, upper : array, shape (slides, genes), float32
        The bounds; infinite where the interval is the whole line.
    normalised : array of bool, shape (genes,)
        Genes whose width follows the predicted value, for at least one slide.
    """

    lower: NDArray[np.float32]
    upper: NDArray[np.float32]
    normalised: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class IntervalPlan:
    """Which calibration slides give the intervals of which new slides.

    Parameters
    ----------
    options : IntervalOptions
        How intervals are made.
    calibration, new : SlideRows
        The slides; those of calibration have a fold each.
    cells : tuple of Cell
        The new slides, grouped by their calibration slides.
    notes : tuple of str
        What the user should know.
    networks : tuple of int
        The fold of each network, for CV+.
    weights : tuple of array, optional
        Weights of the calibration slides and of the new ones (`PredictionShift.weights`; new patients alone are
        weighted, others have NaN).
    """

    options: IntervalOptions
    calibration: SlideRows
    new: SlideRows
    cells: tuple[Cell, ...]
    notes: tuple[str, ...] = ()
    networks: tuple[int, ...] = ()
    weights: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None

    @property
    def is_new(self) -> NDArray[np.bool_]:
        """Slides of patients who are new to the networks and to the calibration: only they have a promise."""
        found = np.zeros(len(self.new), dtype=bool)
        for cell in self.cells:
            found[cell.new] = cell.fold == NEW
        return found

    def with_weights(self, calibration: NDArray[np.float64], new: NDArray[np.float64]) -> IntervalPlan:
        """The plan with the weights of calibration slides, and of the slides of new patients in their order."""
        of_all = np.full(len(self.new), np.nan)
        of_all[self.is_new] = new
        return replace(self, weights=(calibration, of_all))

    def effective_patients(self) -> float | None:
        """The effective number of calibration patients under the weights; None without weights."""
        return None if self.weights is None else effective_patients(self.weights[0], self.calibration.codes)

    def most_patients(self, measured: RealArray) -> int:
        """The most calibration patients with a gene (slides, genes) in a cell, or their effective number."""
        effective = self.effective_patients()
        if effective is not None:
            return math.floor(effective)
        present = ~np.isnan(measured)
        found = 0.0
        for cell in self.cells:
            there = present[cell.calibration]
            counts = (slide_weights(cell.patients, there) * there).sum(axis=0)
            found = max(found, float(counts.max(initial=0)))
        return round(found)

    def bounds(
        self,
        measured: RealArray,
        predicted: RealArray,
        new: RealArray,
        by_network: RealArray | None = None,
    ) -> GeneBounds:
        """The intervals of a block of genes.

        Parameters
        ----------
        measured, predicted : array, shape (calibration slides, genes)
            Measured values, NaN if missing, and the out-of-fold predictions.
        new : array, shape (new slides, genes)
            Predictions to put intervals around.
        by_network : array, shape (networks, new slides, genes), optional
            Predictions by each of `networks`, for CV+; only those of new patients are used.
        """
        residuals = np.abs(measured - predicted)
        lower, upper = np.empty((2, *new.shape), np.float32)
        normalised = np.zeros(new.shape[1], dtype=bool)
        model = SpreadModel(residuals, predicted, self.calibration.folds) if self.options.normalised else None
        for cell in self.cells:
            some = residuals if len(cell.calibration) == len(residuals) else residuals[cell.calibration]
            if by_network is not None and cell.fold == NEW:
                lower[cell.new], upper[cell.new] = self._cv_plus(cell, some, by_network)
                continue
            radius = self._radius(cell, some)
            if model is not None:
                radius, chosen = self._shorter(cell, some, predicted, new, radius, model)
                normalised |= chosen
            rows = slice(None) if len(cell.new) == len(new) else cell.new  # without copies if it is all
            lower[rows], upper[rows] = new[rows] - radius, new[rows] + radius
        return GeneBounds(lower, upper, normalised)

    def _cv_plus(
        self, cell: Cell, residuals: RealArray, by_network: RealArray
    ) -> tuple[RealArray, RealArray]:
        """The bounds (new slides of the cell, genes) by CV+."""
        from sequoia_base.conformal._cv_plus import cv_plus_bounds  # loads numba, which others do not need

        owners = [self.networks.index(fold) for fold in self.calibration.folds[cell.calibration]]
        weights = self._slide_weights(cell, residuals)
        weights = np.ones(len(residuals)) if weights is None else weights
        return cv_plus_bounds(
            residuals, weights, np.array(owners), by_network[:, cell.new], self.options.level
        )

    def _radius(self, cell: Cell, residuals: RealArray) -> RealArray:
        """The half-width, (genes,) or (new slides of the cell, genes)."""
        weights, level = self._slide_weights(cell, residuals), self.options.level
        if self.weights is None or cell.fold != NEW:
            return conformal_radius(residuals, level, weights)
        ratios = self.weights[0][cell.calibration]
        if weights is not None:
            ratios = weights * (ratios if weights.ndim == 1 else ratios[:, None])
        return conformal_radius(residuals, level, ratios, self.weights[1][cell.new])

    def _slide_weights(self, cell: Cell, residuals: RealArray) -> NDArray[np.float64] | None:
        """One over the slides of the patient; None if every patient has one slide."""
        if cell.n_patients == len(cell.patients):
            return None
        missing = np.isnan(residuals)
        return slide_weights(cell.patients, ~missing if missing.any() else None)

    def _shorter(
        self,
        cell: Cell,
        residuals: RealArray,
        predicted: RealArray,
        new: RealArray,
        radius: RealArray,
        model: SpreadModel,
    ) -> tuple[RealArray, NDArray[np.bool_]]:
        """The half-width that follows the predicted value in genes where this is shorter on average."""
        spread = model.of_calibration(predicted)[cell.calibration]
        spread[spread == 0] = 1  # residuals that are all 0
        scaled = self._radius(cell, residuals / spread)
        with np.errstate(invalid="ignore"):  # both may be infinite
            mean_of_scaled = np.atleast_2d(scaled).mean(axis=0) * spread.mean(axis=0)
            chosen = model.is_seen() & (mean_of_scaled < np.atleast_2d(radius).mean(axis=0))
            return np.where(chosen, scaled * model.at(new[cell.new], cell.fold), radius), chosen


def plan_intervals(
    calibration: SlideRows, new: SlideRows, options: IntervalOptions, networks: Sequence[int] = ()
) -> IntervalPlan:
    """Decide which calibration slides serve which new slides.

    Parameters
    ----------
    calibration : SlideRows
        Slides with measured values and predictions of networks that have not seen their patients.
    new : SlideRows
        Slides to put intervals around. A patient who is also in calibration, or whom a fold held out, gets the
        residuals of the other folds.
    options : IntervalOptions
        How intervals are made.
    networks : sequence of int
        The fold of each network that predicts new slides, for CV+.

    Raises
    ------
    InputError
        If there are too few calibration patients for any interval but the whole line, or the networks of some of their
        folds are missing for CV+.
    """
    if options.method == "cv+" and (lost := sorted(set(calibration.folds.tolist()) - set(networks))):
        folds = ["none" if fold == NEW else fold for fold in lost]
        raise InputError(
            f"cv+ needs the network of each calibration patient's fold, but there is none for {listing(folds)}",
            where=f"folds of the networks: {listing(networks) or 'none'}",
            fix="give all folds of the run, or use the method pooled",
        )
    calibration = calibration.with_folds()
    n, level = calibration.n_patients, options.level
    if conformal_rank(n, level) > n:
        raise too_few(n, level)
    cells, small = make_cells(calibration, new, level, within=options.within is not None)
    notes = []
    if small:
        sizes = [f"{name} ({counted(k, 'patient')})" for name, k in sorted(small.items())]
        notes.append(
            f"{counted(len(small), 'level')} of {options.within} with fewer than {fewest_patients(level)} calibration "
            f"patients: the intervals of all patients are used for {listing(sizes, 5)}"
        )
    if options.within is not None and (unknown := int((new.groups == "").sum())):
        slides = counted(unknown, "slide has", "slides have")
        notes.append(f"{slides} no {options.within}, and the intervals of all patients")
    return IntervalPlan(options, calibration, new, tuple(cells), tuple(notes), tuple(networks))


def fewest_patients(level: float) -> int:
    """The smallest number of calibration patients that gives an interval other than the whole line.

    Examples
    --------
    >>> fewest_patients(0.9), fewest_patients(0.95)
    (9, 19)
    """
    share = exact_level(level)
    return math.ceil(share / (1 - share))


def too_few(n: int, level: float) -> InputError:
    """The error of intervals that would all be the whole line."""
    largest = math.floor(1000 * largest_level(n)) / 1000
    return InputError(
        f"with {counted(n, 'calibration patient')} every interval at level {level:g} is the whole line",
        where=f"{fewest_patients(level)} patients with measured values are needed",
        fix=f"use a level of at most {largest:g}, or calibrate with more patients"
        if n
        else "calibrate with more patients",
    )
