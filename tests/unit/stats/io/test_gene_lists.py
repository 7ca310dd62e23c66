"""Gene lists, one or several, and genes with scores."""

from __future__ import annotations

import gzip

import pytest

from sequoia_stats.errors import InputError
from sequoia_stats.io.gene_lists import read_gene_list, read_gene_lists


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


@pytest.mark.parametrize(
    ("text", "words"), [("", "is empty"), ("gene\n\n", "t is empty"), ("# x\n", "t is empty")]
)
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
    ],
)
def test_several_fields_in_a_line_without_a_title_are_refused(tmp_path, text, row, n):
    (tmp_path / "genes.txt").write_text(text)
    with pytest.raises(InputError, match=f"a row has {n} fields") as error:
        read_gene_list(tmp_path / "genes.txt")
    assert error.value.where == f"{tmp_path / 'genes.txt'}, row {row}"
    assert error.value.fix == "write one gene per line, or a CSV with a column gene"


@pytest.mark.parametrize(
    "text",
    [
        '"","x"\n"1","G1"\n"2","G2"\n',
        '"G1"\n"G2"\n',
        "G1,\nG2,\n",
        '"x"\n"1" "G1"\n"2" "G2"\n',
        "mine\n1 G1\n7 G2\n",
        '"x"\n"1"\t"G1"\n"2"\t"G2"\n',
        '"1" "G1"\n"2" "G2"\n',
        '"gene" "logFC"\n"1" "G1" 0.5\n"2" "G2" 1\n',
        "gene logFC\nG1 0.5\nG2 1\n",
        "G1 G2 G1",
    ],
)
def test_a_vector_that_r_wrote_is_a_list(tmp_path, text):
    (tmp_path / "genes.csv").write_text(text)
    assert read_gene_list(tmp_path / "genes.csv") == ["G1", "G2"]


@pytest.mark.parametrize("text", ['G1\n"G2\nG3\n', 'gene,r\nG1,1\n"G2,2\nG3,3\n'])
def test_a_quote_that_is_not_closed_is_refused_by_its_row(tmp_path, text):
    (tmp_path / "genes.csv").write_text(text)
    with pytest.raises(InputError, match="a quote is opened and not closed") as error:
        read_gene_list(tmp_path / "genes.csv")
    assert (
        error.value.where
        == f"{tmp_path / 'genes.csv'}, row {text.count(chr(10), 0, text.index(chr(34) + 'G2')) + 1}"
    )


@pytest.mark.parametrize(("row", "n"), [("G2", "1 field"), ("G2,1,2", "3 fields"), ("G2;1", "1 field")])
def test_a_row_of_a_table_with_other_fields_than_its_header_is_refused(tmp_path, row, n):
    (tmp_path / "genes.csv").write_text(f"gene,r\nG1,1\n{row}\n")
    with pytest.raises(InputError, match=f"a row has {n}, the header has 2") as error:
        read_gene_list(tmp_path / "genes.csv")
    assert error.value.where == f"{tmp_path / 'genes.csv'}, row 3"


def test_of_a_table_the_column_of_genes_is_read(tmp_path):
    path = tmp_path / "genes.csv"
    path.write_text("cancer,gene,r\nBRCA,ESR1,0.5\nLUAD,ESR1,0.1\nLUAD,TP53,0.2\n")
    assert read_gene_list(path) == ["ESR1", "TP53"]


@pytest.mark.parametrize(
    "text", ["TP53 (7157)\nHLA A\n", "Gene (Entrez)\nTP53 (7157)\nHLA A\n", "Gene name\nTP53 (7157)\nHLA A\n"]
)
def test_a_name_may_hold_a_blank(tmp_path, text):
    (tmp_path / "genes.txt").write_text(text)
    assert read_gene_list(tmp_path / "genes.txt") == ["TP53 (7157)", "HLA A"]


def put(folder, **files):
    """Files by stem, as .csv; returns their paths."""
    paths = [folder / f"{name}.csv" for name in files]
    for path, content in zip(paths, files.values(), strict=True):
        path.write_text(content)
    return paths


def test_a_list_bears_the_name_of_its_file(tmp_path):
    (tmp_path / "good genes.v2.txt").write_text("gene\nA\nB\n")
    (tmp_path / "packed.txt.gz").write_bytes(gzip.compress(b"C\n"))
    (tmp_path / "plain").write_text("D\n")
    (tmp_path / "r.csv").write_text('"","gene"\n"1","E"\n')
    lists = read_gene_lists(sorted(tmp_path.iterdir()))
    assert lists == {"good genes.v2": ["A", "B"], "packed": ["C"], "plain": ["D"], "r": ["E"]}


def test_a_table_holds_several_lists_in_any_order_of_columns(tmp_path):
    paths = put(tmp_path, a="Gene,score,List\nA,1,one\nB,2,two\nC,3,one\n", b="X\nY\n")
    assert read_gene_lists(paths) == {"one": ["A", "C"], "two": ["B"], "b": ["X", "Y"]}


