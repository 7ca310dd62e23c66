"""Text tables: exact numbers, and an error with file, row and column for everything else."""

from __future__ import annotations

import contextlib
import csv
import gzip
import math
import os
import threading
import zipfile

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sequoia_base.errors import InputError
from sequoia_base.tables import find_column, read_numbers, read_table

GOOD = "id,A,B\nP1,1,2\nP2,3.5,-4e-3\n"
numbers = st.floats(allow_nan=True, allow_infinity=False)


def write(folder, content, name="table.csv"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def zipped(folder, **members):
    path = folder / "table.csv.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def read_frame(path):
    """The numbers of a table, labelled by its first column."""
    table = read_numbers(path, lambda header: [0])
    return pd.DataFrame(table.values, table.texts.iloc[:, 0], table.columns)


SAME = {
    "csv": ("t.csv", GOOD),
    "tsv": ("t.tsv", GOOD.replace(",", "\t")),
    "txt with tabs": ("t.txt", GOOD.replace(",", "\t")),
    "csv with semicolons": ("t.csv", GOOD.replace(",", ";")),
    "gz": ("t.csv.gz", gzip.compress(GOOD.encode())),
    "byte-order mark": ("t.csv", b"\xef\xbb\xbf" + GOOD.encode()),
    "CR LF": ("t.csv", GOOD.replace("\n", "\r\n")),
    "empty lines at the end": ("t.csv", GOOD + "\n\n"),
    "no line end": ("t.csv", GOOD.rstrip()),
    "quotes": ("t.csv", 'id,"A","B"\n"P1","1",2\n"P2",3.5,-4e-3\n'),
    "all quoted": ("t.csv", '"id","A","B"\n"P1","1","2"\n"P2","3.5","-4e-3"\n'),
    "quotes after blanks": ("t.csv", 'id, "A", "B"\nP1, "1", 2\nP2, 3.5,-4e-3\n'),
    "line ends of old and new": ("t.csv", "id,A,B\rP1,1,2\r\nP2,3.5,-4e-3\n"),
    "rows of nothing": ("t.csv", GOOD + ",,\n , ,\n"),
    "semicolons, and a comma in a title": ("t.csv", 'id;A;"B"\nP1;1;2\nP2;3.5;-4e-3\n'),
    "semicolons and decimal commas": (
        "t.csv",
        '"";"A";"B"\n"P1";1,0;2\n"P2";3,5;-4e-3\n'.replace('""', "id"),
    ),
    "tabs and decimal commas": ("t.tsv", 'id\tA\tB\n"P1"\t1\t2,0\n"P2"\t3,5\t-0,4e-2\n'),
    "blanks and decimal commas": ("t.txt", "id A B\nP1 1 2,0\nP2 3,500 -4e-3\n"),
    "quoted decimal commas": ("t.csv", 'id,A,B\nP1,1,"2,0"\nP2,"3,5",-4e-3\n'),
    "bars": ("t.txt", GOOD.replace(",", "|")),
    "Excel's line": ("t.csv", "sep=;\n" + GOOD.replace(",", ";")),
    "blanks between": ("t.txt", GOOD.replace(",", " ")),
    "aligned by blanks": ("t.txt", "id   A   B\nP1 1.0   2\nP2 3.5 -4e-3\n"),
    "blanks and quotes": ("t.txt", '"id" "A" "B"\n"P1" 1 2\n"P2" 3.5 -4e-3\n'),
    "blanks": ("t.csv", "id,A,B\nP1, 1 ,2\nP2,3.5,-4e-3\n"),
}


@pytest.mark.parametrize("way", SAME)
def test_all_usual_ways_of_writing_a_table_give_the_same(tmp_path, way):
    name, content = SAME[way]
    expected = read_frame(write(tmp_path, GOOD, "expected.csv"))
    pd.testing.assert_frame_equal(read_frame(write(tmp_path, content, name)), expected)


def test_a_zip_archive_of_one_table_is_read(tmp_path):
    assert read_frame(zipped(tmp_path, **{"t.csv": GOOD, "__MACOSX/t.csv": "x"})).shape == (2, 2)


@pytest.mark.parametrize("text", ["", "NA", "NaN", "nan", "null", "N/A", "[Not Available]"])
def test_a_missing_value_is_nan(tmp_path, text):
    matrix = read_frame(write(tmp_path, f"id\tA\tB\tC\nP1\t1\t{text}\t3\n", "t.tsv"))
    assert matrix.loc["P1"].isna().tolist() == [False, True, False]


def test_blanks_between_tabs_do_not_shift_the_columns(tmp_path):
    with pytest.raises(InputError, match="'1 2' is not a number"):
        read_frame(write(tmp_path, "id\tA\tB\tC\nP1\t1 2\t\t3\n", "t.tsv"))


@given(arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(1, 5)), elements=numbers))
def test_numbers_come_back_to_the_last_bit(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("round") / "t.csv"
    names = [f"g{j}" for j in range(values.shape[1])]
    pd.DataFrame(values, [f"P{i}" for i in range(len(values))], names).to_csv(path)
    np.testing.assert_array_equal(read_frame(path).to_numpy(), values)


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 25))
def test_long_decimals_are_rounded_as_python_rounds_them(tmp_path_factory, value, digits):
    text = f"{value:.{digits}e}"
    path = write(tmp_path_factory.mktemp("round"), f"id,A,B\nP1,{text},1\n")
    expected = float(text)
    assert math.isinf(expected) or read_frame(path).loc["P1", "A"] == expected


