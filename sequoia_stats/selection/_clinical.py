"""Correlations within strata of a clinical variable, and beyond several: what is left of r if subtypes are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr

from sequoia_base.code_titles import says_codes
from sequoia_base.flow import Flow
from sequoia_base.missing import is_missing
from sequoia_stats.association import (
    Moments,
    benjamini_hochberg,
    correlation_p,
    fisher_mean,
    moments,
)
from sequoia_stats.association.partial import COLUMNS, of_blocks
from sequoia_stats.errors import InputError, counted, listing
from sequoia_stats.io import known_values
from sequoia_stats.selection._levels import BLOCK, Level
from sequoia_stats.types.arrays import Floats
from sequoia_stats.types.covariate_statements import refuse_unread
from sequoia_stats.types.covariates import MOST_CODES, read_covariate, read_covariates
from sequoia_stats.types.predictions import FEWEST_SAMPLES

#: Columns of `Selection.adjusted`.
ADJUSTED = [
    "level",
    "adjusted",
    "n",
    "r_median",
    "r_median_adjusted",
    "n_well_predicted",
    "n_unadjusted",
    "n_still_predicted",
]
_LIMIT = 0.05
_INSIDE = np.nextafter(1.0, 0.0)
_UNREAD = "write numbers, or leave the cell empty where the value is missing"
_FEW_LEVELS = 3  # of a category among few patients; too few of them are refused otherwise
_LEVELS = "words make a level of each value"


class Adjusted(NamedTuple):
    """Correlations that hold clinical variables constant.

    Parameters
    ----------
    name : str
        What is held constant: "within pam50", "beyond er, age".
    r, p, n : array of shape (genes,)
        Correlation, its two-sided p-value, and number of units behind it.
    pooled, pooled_n : array of shape (genes,)
        r of the same units, with nothing held constant, and their number.
    stem : str
        End of the names of the columns: "within_pam50".
    strata : dict
        For strata: name of the stratum to its r and n, gene by gene.
    note : str
        How the variables were taken.
    """

    name: str
    r: Floats
    p: Floats
    n: NDArray[np.int64]
    pooled: Floats
    pooled_n: NDArray[np.int64]
    stem: str
    strata: dict[str, tuple[Floats, NDArray[np.int64]]]
    note: str

    def columns(self) -> dict[str, NDArray[Any]]:
        """Columns of the table of genes."""
        found: dict[str, NDArray[Any]] = {
            f"r_{self.stem}": self.r,
            f"n_{self.stem}": self.n,
            f"p_{self.stem}": self.p,
            f"p_{self.stem}_bh": benjamini_hochberg(self.p),
        }
        for stratum, (r, n) in self.strata.items():
            found |= {f"r_{stratum}": r, f"n_{stratum}": n}
        return found

    def summary(self, well: NDArray[np.bool_]) -> list[tuple[object, ...]]:
        """Rows of `ADJUSTED` without the level: all variables at once, then each stratum."""
        still, before = (
            int((well & (r > 0) & (benjamini_hochberg(p) < _LIMIT)).sum())
            for r, p in ((self.r, self.p), (self.pooled, correlation_p(self.pooled, self.pooled_n)))
        )
        parts = [(self.name, self.r, self.n), *((name, r, n) for name, (r, n) in self.strata.items())]
        medians = [
            float(np.median(r[~np.isnan(r)])) if not np.isnan(r).all() else np.nan for _, r, _ in parts
        ]
        kept = [(before, still), *[(None, None)] * len(self.strata)]
        return [
            (name, int(n.max()), float(np.median(self.pooled)), median, int(well.sum()), *numbers)
            for (name, _, n), median, numbers in zip(parts, medians, kept, strict=True)
        ]


def within(level: Level, column: str, flow: Flow, jobs: int | None) -> Adjusted:
    """Correlations within each stratum of a column, and their mean on Fisher's scale, weighted by n - 3.

    The mean over the strata is tested by z = Σ(n - 3) atanh r / √Σ(n - 3), which is normal without correlation.
    A stratum of fewer than `FEWEST_SAMPLES` units is left out, and counted in `flow` like a missing value.
    """
    given = _columns(level, [column], "--within")[column]
    if not _holds_codes(given):
        _refuse_number(given, level)
    values, _ = read_covariate(given, categorical=True, origin="anndata")
    sizes = values.value_counts(sort=False)
    small = sizes[sizes < FEWEST_SAMPLES]
    kept = sizes.index[sizes >= FEWEST_SAMPLES]
    if not len(kept):
        raise InputError(
            f"no stratum of {column} has {FEWEST_SAMPLES} {_units(level)} or more",
            where=f"{level.name}: {counted(len(sizes), 'stratum', 'strata')} of {int(sizes.sum())} {_units(level)}"
            f"{_causes(level, [column])}",
            fix="--within needs a column with few levels, each of several patients",
        )
    known = int(values.notna().sum())
    _count(flow, level, f"within {column}", level.n, known, f"no value{_causes(level, [column])}")
    reason = f"fewer than {FEWEST_SAMPLES} in {listing(f'{name} ({n})' for name, n in small.items())}"
    _count(flow, level, f"within {column}", known, known - int(small.sum()), reason)
    groups = [np.flatnonzero(values == name) for name in kept]
    *found, together = _moments(level, [*groups, np.sort(np.concatenate(groups))], jobs)
    r, n = np.array([part.r12 for part in found]), np.array([part.n for part in found])
    measured = n >= FEWEST_SAMPLES  # a gene may be measured in fewer units
    weights = np.where(measured, n - 3, 0)
    mean = fisher_mean(r, weights)
    z = np.arctanh(np.clip(mean, -_INSIDE, _INSIDE)) * np.sqrt(weights.sum(axis=0))
    strata = {f"{column}={name}": (np.where(measured[i], r[i], np.nan), n[i]) for i, name in enumerate(kept)}
    listed = listing((f"{name} ({len(rows)})" for name, rows in zip(kept, groups, strict=True)), 12)
    note = f"{level.name}: r within {column} is the mean over {listed}"
    p, n_all = 2 * ndtr(-np.abs(z)), np.where(measured, n, 0).sum(axis=0)
    return Adjusted(
        f"within {column}", mean, p, n_all, together.r12, together.n, f"within_{column}", strata, note
    )


def beyond(level: Level, names: Sequence[str], flow: Flow, jobs: int | None) -> Adjusted:
    """Partial correlations given clinical variables: numbers as they are, categories and codes as indicators.

    Units without one of the values are left out, and counted in `flow`.
    """
    title = f"beyond {', '.join(names)}"
    given = _columns(level, names, "--beyond")
    codes = [name for name in names if _holds_codes(given[name])]
    typed, readings = read_covariates(given, categorical=codes, origin="anndata")
    refuse_unread(typed, readings, f"{level.name}, obs", _UNREAD, _LEVELS)
    for name in names:
        if typed[name].isna().all():
            raise InputError(
                f"{name} is missing for all {level.n} {_units(level)}",
                where=f"{level.name}{_causes(level, [name])}",
            )
        _refuse_names(typed[name], level)
    complete = typed.notna().all(axis=1).to_numpy()
    absent = [f"{name} ({n})" for name, n in typed.isna().sum().items() if n]
    reason = f"no value of {listing(absent)}{_causes(level, names)}"
    _count(flow, level, title, level.n, int(complete.sum()), reason)
    parts = [_coded(str(name), values, level) for name, values in typed[complete].items()]
    design = np.column_stack([matrix for matrix, _ in parts])
    terms = int(np.linalg.matrix_rank(design - design.mean(axis=0))) if len(design) else 0
    if len(design) < terms + 3:
        raise InputError(
            f"{len(design)} {_units(level)} with a value of {listing(names)} are too few for "
            f"{counted(terms, 'term')}: {terms + 3} are needed",
            where=level.name,
            fix="leave a variable out, or join its levels",
        )
    data, rows = level.data, np.flatnonzero(complete)
    blocks = (
        [level.block(matrix, start, start + COLUMNS)[rows] for matrix in (data.measured, data.predicted)]
        for start in range(0, len(data.genes), COLUMNS)
    )
    partial = of_blocks(((measured, predicted) for measured, predicted in blocks), design)
    (together,) = _moments(level, [rows], jobs)
    note = f"{level.name}: partial r given {'; '.join(words for _, words in parts)}"
    return Adjusted(
        title,
        partial.r,
        partial.p,
        partial.n,
        together.r12,
        together.n,
        f"beyond_{'_'.join(names)}",
        {},
        note,
    )


def _columns(level: Level, names: Sequence[str], option: str) -> pd.DataFrame:
    """Columns of the units of a level."""
    absent = [name for name in names if name not in level.obs]
    if absent:
        raise InputError(
            f"the slides have no column {listing(map(repr, absent))}",
            where=f"{level.name}, obs; its columns are {listing(level.obs.columns)}",
            fix=f"name its columns with {option}, or give a table that has them with --patients",
        )
    return pd.DataFrame({name: known_values(level.obs[name]) for name in names})


def _holds_codes(column: pd.Series) -> bool:
    """Whether a column holds whole numbers that are codes by its title, as of sites: levels, no measurement."""
    numbers = pd.to_numeric(column.dropna().astype(object), errors="coerce").to_numpy(np.float64)
    return says_codes(str(column.name)) and bool((numbers == np.round(numbers)).all())


def _causes(level: Level, names: Sequence[str]) -> str:
    """Why values are missing that a table has: slides of a patient disagree, or a word says neither yes nor no."""
    found = ""
    for name in names:
        if level.codes is not None:
            slides = level.data.obs[name].to_numpy(dtype=object)
            kinds = pd.Series(slides if level.rows is None else slides[level.rows]).groupby(level.codes)
            n = int((kinds.nunique(dropna=False) > 1).sum())
            found += f"; slides of {counted(n, 'patient')} disagree in {name}" if n else ""
        given = level.obs[name]
        lost = given[given.notna() & known_values(given).isna()].astype(str).unique()
        words = [repr(word) for word in lost if not is_missing(word)]
        found += f"; taken as missing in {name}: {listing(words)}" if words else ""
    return found


def _refuse_number(column: pd.Series, level: Level) -> None:
    """Refuse a measurement as strata: each value would be one."""
    typed, _ = read_covariate(column, origin="anndata")
    n = typed.nunique()
    if not isinstance(typed.dtype, pd.CategoricalDtype) and n > MOST_CODES:
        raise InputError(
            f"{column.name} is a number with {n} values, which are no strata",
            where=level.name,
            fix=f"use --beyond {column.name}, or make a column of ranges; write codes of levels as words",
        )


def _refuse_names(values: pd.Series, level: Level) -> None:
    """Refuse a category that tells patients apart, not groups of them."""
    n, known = values.nunique(), int(values.notna().sum())
    if isinstance(values.dtype, pd.CategoricalDtype) and n > _FEW_LEVELS and 2 * n >= known:
        raise InputError(
            f"{values.name} has {n} levels among {known} {_units(level)}: held constant, it leaves nothing",
            where=level.name,
            fix=f"leave {values.name} out of --beyond, or join its levels",
        )


def _units(level: Level) -> str:
    return "slides" if level.codes is None and level.data.patients.has_duplicates else "patients"


def _count(flow: Flow, level: Level, what: str, before: int, after: int, reason: str) -> None:
    """A line of the ledger, if something is lost."""
    if after < before:
        flow.add(f"{_units(level)}: {what}, {level.name}", before, after, reason)


def _coded(name: str, values: pd.Series, level: Level) -> tuple[Floats, str]:
    """A variable as columns of numbers, and how it was taken."""
    if not isinstance(values.dtype, pd.CategoricalDtype):
        numbers = values.to_numpy(np.float64)[:, None]
        if not np.isfinite(numbers).all():
            raise InputError(f"{name} is infinite", where=f"{level.name}, obs")
        same = len(numbers) > 0 and bool((numbers == numbers[0]).all())
        return (
            numbers,
            f"{name} ({f'always {numbers[0, 0]:g}, which explains nothing' if same else 'number'})",
        )
    names = [label for label in values.cat.categories if (values == label).any()]
    columns = [(values == label).to_numpy(np.float64) for label in names[1:]]
    matrix = np.column_stack(columns) if columns else np.zeros((len(values), 0))
    words = (
        f"levels {listing(names)}" if len(names) > 1 else f"always {listing(names)}, which explains nothing"
    )
    return matrix, f"{name} ({words})"


def _moments(level: Level, groups: list[NDArray[np.intp]], jobs: int | None) -> list[Moments]:
    """Moments of predicted and measured values in groups of units."""
    from sequoia_base.kernels import map_blocks

    data = level.data
    if level.codes is None:
        rows = [group if level.rows is None else level.rows[group] for group in groups]
        return [moments(data.measured, data.predicted, rows=chosen, jobs=jobs) for chosen in rows]

    def averaged(start: int, stop: int) -> list[Moments]:
        measured, predicted = (level.block(matrix, start, stop) for matrix in (data.measured, data.predicted))
        return [moments(measured, predicted, rows=group, jobs=1) for group in groups]

    blocks = map_blocks(averaged, len(data.genes), BLOCK, jobs)
    return [
        Moments(
            *(np.concatenate([getattr(part, column.name) for part in parts]) for column in fields(Moments))
        )
        for parts in zip(*blocks, strict=True)
    ]
