"""Genes that lists share, beside what chance would give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sequoia_stats.plots import _style as style
from sequoia_stats.plots import text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

#: Columns that `gene_overlaps` reads.
_COLUMNS = ("lists", "universe", "sizes", "overlap", "expected", "p")
_ROW = 0.4  # height of a group of lists, inches
_MOST = 24  # groups that fit a page
_LONGEST = 62  # letters of a name


@style.styled
def gene_overlaps(overlaps: pd.DataFrame, *, title: str = "") -> Figure:
    """Draw how many genes each group of lists shares: a bar, and a mark at the number expected by chance.

    Parameters
    ----------
    overlaps : DataFrame
        The result of `sequoia_stats.compare.overlap` or `cohort_overlaps`: ``lists, universe, sizes, overlap, expected,
        p``, and ``level`` if there are several.
    title : str, optional
        Heading.

    Returns
    -------
    Figure
        183 mm wide. At most 24 groups are shown, the first ones; the heading then says so. Bars are patches with the
        gid ``shared``, and the line ``expected`` has the numbers expected by chance, from top to bottom.

    Raises
    ------
    InputError
        If a column is missing.
    """
    from matplotlib.ticker import MaxNLocator

    style.check_columns(overlaps, _COLUMNS, "overlaps")
    if overlaps.empty:
        return style.empty_figure(title or "Shared genes", "There are no lists to compare.")
    table = overlaps.head(_MOST)
    cut = f"the first {_MOST} of {len(overlaps)} groups" if len(overlaps) > _MOST else ""
    figure = style.new_figure(style.DOUBLE_COLUMN, 0.75 + 0.2 * bool(title or cut) + _ROW * len(table))
    header = style.add_header(figure, "; ".join(filter(None, [title, cut])), left=0.1)
    axes = style.add_axes(figure, left=0.14, right=0.14, top=header + 0.02, bottom=0.5)
    y = np.arange(len(table), dtype=float)
    shared, expected = (table[name].to_numpy(dtype=float) for name in ("overlap", "expected"))
    axes.barh(y + 0.2, shared, 0.3, color=style.BLUE, gid="shared")
    axes.plot(
        expected, y + 0.2, linestyle="none", marker="|", markersize=10, markeredgewidth=1.4, color=style.VERMILLION,
        gid="expected", clip_on=False,
    )  # fmt: skip
    several = "level" in table and table["level"].nunique() > 1
    transform = axes.get_yaxis_transform()
    for height, row in zip(y, table.to_dict("records"), strict=True):
        name = f"{row['level']}: {row['lists']}" if several else str(row["lists"])
        sizes = " and ".join(f"{int(size):,}" for size in str(row["sizes"]).split(";"))
        expected_here = (
            f"{row['expected']:,.0f}" if row["expected"] >= 100 else text.number(row["expected"], 1)
        )
        chance = f"{expected_here} by chance, {text.p_statement(row['p'])}"
        numbers = f"{row['overlap']:,} of {sizes}; {chance}"
        line: dict[str, Any] = {"transform": transform, "va": "baseline", "size": style.SMALL}
        axes.text(0, height - 0.08, text.shortened(name, _LONGEST), weight="bold", gid="group", **line)
        axes.text(1, height - 0.08, numbers, ha="right", gid="number", **line)
    axes.set(xlim=(0, max(shared.max(), expected.max(), 1) * 1.02), ylim=(len(table) - 0.4, -0.4), yticks=[])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("Genes that are shared (bar), and expected by chance (mark)")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    return figure
