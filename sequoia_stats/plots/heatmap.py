"""Heatmap of enriched gene sets across gene lists, with numbers of genes."""

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

    A cell shows the number of genes shared by list and set. Its colour is −log10 of the adjusted p-value, or white if
    that is 0.05 or more. Rows are the sets enriched in most lists, then those with the smallest p-values.

    Parameters
    ----------
    table : DataFrame
        The result of `sequoia_stats.sets.ora.hypergeometric` for one collection: ``list, set, overlap, p_bh``.
    merged : DataFrame, optional
        Groups of similar sets from `ora.merge_similar`, drawn with their average adjusted p-value instead of the sets
        of `table`. A group shows the number of genes and the name of its representative, and how many other sets it
        has.
    most : int, optional
        Largest number of sets; the heading gives the total.
    title : str, optional
        Heading.

    Returns
    -------
    Figure
        Its width depends on the number of columns. The cells are a mesh of the first axes, with the gid ``strength``.
    """
    grid = grids.set_grid(table, "overlap", most=most, merged=merged)
    if not grid.sets:
        return style.empty_figure(title or "Enriched gene sets", "No set has an adjusted p < 0.05.")
    key = f"Numbers: genes shared by list and set; white: {grid.p_name} ≥ 0.05"
    if merged is not None:
        key = key.replace("and set;", "and named set;") + "; (+1): similar sets"
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
