"""Measured expression: matched by slide, then by patient, read in blocks."""

from __future__ import annotations

import gzip

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sequoia_model.errors import InputError
from sequoia_model.targets.measured import open_measured

GENES = ["A1BG", "A2M", "TP53"]


def make_table(**columns) -> pd.DataFrame:
    """The published layout: three slides of two patients, two of them of P1; TP53 is not measured."""
    table = pd.DataFrame(
        {
            "wsi_file_name": ["P1-DX1", "P1-DX2", "P2-DX1"],
            "patient_id": ["P1", "P1", "P2"],
            "tcga_project": ["TCGA-BRCA", "TCGA-BRCA", "TCGA-KIRC"],
            "rna_A1BG": [1.5, 1.5, 3.0],
            "rna_ZZZ": [9.0, 9.0, 9.0],
            "rna_A2M": [2.0, 2.0, np.nan],
        }
    )
    return table.assign(**columns)


def write(path, table=None):
    table = make_table() if table is None else table
    text = table.to_csv(index=False, sep="\t" if ".tsv" in path.name else ",")
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def write_h5ad(path, table=None, **parts):
    table = make_table() if table is None else table
    x = table[["rna_A1BG", "rna_A2M"]].to_numpy(np.float32)
    obs = table[["patient_id", "tcga_project"]].set_index(table["wsi_file_name"].rename(None))
    anndata.AnnData(x, obs, pd.DataFrame(index=["A1BG", "A2M"]), **parts).write_h5ad(path)
    return path


def filled(table, slides, patients=None, genes=GENES):
    """The matrix of these slides, and those whose rows differ."""
    rows = table.match(slides, patients or slides)
    unequal = [slide for slide, values in table.values(rows, genes) if values is None]
    return table.matrix(rows, genes), unequal


@pytest.mark.parametrize("name", ["ref.csv", "ref.csv.gz", "ref.tsv", "ref.tsv.gz"])
def test_slides_get_their_rows_and_nan_for_genes_that_are_not_there(tmp_path, name):
    table = open_measured(write(tmp_path / name), GENES)
    values, unequal = filled(table, ["P2-DX1", "P1-DX1"])
    np.testing.assert_array_equal(values, np.array([[3, np.nan, np.nan], [1.5, 2, np.nan]], dtype=np.float32))
    assert unequal == []
    assert list(table.columns) == ["A1BG", "A2M"]
    assert table.cohorts.tolist() == ["TCGA-BRCA", "TCGA-BRCA", "TCGA-KIRC"]


def test_columns_without_rna_and_endings_of_slides_are_understood(tmp_path):
    table = make_table(wsi_file_name=["P1-DX1.svs", "P1-DX2.svs", "P2-DX1.ndpi"])
    table = table.rename(columns=lambda name: name.removeprefix("rna_"))
    opened = open_measured(write(tmp_path / "ref.csv", table), GENES)
    assert opened.slides.tolist() == ["P1-DX1", "P1-DX2", "P2-DX1"]
    assert filled(opened, ["P1-DX1"])[0][0, 0] == 1.5


def test_a_slide_that_is_not_there_gets_the_row_of_its_patient(tmp_path):
    table = open_measured(write(tmp_path / "ref.csv"), GENES)
    values, unequal = filled(table, ["P2-DX9", "P1-DX9", "P1-DX2"], ["P2", "P1", "P1"])
    assert values[:, 0].tolist() == [3, 1.5, 1.5]
    assert unequal == []


def test_rows_of_a_patient_that_differ_count_for_none_but_their_own_slides(tmp_path):
    table = open_measured(write(tmp_path / "ref.csv", make_table(rna_A1BG=[1.5, 1.75, 3.0])), GENES)
    values, unequal = filled(table, ["P1-DX2", "P1-DX9", "P2-DX1"], ["P1", "P1", "P2"])
    assert unequal == [1]
    assert values[0, 0] == 1.75 and np.isnan(values[1]).all() and values[2, 0] == 3


