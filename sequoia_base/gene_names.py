"""What the names of genes are: symbols, or the identifiers of an array or of a database."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from sequoia_base.errors import counted, listing

#: The share of names above which they are taken as identifiers: more than half.
_MOST = 0.5
#: Kinds of identifiers; the first that fits counts. R's make.names puts an X before a digit. Names of contigs on
#: Rosetta's arrays and of accessions that were measured in reverse end in _RC. GENCODE names genes by clone with a
#: version, such as AC004540.5: these are symbols, so an accession of GenBank is one without a version.
_KINDS = {
    kind: re.compile(pattern, re.IGNORECASE)
    for kind, pattern in {
        "Affymetrix probe ids": r"AFFX[-._]\S+|\S+_[as]t|\d\S*[._-]([a-z][._-])?[as]t|TC[\dXYUM]\w+\.hg\.\d+",
        "Illumina probe ids": r"ILMN[_.]\d+",
        "Illumina methylation probe ids": r"cg\d{8}(_\w+)?|ch\.[\dXY]+\.\d+[FR]",
        "Agilent probe ids": r"A_\d\d_[PN]\d+",
        "CodeLink probe ids": r"GE\d{5,6}",
        "Rosetta probe ids": r"Contig\d+(_RC)?",
        "Ensembl gene ids": r"ENS[A-Z]{0,4}G\d{11}(\.\d+)?(_PAR_Y)?",
        "Ensembl transcript ids": r"ENS[A-Z]{0,4}T\d{11}(\.\d+)?(_PAR_Y)?",
        "Ensembl protein ids": r"ENS[A-Z]{0,4}P\d{11}(\.\d+)?",
        "RefSeq accessions": r"[NX][CGMPRTW]_\d+([.:]\d+)*(_RC)?",
        "miRBase accessions": r"MIMAT\d{7}",
        "HGNC ids": r"HGNC:\d+",
        "UniGene clusters": r"(Hs|Mm|Rn)\.\d+",
        "UniProt accessions": r"[OPQ]\d(\d{3}|[A-Z]\d\d|\d[A-Z]\d|\d\d[A-Z])\d(-\d+)?",
        "UniProt entry names": r"[A-Z\d]{1,5}_(HUMAN|MOUSE|RAT)",
        "genomic positions": r"(chr)?[\dXYM]{1,2}:\d+\S*|chr[\dXYM]{1,2}_\d+\S*",
        "GenBank accessions": r"([A-Z]\d{5}|[A-Z]{2}\d{6})(_RC)?",
        "symbols joined with ids": r"[^|\s]+\|\d+|\S+ \(\d+\)|\S+[|_:;]ENSG\d{11}\S*|ENSG\d{11}(\.\d+)?[|_:;]\S+",
        "numbers, as Entrez Gene ids are": r"X?\d+(\.0+)?|(ENTREZ|GeneID|OMIM|MIM)[:_]\d+",
    }.items()
}
#: What every identifier holds and few symbols do; most names need no further look.
_SUSPECT = re.compile(r"[_|:;(.]|\d{3}|^X?\d+$|^[OPQ]\d", re.IGNORECASE)


class GeneNames(NamedTuple):
    """How many names of genes are identifiers of each kind.

    Parameters
    ----------
    n : int
        Number of distinct names.
    counts : dict of str to int
        Number of names of each kind of identifier, the most frequent first; symbols are not counted.
    examples : dict of str to str
        The first name of each kind.
    """

    n: int
    counts: dict[str, int]
    examples: dict[str, str]

    @property
    def n_identifiers(self) -> int:
        """Number of names that are identifiers of any kind."""
        return sum(self.counts.values())

    @property
    def are_identifiers(self) -> bool:
        """Whether more than half of the names are identifiers."""
        return self.n_identifiers > _MOST * self.n

    def __str__(self) -> str:
        """A sentence: "1,689 of 1,700 names are Affymetrix probe ids, such as 1007_s_at"."""
        if not self.counts:
            return f"{counted(self.n, 'name is a symbol', 'names are symbols')}"
        total = counted(self.n, "name")
        if len(self.counts) == 1:
            [(kind, example)] = self.examples.items()
            if self.n_identifiers == 1:
                return f"1 of {total}, {example}, is of the kind: {kind}"
            return f"{self.n_identifiers:,} of {total} are {kind}, such as {example}"
        kinds = (f"{kind} ({n:,}, such as {self.examples[kind]})" for kind, n in self.counts.items())
        return f"{self.n_identifiers:,} of {total} are identifiers: {listing(kinds, 4)}"


def kind_of(name: object) -> str:
    """The kind of identifier that a name is; "" if it may be a symbol.

    Examples
    --------
    >>> kind_of("1007_s_at"), kind_of("ENSG00000141510.17"), kind_of("TP53"), kind_of("hsa-mir-21")
    ('Affymetrix probe ids', 'Ensembl gene ids', '', '')
    """
    text = str(name).strip()
    if not _SUSPECT.search(text):
        return ""
    return next((kind for kind, pattern in _KINDS.items() if pattern.fullmatch(text)), "")


def examine(names: Iterable[object]) -> GeneNames:
    """Count the identifiers among the names of genes; empty names do not count.

    Parameters
    ----------
    names : iterable of str
        The gene names of one table or list.

    Returns
    -------
    GeneNames

    Examples
    --------
    >>> names = examine(["1007_s_at", "1053_at", "TP53"])
    >>> names.are_identifiers, str(names)
    (True, '2 of 3 names are Affymetrix probe ids, such as 1007_s_at')
    """
    distinct = list(dict.fromkeys(text for name in names if (text := str(name).strip())))
    counts: dict[str, int] = {}
    examples: dict[str, str] = {}
    for name in distinct:
        if kind := kind_of(name):
            counts[kind] = counts.get(kind, 0) + 1
            examples.setdefault(kind, name)
    ordered = sorted(counts, key=lambda kind: -counts[kind])
    return GeneNames(
        len(distinct), {kind: counts[kind] for kind in ordered}, {kind: examples[kind] for kind in ordered}
    )
