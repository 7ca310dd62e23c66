"""Colours of modules of genes, the same in all figures, and their key."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import cycle
from typing import TYPE_CHECKING

from sequoia_stats.plots import _style as style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Okabe and Ito's colours; they repeat if there are more modules.
_COLOURS = (*style.PALETTE[:6], "#F0E442", style.INK, style.GREY)
_BOX, _LINE = 0.09, 0.15  # side of a box of the key, height of a line, inches


def colours_of(modules: Iterable[str]) -> dict[str, str]:
    """A colour for each module, in their order; one that is not among them has `plots._style.PALE`."""
    return dict(zip(modules, cycle(_COLOURS), strict=False))


def key_lines(figure: Figure, words: Iterable[str], width: float) -> list[list[tuple[str, float]]]:
    """The words of a key in lines of at most this width in inches, each with its place from the left."""
    lines: list[list[tuple[str, float]]] = [[]]
    left = 0.0
    for word in words:
        wide = _BOX + 0.06 + style.text_width(figure, word, size=style.SMALL) + 0.14
        if lines[-1] and left + wide > width:
            lines.append([])
            left = 0.0
        lines[-1].append((word, left))
        left += wide
    return lines


def key_height(lines: list[list[tuple[str, float]]]) -> float:
    """Height of a key in inches."""
    return len(lines) * _LINE


def draw_key(
    figure: Figure,
    lines: list[list[tuple[str, float]]],
    colours: dict[str, str],
    *,
    left: float,
    top: float,
) -> None:
    """Draw a box and a word for each module; left and top in inches from the corner of the figure."""
    from matplotlib.patches import Rectangle

    width, height = figure.get_size_inches()
    shades = iter(colours.values())
    for line in lines:
        for word, place in line:
            x, y = (left + place) / width, 1 - (top + _LINE / 2) / height
            figure.add_artist(
                Rectangle(
                    (x, y - _BOX / 2 / height), _BOX / width, _BOX / height, facecolor=next(shades),
                    transform=figure.transFigure, gid="key",
                )
            )  # fmt: skip
            figure.text(
                x + (_BOX + 0.06) / width, y, word, size=style.SMALL, va="center_baseline", gid="module"
            )
        top += _LINE
