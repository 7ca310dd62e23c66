"""Correlations of the genes of several models in one table, and their distribution."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from sequoia_base.arguments import check_limits, optional, whole
from sequoia_base.results import Result
from sequoia_stats.errors import counted, listing
from sequoia_stats.selection import Selection

#: The name of the level if there is only one.
ALL = "all"
#: Quantiles of r in tables of models (R's type 7).
QUANTILES = {"r_q05": 0.05, "r_q25": 0.25, "r_median": 0.5, "r_q75": 0.75, "r_q95": 0.95}


@dataclass(frozen=True, eq=False)
class Distribution(Result):
    """Correlations of genes by model and level, to be drawn.

    Parameters
    ----------
    summary : DataFrame
        A row per model and level: ``model, level, n_genes`` (tested), ``n_well_predicted`` (among these), and ``n,
        r_mean, r_q05, r_q25, r_median, r_q75, r_q95`` of the genes in `values`.
    top : int or None
        Number of best genes of each model and level in `values`; None if it has all genes.
    values : DataFrame
        ``model, level, gene, r``, with the best genes first.
    """

    summary: pd.DataFrame
    top: int | None
    values: pd.DataFrame = field(metadata={"show": False})

    def to_frame(self) -> pd.DataFrame:
        """The summary."""
        return self.summary

    def __str__(self) -> str:
        of = "all genes" if self.top is None else f"the best {counted(self.top, 'gene')} of each"
        return f"Correlations of {of}\n{self.summary.to_string(index=False)}"


def distribution(selections: Mapping[str, Selection] | Selection, *, top: int | None = None) -> Distribution:
    """Correlations of all genes, or of the best genes of each model and level, with a summary.

    Parameters
    ----------
    selections : dict of str to Selection, or Selection
        Selections by the name of the model, as in `Comparison.selections`, or a single one.
    top : int, optional
        Number of genes with the largest r to take from each model and level; all by default.

    Returns
    -------
    Distribution

    Raises
    ------
    InputError
        If `top` is below 1.
    """
    check_limits({"top": top}, {"top": optional(whole(1))})
    named = {"": selections} if isinstance(selections, Selection) else selections
    table = genes_of(named)
    chosen = best_genes(table, top)
    keys = ["model", "level"]
    counts = table.groupby(keys, sort=False).agg(
        n_genes=("gene", "size"), n_well_predicted=("well_predicted", "sum")
    )
    summary = counts.join(describe(chosen)).reset_index()
    return Distribution(summary, top, chosen[[*keys, "gene", "r"]])


def genes_of(selections: Mapping[str, Selection]) -> pd.DataFrame:
    """All genes of several selections in one table: ``model, level, gene, n, r, r_folds, well_predicted``."""
    parts = [
        selection.table.assign(
            model=name, level=ALL if selection.by is None else selection.table[selection.by].astype(str)
        ).reindex(columns=["model", "level", "gene", "n", "r", "r_folds", "well_predicted"])
        for name, selection in selections.items()
    ]
    return pd.concat(parts, ignore_index=True)


def best_genes(table: pd.DataFrame, top: int | None) -> pd.DataFrame:
    """The genes with the largest r of each model and level, best first; ties keep the order of the file."""
    keys = ["model", "level"]
    ordered = table.sort_values("r", ascending=False, kind="stable")
    chosen = ordered if top is None else ordered.groupby(keys, sort=False).head(top)
    place = table[keys].drop_duplicates().reset_index(drop=True)
    return place.merge(chosen, on=keys, how="left")


def describe(table: pd.DataFrame) -> pd.DataFrame:
    """Number of genes, mean and quantiles of r, for each model and level."""
    r = table.groupby(["model", "level"], sort=False)["r"]
    parts = [r.size().rename("n"), r.mean().rename("r_mean")]
    parts += [r.quantile(share).rename(name) for name, share in QUANTILES.items()]
    return pd.concat(parts, axis=1)


def notes_of(selections: Mapping[str, Selection]) -> list[str]:
    """The notes of several selections, once each; every note names the selections that it is about."""
    names: dict[str, list[str]] = {}
    for name, selection in selections.items():
        for note in selection.notes:
            names.setdefault(note, []).append(name)
    return [
        note if len(told) == 1 and _names_itself(note, told[0]) else f"{listing(told, len(told))}: {note}"
        for note, told in names.items()
    ]


def _names_itself(note: str, name: str) -> bool:
    """Whether a note begins with the name of its selection, or of one of its levels."""
    return note.startswith((f"{name}: ", f"{name}, ")) or f", {name}: " in note
