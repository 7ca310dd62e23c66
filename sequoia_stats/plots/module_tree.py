"""The parts of networks as nested boxes, from top to bottom in the direction of the data flow."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from sequoia_stats.plots._style import (
    BLUE,
    BODY,
    DOUBLE_COLUMN,
    GREY,
    INK,
    PALE,
    SINGLE_COLUMN,
    SMALL,
    TITLE,
    figure_of,
    new_figure,
    styled,
    widest,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Inches: height of a part, of a container's heading, and the space around and between them.
_PART, _HEAD, _GAP = 0.24, 0.22, 0.06


@dataclass
class _Node:
    """A part of a network, and the parts inside it."""

    row: Any
    parts: list[_Node] = field(default_factory=list)

    @property
    def height(self) -> float:
        """Height in inches, including the gap below."""
        inner = sum(part.height for part in self.parts)
        return (_HEAD + inner + 2 * _GAP if self.parts else _PART) + _GAP


@styled
def network_parts(tree: pd.DataFrame) -> Figure:
    """Draw the parts of networks as nested boxes, with a column for each network.

    Parameters
    ----------
    tree : DataFrame
        A row per part, containers before their parts: ``network`` (title of the column), ``depth`` (0 is the network
        itself), ``name``, ``module`` (its class), ``repeats`` (how often it occurs there), ``parameters`` (of all
        repeats), ``output`` (shape as text; empty if the part itself is never called).

    Returns
    -------
    Figure
        Numbers of parameters are to the right of each part.
    """
    columns = {str(title): _nested(rows) for title, rows in tree.groupby("network", sort=False)}
    tall = max(root.height for root in columns.values())
    width = SINGLE_COLUMN if len(columns) == 1 else DOUBLE_COLUMN
    figure = new_figure(width, tall + 0.35)
    for place, (title, root) in enumerate(columns.items()):
        axes = figure.add_axes((place / len(columns), 0, 1 / len(columns), 1))
        axes.set(xlim=(0, width / len(columns)), ylim=(tall + 0.35, 0))
        axes.set_axis_off()
        axes.text(0.08, 0.08, title, size=TITLE, weight="bold", va="top", gid="network")
        _draw(axes, root, 0.08, 0.3, width / len(columns) - 0.08, 0)
    return figure


def _nested(rows: pd.DataFrame) -> _Node:
    """The tree of a network from its rows and their depths."""
    path: list[_Node] = []
    for row in rows.itertuples():
        node = _Node(row)
        del path[int(str(row.depth)) :]
        if path:
            path[-1].parts.append(node)
        path.append(node)
    return path[0]


def _draw(axes: Axes, node: _Node, left: float, top: float, right: float, numbers: float) -> None:
    """Draw a part between two edges (inches) with its own parts; `numbers` is the room for parameter counts."""
    from matplotlib.patches import Rectangle

    row, height = node.row, node.height - _GAP
    container = bool(node.parts)
    axes.add_patch(
        Rectangle(
            (left, top), right - left, height, gid="container" if container else "part", linewidth=0.6,
            facecolor="white" if container else PALE, edgecolor=BLUE if row.repeats > 1 else GREY,
        )
    )  # fmt: skip
    middle = top + (_HEAD if container else _PART) / 2
    times = f" × {row.repeats}" if row.repeats > 1 else ""
    axes.text(left + 0.05, middle, f"{row.name}{times}", size=BODY, va="center", color=INK, gid="name")
    axes.text(
        right - 0.05, middle, _count(node), size=SMALL, va="center", ha="right", color=INK, gid="parameters"
    )
    if row.output and not container:  # the output of a container is that of its last part
        axes.text(
            right - numbers - 0.12,
            middle,
            row.output,
            size=SMALL,
            va="center",
            ha="right",
            color=GREY,
            gid="output",
        )
    y = top + _HEAD + _GAP
    numbers = widest(figure_of(axes), map(_count, node.parts), size=SMALL)
    for part in node.parts:
        _draw(axes, part, left + 0.06, y, right - 0.06, numbers)
        y += part.height


def _count(node: _Node) -> str:
    return f"{node.row.parameters:,}" if node.row.parameters else "–"
