"""Which slides train, validate and are tested in each fold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sequoia_base.flow import Flow
from sequoia_model.errors import InputError, counted, listing
from sequoia_model.splits import Splits
from sequoia_model.training.options import TrainOptions

Rows = NDArray[np.int64]

#: Validation slides from which on genes are ranked on them: by fewer, r is mostly chance.
FEWEST_TO_RANK = 10
#: Fewest slides from which a network learns, and over which the correlation of a validation part is computed.
_FEWEST = {"train": 2, "val": 2, "test": 1}


@dataclass(frozen=True, eq=False)
class FoldRows:
    """The parts of a fold by their rows in the data: slides that are to predict genes, patients that have a risk.

    Parameters
    ----------
    fold : int
        Number of the fold.
    train, val, test : array of int64
        Rows in ascending order; `val` is empty if training lasts for a fixed number of epochs.
    """

    fold: int
    train: Rows
    val: Rows
    test: Rows

    @property
    def ranked_on(self) -> str:
        """The part on which genes are ranked: "validation" if it has 10 slides or more, or else "training"."""
        return "validation" if len(self.val) >= FEWEST_TO_RANK else "training"

    @property
    def ranking(self) -> Rows:
        """The slides of that part."""
        return self.val if self.ranked_on == "validation" else self.train


def rows_of_folds(
    splits: Splits,
    patients: Sequence[str] | NDArray[np.object_],
    options: TrainOptions,
    flow: Flow,
    *,
    given: bool = False,
) -> tuple[FoldRows, ...]:
    """The slides of every fold, by their patients, as `train` asks for them.

    Parameters
    ----------
    splits : Splits
        Roles of the patients.
    patients : sequence of str
        The patient of each slide.
    options : TrainOptions
        Whether validation patients train as well, and which share of the training patients is used.
    flow, given
        As in `divided`.

    Raises
    ------
    InputError
        As in `divided`; also if the share of the training patients has too few slides.
    """
    owner = np.asarray(patients, dtype=object)
    absent = "no slide with measured expression"
    rows = divided(splits, owner, flow, absent=absent, no_val=options.no_val, given=given)
    if options.sample_percent is None:
        return rows
    some = tuple(replace(fold, train=_sampled(fold.train, owner, options, fold.fold)) for fold in rows)
    for fold in some:
        _refuse_few(len(fold.train), "slide", "train", fold.fold, splits.name, given)
    return some


def divided(
    splits: Splits,
    patients: Sequence[str] | NDArray[np.object_],
    flow: Flow,
    *,
    absent: str,
    item: str = "slide",
    no_val: bool = False,
    given: bool = False,
) -> tuple[FoldRows, ...]:
    """The rows that train, validate and are tested in every fold, by their patients.

    Parameters
    ----------
    splits : Splits
        Roles of the patients.
    patients : sequence of str
        The patient of each row.
    flow : Flow
        Gets a line for the patients that are not in the splits, or have no row.
    absent : str
        Why a patient of the splits has no row, in words.
    item : {"slide", "patient"}
        What a row is.
    no_val : bool, default False
        Whether validation patients train as well.
    given : bool, default False
        Whether the splits were given, not drawn: an error then names other ways out.

    Raises
    ------
    InputError
        If a part of a fold has too few rows.
    """
    patient = np.asarray(patients, dtype=object)
    here = list(dict.fromkeys(patient.tolist()))
    known = [name for name in here if name in splits.roles.index]
    if len(known) < len(here):
        lost = [name for name in here if name not in splits.roles.index]
        flow.add("patients: splits", len(here), len(known), f"not in {splits.name}: {listing(lost, 3)}")
    if len(known) < len(splits.roles):
        others = [name for name in splits.roles.index if name not in set(known)]
        reason = f"{absent}: {listing(others, 3)}"
        flow.add(f"patients of {splits.name}", len(splits.roles), len(known), reason)
    if not known:
        raise InputError(
            "none of the patients is in the splits",
            where=f"{splits.name}; there: {listing(splits.roles.index, 3)}; patients: {listing(here, 3)}",
        )
    tested = (splits.roles.loc[known] == "test").sum(axis=1)
    if len(several := tested.index[tested > 1]):
        verb = "patient is" if len(several) == 1 else "patients are"
        raise InputError(
            f"{len(several)} {verb} tested in several folds: {listing(several, 3)}",
            where=splits.name,
            fix="use splits that test each patient once",
        )
    folds = []
    for fold in range(splits.n_folds):
        roles = splits.roles[f"fold_{fold}"]
        role = np.array([roles.get(name, "") for name in patient], dtype=object)
        if no_val:
            role[role == "val"] = "train"
        rows = {name: np.flatnonzero(role == name) for name in _FEWEST}
        for name in _FEWEST:
            if name != "val" or not no_val:
                _refuse_few(len(rows[name]), item, name, fold, splits.name, given)
        folds.append(FoldRows(fold, rows["train"], rows["val"], rows["test"]))
    return tuple(folds)


def more_validation(given: bool) -> str:
    """What to do about a validation part that cannot be used, by whether the splits were given or drawn."""
    others = (
        "splits with more validation patients"
        if given
        else "more validation patients: --val 0.2, or --splits"
    )
    return f"use {others}; or --val 0 for exactly --epochs epochs, where validation patients train"


def _refuse_few(n: int, item: str, part: str, fold: int, where: str, given: bool) -> None:
    fewest = _FEWEST[part]
    if n < fewest:
        raise InputError(
            f"the {part} part of fold {fold} has {counted(n, item)}; it needs {fewest} or more",
            where=where,
            fix=more_validation(given) if part == "val" else "use other splits, or fewer folds",
        )


def _sampled(rows: Rows, patient: NDArray[np.object_], options: TrainOptions, fold: int) -> Rows:
    """The slides of some of the training patients, drawn at random."""
    assert options.sample_percent is not None
    names = sorted(set(patient[rows]))
    n = max(1, round(len(names) * options.sample_percent / 100))
    generator = np.random.default_rng([options.seed, fold, 1])
    drawn = {names[i] for i in generator.choice(len(names), n, replace=False)}
    return rows[[name in drawn for name in patient[rows]]]
