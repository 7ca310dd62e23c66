"""How well genes are predicted: correlations by level and model, and how many genes are well predicted."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Any

from sequoia_stats.plots import _style as style
from sequoia_stats.plots._groups import Groups

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from sequoia_stats.compare import Distribution

_LEFT, _RIGHT = 0.55, 0.08  # margins, inches
_BARS, _VIOLINS = 0.6, 1.75  # heights of the two panels, inches
_WHISKERS = (5, 95)  # percentiles


@style.styled
def correlation_violins(distribution: Distribution, *, title: str = "") -> Figure:
    """Draw the correlations of genes as violins, with the number of well-predicted genes above.

    The box in each violin shows quartiles and median, its whiskers the 5th to 95th percentile. Levels are side by
    side, and within a level the models, each with its own colour. If there is only one level, the axis shows models.

    Parameters
    ----------
    distribution : Distribution
        The result of `sequoia_stats.compare.distribution`.
    title : str, optional
        Heading.

    Returns
    -------
    Figure
        89 mm wide for up to 8 violins, 183 mm for more. The bars are patches of the first axes with the gids
        ``bar-<model>-<level>``, the violins collections of the second, ``violin-<model>-<level>``.
    """
    values, summary = distribution.values, distribution.summary
    if values.empty:
        return style.empty_figure(title or "Correlation of genes", "There are no genes to draw.")
    colours = dict(zip(summary["model"].unique(), cycle(style.PALETTE), strict=False))
    values, summary = (frame.assign(colour=frame["model"].map(colours)) for frame in (values, summary))
    if summary["level"].nunique() == 1:
        values, summary = (frame.assign(level=frame["model"], model="") for frame in (values, summary))
    groups = Groups.of(summary["level"], summary["model"])
    bars, violins = _panels(groups, summary, title)
    _draw_bars(bars, groups, summary)
    _draw_violins(violins, groups, values)
    of = "all genes" if distribution.top is None else f"top {distribution.top:,} genes"
    violins.set_ylabel(f"Pearson r, {of}")
    return style.figure_of(violins)


def _panels(groups: Groups, summary: pd.DataFrame, title: str) -> tuple[Axes, Axes]:
    """A figure with names and with axes for bars and violins, high enough for its texts."""
    width = groups.figure_width
    inches = width - _LEFT - _RIGHT
    probe = style.new_figure(width, 1)
    labels = groups.labels(probe, inches)
    key = groups.legend_height(probe)
    place = 0.95 * inches / len(groups.names) * groups.width
    upright = style.widest(probe, _numbers(summary), size=style.SMALL) > place
    head = 0.24 + 0.2 * bool(title) + key + (0.36 if upright else 0.16)  # the numbers are above the bars
    bottom = labels.height + 0.1
    figure = style.new_figure(width, head + _BARS + 0.12 + _VIOLINS + bottom)
    style.add_header(figure, title, left=0.1)
    groups.legend(figure, top=0.06 + 0.2 * bool(title))
    margins = {"left": _LEFT, "right": _RIGHT}
    bars = style.add_axes(figure, bottom=bottom + _VIOLINS + 0.12, top=head, **margins)
    violins = style.add_axes(figure, bottom=bottom, top=head + _BARS + 0.12, **margins)
    y = 1 - (0.06 + 0.2 * bool(title) + key) / figure.get_size_inches()[1]
    figure.text(0.1 / width, y, "Well-predicted genes", va="top")
    groups.write_names(violins, labels)
    _write_numbers(bars, groups, summary, upright=upright)
    return bars, violins


def _numbers(summary: pd.DataFrame) -> list[str]:
    return [f"{n:,}" for n in summary["n_well_predicted"]]


def _write_numbers(axes: Axes, groups: Groups, summary: pd.DataFrame, *, upright: bool) -> None:
    for row, number in zip(summary.to_dict("records"), _numbers(summary), strict=True):
        axes.annotate(
            number, (groups.x(row["level"], row["model"]), row["n_well_predicted"]), (0, 1.5),
            textcoords="offset points", ha="center", va="bottom", size=style.SMALL,
            rotation=90 if upright else 0, annotation_clip=False, gid="count",
        )  # fmt: skip


def _draw_bars(axes: Axes, groups: Groups, summary: pd.DataFrame) -> None:
    for row in summary.to_dict("records"):
        level, model = row["level"], row["model"]
        axes.bar(
            groups.x(level, model), row["n_well_predicted"], 0.8 * groups.width, color=row["colour"],
            gid=f"bar-{model}-{level}",
        )  # fmt: skip
    axes.set(xticks=[], yticks=[], xlim=(-0.5, len(groups.names) - 0.5))
    axes.set_ylim(0, summary["n_well_predicted"].max() or 1)
    axes.spines["left"].set_visible(False)


def _draw_violins(axes: Axes, groups: Groups, values: pd.DataFrame) -> None:
    axes.axhline(0, color=style.GREY, linewidth=0.6, zorder=0)
    for (level, model, colour), part in values.groupby(["level", "model", "colour"], sort=False):
        x, r = groups.x(level, model), part["r"].to_numpy(dtype=float)
        parts: Any = axes.violinplot(r, [x], widths=0.92 * groups.width, showextrema=False)
        parts["bodies"][0].set(facecolor=colour, alpha=0.35, edgecolor="none", gid=f"violin-{model}-{level}")
        line = {"color": colour, "linewidth": 0.8}
        axes.boxplot(
            r, positions=[x], widths=0.22 * groups.width, whis=_WHISKERS, showfliers=False, showcaps=False,
            patch_artist=True, manage_ticks=False, whiskerprops=line, zorder=3,
            boxprops={"facecolor": "white", "edgecolor": colour, "linewidth": 0.8},
            medianprops={"color": style.INK, "linewidth": 1.2, "gid": f"median-{model}-{level}"},
        )  # fmt: skip
