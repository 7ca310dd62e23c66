"""Lists of genes: one a line, and nothing else counts."""

from __future__ import annotations

import pytest

from sequoia_stats.errors import InputError
from sequoia_stats.io import read_gene_list


@pytest.mark.parametrize(
    "text",
    [
        "ESR1\nKNTC2\n",
        "gene\nESR1\nKNTC2",
        "# mine\n\nESR1\r\n KNTC2 \r\nESR1\n",
        'Symbol,weight\n"ESR1",2\nKNTC2,1\n',
    ],
)
def test_names_are_read_once_and_as_written(tmp_path, text):
    (tmp_path / "genes.txt").write_bytes(text.encode())
    assert read_gene_list(tmp_path / "genes.txt") == ["ESR1", "KNTC2"]


@pytest.mark.parametrize(("text", "words"), [("", "is empty"), ("gene\n\n", "no name"), ("# x\n", "no name")])
def test_a_list_without_a_name_is_an_error(tmp_path, text, words):
    (tmp_path / "genes.txt").write_text(text)
    with pytest.raises(InputError, match=words):
        read_gene_list(tmp_path / "genes.txt")


def test_of_a_table_the_column_of_genes_is_read(tmp_path):
    path = tmp_path / "genes.csv"
    path.write_text("cancer,gene,r\nBRCA,ESR1,0.5\nLUAD,ESR1,0.1\nLUAD,TP53,0.2\n")
    assert read_gene_list(path) == ["ESR1", "TP53"]
