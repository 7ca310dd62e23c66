"""Matrices in parquet: labels in the index or in a column of text, numbers in the rest."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sequoia_stats.errors import InputError
from sequoia_stats.io._tables import read_matrix

FRAME = pd.DataFrame({"A": [1.0, 3.5, np.nan], "B": [2.0, -0.004, 7.0]}, ["P1", "P2", "P3"])


def write(folder, frame, index=None):
    path = folder / "table.parquet"
    frame.to_parquet(path, index=index)
    return path


LAYOUTS = {
    "an index": FRAME,
    "a named index": FRAME.rename_axis("patient_id"),
    "a first column": FRAME.rename_axis("patient_id").reset_index(),
    "a later column": FRAME.assign(case=FRAME.index)[["A", "case", "B"]].reset_index(drop=True),
    "categories": FRAME.reset_index().astype({"index": "category"}),
    "nullable numbers": FRAME.convert_dtypes(),
}


@pytest.mark.parametrize("frame", LAYOUTS.values(), ids=LAYOUTS)
def test_labels_are_found_where_they_are(tmp_path, frame):
    matrix = read_matrix(write(tmp_path, frame))
    pd.testing.assert_frame_equal(matrix, FRAME, check_names=False)


def test_genes_in_rows_are_turned(tmp_path):
    matrix = read_matrix(write(tmp_path, FRAME.T), "rows")
    pd.testing.assert_frame_equal(matrix, FRAME, check_names=False)


def test_single_precision_is_kept(tmp_path):
    matrix = read_matrix(write(tmp_path, FRAME.astype(np.float32)))
    assert set(matrix.dtypes) == {np.dtype(np.float32)}


def test_an_id_column_is_taken_by_name(tmp_path):
    frame = FRAME.reset_index(names="id").assign(number=[7, 8, 9])
    matrix = read_matrix(write(tmp_path, frame.drop(columns="id")), id_column="number")
    assert list(matrix.index) == ["7", "8", "9"]


REFUSED = {
    "text among the numbers": (FRAME.assign(site=["a", "b", "c"]), ["1 column is not numeric: site"]),
    "truth values": (FRAME.assign(dead=[True, False, True]), ["1 column is not numeric: dead"]),
    "no ids": (FRAME.reset_index(drop=True), ["no ids", "neither an index nor a column of text"]),
    "an infinite value": (FRAME.replace(3.5, np.inf), ["1 value is infinite", "row 2 (P2), column 'A'"]),
    "a patient twice": (
        FRAME.set_axis(["P1", "P1", "P3"], axis=0),
        ["duplicated: P1", "the column of ids, rows 1, 2"],
    ),
    "a patient without an id": (FRAME.set_axis(["P1", None, "P3"], axis=0), ["1 row has no patient id"]),
    "genes in rows": (FRAME.T.rename_axis("gene"), ["called 'gene'", "--genes-in rows"]),
    "no rows": (FRAME.iloc[:0], ["no rows"]),
    "an index of two levels": (
        FRAME.set_index("A", append=True),
        ["the index has several levels"],
    ),
}


@pytest.mark.parametrize(("frame", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_a_matrix_is_refused(tmp_path, frame, words):
    with pytest.raises(InputError) as caught:
        read_matrix(write(tmp_path, frame))
    assert [word for word in (*words, "table.parquet") if word not in str(caught.value)] == []


def test_an_unknown_id_column_is_refused_with_those_that_are_there(tmp_path):
    with pytest.raises(InputError, match=r"'id' is not in the table(?s:.*)A, B"):
        read_matrix(write(tmp_path, FRAME), id_column="id")


@pytest.mark.parametrize("content", [b"", b"PAR1junk", b"a,b\n1,2\n"])
def test_damaged_files_are_refused(tmp_path, content):
    path = tmp_path / "table.parquet"
    path.write_bytes(content)
    with pytest.raises(InputError, match="not a readable parquet"):
        read_matrix(path)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_matrix(tmp_path / "table.parquet")
