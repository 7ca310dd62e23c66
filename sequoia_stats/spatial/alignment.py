"""Whether a truth lies on the tissue of a map: another slide, swapped axes and contradicting scales are found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from sequoia_base.flow import Flow
from sequoia_base.results import Result
from sequoia_stats.errors import InputError, counted
from sequoia_stats.types.arrays import Floats

if TYPE_CHECKING:
    from sequoia_base.maps import Map
    from sequoia_stats.types.spatial_truth import SpatialTruth

#: Share of spots on tiles below which a truth is refused, and below which it is doubted.
REFUSED, DOUBTED = 0.5, 0.85
#: The axes are swapped if that puts this much more of the spots on tiles.
_SWAPPED = 0.05
#: Scales, and sizes of images, that differ by less are one.
_SCALE = 0.05
#: Share of spots that may lie off the slide; they are left out.
_OFF = 0.05


@dataclass(frozen=True, eq=False)
class SpotAlignment(Result):
    """How the spots of a truth lie on the tiles of a map.

    Attributes
    ----------
    overlap : float
        Share of the spots whose centre is on a tile.
    overlap_swapped : float
        The same with x and y of the spots exchanged.
    spots : array of int64
        Numbers of the spots that are on the slide.
    notes : tuple of str
        What is odd, in sentences.
    flow : Flow
        Spots that are left out.
    """

    overlap: float
    overlap_swapped: float
    spots: NDArray[np.int64] = field(metadata={"show": False})
    notes: tuple[str, ...] = ()
    flow: Flow = field(default_factory=Flow, metadata={"show": False})


def align_spots(truth: SpatialTruth, predicted: Map, *, trust_positions: bool = False) -> SpotAlignment:
    """Check that spots lie on the tiles of a map; both are placed in µm.

    Parameters
    ----------
    truth : SpatialTruth
        The measured section.
    predicted : Map
        The map.
    trust_positions : bool
        Do not refuse a truth for its positions; the reasons become notes.

    Returns
    -------
    SpotAlignment

    Raises
    ------
    InputError
        If fewer than half of the spots are on tiles, or fewer than 85% and the names differ; if more are with x and y
        exchanged; if the scales contradict each other; if more than 5% of the spots are off the slide.
    """
    on_tiles = _OnTiles(predicted)
    overlap, swapped = on_tiles.share(truth.centres_um), on_tiles.share(truth.centres_um[:, ::-1])
    where = f"map of {predicted.slide}, truth {truth.name}"
    reasons = [
        _scales(truth, predicted, on_tiles, overlap),
        _axes(overlap, swapped),
        _other_slide(truth, predicted, overlap),
    ]
    on_slide = _on_slide(truth, predicted)
    off = truth.n - int(on_slide.sum())
    if off > _OFF * truth.n:
        reasons.append((f"{off} of {truth.n} spots are off the slide", "check the scale: --mpp X"))
    found = [reason for reason in reasons if reason]
    if found and not trust_positions:
        what, fix = found[0]
        raise InputError(what, where=where, fix=fix + "; --trust-positions uses the truth as it is")
    notes = [what for what, _ in found]
    if not found and overlap < DOUBTED:
        notes.append(f"only {_share(overlap)} of the spots are on tiles of the map")
    flow = Flow()
    if off:
        flow.add(
            "spots: on the slide",
            truth.n,
            truth.n - off,
            f"{counted(off, 'spot is', 'spots are')} off the slide",
        )
    return SpotAlignment(overlap, swapped, np.flatnonzero(on_slide), tuple(notes), flow)


class _OnTiles:
    """The share of points that are on tiles."""

    def __init__(self, predicted: Map) -> None:
        self.tree = KDTree(predicted.centres_um)
        self.half = predicted.tile_um / 2

    def share(self, points: Floats) -> float:
        distance, _ = self.tree.query(points, p=np.inf, distance_upper_bound=self.half * (1 + 1e-9))
        return float(np.isfinite(distance).mean())


def _scales(
    truth: SpatialTruth, predicted: Map, on_tiles: _OnTiles, overlap: float
) -> tuple[str, str] | None:
    """The truth gives the slide another scale: its pixels fit the tiles better than its µm do."""
    mpp = float(predicted.about.get("slide_mpp", 0) or 0)
    if not mpp or abs(truth.mpp / mpp - 1) <= _SCALE:
        return None
    size = (int(predicted.about.get("slide_width", 0)), int(predicted.about.get("slide_height", 0)))
    same_image = truth.image_size is not None and all(size) and _alike(truth.image_size, size)
    if not same_image and on_tiles.share(truth.centres_px * mpp) <= overlap:
        return None  # another image of the same section, of its own scale
    what = f"the slide has {mpp:.4g} µm per pixel in the map and {truth.mpp:.4g} in the truth"
    return what, f"--mpp {mpp:.4g} if the map is right"


def _alike(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return all(abs(a / b - 1) <= 0.01 for a, b in zip(one, other, strict=True))


def _axes(overlap: float, swapped: float) -> tuple[str, str] | None:
    if swapped < max(overlap + _SWAPPED, REFUSED):
        return None
    what = f"{_share(overlap)} of the spots are on tiles of the map, and {_share(swapped)} with x and y exchanged"
    return what, "--swap-xy"


def _other_slide(truth: SpatialTruth, predicted: Map, overlap: float) -> tuple[str, str] | None:
    one, other = truth.name.lower(), str(predicted.slide).lower()
    named_alike = one in other or other in one
    if overlap >= (REFUSED if named_alike else DOUBTED):
        return None
    what = f"only {_share(overlap)} of the spots are on tiles of the map: the truth is of another slide, or its scale "
    return what + "is wrong", "give the truth of this slide, or --mpp X"


def _on_slide(truth: SpatialTruth, predicted: Map) -> NDArray[np.bool_]:
    size = np.array(
        [predicted.about.get("slide_width", 0), predicted.about.get("slide_height", 0)], np.float64
    )
    mpp = float(predicted.about.get("slide_mpp", 0) or 0)
    limit = size * mpp if size.all() and mpp else np.full(2, np.inf)
    inside = (truth.centres_um >= 0) & (truth.centres_um <= limit)
    return np.asarray(inside.all(axis=1))


def _share(value: float) -> str:
    return f"{100 * value:.0f}%"