def test_columns_of_text_are_kept_beside_the_numbers(tmp_path):
    table = read_numbers(write(tmp_path, "id,A,er\nP1,1,Positive\nP2,2,\n"), lambda header: [0, 2])
    assert table.texts.to_dict("list") == {"id": ["P1", "P2"], "er": ["Positive", ""]}
    assert table.values.tolist() == [[1.0], [2.0]]


def test_a_table_of_texts_is_indexed_by_the_row_of_the_file(tmp_path):
    table = read_table(write(tmp_path, "# by hand\nid,note\nP1, a \n\nP2,\n"), comment="#")
    assert table["note"].to_list()[0] == "a"
    assert table["note"].isna().tolist() == [False, True]
    assert table.index.to_list() == [3, 5]


def test_a_quoted_field_may_hold_delimiter_and_line_break(tmp_path):
    table = read_table(write(tmp_path, 'id,note\nP1,"a, b\nc"\nP2,d\n'))
    assert table["note"].to_list() == ["a, b\nc", "d"]
    assert table.index.to_list() == [2, 4]


def test_a_quoted_field_that_spans_lines_may_be_the_first_or_the_last(tmp_path):
    path = write(tmp_path, 'id,note,"age\n(years)"\n"P\n1","a\nb",3\nP2,b,"4\n"\n')
    table = read_table(path)
    assert list(table.columns) == ["id", "note", "age\n(years)"]
    assert table.to_numpy().tolist() == [["P\n1", "a\nb", "3"], ["P2", "b", "4"]]
    assert table.index.to_list() == [3, 6]


@pytest.mark.parametrize("cell", ['5" wide', 'the "good" one', "5' wide", 'it""s'])
def test_a_quote_within_a_field_is_a_character(tmp_path, cell):
    assert read_table(write(tmp_path, f"id,note\nP1,{cell}\nP2,b\n"))["note"].to_list() == [cell, "b"]


@given(st.lists(st.text('a ",\n;\t', max_size=6), min_size=2, max_size=5), st.sampled_from(",;\t"))
def test_texts_come_back_as_csv_writes_them(tmp_path_factory, cells, delimiter):
    assume(not any(delimiter in cell and "\n" in cell for cell in cells))  # whose lines may look like rows
    path = tmp_path_factory.mktemp("round") / "t.txt"
    frame = pd.DataFrame({"id": [f"P{i}" for i in range(len(cells))], "note": cells, "n": 1.5})
    frame.to_csv(path, sep=delimiter, index=False, quoting=csv.QUOTE_NONNUMERIC)
    table = read_table(path, missing=())
    assert table["note"].to_list() == [cell.strip() for cell in cells]
    assert table["n"].to_list() == ["1.5"] * len(cells)


