"""Maps of genes beside their truth, on one scale of percentiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sequoia_stats.plots import _style as style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from sequoia_stats.spatial.side_by_side import MapPair

_GAP, _EDGE, _LINE = 0.08, 0.08, 0.13  # between panels, at the edges, and of a line of text, inches
_KEY = 0.42  # height of the colour scale with its text, inches
_TALLEST = 2.2  # largest height of a panel, inches
#: The colours of percentiles, which colour-blind readers can order.
COLOURS = "viridis"


@style.styled
def map_and_truth(pairs: Sequence[MapPair], *, across: int | None = None, title: str = "") -> Figure:
    """Draw maps and their truths side by side; colours are percentiles, the same in all panels.

    Above each pair stand gene and slide, r with the 95% quantile of its null and its p, and the EMD beside that of a
    flat map.

    Parameters
    ----------
    pairs : sequence of MapPair
        What `sequoia_stats.spatial.map_pairs` gives.
    across : int, optional
        Number of pairs in a row of the figure: by default at most 3, or 2 with images.
    title : str, optional
        Heading.

    Returns
    -------
    Figure
        183 mm wide. The axes have the labels ``image``, ``predicted`` and ``measured`` and hold an image from 0 to 100
        each, but for the first; the last axes, ``scale``, are the key.
    """
    if not pairs:
        return style.empty_figure(title or "Maps", "There are no maps to draw.")
    kinds = [
        ["image", "predicted", "measured"] if pair.image is not None else ["predicted", "measured"]
        for pair in pairs
    ]
    across = across or min(len(pairs), 3 if all(pair.image is None for pair in pairs) else 2)
    wide = (style.DOUBLE_COLUMN - 2 * _EDGE) / across
    panels = max(map(len, kinds))
    panel = (wide - _GAP * panels) / panels
    ratio = max(pair.predicted.shape[0] / pair.predicted.shape[1] for pair in pairs)
    tall = min(panel * ratio, _TALLEST)
    rows = -(-len(pairs) // across)
    head = 0.25 if title else 0.0
    block = 4 * _LINE + tall + _GAP
    figure = style.new_figure(style.DOUBLE_COLUMN, head + rows * block + _KEY + _EDGE)
    style.add_header(figure, title, left=_EDGE)
    for i, (pair, names) in enumerate(zip(pairs, kinds, strict=True)):
        left, top = _EDGE + (i % across) * wide, _EDGE + head + (i // across) * block
        _words(figure, pair, left, top)
        for j, name in enumerate(names):
            axes = _panel(figure, left + j * (panel + _GAP), top + 4 * _LINE, panel, tall, name)
            _draw(axes, pair, name)
    _key(figure)
    return figure


def _words(figure: Figure, pair: MapPair, left: float, top: float) -> None:
    width, height = figure.get_size_inches()
    figure.text(left / width, 1 - top / height, f"{pair.gene}, {pair.slide}", va="top", weight="bold")
    chance = (
        "no null" if np.isnan(pair.p_null) else f"95% of null {pair.r_null_high:.2f}, p {pair.p_null:.2g}"
    )
    distance = "not found" if np.isnan(pair.emd) else f"{pair.emd:.3f}, flat {pair.emd_flat:.3f}"
    lines = (f"r {pair.r:.2f} ({chance})".replace("-", "−"), f"EMD {distance}")
    for i, line in enumerate(lines, start=1):
        figure.text(left / width, 1 - (top + i * _LINE) / height, line, va="top", size=style.SMALL)


def _panel(figure: Figure, left: float, top: float, wide: float, tall: float, name: str) -> Axes:
    width, height = figure.get_size_inches()
    axes = figure.add_axes(
        (left / width, (height - top - tall) / height, wide / width, tall / height), label=name, anchor="NW"
    )
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title(name, size=style.SMALL, pad=1.5, loc="left", color=style.GREY)
    for spine in axes.spines.values():
        spine.set(visible=True, color=style.GREY, linewidth=0.4)
    return axes


def _draw(axes: Axes, pair: MapPair, name: str) -> None:
    if name == "image" and pair.image is not None:
        axes.imshow(pair.image, interpolation="antialiased")
        return
    grid = pair.predicted if name == "predicted" else pair.measured
    axes.imshow(np.ma.masked_invalid(grid), cmap=COLOURS, vmin=0, vmax=100, interpolation="nearest")


def _key(figure: Figure) -> None:
    width, height = figure.get_size_inches()
    axes = figure.add_axes((_EDGE / width, 0.27 / height, 1.5 / width, 0.09 / height), label="scale")
    axes.imshow(
        np.linspace(0, 100, 256)[None], aspect="auto", cmap=COLOURS, vmin=0, vmax=100, extent=(0, 100, 0, 1)
    )
    axes.set_yticks([])
    axes.set_xticks([0, 50, 100])
    figure.text((_EDGE + 1.62) / width, 0.31 / height, "percentile of a tile on its slide", va="center")
