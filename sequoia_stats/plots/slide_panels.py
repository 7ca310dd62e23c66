"""A slide, its tissue mask, its tiles, and some of the tiles in full resolution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sequoia_stats.errors import counted
from sequoia_stats.plots import _style as style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_GAP, _EDGE, _LABEL = 0.08, 0.05, 0.16  # inches between panels, at the edges, and for the title of a panel
_TALLEST = 3.4  # largest height of a panel, inches
#: Possible lengths of the scale bar, mm.
_BARS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)


@dataclass(frozen=True, eq=False)
class TiledSlide:
    """A slide with its mask and tiles, for `tiled_slide`; lengths are in mm, from the top left corner.

    Parameters
    ----------
    thumbnail : array of shape (height, width, 3), uint8
        The whole slide.
    mask : array of shape (height, width), bool
        Whether there is tissue; for the whole slide, at any resolution.
    size : tuple of float
        Width and height of the slide.
    corners : array of shape (tiles, 2)
        Top left corner (x, y) of each tile.
    side : float
        Side length of a tile.
    tiles : array of shape (n, pixels, pixels, 3), uint8
        Some of the tiles.
    """

    thumbnail: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    size: tuple[float, float]
    corners: NDArray[np.float64]
    side: float
    tiles: NDArray[np.uint8]


@style.styled
def tiled_slide(slide: TiledSlide, *, title: str = "") -> Figure:
    """Draw a slide, its tissue mask and its tiles side by side, and some tiles below.

    Parameters
    ----------
    slide : TiledSlide
        The slide, its mask and its tiles.
    title : str, optional
        Heading.

    Returns
    -------
    Figure
        183 mm wide. The axes have the labels ``slide``, ``mask``, ``chosen`` and ``tile``. The third has a collection
        ``tiles`` with a square for each tile.
    """
    wide = (style.DOUBLE_COLUMN - 2 * _EDGE - 2 * _GAP) / 3
    tall = min(wide * slide.size[1] / slide.size[0], _TALLEST)
    small = (style.DOUBLE_COLUMN - 2 * _EDGE - _GAP * (len(slide.tiles) - 1)) / max(len(slide.tiles), 1)
    small = min(small, 1.0)
    below = small + _LABEL + _GAP if len(slide.tiles) else 0.0
    figure = style.new_figure(
        style.DOUBLE_COLUMN, (0.25 if title else 0.0) + _LABEL + tall + below + 2 * _EDGE
    )
    top = style.add_header(figure, title, left=_EDGE) if title else _EDGE
    heading = {
        "slide": f"{slide.size[0]:.1f} × {slide.size[1]:.1f} mm",
        "mask": "Tissue mask",
        "chosen": f"{counted(len(slide.corners), 'tile')} of {1000 * slide.side:.0f} µm",
    }
    panels = {
        name: _panel(figure, _EDGE + i * (wide + _GAP), top, wide, tall, label=name, text=text)
        for i, (name, text) in enumerate(heading.items())
    }
    extent = (0, slide.size[0], slide.size[1], 0)
    panels["slide"].imshow(slide.thumbnail, extent=extent, interpolation="antialiased")
    panels["mask"].imshow(~slide.mask, extent=extent, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    panels["chosen"].imshow(slide.thumbnail, extent=extent, alpha=0.55, interpolation="antialiased")
    _squares(panels["chosen"], slide)
    _scale_bar(panels["slide"], slide.size)
    top += _LABEL + tall + _GAP
    for i, tile in enumerate(slide.tiles):
        text = f"{len(slide.tiles)} of the tiles" if i == 0 else ""
        axes = _panel(figure, _EDGE + i * (small + _GAP), top, small, small, label="tile", text=text)
        axes.imshow(tile, interpolation="antialiased")
    return figure


def _panel(
    figure: Figure, left: float, top: float, wide: float, tall: float, *, label: str, text: str
) -> Axes:
    """Axes without ticks and with a title, placed in inches from the edges of the figure."""
    width, height = figure.get_size_inches()
    if text:
        figure.text(left / width, 1 - (top + 0.01) / height, text, size=style.BODY, va="top")
    bottom = height - top - _LABEL - tall
    axes = figure.add_axes((left / width, bottom / height, wide / width, tall / height), label=label)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set(visible=True, color=style.GREY, linewidth=0.4)
    return axes


def _squares(axes: Axes, slide: TiledSlide) -> None:
    from matplotlib.collections import PolyCollection

    unit = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    squares = slide.corners[:, None, :] + slide.side * unit
    axes.add_collection(
        PolyCollection(list(squares), facecolors="none", edgecolors=style.BLUE, linewidths=0.4, gid="tiles"),
        autolim=False,
    )


def _scale_bar(axes: Axes, size: tuple[float, float]) -> None:
    """Draw a bar of round length, about a fifth of the slide."""
    length = max((bar for bar in _BARS if bar <= size[0] / 4), default=_BARS[0])
    x, y = 0.04 * size[0], 0.95 * size[1]
    axes.plot([x, x + length], [y, y], color=style.INK, linewidth=2, gid="scale")
    text = f"{length:g} mm" if length >= 1 else f"{1000 * length:g} µm"
    axes.text(x + length / 2, y - 0.015 * size[1], text, ha="center", va="bottom", size=style.SMALL)
