"""A section of a simulated glioblastoma, whose programmes and subtypes are planted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from sequoia_base.maps import GeneValues, Map
from sequoia_stats.sets.collections import GeneSets, load
from sequoia_stats.spatial.modules import SubtypeMap, subtype_map

#: Side of a tile, µm, and of a pixel.
TILE_UM, MPP = 128.0, 0.5


@dataclass(frozen=True, eq=False)
class SimulatedSection:
    """A map of simulated genes and what was planted in it.

    Parameters
    ----------
    map : Map
        Simulated genes on the tiles of a section: those of the modules, and others that belong to none.
    planted : SubtypeMap
        The activity of each programme on each tile, and the programme with the highest percentile.
    """

    map: Map
    planted: SubtypeMap

    def recovered(self, found: SubtypeMap) -> float:
        """The share of tiles whose subtype is the planted one."""
        return float((found.labels == self.planted.labels).mean())


def simulate_section(
    *, side: int = 40, others: int = 600, noise: float = 1.0, seed: int = 0, modules: GeneSets | None = None
) -> SimulatedSection:
    """Simulate the genes of a section: gradients of programmes, and genes that follow theirs with noise of their own.

    Every programme has a centre on the section and fades with the distance from it, over a smooth random field. A gene
    of a programme is its level plus its loading on the programme's activity, plus noise: half of it smooth, as that of
    a network is, and half of it independent. The other genes have smooth noise alone.

    Parameters
    ----------
    side : int
        The section is a disc of this diameter, in tiles, with a hole.
    others : int
        Genes that belong to no module.
    noise : float
        Standard deviation of a gene's noise, where that of an activity is 1.
    seed : int
        The same seed gives the same section.
    modules : GeneSets, optional
        By default the meta-modules of Neftel.

    Returns
    -------
    SimulatedSection
    """
    modules = load("neftel") if modules is None else modules
    fields, genes = np.random.SeedSequence(seed).spawn(2)
    places = _disc(side)
    activity = _activities(places, side, len(modules), np.random.default_rng(fields))
    names = [*modules.genes, *(f"OTHER{i}" for i in range(others))]
    member = np.array([[gene in set(modules[name]) for gene in names] for name in modules], dtype=np.float64)
    values = _genes(places, side, activity, member, noise, np.random.default_rng(genes))
    section = _as_map(places, names, values)
    planted = subtype_map(
        activity, list(modules), slide="planted", names=list(section.obs.index), centres_um=section.centres_um,
        side_um=TILE_UM,
    )  # fmt: skip
    return SimulatedSection(section, planted)


def _disc(side: int) -> NDArray[np.int64]:
    """Places of a disc with a round hole, in reading order."""
    places = np.argwhere(np.ones((side, side), dtype=bool))
    centred = (places + 0.5) / side - 0.5
    inside = np.hypot(*centred.T) <= 0.5
    hole = np.hypot(*(centred - [0.12, -0.1]).T) <= 0.08
    return places[inside & ~hole]


def _smooth(places: NDArray[np.int64], side: int, n: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Smooth random fields on the places, standardised, places × n."""
    fields = gaussian_filter(random.normal(size=(side, side, n)), (side / 10, side / 10, 0))
    return _standardised(fields[tuple(places.T)])


def _standardised(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return (values - values.mean(axis=0)) / values.std(axis=0)


def _activities(
    places: NDArray[np.int64], side: int, n: int, random: np.random.Generator
) -> NDArray[np.float64]:
    """Activities of n programmes, tiles × n: each fades from a centre; the centres lie on a spiral."""
    angle, radius = np.arange(n) * np.pi * (3 - np.sqrt(5)), 0.42 * np.sqrt((np.arange(n) + 0.5) / n)
    centres = 0.5 + np.column_stack([radius * np.sin(angle), radius * np.cos(angle)])
    distance = np.linalg.norm((places + 0.5)[:, None] / side - centres, axis=2)
    gradient = _standardised(np.exp(-0.5 * (distance / 0.16) ** 2))
    return _standardised(gradient + 0.5 * _smooth(places, side, n, random))


def _genes(
    places: NDArray[np.int64],
    side: int,
    activity: NDArray[np.float64],
    member: NDArray[np.float64],
    noise: float,
    random: np.random.Generator,
) -> NDArray[np.float32]:
    """Genes on tiles × genes: level + spread × (loading × mean activity of its programmes + noise)."""
    n = member.shape[1]
    level, spread, loading = (
        random.uniform(0, 8, n),
        random.lognormal(-0.5, 0.7, n),
        random.uniform(0.5, 1, n),
    )
    driven = activity @ (member / np.maximum(member.sum(axis=0), 1))
    own = np.sqrt(0.5) * (_smooth(places, side, n, random) + random.normal(size=(len(places), n)))
    return (level + spread * (loading * driven + noise * own)).astype(np.float32)


def _as_map(places: NDArray[np.int64], names: list[str], values: NDArray[np.float32]) -> Map:
    """The section as a map that stores its genes."""
    centres = (places[:, ::-1] + 0.5) * TILE_UM
    return Map(
        places=places,
        centres_um=centres,
        centres_px=centres / MPP,
        n_windows=np.ones(len(places), dtype=np.int64),
        about={
            "slide": "simulated", "source": "simulated", "units": "log2(FPKM-UQ+1)", "tile_um": TILE_UM,
            "tile_px": TILE_UM / MPP, "slide_mpp": MPP,
        },
        values=GeneValues(tuple(names), values, None),
        columns=pd.DataFrame(index=range(len(places))),
    )  # fmt: skip
