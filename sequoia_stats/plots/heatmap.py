"""Enriched gene sets across lists of genes, with the numbers of genes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sequoia_stats.plots import _set_grid as grids
from sequoia_stats.plots import _style as style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_COUNT = 5.5  # font size of the counts, points


@style.styled
def enrichment_heatmap(
    table: pd.DataFrame, *, merged: pd.DataFrame | None = None, most: int = 40, title: str = ""
) -> Figure:
    """Draw which gene sets are over-represented in which lists.

    A cell holds the number of genes that list and set share; its colour is −log10 of the adjusted p-value,
    white where that is not below .05. Rows are the sets that are enriched in most lists, the strongest of
    equals first.

    Parameters
    ----------
    table : DataFrame
        The result of `sequoia_stats.sets.ora.hypergeometric` for one collection: ``list, set, overlap, p_bh``.
    merged : DataFrame, optional
        Of `ora.merge_similar`: groups of similar sets, drawn in place of the sets of `table` with their
        average adjusted p-value; the number of genes is then that of the representative, whose name is written with
        the number of the other sets.
    most : int, optional
        Sets at most; the heading says how many there are.
    title : str, optional
        Heading.

    Returns
    -------
    Figure
        As wide as its columns need. The first axes hold the cells as a mesh with the gid ``strength``.
    """
    grid = grids.set_grid(table, "overlap", most=most, merged=merged)
    if not grid.sets:
        return style.empty_figure(title or "Enriched gene sets", "No set has an adjusted p below 0.05.")
    key = f"Numbers: genes that list and set share; white: {grid.p_name} ≥ 0.05"
    if merged is not None:
        key = key.replace("set share", "named set share") + "; (+1): similar sets"
    figure, axes, margin = grids.grid_figure(grid, title, key)
    colours, scale = grids.colour_scale()
    strength = grid.strength()
    columns, rows = np.arange(len(grid.lists) + 1) - 0.5, np.arange(len(grid.sets) + 1) - 0.5
    mesh = axes.pcolormesh(
        columns, rows, np.ma.masked_invalid(strength), cmap=colours, norm=scale, edgecolors=style.PALE,
        linewidth=0.4, gid="strength",
    )  # fmt: skip
    for (i, j), count in np.ndenumerate(grid.matrix("overlap")):
        if np.isfinite(count):
            enriched = np.isfinite(strength[i, j])
            colour = grids.contrast(colours(scale(strength[i, j]))) if enriched else style.GREY
            axes.text(
                j,
                i,
                f"{count:.0f}",
                ha="center",
                va="center_baseline",
                size=_COUNT,
                color=colour,
                gid="count",
            )
    grids.add_colour_bar(figure, mesh, grid.p_name, left=min(margin, figure.get_size_inches()[0] - 1.35))
    return figure
