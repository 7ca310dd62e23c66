"""The number of well-predicted genes by number of samples: across levels, and in random subsets of patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from sequoia_base.arguments import check_limits, whole
from sequoia_base.results import Result
from sequoia_stats.association import correlation_p, pearson
from sequoia_stats.compare.distributions import ALL
from sequoia_stats.errors import InputError, counted, listing
from sequoia_stats.io import read_predictions
from sequoia_stats.selection import Selection, well_predicted
from sequoia_stats.types.predictions import FEWEST_SAMPLES, Predictions

if TYPE_CHECKING:
    from anndata import AnnData

PredictionsSource = str | Path | Predictions


@dataclass(frozen=True, eq=False)
class SampleSize(Result):
    """The number of well-predicted genes and of samples across the levels of a column.

    Parameters
    ----------
    by : str
        The column.
    table : DataFrame
        ``level, n`` (samples, in units of the rule), ``n_genes, n_well_predicted``.
    spearman, spearman_p, pearson, pearson_p : float
        Correlation of the two numbers, with two-sided p by Student's t (R's ``cor.test``, for Spearman with
        ``exact = FALSE``); missing with fewer than three levels.
    """

    by: str
    table: pd.DataFrame
    spearman: float
    spearman_p: float
    pearson: float
    pearson_p: float

    def to_frame(self) -> pd.DataFrame:
        """The table of levels."""
        return self.table

    def __str__(self) -> str:
        ranks = f"Spearman {self.spearman:.4g} (p {self.spearman_p:.2g})"
        numbers = f"Pearson {self.pearson:.4g} (p {self.pearson_p:.2g})"
        heading = f"Well-predicted genes by number of samples across {self.by}: {ranks}, {numbers}"
        return f"{heading}\n{self.table.to_string(index=False)}"


@dataclass(frozen=True, eq=False)
class Downsampling(Result):
    """Well-predicted genes in random subsets of the patients.

    Parameters
    ----------
    rule : str
        The rule that makes a gene well predicted.
    seed : int
        Random seed of the draws.
    table : DataFrame
        ``level, fraction, repeat, n_patients, n`` (slides), ``n_genes, n_well_predicted``; all patients are fraction
        1 and repeat 0.
    summary : DataFrame
        ``level, fraction, n_patients, repeats, lowest, median, highest`` (numbers of well-predicted genes).
    """

    rule: str
    seed: int
    table: pd.DataFrame = field(metadata={"show": False})
    summary: pd.DataFrame

    def to_frame(self) -> pd.DataFrame:
        """A row per draw."""
        return self.table

    def __str__(self) -> str:
        heading = f"Well-predicted genes by the rule {self.rule} in random subsets of the patients"
        return f"{heading}\n{self.summary.to_string(index=False)}"


def against_sample_size(
    data: PredictionsSource | AnnData | Selection, by: str, *, rule: str = "paper", **options: Any
) -> SampleSize:
    """Relate the number of well-predicted genes of each level to its number of samples.

    Parameters
    ----------
    data : path, Predictions, AnnData or Selection
        A selection must have been made by the levels of `by`, and keeps its own rule.
    by : str
        A column of slides, such as the cancer type.
    rule : str, default "paper"
        As in `sequoia_stats.well_predicted`.
    **options
        Passed to `sequoia_stats.well_predicted`.

    Returns
    -------
    SampleSize

    Raises
    ------
    InputError
        If a selection was made by other levels, or as in `well_predicted`.
    """
    selection = data if isinstance(data, Selection) else well_predicted(data, rule=rule, by=by, **options)
    if selection.by != by:
        raise InputError(
            f"the genes were judged {f'by levels of {selection.by}' if selection.by else 'without levels'}, not by {by}"
        )
    table = (
        selection.table.groupby(by, sort=False)
        .agg(n=("n", "max"), n_genes=("gene", "size"), n_well_predicted=("well_predicted", "sum"))
        .rename_axis("level").reset_index()
    )  # fmt: skip
    numbers = table[["n", "n_well_predicted"]].to_numpy(dtype=np.float64)
    if len(table) < 3:
        return SampleSize(by, table, *[np.nan] * 4)
    ranks = rankdata(numbers, axis=0)
    found = [pearson(pair[:, :1], pair[:, 1:]).r[0] for pair in (ranks, numbers)]
    p = [float(correlation_p(r, len(table))) for r in found]
    return SampleSize(by, table, float(found[0]), p[0], float(found[1]), p[1])


def downsample(
    predictions: PredictionsSource | AnnData,
    fractions: Sequence[float] = (0.2, 0.3, 0.4),
    *,
    repeats: int = 10,
    seed: int = 0,
    rule: str = "paper",
    by: str | None = None,
    **options: Any,
) -> Downsampling:
    """Judge the genes in random subsets of the patients, and in all patients.

    Only the evaluation uses fewer patients; the predictions are those of the network trained on all of them. The
    result is the power of the rule at that sample size, not the performance of a network trained on fewer patients.

    Parameters
    ----------
    predictions : path, Predictions or AnnData
        Anything that `io.read_predictions` reads.
    fractions : sequence of float, default (0.2, 0.3, 0.4)
        Fractions of the patients of each level, between 0 and 1, rounded to whole patients.
    repeats : int, default 10
        Number of draws. Within a draw, smaller subsets are contained in larger ones.
    seed : int, default 0
        Random seed of the draws, 0 or more.
    rule : str, default "paper"
        As in `sequoia_stats.well_predicted`.
    by : str, optional
        A column of slides; patients are drawn and genes are judged within each level.
    **options
        Passed to `sequoia_stats.well_predicted`.

    Returns
    -------
    Downsampling

    Raises
    ------
    InputError
        If a fraction is not between 0 and 1 or leaves fewer than 4 patients, or `repeats` is below 1.
    """
    parts = sorted({float(fraction) for fraction in fractions})
    if not parts or parts[0] <= 0 or parts[-1] >= 1:
        raise InputError(f"fractions must be between 0 and 1, but are {listing(fractions)}")
    check_limits({"repeats": repeats}, {"repeats": whole(1)})
    data = read_predictions(predictions)
    groups = list(data.groups(by))
    seeds = np.random.SeedSequence(seed).spawn(len(groups))
    rows = [
        row
        for (level, group), one in zip(groups, seeds, strict=True)
        for row in _draws(ALL if by is None else level, group, parts, one.spawn(repeats), rule, options)
    ]
    columns = ["level", "fraction", "repeat", "n_patients", "n", "n_genes", "n_well_predicted"]
    table = pd.DataFrame(rows, columns=columns)
    summary = table.groupby(["level", "fraction"], sort=False).agg(
        n_patients=("n_patients", "first"), repeats=("repeat", "size"), lowest=("n_well_predicted", "min"),
        median=("n_well_predicted", "median"), highest=("n_well_predicted", "max"),
    )  # fmt: skip
    return Downsampling(rule, seed, table, summary.reset_index())


def _draws(
    level: str,
    group: Predictions,
    fractions: list[float],
    seeds: list[np.random.SeedSequence],
    rule: str,
    options: dict[str, Any],
) -> list[tuple[Any, ...]]:
    """A row for each subset of the patients of a level, and one for all of them."""
    patients = np.asarray(group.patients.unique())
    sizes = [round(fraction * len(patients)) for fraction in fractions]
    if sizes[0] < FEWEST_SAMPLES:
        raise InputError(
            f"{fractions[0]:.0%} of {counted(len(patients), 'patient')} is {sizes[0]}, which is too few to judge genes",
            where=group.name,
            fix="leave out small fractions or this level",
        )
    rows = []
    for repeat, seed in enumerate(seeds, start=1):
        order = np.random.default_rng(seed).permutation(patients)
        for fraction, size in zip(fractions, sizes, strict=True):
            part = group.rows(
                group.patients.isin(order[:size]), name=f"{group.name}, {fraction:.0%} of patients"
            )
            rows.append((level, fraction, repeat, size, part.n, *_judged(part, rule, options)))
    return [*rows, (level, 1.0, 0, len(patients), group.n, *_judged(group, rule, options))]


def _judged(part: Predictions, rule: str, options: dict[str, Any]) -> tuple[int, int]:
    """Number of genes, and of well-predicted genes."""
    selection = well_predicted(part, rule=rule, **options)
    return len(selection.table), int(selection.well_predicted.sum())