def test_nan_in_both_rows_of_a_patient_does_not_count_as_a_difference(tmp_path):
    table = make_table(rna_A2M=[np.nan, np.nan, 1.0])
    _, unequal = filled(open_measured(write(tmp_path / "r.csv", table), GENES), ["X"], ["P1"])
    assert unequal == []


def test_a_slide_without_a_match_stays_nan(tmp_path):
    table = open_measured(write(tmp_path / "ref.csv"), GENES)
    assert table.match(["P1-DX1", "other"], ["P1", "other"]) == [(0,), ()]
    values, _ = filled(table, ["P1-DX1", "other"])
    assert np.isnan(values[1]).all()


@pytest.mark.parametrize("ending", ["csv", "h5ad"])
def test_rows_far_apart_are_found(tmp_path, ending):
    many = pd.concat([make_table()] * 30, ignore_index=True)
    many["wsi_file_name"] = many["patient_id"] = [f"S{i}" for i in range(90)]
    many["rna_A1BG"] = np.arange(90) / 4
    write_any = write_h5ad if ending == "h5ad" else write
    table = open_measured(write_any(tmp_path / f"ref.{ending}", many), GENES)
    wanted = ["S71", "S3", "S4", "S88"]
    assert filled(table, wanted)[0][:, 0].tolist() == [71 / 4, 3 / 4, 1, 22]


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
def test_anndata_of_slides_is_read(tmp_path, form):
    path = write_h5ad(tmp_path / "ref.h5ad")
    adata = anndata.read_h5ad(path)
    adata.X = form(adata.X)
    adata.write_h5ad(path)
    table = open_measured(path, GENES)
    values, _ = filled(table, ["P2-DX1", "P1-DX9"], ["P2", "P1"])
    np.testing.assert_array_equal(values[:, :2], np.array([[3, np.nan], [1.5, 2]], dtype=np.float32))
    assert table.cohorts.tolist() == ["TCGA-BRCA", "TCGA-BRCA", "TCGA-KIRC"]


def test_anndata_of_patients_is_read(tmp_path):
    x, var = np.array([[1.0, 2], [3, 4]], dtype=np.float32), pd.DataFrame(index=["A2M", "A1BG"])
    anndata.AnnData(x, pd.DataFrame(index=["P1", "P2"]), var).write_h5ad(tmp_path / "ref.h5ad")
    values, _ = filled(open_measured(tmp_path / "ref.h5ad", GENES), ["S1", "S2"], ["P2", "P1"])
    assert values[:, :2].tolist() == [[4, 3], [2, 1]]


def test_of_predictions_the_measured_layer_is_read(tmp_path):
    path = write_h5ad(tmp_path / "p.h5ad", layers={"measured": np.full((3, 2), 7, dtype=np.float32)})
    assert filled(open_measured(path, GENES), ["P1-DX1"])[0][0, 0] == 7


def test_predictions_are_not_taken_for_measured(tmp_path):
    path = write_h5ad(tmp_path / "p.h5ad", uns={"ensemble": "all", "weights": {"source": "x"}})
    with pytest.raises(InputError, match="holds predictions, but no measured expression"):
        open_measured(path, GENES)


def without_names():
    return make_table().drop(columns=["wsi_file_name", "patient_id"]).to_csv(index=False)


def with_other_genes():
    return make_table()[["wsi_file_name", "rna_ZZZ"]].to_csv(index=False)


def with_a_gene_twice():
    return make_table().to_csv(index=False).replace("rna_ZZZ", "rna_A1BG")


REFUSED = {
    "empty": ("a.csv", "", "the file is empty", ""),
    "junk": ("a.csv.gz", "junk", "cannot be read|no readable table", ""),
    "junk h5ad": ("a.h5ad", "junk", "not a readable h5ad", ""),
    "no names": ("a.csv", without_names(), "neither slides nor patients", "tcga_project, rna_A1BG"),
    "other genes": ("a.csv", with_other_genes(), "none of the 3 genes", "A1BG, A2M, TP53"),
    "a gene twice": ("a.csv", with_a_gene_twice(), "1 gene has several columns: A1BG", ""),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_table_that_cannot_be_meant_is_refused_with_its_name(tmp_path, case):
    name, content, words, where = REFUSED[case]
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=words) as error:
        open_measured(tmp_path / name, GENES)
    assert where in error.value.where and name in error.value.where


