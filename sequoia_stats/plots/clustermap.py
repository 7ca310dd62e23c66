"""Correlations of module genes in the order of their tree, with the modules beside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sequoia_stats.errors import counted
from sequoia_stats.plots import _module_colours as module_colours
from sequoia_stats.plots import _style as style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from sequoia_stats.spatial.modules import ModuleMaps

_EDGE, _TREE, _STRIP, _GAP = 0.08, 0.55, 0.09, 0.03  # inches
_BAR = 0.42  # room for the colour bar below, inches
_MOST_LABELS, _LABEL = 60, 4.0  # genes that are labelled, and their size in points


@style.styled
def module_clustermap(result: ModuleMaps, *, title: str = "") -> Figure:
    """Draw the correlations of module genes over tiles, clustered, with the modules of each gene.

    Parameters
    ----------
    result : ModuleMaps
        The result of `sequoia_stats.gene_modules`.
    title : str, optional
        Heading.

    Returns
    -------
    Figure
        183 mm wide. The axes have the labels ``tree``, ``modules`` and ``r``; the image of the last has the gid
        ``r``, that of ``modules`` a column per module. Undefined pairs are grey.
    """
    names = list(result.genes["gene"])
    n, modules = len(names), list(result.modules)
    figure = style.new_figure(style.DOUBLE_COLUMN, 1.0)
    strips = len(modules) * _STRIP
    labels = style.widest(figure, names, size=_LABEL) + 0.06 if n <= _MOST_LABELS else 0.0
    left = _EDGE + _TREE + _GAP + strips + _GAP
    side = style.DOUBLE_COLUMN - left - labels - _EDGE
    key = module_colours.key_lines(figure, modules, style.DOUBLE_COLUMN - 2 * _EDGE)
    text = f"Correlation of {counted(n, 'gene')} over tiles, {_averaged(len(result.slides))}"
    header = (0.26 if title else 0.06) + 0.165 + module_colours.key_height(key) + 0.05
    figure.set_size_inches(style.DOUBLE_COLUMN, header + side + _BAR)
    top = style.add_header(figure, title, text, left=_EDGE)
    colours = module_colours.colours_of(modules)
    module_colours.draw_key(figure, key, colours, left=_EDGE, top=top)
    _draw_tree(_axes(figure, _EDGE, header, _TREE, side, "tree"), result)
    _draw_modules(_axes(figure, _EDGE + _TREE + _GAP, header, strips, side, "modules"), result, colours)
    axes = _axes(figure, left, header, side, side, "r")
    _draw_r(axes, result, names if labels else [])
    _draw_bar(figure, axes, left)
    return figure


def _averaged(n_slides: int) -> str:
    return "one slide" if n_slides == 1 else f"mean of {n_slides} slides"


def _axes(figure: Figure, left: float, top: float, wide: float, tall: float, label: str) -> Axes:
    """Axes without frame or ticks, placed in inches from the top left corner."""
    width, height = figure.get_size_inches()
    axes = figure.add_axes(
        (left / width, (height - top - tall) / height, wide / width, tall / height), label=label
    )
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    return axes


def _draw_tree(axes: Axes, result: ModuleMaps) -> None:
    """The tree, its root at the left and a leaf per row."""
    from matplotlib.collections import LineCollection
    from scipy.cluster.hierarchy import dendrogram

    drawn = dendrogram(result.tree, no_plot=True)
    heights, rows = np.array(drawn["dcoord"]), (np.array(drawn["icoord"]) - 5) / 10
    axes.add_collection(
        LineCollection([*np.stack([heights, rows], axis=-1)], colors=style.GREY, linewidths=0.35, gid="tree")
    )
    axes.set(xlim=(max(float(heights.max()), 1e-9) * 1.02, 0), ylim=(len(result.genes) - 0.5, -0.5))


def _draw_modules(axes: Axes, result: ModuleMaps, colours: dict[str, str]) -> None:
    """A column per module, coloured where the gene of the row is in it."""
    from matplotlib.colors import to_rgb

    homes = [set(text.split(";")) for text in result.genes["modules"]]
    cells = [
        [to_rgb(colour if name in home else "white") for name, colour in colours.items()] for home in homes
    ]
    axes.imshow(np.array(cells), aspect="auto", interpolation="nearest", gid="modules")


def _draw_r(axes: Axes, result: ModuleMaps, names: list[str]) -> None:
    """The correlations, from −1 (blue) to 1 (red), undefined ones grey."""
    from matplotlib import colormaps

    order = list(result.genes["gene"])
    r = result.correlations.loc[order, order].to_numpy()
    scale = colormaps["RdBu_r"].with_extremes(bad=style.PALE)
    axes.imshow(
        np.ma.masked_invalid(r), cmap=scale, vmin=-1, vmax=1, aspect="auto", interpolation="nearest", gid="r"
    )
    if names:
        axes.yaxis.tick_right()
        axes.set_yticks(range(len(names)), names, size=_LABEL)
        axes.tick_params(axis="y", length=0, pad=1.5)


def _draw_bar(figure: Figure, axes: Axes, left: float) -> None:
    """The colour scale below the correlations."""
    width, height = figure.get_size_inches()
    place = figure.add_axes((left / width, 0.27 / height, 1.2 / width, 0.07 / height), label="scale")
    bar = figure.colorbar(axes.images[0], cax=place, orientation="horizontal", ticks=[-1, 0, 1])
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=style.SMALL)
    figure.text((left + 1.3) / width, 0.305 / height, "r", size=style.BODY, va="center")
