"""Abstention: how many patients a score decides at a level, and how many of them wrongly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from sequoia_stats.plots import _style as style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Columns that `abstention_curves` reads.
_COLUMNS = ("level", "share", "expected", "n_measured", "error")
_LEFT, _GAP, _RIGHT, _BOTTOM = 0.55, 0.62, 0.14, 0.42  # margins and the space between the panels, inches
_DASHES = (0, (3, 2))


@style.styled
def abstention_curves(tables: Mapping[str, pd.DataFrame], *, title: str = "") -> Figure:
    """Draw the share of patients that scores decide against the level of the intervals, and the errors among them.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        By score, what `sequoia_stats.conformal.share_decided` returns: ``level, share, expected, n_measured, error``.
    title : str, optional
        Heading.

    Returns
    -------
    Figure
        183 mm wide. The first axes have the share of patients that are decided, as lines with the gids
        ``share-<score>``, and the share expected of normal scores of the same correlation, ``expected-<score>``
        (dashed). The second have the share of the decided whose measured score is on the other side,
        ``error-<score>``, without points where nobody is decided; the line ``missing`` is 1 − level,
        the share of intervals that may miss.

    Raises
    ------
    InputError
        If a table lacks a column.
    """
    for table in tables.values():
        style.check_columns(table, _COLUMNS, "shares")
    if all(table.empty for table in tables.values()):
        return style.empty_figure(title or "Patients decided", "There are no levels to draw.")
    figure = style.new_figure(style.DOUBLE_COLUMN, 2.5)
    top = style.add_header(figure, title, left=0.1) + 0.22  # the names of the scores are above the panels
    panel = (style.DOUBLE_COLUMN - _LEFT - _GAP - _RIGHT) / 2
    margins = {"bottom": _BOTTOM, "top": top}
    shares = style.add_axes(figure, left=_LEFT, right=_RIGHT + panel + _GAP, **margins)
    errors = style.add_axes(figure, left=_LEFT + panel + _GAP, right=_RIGHT, **margins)
    levels = np.unique(np.concatenate([table["level"].to_numpy(float) for table in tables.values()]))
    for (name, table), colour in zip(tables.items(), style.PALETTE * len(tables), strict=False):
        judged = table[table["n_measured"] > 0]
        _curve(
            shares, table, "expected", colour, f"expected-{name}", marker="", linestyle=_DASHES, linewidth=0.8
        )
        _curve(shares, table, "share", colour, f"share-{name}")
        _curve(errors, judged, "error", colour, f"error-{name}")
    errors.plot(
        100 * levels,
        100 * (1 - levels),
        color=style.GREY,
        linestyle=_DASHES,
        linewidth=0.8,
        zorder=0,
        gid="missing",
    )
    shares.set_ylabel("Patients decided (%)")
    errors.set_ylabel("Decided on the wrong side (%)")
    for axes in (shares, errors):
        axes.set_xlabel("Level of the intervals (%)")
        axes.set_xticks(100 * levels, [f"{100 * level:g}" for level in levels])
        axes.set_ylim(0, None)
    for axes, meaning in ((shares, "dashed: expected of normal scores"), (errors, "dashed: 1 − level")):
        axes.text(
            1, 1, meaning, transform=axes.transAxes, ha="right", va="top", size=style.SMALL, color=style.GREY
        )
    style.name_in_colours(figure, list(tables), left=_LEFT, top=top - 0.12, gid="score")
    return figure


def _curve(
    axes: Axes,
    table: pd.DataFrame,
    column: str,
    colour: str,
    gid: str,
    *,
    marker: str = "o",
    linestyle: str | tuple[int, tuple[int, int]] = "-",
    linewidth: float = 1.2,
) -> None:
    axes.plot(
        100 * table["level"], 100 * table[column], color=colour, marker=marker, markersize=3, linestyle=linestyle,
        linewidth=linewidth, gid=gid, clip_on=False,
    )  # fmt: skip
