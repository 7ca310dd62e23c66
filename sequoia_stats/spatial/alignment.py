"""Whether a truth lies on the tissue of a map: another slide, swapped axes and contradicting scales are found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from sequoia_base.flow import Flow
from sequoia_base.results import Result
from sequoia_stats.errors import InputError, counted
from sequoia_stats.spatial.spots_to_tiles import default_cap
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
        _axes(overlap, swapped, is_swapped=truth.swapped),
        _other_slide(truth, predicted, overlap),
    ]
    on_slide = _on_slide(truth, predicted)
    off = truth.n - int(on_slide.sum())
    if off > _OFF * truth.n:
        reasons.append((f"{off} of {truth.n} spots are off the slide", "check the scale: --mpp X"))
    found = [reason for reason in reasons if reason]
    if found and not trust_positions:
        what, fix = found[0]
        trust = "" if "--trust" in fix else "; --trust-positions uses the truth as it is"
        raise InputError(what, where=where, fix=fix + trust)
    notes = [what for what, _ in found]
    if not found and overlap < DOUBTED:
        notes.append(f"only {_share(overlap)} of the spots are on tiles of the map")
    if (near := _share_near(predicted, truth)) < REFUSED:
        notes.append(
            f"only {_share(near)} of the tiles of the map have a spot near: the truth is of a part of it"
        )
    flow = Flow()
    if off:
        flow.add(
            "spots: on the slide",
            truth.n,
            truth.n - off,
            f"{counted(off, 'spot is', 'spots are')} off the slide",
        )
    return SpotAlignment(overlap, swapped, np.flatnonzero(on_slide), tuple(notes), flow)


def usable_spots(
    truth: SpatialTruth, maps: Sequence[Map], flow: Flow, *, trust_positions: bool = False
) -> tuple[SpatialTruth, list[SpotAlignment]]:
    """The spots of a truth that maps can be judged on: on the slide of each map, and with counts.

    Parameters
    ----------
    truth : SpatialTruth
        The measured section.
    maps : sequence of Map
        Maps of its slide.
    flow : Flow
        The ledger, which gets lines.
    trust_positions : bool
        As in `align_spots`.

    Returns
    -------
    truth : SpatialTruth
        The section with these spots.
    aligned : list of SpotAlignment
        How its spots lie on each map.

    Raises
    ------
    InputError
        As `align_spots`; if no spot has a count.
    """
    found = []
    for predicted in maps:
        aligned = align_spots(truth, predicted, trust_positions=trust_positions)
        flow.extend(aligned.flow)
        if len(aligned.spots) < truth.n:
            truth = truth.subset(np.isin(np.arange(truth.n), aligned.spots), "off the slide")
        found.append(aligned)
    has_counts = truth.totals > 0
    if truth.counts is not None and not has_counts.all():
        empty = int((~has_counts).sum())
        if empty == truth.n:
            raise InputError("no spot has a count", where=truth.name, fix="give raw counts")
        flow.add("spots: with counts", truth.n, truth.n - empty, f"{counted(empty, 'spot')} without a count")
        truth = truth.subset(has_counts, "without a count")
    return truth, found


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


def _axes(overlap: float, swapped: float, *, is_swapped: bool) -> tuple[str, str] | None:
    if swapped < max(overlap + _SWAPPED, REFUSED):
        return None
    what = f"{_share(overlap)} of the spots are on tiles of the map, and {_share(swapped)} with x and y exchanged"
    return what, "leave out --swap-xy" if is_swapped else "--swap-xy"


def _other_slide(truth: SpatialTruth, predicted: Map, overlap: float) -> tuple[str, str] | None:
    one, other = truth.name.lower(), str(predicted.slide).lower()
    named_alike = one in other or other in one
    if overlap >= (REFUSED if named_alike else DOUBTED):
        return None
    if _share_near(predicted, truth) >= DOUBTED:
        n = counted(len(predicted.places), "tile lies", "tiles lie")
        what = f"only {_share(overlap)} of the spots are on tiles of the map, whose {n} among them: the map is of a "
        return what + "region, or the truth is of another slide", "if it is of a region, --trust-positions"
    what = f"only {_share(overlap)} of the spots are on tiles of the map: the truth is of another slide, or its scale "
    return what + "is wrong", "give the truth of this slide, or --mpp X"


def _share_near(predicted: Map, truth: SpatialTruth) -> float:
    """The share of the tiles that have a spot within the default cap."""
    cap = default_cap(truth.centres_um, truth.pitch_um)
    distance, _ = KDTree(truth.centres_um).query(predicted.centres_um)
    return float((distance <= cap).mean()) if len(distance) else 0.0


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
