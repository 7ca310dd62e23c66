"""Intervals of predicted genes, calibrated by the predictions file of the cross-validation."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from sequoia_base.apart import h5ad
from sequoia_base.conformal import (
    GeneBlock,
    GeneBounds,
    IntervalOptions,
    IntervalPlan,
    IntervalSummary,
    SlideRows,
    make_intervals,
    plan_intervals,
)
from sequoia_base.tables import read_header
from sequoia_model.errors import InputError, listing, part
from sequoia_model.patients import read_patient_column
from sequoia_model.prediction._file import PredictionsFile
from sequoia_model.splits import Splits
from sequoia_model.weights.loading import Weights

#: The calibration in the folder of a training run.
_PREDICTIONS = "predictions.h5ad"
#: Groups that the predictions themselves name.
COHORT = "cohort"
#: A column of obs: whether the intervals of a slide promise anything.
INTERVAL_COLUMN, PROMISED, NOT_PROMISED = "interval", "new patient", "no guarantee"


@dataclass(frozen=True, eq=False)
class Calibration:
    """A predictions file with measured values, whose matrices stay on the disk.

    Parameters
    ----------
    path : path
        The file.
    options : IntervalOptions
        How intervals are made.
    rows : SlideRows
        Patient, fold and group of its slides.
    columns : array of int, shape (genes,)
        Its column of every gene that is predicted; -1 if it lacks the gene.
    levels : mapping of str to str, optional
        The group of each patient by a table; without one, cohorts are groups.
    """

    path: Path
    options: IntervalOptions
    rows: SlideRows
    columns: NDArray[np.intp]
    levels: Mapping[str, str] | None = None

    def name_of(self, names: Sequence[str]) -> str:
        """The name among those of a patient by which the calibration knows the patient; the first if it does not."""
        known = set(self.rows.patients)
        return next((name for name in names if name in known), names[0])

    def plan(
        self,
        patients: Sequence[str],
        folds: Sequence[int | None],
        cohorts: ArrayLike | None,
        networks: Sequence[int],
    ) -> IntervalPlan:
        """Which calibration slides serve which predicted slides.

        Parameters
        ----------
        patients : sequence of str
            The patient of each predicted slide.
        folds : sequence of int or None
            As in `SlideRows`.
        cohorts : array-like of str, optional
            Their cohorts, which are their groups if no table names these.
        networks : sequence of int
            The fold of each network.
        """
        groups = cohorts if self.levels is None else [self.levels.get(patient, "") for patient in patients]
        new = SlideRows(patients, np.array(folds, dtype=object), groups)
        return plan_intervals(self.rows, new, self.options, networks)


def open_calibration(
    options: IntervalOptions,
    weights: Weights,
    genes: Sequence[str],
    *,
    calibration: str | Path | None = None,
    splits: Splits | None = None,
    patients: str | Path | Mapping[str, str] | None = None,
) -> Calibration:
    """Find the calibration of weights, and check that it is one.

    Parameters
    ----------
    options : IntervalOptions
        How intervals are made.
    weights : Weights
        The networks.
    genes : sequence of str
        What they predict.
    calibration : path, optional
        A predictions file with measured values, or the run folder that holds one; by default that of the run folder in
        which the weights are.
    splits : Splits, optional
        The patients whom the networks were trained on.
    patients : path or mapping, optional
        A table of patients with the column of groups, unless these are cohorts.

    Raises
    ------
    InputError
        If there is no calibration, or it is of other networks, or lacks measured values, patients or the groups.
    """
    path = _find(weights) if calibration is None else Path(calibration)
    if path.is_dir():
        path /= _PREDICTIONS
    found, obs, var = h5ad.names(path)
    if "layers/measured" not in found:
        raise InputError(
            "the calibration has no measured expression",
            where=str(path),
            fix="give a file with the layer 'measured'",
        )
    if "patient_id" not in obs:
        raise InputError(
            "the calibration does not name patients", where=f"{path}, obs", fix="add a column patient_id"
        )
    _refuse_unreadable(path, weights)
    names = obs["patient_id"].astype(str).tolist()
    folds = obs["fold"] if "fold" in obs else pd.Series(None, obs.index, dtype=object)
    known = set() if splits is None else set(splits.roles.index)
    seen = {
        name
        for name, fold in zip(names, folds, strict=True)
        if pd.isna(fold) and name in known | weights.seen
    }
    if seen:
        some = part(len(seen), len(set(names)), "calibration patient", "were")
        raise InputError(
            f"{some} used to train the networks, and no fold held them out: {listing(sorted(seen), 3)}",
            where=str(path),
            fix="calibrate with held-out predictions, or with patients who are new to the networks",
        )
    levels = _levels(options.within, patients)
    groups: ArrayLike | None = None if levels is None else [levels.get(name, "") for name in names]
    if levels is None and options.within == COHORT:
        groups = obs.get(COHORT)
    columns = pd.Index(var.index.astype(str)).get_indexer(pd.Index(genes))
    if (columns < 0).all():
        raise InputError(
            "the calibration has none of the predicted genes",
            where=f"{path}: {listing(var.index, 3)}; predicted: {listing(genes, 3)}",
        )
    return Calibration(path, options, SlideRows(names, folds, groups), columns, levels)


def write_intervals(
    file: PredictionsFile,
    plan: IntervalPlan,
    calibration: Calibration,
    genes: Sequence[str],
    *,
    measured: bool,
    by_network: NetworkPredictions | None = None,
) -> IntervalSummary:
    """Add the layers lower and upper to a file whose X is complete.

    Parameters
    ----------
    file : PredictionsFile
        The file.
    plan : IntervalPlan
        As `Calibration.plan` makes it for the rows of the file.
    calibration : Calibration
        Where the residuals are.
    genes : sequence of str
        The columns of the file.
    measured : bool
        Whether the file has a layer of measured values.
    by_network : NetworkPredictions, optional
        The predictions of each network, for CV+.

    Raises
    ------
    InputError
        If every interval is the whole line, or the calibration cannot be read.
    """
    for layer in ("lower", "upper"):
        file.add_columns(layer, len(plan.new))
    with h5py.File(calibration.path, "r", locking="best-effort") as source:

        def read(cut: slice) -> GeneBlock:
            columns = calibration.columns[cut]
            return GeneBlock(
                _block(source["layers/measured"], columns, np.nan),
                _block(source["X"], columns, 0.0),
                file.columns("X", cut),
                file.columns("measured", cut) if measured else None,
                None if by_network is None else by_network.block(cut),
            )

        def write(cut: slice, bounds: GeneBounds) -> None:
            file.set_columns("lower", cut, bounds.lower)
            file.set_columns("upper", cut, bounds.upper)

        return make_intervals(plan, genes, read, write)


class NetworkPredictions:
    """The predictions of each network for the slides so far, in a temporary file.

    Parameters
    ----------
    values : memmap, shape (networks, slides, genes)
        The file.
    """

    def __init__(self, values: np.memmap) -> None:
        self._values, self._n = values, 0

    @classmethod
    @contextmanager
    def beside(
        cls, output: str | Path, n_networks: int, n_slides: int, n_genes: int
    ) -> Iterator[NetworkPredictions]:
        """Predictions in the folder of the output, for a ``with`` block."""
        with tempfile.TemporaryFile(dir=Path(output).parent) as file:
            shape = (n_networks, n_slides, n_genes)
            yield cls(np.memmap(file, np.float32, "w+", shape=shape))

    def append(self, values: NDArray[np.float32]) -> None:
        """Add slides (networks, slides, genes)."""
        self._values[:, self._n : self._n + values.shape[1]] = values
        self._n += values.shape[1]

    def block(self, cut: slice) -> NDArray[np.float32]:
        """A block of genes (networks, slides so far, genes)."""
        return np.array(self._values[:, : self._n, cut])


def _find(weights: Weights) -> Path:
    """The calibration in the run folder of the weights."""
    folder = Path(weights.source)
    fix = "give the folder of a finished training run, or predictions with measured values with --calibration FILE"
    if len(weights.networks) == 1:
        raise InputError(
            "the weights are of a single network, and its intervals have no calibration",
            where=weights.source,
            fix=fix,
        )
    if not (folder / _PREDICTIONS).is_file():
        raise InputError(
            f"the weights have no calibration for intervals: there is no {_PREDICTIONS}",
            where=weights.source,
            fix=fix,
        )
    return folder / _PREDICTIONS


def _refuse_unreadable(path: Path, weights: Weights) -> None:
    """Refuse sparse matrices, which are not read by columns, and predictions of other networks."""
    with h5py.File(path, "r", locking="best-effort") as file:
        sparse = [name for name in ("X", "layers/measured") if not isinstance(file.get(name), h5py.Dataset)]
        stated = file.get("uns/weights/digests")
        digests = [] if stated is None else [text.decode() for text in np.atleast_1d(stated[()]).tolist()]
    if sparse:
        raise InputError(
            f"{listing(sparse)} of the calibration is missing or sparse",
            where=str(path),
            fix="write dense matrices",
        )
    if digests and weights.digests and not set(weights.digests) <= set(digests):
        raise InputError(
            "the calibration was predicted by other networks than these",
            where=f"{path}; {weights.source}",
            fix="predict the calibration slides with these weights",
        )


def _levels(within: str | None, patients: str | Path | Mapping[str, str] | None) -> Mapping[str, str] | None:
    """The group of each patient by the table of patients; None if there are no groups, or predictions name cohorts."""
    if within is None:
        return None
    if within == COHORT and not (isinstance(patients, str | Path) and COHORT in read_header(patients)):
        return None
    if not isinstance(patients, str | Path):
        raise InputError(
            f"there is no table with the column {within!r}",
            fix="give it with --patients: a row for each calibration patient and each patient who is predicted",
        )
    return read_patient_column(patients, within)


def _block(dataset: Any, columns: NDArray[np.intp], absent: float) -> NDArray[np.float32]:
    """Some columns of a matrix on the disk; `absent` where the number is -1."""
    there = columns[columns >= 0]
    if not len(there):
        return np.full((len(dataset), len(columns)), absent, dtype=np.float32)
    first, last = int(there.min()), int(there.max())
    block = np.asarray(dataset[:, first : last + 1], dtype=np.float32)
    if len(there) == len(columns) and (np.diff(columns) == 1).all():
        return block
    found = block[:, np.where(columns < 0, 0, columns - first)]
    found[:, columns < 0] = absent
    return found


def promises(plan: IntervalPlan) -> NDArray[np.object_]:
    """Whether the intervals of each slide promise anything, for `INTERVAL_COLUMN`."""
    return np.where(plan.is_new, PROMISED, NOT_PROMISED).astype(object)
