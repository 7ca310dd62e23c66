"""Which genes of a map and its truth can be judged."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sequoia_base.flow import Flow
from sequoia_stats.errors import InputError, counted, listing, part
from sequoia_stats.spatial.truth_on_tiles import TileTruth
from sequoia_stats.types.arrays import Floats

if TYPE_CHECKING:
    from sequoia_base.maps import Map
    from sequoia_stats.types.spatial_truth import SpatialTruth


def shared_genes(predicted: Map, truth: SpatialTruth, genes: Collection[str] | None, flow: Flow) -> list[str]:
    """Genes that map and truth have, in the order of the map.

    Parameters
    ----------
    predicted : Map
        The map.
    truth : SpatialTruth
        The measured section.
    genes : collection of str or None
        Genes that were asked for.
    flow : Flow
        The ledger, which gets a line.

    Returns
    -------
    list of str

    Raises
    ------
    InputError
        If the truth has no counts, a gene that was asked for is missing, or no gene is shared.
    """
    where = f"map of {predicted.slide}, truth {truth.name}"
    if truth.counts is None:
        raise InputError(
            "the truth has no counts of genes", where=truth.name, fix="give a section with counts"
        )
    if not truth.genes:
        raise InputError(
            "the truth has no genes", where=truth.name, fix="give a section with counts of genes"
        )
    predicted.refuse_no_genes()
    mapped, measured = set(predicted.gene_names), set(truth.genes)
    for words, known, names in (
        ("predicted by the map", mapped, predicted.gene_names),
        ("measured by the truth", measured, truth.genes),
    ):
        if absent := [gene for gene in dict.fromkeys(genes or ()) if gene not in known]:
            raise InputError(
                f"{part(len(absent), len(set(genes or ())), 'gene', 'are')} not {words}: {listing(absent)}",
                where=f"{where}, which has {listing(names, 3)}",
                fix="leave them out of --genes; the names must be of the kind that map and truth have",
            )
    shared = [gene for gene in genes or predicted.gene_names if gene in mapped and gene in measured]
    if not shared:
        raise InputError(
            f"none of the {len(mapped):,} genes of the map is among the {len(measured):,} of the truth",
            where=f"{where}; {listing(predicted.gene_names, 3)}; {listing(truth.genes, 3)}",
            fix="both need gene symbols",
        )
    reason = "those asked for" if genes else f"{len(mapped) - len(shared):,} not in the truth"
    flow.add("genes: of the map and of the truth", len(mapped), len(shared), reason)
    return list(dict.fromkeys(shared))


def refuse_missing(predicted: Map, genes: Sequence[str], values: Floats, tiles: NDArray[np.int64]) -> None:
    """Refuse maps with missing or infinite values on tiles that are judged.

    Parameters
    ----------
    predicted : Map
        The map.
    genes : sequence of str
        Genes.
    values : array of shape (genes, tiles)
        Their values on some tiles.
    tiles : array of int64, shape (tiles,)
        Numbers of these tiles in the map.

    Raises
    ------
    InputError
        If a value is not finite.
    """
    gene, tile = np.nonzero(~np.isfinite(values))
    if len(gene):
        row, column = predicted.places[tiles[tile[0]]]
        raise InputError(
            f"{counted(len(gene), 'value')} of the map {'is' if len(gene) == 1 else 'are'} not finite on tiles in a "
            "window",
            where=f"map {predicted.path or predicted.slide}, gene {genes[gene[0]]}, tile {row}x{column}",
            fix="make the map again",
        )


def n_distinct(counts: Floats, tiles: TileTruth) -> NDArray[np.int64]:
    """Distinct raw counts of each gene over the spots; by the paper's rule, distinct values over the tiles.

    Parameters
    ----------
    counts : array of shape (spots, genes)
        Raw counts.
    tiles : TileTruth
        The tiles and their spots.

    Returns
    -------
    array of int64, shape (genes,)
    """
    values = counts.T if tiles.rule == "strict" else tiles.smoothed(tiles.unsmoothed(counts))
    ordered = np.sort(values, axis=1)
    return 1 + (np.diff(ordered, axis=1) > 0).sum(axis=1)
