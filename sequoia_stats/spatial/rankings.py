"""Medians over the best genes of a slide, with genes ranked elsewhere or on the slide itself, and their null."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.arguments import check_limits, whole
from sequoia_stats.errors import counted
from sequoia_stats.types.arrays import Floats

#: Number of the most variable genes, as in benchmarks of spatial expression.
HVG = 50
#: A gene beats its null if its p is below this.
P_BELOW = 0.05
#: The quantile of the null that a median must exceed.
HIGH = 0.95


@dataclass(frozen=True, eq=False)
class NullOfGenes:
    """Correlations of maps with shifted truths, all genes at the same shifts.

    Attributes
    ----------
    genes : tuple of str
        The genes.
    r : array of shape (shifts, genes)
        r of the tiles that overlap, times √(overlapping tiles / all tiles), so that small overlaps do not stand out.
    """

    genes: tuple[str, ...]
    r: NDArray[np.float32]

    @property
    def n(self) -> int:
        """Number of shifts."""
        return len(self.r)

    def of(self, genes: Sequence[str]) -> Floats:
        """Correlations of some genes, (shifts, genes)."""
        return self.r[:, pd.Index(self.genes).get_indexer(pd.Index(genes))].astype(np.float64)


def best_genes(tables: Sequence[pd.DataFrame], column: str, n: int, among: Iterable[str]) -> list[str]:
    """The genes with the largest mean over slides.

    Parameters
    ----------
    tables : sequence of DataFrame
        Genes of each slide, with ``gene`` and `column`.
    column : str
        What genes are ranked by: ``r``, or ``variance``.
    n : int
        Number of genes to take.
    among : iterable of str
        Genes that may be taken. Ties are ordered by name.

    Returns
    -------
    list of str
        At most `n` genes, best first; a gene that no table has is not among them.
    """
    check_limits({"top": n}, {"top": whole(1)})
    values = pd.concat([table.set_index("gene")[column] for table in tables], axis=1).mean(axis=1).dropna()
    values = values[values.index.isin(set(among))].sort_index()
    return values.sort_values(ascending=False, kind="stable").index[:n].tolist()


def ranked_medians(
    table: pd.DataFrame, null: NullOfGenes, others: Mapping[str, pd.DataFrame], *, top: int = 1000
) -> pd.DataFrame:
    """Medians of a slide's genes: of all, of the best, and of the most variable ones.

    Parameters
    ----------
    table : DataFrame
        The slide's genes, as in `genes.csv`.
    null : NullOfGenes
        Their correlations with shifted truths.
    others : dict of str to DataFrame
        Genes of other slides, as in their `genes.csv`; may be empty, and nothing is then ranked on them.
    top : int
        Number of best genes.

    Returns
    -------
    DataFrame
        ``genes`` ("all", "top-1000", "hvg-50"), ``ranked_on`` ("other slides", "this slide"), ``n_genes``, medians
        ``r``, ``emd``, ``emd_flat``; ``r_null_mean`` and ``r_null_high``, mean and 95% quantile over shifts of the
        median of the same genes, for which genes ranked by r on this slide are ranked again at every shift;
        ``beats_null``, whether the median exceeds that quantile; ``share_beating``, the share of genes with p_shift
        below .05; ``n_shifts``.
    """
    genes = table["gene"].tolist()
    choices: list[tuple[str, str, list[str]]] = [("all", "", genes)]
    size, hvg = min(top, len(genes)), min(HVG, len(genes))
    for ranked_on, tables in (("other slides", list(others.values())), ("this slide", [table])):
        if tables:
            choices.append((f"top-{size}", ranked_on, best_genes(tables, "r", size, genes)))
            choices.append((f"hvg-{hvg}", ranked_on, best_genes(tables, "variance", hvg, genes)))
    rows = [_medians(table, null, *choice) for choice in choices]
    return pd.DataFrame(rows)


def named(row: Mapping[Any, Any]) -> str:
    """What a row of `ranked_medians` is about, in words.

    Examples
    --------
    >>> named({"genes": "top-1000", "ranked_on": "this slide", "n_genes": 1000})
    'top-1000, ranked on this slide (1,000 genes)'
    """
    ranked = f", ranked on {row['ranked_on']}" if row["ranked_on"] else ""
    return f"{row['genes']}{ranked} ({counted(row['n_genes'], 'gene')})"


def _medians(
    table: pd.DataFrame, null: NullOfGenes, name: str, ranked_on: str, chosen: list[str]
) -> dict[str, object]:
    part = table[table["gene"].isin(chosen)]
    again = name.startswith("top") and ranked_on == "this slide"
    medians = _medians_of_best(null.r, len(chosen)) if again else _median(null.of(chosen))
    r = median_of(part["r"])
    low, high = (
        (float(medians.mean()), float(np.quantile(medians, HIGH))) if len(medians) else (np.nan, np.nan)
    )
    return {
        "genes": name, "ranked_on": ranked_on, "n_genes": len(part), "r": r, "r_null_mean": low, "r_null_high": high,
        "beats_null": bool(r > high) if len(medians) else None, "share_beating": _share_below(part["p_shift"]),
        "emd": median_of(part["emd"]), "emd_flat": median_of(part["emd_flat"]), "n_shifts": null.n,
    }  # fmt: skip


def median_of(values: pd.Series) -> float:
    """The median of the values that are there; NaN if there is none.

    Parameters
    ----------
    values : Series
        Numbers.
    """
    known = values.dropna()
    return float(known.median()) if len(known) else float("nan")


def _median(r: Floats) -> Floats:
    return np.median(r, axis=1) if r.size else np.zeros(0)


def _medians_of_best(r: NDArray[np.float32], n: int) -> Floats:
    """The median of the n largest correlations at every shift."""
    if not r.size:
        return np.zeros(0)
    return np.median(np.partition(r, r.shape[1] - n, axis=1)[:, r.shape[1] - n :], axis=1).astype(np.float64)


def _share_below(p: pd.Series) -> float:
    known = p.dropna()
    return float((known < P_BELOW).mean()) if len(known) else float("nan")
