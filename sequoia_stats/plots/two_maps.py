"""Two maps of one slide: how near each is to the truth, gene by gene."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sequoia_stats.plots import _style as style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_COLUMNS = ("gene", "r_a", "r_b", "difference", "p_difference")
_P_BELOW = 0.05
_NAME = 0.6  # widest name of a map, inches


@style.styled
def genes_of_two_maps(table: pd.DataFrame, names: tuple[str, str] = ("A", "B"), *, title: str = "") -> Figure:
    """Draw r of each gene by one map against r by the other; genes that shifts of the truth do not explain stand out.

    Parameters
    ----------
    table : DataFrame
        `MapComparison.genes`.
    names : tuple of str
        `MapComparison.names`.
    title : str, optional
        Heading.

    Returns
    -------
    Figure
        89 mm wide. Points (r_b, r_a) with the gid ``a`` or ``b`` have p_difference below .05 and a higher r by that
        map; those with the gid ``alike`` have not. The line ``equal`` is where both maps are as near.

    Raises
    ------
    InputError
        If a column is missing.
    """
    style.check_columns(table, _COLUMNS, "genes")
    known = table[table[["r_a", "r_b"]].notna().all(axis=1)]
    if known.empty:
        return style.empty_figure(title or "Two maps", "There are no genes to draw.")
    differ = known["p_difference"] < _P_BELOW
    groups = {
        "alike": (known[~differ], style.GREY),
        "a": (known[differ & (known["difference"] > 0)], style.BLUE),
        "b": (known[differ & (known["difference"] < 0)], style.VERMILLION),
    }
    figure = style.new_figure(style.SINGLE_COLUMN, 3.2)
    a, b = (style.fitting(figure, name, _NAME) for name in names)
    lines = [f"p < .05 under shifts of the truth, of {len(known):,} genes:"]
    lines += [f"{len(groups['a'][0]):,} nearer by {a} (blue), {len(groups['b'][0]):,} by {b} (orange)"]
    if known["p_difference"].isna().all():
        lines = ["No shift of the truth is possible: no difference has a null."]
    head = style.add_header(figure, title, *lines, left=0.1)
    axes = style.add_axes(figure, left=0.5, right=0.15, top=head, bottom=0.42)
    for gid, (part, colour) in groups.items():
        axes.scatter(part["r_b"], part["r_a"], s=3, color=colour, linewidths=0, gid=gid)
    ends = [float(known[["r_a", "r_b"]].min().min()), float(known[["r_a", "r_b"]].max().max())]
    axes.plot(ends, ends, color=style.INK, linewidth=0.5, gid="equal")
    axes.set_xlabel(f"Pearson r, {b} and truth")
    axes.set_ylabel(f"Pearson r, {a} and truth")
    return figure
