"""How far maps are beyond chance: medians beside their null, and genes against their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from sequoia_stats.plots import _style as style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_MEDIANS = ("genes", "ranked_on", "n_genes", "r", "r_null_mean", "r_null_high")
_GENES = ("gene", "r", "r_shift_high", "p_shift")
_ROW, _BOTTOM, _RIGHT = 0.2, 0.42, 0.15  # of a row, and margins, inches


@style.styled
def medians_against_null(table: pd.DataFrame, *, title: str = "") -> Figure:
    """Draw the median r of each kind of genes, with the mean and the 95% quantile of its null.

    Parameters
    ----------
    table : DataFrame
        `Evaluation.medians`, or `SlideEvaluations.slides` with a column ``slide``.
    title : str, optional
        Heading.

    Returns
    -------
    Figure
        89 mm wide, a row per line of the table. The line ``r`` holds the medians; bars with the gid ``null`` reach from
        the mean of the null to its 95% quantile. A median that does not exceed it is grey.

    Raises
    ------
    InputError
        If a column is missing.
    """
    style.check_columns(table, _MEDIANS, "medians")
    if table.empty:
        return style.empty_figure(title or "Medians", "There are no medians to draw.")
    names = [_named(row) for row in table.to_dict("records")]
    figure = style.new_figure(style.DOUBLE_COLUMN, _BOTTOM + 0.45 + _ROW * len(names))
    head = style.add_header(
        figure,
        title,
        "Blue: median r beyond its null; grey: not. Bar: mean to 95% quantile of the null.",
        left=0.1,
    )
    axes = style.add_axes(
        figure, left=0.2 + style.widest(figure, names), right=_RIGHT, top=head, bottom=_BOTTOM
    )
    y = np.arange(len(names))[::-1]
    low, high, r = (table[name].to_numpy(np.float64) for name in ("r_null_mean", "r_null_high", "r"))
    axes.hlines(y, low, high, color=style.PALETTE[4], linewidth=5, gid="null")
    colours = [style.BLUE if beyond else style.GREY for beyond in r > high]
    axes.scatter(r, y, s=16, c=colours, zorder=3, gid="r")
    axes.axvline(0, color=style.INK, linewidth=0.5)
    axes.set_yticks(y, names)
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.set_xlabel("Median Pearson r over genes")
    return figure


@style.styled
def genes_against_null(table: pd.DataFrame, *, title: str = "") -> Figure:
    """Draw r of each gene against the 95% quantile of its null of shifts, on the scale of p: r · √overlap.

    Parameters
    ----------
    table : DataFrame
        `Evaluation.genes`.
    title : str, optional
        Heading.

    Returns
    -------
    Figure
        89 mm wide. Points with the gid ``beyond`` have p_shift below .05, those with the gid ``within`` have not.

    Raises
    ------
    InputError
        If a column is missing.
    """
    style.check_columns(table, _GENES, "genes")
    known = table[table["p_shift"].notna()]
    if known.empty:
        return style.empty_figure(title or "Genes and their null", "No shift of the truth is possible.")
    beats = known["p_shift"] < 0.05
    figure = style.new_figure(style.SINGLE_COLUMN, 3.1)
    words = f"{beats.sum():,} of {len(known):,} genes have p < .05 under shifts of the truth (blue)"
    head = style.add_header(figure, title, words, left=0.1)
    axes = style.add_axes(figure, left=0.5, right=_RIGHT, top=head, bottom=_BOTTOM)
    for gid, chosen, colour in (("within", ~beats, style.GREY), ("beyond", beats, style.BLUE)):
        part = known[chosen]
        axes.scatter(part["r_shift_high"], part["r"], s=3, color=colour, linewidths=0, gid=gid)
    low = float(min(known["r"].min(), 0))
    high = float(max(known["r"].max(), known["r_shift_high"].max()))
    axes.plot([low, high], [low, high], color=style.INK, linewidth=0.5, gid="equal")
    axes.set_xlabel("95% quantile of r · √overlap under shifts")
    axes.set_ylabel("Pearson r, map and truth")
    return figure


def _named(row: Mapping[Any, Any]) -> str:
    """What a row is about: slide, genes, and where they are ranked."""
    ranked = f", ranked on {row['ranked_on']}" if row["ranked_on"] else ""
    slide = f"{row['slide']}: " if "slide" in row else ""
    return f"{slide}{row['genes']}{ranked}"
