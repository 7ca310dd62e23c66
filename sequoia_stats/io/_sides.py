"""Whether genes are in rows or in columns, as the names of a matrix show it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from sequoia_base.gene_names import kind_of
from sequoia_stats.errors import InputError, listing
from sequoia_stats.io._barcodes import read_barcode
from sequoia_stats.io._layout import SAMPLE_TITLES
from sequoia_stats.io.gene_lists import is_gene_title
from sequoia_stats.types.genes import is_symbol

#: Kinds of identifiers that no sample has; a sample may well have a number.
_OF_GENES = ("Ensembl gene ids", "Affymetrix probe ids", "Illumina probe ids")


def refuse_other_side(
    samples: Sequence[str], genes: Sequence[str], where: str | Path, fix: str, title: str = ""
) -> None:
    """Refuse a matrix whose names, or the title over its row names, show that genes are on the other side.

    Parameters
    ----------
    samples, genes : sequence of str
        The names that are taken as those of samples, and of genes.
    where : str or path
        The source, for the error.
    fix : str
        What to do.
    title : str, optional
        The title of the first column if it contradicts, as from `title_of_other_side`. It counts unless names show that
        it is wrong: matrices of Xena call a column of genes "sample".

    Raises
    ------
    InputError
        If most genes have barcodes as names, or most samples symbols or ids of genes while most genes have not.
    """
    barcodes = _most(_is_barcode, samples), _most(_is_barcode, genes)
    are_genes = _most(_is_sure_gene, samples)
    if title and barcodes != (True, False) and (are_genes or not _most(_is_gene, genes)):
        what = title
    elif barcodes == (False, True):
        what = f"the genes have the names of samples: {listing(genes, 3)}"
    elif are_genes and not _most(_is_gene, genes):
        what = f"the samples have the names of genes: {listing(samples, 3)}"
    else:
        return
    raise InputError(what, where=str(where), fix=fix)


def title_of_other_side(title: str, in_rows: bool) -> str:
    """What is wrong with the title over the names of rows, if genes are said to be in rows or not; "" if nothing."""
    title = title.strip()
    if not (title.lower() in SAMPLE_TITLES if in_rows else is_gene_title(title)):
        return ""
    found, said = ("columns", "rows") if in_rows else ("rows", "columns")
    return f"the first column is called {title!r}, so genes are in {found}, not in {said}"


def _most(is_so: Callable[[str], bool], names: Iterable[str]) -> bool:
    answers = [is_so(str(name)) for name in names]
    return sum(answers) > len(answers) / 2


def _is_barcode(name: str) -> bool:
    return read_barcode(name) is not None


def _is_sure_gene(name: str) -> bool:
    return is_symbol(name) or kind_of(name) in _OF_GENES


def _is_gene(name: str) -> bool:
    return is_symbol(name) or bool(kind_of(name))