def test_without_quoting_a_quote_is_a_character_like_any_other(tmp_path):
    path = write(tmp_path, 'id\tnote\tn\nP1\t"open\t1\nP2\tb"\t2\nP3\t"c"\t3\n', "t.txt")
    assert read_table(path, quoted=False)["note"].to_list() == ['"open', 'b"', '"c"']
    assert read_numbers(path, lambda header: [0, 1], quoted=False).values.tolist() == [[1], [2], [3]]


def test_semicolons_with_commas_in_titles_and_decimals_are_semicolons(tmp_path):
    table = read_table(write(tmp_path, "id;status (1=dead, 0=alive);t\nP1;1;3,5\nP2;0;4,5\n"))
    assert list(table.columns) == ["id", "status (1=dead, 0=alive)", "t"]


SHORT = {
    "tabs": "ESR1\tTP53\nP1\t1\t2\nP2\t3\t4\n",
    "commas": "ESR1,TP53\nP1,1,2\nP2,3,4\n",
    "R's defaults": '"ESR1" "TP53"\n"P1" 1 2\n"P2" 3 4\n',
}


@pytest.mark.parametrize("way", SHORT)
def test_a_header_one_short_is_that_of_r(tmp_path, way):
    path = write(tmp_path, SHORT[way], "t.txt")
    table = read_table(path)
    assert list(table.columns) == ["", "ESR1", "TP53"]
    assert table[""].to_list() == ["P1", "P2"]
    assert read_frame(path).to_numpy().tolist() == [[1, 2], [3, 4]]


def test_a_backslash_before_a_quote_within_quotes_is_that_of_r(tmp_path):
    path = write(tmp_path, '"id" "note"\n"P1" "say \\"so\\""\n"P2" "C:\\dir"\n', "t.txt")
    assert read_table(path)["note"].to_list() == ['say "so"', "C:\\dir"]


def test_texts_keep_their_commas_in_a_table_with_semicolons(tmp_path):
    table = read_table(write(tmp_path, 'id;t;code\n12,1;"3,5";1,2\n12,2;-4,25e1;3,4\n'))
    assert table.to_dict("list") == {"id": ["12,1", "12,2"], "t": ["3,5", "-4,25e1"], "code": ["1,2", "3,4"]}


def test_row_numbers_under_no_title_are_a_column_of_their_own(tmp_path):
    table = read_table(write(tmp_path, '"patient" "age"\n"1" "P1" 50\n"2" "P2" 60\n', "t.txt"))
    assert table.to_dict("list") == {"": ["1", "2"], "patient": ["P1", "P2"], "age": ["50", "60"]}


@pytest.mark.parametrize("title", ["sample_type", "case_status", "subject_age", "patient_age"])
def test_a_header_one_short_under_a_title_of_something_else_is_that_of_r(tmp_path, title):
    table = read_table(write(tmp_path, f'"{title}" "size"\n"P1" "x" 5\n"P2" "x" 6\n', "t.txt"))
    assert table.to_dict("list") == {"": ["P1", "P2"], title: ["x", "x"], "size": ["5", "6"]}


def test_row_numbers_in_any_order_are_a_column_of_their_own(tmp_path):
    table = read_table(write(tmp_path, '"patient" "age"\n"40" "P1" 50\n"7" "P2" 60\n', "t.txt"))
    assert table.to_dict("list") == {"": ["40", "7"], "patient": ["P1", "P2"], "age": ["50", "60"]}
    with pytest.raises(InputError, match="begins with 'patient', 'sex', row 2 with '40', 'M'"):
        read_table(write(tmp_path, "patient,sex\n40,M,50\n7,M,60\n"))


def test_one_column_behind_row_names_is_a_table_and_two_words_are_not(tmp_path):
    table = read_numbers(write(tmp_path, '"TP53"\n"P1" 7.5\n"P2" NA\n', "t.txt"), lambda header: [0])
    assert table.columns == ["TP53"] and table.values[0, 0] == 7.5
    assert list(read_table(write(tmp_path, "subtype\nLuminal A\nLuminal B\n", "t.txt")).columns) == [
        "subtype"
    ]


