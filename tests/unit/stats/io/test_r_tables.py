"""Tables as R writes them: every usual call gives the same cohort; what it says twice is left out and counted."""

from __future__ import annotations

import shutil
import subprocess

import pandas as pd
import pytest

from sequoia_stats.errors import InputError
from sequoia_stats.io import read_cohort, read_expression

SCRIPT = """
ids <- sprintf("P%d", 1:6)
x <- matrix(0:17 + .5, 6, byrow = TRUE, dimnames = list(ids, c("ESR1", "ERBB2", "G3")))
x[2, 3] <- NA
clinical <- data.frame(
  months = 10 * 1:6 + .25, status = c(0, 1), grade = c("I", NA, "II"), note = 'she said "no", twice', row.names = ids
)
tables <- list(
  x = as.data.frame(x), turned = as.data.frame(t(x)), clinical = clinical,
  named_x = data.frame(patient = ids, x, row.names = NULL),
  named_clinical = data.frame(patient = ids, clinical, row.names = NULL),
  both_clinical = data.frame(patient = ids, clinical)
)
for (name in names(tables)) {
  d <- tables[[name]]
  write.csv(d, paste0(name, ".csv"))
  write.csv2(d, paste0(name, ".semicolon.csv"))
  write.csv(d, paste0(name, ".bare.csv"), row.names = FALSE)
  write.table(d, paste0(name, ".txt"))
  write.table(d, paste0(name, ".double.txt"), qmethod = "double")
  write.table(d, paste0(name, ".tsv"), sep = "\\t")
  write.table(d, paste0(name, ".unquoted.tsv"), sep = "\\t", quote = FALSE)
  write.table(d, paste0(name, ".na.tsv"), sep = "\\t", col.names = NA)
  write.table(d, paste0(name, ".bare.tsv"), sep = "\\t", row.names = FALSE, quote = FALSE)
}
"""
WAYS = ("csv", "semicolon.csv", "txt", "double.txt", "tsv", "unquoted.tsv", "na.tsv")
OUTCOME = {"time_column": "months", "event_column": "status", "time_unit": "months", "endpoint": "RFS"}

pytestmark = pytest.mark.needs_r


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("r")
    subprocess.run(["Rscript", "-e", SCRIPT], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def expected(tables):
    return read_cohort(
        tables / "named_x.bare.csv",
        clinical=tables / "named_clinical.bare.csv",
        id_column="patient",
        **OUTCOME,
    )


def test_a_table_without_row_names_is_read_as_it_is(expected):
    assert (expected.n, list(expected.genes)) == (6, ["ESR1", "ERBB2", "G3"])
    assert expected.outcome.time.tolist() == [10.25, 20.25, 30.25, 40.25, 50.25, 60.25]
    assert expected.covariates["note"].unique().tolist() == ['she said "no", twice']
    assert int(expected.expression.isna().sum().sum()) == 1


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("x", "clinical", "options"),
    [
        ("x", "clinical", {}),
        ("x", "clinical", {"id_column": "patient"}),
        ("turned", "clinical", {"genes_in": "rows"}),
        ("x", "named_clinical", {}),
        ("named_x", "named_clinical", {"id_column": "patient"}),
        ("named_x", "both_clinical", {"id_column": "patient"}),
        ("turned", "named_clinical", {"genes_in": "rows", "id_column": "patient"}),
    ],
)
def test_however_r_writes_tables_they_give_the_same_cohort(tables, expected, way, x, clinical, options):
    cohort = read_cohort(tables / f"{x}.{way}", clinical=tables / f"{clinical}.{way}", **OUTCOME, **options)
    assert cohort.sha256() == expected.sha256()


@pytest.mark.parametrize("way", WAYS)
def test_expression_alone_is_read_with_its_row_names(tables, expected, way):
    for name, genes_in in (("x", "columns"), ("turned", "rows")):
        values = read_expression(tables / f"{name}.{way}", genes_in=genes_in).values
        pd.testing.assert_frame_equal(values, expected.expression, check_names=False)
    values = read_expression(tables / f"named_x.{way}").values
    pd.testing.assert_frame_equal(values, expected.expression, check_names=False)


def test_row_numbers_are_left_out_and_counted(tables):
    cohort = read_cohort(
        tables / "named_x.csv", clinical=tables / "named_clinical.csv", id_column="patient", **OUTCOME
    )
    steps = cohort.flow.set_index("step")["reason"]
    assert steps["columns: row names"] == "not genes: ''"
    assert steps["clinical columns: row names"] == "not covariates: ''"


def test_row_numbers_are_not_taken_for_patients(tables):
    with pytest.raises(
        InputError, match=r"'patiant' is not in the table, and the first column(?s:.*)only counts the rows"
    ):
        read_cohort(
            tables / "named_x.csv", clinical=tables / "named_clinical.csv", id_column="patiant", **OUTCOME
        )


@pytest.mark.parametrize("title", ["X", "barcode", "tumor"])
@pytest.mark.parametrize("known", [(True, True), (True, False), (False, True)])
def test_ids_behind_row_numbers_are_found_under_any_title(tables, expected, tmp_path, title, known):
    for name, renamed in zip(("x", "clinical"), known, strict=True):
        table = pd.read_csv(tables / f"{name}.csv", dtype=str, keep_default_na=False)
        table = table.set_axis([title, *table.columns[1:]], axis=1)
        table.to_csv(tmp_path / f"{name}.csv") if renamed else shutil.copy(tables / f"{name}.csv", tmp_path)
    cohort = read_cohort(tmp_path / "x.csv", clinical=tmp_path / "clinical.csv", **OUTCOME)
    assert cohort.sha256() == expected.sha256()
    values = read_expression(tmp_path / "x.csv").values
    pd.testing.assert_frame_equal(values, expected.expression, check_names=False)


def test_one_message_names_all_options_and_shows_how_the_tables_begin(tables):
    with pytest.raises(InputError) as error:
        read_cohort(tables / "x.csv")
    assert error.value.what == "4 options are missing: --time-column, --event-column, --time-unit, --endpoint"
    assert '"","ESR1","ERBB2","G3"\n    "P1",0.5,1.5,2.5\n' in error.value.where
    assert "--clinical" in error.value.fix and "--genes-in rows" in error.value.fix
    with pytest.raises(InputError) as error:
        read_cohort(tables / "named_x.bare.csv", clinical=tables / "named_clinical.bare.csv", **OUTCOME)
    assert error.value.what == "1 option is missing: --id-column"
    assert 'named_clinical.bare.csv begins with\n    "patient","months"' in error.value.where
