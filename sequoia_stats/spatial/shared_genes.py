"""Which genes of a map and its truth can be judged."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sequoia_base.flow import Flow
from sequoia_stats.errors import InputError, listing, part
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
    predicted.refuse_no_genes()
    mapped, measured = set(predicted.gene_names), set(truth.genes)
    for words, known in (("predicted by the map", mapped), ("measured by the truth", measured)):
        if absent := [gene for gene in genes or () if gene not in known]:
            raise InputError(
                f"{part(len(absent), len(genes or ()), 'gene', 'are')} not {words}: {listing(absent)}",
                where=where,
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