@pytest.mark.parametrize(("name", "words"), [("no.csv", "does not exist"), ("", "a folder was given")])
def test_a_path_without_a_file_is_refused(tmp_path, name, words):
    with pytest.raises(InputError, match=words):
        open_measured(tmp_path / name, GENES)


def test_no_slide_and_no_patient_in_common_is_refused_with_names_of_both(tmp_path):
    table = open_measured(write(tmp_path / "ref.csv"), GENES)
    with pytest.raises(InputError, match="none of the 2 slides is in the measured") as error:
        table.match(["S1", "S2"], ["Q1", "Q2"])
    assert "P1-DX1, P1-DX2, P2-DX1" in error.value.where and "S1, S2" in error.value.where


def test_text_and_infinity_among_the_values_are_refused_with_their_place(tmp_path):
    low = make_table(rna_A2M=["1", "2", "low"])
    with pytest.raises(InputError, match="'low' is not a number") as error:
        filled(open_measured(write(tmp_path / "low.csv", low), GENES), ["P2-DX1"])
    assert "low.csv, row 4, column 'rna_A2M'" in error.value.where
    infinite = open_measured(write(tmp_path / "inf.csv", make_table(rna_A2M=[1, np.inf, 2])), GENES)
    with pytest.raises(InputError, match="1 measured value is infinite") as error:
        filled(infinite, ["P1-DX2"])
    assert "P1-DX2, gene A2M" in error.value.where
    assert filled(infinite, ["P1-DX1"])[1] == []


def test_a_row_that_is_too_short_is_refused(tmp_path):
    path = write(tmp_path / "ref.csv")
    path.write_text(path.read_text() + "P9,P9\n")
    with pytest.raises(InputError, match="a row has 2 fields, but the header has 6"):
        open_measured(path, GENES)


def test_a_packed_table_that_is_cut_off_is_refused(tmp_path):
    path = write(tmp_path / "ref.csv.gz")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match="cannot be read"):
        open_measured(path, GENES)


def test_the_row_that_is_too_short_is_named(tmp_path):
    path = write(tmp_path / "ref.csv")
    path.write_text(path.read_text() + "P9,P9\n")
    with pytest.raises(InputError) as error:
        open_measured(path, GENES)
    assert "ref.csv, row 5" in error.value.where and "P9" in error.value.where


def test_names_stay_texts(tmp_path):
    table = make_table(wsi_file_name=["007", "1e5", "NA"], patient_id=["0012", "1.0", "P2"])
    opened = open_measured(write(tmp_path / "ref.csv", table), GENES)
    assert opened.slides.tolist() == ["007", "1e5", "NA"]
    assert opened.patients.tolist() == ["0012", "1.0", "P2"]


def test_a_bad_value_of_a_slide_that_is_not_wanted_does_not_matter(tmp_path):
    table = open_measured(write(tmp_path / "r.csv", make_table(rna_A2M=["1", "2", "low"])), GENES)
    assert filled(table, ["P1-DX2"])[0][0, 1] == 2


@pytest.mark.parametrize("word", ["True", "1_000", "0x1", "1,5"])
def test_what_is_not_a_plain_number_is_refused(tmp_path, word):
    table = open_measured(write(tmp_path / "r.csv", make_table(rna_A2M=["1", word, "2"])), GENES)
    with pytest.raises(InputError, match="is not a number") as error:
        filled(table, ["P1-DX2"])
    assert "row 3, column 'rna_A2M'" in error.value.where


def test_lines_may_be_blank_and_names_may_be_quoted(tmp_path):
    path = write(tmp_path / "ref.csv")
    path.write_text(path.read_text().replace("P2-DX1,", '\n"P2-DX1",'))
    assert filled(open_measured(path, GENES), ["P2-DX1"])[0][0, 0] == 3


