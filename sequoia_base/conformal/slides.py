"""Which calibration slides serve which new slides."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from sequoia_base.conformal.quantiles import conformal_rank

#: The fold of a slide that all networks predict: its patient is new to them, or some have seen it.
NEW, SEEN_IN_TRAINING = -1, -2
#: Folds over which calibration patients without one are spread.
SPARE_FOLDS = 5


class SlideRows:
    """The patient, fold and group of slides.

    Parameters
    ----------
    patients : array-like of str, shape (slides,)
        The patient of each slide.
    folds : array-like of int, shape (slides,), optional
        The fold that held the patient out; missing if the patient is new to the networks, and `SEEN_IN_TRAINING` if
        some of those that predict the slide have seen the patient.
    groups : array-like of str, shape (slides,), optional
        The group of each slide; missing or empty if it is not known.
    """

    def __init__(
        self, patients: ArrayLike, folds: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> None:
        self.patients = np.asarray(patients, dtype=object)
        n = len(self.patients)
        known = np.full(n, NEW) if folds is None else pd.array(np.asarray(folds, dtype=object), dtype="Int64")
        self.folds: NDArray[np.int64] = pd.Series(known).fillna(NEW).to_numpy(dtype=np.int64)
        texts = pd.Series(
            np.full(n, None) if groups is None else np.asarray(groups, dtype=object), dtype=object
        )
        self.groups: NDArray[np.object_] = texts.where(texts.notna(), "").astype(str).to_numpy(dtype=object)

    def __len__(self) -> int:
        return len(self.patients)

    @cached_property
    def codes(self) -> NDArray[np.intp]:
        """The number of the patient of each slide."""
        return pd.factorize(self.patients)[0]

    @property
    def n_patients(self) -> int:
        """Number of patients."""
        return int(self.codes.max(initial=-1)) + 1

    def take(self, rows: NDArray[np.bool_]) -> SlideRows:
        """Some of the slides."""
        return SlideRows(self.patients[rows], self.folds[rows], self.groups[rows])

    def with_folds(self) -> SlideRows:
        """The same slides; patients without a fold are spread over five, so that each can be left out."""
        spare = self.codes % SPARE_FOLDS + self.folds.max(initial=NEW) + 1
        return SlideRows(self.patients, np.where(self.folds == NEW, spare, self.folds), self.groups)


@dataclass(frozen=True, eq=False)
class Cell:
    """New slides that have the same calibration slides.

    Parameters
    ----------
    new : array of int
        Positions of the new slides.
    calibration : array of int
        Positions of their calibration slides.
    fold : int
        The fold that is left out; `NEW` if none is.
    patients : array of int
        The number of the patient of each calibration slide, from 0.
    """

    new: NDArray[np.intp]
    calibration: NDArray[np.intp]
    fold: int
    patients: NDArray[np.intp]

    @property
    def n_patients(self) -> int:
        """Number of calibration patients."""
        return int(self.patients.max(initial=-1)) + 1


def fold_left_out(calibration: SlideRows, new: SlideRows) -> NDArray[np.int64]:
    """The fold whose residuals a new slide must not get: that of its patient; `NEW` for a new patient."""
    own = dict(zip(calibration.patients, calibration.folds.tolist(), strict=True))
    pairs = zip(new.patients, new.folds.tolist(), strict=True)
    return np.array([own.get(patient, fold) for patient, fold in pairs], dtype=np.int64)


def make_cells(
    calibration: SlideRows, new: SlideRows, level: float, *, within: bool = False
) -> tuple[list[Cell], dict[str, int]]:
    """Pair new slides with their calibration slides.

    Parameters
    ----------
    calibration, new : SlideRows
        The slides; each of calibration has a fold.
    level : float
        The promised coverage.
    within : bool, default False
        Whether only calibration slides of the same group serve a slide. A group with too few patients for a finite
        interval is served by all.

    Returns
    -------
    cells : list of Cell
        Each new slide is in one of them.
    small : dict of str to int
        Groups that are served by all, with their number of calibration patients.
    """
    left_out = fold_left_out(calibration, new)
    small: dict[str, int] = {}
    members: dict[tuple[int, str], list[int]] = {}
    for i, (fold, group) in enumerate(zip(left_out.tolist(), new.groups, strict=True)):
        name = group if within else ""
        if name:
            rows = (calibration.folds != fold) & (calibration.groups == name)
            n = len(set(calibration.codes[rows].tolist()))
            if conformal_rank(n, level) > n:
                small[name] = min(n, small.get(name, n))
                name = ""
        members.setdefault((fold, name), []).append(i)
    cells = []
    for (fold, name), slides in members.items():
        rows = calibration.folds != fold
        chosen = np.flatnonzero(rows & (calibration.groups == name) if name else rows)
        patients = pd.factorize(calibration.codes[chosen])[0]
        cells.append(Cell(np.array(slides), chosen, fold, patients))
    return cells, small


def slide_weights(
    patients: NDArray[np.intp], present: NDArray[np.bool_] | None = None
) -> NDArray[np.float64]:
    """The weight of each slide: one over the number of slides of its patient, of those that are `present`.

    Parameters
    ----------
    patients : array of int, shape (slides,)
        The number of the patient of each slide, from 0.
    present : array of bool, shape (slides, genes), optional
        Where a slide counts.

    Returns
    -------
    array, shape (slides,) or (slides, genes)
    """
    slides = np.bincount(patients)[patients]
    if present is None or (slides == 1).all():
        return 1 / slides if present is None else np.ones(present.shape)
    counts = np.zeros((int(patients.max(initial=-1)) + 1, present.shape[1]))
    np.add.at(counts, patients, present)
    return 1 / np.maximum(counts, 1)[patients]
