"""Names of the outputs."""

from __future__ import annotations

import gzip
from types import SimpleNamespace

import pytest

from sequoia_model.errors import InputError
from sequoia_model.prediction.gene_names import output_genes
from sequoia_model.weights.gene_lists import published_genes, read_genes


def make_weights(n_genes=3, genes=None):
    return SimpleNamespace(n_genes=n_genes, genes=genes, source="toy")


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
        ("A\nB\nA\n", "2 genes stand more than once: A .gene 1., A .gene 3."),
        ("A\n1-Mar\nSep-02\n", "2 genes are dates: 1-Mar .gene 2., Sep-02 .gene 3."),
        ("A,1\nB,2\n", "no column 'gene'"),
        ("gene,n\nA,1\n ,2\n", "1 genes have no name: an empty one .gene 2."),
    ],
)
def test_a_list_that_cannot_be_meant_is_refused(tmp_path, text, words):
    path = tmp_path / "genes.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=words) as error:
        read_genes(path)
    assert "genes.txt" in error.value.where


def test_what_is_no_text_is_refused(tmp_path):
    (tmp_path / "genes.txt").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(InputError, match="no readable text"):
        read_genes(tmp_path / "genes.txt")
    with pytest.raises(InputError, match="does not exist"):
        read_genes(tmp_path / "other.txt")


def test_names_of_the_weights_need_no_list():
    assert output_genes(make_weights(genes=("A", "B", "C"))) == ("A", "B", "C")


def test_a_list_that_agrees_with_the_weights_is_fine_and_another_is_not():
    weights = make_weights(genes=("A", "B", "C"))
    assert output_genes(weights, ["A", "B", "C"]) == ("A", "B", "C")
    with pytest.raises(InputError, match="these are others"):
        output_genes(weights, ["C", "B", "A"])


def test_as_many_outputs_as_the_published_have_their_names():
    assert output_genes(make_weights(20820)) == published_genes()


def test_outputs_without_names_are_refused():
    with pytest.raises(InputError, match="the 3 genes that the networks predict have no names") as error:
        output_genes(make_weights())
    assert "--genes" in error.value.fix


def test_another_number_of_names_is_refused_with_both(tmp_path):
    (tmp_path / "genes.txt").write_text("A\nB\n")
    with pytest.raises(InputError, match="2 names of genes, and the networks predict 3"):
        output_genes(make_weights(), tmp_path / "genes.txt")


def test_a_name_that_repeats_is_refused():
    with pytest.raises(InputError, match="stand more than once"):
        output_genes(make_weights(), ["A", "B", "A"])