def test_a_table_of_one_row_for_each_of_several_slides_of_a_patient_is_a_matrix(tmp_path):
    table = open_measured(write(tmp_path / "ref.csv"), GENES)
    matrix = table.matrix(table.match(["a", "b", "c"], ["P1", "P2", "P3"]), ["A2M", "A1BG"])
    assert matrix.dtype == np.float32
    np.testing.assert_array_equal(matrix, [[2, 1.5], [np.nan, 3], [np.nan, np.nan]])


@pytest.mark.parametrize("word", ["", "NA", "nan", "NaN", " "])
def test_missing_values_may_be_spelled_in_several_ways(tmp_path, word):
    table = open_measured(write(tmp_path / "r.csv", make_table(rna_A2M=["1", word, "2"])), GENES)
    assert np.isnan(filled(table, ["P1-DX2"])[0][0, 1])


HEAD = "patient_id,note,rna_A,rna_B\n"
OPENED = {
    "and never closed": HEAD + 'P1,x,1,2\nP2,"x,3,4\nP3,x,5,6\n',
    "and closed in the next row": HEAD + 'P1,x,1,2\nP2,"x,3,4\nP3,x",5,6\nP4,x,7,8\n',
    "and closed two rows on": HEAD + 'P1,x,1,2\nP2,"x,3,4\nP3,x,5,6\nP4,x",7,8\n',
    "in a gene": HEAD + 'P1,x,1,2\nP2,x,"3,4\nP3,x,5",6\n',
    "before another quoted cell": HEAD + 'P1,x,1,2\nP2,"x,3,4\nP3,"x",5,6\n',
}


@pytest.mark.parametrize("way", OPENED)
@pytest.mark.parametrize("packed", [False, True])
def test_a_quote_that_is_opened_swallows_no_rows(tmp_path, way, packed):
    path = tmp_path / ("measured.csv.gz" if packed else "measured.csv")
    content = OPENED[way].encode()
    path.write_bytes(gzip.compress(content) if packed else content)
    with pytest.raises(InputError, match="a quote is opened and not closed") as error:
        open_measured(path, ["A"])
    assert error.value.where == f"{path}, row 3"


def test_a_quoted_cell_may_span_lines_and_a_quote_within_a_cell_is_a_character(tmp_path):
    path = tmp_path / "measured.csv"
    path.write_text(HEAD + 'P1,"a,\nb",1,2\nP2,5" wide,3,4\nP3,"6"" wide",5,6\n"P4",x,7,8')
    measured = open_measured(path, ["A", "B"])
    assert list(measured.patients) == ["P1", "P2", "P3", "P4"]
    assert measured.matrix([(0,), (1,), (2,), (3,)], ["A", "B"]).tolist() == [[1, 2], [3, 4], [5, 6], [7, 8]]


def test_a_name_with_one_quote_of_two_is_refused(tmp_path):
    path = tmp_path / "measured.csv"
    path.write_text(HEAD + 'P1,x,1,2\nP2",x,3,4\n')
    with pytest.raises(InputError, match="1 id has a quote that is opened or closed alone: P2"):
        open_measured(path, ["A", "B"])


def test_identifiers_in_place_of_symbols_are_named(tmp_path):
    names = {"rna_A1BG": "rna_ENSG00000121410", "rna_A2M": "rna_ENSG00000175899"}
    write(tmp_path / "ref.csv", make_table().rename(columns=names))
    with pytest.raises(InputError, match=r"none of the 3 genes .*: there, 2 of 3 names are Ensembl gene ids"):
        open_measured(tmp_path / "ref.csv", GENES)


def test_identifiers_of_an_h5ad_are_named(tmp_path):
    var = pd.DataFrame(index=["1007_s_at", "1053_at"])
    obs = pd.DataFrame({"patient_id": ["P1", "P2"]}, ["a", "b"])
    anndata.AnnData(np.zeros((2, 2), np.float32), obs, var).write_h5ad(tmp_path / "ref.h5ad")
    with pytest.raises(InputError, match=r"2 of 2 names are Affymetrix probe ids, such as 1007_s_at"):
        open_measured(tmp_path / "ref.h5ad", GENES)


