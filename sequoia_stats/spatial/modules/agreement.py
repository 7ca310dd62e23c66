"""Modules of a map beside programmes that were measured on the same slide."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from sequoia_base.flow import Flow
from sequoia_base.results import Result
from sequoia_stats.errors import InputError
from sequoia_stats.spatial.alignment import align_spots
from sequoia_stats.spatial.modules._scores import standardised
from sequoia_stats.spatial.shifts import shift_null
from sequoia_stats.spatial.truth_on_tiles import FEWEST_TILES, tile_truth

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sequoia_base.maps import Map
    from sequoia_stats.spatial.modules.subtypes import SubtypeMap
    from sequoia_stats.types.spatial_truth import SpatialTruth

_STATISTICS = ("r", "spearman", "r_shift_mean", "r_shift_high", "p_shift")


@dataclass(frozen=True, eq=False)
class ProgrammeAgreement(Result):
    """Modules of a map beside programmes measured on its slide.

    Attributes
    ----------
    slide, truth : str
        Names of the map's slide and of the section.
    overlap : float
        Share of the spots whose centre is on a tile.
    n_tiles : int
        Tiles in a window with a spot.
    table : DataFrame
        A row per programme and module: slide, programme, module, n_tiles, r, spearman, r_shift_mean, r_shift_high
        (95% quantile of r · √overlap, see `shift_null`), p_shift, n_shifts. NaN where one is constant or has fewer
        than 10 tiles, and for the null where no shift leaves enough tissue.
    notes : tuple of str
        What is odd about the section and its place on the map.
    flow : Flow
        Spots and tiles lost.
    """

    slide: str
    truth: str
    overlap: float
    n_tiles: int
    table: pd.DataFrame
    notes: tuple[str, ...] = ()
    flow: Flow = field(default_factory=Flow, metadata={"show": False})

    def __str__(self) -> str:
        """The tiles, and the module that goes best with each programme."""
        lines = [
            f"{self.slide} beside {self.truth}: {self.n_tiles:,} tiles, {self.overlap:.0%} of the spots on tiles"
        ]
        for name, rows in self.table.groupby("programme", sort=False):
            judged = rows.dropna(subset="r").sort_values("r", ascending=False, kind="stable")
            if judged.empty:
                lines.append(f"  {name}: no correlation (constant, or fewer than {FEWEST_TILES} tiles)")
                continue
            best = judged.iloc[0]
            p = (
                "no shift possible"
                if np.isnan(best.p_shift)
                else f"p = {best.p_shift:.3g} of {best.n_shifts} shifts"
            )
            lines.append(f"  {name}: highest with {best.module}, r {best.r:.3f} ({p})")
        return "\n".join(lines)


def programme_agreement(
    slide: SubtypeMap, map_: Map, truth: SpatialTruth, *, trust_positions: bool = False
) -> ProgrammeAgreement:
    """Correlate the modules of a map with the programmes measured on its slide.

    A programme on a tile is the mean over the four nearest spots of its centre, within 1.5 pitches, without smoothing.
    The correlation stands beside those with the programme shifted and turned over the tissue (`spatial.shift_null`).

    Parameters
    ----------
    slide : SubtypeMap
        The module scores of the map.
    map_ : Map
        The map itself.
    truth : SpatialTruth
        A section with scores of programmes.
    trust_positions : bool
        Do not refuse a section for the positions of its spots.

    Returns
    -------
    ProgrammeAgreement

    Raises
    ------
    InputError
        If the section has no programmes, is of another slide, or shares fewer than 10 tiles with the map.
    """
    if truth.programmes is None:
        raise InputError("the section has no scores of programmes", where=truth.name, fix="leave --truth out")
    aligned = align_spots(truth, map_, trust_positions=trust_positions)
    on_slide = truth.subset(np.isin(np.arange(truth.n), aligned.spots), "off the slide")
    tiles = tile_truth(on_slide, map_)
    programmes = on_slide.programmes
    assert programmes is not None
    measured = tiles.spots.mean(programmes.to_numpy(dtype=np.float64))
    scores = slide.scores[tiles.tiles]
    parts: list[pd.DataFrame] = []
    drawn: dict[str, None] = {}
    for place, name in enumerate(programmes.columns):
        judged, note = _judged(scores, measured[:, place], tiles.places)
        parts.append(judged.assign(programme=str(name), module=slide.modules))
        drawn |= {note: None} if note else {}
    table = pd.concat(parts, ignore_index=True).assign(slide=slide.slide)
    n, covered = len(map_.places), int(map_.covered.sum())
    flow = truth.flow.copy()
    flow.extend(aligned.flow)
    flow.add("tiles: in a window", n, covered, f"{n - covered:,} in no window")
    flow.add("tiles: with a spot", covered, tiles.n, f"{covered - tiles.n:,} without a spot within the cap")
    return ProgrammeAgreement(
        slide=slide.slide,
        truth=truth.name,
        overlap=aligned.overlap,
        n_tiles=tiles.n,
        table=table[["slide", "programme", "module", "n_tiles", *_STATISTICS, "n_shifts"]],
        notes=(*truth.notes, *aligned.notes, *drawn),
        flow=flow,
    )


def _judged(
    scores: NDArray[np.float64], programme: NDArray[np.float64], places: NDArray[np.int64]
) -> tuple[pd.DataFrame, str]:
    """A row per module: r with a programme on the tiles that have one, and with shifted ones; a note on the shifts."""
    known = ~np.isnan(programme)
    pair = np.column_stack([programme, scores])[known]
    table = pd.DataFrame({"n_tiles": len(pair), "n_shifts": 0}, index=range(scores.shape[1]))
    table = table.assign(**dict.fromkeys(_STATISTICS, np.nan))
    z, ranks = standardised(pair), standardised(rankdata(pair, axis=0, nan_policy="propagate"))
    varies = ~np.isnan(z[:, 1:]).any(axis=0)
    if len(pair) < FEWEST_TILES or np.isnan(z[:, 0]).any() or not varies.any():
        return table, ""
    moved = shift_null(z[:, 1:].T[varies], np.tile(z[:, 0], (int(varies.sum()), 1)), places[known])
    found = {
        "r": z[:, 1:][:, varies].T @ z[:, 0] / len(z),
        "spearman": ranks[:, 1:][:, varies].T @ ranks[:, 0] / len(z),
        "r_shift_mean": moved.r_mean,
        "r_shift_high": moved.r_high,
        "p_shift": moved.p,
    }
    table.loc[varies, list(found)] = np.column_stack(list(found.values()))
    table.loc[varies, "n_shifts"] = moved.n_possible
    return table, moved.note
