"""Lists of genes: one a line, or the column of a table that has the title."""

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
        'Symbol,weight\n"ESR1",2\n,3\n,\nKNTC2,1\n',
        'what,gene\n"a, b",ESR1\n"c",KNTC2\n',
        "gene\tabout\nESR1\ta receptor, alpha; nuclear\nKNTC2\t\n",
        "r;gene\n0,5;ESR1\n0,1;KNTC2\n",
        "ESR1,\n\tKNTC2\n",
        "gene\nESR1;\nKNTC2\n",
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


@pytest.mark.parametrize(
    ("text", "row", "n"),
    [
        ("G1,G2,G3\n", 1, 3),
        ("G1\tG2\nG3\tG4\n", 1, 2),
        ("G1;G2", 1, 2),
        ("a,G1\na,G2\n", 1, 2),
        ("# mine\n\nG1\nG2;G3\n", 4, 2),
        ("gene\nG1\nG2,,G3\n", 3, 2),
        ('"","x"\n"1","G1"\n', 2, 2),
    ],
)
def test_several_fields_in_a_line_without_a_title_are_refused(tmp_path, text, row, n):
    (tmp_path / "genes.txt").write_text(text)
    with pytest.raises(InputError, match=f"row {row} has {n} fields") as error:
        read_gene_list(tmp_path / "genes.txt")
    assert error.value.where == f"{tmp_path / 'genes.txt'}, row {row}"
    assert error.value.fix == "write one gene a line, or a CSV with a title gene"


@pytest.mark.parametrize("row", ["G2", "G2,1,2", "G2;1"])
def test_a_row_of_a_table_with_other_fields_than_its_header_is_refused(tmp_path, row):
    (tmp_path / "genes.csv").write_text(f"gene,r\nG1,1\n{row}\n")
    with pytest.raises(InputError, match=r"row 3 has \d fields, the header 2"):
        read_gene_list(tmp_path / "genes.csv")


def test_of_a_table_the_column_of_genes_is_read(tmp_path):
    path = tmp_path / "genes.csv"
    path.write_text("cancer,gene,r\nBRCA,ESR1,0.5\nLUAD,ESR1,0.1\nLUAD,TP53,0.2\n")
    assert read_gene_list(path) == ["ESR1", "TP53"]
