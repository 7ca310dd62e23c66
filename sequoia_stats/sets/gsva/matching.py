"""Genes of new samples beside those of a frozen reference."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sequoia_stats.errors import InputError, listing
from sequoia_stats.sets.collections import GeneSets
from sequoia_stats.sets.collections.collection import ledger_of, refuse_nothing_left
from sequoia_stats.sets.gsva.reference import Reference
from sequoia_stats.sets.gsva.samples import Samples
from sequoia_stats.types.genes import match

Step = tuple[str, int, int, str]


def find_genes(reference: Reference, samples: Samples, *, drop: bool) -> tuple[NDArray[np.intp], list[Step]]:
    """Where the genes of a reference stand in new samples.

    Parameters
    ----------
    reference : Reference
    samples : Samples
    drop : bool
        Whether genes may be missing.

    Returns
    -------
    places : array of shape (genes of the reference,)
        Columns of the samples, -1 where the gene is not there.
    steps : list of tuple
        Ledger lines of the genes that only one side has.

    Raises
    ------
    InputError
        If genes are missing and may not be, or fewer than two are left.
    """
    columns = samples.table.columns
    places = (
        match(reference.genes, columns)
        if reference.settings.aliases
        else columns.get_indexer(reference.genes)
    )
    absent, n = reference.genes[places < 0], len(reference.genes)
    if len(absent) and (not drop or len(absent) > n - 2):
        raise InputError(
            f"{len(absent)} of {n} genes of the reference are not there: {listing(absent)}",
            where=samples.name,
            fix="give all genes of the reference, or --missing-genes drop to leave them out on both sides",
        )
    steps, n_new, n_used = [], len(columns), n - len(absent)
    if len(absent):
        reason = f"{len(absent)} are not in {samples.name}, and were left out: {listing(absent, 3)}"
        steps.append(("genes: of the reference", n, n_used, reason))
    if n_new > n_used:
        steps.append(("genes: of the new samples", n_new, n_used, "the others are not in the reference"))
    return places, steps


def without_genes(reference: Reference, absent: NDArray[np.bool_]) -> tuple[Reference, list[Step]]:
    """The reference as if it had never had some genes (a set that was too large then stays away).

    Parameters
    ----------
    reference : Reference
    absent : array of shape (genes,)

    Returns
    -------
    reference : Reference
    steps : list of tuple
        Ledger lines of genes and sets lost.

    Raises
    ------
    InputError
        If no set is left.
    """
    genes = reference.genes.to_numpy()[reference.membership.indices]
    members = np.split(genes, reference.membership.indptr[1:-1])
    named = zip(reference.set_names, map(tuple, members), strict=True)
    sets, settings = GeneSets(reference.collection, dict(named)), reference.settings
    left = sets.restrict(reference.genes[~absent], min_size=settings.min_size, max_size=settings.max_size)
    refuse_nothing_left(sets, left)
    smaller = replace(
        reference,
        values=reference.values[~absent],
        genes=left.universe,
        set_names=left.names,
        membership=left.membership,
    )
    return smaller, ledger_of(sets, left)
