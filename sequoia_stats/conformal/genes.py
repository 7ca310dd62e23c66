"""Intervals for the predicted genes of slides, from the out-of-fold residuals of a cross-validation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from sequoia_base.conformal import (
    Coverage,
    CoverageCount,
    GeneBlock,
    GeneBounds,
    IntervalOptions,
    IntervalSummary,
    SlideRows,
    make_intervals,
    plan_intervals,
)
from sequoia_base.results import Result
from sequoia_stats.errors import InputError, listing
from sequoia_stats.types._matrices import as_floats, in_memory
from sequoia_stats.types.predictions import Predictions, as_predictions

if TYPE_CHECKING:
    from anndata import AnnData


@dataclass(frozen=True, eq=False)
class GeneIntervals(Result):
    """Intervals for the genes of slides.

    Parameters
    ----------
    summary : IntervalSummary
        Their number, width and coverage, and where they are the whole line.
    lower, upper : array, shape (slides, genes), float32
        The bounds; infinite where the interval is the whole line.
    slides, genes : Index
        Names of rows and columns.
    is_new : array of bool, shape (slides,)
        Slides of new patients; for the others, cross-validated ones, there is no guarantee.
    """

    summary: IntervalSummary
    lower: NDArray[np.float32] = field(metadata={"show": False})
    upper: NDArray[np.float32] = field(metadata={"show": False})
    slides: pd.Index = field(metadata={"show": False})
    genes: pd.Index = field(metadata={"show": False})
    is_new: NDArray[np.bool_] = field(metadata={"show": False})

    def __str__(self) -> str:
        return str(self.summary)

    def add_to(self, adata: AnnData) -> AnnData:
        """A copy of the predictions with the layers ``lower`` and ``upper``, as `sequoia-model predict` writes them."""
        adata = adata.copy()
        adata.layers["lower"], adata.layers["upper"] = self.lower, self.upper
        adata.obs["interval"] = np.where(self.is_new, "new patient", "no guarantee")
        adata.uns["intervals"] = self.summary.to_uns()
        return adata


def gene_intervals(
    calibration: Predictions | AnnData,
    predicted: Predictions | AnnData,
    *,
    level: float = 0.9,
    method: str = "pooled",
    normalised: bool = False,
    within: str | None = None,
    weighted: bool = False,
    by_network: Mapping[int, ArrayLike] | None = None,
) -> GeneIntervals:
    """Put an interval around every predicted gene of slides.

    Parameters
    ----------
    calibration : Predictions or AnnData
        Out-of-fold predictions and measured values of patients, such as the predictions.h5ad of a training run. A
        missing measured value leaves its patient out for this gene.
    predicted : Predictions or AnnData
        The mean of the networks for new slides: X, slides × genes. ``obs["patient_id"]`` names patients, else each
        slide is one; patients of the calibration, and slides with a ``fold``, get the residuals of the other folds. A
        gene that the calibration lacks gets the whole line.
    level : float, default 0.9
        The promised coverage: on average over genes, for patients of the same population.
    method : {"pooled", "cv+"}
        Residuals of all folds around the mean of the networks; or around the prediction of the network of each
        residual, which needs `by_network` and guarantees 1 − 2 (1 − level) for any networks.
    normalised : bool, default False
        Whether the width follows the predicted value, in genes whose residuals depend on it and whose intervals become
        shorter on average.
    within : str, optional
        A column of `obs` of both, such as site: intervals keep their promise within each of its levels, and those with
        too few patients are served by all.
    weighted : bool, default False
        Whether calibration patients weigh as much as the new ones resemble them: ratios of densities, by a logistic
        regression on principal components of the predictions.
    by_network : mapping of int to array of shape (slides, genes), optional
        Fold -> predictions of the slides by its network.

    Returns
    -------
    GeneIntervals
        Its coverage is filled in if `predicted` holds measured values of new patients.

    Raises
    ------
    InputError
        If an argument cannot be used, or there are too few calibration patients for any interval but the whole line.

    References
    ----------
    Lei et al. (2018), JASA 113:1094; Barber et al. (2021), Annals of Statistics 49:486; several slides of a patient
    weigh as in Lee, Barber and Willett (2023).
    """
    options = IntervalOptions(level, method, normalised, within, weighted)
    known, new = as_predictions(calibration), _as_adata(predicted)
    networks = {
        int(fold): as_floats(values, f"by_network, fold {fold}")
        for fold, values in (by_network or {}).items()
    }
    for fold, values in networks.items():
        if values.shape != new.shape:
            raise InputError(
                f"the predictions of fold {fold} have the shape {values.shape}, but X has {new.shape}",
                where="by_network",
            )
    plan = plan_intervals(
        _rows(known.obs, within, "calibration"), _rows(new.obs, within, "predicted"), options, tuple(networks)
    )
    columns = known.genes.get_indexer(new.var_names.astype(str))
    x, truth = as_floats(new.X, "predicted"), new.layers.get("measured")
    lower, upper = np.empty((2, *x.shape), np.float32)

    def read(cut: slice) -> GeneBlock:
        return GeneBlock(
            _columns(known.measured, columns[cut], np.nan),
            _columns(known.predicted, columns[cut], 0.0),
            x[:, cut],
            None if truth is None else truth[:, cut],
            np.stack([values[:, cut] for values in networks.values()]) if networks else None,
        )

    def write(cut: slice, bounds: GeneBounds) -> None:
        lower[:, cut], upper[:, cut] = bounds.lower, bounds.upper

    summary = make_intervals(plan, list(new.var_names), read, write)
    return GeneIntervals(summary, lower, upper, new.obs_names, new.var_names, plan.is_new)


def gene_coverage(predictions: Predictions | AnnData) -> Coverage | None:
    """How often the intervals in a predictions file hold the measured value of new patients.

    Parameters
    ----------
    predictions : Predictions or AnnData
        With layers ``lower`` and ``upper``, as `sequoia-model predict --intervals` writes them.

    Returns
    -------
    Coverage or None
        None if nothing is measured in a new patient.

    Raises
    ------
    InputError
        If there are no intervals.
    """
    data = as_predictions(predictions)
    if data.intervals is None:
        raise InputError(
            "the predictions have no intervals", where=data.name, fix="sequoia-model predict --intervals 0.9"
        )
    lower, upper, level = data.intervals
    is_new = data.obs.get("interval", pd.Series("new patient", data.obs.index)).to_numpy() == "new patient"
    count = CoverageCount(data.patients[is_new])
    count.add(data.measured[is_new], lower[is_new], upper[is_new])
    return count.result(level)


def _as_adata(predicted: Predictions | AnnData) -> AnnData:
    adata = predicted.adata if isinstance(predicted, Predictions) else in_memory(predicted, "Predictions")
    if adata.X is None:
        raise InputError("the AnnData has no X, which should hold the predictions", where="predicted")
    return adata


def _rows(obs: pd.DataFrame, within: str | None, what: str) -> SlideRows:
    """Patients, folds and groups of slides."""
    if within is not None and within not in obs:
        raise InputError(
            f"the slides have no column {within!r}",
            where=f"{what}, obs; its columns are {listing(obs.columns)}",
        )
    groups = None if within is None else obs[within]
    return SlideRows(obs.get("patient_id", obs.index).astype(str), obs.get("fold"), groups)


def _columns(
    matrix: NDArray[np.floating[Any]], columns: NDArray[np.intp], absent: float
) -> NDArray[np.floating[Any]]:
    """Some columns of a matrix, without a copy where they are neighbours; `absent` where the number is -1."""
    if len(columns) and (np.diff(columns) == 1).all() and columns[0] >= 0:
        return matrix[:, columns[0] : columns[-1] + 1]
    found = matrix[:, columns]
    found[:, columns < 0] = absent
    return found
