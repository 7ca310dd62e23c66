"""One model judged in subgroups of patients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.results import Result
from sequoia_stats.compare.distributions import ALL, notes_of
from sequoia_stats.compare.list_overlaps import overlap
from sequoia_stats.errors import InputError, listing
from sequoia_stats.io import known_values, read_predictions
from sequoia_stats.selection import RULES, Selection, well_predicted
from sequoia_stats.types.predictions import FEWEST_SAMPLES, Predictions

if TYPE_CHECKING:
    from anndata import AnnData


@dataclass(frozen=True, eq=False)
class Subgroups(Result):
    """One model judged in each subgroup of patients.

    Parameters
    ----------
    column, rule : str
        The column that divides the patients, and the rule that makes a gene well predicted.
    table : DataFrame
        ``level, n`` (slides), ``n_patients, n_genes, n_well_predicted, r_median``: first all patients whose subgroup
        is known, then each subgroup.
    shared : DataFrame
        Well-predicted genes that they share, as from `overlap`; empty if fewer than two subgroups have any.
    selections : dict of str to Selection
        Genes of each level with all statistics.
    notes : tuple of str
        Sentences to report with the result.
    """

    column: str
    rule: str
    table: pd.DataFrame
    shared: pd.DataFrame = field(metadata={"show": False})
    selections: Mapping[str, Selection] = field(metadata={"show": False})
    notes: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """The table of levels."""
        return self.table

    def __str__(self) -> str:
        heading = f"Genes judged by the rule {self.rule} within each level of {self.column}"
        return f"{heading}\n{self.table.to_string(index=False)}"


def by_subgroup(
    predictions: str | Path | Predictions | AnnData,
    column: str,
    *,
    rule: str = "paper",
    names: Mapping[Any, str] | None = None,
    **options: Any,
) -> Subgroups:
    """Judge the genes within each subgroup of patients, such as ER+ and ER-, and in all patients.

    A gene that differs between subgroups is correlated in all patients even if it is not predicted within any of them.

    Parameters
    ----------
    predictions : path, Predictions or AnnData
        Anything that `io.read_predictions` reads.
    column : str
        A column of slides. Slides without a value, or with "Unknown" or an undecided receptor, are left out of all
        levels, and subgroups of fewer than 4 units are
        not judged; the notes count both.
    rule : str, default "paper"
        As in `sequoia_stats.well_predicted`.
    names : dict, optional
        Names of the values, such as {1: "ER+", 0: "ER-"}.
    **options
        Passed to `sequoia_stats.well_predicted`.

    Returns
    -------
    Subgroups

    Raises
    ------
    InputError
        If the column does not exist, a value has no name, fewer than two subgroups are large enough, or as in
        `well_predicted`.
    """
    data = read_predictions(predictions)
    if column not in data.obs:
        raise InputError(
            f"the slides have no column {column!r}",
            where=f"{data.name}, obs; its columns are {listing(data.obs.columns)}",
            fix="name one of its columns, or give a table that has it with --patients",
        )
    known = known_values(data.obs[column]).notna().to_numpy()
    if not known.any():
        raise InputError(f"{column} is missing for all slides, so there are no subgroups", where=data.name)
    kept = data.rows(known)
    levels = _named(kept, column, names)
    words = sorted(set(levels.tolist()))
    if ALL in words:
        raise InputError(
            f"a subgroup is called {ALL!r}, which is the name of all patients", fix="rename it with names="
        )
    notes = [f"{data.n - kept.n} of {data.n} slides left out because {column} is missing"] * (kept.n < data.n)
    sizes = {name: _size(kept, levels == name, rule, options) for name in words}
    small = {name: n for name, n in sizes.items() if n < FEWEST_SAMPLES}
    if len(words) - len(small) < 2:
        found = listing(f"{name} ({n})" for name, n in sizes.items())
        raise InputError(
            f"{column} does not have two subgroups with {FEWEST_SAMPLES} samples or more: {found}",
            where=data.name,
        )
    if small:
        which = listing(f"{name} ({n})" for name, n in small.items())
        notes.append(
            f"subgroups of {column} with fewer than {FEWEST_SAMPLES} samples are not judged: {which}"
        )
    masks = {ALL: np.ones(kept.n, dtype=bool)}
    masks |= {name: levels == name for name in words if name not in small}
    parts = {name: kept.rows(mask, name=f"{data.name}, {name}") for name, mask in masks.items()}
    selections = {name: well_predicted(part, rule=rule, **options) for name, part in parts.items()}
    table = [
        (name, part.n, part.patients.nunique(), *_numbers(selections[name].table))
        for name, part in parts.items()
    ]
    columns = ["level", "n", "n_patients", "n_genes", "n_well_predicted", "r_median"]
    return Subgroups(
        column=column,
        rule=rule,
        table=pd.DataFrame(table, columns=columns),
        shared=_shared({name: selections[name] for name in selections if name != ALL}),
        selections=selections,
        notes=_of_model(
            data.name, [*notes, *notes_of(selections)], f"{listing(selections, len(selections))}: "
        ),
    )


def _of_model(name: str, notes: list[str], everywhere: str) -> tuple[str, ...]:
    """Notes that begin with the name of the model, and do not list levels if they are about all."""
    found = [note.removeprefix(everywhere) for note in notes]
    return tuple(note if note.startswith(name) else f"{name}: {note}" for note in found)


def _size(data: Predictions, mask: NDArray[np.bool_], rule: str, options: Mapping[str, Any]) -> int:
    """Number of units of a subgroup: slides, or patients if these are the units."""
    units = options.get("units") or (RULES[rule].units if rule in RULES else "slides")
    return int(mask.sum()) if units == "slides" else int(data.patients[mask].nunique())


def _named(data: Predictions, column: str, names: Mapping[Any, str] | None) -> NDArray[np.str_]:
    """The name of the subgroup of every slide."""
    values = data.obs[column]
    if names is None:
        return data.levels(column).to_numpy(dtype=str)
    absent = [value for value in values.unique() if value not in names]
    if absent:
        raise InputError(f"values of {column} have no name: {listing(absent)}")
    return values.map(names).to_numpy(dtype=str)


def _shared(selections: Mapping[str, Selection]) -> pd.DataFrame:
    """The overlap of the subgroups that have well-predicted genes."""
    lists = {name: list(one.gene[one.well_predicted]) for name, one in selections.items()}
    found = {name: genes for name, genes in lists.items() if genes}
    if len(found) < 2:
        return pd.DataFrame()
    return overlap(found, {name: selections[name].gene for name in found})


def _numbers(table: pd.DataFrame) -> tuple[int, int, float]:
    """Number of genes, number of well-predicted genes, and median r."""
    return len(table), int(table["well_predicted"].sum()), float(table["r"].median())
