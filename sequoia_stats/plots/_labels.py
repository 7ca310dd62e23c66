"""Names beside points, placed so that they cover neither other names nor points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sequoia_stats.plots import _style as style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.transforms import Bbox

# positions around a point by preference: offset in points, and the side of the text that touches it
_PLACES = (
    (4, 0, "left", "center"),
    (-4, 0, "right", "center"),
    (0, 4, "center", "bottom"),
    (0, -4, "center", "top"),
    (3, 3, "left", "bottom"),
    (3, -3, "left", "top"),
    (-3, 3, "right", "bottom"),
    (-3, -3, "right", "top"),
)


def place_labels(axes: Axes, x: NDArray[np.float64], y: NDArray[np.float64], labels: Sequence[str]) -> None:
    """Write a label beside every point, starting with the most crowded point.

    The first free one of eight positions around a point is used, or the one that covers least. The limits and the
    size of the axes must be final.
    """
    from matplotlib.transforms import Bbox

    figure: Any = axes.figure
    renderer = figure.canvas.get_renderer()
    points = axes.transData.transform(np.column_stack([x, y]))
    radius = 3 * figure.dpi / 72
    taken = [Bbox.from_extents(*(point - radius), *(point + radius)) for point in points]
    inside = axes.get_window_extent(renderer).padded(-2)  # away from the lines of the axes
    distance = np.abs(points[:, None] - points[None]).sum(axis=2)
    for i in np.argsort(np.sort(distance, axis=1)[:, 1:4].sum(axis=1), kind="stable"):
        best = None
        for dx, dy, ha, va in _PLACES:
            note = axes.annotate(
                labels[i], (x[i], y[i]), (dx, dy), textcoords="offset points", ha=ha, va=va, size=style.SMALL,
                annotation_clip=False, gid="level",
            )  # fmt: skip
            box = note.get_window_extent(renderer)
            others = [other for j, other in enumerate(taken) if j != i]
            cost = (
                sum(_shared(box, other) for other in others) + box.width * box.height - _shared(box, inside)
            )
            if best is None or cost < best[0]:
                if best is not None:
                    best[1].remove()
                best = (cost, note, box)
            else:
                note.remove()
            if cost <= 0:
                break
        if best is not None:
            taken.append(best[2])


def _shared(a: Bbox, b: Bbox) -> float:
    """The area shared by two boxes."""
    width = min(a.x1, b.x1) - max(a.x0, b.x0)
    height = min(a.y1, b.y1) - max(a.y0, b.y0)
    return float(max(width, 0) * max(height, 0))