def test_blanks_after_a_closing_quote_are_no_text(tmp_path):
    table = read_table(write(tmp_path, 'id,note,size\n"P1" ,"a, b"  ,5\n"P2", "c" , 6 \n'))
    assert table.to_dict("list") == {"id": ["P1", "P2"], "note": ["a, b", "c"], "size": ["5", "6"]}


def test_a_column_without_a_title_is_listed_as_such(tmp_path):
    with pytest.raises(InputError, match=r"its columns are \(no title\), a"):
        find_column(["", "a"], "b", "t.csv")


def test_texts_that_stand_for_missing_values_are_an_argument(tmp_path):
    table = read_table(write(tmp_path, "id,note\nP1,NA\nP2,\n"), missing=())
    assert table["note"].to_list() == ["NA", ""]


def test_a_second_column_of_one_name_is_numbered_and_not_to_be_named(tmp_path):
    path = write(tmp_path, "id,x,x\nP1,1,2\n")
    table = read_table(path)
    assert list(table.columns) == ["id", "x", "x (2)"]
    with pytest.raises(InputError, match="is duplicated"):
        find_column(list(table.columns), "x", path)


BAD = {
    "missing file": (lambda folder: folder / "none.csv", "does not exist"),
    "a folder": (lambda folder: folder, "a folder was given"),
    "empty": (lambda folder: write(folder, ""), "is empty"),
    "blank": (lambda folder: write(folder, " \n\n"), "is empty"),
    "empty gz": (lambda folder: write(folder, gzip.compress(b""), "t.csv.gz"), "is empty"),
    "header only": (lambda folder: write(folder, "id,A\n"), "a header and no rows"),
    "truncated gz": (
        lambda folder: write(folder, gzip.compress(GOOD.encode() * 99)[:-20], "t.csv.gz"),
        "truncated or damaged|t.csv.gz|download",
    ),
    "damaged gz": (lambda folder: write(folder, b"\x1f\x8b" + b"junk" * 9, "t.csv.gz"), "truncated or damaged"),
    "not gz": (lambda folder: write(folder, GOOD, "t.csv.gz"), "is called .gz"),
    "damaged zip": (lambda folder: write(folder, b"PK\x03\x04" + b"junk" * 9, "t.zip"), "truncated or damaged"),
    "zip of two": (lambda folder: zipped(folder, **{"a.csv": GOOD, "b.csv": GOOD}), "holds 2 files"),
    "binary": (lambda folder: write(folder, b"\x89PNG\r\n\0\0\0\rIHDR" * 9), "binary"),
    "other encoding": (lambda folder: write(folder, "id,A\nP1,1\nMüller,2\n".encode("latin-1")), "UTF-8|row 3"),
    "UTF-16": (lambda folder: write(folder, GOOD.encode("utf-16")), "UTF-16|save it as UTF-8"),
    "UTF-16 unmarked": (lambda folder: write(folder, GOOD.encode("utf-16-le")), "UTF-16|save it as UTF-8"),
    "a field too many": (lambda folder: write(folder, "id,A,B\nP1,1,2\nP2,1,2,3\n"), "4 fields|has 3|row 3"),
    "a field too few": (lambda folder: write(folder, "id,A,B\nP1,1\nP2,1,2\n"), "2 fields, the header has 3|row 2"),
    "a header one short under a title of ids": (
        lambda folder: write(folder, "id,B\nP1,1,2\n"), "3 fields, the header has 2|col.names=NA"
    ),
    "a header one short, and a row too": (
        lambda folder: write(folder, "A,B\nP1,1,2\n" + "P2,1\n"), "3 fields, the header has 2|row 2"
    ),
    "open quote": (lambda folder: write(folder, 'id,A,B\nP1,"1,2\nP2,3,4\n'), "quote is opened and not closed|row 2"),
    "open quote that meets another": (
        lambda folder: write(folder, 'id,A,B\nP1,"1,2\nP2,3,4\nP3,5",6\n'), "quote is opened and not closed|row 2"
    ),
    "open quote in a cell with a comma": (
        lambda folder: write(folder, 'id,A,B\nP1,"1, a,2\nP2,3,4\nP3,5",6\n'), "quote is opened and not closed|row 2"
    ),
    "open quote in a table with blanks": (
        lambda folder: write(folder, 'id, A, B\nP1, "1, 2\nP2, 3, 4\nP3, 5", 6\n'), "opened and not closed|row 2"
    ),
    "open quote in the header": (lambda folder: write(folder, 'id,"A,B\nP1,1,2\n'), "not closed|row 1"),
    "open quote before the last row": (lambda folder: write(folder, 'id,A,B\nP1,1,2\nP2,1,"2'), "not closed|row 3"),
    "open quote with tabs": (
        lambda folder: write(folder, 'id\tA\nP1\t"1\nP2\t2\nP3\t3\n', "t.tsv"), "quote is opened and not closed|row 2"
    ),
    "text after a quote": (
        lambda folder: write(folder, 'id,A\nP1,"1"0\nP2,2\n'), 'text follows the closing quote|row 2|qmethod="double"'
    ),
    "words": (lambda folder: write(folder, "id,A,B\nP1,1,2\nP2,high,2\n"), "'high' is not a number|row 3|(P2)|'A'"),
    "underscores": (lambda folder: write(folder, "id,A,B\nP1,1_000,2\n"), "not a number|row 2|'A'"),
    "decimal comma": (lambda folder: write(folder, "id;A;B\nP1;1,500;2.5\n", "t.txt"), "'1,500' is not a number|row 2"),
    "commas of thousands": (
        lambda folder: write(folder, "id\tA\tB\nP1\t1,500\t2\n", "t.tsv"), "'1,500'|with a point and no commas"
    ),
    "a quoted number with a comma in a short row": (
        lambda folder: write(folder, 'id,A,B\n"P1","4,500"\nP2,1,2\n'), "2 fields, the header has 3|row 2"
    ),
    "infinite": (lambda folder: write(folder, "id,A,B\nP1,1,inf\n"), "1 value is infinite|row 2 (P1)|'B'"),
}  # fmt: skip


