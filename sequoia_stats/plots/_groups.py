"""Groups along an axis, with a place for every member: levels and models, or levels and collections."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sequoia_stats.plots import _style as style
from sequoia_stats.plots.text import shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_FILLED = 0.8  # share of a group's width taken by its members
_NARROW = 8  # places that fit into a single column
_LONGEST = 32  # letters of a rotated name


@dataclass(frozen=True)
class Labels:
    """Names as they are written below an axis.

    Parameters
    ----------
    words : tuple of str
        One for each group.
    turned : bool
        Whether they are written from bottom to top.
    height : float
        Height that they need, inches.
    """

    words: tuple[str, ...]
    turned: bool
    height: float


@dataclass(frozen=True)
class Groups:
    """The position of each member of each group.

    Parameters
    ----------
    names, members : tuple of str
        Groups from left to right, and the members within each.
    """

    names: tuple[str, ...]
    members: tuple[str, ...]

    @classmethod
    def of(cls, names: Iterable[object], members: Iterable[object]) -> Groups:
        """Groups and members in order of first appearance."""
        return cls(tuple(dict.fromkeys(map(str, names))), tuple(dict.fromkeys(map(str, members))))

    @property
    def width(self) -> float:
        """Width of a member's place; it is limited, so that few groups do not fill the figure."""
        return min(_FILLED, _FILLED * len(self.names) / _NARROW * 2) / len(self.members)

    @property
    def figure_width(self) -> float:
        """A single journal column if all places fit, otherwise a double column; inches."""
        places = len(self.names) * len(self.members)
        return style.SINGLE_COLUMN if places <= _NARROW else style.DOUBLE_COLUMN

    def x(self, name: object, member: object) -> float:
        """The middle of a member's place."""
        middle = (len(self.members) - 1) / 2
        return self.names.index(str(name)) + (self.members.index(str(member)) - middle) * self.width

    def colour(self, member: object) -> str:
        """The colour of a member."""
        return style.PALETTE[self.members.index(str(member)) % len(style.PALETTE)]

    def labels(self, figure: Figure, inches: float) -> Labels:
        """The names as written below an axis of a given width: broken into lines at spaces, or else rotated."""
        place = 0.94 * inches / len(self.names)
        lines = [_broken(figure, name, place) for name in self.names]
        if all(style.widest(figure, line) <= place for line in lines):
            return Labels(tuple("\n".join(line) for line in lines), False, 0.12 * max(map(len, lines)))
        short = tuple(shortened(name, _LONGEST) for name in self.names)
        return Labels(short, True, style.widest(figure, short))

    def write_names(self, axes: Axes, labels: Labels) -> None:
        """Write names below the middle of the groups, and end the axis at the outermost ones."""
        axes.set_xticks(range(len(self.names)), labels.words)
        axes.tick_params(axis="x", length=0, pad=3, labelrotation=90 if labels.turned else 0)
        axes.set_xlim(-0.5, len(self.names) - 0.5)

    def legend_height(self, figure: Figure) -> float:
        """Height of the legend in a figure of this width, inches; 0 for a single member."""
        if len(self.members) == 1:
            return 0.0
        return 0.15 * -(-len(self.members) // self._legend_columns(figure)) + 0.06

    def legend(self, figure: Figure, *, top: float) -> None:
        """Draw the legend of colours, starting `top` inches below the edge; nothing for a single member."""
        if len(self.members) == 1:
            return
        from matplotlib.patches import Patch

        width, height = figure.get_size_inches()
        handles = [Patch(facecolor=self.colour(member), label=member) for member in self.members]
        figure.legend(
            handles=handles, loc="upper left", bbox_to_anchor=(0.1 / width, 1 - top / height),
            ncols=self._legend_columns(figure), borderaxespad=0, borderpad=0, handlelength=0.8,
            handleheight=0.8, columnspacing=1.2, handletextpad=0.4, labelspacing=0.35,
        )  # fmt: skip

    def _legend_columns(self, figure: Figure) -> int:
        place = style.widest(figure, self.members) + 0.32
        return max(1, min(len(self.members), int((figure.get_size_inches()[0] - 0.2) / place)))


def _broken(figure: Figure, name: str, inches: float) -> list[str]:
    """A name in lines of at most this width, if its words allow it."""
    lines: list[str] = []
    for word in name.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and style.text_width(figure, longer) <= inches:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines or [name]
