"""Harrell's C over repeated draws: by truth and route, and by epoch of a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sequoia_stats.plots import _style as style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROUTE_COLUMNS = ("panel", "name", "c_mean", "c_se")
_EPOCH_COLUMNS = ("line", "epoch", "c_mean", "c_se", "kept")
_ROW, _GAP, _RIGHT, _BOTTOM = 0.2, 0.16, 0.1, 0.42  # of a row, between panels, and margins, inches
_LEFT = 0.55


@style.styled
def concordance_by_route(table: pd.DataFrame, *, title: str = "") -> Figure:
    """Draw the mean C of several routes, in a panel for each truth.

    Parameters
    ----------
    table : DataFrame
        A row per panel and route: ``panel, name, c_mean, c_se``, the mean over draws and its standard error. The first
        route of a panel is what the others are compared with: a dashed line marks its C.
    title : str, optional
        Heading.

    Returns
    -------
    Figure
        183 mm wide. Points are lines with the gids ``c-<panel>``, from top to bottom; bars are one standard error to
        each side; the line ``chance`` is at 0.5.

    Raises
    ------
    InputError
        If a column is missing.
    """
    style.check_columns(table, _ROUTE_COLUMNS, "routes")
    if table.empty:
        return style.empty_figure(title or "Concordance", "There are no routes to draw.")
    panels, names = list(dict.fromkeys(table["panel"])), list(dict.fromkeys(table["name"]))
    figure = style.new_figure(style.DOUBLE_COLUMN, _BOTTOM + 0.45 + _ROW * len(names))
    top = style.add_header(figure, title, left=0.1) + 0.2
    left = 0.2 + style.widest(figure, names)
    width = (style.DOUBLE_COLUMN - left - _RIGHT - _GAP * (len(panels) - 1)) / len(panels)
    ends = (table["c_mean"] - table["c_se"]).min(), (table["c_mean"] + table["c_se"]).max()
    for i, panel in enumerate(panels):
        begin = left + i * (width + _GAP)
        axes = style.add_axes(
            figure, left=begin, right=style.DOUBLE_COLUMN - begin - width, top=top, bottom=_BOTTOM
        )
        _routes(axes, table[table["panel"] == panel], names)
        axes.set_title(panel, size=style.BODY, pad=3)
        axes.set_xlim(min(ends[0], 0.5) - 0.02, max(ends[1], 0.5) + 0.02)
        axes.set_yticks(range(len(names)), names if i == 0 else [])
        axes.set_xlabel("C")
    return figure


@style.styled
def concordance_by_epoch(table: pd.DataFrame, *, title: str = "") -> Figure:
    """Draw the mean C of networks after each epoch.

    Parameters
    ----------
    table : DataFrame
        A row per line and epoch: ``line, epoch, c_mean, c_se``, and ``kept``, the number of networks that are those of
        this epoch in the end.
    title : str, optional
        Heading.

    Returns
    -------
    Figure
        89 mm wide. Lines have the gids ``c-<line>``, the bands of one standard error ``band-<line>``; points mark the
        kept epochs, ``kept-<line>``, larger where more networks are kept; the line ``chance`` is at 0.5.

    Raises
    ------
    InputError
        If a column is missing.
    """
    style.check_columns(table, _EPOCH_COLUMNS, "epochs")
    if table.empty:
        return style.empty_figure(title or "Concordance by epoch", "There are no epochs to draw.")
    lines = list(dict.fromkeys(table["line"]))
    figure = style.new_figure(style.SINGLE_COLUMN, 2.5)
    top = style.add_header(figure, title, left=0.1) + 0.22
    axes = style.add_axes(figure, left=_LEFT, right=_RIGHT, top=top, bottom=_BOTTOM)
    axes.axhline(0.5, color=style.GREY, linewidth=0.8, zorder=0, gid="chance")
    for line, colour in zip(lines, style.PALETTE * len(lines), strict=False):
        part = table[table["line"] == line]
        epoch, c, se = (part[name].to_numpy(float) for name in ("epoch", "c_mean", "c_se"))
        axes.plot(epoch, c, color=colour, zorder=3, gid=f"c-{line}")
        axes.fill_between(epoch, c - se, c + se, color=colour, alpha=0.15, linewidth=0, gid=f"band-{line}")
        kept = (part["kept"] > 0).to_numpy()
        area = 10 + 40 * part["kept"].to_numpy(float)[kept] / part["kept"].sum()
        axes.scatter(epoch[kept], c[kept], area, color=colour, zorder=4, gid=f"kept-{line}")
    axes.set(xlabel="Epoch", ylabel="C on the test parts")
    style.name_in_colours(figure, lines, left=_LEFT, top=top - 0.12, gid="line")
    return figure


def _routes(axes: Axes, part: pd.DataFrame, names: list[str]) -> None:
    """The points of a panel, the first route on top, and its dashed line."""
    rows = [names.index(name) for name in part["name"]]
    axes.axvline(0.5, color=style.GREY, linewidth=0.8, zorder=0, gid="chance")
    axes.axvline(
        float(part["c_mean"].iloc[0]), color=style.INK, linewidth=0.8, linestyle=(0, (3, 2)), zorder=0, gid="first"
    )  # fmt: skip
    axes.hlines(
        rows, part["c_mean"] - part["c_se"], part["c_mean"] + part["c_se"], color=style.BLUE, linewidth=1.2
    )
    axes.plot(
        part["c_mean"], rows, linestyle="none", marker="o", markersize=4, color=style.BLUE, zorder=3,
        gid=f"c-{part['panel'].iloc[0]}",
    )  # fmt: skip
    axes.set_ylim(len(names) - 0.5, -0.5)
