"""Maps of subtypes: each tile or spot in the colour of its module."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sequoia_stats.errors import InputError, counted
from sequoia_stats.plots import _module_colours as module_colours
from sequoia_stats.plots import _style as style
from sequoia_stats.plots.text import shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import Collection
    from matplotlib.figure import Figure

    from sequoia_stats.spatial.modules import SubtypeMap

_EDGE, _GAP, _LABEL = 0.08, 0.12, 0.3  # inches; room for two lines above a panel
_COLUMNS = 4  # panels in a row
_BELOW = 0.07  # room for the scale bar below the tissue, in widths of the tissue
#: Beyond this number of tiles the marks of a panel are pixels in the SVG too.
_MANY = 3000
_BARS = (50, 100, 200, 500, 1000, 2000, 5000, 10000)  # lengths of the scale bar, µm


@style.styled
def subtype_maps(slides: Sequence[SubtypeMap], *, most: int = 24, title: str = "") -> Figure:
    """Draw the subtype of each tile or spot, a panel per slide.

    Parameters
    ----------
    slides : sequence of SubtypeMap
        Slides with the same modules.
    most : int, optional
        Largest number of slides; the heading gives the total.
    title : str, optional
        Heading.

    Returns
    -------
    Figure
        183 mm wide, or 89 mm for one slide. Each panel has the label of its slide and a collection with the gid
        ``subtypes``; a tile without a subtype is pale. Panels have their own scale, with a bar.

    Raises
    ------
    InputError
        If there is no slide, or the modules of two slides differ.
    """
    if not slides:
        raise InputError("there is no slide to draw")
    modules = slides[0].modules
    if any(one.modules != modules for one in slides):
        raise InputError("the slides have different modules", fix="draw them apart")
    drawn = slides[:most]
    colours = module_colours.colours_of(modules)
    wide = style.SINGLE_COLUMN if len(drawn) == 1 else style.DOUBLE_COLUMN
    columns = min(len(drawn), _COLUMNS)
    side = (wide - 2 * _EDGE - (columns - 1) * _GAP) / columns
    rows = -(-len(drawn) // columns)
    figure = style.new_figure(wide, 1.0)
    key = module_colours.key_lines(figure, modules, wide - 2 * _EDGE)
    lines = [f"{len(drawn)} of {counted(len(slides), 'slide')}"] if len(drawn) < len(slides) else []
    header = 0.06 + (0.17 if title else 0) + 0.135 * len(lines) + 0.03
    body = header + module_colours.key_height(key) + 0.05
    figure.set_size_inches(wide, body + rows * (side + _LABEL) + _EDGE)
    style.add_header(figure, title, *lines, left=_EDGE)
    module_colours.draw_key(figure, key, colours, left=_EDGE, top=header)
    for place, one in enumerate(drawn):
        row, column = divmod(place, columns)
        axes = _panel(figure, one, _EDGE + column * (side + _GAP), body + row * (side + _LABEL), side)
        axes.add_collection(_marks(one, colours), autolim=False)
        _scale_bar(axes)
    return figure


def _panel(figure: Figure, one: SubtypeMap, left: float, top: float, side: float) -> Axes:
    """A square panel with the name of its slide and the number of its tiles above, in µm, y downwards."""
    width, height = figure.get_size_inches()
    noun = "tile" if one.shape == "square" else "spot"
    known = sum(one.counts.values())
    name = style.fitting(figure, shortened(one.slide, 40), side, size=style.BODY, weight="bold")
    heading: dict[str, Any] = {"size": style.BODY, "va": "top"}
    figure.text(left / width, 1 - (top + 0.02) / height, name, weight="bold", **heading)
    figure.text(left / width, 1 - (top + 0.15) / height, counted(known, noun), color=style.GREY, **heading)
    bottom = height - top - _LABEL - side
    axes = figure.add_axes((left / width, bottom / height, side / width, side / height), label=one.slide)
    low = one.centres_um.min(axis=0) - one.side_um
    high = one.centres_um.max(axis=0) + one.side_um
    high[1] += _BELOW * (high - low).max()
    middle, half = (low + high) / 2, float((high - low).max()) / 2 or 1.0
    axes.set(xlim=(middle[0] - half, middle[0] + half), ylim=(middle[1] + half, middle[1] - half))
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set(visible=True, color=style.GREY, linewidth=0.4)
    return axes


def _marks(one: SubtypeMap, colours: dict[str, str]) -> Collection:
    """A square or circle for each tile or spot, in the colour of its subtype."""
    from matplotlib.collections import PatchCollection, PolyCollection
    from matplotlib.patches import Circle

    faces = [colours.get(label, style.PALE) for label in one.labels.tolist()]
    look: dict[str, Any] = {
        "facecolors": faces,
        "linewidths": 0,
        "gid": "subtypes",
        "rasterized": len(faces) > _MANY,
    }
    if one.shape == "circle":
        radius = one.side_um / 2 or 25.0
        return PatchCollection([Circle((x, y), radius) for x, y in one.centres_um.tolist()], **look)
    corners = one.side_um / 2 * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    return PolyCollection(list(one.centres_um[:, None] + corners), **look)


def _scale_bar(axes: Axes) -> None:
    """A bar of round length, at most a quarter of the panel, in its lower left corner."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    wide = right - left
    length = max((bar for bar in _BARS if bar <= wide / 4), default=_BARS[0])
    x, y = left + 0.04 * wide, bottom - 0.03 * (bottom - top)
    axes.plot([x, x + length], [y, y], color=style.INK, linewidth=1.5, gid="scale")
    text = f"{length / 1000:g} mm" if length >= 1000 else f"{length} µm"
    axes.text(x + length + 0.02 * wide, y, text, size=style.SMALL, va="center")
