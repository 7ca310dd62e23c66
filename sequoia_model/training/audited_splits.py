"""The splits of a run: given, or drawn from its patients; audited, and refused if they leak."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sequoia_model.errors import InputError, listing
from sequoia_model.leakage import Audit, SlideMeans, audit, audit_splits
from sequoia_model.patients import read_patient_column
from sequoia_model.splits import Splits, draw, read_splits
from sequoia_model.training.baselines import pooled_features
from sequoia_model.weights.side_file import SIDE_FILE, SPLITS


class SlidesOfPatients(Protocol):
    """What splits are drawn from, and checked against: slides, their patients, and their features."""

    @property
    def slides(self) -> tuple[str, ...]:
        """Names of the slides."""

    @property
    def patients(self) -> NDArray[np.object_]:
        """Patient of each slide."""

    @property
    def cohorts(self) -> NDArray[np.object_]:
        """Cohort of each slide; "" if nothing names it."""

    @property
    def means(self) -> NDArray[np.float32]:
        """Cluster means (slides, clusters, d)."""

    @property
    def encoder(self) -> str:
        """The encoder of the features."""


def audited_splits(
    given: Splits | str | Path | None,
    data: SlidesOfPatients,
    table: str | Path | None,
    *,
    seed: int,
    no_val: bool,
    balance: Mapping[str, object] | None = None,
    balance_name: str = "balance",
    **drawn: Any,
) -> tuple[Splits, Audit]:
    """The splits, without leaks, and what else the audit says of them.

    Parameters
    ----------
    given : Splits or path, optional
        As `read_splits` reads them, or a run folder, whose splits are then used; by default they are drawn.
    data : SlidesOfPatients
        Slides and their patients.
    table : path, optional
        The table of slides and patients that the user gave.
    seed : int
        Random seed of the draw.
    no_val : bool
        Whether a draw sets no validation part aside.
    balance, balance_name
        What test and val parts should share alike if they are drawn, as in `draw`.
    **drawn
        Options of the draw: ``n_folds``, ``val``, and ``site``, a column of `table`.

    Raises
    ------
    InputError
        If the splits leak or cannot be read, or options of the draw are given beside them.
    """
    slides = dict(zip(data.slides, data.patients, strict=True))
    about = table if table is not None else slides
    if given is not None and not isinstance(given, Splits):
        given = Path(given, SPLITS) if Path(given, SIDE_FILE).is_file() else given  # of a run folder
        audit(given, patients=about).refuse_leaks()  # told with the names of those on both sides
    asked = {name: value for name, value in drawn.items() if value is not None}
    if given is None:
        balanced = {} if balance is None else {"balance": balance, "balance_name": balance_name}
        made = _drawn(data, table, seed, no_val, asked, balanced)
    else:
        _refuse_options_of_a_draw(asked)
        made = given if isinstance(given, Splits) else read_splits(given, slides)
    means = SlideMeans(data.slides, pooled_features(data.means).astype(np.float32), data.encoder)
    audited = audit_splits(made, means, about, seed=seed)
    audited.refuse_leaks()
    return made, audited


def _refuse_options_of_a_draw(asked: Mapping[str, Any]) -> None:
    wrong = [f"--{name.removeprefix('n_')}" for name in asked if name != "val" or asked["val"] != 0]
    if wrong:
        raise InputError(f"{listing(wrong)} cannot be used with given splits", fix="leave it out")


def _drawn(
    data: SlidesOfPatients,
    table: str | Path | None,
    seed: int,
    no_val: bool,
    asked: Mapping[str, Any],
    balanced: Mapping[str, Any],
) -> Splits:
    """Splits that are drawn from the patients of the data, within cohorts if all have one."""
    options = {**asked, **balanced}
    column = options.pop("site", None)
    if column is not None:
        if table is None:
            raise InputError(f"there is no table with the column {column!r}", fix="give it with --patients")
        options["sites"] = read_patient_column(table, column)
    if no_val:
        options["val"] = 0.0
    if data.cohorts.astype(bool).all():
        options["cohorts"] = dict(zip(data.patients, data.cohorts, strict=True))
    return draw(data.patients, seed=seed, **options)
