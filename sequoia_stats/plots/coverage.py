"""Coverage of intervals: how often they hold the measured value, gene by gene."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sequoia_stats.plots import _style as style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LEFT, _RIGHT, _BOTTOM = 0.55, 0.14, 0.42  # margins, inches
_WHISKERS = (5, 95)  # percentiles


@style.styled
def gene_coverage(
    genes: pd.DataFrame, summary: pd.DataFrame, *, level: float, tolerance: float = 0.02, title: str = ""
) -> Figure:
    """Draw the coverage of the intervals of genes as violins, by the number of patients that gave the residuals.

    The box in each violin shows quartiles and median, its whiskers the 5th to 95th percentile. Above it are the mean
    over genes and the share of genes near the level.

    Parameters
    ----------
    genes : DataFrame
        A row per gene and number of patients: ``n, coverage`` (0 to 1).
    summary : DataFrame
        A row per number of patients: ``n, mean, near``, the mean coverage and the share of genes within `tolerance`
        of the level, both 0 to 1.
    level : float
        The promised coverage, drawn as the line ``promised``.
    tolerance : float, default 0.02
        What counts as near, drawn as the band ``near``.
    title : str, optional
        Heading.

    Returns
    -------
    Figure
        89 mm wide. Violins are collections with the gids ``violin-<n>``; the means are the line ``means``.

    Raises
    ------
    InputError
        If a column is missing.
    """
    style.check_columns(genes, ("n", "coverage"), "genes")
    style.check_columns(summary, ("n", "mean", "near"), "coverage")
    if genes.empty:
        return style.empty_figure(title or "Coverage of intervals", "There are no genes to draw.")
    figure = style.new_figure(style.SINGLE_COLUMN, 2.75)
    header = style.add_header(figure, title, left=0.1)
    axes = style.add_axes(figure, left=_LEFT, right=_RIGHT, top=header + 0.36, bottom=_BOTTOM)
    axes.axhspan(
        100 * (level - tolerance),
        100 * (level + tolerance),
        color=style.PALE,
        linewidth=0,
        zorder=0,
        gid="near",
    )
    axes.axhline(100 * level, color=style.INK, linewidth=0.8, linestyle=(0, (3, 2)), zorder=1, gid="promised")
    sizes = summary["n"].tolist()
    for x, n in enumerate(sizes):
        _violin(axes, x, 100 * genes.loc[genes["n"] == n, "coverage"].to_numpy(float), n)
    axes.plot(
        range(len(sizes)), 100 * summary["mean"], linestyle="none", marker="D", markersize=3, color=style.VERMILLION,
        zorder=4, gid="means",
    )  # fmt: skip
    for x, row in enumerate(summary.to_dict("records")):
        axes.annotate(
            f"mean {100 * row['mean']:.1f}%\n{100 * row['near']:.0f}% within ± {100 * tolerance:g}", (x, 1), (0, 3),
            xycoords=("data", "axes fraction"), textcoords="offset points", ha="center", va="bottom",
            size=style.SMALL, annotation_clip=False, gid="summary",
        )  # fmt: skip
    axes.set_xticks(range(len(sizes)), [f"{n:,}" for n in sizes])
    axes.set_xlim(-0.5, len(sizes) - 0.5)
    axes.set_xlabel("Patients of the calibration")
    axes.set_ylabel(f"Coverage of {100 * level:g}% intervals (%)")
    return figure


def _violin(axes: Axes, x: int, values: Any, n: int) -> None:
    parts: Any = axes.violinplot(values, [x], widths=0.8, showextrema=False)
    parts["bodies"][0].set(facecolor=style.BLUE, alpha=0.35, edgecolor="none", gid=f"violin-{n}")
    line = {"color": style.BLUE, "linewidth": 0.8}
    axes.boxplot(
        values, positions=[x], widths=0.16, whis=_WHISKERS, showfliers=False, showcaps=False, patch_artist=True,
        manage_ticks=False, whiskerprops=line, zorder=3,
        boxprops={"facecolor": "white", "edgecolor": style.BLUE, "linewidth": 0.8},
        medianprops={"color": style.INK, "linewidth": 1.2, "gid": f"median-{n}"},
    )  # fmt: skip