def test_of_a_table_of_genes_the_well_predicted_ones_are_a_list(tmp_path):
    paths = put(tmp_path, found="gene,r,well_predicted\nA,.9,True\nB,.1,False\nC,.8,True\n")
    assert read_gene_lists(paths) == {"found": ["A", "C"]}


def test_of_a_table_of_genes_every_level_is_a_list(tmp_path):
    paths = put(tmp_path, found="cancer,gene,well_predicted\nBRCA,A,True\nLUAD,A,False\nLUAD,B,True\n")
    assert read_gene_lists(paths) == {"BRCA": ["A"], "LUAD": ["B"]}


def test_of_a_table_of_genes_a_level_called_list_is_no_list_of_all_genes(tmp_path):
    paths = put(tmp_path, found="list,gene,well_predicted\none,A,True\none,B,False\n")
    assert read_gene_lists(paths) == {"one": ["A"]}


def test_comments_may_be_above_a_table(tmp_path):
    paths = put(tmp_path, a="# mine\nlist gene\none A\ntwo B\n")
    assert read_gene_lists(paths) == {"one": ["A"], "two": ["B"]}


def test_levels_without_a_well_predicted_gene_are_named(tmp_path):
    rows = "LUAD,A,False\nBRCA,A,True\nGBM,A,False\nLUAD,B,False\n"
    paths = put(tmp_path, found=f"cancer,gene,well_predicted\n{rows}")
    with pytest.raises(InputError, match="2 of 3 levels have no well-predicted gene: LUAD, GBM") as error:
        read_gene_lists(paths)
    assert error.value.where == f"{paths[0]}, column 'cancer'"
    assert "leave the level out" in error.value.fix and "another rule" in error.value.fix


@pytest.mark.parametrize(
    ("files", "fix"),
    [
        ({"a": "A\n", "b": "list,gene\na,A\n"}, "rename one file"),
        (
            {"a": "cancer,gene,well_predicted\nx,A,True\n", "b": "cancer,gene,well_predicted\nx,B,True\n"},
            "rename it in one of the tables, or give only one table",
        ),
    ],
)
def test_lists_of_one_name_are_renamed_where_they_are_named(tmp_path, files, fix):
    with pytest.raises(InputError, match="two lists are called") as error:
        read_gene_lists(put(tmp_path, **files))
    assert error.value.fix == fix


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"a": "list,gene\nb,A\n", "b": "A\n"}, "two lists are called 'b'"),
        ({"a": "gene,r,p\nA,.1,.5\n"}, "a table of genes with 3 columns, not a list"),
        ({"a": "gene,well_predicted\nA,yes\n"}, "1 row is neither True nor False"),
        ({"a": "gene,well_predicted\nA,False\n"}, "no gene is well predicted"),
        ({"a": "k,gene,well_predicted\nx,A,True\n,B,True\n"}, "1 row has no level"),
        ({"a": "k,gene,well_predicted\nx,A,True\nx,,True\n"}, "1 row has no gene"),
        ({"a": "G1,G2\n"}, "a row has 2 fields"),
        ({"a": "list,gene\none,A\n,B\n"}, "1 row has no list"),
        ({"a": "list,gene\none,A\none,\n"}, "1 row has no gene"),
        ({"a": "list,gene\n"}, "a header and no rows"),
        ({"a": "gene\n"}, "is empty"),
    ],
)
def test_files_that_are_no_lists_are_refused(tmp_path, files, words):
    with pytest.raises(InputError, match=words) as error:
        read_gene_lists(put(tmp_path, **files))
    assert "a.csv" in str(error.value)


def test_two_files_with_one_stem_are_refused_by_name(tmp_path):
    (tmp_path / "sub").mkdir()
    paths = [*put(tmp_path, a="A\n"), *put(tmp_path / "sub", a="B\n")]
    with pytest.raises(InputError, match="two lists are called 'a'") as error:
        read_gene_lists(paths)
    assert str(paths[0]) in error.value.where and str(paths[1]) in error.value.where


@pytest.mark.parametrize(
    "title",
    [
        "gene",
        "Gene Symbol",
        "SYMBOL",
        "gene_name",
        "hgnc_symbol",
        "x",
        "V1",
        "gene_id",
        '"x"',
        "Universe",
        "HGNC symbol",
        "Gene.Symbol",
        "Background genes",
        "all genes",
        "tested",
        "rownames",
        "feature",
        "probe",
        *("GeneID", "GENEID", "Hugo", "TargetID", "EntrezID", "Protein", "DEGs", "Hit", "GeneList", "V2"),
    ],
)
def test_a_title_is_not_a_gene(tmp_path, title):
    (path,) = put(tmp_path, a=f"{title}\nESR1\nKRT5\n")
    assert read_gene_list(path) == ["ESR1", "KRT5"]


@pytest.mark.parametrize("gene", ["IDS", "HUGO", "HITS", "gene-BRCA1"])
def test_a_gene_is_no_title(tmp_path, gene):
    (path,) = put(tmp_path, a=f"{gene}\nESR1\n")
    assert read_gene_list(path) == [gene, "ESR1"]