@given(st.one_of(st.binary(max_size=40), st.text('a1.,;\t\n\r" -eN\0é', max_size=40).map(str.encode)))
def test_any_bytes_are_a_table_or_an_input_error(tmp_path_factory, content):
    path = write(tmp_path_factory.mktemp("fuzz"), content)
    with contextlib.suppress(InputError):
        assert np.isfinite(read_frame(path).fillna(0)).all(axis=None)
    with contextlib.suppress(InputError):
        assert read_table(path).columns.is_unique


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_an_error_that_names_the_place(tmp_path, case):
    build, words = BAD[case]
    path = build(tmp_path)
    with pytest.raises(InputError) as caught:
        read_frame(path)
    missing = [word for word in [*words.split("|"), str(path)] if word not in str(caught.value)]
    assert missing == []


@pytest.mark.parametrize(
    "case", ["empty", "truncated gz", "UTF-16", "binary", "a field too many", "a field too few"]
)
def test_tables_of_texts_are_as_strict(tmp_path, case):
    build, words = BAD[case]
    with pytest.raises(InputError, match=words.split("|", maxsplit=1)[0]):
        read_table(build(tmp_path))


def test_the_row_of_a_bad_cell_is_named_by_the_first_column_of_text(tmp_path):
    for cell in ("high", "inf"):
        with pytest.raises(InputError, match=r"row 3 \(P2\), column 'B'"):
            read_numbers(write(tmp_path, f"A,id,B\n1,P1,2\n1,P2,{cell}\n"), lambda header: [1])


@pytest.mark.parametrize(("text", "row"), [('"{long}",b\n1,2\n', 1), ('a,b\n1,2\n3,"{long}"\n', 3)])
def test_a_quoted_field_that_is_too_long_is_refused_with_its_row(tmp_path, text, row):
    (tmp_path / "t.csv").write_text(text.format(long="x" * 200_000))
    with pytest.raises(InputError, match="the table cannot be read") as caught:
        read_table(tmp_path / "t.csv")
    assert caught.value.where == f"{tmp_path / 't.csv'}, row {row}"


def test_a_pipe_is_read_as_a_file(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    writer = threading.Thread(target=(tmp_path / "pipe.csv").write_text, args=(GOOD,))
    writer.start()
    assert read_table(tmp_path / "pipe.csv")["id"].to_list() == ["P1", "P2"]
    writer.join()