def test_patients_whose_ids_are_written_otherwise_are_refused(tmp_path):
    path = tmp_path / "measured.csv"
    path.write_text("patient_id,rna_A\n7,1\n8,2\nP9,3\n")
    with pytest.raises(InputError, match="2 patients have ids that two tables write differently") as error:
        open_measured(path, ["A"]).match(["s1", "s2", "s3"], ["007", "8.0", "P9"])
    assert "'007' and '7', '8.0' and '8'" in error.value.where


def test_without_a_list_all_columns_marked_as_genes_are_genes(tmp_path):
    opened = open_measured(write(tmp_path / "ref.csv", make_table(age=[40, 40, 51])))
    assert list(opened.columns) == ["A1BG", "ZZZ", "A2M"]
    assert opened.matrix([(0,), (2,)], ["ZZZ", "A1BG"]).tolist() == [[9, 1.5], [9, 3]]


def test_without_marks_all_columns_but_those_of_names_are_genes(tmp_path):
    (tmp_path / "ref.csv").write_text(",patient_id,site,TP53,ESR1\n0,P1,A2,1,2\n1,P2,3C,3,4\n")
    opened = open_measured(tmp_path / "ref.csv")
    assert list(opened.columns) == ["TP53", "ESR1"]
    assert opened.matrix([(1,)], ["ESR1"]).tolist() == [[4]]


def test_a_table_without_genes_is_refused(tmp_path):
    (tmp_path / "ref.csv").write_text("patient_id,site\nP1,A2\n")
    with pytest.raises(InputError, match="the measured expression has no genes"):
        open_measured(tmp_path / "ref.csv")


def test_a_gene_twice_is_refused_without_a_list_too(tmp_path):
    (tmp_path / "ref.csv").write_text("patient_id,A,B,A\nP1,1,2,3\n")
    with pytest.raises(InputError, match="1 gene has several columns: A"):
        open_measured(tmp_path / "ref.csv")


TURNED = {
    "patients": "gene,P1,P2\nTP53,1,2\n",
    "files of slides": "gene,P1-DX1.svs,P2-DX1.svs\nTP53,1,2\n",
    "barcodes as R writes them": "gene,TCGA.A1.A0SB.01A\nTP53,1\n",
    "patients that nobody knows": "gene_id,X1,X2\nTP53,1,2\n",
    "patients under a title of patients": "patient_id,P1,P2\nTP53,1,2\n",
}


@pytest.mark.parametrize("way", TURNED)
def test_genes_in_rows_are_said_to_be(tmp_path, way):
    (tmp_path / "ref.csv").write_text(TURNED[way])
    with pytest.raises(InputError, match="has its genes in rows") as error:
        open_measured(tmp_path / "ref.csv", names=["P1-DX1", "P1", "TCGA-A1-A0SB"])
    assert "ref.csv, columns" in error.value.where and "transpose" in error.value.fix


def test_genes_in_the_obs_of_an_anndata_are_said_to_be(tmp_path):
    obs, var = pd.DataFrame(index=["TP53", "ESR1"]), pd.DataFrame(index=["P1", "P2", "P3"])
    anndata.AnnData(np.ones((2, 3), np.float32), obs, var).write_h5ad(tmp_path / "ref.h5ad")
    with pytest.raises(InputError, match="has its genes in rows"):
        open_measured(tmp_path / "ref.h5ad", names=["P2"])


def test_a_gene_may_have_the_name_of_a_patient(tmp_path):
    (tmp_path / "ref.csv").write_text("patient_id,P1,TP53\nP1,1,2\n")
    assert list(open_measured(tmp_path / "ref.csv", names=["P1"]).columns) == ["P1", "TP53"]


@pytest.mark.parametrize(
    ("uns", "units"),
    [
        ({"units": "log2(FPKM-UQ+1)"}, "log2(FPKM-UQ+1)"),
        ({"units": {"a": "b"}}, "not stated"),
        ({}, "not stated"),
    ],
)
def test_an_anndata_states_its_unit(tmp_path, uns, units):
    assert open_measured(write_h5ad(tmp_path / "ref.h5ad", uns=uns), GENES).units == units


def test_a_table_states_no_unit(tmp_path):
    assert open_measured(write(tmp_path / "ref.csv"), GENES).units == "not stated"
