"""A chord diagram of the sets or genes of each level, drawn by pycirclize."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_stats.errors import InputError, listing
from sequoia_stats.plots import _style as style
from sequoia_stats.plots.text import set_names

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from pycirclize import Circos

_End = tuple[str, float, float]  # end of a ribbon: sector, start, stop
#: Columns that `chord_diagram` reads; the third may be absent.
_COLUMNS = ("source", "target", "weight")
_LONGEST = 36  # characters of a label
_LARGEST = 1.75  # largest radius of the circle, inches
_GAP, _BREAK = 1.2, 8.0  # gaps between neighbours and between the two sides, degrees
_TRACK, _LABEL = 95.0, 107.0  # where sectors and names begin, percent of the radius
_LINE = 0.115  # distance between names, inches


@style.styled
def chord_diagram(
    links: pd.DataFrame, *, most: int = 40, title: str = "", note: str = "", italic: Sequence[str] = ()
) -> Figure:
    """Draw links as ribbons between the two halves of a circle.

    Sources are on the right, clockwise in the order of their first rows, each with the colour of its ribbons;
    targets are on the left. The length of a sector is the sum of its ribbons' weights.

    Parameters
    ----------
    links : DataFrame
        A row per ribbon: ``source, target`` and optionally ``weight`` (positive, 1 by default). For enriched sets:
        list, set and overlap. For a signature: gene and pathway.
    most : int, optional
        Largest number of targets, chosen by number of ribbons and then by weight; the heading gives the total.
    title, note : str, optional
        Heading, and a line below it.
    italic : sequence of {"source", "target"}, optional
        Which names are genes and are written in italics.

    Returns
    -------
    Figure
        183 mm wide. Ribbons are patches with the gids ``link-<i>``, in the order of the drawn rows of `links`.

    Raises
    ------
    InputError
        If a column is missing, a pair is duplicated, a weight is not positive, or a name is both source and target.
    """
    chosen = _chosen(links, most)
    if chosen.links.empty:
        return style.empty_figure(title or "Shared sets", note or "There are no links to draw.")
    from pycirclize import Circos

    circos = Circos(chosen.sizes(), start=_BREAK / 2, space=chosen.gaps())
    names = _names(circos, chosen, set(italic))
    lines = [line for line in (note, chosen.statement()) if line]
    head = 0.08 + 0.18 * bool(title) + 0.135 * len(lines)
    axes = _axes(names, head)
    figure = style.figure_of(axes)
    style.add_header(figure, title, *lines, left=0.1)
    _draw(circos, axes, chosen)
    _write(axes, names)
    return figure


@dataclass(frozen=True)
class _Links:
    """The links to draw, and the total number of targets."""

    links: pd.DataFrame
    n_targets: int

    @property
    def sources(self) -> list[str]:
        return list(dict.fromkeys(self.links["source"]))

    @property
    def targets(self) -> list[str]:
        """Targets from top to bottom on the left, that is, counterclockwise."""
        return list(dict.fromkeys(self.links["target"]))[::-1]

    def sizes(self) -> dict[str, float]:
        """The length of every sector, sources first."""
        by_source, by_target = (self.links.groupby(column)["weight"].sum() for column in ("source", "target"))
        half = {name: float(by_source[name]) for name in self.sources}
        return half | {name: float(by_target[name]) for name in self.targets}

    def gaps(self) -> list[float]:
        """The gap after each sector, degrees."""
        n = [len(self.sources), len(self.targets)]
        gap = min(_GAP, 100 / sum(n))
        return [gap] * (n[0] - 1) + [_BREAK] + [gap] * (n[1] - 1) + [_BREAK / 2]

    def statement(self) -> str:
        shown = self.links["target"].nunique()
        return f"{shown} of {self.n_targets:,} with most links" if shown < self.n_targets else ""


@dataclass(frozen=True)
class _Names:
    """The names around the circle, clockwise from the top.

    Parameters
    ----------
    words : list of str
        The names.
    sector, placed : arrays
        Angle of the middle of each sector, and of its name, which may be moved away from its neighbours; radians.
    widths : array
        Widths of the names, inches.
    looks : list of dict
        Properties of the texts.
    radius : float
        Radius of the circle, inches.
    """

    words: list[str]
    sector: NDArray[np.float64]
    placed: NDArray[np.float64]
    widths: NDArray[np.float64]
    looks: list[dict[str, Any]]
    radius: float

    def reach(self) -> tuple[float, float, float, float]:
        """Extent of the names to the left, right, top and bottom of the centre, inches."""
        end = self.radius * _LABEL / 100 + self.widths + 0.05
        x, y = end * np.sin(self.placed), end * np.cos(self.placed)
        ends = (-x.min(), x.max(), y.max(), -y.min())
        left, right, top, bottom = (max(float(end), self.radius) for end in ends)
        return left, right, top, bottom


def _chosen(links: pd.DataFrame, most: int) -> _Links:
    style.check_columns(links, _COLUMNS[:2], "links")
    weight = links["weight"] if "weight" in links else pd.Series(1.0, links.index)
    pairs = links[["source", "target"]].astype(str).assign(weight=weight.astype(float))
    if (repeated := pairs.duplicated(["source", "target"])).any():
        raise InputError("a pair is duplicated", where=listing(pairs.loc[repeated, "target"]))
    if not (pairs["weight"] > 0).all():
        raise InputError("weights of links must be positive", fix="leave out pairs without overlap")
    if both := sorted(set(pairs["source"]) & set(pairs["target"])):
        raise InputError("a name cannot be both a source and a target", where=listing(both))
    by_target = pairs.groupby("target", sort=False)["weight"]
    sizes = pd.DataFrame({"n": by_target.size(), "total": by_target.sum()})
    order = sizes.sort_values(["n", "total"], ascending=False, kind="stable").index
    drawn = pairs[pairs["target"].isin(order[:most])]
    return _Links(drawn.reset_index(drop=True), len(order))


def _names(circos: Circos, chosen: _Links, italic: set[str]) -> _Names:
    """Place the names around the largest circle that leaves enough room for them."""
    labels = set_names(chosen.targets, longest=_LONGEST) | {name: name for name in chosen.sources}
    n = len(chosen.sources)
    kinds = ["source"] * n + ["target"] * len(chosen.targets)
    looks: list[dict[str, Any]] = [
        {"size": style.SMALL, "weight": "bold" if kind == "source" else "normal",
         "style": "italic" if kind in italic else "normal", "gid": kind}
        for kind in kinds
    ]  # fmt: skip
    words = [labels[sector.name] for sector in circos.sectors]
    probe = style.new_figure(style.DOUBLE_COLUMN, 1)
    widths = np.array(
        [style.text_width(probe, word, **look) for word, look in zip(words, looks, strict=True)]
    )
    angles = np.array([sector.x_to_rad(sector.center) for sector in circos.sectors])
    radius = _LARGEST
    while True:
        gap = _LINE / (radius * _LABEL / 100)
        placed = np.concatenate([_spread(angles[:n], gap), _spread(angles[n:], gap)])
        names = _Names(words, angles, placed, widths, looks, radius)
        if sum(names.reach()[:2]) + 0.1 <= style.DOUBLE_COLUMN or radius < 0.8:
            return names
        radius -= 0.05


def _spread(angles: NDArray[np.float64], gap: float) -> NDArray[np.float64]:
    """Rising angles moved as little as possible (least squares) so that neighbours are `gap` apart."""
    gap = min(gap, (math.pi - 0.05) / max(len(angles), 1))
    steps = np.arange(len(angles)) * gap
    blocks: list[list[float]] = []  # sum and number of neighbours that are moved together
    for value in angles - steps:
        blocks.append([value, 1])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            total, count = blocks.pop()
            blocks[-1][0] += total
            blocks[-1][1] += count
    return np.concatenate([np.full(int(count), total / count) for total, count in blocks]) + steps


def _axes(names: _Names, head: float) -> Axes:
    """Polar axes in a figure that is high enough for the names."""
    left, right, top, bottom = names.reach()
    width = style.DOUBLE_COLUMN
    height = head + top + bottom + 0.15
    x = left + 0.05 + (width - left - right - 0.1) / 2
    radius = names.radius
    figure = style.new_figure(width, height)
    box = ((x - radius) / width, (bottom + 0.1 - radius) / height, 2 * radius / width, 2 * radius / height)
    return figure.add_axes(box, projection="polar")


def _draw(circos: Circos, axes: Any, chosen: _Links) -> None:
    colours = dict(zip(chosen.sources, cycle(style.PALETTE), strict=False))
    for sector in circos.sectors:
        sector.add_track((_TRACK, 100)).axis(fc=colours.get(sector.name, style.GREY), ec="none")
    for link in _ribbons(chosen, circos):
        source = link[0][0]
        circos.link(*link, color=colours[source], alpha=0.45, lw=0, zorder=0.5, allow_twist=False)
    circos.plotfig(ax=axes)
    axes.set_rlim(0, 100)
    ribbons = [patch for patch in axes.patches if patch.get_zorder() == 0.5]
    for i, patch in enumerate(
        ribbons
    ):  # pycirclize gives random ids, but files must always have the same bytes
        patch.set_gid(f"link-{i}")


def _write(axes: Axes, names: _Names) -> None:
    """Write the names, each with a line to its sector."""
    rows = zip(names.words, names.sector, names.placed, names.looks, strict=True)
    for word, sector, placed, look in rows:
        axes.plot(
            [sector, sector, placed], [100.5, 102, _LABEL - 1], color=style.GREY, linewidth=0.4, clip_on=False,
            gid="leader",
        )  # fmt: skip
        right = placed % (2 * math.pi) < math.pi
        turn = 90 - math.degrees(placed) if right else 270 - math.degrees(placed)
        axes.text(
            placed, _LABEL, word, rotation=turn, rotation_mode="anchor", ha="left" if right else "right",
            va="center_baseline", clip_on=False, **look,
        )  # fmt: skip


def _ribbons(chosen: _Links, circos: Circos) -> list[tuple[_End, _End]]:
    """Both ends of every ribbon; within a sector, ribbons are ordered so that they do not cross."""
    rank = {sector.name: i for i, sector in enumerate(circos.sectors)}
    links = chosen.links.assign(s=chosen.links["source"].map(rank), t=chosen.links["target"].map(rank))
    ends: list[list[_End]] = []
    for own, other in (("source", "t"), ("target", "s")):
        ordered = links.sort_values(other, ascending=False, kind="stable")
        stop = ordered.groupby(own)["weight"].cumsum().reindex(links.index)
        ends.append(list(zip(links[own], stop - links["weight"], stop, strict=True)))
    return list(zip(*ends, strict=True))
