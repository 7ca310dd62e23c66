"""Figures of compared risk scores: concordance and hazard ratios side by side, and survival by risk group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sequoia_stats.errors import InputError, counted
from sequoia_stats.plots import _style as style
from sequoia_stats.plots import text
from sequoia_stats.plots.km import risk_groups

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from sequoia_stats.risk import RiskComparison

_ROW = 0.19  # height of a row, inches
_HEADER = 0.24  # height of the sentence at the top, inches
_AXIS = 0.46  # height below the rows, for ticks and the name of the axis, inches
_LABEL = 0.1  # where names begin, inches
_NAME, _PAIR = 1.3, 1.05  # widest name of a score in a row of its own, and in a pair, inches
# of each panel: the edges of its axes, and the right edges of the texts beside them, inches
_COUNTS = 2.35
_C, _C_TEXT = (2.47, 3.4), 4.36
_HR, _HR_TEXT, _P_TEXT = (4.48, 5.41), 6.47, 7.1
_DIFFERENCE_TEXT, _DIFFERENCE_P = 4.85, 5.4
_SHORT_TICKS = 0.1  # a range up to which ticks need three decimals, so that fewer have room
_WIDEST = 16.0  # hazard ratios beyond it, and below its inverse, end in an arrow


@style.styled
def risk_comparison(result: RiskComparison) -> Figure:
    """Draw Harrell's C and the hazard ratio per SD of each score, and below them the differences of C.

    Parameters
    ----------
    result : RiskComparison
        The result of `sequoia_stats.compare_risks`.

    Returns
    -------
    Figure
        183 mm wide. Points are lines with the gids ``c-index``, ``hazard-ratios`` and ``differences``, in the order of
        the tables from top to bottom.
    """
    scores, pairs = result.comparison, result.pairs
    heights = [_ROW * (len(table) + 1.4) for table in (scores, pairs) if len(table)]
    figure = style.new_figure(style.DOUBLE_COLUMN, _HEADER + sum(heights) + _AXIS * len(heights))
    within = "" if result.n_folds is None else f", within {counted(result.n_folds, 'fold')}"
    head = f"{text.endpoint_name(result.endpoint)}: " if result.endpoint != "event" else ""
    sentence = f"{counted(result.n, 'patient')}, {counted(result.n_events, 'event')}{within}; 95% intervals"
    top = style.add_header(figure, "", f"{head}{sentence}", left=_LABEL)
    _scores(figure, scores, top, heights[0])
    if len(pairs):
        _differences(figure, pairs, top + heights[0] + _AXIS, heights[1])
    return figure


def survival_by_risk(result: RiskComparison, score: str) -> Figure:
    """Draw the survival of the risk groups that one score makes.

    Parameters
    ----------
    result : RiskComparison
        The result of `sequoia_stats.compare_risks`.
    score : str
        The name of the score.

    Returns
    -------
    Figure
        As `risk_groups` draws it.

    Raises
    ------
    InputError
        If there is no such score.
    """
    if score not in result.curves:
        raise InputError(f"there is no score {score!r}", fix=f"name one of {', '.join(result.curves)}")
    row = next(one for one in result.comparison.to_dict("records") if one["score"] == score)
    within = "" if result.n_folds is None else " within folds"
    split = f"Log-rank, high against low risk{within}: {text.p_statement(row['logrank_p'])}"
    if list(result.curves[score]) == ["uncertain"]:
        split = "All patients are uncertain: there are no risk groups to compare"
    hazard = text.estimate(row["hr_per_sd"], row["hr_low"], row["hr_high"])
    c_index = text.estimate(row["c_index"], row["c_low"], row["c_high"])
    size = f"{counted(int(row['n']), 'patient')}, {counted(int(row['events']), 'event')}"
    title = score if result.endpoint == "event" else f"{result.endpoint}, {score}"
    ratio = f"Hazard ratio per SD {hazard}; C {c_index}"
    return risk_groups(result.curves[score], title, size, split, ratio, endpoint=result.endpoint)


def _scores(figure: Figure, scores: pd.DataFrame, top: float, height: float) -> None:
    """C on the left, hazard ratios on the right."""
    y = -np.arange(len(scores), dtype=float)
    left = _axes(figure, _C, top, height, y, "Harrell's C")
    right = _axes(figure, _HR, top, height, y, "Hazard ratio per SD")
    ends = scores[["c_index", "c_low", "c_high"]].to_numpy(dtype=float)
    _span(left, ends, 0.5, "c-index")
    right.set_xscale("log")
    hazards = scores[["hr_per_sd", "hr_low", "hr_high"]].to_numpy(dtype=float)
    _log_span(right, hazards)
    _draw(left, ends, y, "c-index")
    _draw(right, hazards, y, "hazard-ratios")
    heads = [(_COUNTS, "Events / patients"), (_C_TEXT, "C"), (_HR_TEXT, "Hazard ratio"), (_P_TEXT, "p")]
    rows = [
        [
            (_COUNTS, f"{int(row['events']):,} / {int(row['n']):,}"),
            (_C_TEXT, text.estimate(row["c_index"], row["c_low"], row["c_high"])),
            (_HR_TEXT, text.estimate(row["hr_per_sd"], row["hr_low"], row["hr_high"])),
            (_P_TEXT, text.p_value(row["p"])),
        ]
        for row in scores.to_dict("records")
    ]
    _write(left, _C, y, heads, [style.fitting(figure, name, _NAME) for name in scores["score"]], rows)


def _differences(figure: Figure, pairs: pd.DataFrame, top: float, height: float) -> None:
    """The difference of C of each two scores."""
    y = -np.arange(len(pairs), dtype=float)
    axes = _axes(figure, _C, top, height, y, "Difference of C")
    ends = pairs[["c_difference", "low", "high"]].to_numpy(dtype=float)
    _span(axes, ends, 0.0, "differences")
    _draw(axes, ends, y, "differences")
    names = [
        f"{style.fitting(figure, a, _PAIR)} − {style.fitting(figure, b, _PAIR)}"
        for a, b in zip(pairs["a"], pairs["b"], strict=True)
    ]
    rows = [
        [
            (_DIFFERENCE_TEXT, text.difference(row["c_difference"], row["low"], row["high"])),
            (_DIFFERENCE_P, text.p_value(row["p"])),
        ]
        for row in pairs.to_dict("records")
    ]
    _write(axes, _C, y, [(_DIFFERENCE_TEXT, "Difference of C"), (_DIFFERENCE_P, "p")], names, rows)


def _axes(
    figure: Figure, edges: tuple[float, float], top: float, height: float, y: np.ndarray, name: str
) -> Axes:
    """Axes for rows at `y`, `top` inches from the upper edge of the figure, with a place for the heads above them."""
    bottom = figure.get_size_inches()[1] - top - height
    axes = style.add_axes(figure, left=edges[0], right=style.DOUBLE_COLUMN - edges[1], top=top, bottom=bottom)
    axes.set_ylim(y.min() - 0.7, 0.7 + 1.0)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(name)
    return axes


def _span(axes: Axes, ends: np.ndarray, nothing: float, gid: str) -> None:
    """Limits that hold all intervals and the value of no effect, which gets a line."""
    there = np.append(ends[np.isfinite(ends)], nothing)
    margin = max(0.05 * float(np.ptp(there)), 0.01)
    axes.set_xlim(there.min() - margin, there.max() + margin)
    axes.locator_params(axis="x", nbins=4 if np.ptp(there) > _SHORT_TICKS else 2)
    _no_effect(axes, nothing, gid)


def _log_span(axes: Axes, ends: np.ndarray) -> None:
    """Limits of a log axis, the same to both sides of 1."""
    there = ends[np.isfinite(ends) & (ends > 0)]
    reach = min(float(np.abs(np.log(there)).max(initial=np.log(1.5))) * 1.08, np.log(_WIDEST))
    axes.set_xlim(np.exp(-reach), np.exp(reach))
    steps = [tick for tick in (1.25, 1.5, 2, 4, 8, 16) if np.log(tick) <= reach]
    ticks = [1 / steps[-1], 1, steps[-1]]
    axes.set_xticks(ticks, [f"{tick:.3g}" for tick in ticks])
    axes.minorticks_off()
    _no_effect(axes, 1.0, "hazard-ratios")


def _no_effect(axes: Axes, value: float, gid: str) -> None:
    axes.plot(
        [value, value],
        [axes.get_ylim()[0], 0.6],
        color=style.GREY,
        linewidth=0.6,
        zorder=1,
        gid=f"no-effect-{gid}",
    )


def _draw(axes: Axes, ends: np.ndarray, y: np.ndarray, gid: str) -> None:
    """Points with their intervals; one that leaves the axis ends in an arrow, a point without interval is open."""
    estimate, low, high = ends.T
    known = np.isfinite(low) & ~np.isnan(high)
    start, end = axes.get_xlim()
    axes.hlines(
        y[known], np.clip(low[known], start, end), np.clip(high[known], start, end), color=style.BLUE,
        linewidth=1.1, zorder=2, gid=f"intervals-{gid}",
    )  # fmt: skip
    for beyond, x, marker in ((known & (low < start), start, "<"), (known & (high > end), end, ">")):
        axes.plot(
            np.full(beyond.sum(), x), y[beyond], marker=marker, markersize=3.5, color=style.BLUE, linestyle="none",
            clip_on=False,
        )  # fmt: skip
    axes.plot(estimate, y, linestyle="none", gid=gid)
    look: dict[str, Any] = {"linestyle": "none", "marker": "s", "markersize": 4.5, "zorder": 3}
    look["markeredgecolor"] = style.BLUE
    inside = (estimate >= start) & (estimate <= end)
    axes.plot(estimate[known & inside], y[known & inside], markerfacecolor=style.BLUE, **look)
    axes.plot(estimate[~known & inside], y[~known & inside], markerfacecolor="white", **look)


def _write(
    axes: Axes,
    edges: tuple[float, float],
    y: np.ndarray,
    heads: list[tuple[float, str]],
    names: list[str],
    rows: list[list[tuple[float, str]]],
) -> None:
    """Names on the left, texts that end at their place, and heads above them."""
    transform = axes.get_yaxis_transform()

    def put(x: float, height: float, words: str, **options: Any) -> None:
        at = (x - edges[0]) / (edges[1] - edges[0])
        axes.text(at, height, words, transform=transform, va="center", **options)

    for x, words in heads:
        put(x, 1.1, words, ha="right", weight="bold", gid="head")
    for height, name, texts in zip(y, names, rows, strict=True):
        put(_LABEL, height, name, ha="left", gid="name")
        for x, words in texts:
            put(x, height, words, ha="right", gid="value")
