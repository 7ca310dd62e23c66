"""Lists of genes in files."""

from __future__ import annotations

import gzip

import pytest

from sequoia_model.errors import InputError
from sequoia_model.weights.gene_lists import read_genes


@pytest.mark.parametrize(
    "text",
    [
        "A\nB\nC\n",
        "gene\nA\nB\nC\n",
        "\ufeffgene\r\nA\r\nB\r\nC",
        "Gene,n\nA,1\nB,2\nC,3\n",
        "rna_A\nrna_B\nrna_C\n",
        "A\n\nB\nC\n",
    ],
)
def test_lists_and_tables_are_read(tmp_path, text):
    path = tmp_path / "genes.csv"
    path.write_text(text, encoding="utf-8")
    assert read_genes(path) == ("A", "B", "C")


def test_a_packed_list_is_read(tmp_path):
    path = tmp_path / "genes.csv.gz"
    path.write_bytes(gzip.compress(b"gene\nA\nB\n"))
    assert read_genes(path) == ("A", "B")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("gene\n", "is empty"),
        ("A\nB\nA\n", "2 genes with a duplicated name: A .gene 1., A .gene 3."),
        ("A\n1-Mar\nSep-02\n", "2 genes with a date as .* name: 1-Mar .gene 2., Sep-02 .gene 3."),
        ("A,1\nB,2\n", "no column 'gene'"),
        ('A\n"B\nC\n', "a quote is opened and not closed"),
        ('gene,n\nA,1\n"B,2\nC",3\n', "a quote is opened and not closed"),
        ("gene,n\nA,1\n ,2\n", "1 gene without a name: empty .gene 2."),
    ],
)
def test_a_list_that_cannot_be_meant_is_refused(tmp_path, text, words):
    path = tmp_path / "genes.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=words) as error:
        read_genes(path)
    assert "genes.txt" in error.value.where


def test_a_file_that_is_not_text_is_refused(tmp_path):
    (tmp_path / "genes.txt").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(InputError, match="cannot be read as text"):
        read_genes(tmp_path / "genes.txt")
    with pytest.raises(InputError, match="does not exist"):
        read_genes(tmp_path / "other.txt")
