"""Names of the genes that a network predicts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sequoia_model.errors import InputError
from sequoia_model.weights.gene_lists import published_genes, read_genes
from sequoia_model.weights.loading import Weights


def output_genes(weights: Weights, given: str | Path | Sequence[str] | None = None) -> tuple[str, ...]:
    """The genes of a network's outputs, in their order.

    Parameters
    ----------
    weights : Weights
        Their own names count first.
    given : path or sequence of str, optional
        A list, or a file as for `read_genes`. Without one, 20,820 outputs are the published genes.

    Raises
    ------
    InputError
        If there are no names, one repeats, their number is not that of the outputs, or they are not those of the
        weights.
    """
    where = str(given) if isinstance(given, str | Path) else ""
    names = read_genes(given) if isinstance(given, str | Path) else given and tuple(given)
    if names and weights.genes and tuple(names) != weights.genes:
        raise InputError(
            "the weights name their genes, and these are others",
            where=where or weights.source,
            fix="leave --genes out",
        )
    names = weights.genes or names
    if not names and weights.n_genes == len(published_genes()):
        names = published_genes()
    if not names:
        raise InputError(
            f"the {weights.n_genes} genes that the networks predict have no names",
            where=weights.source,
            fix="--genes FILE, one name a line in the order of the outputs",
        )
    if len(set(names)) < len(names):
        raise InputError("names of genes stand more than once", where=where or weights.source)
    if len(names) != weights.n_genes:
        raise InputError(
            f"there are {len(names)} names of genes, and the networks predict {weights.n_genes}",
            where=where or weights.source,
        )
    return tuple(names)
