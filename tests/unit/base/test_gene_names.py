"""Identifiers of arrays and databases among the names of genes."""

from __future__ import annotations

import pytest

from sequoia_base.gene_names import examine, kind_of

SYMBOLS = [
    "TP53", "C1orf112", "HLA-DRB1", "MIR21", "hsa-miR-21-5p", "KIAA0101", "LOC100130426", "FLJ12345", "P2RY10",
    "H2AC12", "B3GAT1", "N6AMT1", "RP11-34P13.7", "AC004540.5", "AL133458.1", "Trp53", "1-Mar", "2017-09-07",
    "rna_TP53", "G3PDH_570", "TP53_cnv", "G1", "V12", "7SK", "5S_rRNA", "Y_RNA", "U6", "NKX2-1", "DKFZp434C1418",
    "PAK1IP1", "",
]  # fmt: skip

IDENTIFIERS = {
    "1007.s.at": "Affymetrix", "1007-s-at": "Affymetrix", "GE50000": "CodeLink",
    "ENTREZ:7157": "Entrez", "GeneID:7157": "Entrez", "MIMAT0000076": "miRBase", "TP53_HUMAN": "UniProt",
    "chr17:7661779-7687550": "positions", "NM_000546:100": "RefSeq",
    "1007_s_at": "Affymetrix", "200000_at": "Affymetrix", "AFFX-BioB-5_at": "Affymetrix", "X1007_s_at": "Affymetrix",
    "Hs.12345.0.A1_3p_a_at": "Affymetrix", "7157_at": "Affymetrix", "ENSG00000141510_at": "Affymetrix",
    "AFFX.BioB.5_st": "Affymetrix", "TC0100006437.hg.1": "Affymetrix",
    "ILMN_1651199": "Illumina probe", "cg00000029": "methylation", "A_23_P100001": "Agilent",
    "A_33_P3239899": "Agilent", "Contig45645_RC": "Rosetta", "Contig440": "Rosetta",
    "ENSG00000141510": "Ensembl gene", "ENSG00000141510.17": "Ensembl gene", "ensg00000141510": "Ensembl gene",
    "ENSG00000002586.20_PAR_Y": "Ensembl gene", "ENSMUSG00000059552": "Ensembl gene", "ENST00000269305.9": "transcript",
    "ENSP00000269305": "protein", "NM_000546": "RefSeq", "NM_000546.6": "RefSeq", "XR_001737856": "RefSeq",
    "7157": "Entrez", "7157.0": "Entrez", "X7157": "Entrez", " 7157 ": "Entrez",
    "HGNC:11998": "HGNC", "Hs.437460": "UniGene", "P04637": "UniProt", "AB032973": "GenBank", "X98307": "GenBank",
    "AW024884_RC": "GenBank", "TP53|7157": "joined", "?|100130426": "joined", "TP53 (7157)": "joined",
    "ENSG00000141510.17|TP53": "joined", "TP53_ENSG00000141510": "joined",
}  # fmt: skip


@pytest.mark.parametrize("name", SYMBOLS)
def test_a_symbol_is_not_an_identifier(name):
    assert kind_of(name) == ""


@pytest.mark.parametrize("name", IDENTIFIERS)
def test_an_identifier_has_its_kind(name):
    assert IDENTIFIERS[name] in kind_of(name)


def test_more_than_half_are_needed_and_repeated_and_empty_names_do_not_count():
    assert examine(["1007_s_at", "1053_at", "TP53", "TP53", "", " "]).are_identifiers
    assert not examine(["1007_s_at", "1007_s_at", "TP53"]).are_identifiers
    assert not examine([]).are_identifiers


def test_the_sentence_counts_and_gives_the_first_of_the_kind():
    names = [f"{1000 + i}_s_at" for i in range(1689)] + [f"G{i}" for i in range(11)]
    assert str(examine(names)) == "1,689 of 1,700 names are Affymetrix probe ids, such as 1000_s_at"


def test_the_sentence_names_several_kinds_the_most_frequent_first():
    said = str(examine(["Contig1_RC", "NM_000546", "NM_000547", "TP53"]))
    assert said == (
        "3 of 4 names are identifiers: RefSeq accessions (2, such as NM_000546), "
        "Rosetta probe ids (1, such as Contig1_RC)"
    )


def test_the_sentence_is_in_the_singular_for_one():
    assert str(examine(["7157"])) == "1 of 1 name, 7157, is of the kind: numbers, as Entrez Gene ids are"


def test_symbols_are_called_symbols():
    assert str(examine(["TP53", "ESR1"])) == "2 names are symbols"
