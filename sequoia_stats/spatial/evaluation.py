"""A map judged against measured spots: per gene how alike they are, and what of it chance would give as well."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sequoia_base.arguments import ProgressBar
from sequoia_base.flow import Flow
from sequoia_base.results import Result
from sequoia_stats.errors import InputError, counted, listing, part
from sequoia_stats.spatial._gene_statistics import FIRST_COLUMNS, SlideSetting, gene_statistics, rank_reverses
from sequoia_stats.spatial.alignment import SpotAlignment, usable_spots
from sequoia_stats.spatial.emd_genes import genes_with_emd
from sequoia_stats.spatial.judgement_options import JudgementOptions
from sequoia_stats.spatial.moran import neighbours
from sequoia_stats.spatial.rankings import P_BELOW, NullOfGenes, median_of, named, ranked_medians
from sequoia_stats.spatial.shared_genes import n_distinct, refuse_missing, shared_genes
from sequoia_stats.spatial.shifts import PossibleShifts
from sequoia_stats.spatial.spectral import MOST_TILES, moran_eigenvectors
from sequoia_stats.spatial.truth_on_tiles import RULES_OF_TRUTH, TileTruth, tile_truth
from sequoia_stats.types.arrays import Floats

if TYPE_CHECKING:
    from sequoia_base.maps import Map
    from sequoia_stats.types.spatial_truth import SpatialTruth

#: Genes judged at once.
_BLOCK = 256
#: What partial correlations hold constant, in words.
_COVARIATES = {
    "log_total_counts": "log total counts",
    "haematoxylin": "haematoxylin density",
    "tissue": "tissue density",
}
#: Columns whose medians stand beside.
_ALSO = (
    "spearman", "ssim", "js", "moran_map", "moran_truth", "moran_unsmoothed", "moran_one_spot", "r_unsmoothed",
    "r_one_spot", "r_partial", "r_pearson_residuals",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Evaluation(Result):
    """A map judged against a truth.

    Attributes
    ----------
    slide : str
        The slide of the map.
    truth : str
        Name of the measured section.
    rule : str
        The rule: "strict" or "paper".
    n_tiles, n_genes, n_shifts : int
        Tiles and genes that were judged, and shifts of the null that were possible.
    spot_distance_um : dict of str to float
        Median distances of a tile's nearest and last spot.
    overlap : float
        Share of spots on tiles of the map.
    partial_given : tuple of str
        What r_partial holds constant.
    medians : DataFrame
        Medians over genes beside those of the null, see `rankings.ranked_medians`.
    n_rank_reverses : int
        Genes in the upper third by one normalisation, and in the lower third by the other.
    also : dict of str to float
        Medians over all genes of other columns, and the shares of genes with p_spectral and p_naive below .05.
    difference : dict of str to float
        Medians of r and EMD by this rule and by the other, over genes that have both.
    notes : tuple of str
        What is odd, in sentences.
    genes : DataFrame
        A row per gene; docs/spatial.md explains the columns.
    flow : Flow
        Ledger of genes, tiles and spots.
    null : NullOfGenes
        Correlations with shifted truths.
    tiles : TileTruth
        The tiles that were judged, and their spots.
    map, measured : Map, SpatialTruth
        The map, and the truth without spots off the slide.
    options : JudgementOptions
        How the map was judged.
    """

    slide: str
    truth: str
    rule: str
    n_tiles: int
    n_genes: int
    n_shifts: int
    spot_distance_um: Mapping[str, float]
    overlap: float
    partial_given: tuple[str, ...]
    medians: pd.DataFrame
    n_rank_reverses: int
    also: Mapping[str, float]
    difference: Mapping[str, float]
    notes: tuple[str, ...]
    genes: pd.DataFrame = field(metadata={"show": False})
    flow: Flow = field(metadata={"show": False})
    null: NullOfGenes = field(metadata={"show": False})
    tiles: TileTruth = field(metadata={"show": False})
    map: Map = field(metadata={"show": False})
    measured: SpatialTruth = field(metadata={"show": False})
    options: JudgementOptions = field(metadata={"show": False})

    def to_frame(self) -> pd.DataFrame:
        """The genes."""
        return self.genes

    def __str__(self) -> str:
        return "\n".join([*self.lines(), *self.notes])

    def ranked_on(self, others: Mapping[str, pd.DataFrame]) -> Evaluation:
        """The same with genes ranked on other slides as well.

        Parameters
        ----------
        others : dict of str to DataFrame
            Genes of other slides (`Evaluation.genes`) by name.
        """
        return replace(self, medians=ranked_medians(self.genes, self.null, others, top=self.options.top))

    def lines(self) -> list[str]:
        """The result in words: medians beside what chance gives."""
        head = f"{self.slide}: {counted(self.n_genes, 'gene')} on {counted(self.n_tiles, 'tile')}, {self.rule} rule"
        rows = [
            f"  {named(row)}: median r {row['r']:.3f}, null {row['r_null_mean']:.3f} (95% quantile "
            f"{row['r_null_high']:.3f}), {_distances(row)}; "
            f"{100 * row['share_beating']:.0f}% of the genes beat their own null"
            for row in self.medians.to_dict("records")
        ]
        return [head, f"  beside {counted(self.n_shifts, 'shift')} of the truth", *rows, *self._beside()]

    def _beside(self) -> list[str]:
        """Other medians in words: other nulls, other truths, what is held constant, and the other rule."""
        also, given = self.also, ", ".join(_COVARIATES[name] for name in self.partial_given)
        other = "paper" if self.rule == "strict" else "strict"
        distance = self.difference[f"emd_{other}"]
        spectral = (
            ""
            if np.isnan(also["share_spectral"])
            else f"{100 * also['share_spectral']:.0f}% by the spectral null, "
        )
        return [
            f"  p < .05: {spectral}{100 * also['share_naive']:.0f}% if tiles were independent",
            f"  median r given {given}: {also['r_partial']:.3f}; by Pearson residuals of the counts: "
            f"{also['r_pearson_residuals']:.3f}, with {counted(self.n_rank_reverses, 'reversed rank')}",
            f"  median r with the nearest spot alone: {also['r_one_spot']:.3f}, unsmoothed: "
            f"{also['r_unsmoothed']:.3f}; Moran's I of the truth: {also['moran_one_spot']:.2f} with one spot, "
            f"{also['moran_truth']:.2f} as judged",
            f"  by the {other} rule: median r {self.difference[f'r_{other}']:.3f}"
            + ("" if np.isnan(distance) else f", EMD {distance:.4f}"),
        ]


def _distances(row: Mapping[Any, Any]) -> str:
    """Medians of the EMD in words; on large sections it is not found for all genes."""
    if np.isnan(row["emd_flat"]):
        return "EMD not found"
    return f"EMD {row['emd']:.4f}, of a flat map {row['emd_flat']:.4f}"


def evaluate_map(
    predicted: Map,
    truth: SpatialTruth,
    *,
    genes: Sequence[str] | None = None,
    others: Mapping[str, pd.DataFrame] | None = None,
    options: JudgementOptions | None = None,
    progress: ProgressBar | None = None,
    **changes: Any,
) -> Evaluation:
    """Judge the map of a slide against measured spots, and against chance.

    Parameters
    ----------
    predicted : Map
        What `sequoia-model map` wrote (`sequoia_base.maps.read_map`).
    truth : SpatialTruth
        The measured section (`read_truth`).
    genes : sequence of str, optional
        Genes to judge; by default all that both have.
    others : dict of str to DataFrame, optional
        Genes of other slides (`Evaluation.genes`) by their names, on which genes are ranked.
    options : JudgementOptions, optional
        How maps are judged.
    progress : callable, optional
        ``progress(items, total)``.
    **changes
        Single options: ``rule="paper"``.

    Returns
    -------
    Evaluation

    Raises
    ------
    InputError
        If the truth has no counts, is not on the tiles of the map, no gene or fewer than 10 tiles are left, an
        option is out of range, or the slide is one of `others`.
    """
    options = (options or JudgementOptions()).but(changes)
    refuse_own([str(predicted.slide)], others or {})
    flow = truth.flow.copy()
    truth, (aligned,) = usable_spots(truth, [predicted], flow, trust_positions=options.trust_positions)
    shared = shared_genes(predicted, truth, genes, flow)
    setting, given, notes = _setting(predicted, truth, options)
    n, covered, judged = len(predicted.places), int(predicted.covered.sum()), setting.tiles.n
    near = " within the cap" if options.rule == "strict" else ""
    flow.add("tiles: in a window", n, covered, f"{n - covered:,} in no window")
    flow.add("tiles: with a spot", covered, judged, f"{covered - judged:,} without a spot{near}")
    with_emd = genes_with_emd(truth, shared, setting.tiles, options.emd_genes, notes)
    setting = replace(setting, with_emd=with_emd)
    table, null = _judge(predicted, truth, shared, setting, options, flow, progress)
    table = table[[*FIRST_COLUMNS, *table.columns.difference(list(FIRST_COLUMNS), sort=False)]]
    return _result(predicted, truth, table, null, setting, options, aligned, given, notes, flow, others or {})


def refuse_own(slides: Sequence[str], others: Collection[str]) -> None:
    """Refuse to rank genes on a slide that is judged itself, as if it were another.

    Parameters
    ----------
    slides : sequence of str
        Slides that are judged.
    others : collection of str
        Slides on which genes are ranked.

    Raises
    ------
    InputError
        If a slide is among both.
    """
    if own := [slide for slide in slides if slide in others]:
        raise InputError(
            f"genes are to be ranked on other slides, but {listing(own)} is judged here",
            fix="--ranked-on takes other slides; genes are ranked on the slide itself in any case",
        )


def _setting(
    predicted: Map, truth: SpatialTruth, options: JudgementOptions
) -> tuple[SlideSetting, tuple[str, ...], list[str]]:
    """The tiles by both rules, and the covariates, with their names and notes."""

    def tiles(rule: str, nearest: int = options.nearest) -> TileTruth:
        return tile_truth(
            truth, predicted, rule=rule, nearest=nearest, cap_um=options.cap_um, smooth=options.smooth
        )

    chosen, other = tiles(options.rule), tiles(next(rule for rule in RULES_OF_TRUTH if rule != options.rule))
    covariates, notes = _covariates(predicted, chosen)
    weights = neighbours(chosen.places)
    eigen = options.spectral > 0 and chosen.n <= MOST_TILES
    if options.spectral and not eigen:
        notes.append(
            f"{chosen.n:,} tiles are too many for the spectral null, which takes {MOST_TILES:,} at most"
        )
    setting = SlideSetting(
        chosen, tiles(options.rule, 1), other, weights, moran_eigenvectors(weights) if eigen else None,
        np.column_stack(list(covariates.values())),
        PossibleShifts(
            chosen.places, min_overlap=options.min_overlap, rotations=options.rotations, seed=options.seed
        ),
        options.spectral, options.seed,
    )  # fmt: skip
    if setting.shifts.note:
        notes.append(setting.shifts.note)
    return setting, tuple(covariates), notes


def _covariates(predicted: Map, tiles: TileTruth) -> tuple[dict[str, Floats], list[str]]:
    """What partial correlations hold constant, by name; what a tile lacks, or all have alike, is left out and said."""
    found = {"log_total_counts": tiles.log_totals()}
    notes, absent = [], []
    for name in ("haematoxylin", "tissue"):
        if name not in predicted.obs:
            absent.append(_COVARIATES[name])
            continue
        values = predicted.obs[name].to_numpy(np.float64)[tiles.tiles]
        if missing := int((~np.isfinite(values)).sum()):
            what = f"{part(missing, tiles.n, 'tile', 'have')} none"
        elif np.ptp(values) == 0:
            what = "all tiles have the same"
        else:
            found[name] = values
            continue
        notes.append(f"r_partial does not hold {_COVARIATES[name]} constant: {what}")
    if absent:
        them = "them" if len(absent) > 1 else "it"
        words = " and ".join(absent)
        notes.append(
            f"r_partial does not hold {words} constant: the map lacks {them} (`map --slide` adds {them})"
        )
    return found, notes


def _judge(
    predicted: Map, truth: SpatialTruth, genes: list[str], setting: SlideSetting, options: JudgementOptions, flow: Flow,
    progress: ProgressBar | None,
) -> tuple[pd.DataFrame, NullOfGenes]:  # fmt: skip
    """The statistics of all genes that vary enough, block by block."""
    starts: Any = range(0, len(genes), _BLOCK)
    tables, nulls = [], []
    for start in progress(starts, len(starts)) if progress else starts:
        block = genes[start : start + _BLOCK]
        counts = truth.counts_of(block)
        varies = n_distinct(counts, setting.tiles) >= options.min_counts
        if varies.any():
            kept = [gene for gene, enough in zip(block, varies, strict=True) if enough]
            maps = np.asarray(predicted.genes(kept), np.float64).T
            refuse_missing(predicted, kept, maps[:, setting.tiles.tiles], setting.tiles.tiles)
            table, null = gene_statistics(kept, maps, counts[:, varies], setting)
            tables.append(table)
            nulls.append(null)
    what = "distinct raw counts" if options.rule == "strict" else "distinct values on the tiles"
    n = sum(len(table) for table in tables)
    flow.add(
        "genes: varying", len(genes), n, f"{len(genes) - n:,} with fewer than {options.min_counts} {what}"
    )
    if not tables:
        raise InputError(
            f"none of {counted(len(genes), 'gene')} has {options.min_counts} {what}",
            where=truth.name,
            fix="--min-counts N",
        )
    names = tuple(gene for null in nulls for gene in null.genes)
    null = NullOfGenes(names, np.concatenate([null.r for null in nulls], axis=1))
    return pd.concat(tables, ignore_index=True), null


def _result(
    predicted: Map, truth: SpatialTruth, table: pd.DataFrame, null: NullOfGenes, setting: SlideSetting,
    options: JudgementOptions, aligned: SpotAlignment, given: tuple[str, ...], notes: list[str], flow: Flow,
    others: Mapping[str, pd.DataFrame],
) -> Evaluation:  # fmt: skip
    table["rank_reverses"] = rank_reverses(table["r"], table["r_pearson_residuals"])
    other = setting.other.rule
    columns = {options.rule: ("r", "emd"), other: (f"r_{other}", f"emd_{other}")}
    difference = {
        f"{word}_{rule}": median_of(table[column])
        for rule, pair in columns.items()
        for word, column in zip(("r", "emd"), pair, strict=True)
    }
    distances = setting.tiles.spots.distance
    last = np.where(np.isfinite(distances), distances, -1).max(axis=1)
    if not null.n:
        notes = [
            *notes,
            f"no shift leaves {100 * options.min_overlap:.0f}% of the tiles: there is no shift null",
        ]
    if flat := int(table[["moran_map", "moran_truth"]].isna().any(axis=1).sum()):
        notes = [*notes, f"{part(flat, len(table), 'gene', 'have')} a flat map or a flat truth, where r is 0"]
    return Evaluation(
        slide=str(predicted.slide), truth=truth.name, rule=options.rule, n_tiles=setting.tiles.n, n_genes=len(table),
        n_shifts=null.n, overlap=aligned.overlap, partial_given=given,
        spot_distance_um={"nearest": float(np.median(distances[:, 0])), "last": float(np.median(last))},
        medians=ranked_medians(table, null, others, top=options.top),
        n_rank_reverses=int(table["rank_reverses"].sum()), also=_also(table), difference=difference,
        notes=(*aligned.notes, *notes), genes=table, flow=flow, null=null, tiles=setting.tiles, map=predicted,
        measured=truth, options=options,
    )  # fmt: skip


def _also(table: pd.DataFrame) -> dict[str, float]:
    """Medians of other columns, and shares of genes by other nulls."""
    found = {column: median_of(table[column]) for column in _ALSO}
    shares = {name: table[f"p_{name}"].dropna() for name in ("spectral", "naive")}
    below = {f"share_{name}": float((p < P_BELOW).mean()) if len(p) else np.nan for name, p in shares.items()}
    return found | below
