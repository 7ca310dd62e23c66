"""Slides with the tiles of their grid, and windows that gather some of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sequoia_stats.errors import counted
from sequoia_stats.plots import _style as style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_GAP, _EDGE, _LABEL = 0.08, 0.05, 0.3  # between panels, at the edges, and for two lines above a panel, inches
_ACROSS = 4  # panels in a row


@dataclass(frozen=True, eq=False)
class SlideWindows:
    """A slide with its tiles and some windows; lengths are in mm, from the top left corner.

    Parameters
    ----------
    name : str
        Name of the slide.
    thumbnail : array of shape (height, width, 3), uint8
        The whole slide.
    size : tuple of float
        Width and height of the slide.
    corners : array of shape (tiles, 2)
        Top left corner (x, y) of each tile.
    side : float
        Side length of a tile.
    windows : sequence of array of shape (places, 2)
        For each window the top left corner of each of its places, also of those without a tile.
    n_windows : int
        Number of all windows of the slide.
    """

    name: str
    thumbnail: NDArray[np.uint8]
    size: tuple[float, float]
    corners: NDArray[np.float64]
    side: float
    windows: Sequence[NDArray[np.float64]]
    n_windows: int


@style.styled
def slide_windows(slides: Sequence[SlideWindows], *, title: str = "") -> Figure:
    """Draw slides with their tiles, and some of the windows that networks see.

    Parameters
    ----------
    slides : sequence of SlideWindows
        The slides.
    title : str, optional
        Heading.

    Returns
    -------
    Figure
        183 mm wide. Each panel has the label of its slide, a collection ``tiles`` with a square for each tile, a
        collection ``holes`` with one for each place of a window without a tile, and a line ``window`` around each
        window.
    """
    if not slides:
        return style.empty_figure(title or "Slides", "There are no slides to draw.")
    across = min(_ACROSS, len(slides))
    wide = (style.DOUBLE_COLUMN - 2 * _EDGE - (across - 1) * _GAP) / across
    tall = wide * max(slide.size[1] / slide.size[0] for slide in slides)
    rows = -(-len(slides) // across)
    head = 0.25 if title else 0.0
    figure = style.new_figure(style.DOUBLE_COLUMN, head + rows * (tall + _LABEL + _GAP) + _EDGE)
    style.add_header(figure, title, left=_EDGE)
    width, height = figure.get_size_inches()
    for i, slide in enumerate(slides):
        left = _EDGE + (i % across) * (wide + _GAP)
        top = _EDGE + head + (i // across) * (tall + _LABEL + _GAP)
        text = f"{counted(len(slide.corners), 'tile')}, {counted(slide.n_windows, 'window')}"
        figure.text(left / width, 1 - top / height, slide.name, va="top", weight="bold")
        figure.text(left / width, 1 - (top + 0.14) / height, text, va="top", size=style.SMALL)
        place = (left / width, 1 - (top + _LABEL + tall) / height, wide / width, tall / height)
        _draw(figure.add_axes(place, label=slide.name), slide)
    return figure


def _draw(axes: Axes, slide: SlideWindows) -> None:
    extent = (0, slide.size[0], slide.size[1], 0)
    axes.imshow(slide.thumbnail, extent=extent, alpha=0.75, interpolation="antialiased")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set(visible=True, color=style.GREY, linewidth=0.4)
    _squares(axes, slide.corners, slide.side, "tiles", facecolors="none", edgecolors=style.BLUE)
    tiles = np.round(slide.corners / slide.side).astype(int).tolist()
    occupied = set(map(tuple, tiles))
    holes = [
        place
        for window in slide.windows
        for place, key in zip(window, np.round(window / slide.side).astype(int).tolist(), strict=True)
        if tuple(key) not in occupied
    ]
    _squares(
        axes, np.reshape(holes, (-1, 2)), slide.side, "holes", facecolors=style.PALE, edgecolors=style.GREY
    )
    for window in slide.windows:
        (x0, y0), (x1, y1) = window.min(axis=0), window.max(axis=0) + slide.side
        axes.plot(
            [x0, x1, x1, x0, x0],
            [y0, y0, y1, y1, y0],
            color=style.VERMILLION,
            linewidth=1.2,
            gid="window",
            clip_on=False,
        )
    axes.set_xlim(0, slide.size[0])
    axes.set_ylim(slide.size[1], 0)


def _squares(axes: Axes, corners: NDArray[np.float64], side: float, gid: str, **looks: Any) -> None:
    from matplotlib.collections import PolyCollection

    unit = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    squares = list(corners[:, None, :] + side * unit)
    axes.add_collection(PolyCollection(squares, linewidths=0.3, gid=gid, **looks), autolim=False)
