"""How maps are judged: the options that evaluation and comparison share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sequoia_base.arguments import check_limits, number, one_of, optional, whole
from sequoia_stats.errors import InputError
from sequoia_stats.spatial.truth_on_tiles import RULES_OF_TRUTH

_LIMITS = {
    "rule": one_of(RULES_OF_TRUTH),
    "nearest": whole(1),
    "cap_um": optional(number("a number above 0", lambda value: value > 0)),
    "min_counts": whole(1),
    "min_overlap": number("above 0 and at most 1", lambda value: 0 < value <= 1),
    "spectral": whole(0),
    "top": whole(1),
    "emd_genes": optional(whole(0)),
    "seed": whole(0),
}


@dataclass(frozen=True)
class JudgementOptions:
    """How maps are judged.

    Parameters
    ----------
    rule : {"strict", "paper"}
        ``strict``: what a careful statistician would do. ``paper``: what the published code does.
    nearest : int
        Number of spots whose mean is the truth of a tile.
    cap_um : float, optional
        A spot that is farther from the tile's centre does not count; 1.5 pitches of the array by default.
    smooth : bool
        Whether the truth is smoothed by a 3 × 3 median filter.
    min_counts : int
        A gene needs this many distinct raw counts over the spots; by the paper's rule, distinct values over the tiles.
    min_overlap : float
        Share of the tiles that must overlap after a shift.
    rotations : bool
        Whether shifts are also combined with turns by 90°.
    spectral : int
        Number of random maps of the spectral null; 0 leaves it out.
    top : int
        Number of best genes whose median is reported.
    emd_genes : int, optional
        The EMD is found for this many genes, the most variable ones; by default for as many as about 20 minutes of
        one core allow (`emd_genes.affordable_emds`), which is all on a section of a few hundred tiles.
    trust_positions : bool
        Do not refuse a truth for the positions of its spots.
    seed : int
        Random seed.

    Raises
    ------
    InputError
        If a value is out of its range.
    """

    rule: str = "strict"
    nearest: int = 4
    cap_um: float | None = None
    smooth: bool = True
    min_counts: int = 10
    min_overlap: float = 0.6
    rotations: bool = True
    spectral: int = 999
    top: int = 1000
    emd_genes: int | None = None
    trust_positions: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        check_limits({name: getattr(self, name) for name in _LIMITS}, _LIMITS)

    def but(self, changes: Mapping[str, Any]) -> JudgementOptions:
        """The same with other values of some options.

        Raises
        ------
        InputError
            If there is no option of a name, or a value is out of its range.
        """
        if unknown := [name for name in changes if name not in self.__dataclass_fields__]:
            raise InputError(
                f"{unknown[0]!r} is not a valid option", fix=f"use {', '.join(self.__dataclass_fields__)}"
            )
        return replace(self, **changes)
