"""Published breast cancer signatures, and the overlap of a gene list with them."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from sequoia_stats.association import benjamini_hochberg
from sequoia_stats.errors import InputError
from sequoia_stats.io.gene_lists import title_among
from sequoia_stats.sets._hypergeometric import overlap_p_value
from sequoia_stats.sets.collections.bundled import SIGNATURES, read_data
from sequoia_stats.sets.collections.collection import GeneSets
from sequoia_stats.sets.collections.gmt import parse
from sequoia_stats.sets.collections.matching import distinct_genes


def published_signatures() -> GeneSets:
    """Genes of published breast cancer signatures, under the names used when they were published.

    Returns
    -------
    GeneSets
        MammaPrint, Oncotype DX, EndoPredict, Rotterdam 76, GGI and PAM50. Descriptions say how many probes have a
        symbol and which genes are reference genes.
    """
    sets, words = parse(read_data(SIGNATURES).decode(), SIGNATURES)
    return GeneSets(
        "published signatures", sets, words, source="bhklab/genefu@9c9b66d1ef22", licence="Artistic-2.0"
    )


def published_overlap(
    genes: Iterable[object],
    universe: Iterable[object],
    *,
    signatures: GeneSets | None = None,
    aliases: bool = True,
) -> pd.DataFrame:
    """Overlap of a gene list with published signatures.

    Parameters
    ----------
    genes : iterable of str
        The list, without duplicates. Genes outside the universe are left out.
    universe : iterable of str
        All genes that could have been on the list, without duplicates; titles such as "gene" do not count.
    signatures : GeneSets, optional
        Signatures to compare with; `published_signatures` by default.
    aliases : bool, default True
        Also find genes under former names, which the older signatures use.

    Returns
    -------
    DataFrame
        One row per signature: signature, n_signature (genes with a symbol), n_measured (those in the universe),
        overlap, genes (shared genes, sorted and joined by ";", as named in the universe), p (hypergeometric,
        P(X >= overlap)) and p_bh (Benjamini-Hochberg over the signatures).

    Raises
    ------
    InputError
        If a gene is duplicated, or none of the list is in the universe.

    Examples
    --------
    >>> table = published_overlap(["NDC80", "ORC6"], ["NDC80", "ORC6", "ESR1", "ACTB"])
    >>> table.set_index("signature").genes["PAM50"]
    'NDC80;ORC6'
    """
    signatures = published_signatures() if signatures is None else signatures
    given = distinct_genes(universe)
    tested = sorted(set(given) - {title_among(given)})
    listed = set(distinct_genes(genes)) & set(tested)
    if not listed:
        raise InputError("none of the genes is in the universe")
    left = signatures.intersect(tested, aliases=aliases).sets
    rows = [
        (
            name,
            len(signatures[name]),
            len(left.get(name, ())),
            sorted(listed.intersection(left.get(name, ()))),
        )
        for name in signatures
    ]
    table = pd.DataFrame(rows, columns=["signature", "n_signature", "n_measured", "genes"])
    table.insert(3, "overlap", table["genes"].str.len())
    table["genes"] = table["genes"].str.join(";")
    table["p"] = overlap_p_value(table["overlap"], len(tested), table["n_measured"], len(listed))
    table["p_bh"] = benjamini_hochberg(table["p"])
    return table
