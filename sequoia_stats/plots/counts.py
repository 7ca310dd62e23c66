"""Numbers of genes: those left after each criterion, and by number of samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sequoia_stats.plots import _style as style
from sequoia_stats.plots import text
from sequoia_stats.plots._labels import place_labels
from sequoia_stats.types.criteria import CRITERIA

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from sequoia_stats.compare import Downsampling, SampleSize

#: Columns that `criterion_counts` reads.
_COLUMNS = ("level", "criterion", "n_left")
_PANEL, _GAP, _MOST = 1.64, 0.14, 4  # width of a panel, space between them (inches), panels per row
_ROW = 0.21  # height of a criterion, inches
#: How criteria are written.
_WORDS = {"tested": "Tested"} | CRITERIA


@style.styled
def criterion_counts(counts: pd.DataFrame, *, title: str = "") -> Figure:
    """Draw how many genes are left after each criterion, a panel per level.

    Parameters
    ----------
    counts : DataFrame
        `Selection.counts`: ``level, criterion, n_left``, with criteria in the order in which they were applied.
        Levels can also be rules, to compare them.
    title : str, optional
        Heading.

    Returns
    -------
    Figure
        Up to four panels per row, 183 mm wide. The axes are in the order of the levels; bars are patches with the gid
        ``left``.

    Raises
    ------
    InputError
        If a column is missing.
    """
    style.check_columns(counts, _COLUMNS, "counts")
    panels = list(counts.groupby("level", sort=False))
    if not panels:
        return style.empty_figure(title or "Well-predicted genes", "There are no levels to draw.")
    columns = min(len(panels), _MOST)
    width = 0.2 + columns * _PANEL + (columns - 1) * _GAP
    rows = [
        max(len(part) for _, part in panels[start : start + columns]) * _ROW + 0.3
        for start in range(0, len(panels), columns)
    ]
    head = 0.3 if title else 0.06
    figure = style.new_figure(width, head + sum(rows))
    style.add_header(figure, title, left=0.1)
    for i, (level, part) in enumerate(panels):
        row, column = divmod(i, columns)
        left, top = 0.1 + column * (_PANEL + _GAP), head + sum(rows[:row]) + 0.2
        bottom = head + sum(rows) - top - _ROW * len(part)
        axes = style.add_axes(figure, left=left, right=width - left - _PANEL, top=top, bottom=bottom)
        _draw_criteria(axes, part)
        axes.set_title(text.shortened(str(level), 28), size=style.BODY, weight="bold", loc="left", pad=2, x=0)
    return figure


def _draw_criteria(axes: Axes, part: pd.DataFrame) -> None:
    """A line per criterion: its name, the number of genes left, and below them a bar for the share that is left."""
    left = part["n_left"].to_numpy(dtype=float)
    y = np.arange(len(left), dtype=float)
    axes.barh(y + 0.3, np.full(len(left), left.max() or 1), 0.12, color=style.PALE, gid="tested")
    for height, number in zip(y, left, strict=True):
        axes.barh(height + 0.3, number, 0.12, color=style.BLUE, gid="left")
    transform = axes.get_yaxis_transform()
    for height, criterion, number in zip(y, part["criterion"], left, strict=True):
        words = _WORDS.get(criterion, criterion)
        axes.text(
            0, height + 0.1, words, transform=transform, va="baseline", size=style.SMALL, gid="criterion"
        )
        axes.text(
            1, height + 0.1, f"{number:,.0f}", transform=transform, va="baseline", ha="right", size=style.SMALL,
            gid="number",
        )  # fmt: skip
    axes.set(xlim=(0, left.max() or 1), ylim=(len(left) - 0.5, -0.5), xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


@style.styled
def counts_against_size(sizes: SampleSize, *, title: str = "") -> Figure:
    """Draw the number of well-predicted genes of each level against its number of samples.

    Parameters
    ----------
    sizes : SampleSize
        The result of `sequoia_stats.compare.against_sample_size`.
    title : str, optional
        Heading.

    Returns
    -------
    Figure
        89 mm wide. The points are a line with the gid ``levels``.
    """
    table = sizes.table
    figure = style.new_figure(style.SINGLE_COLUMN, 2.75)
    rho = f"Spearman {text.number(sizes.spearman)}, {text.p_statement(sizes.spearman_p)}"
    r = f"Pearson {text.number(sizes.pearson)}, {text.p_statement(sizes.pearson_p)}"
    header = style.add_header(figure, title, *([f"{rho}; {r}"] if len(table) > 2 else []), left=0.1)
    axes = style.add_axes(figure, left=0.62, right=0.14, top=header + 0.05, bottom=0.42)
    x, y = table["n"].to_numpy(dtype=float), table["n_well_predicted"].to_numpy(dtype=float)
    axes.plot(x, y, linestyle="none", marker="o", markersize=4, color=style.BLUE, gid="levels", clip_on=False)
    axes.set_xlim(0, x.max() * 1.08)
    axes.set_ylim(0, (y.max() or 1) * 1.08)
    axes.set_xlabel("Samples")
    axes.set_ylabel("Well-predicted genes")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    place_labels(axes, x, y, [text.shortened(str(level), 24) for level in table["level"]])
    return figure


@style.styled
def downsampled_counts(downsampling: Downsampling, *, title: str = "") -> Figure:
    """Draw the number of well-predicted genes in random subsets of the patients, and in all of them.

    Parameters
    ----------
    downsampling : Downsampling
        The result of `sequoia_stats.compare.downsample`. Each draw is a point and a line connects the medians, with a
        colour for each level.
    title : str, optional
        Heading.

    Returns
    -------
    Figure
        89 mm wide. Points are lines with the gids ``draws-<level>``, medians ``medians-<level>``.
    """
    table, summary = downsampling.table, downsampling.summary
    levels = list(dict.fromkeys(table["level"]))
    figure = style.new_figure(style.SINGLE_COLUMN, 2.5)
    header = style.add_header(figure, title, left=0.1)
    names = [] if len(levels) == 1 else [text.shortened(str(level), 20) for level in levels]
    right = style.widest(figure, names, size=style.SMALL) + 0.14
    axes = style.add_axes(figure, left=0.62, right=right, top=header + 0.02, bottom=0.42)
    ends = []
    for level, colour in zip(levels, style.PALETTE * len(levels), strict=False):
        draws, medians = (frame[frame["level"] == level] for frame in (table, summary))
        axes.plot(
            100 * draws["fraction"], draws["n_well_predicted"], linestyle="none", marker="o", markersize=2.6,
            markeredgewidth=0, alpha=0.5, color=colour, gid=f"draws-{level}", clip_on=False,
        )  # fmt: skip
        axes.plot(
            100 * medians["fraction"], medians["median"], color=colour, linewidth=1, gid=f"medians-{level}",
            clip_on=False,
        )  # fmt: skip
        ends.append((float(medians["median"].iloc[-1]), colour))
    axes.set_xlim(0, 100)
    axes.set_ylim(0, (table["n_well_predicted"].max() or 1) * 1.06)
    axes.set_xlabel("Patients (%)")
    axes.set_ylabel("Well-predicted genes")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    _name_ends(axes, ends, names)
    return figure


def _name_ends(axes: Axes, ends: list[tuple[float, str]], names: list[str]) -> None:
    """Names at the right ends of the lines, moved apart if they would overlap."""
    if not names:
        return
    height = axes.get_position().height * style.figure_of(axes).get_size_inches()[1]
    least = axes.get_ylim()[1] * 0.115 / height
    order = np.argsort([end for end, _ in ends], kind="stable")
    lowest = -np.inf
    for i in order:
        lowest = max(ends[i][0], lowest + least)
        axes.annotate(
            names[i], (100, lowest), (4, 0), textcoords="offset points", va="center", color=ends[i][1],
            size=style.SMALL, annotation_clip=False, gid="level",
        )  # fmt: skip
