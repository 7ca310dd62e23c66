"""A grid of gene sets (rows) and lists (columns), used by the heatmap and the dot plot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_stats.errors import InputError, listing
from sequoia_stats.plots import _style as style
from sequoia_stats.plots.text import set_names, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Colormap, Normalize
    from matplotlib.figure import Figure

#: Sets with an adjusted p-value below this are enriched and get a colour.
ALPHA = 0.05
#: The colour scale ends at an adjusted p of 10 to the power of minus this.
CAP = 20.0
_ROW = 0.165  # height of a set, inches
_COLUMN = (0.21, 0.42, 0.75)  # narrowest, usual and widest column, inches
_LONGEST = 44  # characters of a label
_LEAST = style.SINGLE_COLUMN  # width of the figure
_FOOT = 0.62  # colour bar and key below the cells, inches


@dataclass(frozen=True)
class SetGrid:
    """Part of a table of over-representation, sets × lists.

    Parameters
    ----------
    sets, lists : list of str
        Rows from top to bottom, and columns.
    labels : list of str
        The label of each set.
    table : DataFrame
        The rows of these sets, indexed by (set, list).
    n_enriched : int
        Number of sets of the whole table that are enriched in at least one list.
    what : str
        What the rows are: sets, or groups of sets.
    """

    sets: list[str]
    lists: list[str]
    labels: list[str]
    table: pd.DataFrame
    n_enriched: int
    what: str = "sets"

    def matrix(self, column: str) -> NDArray[np.float64]:
        """A column as sets × lists; NaN if a list has no row for a set."""
        pairs = pd.MultiIndex.from_product([self.sets, self.lists])
        values = self.table[column].reindex(pairs).to_numpy(dtype=np.float64)
        return values.reshape(len(self.sets), len(self.lists))

    def strength(self) -> NDArray[np.float64]:
        """−log10 of the adjusted p, limited to the colour scale; NaN if not enriched."""
        p = self.matrix("p_bh")
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(p < ALPHA, np.minimum(-np.log10(p), CAP), np.nan)

    @property
    def p_name(self) -> str:
        """What the colour means; groups of sets have an average."""
        return "adjusted p" if self.what == "sets" else "average adjusted p"

    def statement(self) -> str:
        """How many of the enriched sets are drawn."""
        all_drawn = len(self.sets) == self.n_enriched
        shown = (
            self.what.capitalize() if all_drawn else f"{len(self.sets)} of {self.n_enriched:,} {self.what}"
        )
        return f"{shown} with {self.p_name} < {ALPHA:g} in at least one list"


def set_grid(table: pd.DataFrame, *columns: str, most: int, merged: pd.DataFrame | None = None) -> SetGrid:
    """Choose the sets to draw: by the number of lists in which they are enriched, then by their smallest p-value.

    Parameters
    ----------
    table : DataFrame
        ``list, set, p_bh`` and `columns`, with one row per list and set.
    *columns : str
        Further columns that the figure needs.
    most : int
        Largest number of sets.
    merged : DataFrame, optional
        Groups of similar sets, from `ora.merge_similar`: ``list, representative, n_sets, p_bh``. A group replaces its
        sets. It gets the name and `columns` of its representative, and the number of other sets.

    Returns
    -------
    SetGrid
        Without rows if no set is enriched.

    Raises
    ------
    InputError
        If a column is missing or a list has two rows for a set.
    """
    style.check_columns(table, ("list", "set", "p_bh", *columns), "sets")
    if merged is not None:
        style.check_columns(merged, ("list", "representative", "n_sets", "p_bh"), "groups of sets")
        groups = merged[["list", "representative", "n_sets", "p_bh"]].rename(
            columns={"representative": "set"}
        )
        table = groups.merge(table[["list", "set", *columns]], on=["list", "set"], how="left")
    if (repeated := table.duplicated(["list", "set"])).any():
        raise InputError(
            "a list has several rows for a set", where=listing(table.loc[repeated, "set"]),
            fix="draw one collection at a time",
        )  # fmt: skip
    by_set = table[table["p_bh"] < ALPHA].groupby("set", sort=False)["p_bh"]
    order = pd.DataFrame({"n": -by_set.size(), "smallest": by_set.min()}).sort_values(
        ["n", "smallest"], kind="stable"
    )
    sets = [str(name) for name in order.index[:most]]
    part = table[table["set"].isin(sets)].set_index(["set", "list"])
    labels = set_names(sets, longest=_LONGEST)
    if merged is not None:
        others = dict(zip(merged["representative"], merged["n_sets"] - 1, strict=True))
        labels = {name: f"{label} (+{n})" if (n := others[name]) else label for name, label in labels.items()}
    lists = [str(name) for name in dict.fromkeys(table["list"])]
    what = "sets" if merged is None else "groups of sets"
    return SetGrid(sets, lists, [labels[name] for name in sets], part, len(order), what)


def grid_figure(grid: SetGrid, title: str, key: str = "") -> tuple[Figure, Axes, float]:
    """A figure with a cell for each set and list, names, and `key` at the bottom; also the width of the left margin.

    Columns share the width of a double journal column, but are at least 5 mm wide: many columns make a wider figure.
    """
    probe = style.new_figure(style.DOUBLE_COLUMN, 1)
    margin = style.widest(probe, grid.labels) + 0.2
    names = [shortened(name, 32) for name in grid.lists]
    longest = style.widest(probe, names)
    narrowest, usual, widest = _COLUMN
    wanted = max(usual, longest + 0.05) if longest + 0.05 <= widest else usual
    column = max(narrowest, min(wanted, (style.DOUBLE_COLUMN - margin - 0.15) / len(names)))
    turned = longest > 0.96 * column
    above = longest + 0.1 if turned else 0.2
    least = (
        max(style.text_width(probe, grid.statement()), style.text_width(probe, key, size=style.SMALL)) + 0.2
    )
    width = max(margin + column * len(names) + 0.15, least, _LEAST)
    head = 0.42 if title else 0.25
    figure = style.new_figure(width, head + above + _ROW * len(grid.sets) + _FOOT)
    style.add_header(figure, title, grid.statement(), left=0.1)
    figure.text(0.1 / width, 0.04 / figure.get_size_inches()[1], key, size=style.SMALL)
    right = width - margin - column * len(names)
    axes = style.add_axes(figure, left=margin, right=right, bottom=_FOOT, top=head + above)
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.set_ylim(len(grid.sets) - 0.5, -0.5)
    axes.set_xticks(range(len(names)), names, rotation=90 if turned else 0)
    axes.set_yticks(range(len(grid.sets)), grid.labels)
    axes.tick_params(length=0, pad=3, top=True, bottom=False, labeltop=True, labelbottom=False)
    axes.spines[:].set_visible(False)
    return figure, axes, margin


def colour_scale() -> tuple[Colormap, Normalize]:
    """From pale to dark blue, for enriched sets only."""
    import matplotlib
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    shades = matplotlib.colormaps["Blues"](np.linspace(0.12, 1.0, 64))
    colours = LinearSegmentedColormap.from_list("enrichment", shades, N=64)
    return colours, Normalize(-np.log10(ALPHA), CAP)


def add_colour_bar(figure: Figure, drawn: ScalarMappable, p_name: str, *, left: float) -> None:
    """Draw the scale of −log10 p below the cells, 1.1 inches wide."""
    width, height = figure.get_size_inches()
    axes = figure.add_axes((left / width, 0.34 / height, 1.1 / width, 0.08 / height))
    bar = figure.colorbar(drawn, cax=axes, orientation="horizontal", extend="max", extendfrac=0.06)
    ticks = [-np.log10(ALPHA), 5, 10, 15, CAP]
    bar.set_ticks(ticks, labels=["1.3", "5", "10", "15", f"{CAP:g}"])
    bar.outline.set_linewidth(0.4)
    axes.tick_params(length=2, labelsize=style.SMALL, pad=1.5)
    axes.set_title(f"−log₁₀ {p_name}", size=style.SMALL, pad=2, loc="left")


def contrast(colour: Sequence[float]) -> str:
    """Black or white, whichever is readable on a colour (RGB)."""
    red, green, blue = colour[:3]
    return "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.55 else style.INK
