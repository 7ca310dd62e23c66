"""Dot plot of gene sets across gene lists: the share of each set, and its p-value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sequoia_stats.plots import _set_grid as grids
from sequoia_stats.plots import _style as style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LARGEST = 78.0  # area of a dot for a whole set, square points
_KEY = (0.1, 0.25, 0.5, 1.0)  # shares in the key


@style.styled
def enrichment_dots(
    table: pd.DataFrame, *, merged: pd.DataFrame | None = None, most: int = 40, title: str = ""
) -> Figure:
    """Draw gene sets × lists as dots whose area is the share of the set in the list, and whose colour is −log10 p.

    White dots are sets that are not enriched in the list (adjusted p of 0.05 or more).

    Parameters
    ----------
    table : DataFrame
        The result of `sequoia_stats.sets.ora.hypergeometric` for one collection: ``list, set, overlap, set_size,
        p_bh``.
    merged : DataFrame, optional
        Groups of similar sets, as in `enrichment_heatmap`.
    most : int, optional
        Largest number of sets, chosen as in `enrichment_heatmap`; the heading gives the total.
    title : str, optional
        Heading.

    Returns
    -------
    Figure
        Its width depends on the number of columns. The dots are collections of the first axes, with the gids
        ``enriched`` and ``not-enriched``.
    """
    grid = grids.set_grid(table, "overlap", "set_size", most=most, merged=merged)
    if not grid.sets:
        return style.empty_figure(title or "Enriched gene sets", "No set has an adjusted p < 0.05.")
    figure, axes, _ = grids.grid_figure(grid, title)
    colours, scale = grids.colour_scale()
    strength, share = grid.strength(), grid.matrix("overlap") / grid.matrix("set_size")
    rows, columns = range(len(grid.sets)), range(len(grid.lists))
    x, y = np.meshgrid(columns, rows)
    axes.hlines(rows, -0.5, len(columns) - 0.5, color=style.PALE, linewidth=0.5, zorder=0)
    weak = np.isnan(strength) & (share > 0)
    axes.scatter(
        x[weak], y[weak], s=_LARGEST * share[weak], facecolors="white", edgecolors=style.GREY, linewidths=0.5,
        gid="not-enriched",
    )  # fmt: skip
    strong = np.isfinite(strength)
    dots = axes.scatter(
        x[strong], y[strong], s=_LARGEST * share[strong], c=strength[strong], cmap=colours, norm=scale,
        edgecolors=style.INK, linewidths=0.3, gid="enriched",
    )  # fmt: skip
    grids.add_colour_bar(figure, dots, grid.p_name, left=1.75)
    _add_key(figure, left=0.1)
    return figure


def _add_key(figure: Figure, *, left: float) -> None:
    """Draw the key of the areas below the cells."""
    width, height = figure.get_size_inches()
    axes: Axes = figure.add_axes((left / width, 0.14 / height, 1.25 / width, 0.3 / height))
    x = np.arange(len(_KEY), dtype=float)
    axes.scatter(x, np.zeros(len(x)), s=_LARGEST * np.array(_KEY), color=style.GREY, linewidths=0, gid="key")
    axes.set_xlim(-0.5, len(_KEY) - 0.5)
    axes.set_ylim(-1, 1)
    axes.set_yticks([])
    axes.set_xticks(x, [f"{share:.0%}" for share in _KEY], size=style.SMALL)
    axes.tick_params(length=0, pad=-1)
    axes.spines[:].set_visible(False)
    axes.set_title("Share of the set in the list", size=style.SMALL, pad=1, loc="left")
