"""Kaplan-Meier curves of risk groups, with numbers at risk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from sequoia_stats.errors import counted
from sequoia_stats.plots import _style as style
from sequoia_stats.plots import text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from sequoia_stats.signature import Validation
    from sequoia_stats.survival import KaplanMeier

_COLOURS = {"low": style.BLUE, "high": style.VERMILLION, "uncertain": style.GREY}
_NAMES = {"low": "Low", "high": "High", "uncertain": "Uncertain"}
_LEFT, _RIGHT = 0.66, 0.12  # margins, inches; the left one is wider for a long name
_NAME_LEFT, _NUMBER = (
    0.1,
    0.18,
)  # where names of the table begin, and half the width of its first number, inches
_ROW = 0.145  # height of a row of the table, inches
_LINE = 0.135  # height of a line of the header, inches
_TICK_STEPS = (1, 2, 3, 6, 12, 24, 60, 120, 240)


def kaplan_meier(validation: Validation) -> Figure:
    """Draw the survival of the low-risk and the high-risk group of a validation.

    Shows step curves with their 95% bands, a mark where a patient is censored, and the numbers at risk under the
    ticks. Above them are the endpoint, the cohort and the log-rank p-value, and the hazard ratio per standard
    deviation of the score and Harrell's C, which do not depend on the cut-off. If all patients are in one group (a
    signature without genes, or a cut-off that no score exceeds), there is one curve, and a sentence says so.

    Parameters
    ----------
    validation : Validation
        The result of `sequoia_stats.signature.validate`.

    Returns
    -------
    Figure
        89 mm wide. Curves are lines with the gids ``curve-low`` and ``curve-high``, or ``curve-all``.
    """
    curves = {group: curve for group, curve in validation.curves.items() if curve.n}
    title = f"{text.endpoint_name(validation.endpoint)}, {validation.cohort}"
    statements = _statements(validation, together=len(curves) < 2)
    return risk_groups(curves, title, *statements, endpoint=validation.endpoint)


@style.styled
def risk_groups(curves: Mapping[str, KaplanMeier], title: str, *lines: str, endpoint: str) -> Figure:
    """Draw the survival of risk groups.

    Parameters
    ----------
    curves : mapping of str to KaplanMeier
        By group: "low", "high", "uncertain". A single group is drawn as all patients, but for "uncertain".
    title : str
        The first line, in bold.
    *lines : str
        What the reader must know, below the title.
    endpoint : str
        What the event is, for the axis; "OS" counts patients alive.

    Returns
    -------
    Figure
        89 mm wide. Curves are lines with the gids ``curve-low`` and so on, or ``curve-all``.
    """
    together = len(curves) < 2
    rows = max(len(curves), 1)
    figure = style.new_figure(style.SINGLE_COLUMN, 2.83 + _ROW * rows + _LINE * max(0, len(lines) - 2))
    room = style.SINGLE_COLUMN - 2 * _NAME_LEFT
    title = style.fitting(figure, title, room, size=style.TITLE, weight="bold")
    header = style.add_header(figure, title, *lines, left=_NAME_LEFT)
    names = [_look(group, together)[1] for group in curves]
    left = max(_LEFT, _NAME_LEFT + style.widest(figure, names, size=style.SMALL, weight="bold") + _NUMBER)
    axes = style.add_axes(figure, left=left, right=_RIGHT, top=header + 0.06, bottom=0.6 + _ROW * rows)
    ticks = _ticks(max((float(curve.frame["time"].max()) for curve in curves.values()), default=12.0))
    for group, curve in curves.items():
        _draw_curve(axes, curve, *_look(group, together))
    _dress(axes, ticks, endpoint)
    if curves:
        _place_legend(axes, list(curves.values()))
        _table(axes, ticks, [(curve, *_look(group, together)) for group, curve in curves.items()])
    return figure


def _statements(validation: Validation, together: bool) -> list[str]:
    if validation.null_model:
        return ["The signature has no genes: all patients have the same score,", "hazard ratio 1, C 0.5."]
    ratio = validation.unadjusted
    hazard = text.estimate(ratio.hr, ratio.low, ratio.high)
    c_index = text.estimate(validation.c_index, validation.c_low, validation.c_high)
    rule = {"frozen": "Frozen cut-off", "median": "Median of the cohort"}[validation.cut]
    if together:
        split = f"{rule}: all patients are in one group"
    else:
        split = f"{rule}: log-rank {text.p_statement(validation.cuts[validation.cut].logrank_p)}"
    return [split, f"Hazard ratio per SD {hazard}; C {c_index}"]


def _look(group: str, together: bool) -> tuple[str, str, str]:
    """Id, name and colour of a group."""
    if together and group != "uncertain":
        return "all", "All", style.GREY
    return group, _NAMES.get(group, group), _COLOURS.get(group, style.GREEN)


def _ticks(end: float) -> np.ndarray:
    """Ticks from 0 to the end of follow-up, at most seven steps of a usual number of months."""
    step = next((step for step in _TICK_STEPS if end / step <= 7.5), _TICK_STEPS[-1])
    return np.arange(0, end + 1e-9, step)


def _draw_curve(axes: Axes, curve: KaplanMeier, key: str, name: str, colour: str) -> None:
    frame = curve.frame
    time, survival = frame["time"].to_numpy(), frame["survival"].to_numpy()
    group = f"{name} risk" if key in ("low", "high") else name
    label = f"{group}, {counted(curve.n_events, 'event')} of {curve.n:,}"
    look: dict[str, Any] = {"color": colour, "clip_on": False}
    axes.plot(time, survival, drawstyle="steps-post", label=label, gid=f"curve-{key}", zorder=3, **look)
    axes.fill_between(
        time, frame["low"], frame["high"], step="post", color=colour, alpha=0.15, linewidth=0,
        gid=f"band-{key}",
    )  # fmt: skip
    censored = (frame["censored"] > 0).to_numpy()
    axes.plot(
        time[censored], survival[censored], linestyle="none", marker="|", markersize=3.2,
        markeredgewidth=0.5, gid=f"censored-{key}", zorder=4, **look,
    )  # fmt: skip


def _dress(axes: Axes, ticks: np.ndarray, endpoint: str) -> None:
    axes.set(ylim=(0, 1.02), xlabel="Months", yticks=np.linspace(0, 1, 5), xticks=ticks)
    axes.set_yticklabels(["0", "25", "50", "75", "100"])
    axes.set_ylabel("Patients alive (%)" if endpoint == "OS" else "Patients without an event (%)", labelpad=4)
    axes.set_xlim(0, None)
    axes.spines["left"].set_bounds(0, 1)


def _place_legend(axes: Axes, curves: list[KaplanMeier]) -> None:
    """Bottom left, where curves arrive last; top right if one of them falls into that corner."""
    half = axes.get_xlim()[1] * 0.6
    early = (curve.frame.loc[curve.frame["time"] <= half, ["low", "survival"]] for curve in curves)
    place: Any = "lower left" if min(part.min().min() for part in early) > 0.22 else "upper right"
    axes.legend(loc=place, handlelength=1.4, borderaxespad=0.3, labelspacing=0.3, fontsize=style.SMALL)


def _table(axes: Axes, ticks: np.ndarray, rows: list[tuple[KaplanMeier, str, str, str]]) -> None:
    """Write the numbers at risk, each under its tick."""
    place, (across, up) = axes.get_position(), style.figure_of(axes).get_size_inches()
    height = place.height * up
    transform = axes.get_xaxis_transform()
    margin = (_NAME_LEFT - place.x0 * across) * 72
    first = 0.48
    axes.annotate(
        "Number at risk", (0, -first / height), (margin, 0), xycoords="axes fraction",
        textcoords="offset points", va="center", size=style.SMALL, annotation_clip=False,
    )  # fmt: skip
    for i, (curve, key, name, colour) in enumerate(rows, start=1):
        y = -(first + i * _ROW) / height
        axes.annotate(
            name, (0, y), (margin, 0), xycoords="axes fraction", textcoords="offset points", va="center",
            color=colour, size=style.SMALL, weight="bold", annotation_clip=False,
        )  # fmt: skip
        for tick, number in zip(ticks, curve.at_risk(ticks), strict=True):
            axes.text(
                tick, y, f"{int(number)}", transform=transform, ha="center", va="center", size=style.SMALL,
                gid=f"at-risk-{key}",
            )  # fmt: skip
