"""How well pathway scores are predicted, by level and collection of gene sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sequoia_stats.plots import _style as style
from sequoia_stats.plots._groups import Groups

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Columns that `pathway_correlations` reads.
_COLUMNS = ("level", "collection", "r")
_LEFT, _RIGHT, _HEIGHT = 0.55, 0.08, 2.0  # inches
_NAMES = {"hallmark": "Hallmark", "gobp": "GO:BP", "kegg": "KEGG", "c8": "C8", "neftel": "Neftel"}
_WHISKERS = (5, 95)  # percentiles


@style.styled
def pathway_correlations(table: pd.DataFrame, *, title: str = "") -> Figure:
    """Draw correlations of predicted with measured pathway scores: a box and points for each level and collection.

    Boxes show quartiles and median, whiskers the 5th to 95th percentile; every point is a gene set.

    Parameters
    ----------
    table : DataFrame
        The result of `sequoia_stats.sets.gsva.pathway_agreement`: a row per set with ``level, collection, r``. Levels
        and collections are drawn in the order of their first rows.
    title : str, optional
        Heading.

    Returns
    -------
    Figure
        89 mm wide for up to 8 boxes, 183 mm for more. Points are collections with the gids
        ``sets-<collection>-<level>``.

    Raises
    ------
    InputError
        If a column is missing.
    """
    style.check_columns(table, _COLUMNS, "pathways")
    if table.empty:
        return style.empty_figure(title or "Agreement of pathways", "There are no gene sets to draw.")
    table = table.assign(collection=table["collection"].map(lambda name: _NAMES.get(name, name)))
    groups = Groups.of(table["level"], table["collection"])
    width = groups.figure_width
    probe = style.new_figure(width, 1)
    labels = groups.labels(probe, width - _LEFT - _RIGHT)
    head, bottom = 0.1 + 0.2 * bool(title) + groups.legend_height(probe), labels.height + 0.1
    figure = style.new_figure(width, head + _HEIGHT + bottom)
    style.add_header(figure, title, left=0.1)
    groups.legend(figure, top=0.06 + 0.2 * bool(title))
    axes = style.add_axes(figure, left=_LEFT, right=_RIGHT, bottom=bottom, top=head)
    _draw(axes, groups, table)
    groups.write_names(axes, labels)
    axes.set_ylabel("r, predicted and measured score")
    return figure


def _draw(axes: Axes, groups: Groups, table: pd.DataFrame) -> None:
    axes.axhline(0, color=style.GREY, linewidth=0.6, zorder=0)
    for (level, collection), part in table.groupby(["level", "collection"], sort=False):
        x, r = groups.x(level, collection), part["r"].to_numpy(dtype=float)
        colour = groups.colour(collection)
        axes.scatter(
            x + 0.62 * groups.width * _spread(len(r)), r, s=2.5, color=colour, alpha=0.45, linewidths=0,
            gid=f"sets-{collection}-{level}", rasterized=len(r) > 1000,
        )  # fmt: skip
        line = {"color": style.INK, "linewidth": 0.7}
        axes.boxplot(
            r, positions=[x], widths=0.5 * groups.width, whis=_WHISKERS, showfliers=False, showcaps=False,
            manage_ticks=False, whiskerprops=line, boxprops=line, zorder=3,
            medianprops={"color": style.INK, "linewidth": 1.3, "gid": f"median-{collection}-{level}"},
        )  # fmt: skip


def _spread(n: int) -> NDArray[np.float64]:
    """Numbers spread evenly from −½ to ½, always the same: multiples of the golden ratio."""
    return np.mod(np.arange(1, n + 1) * (np.sqrt(5) - 1) / 2, 1) - 0.5
