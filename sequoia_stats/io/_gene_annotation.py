"""Columns of a matrix with genes in rows that tell of the gene, and are no samples."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sequoia_base.flow import Flow
from sequoia_stats.errors import listing

#: Columns of expression files of cBioPortal that are not samples; that of the symbols first.
CBIOPORTAL = ("hugo_symbol", "entrez_gene_id", "cytoband", "composite.element.ref")
#: Titles as featureCounts, RSEM, Ensembl, NCBI, the GDC and GCT files write them; other characters count as "_".
_TITLES = frozenset([
    *(re.sub(r"\W", "_", title) for title in CBIOPORTAL),
    "gene", "genes", "gene_id", "gene_ids", "geneid", "gene_name", "gene_names", "genename", "gene_symbol",
    "genesymbol", "symbol", "symbols", "hgnc_symbol", "hgnc_id", "external_gene_name", "entrez", "entrezid",
    "entrez_id",
    "entrezgene", "entrezgene_id", "ncbi_gene_id", "ensembl", "ensembl_id", "ensembl_gene_id",
    "ensembl_gene_id_version", "transcript_id", "transcript_id_s", "transcript_ids",
    "gene_type", "genetype", "type_of_gene", "gene_biotype", "biotype", "description", "gene_description", "desc",
    "length", "gene_length", "effective_length", "exon_length", "chr", "chrom", "chromosome", "chromosome_name",
    "seqnames", "start", "end", "chromstart", "chromend", "start_position", "end_position", "strand",
    "probe", "probe_id", "unigene", "refseq",
])  # fmt: skip


def about_genes(titles: Sequence[str]) -> list[int]:
    """Positions of columns that tell of the gene.

    Examples
    --------
    >>> about_genes(["Hugo_Symbol", "Entrez_Gene_Id", "TCGA-A1-A0SB-01", "Length"])
    [0, 1, 3]
    """
    return [
        i
        for i, title in enumerate(titles)
        if re.sub(r"\W+", "_", title.strip().lower()).strip("_") in _TITLES
    ]


def note_about_genes(total: int, lost: Sequence[str], flow: Flow) -> None:
    """Add a line to the ledger if some of `total` columns tell of the gene."""
    if len(lost):
        reason = f"no samples, by their titles: {listing(lost, 5)}"
        flow.add("columns: about genes", total, total - len(lost), reason)
