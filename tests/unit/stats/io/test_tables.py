"""Matrices of expression: patients × genes whatever the file's layout, and every id present once."""

from __future__ import annotations

import contextlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequoia_stats.errors import InputError
from sequoia_stats.io._tables import read_matrix

GOOD = "id,A,B\nP1,1,2\nP2,3.5,-4e-3\n"


def write(folder, content, name="table.csv"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_matrix_has_patients_in_rows_and_genes_in_columns(tmp_path):
    matrix = read_matrix(write(tmp_path, GOOD))
    assert matrix.to_dict("index") == {"P1": {"A": 1.0, "B": 2.0}, "P2": {"A": 3.5, "B": -0.004}}


def test_genes_in_rows_are_turned(tmp_path):
    matrix = read_matrix(write(tmp_path, GOOD), "rows")
    assert list(matrix.index) == ["A", "B"]
    assert list(matrix.columns) == ["P1", "P2"]
    assert matrix.loc["B", "P2"] == -0.004


def test_the_id_column_may_be_anywhere(tmp_path):
    matrix = read_matrix(write(tmp_path, "A,id,B\n1,P1,2\n"), id_column="id")
    assert matrix.to_dict("index") == {"P1": {"A": 1.0, "B": 2.0}}


def test_numeric_names_of_genes_and_patients_stay_texts(tmp_path):
    matrix = read_matrix(write(tmp_path, ",1,2\n01,5,6\n"))
    assert (list(matrix.index), list(matrix.columns)) == (["01"], ["1", "2"])


IDS = {
    "no id": ("id,A\nP1,1\n,2\nNA,3\n", r"2 rows have no patient id(?s:.*)rows 3, 4"),
    "patient twice": ("id,A\nP1,1\nP2,2\nP1,3\n", r"1 patient is duplicated: P1(?s:.*)rows 2, 4"),
}


@pytest.mark.parametrize("case", IDS)
def test_every_patient_has_an_id_of_its_own(tmp_path, case):
    content, words = IDS[case]
    with pytest.raises(InputError, match=words):
        read_matrix(write(tmp_path, content))


@given(st.one_of(st.binary(max_size=40), st.text('a1.,;\t\n\r" -eN\0é', max_size=40).map(str.encode)))
def test_any_bytes_are_a_matrix_or_an_input_error(tmp_path_factory, content):
    path = write(tmp_path_factory.mktemp("fuzz"), content)
    with contextlib.suppress(InputError):
        assert read_matrix(path).index.is_unique


def test_an_unknown_orientation_is_refused(tmp_path):
    with pytest.raises(InputError, match="not 'row'"):
        read_matrix(write(tmp_path, GOOD), "row")


def test_a_duplicated_id_is_called_what_it_is(tmp_path):
    path = write(tmp_path, "id,A\nS1,1\nS1,2\n")
    with pytest.raises(InputError, match=r"1 patient is duplicated(?s:.*)keep one for each patient"):
        read_matrix(path)
    with pytest.raises(InputError, match=r"1 sample is duplicated(?s:.*)give every sample an id of its own"):
        read_matrix(path, unit="sample")


def test_the_row_of_a_bad_cell_is_named_by_the_column_of_ids(tmp_path):
    for cell in ("high", "inf"):
        with pytest.raises(InputError, match=r"row 3 \(P2\), column 'B'"):
            read_matrix(write(tmp_path, f"A,id,B\n1,P1,2\n1,P2,{cell}\n"), id_column="id")


def test_a_patient_twice_in_the_header_is_an_error(tmp_path):
    with pytest.raises(InputError, match="duplicated: P1"):
        read_matrix(write(tmp_path, "gene,P1,P1\nA,1,2\n"), "rows")


BARCODES = ["TCGA-A1-A001-01A", "tcga.a1.a002.01"]
SIDES = {  # rows, columns, title of the first column, what is said, where genes are
    "symbols without a title": (["ESR1", "PGR", "ERBB2"], ["P1", "P2"], "", "columns", "rows"),
    "symbols under the title of samples": (["ESR1", "PGR", "ERBB2"], ["P1", "P2"], "sample", "columns", "rows"),
    "ids of Ensembl": (["ENSG00000091831.24", "ENSG00000229807.12"], ["P1", "P2"], "", "columns", "rows"),
    "barcodes over names that are not known": (["G1", "G2"], BARCODES, "", "columns", "rows"),
    "barcodes over numbers of Entrez": (["2099", "5241"], ["GTEX-1117F-0226-SM-5GZZ7"], "", "columns", "rows"),
    "patients that are called as genes are": (["C2", "C3", "C5"], ["2099", "5241"], "", "columns", None),
    "symbols over patients": (["P1", "P2"], ["ESR1", "PGR", "ERBB2"], "", "rows", "columns"),
    "barcodes beside names that are not known": (BARCODES, ["G1", "G2"], "gene", "rows", "columns"),
    "the title of samples over genes in rows": (["ESR1", "PGR"], BARCODES, "sample", "rows", None),
    "genes in columns": (BARCODES, ["ESR1", "PGR"], "", "columns", None),
    "names that are not known": (["a", "b"], ["G1", "G2"], "", "columns", None),
    "genes on both sides": (["ESR1", "PGR"], ["ERBB2", "MKI67"], "", "columns", None),
}  # fmt: skip


@pytest.mark.parametrize(("rows", "columns", "title", "said", "found"), SIDES.values(), ids=SIDES)
def test_names_show_where_genes_are(tmp_path, rows, columns, title, said, found):
    frame = pd.DataFrame(np.arange(len(rows) * len(columns)).reshape(len(rows), -1) + 0.5, rows, columns)
    frame.to_csv(tmp_path / "m.csv", index_label=title)
    with pytest.raises(InputError, match=f"--genes-in {found}") if found else contextlib.nullcontext():
        read_matrix(tmp_path / "m.csv", said)
