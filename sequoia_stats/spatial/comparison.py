"""Two maps of one slide against one truth: which is nearer, and whether chance would tell them apart as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.arguments import ProgressBar
from sequoia_base.flow import Flow
from sequoia_base.results import Result
from sequoia_stats.errors import InputError, counted, listing, part
from sequoia_stats.spatial._gene_statistics import correlations, rule_emds, weighted
from sequoia_stats.spatial.alignment import usable_spots
from sequoia_stats.spatial.emd_genes import genes_with_emd
from sequoia_stats.spatial.judgement_options import JudgementOptions
from sequoia_stats.spatial.moran import morans_i, neighbours
from sequoia_stats.spatial.normalising import normalise
from sequoia_stats.spatial.percentiles import percentiles
from sequoia_stats.spatial.rankings import HVG, best_genes, median_of
from sequoia_stats.spatial.shared_genes import n_distinct, refuse_missing, shared_genes
from sequoia_stats.spatial.shifts import PossibleShifts
from sequoia_stats.spatial.truth_on_tiles import FEWEST_TILES, TileTruth, tile_truth
from sequoia_stats.types.arrays import Floats

if TYPE_CHECKING:
    from sequoia_base.maps import Map
    from sequoia_stats.types.spatial_truth import SpatialTruth

#: Genes compared at once.
_BLOCK = 256
#: Centres of a tile in two maps may differ by this share of its side.
_CENTRE = 0.05


@dataclass(frozen=True, eq=False)
class MapComparison(Result):
    """Two maps of a slide, judged on the same tiles against the same truth.

    Attributes
    ----------
    slide, truth, rule : str
        The slide, the name of the truth, and the rule.
    names : tuple of str
        Names of the two maps, a and b.
    n_tiles, n_genes, n_shifts : int
        Tiles that both have, genes, and shifts of the null that were possible.
    medians : DataFrame
        For all genes, the best by the mean r of both, and the most variable ones: medians ``r_a, r_b``, the median
        ``difference`` of a gene's r, its p under shifts of the truth (two-sided), ``emd_a, emd_b, emd_flat``.
    genes : DataFrame
        For each gene: ``r_a, r_b, difference`` (r_a − r_b), ``p_difference``, ``emd_a, emd_b, emd_flat, spearman_a,
        spearman_b, moran_a, moran_b, moran_truth, r_shift_high_a, r_shift_high_b, p_shift_a, p_shift_b, n_tiles``,
        as in genes.csv of `spatial evaluate`.
    flow : Flow
        Ledger of tiles, spots and genes.
    notes : tuple of str
        What is odd, in sentences.
    """

    slide: str
    truth: str
    rule: str
    names: tuple[str, str]
    n_tiles: int
    n_genes: int
    n_shifts: int
    medians: pd.DataFrame
    notes: tuple[str, ...]
    genes: pd.DataFrame = field(metadata={"show": False})
    flow: Flow = field(metadata={"show": False})

    def to_frame(self) -> pd.DataFrame:
        """The genes."""
        return self.genes

    def __str__(self) -> str:
        return "\n".join([*self.lines(), *self.notes])

    def lines(self) -> list[str]:
        """The result in words."""
        a, b = self.names
        head = f"{self.slide}, {self.rule} rule: {a} against {b} on {counted(self.n_tiles, 'tile')}"
        rows = [
            f"  {row['genes']} ({counted(row['n_genes'], 'gene')}): median r {row['r_a']:.3f} against "
            f"{row['r_b']:.3f}, "
            f"difference {row['difference']:+.3f} ({self._chance(row['p_difference'])}); " + _distances(row)
            for row in self.medians.to_dict("records")
        ]
        return [head, *rows]

    def _chance(self, p: float) -> str:
        shifts = f"{counted(self.n_shifts, 'shift')} of the truth"
        return f"p {p:.3g} under {shifts}" if self.n_shifts else "no p without a shift of the truth"


def _distances(row: Mapping[Any, Any]) -> str:
    """Medians of the EMD in words; on large sections it is not found for all genes."""
    if np.isnan(row["emd_flat"]):
        return "EMD not found"
    return f"EMD {row['emd_a']:.4f} against {row['emd_b']:.4f}, of a flat map {row['emd_flat']:.4f}"


def compare_maps(
    a: Map,
    b: Map,
    truth: SpatialTruth,
    *,
    genes: Sequence[str] | None = None,
    names: tuple[str, str] = ("A", "B"),
    options: JudgementOptions | None = None,
    progress: ProgressBar | None = None,
    **changes: Any,
) -> MapComparison:
    """Compare two maps of one slide with its truth, on the tiles and genes that both have.

    The null of a difference: the truth is shifted as for one map, and both maps keep their places, so that what the
    maps share stays shared.

    Parameters
    ----------
    a, b : Map
        The maps, such as those of a network and of a baseline.
    truth : SpatialTruth
        The measured section.
    genes : sequence of str, optional
        Genes to compare; by default all that maps and truth have.
    names : tuple of str
        Names of the maps, for sentences.
    options : JudgementOptions, optional
        How maps are judged.
    progress : callable, optional
        ``progress(items, total)``.
    **changes
        Single options: ``rule="paper"``.

    Returns
    -------
    MapComparison

    Raises
    ------
    InputError
        As `evaluate_map`; if the maps are of different slides or grids.
    """
    chosen = (options or JudgementOptions()).but(changes)
    flow = truth.flow.copy()
    _refuse_other_slides(a, b)
    truth, aligned = usable_spots(truth, [a, b], flow, trust_positions=chosen.trust_positions)
    shared = shared_genes(a, truth, genes, flow)
    known = set(b.gene_names)
    both = [gene for gene in shared if gene in known]
    if genes and len(both) < len(shared):
        absent = [gene for gene in shared if gene not in known]
        raise InputError(
            f"{part(len(absent), len(shared), 'gene', 'are')} not predicted by the second map: {listing(absent)}",
            where=f"map {names[1]}", fix="leave them out of --genes",
        )  # fmt: skip
    only_b = len(known.intersection(truth.genes).difference(a.gene_names))
    reason = f"{len(shared) - len(both):,} in the first map only"
    flow.add(
        "genes: of both maps",
        len(shared),
        len(both),
        reason + (f", {only_b:,} in the second only" if only_b else ""),
    )
    if not both:
        raise InputError("the maps have no gene in common that the truth has", where=" and ".join(names))
    tiles, at = _tiles_of_both(a, b, truth, chosen, flow)
    notes = list(dict.fromkeys(note for one in aligned for note in one.notes))
    with_emd = genes_with_emd(truth, both, tiles, chosen.emd_genes, notes)
    shifts = PossibleShifts(
        tiles.places, min_overlap=chosen.min_overlap, rotations=chosen.rotations, seed=chosen.seed
    )
    notes += [shifts.note] * bool(shifts.note)
    table, nulls = _compare(a, b, truth, both, tiles, at, with_emd, shifts, chosen, flow, progress)
    size = min(chosen.top, len(table))
    ranked = table.assign(r=(table["r_a"] + table["r_b"]) / 2)
    kinds = {
        "all": table["gene"].tolist(),
        f"top-{size} by the mean r of both": best_genes([ranked], "r", size, table["gene"]),
        f"hvg-{min(HVG, len(table))}": best_genes([table], "variance", HVG, table["gene"]),
    }
    medians = pd.DataFrame(
        [_median(name, table, nulls, chosen_genes) for name, chosen_genes in kinds.items()]
    )
    if not len(nulls):
        notes.append(f"no shift leaves {100 * chosen.min_overlap:.0f}% of the tiles: there is no shift null")
    return MapComparison(
        slide=str(a.slide), truth=truth.name, rule=chosen.rule, names=names, n_tiles=tiles.n, n_genes=len(table),
        n_shifts=len(nulls), medians=medians, notes=tuple(notes), genes=table, flow=flow,
    )  # fmt: skip


def _refuse_other_slides(a: Map, b: Map) -> None:
    if a.slide != b.slide:
        raise InputError(
            "the maps are of different slides",
            where=f"maps of {a.slide} and {b.slide}",
            fix="compare maps of one slide",
        )


def _tiles_of_both(
    a: Map, b: Map, truth: SpatialTruth, options: JudgementOptions, flow: Flow
) -> tuple[TileTruth, NDArray[np.int64]]:
    """The tiles with a spot that both maps predict, and their numbers in the second map."""
    where = f"maps of {a.slide} and {b.slide}"
    tiles = tile_truth(
        truth, a, rule=options.rule, nearest=options.nearest, cap_um=options.cap_um, smooth=options.smooth
    )
    at = pd.MultiIndex.from_arrays([*b.places.T]).get_indexer(pd.MultiIndex.from_arrays([*tiles.places.T]))
    there = (at >= 0) & b.covered[at]
    apart = np.abs(a.centres_um[tiles.tiles][there] - b.centres_um[at[there]])
    if (apart > _CENTRE * a.tile_um).any():
        raise InputError(
            "the maps have different grids of tiles", where=where, fix="make both from the same features"
        )
    flow.add(
        "tiles: of both maps", tiles.n, int(there.sum()), f"{int((~there).sum()):,} in the first map only"
    )
    if there.sum() < FEWEST_TILES:
        raise InputError(
            f"the maps share {counted(int(there.sum()), 'tile')}, but {FEWEST_TILES} are needed", where=where
        )
    spots = replace(tiles.spots, index=tiles.spots.index[there], distance=tiles.spots.distance[there])
    kept = replace(tiles, tiles=tiles.tiles[there], places=tiles.places[there], spots=spots)
    return kept, at[there]


def _compare(
    a: Map, b: Map, truth: SpatialTruth, genes: list[str], tiles: TileTruth,
    at: NDArray[np.int64], with_emd: frozenset[str], shifts: PossibleShifts, options: JudgementOptions, flow: Flow,
    progress: ProgressBar | None,
) -> tuple[pd.DataFrame, pd.DataFrame]:  # fmt: skip
    """The statistics of all genes, and the differences of r at every shift (shifts × genes)."""
    weights = neighbours(tiles.places)
    starts: Any = range(0, len(genes), _BLOCK)
    tables, nulls = [], []
    for start in progress(starts, len(starts)) if progress else starts:
        block = genes[start : start + _BLOCK]
        counts = truth.counts_of(block)
        varies = n_distinct(counts, tiles) >= options.min_counts
        if not varies.any():
            continue
        kept = [gene for gene, enough in zip(block, varies, strict=True) if enough]
        maps = {"a": a.genes(kept)[tiles.tiles], "b": b.genes(kept)[at]}
        for one, values, numbers in ((a, maps["a"], tiles.tiles), (b, maps["b"], at)):
            refuse_missing(one, kept, np.asarray(values.T, np.float64), numbers)
        scaled = {name: tiles.scaled(np.asarray(values, np.float64).T) for name, values in maps.items()}
        far = np.array([gene in with_emd for gene in kept])
        table, null = _block(kept, scaled, counts[:, varies], tiles, weights, shifts, far)
        tables.append(table)
        nulls.append(null)
    n = sum(map(len, tables))
    flow.add(
        "genes: varying",
        len(genes),
        n,
        f"{len(genes) - n:,} with fewer than {options.min_counts} distinct counts",
    )
    if not tables:
        raise InputError(
            f"none of {counted(len(genes), 'gene')} has {options.min_counts} distinct raw counts",
            where=truth.name, fix="--min-counts N",
        )  # fmt: skip
    return pd.concat(tables, ignore_index=True), pd.concat(nulls, axis=1)


def _block(
    genes: list[str], maps: Mapping[str, Floats], counts: Floats, tiles: TileTruth, weights: Any,
    shifts: PossibleShifts, far: NDArray[np.bool_],
) -> tuple[pd.DataFrame, pd.DataFrame]:  # fmt: skip
    truth = tiles.smoothed(tiles.unsmoothed(counts))
    ranks = percentiles(truth)
    columns: dict[str, Any] = {"gene": genes}
    nulls = {}
    for name, values in maps.items():
        null = shifts.null(values, truth)
        nulls[name] = weighted(null, tiles.n)
        columns[f"r_{name}"] = correlations(values, truth)
        columns[f"spearman_{name}"] = correlations(percentiles(values), ranks)
        columns[f"emd_{name}"] = rule_emds(percentiles(values), ranks, tiles, far)
        columns[f"moran_{name}"] = morans_i(values, weights)
        columns[f"r_shift_high_{name}"] = null.r_high
        columns[f"p_shift_{name}"] = null.p
    difference = columns["r_a"] - columns["r_b"]
    null_difference = nulls["a"].astype(np.float64) - nulls["b"]
    as_far = (np.abs(null_difference) >= np.abs(difference) - 1e-9).sum(axis=0)
    columns["difference"] = difference
    columns["p_difference"] = (as_far + 1) / (len(null_difference) + 1) if len(null_difference) else np.nan
    columns["emd_flat"] = rule_emds(np.ones_like(ranks), ranks, tiles, far)
    columns["moran_truth"] = morans_i(truth, weights)
    columns["variance"] = normalise(counts, tiles.totals).var(axis=0)
    columns["n_tiles"] = tiles.n
    first = ["gene", "r_a", "r_b", "difference", "p_difference", "emd_a", "emd_b", "emd_flat"]
    table = pd.DataFrame(columns)
    return table[[*first, *table.columns.difference(first, sort=False)]], pd.DataFrame(
        null_difference, columns=genes
    )


def _median(name: str, table: pd.DataFrame, nulls: pd.DataFrame, genes: list[str]) -> dict[str, Any]:
    part = table[table["gene"].isin(genes)]
    difference = float(part["difference"].median())
    shifted = nulls[genes].median(axis=1).to_numpy()
    as_far = int((np.abs(shifted) >= abs(difference) - 1e-9).sum())
    columns = ("r_a", "r_b", "emd_a", "emd_b", "emd_flat")
    return {
        "genes": name, "n_genes": len(part), **{column: median_of(part[column]) for column in columns},
        "difference": difference, "p_difference": (as_far + 1) / (len(shifted) + 1) if len(shifted) else np.nan,
    }  # fmt: skip
