"""Of which genes the earth mover's distance is found: on large sections it takes too long for all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sequoia_stats.errors import counted
from sequoia_stats.spatial.normalising import normalise
from sequoia_stats.spatial.truth_on_tiles import TileTruth

if TYPE_CHECKING:
    from sequoia_stats.types.spatial_truth import SpatialTruth

#: The distances of all genes may take about as long as those of this many genes on a section of so many tiles: some
#: 20 minutes of one core. The network simplex takes tiles to the power of about 2.6.
_GENES, _TILES, _POWER = 10_000, 900, 2.6
_BLOCK = 256


def affordable_emds(tiles: int) -> int:
    """Of how many genes the distances take about 20 minutes of one core at most.

    Parameters
    ----------
    tiles : int
        Number of tiles.

    Returns
    -------
    int
        0 on a section so large that one takes longer.

    Examples
    --------
    >>> affordable_emds(900), affordable_emds(4000), affordable_emds(50_000)
    (10000, 206, 0)
    """
    return int(_GENES * (_TILES / max(tiles, 1)) ** _POWER)


def genes_with_emd(
    truth: SpatialTruth, genes: Sequence[str], tiles: TileTruth, limit: int | None, notes: list[str]
) -> frozenset[str]:
    """The genes whose distance is found: all, or the most variable ones of the truth.

    Parameters
    ----------
    truth : SpatialTruth
        The measured section.
    genes : sequence of str
        Genes that are judged.
    tiles : TileTruth
        The tiles and their spots.
    limit : int or None
        Number of genes; None for `affordable_emds`.
    notes : list of str
        Gets a note if some genes have no distance.

    Returns
    -------
    frozenset of str
    """
    n = affordable_emds(tiles.n) if limit is None else limit
    if n >= len(genes):
        return frozenset(genes)
    blocks = [genes[start : start + _BLOCK] for start in range(0, len(genes), _BLOCK)]
    variance = np.concatenate(
        [normalise(truth.counts_of(block), tiles.totals).var(axis=0) for block in blocks]
    )
    chosen = np.argsort(-variance, kind="stable")[:n]
    found = f"for the {counted(n, 'most variable gene')} of {len(genes):,}" if n else "for no gene"
    notes.append(f"the EMD is found {found} (on {tiles.n:,} tiles); --emd-genes N takes more")
    return frozenset(genes[i] for i in chosen)
