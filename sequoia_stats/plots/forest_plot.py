"""Forest plot: hazard ratios with their intervals beside the numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sequoia_stats.errors import InputError, listing
from sequoia_stats.plots import _style as style
from sequoia_stats.plots import text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Columns that `forest` reads.
_COLUMNS = ("label", "group", "n", "n_events", "hr", "low", "high", "p")
_ROW = 0.19  # height of a row, inches
_WIDEST = 16.0  # the axis ends at 1/16 and 16; intervals beyond it end in an arrow
# ticks that do not overlap, by the end of the axis
_TICKS = (
    (1.75, (0.6, 0.8, 1, 1.25, 1.5)),
    (3.0, (0.5, 0.75, 1, 1.5, 2)),
    (6.0, (0.25, 0.5, 1, 2, 4)),
    (_WIDEST, (0.0625, 0.25, 1, 4, 16)),
)
# right edge of the text columns, and the two edges of the axes, inches from the left
_COUNTS, _PLOT, _HAZARD, _P = 3.05, (3.3, 5.05), 6.35, 7.08


@style.styled
def forest(rows: pd.DataFrame) -> Figure:
    """Draw hazard ratios on a log axis, with their numbers beside them.

    Parameters
    ----------
    rows : DataFrame
        A row per model, from top to bottom: ``label``; ``group``, a heading written once above the rows that share
        it; ``n``, ``n_events``; ``hr, low, high, p``. A row without an interval (a signature without genes) is an
        open mark at its hazard ratio.

    Returns
    -------
    Figure
        183 mm wide. The points are a line with the gid ``hazard-ratios``, in the order of `rows`.

    Raises
    ------
    InputError
        If there are no rows, or a column is missing.
    """
    absent = [column for column in _COLUMNS if column not in rows]
    if absent:
        raise InputError(f"the forest plot has no column {listing(absent)}")
    if rows.empty:
        raise InputError("the forest plot has no rows")
    new_group = rows["group"].ne(rows["group"].shift()).to_numpy()
    y = -(np.arange(len(rows)) + np.cumsum(new_group)).astype(float)
    y -= 0.25 * (np.cumsum(new_group) - 1)  # air between groups
    height = (2.4 - y.min()) * _ROW
    figure = style.new_figure(style.DOUBLE_COLUMN, height + 0.5)
    axes = style.add_axes(figure, left=_PLOT[0], right=style.DOUBLE_COLUMN - _PLOT[1], top=0.05, bottom=0.45)
    axes.set_ylim(y.min() - 0.7, 1.7)
    _scale(axes, rows)
    _rule(figure, axes)
    _draw(axes, rows, y)
    _write(axes, rows, y, new_group)
    return figure


def _scale(axes: Axes, rows: pd.DataFrame) -> None:
    ends = rows[["hr", "low", "high"]].to_numpy(dtype=float)
    reach = np.nanmax(np.abs(np.log(ends[np.isfinite(ends) & (ends > 0)])), initial=np.log(1.5))
    limit = min(float(np.exp(reach * 1.08)), _WIDEST)
    axes.set_xscale("log")
    axes.set_xlim(1 / limit, limit)
    candidates = next(ticks for end, ticks in _TICKS if limit <= end)
    ticks = [tick for tick in candidates if 1 / limit <= tick <= limit]
    axes.set_xticks(ticks, [f"{tick:.3g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel("Hazard ratio per SD of the risk score")
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.plot([1, 1], [axes.get_ylim()[0], 0.6], color=style.GREY, linewidth=0.6, zorder=1, gid="no-effect")


def _rule(figure: Figure, axes: Axes) -> None:
    """Draw a line under the column headings, over the whole width."""
    from matplotlib.lines import Line2D

    start, end = axes.get_ylim()
    box = axes.get_position()
    y = box.y0 + box.height * (0.65 - start) / (end - start)
    margin = 0.1 / style.DOUBLE_COLUMN
    figure.add_artist(Line2D([margin, _P / style.DOUBLE_COLUMN], [y, y], color=style.INK, linewidth=0.6))


def _draw(axes: Axes, rows: pd.DataFrame, y: np.ndarray) -> None:
    hazard, low, high = (rows[column].to_numpy(dtype=float) for column in ("hr", "low", "high"))
    known = np.isfinite(low) & np.isfinite(high)
    start, end = axes.get_xlim()
    axes.hlines(
        y[known], np.clip(low[known], start, end), np.clip(high[known], start, end), color=style.BLUE,
        linewidth=1.1, zorder=2, gid="intervals",
    )  # fmt: skip
    for beyond, x, marker in ((known & (low < start), start, "<"), (known & (high > end), end, ">")):
        axes.plot(
            np.full(beyond.sum(), x), y[beyond], marker=marker, markersize=3.5, color=style.BLUE,
            linestyle="none", clip_on=False, gid=f"beyond-{marker}",
        )  # fmt: skip
    axes.plot(hazard, y, linestyle="none", gid="hazard-ratios")
    look: dict[str, Any] = {"linestyle": "none", "marker": "s", "markersize": 4.5, "zorder": 3}
    look["markeredgecolor"] = style.BLUE
    axes.plot(hazard[known], y[known], markerfacecolor=style.BLUE, gid="marks", **look)
    axes.plot(hazard[~known], y[~known], markerfacecolor="white", gid="marks-open", **look)


def _write(axes: Axes, rows: pd.DataFrame, y: np.ndarray, new_group: np.ndarray) -> None:
    left, right = _PLOT

    def put(x: float, height: float, words: str, column: str, **options: Any) -> None:
        at = ((x - left) / (right - left), height)
        transform = axes.get_yaxis_transform()
        axes.text(*at, words, transform=transform, va="center", gid=column, **options)

    heads = ((_COUNTS, "Events / patients"), (_HAZARD, "Hazard ratio (95% CI)"), (_P, "p"))
    for x, words in heads:
        put(x, 1.15, words, "head", ha="right", weight="bold")
    for height, first, row in zip(y, new_group, rows.to_dict("records"), strict=True):
        if first:
            put(0.1, height + 1, row["group"], "group", ha="left", weight="bold")
        put(0.22, height, row["label"], "label", ha="left")
        put(_COUNTS, height, f"{int(row['n_events']):,} / {int(row['n']):,}", "counts", ha="right")
        hazard = text.estimate(row["hr"], row["low"], row["high"])
        put(_HAZARD, height, hazard, "hazard", ha="right")
        put(_P, height, text.p_value(row["p"]), "p", ha="right")
