"""Tidy tables: everything that a table does not say must be given; nothing is lost without a line."""

from __future__ import annotations

import re

import numpy as np
import pytest

from sequoia_stats.errors import InputError
from sequoia_stats.io._layout import refuse_no_header
from sequoia_stats.io.tidy import read_tidy
from tests.build.studies import PATIENTS, clinical_table, expression_table, write_single, write_tidy

BARCODES = [f"TCGA-A1-A0S{letter}" for letter in "ABCDEF"]


def test_two_tables_become_a_cohort(tmp_path):
    cohort = read_tidy(
        **write_tidy(tmp_path, clinical=clinical_table(er=["Positive"] * 6, grade=[1, 2, 3] * 2))
    )
    assert list(cohort.patients) == PATIENTS
    assert cohort.outcome.time.tolist() == [10, 20, 30, 40, 50, 60]
    assert (cohort.n_events, cohort.outcome.endpoint) == (3, "RFS")
    assert cohort.covariates.loc["P2"].to_dict() == {"er": 1.0, "grade": 2.0}
    assert set(cohort.units) == {"not stated"}


def test_one_table_of_everything_gives_the_same(tmp_path):
    pair = read_tidy(**write_tidy(tmp_path))
    assert read_tidy(**write_single(tmp_path)).sha256() == pair.sha256()


def test_covariates_of_one_table_are_named_and_the_rest_are_genes(tmp_path):
    table = clinical_table(**{"ER Status": ["Positive"] * 6, "grade": ["II"] * 6}).join(expression_table())
    cohort = read_tidy(**write_single(tmp_path, table, covariates=["er", "grade"]))
    assert list(cohort.covariates) == ["er", "grade"]
    assert list(cohort.genes) == ["ESR1", "ERBB2", "G3"]


def test_genes_in_rows_give_the_same(tmp_path):
    columns = read_tidy(**write_tidy(tmp_path))
    rows = read_tidy(**write_tidy(tmp_path, expression_table().T.rename_axis("gene"), genes_in="rows"))
    assert rows.sha256() == columns.sha256()


def test_an_unnamed_first_column_holds_the_ids(tmp_path):
    assert read_tidy(**write_tidy(tmp_path, expression_table().rename_axis(None))).n == 6


@pytest.mark.parametrize(("unit", "factor"), [("days", 12 / 365.25), ("months", 1), ("years", 12)])
def test_times_are_turned_into_months(tmp_path, unit, factor):
    cohort = read_tidy(**write_tidy(tmp_path, time_unit=unit))
    np.testing.assert_allclose(cohort.outcome.time, np.arange(10, 70, 10) * factor, rtol=1e-14)


def test_losses_on_both_sides_are_in_the_ledger(tmp_path):
    cohort = read_tidy(**write_tidy(tmp_path, expression_table(["P2", "P3", "X1"])))
    assert list(cohort.patients) == ["P2", "P3"]
    assert cohort.flow.to_dict("records") == [
        {"step": "patients: expression", "n_before": 3, "n_after": 2, "reason": "1 have no clinical data"},
        {"step": "patients: clinical data", "n_before": 6, "n_after": 2, "reason": "4 have no expression"},
    ]


def test_the_order_of_rows_does_not_matter(tmp_path):
    straight = read_tidy(**write_tidy(tmp_path))
    shuffled = read_tidy(
        **write_tidy(tmp_path, expression_table().iloc[::-1], clinical_table().iloc[[2, 0, 1, 5, 3, 4]])
    )
    assert shuffled.sha256() == straight.sha256()


def test_samples_and_patients_of_tcga_are_matched(tmp_path):
    expression = expression_table([f"{barcode}-01" for barcode in BARCODES])
    assert list(read_tidy(**write_tidy(tmp_path, expression, clinical_table(BARCODES))).patients) == BARCODES


def test_a_censorship_column_is_turned_and_this_is_stated(tmp_path):
    clinical = clinical_table().rename(columns={"status": "censorship"})
    cohort = read_tidy(**write_tidy(tmp_path, clinical=clinical, event_column="censorship"))
    assert cohort.outcome.event.tolist() == [True, False] * 3
    assert cohort.flow["reason"].iloc[-1].startswith("event = 1 - censorship: 3 of 6 patients have it")


def test_a_declared_event_value_is_the_event(tmp_path):
    clinical = clinical_table().replace({"status": {0: "alive", 1: "dead"}})
    assert read_tidy(**write_tidy(tmp_path, clinical=clinical, event_value="dead")).n_events == 3


def test_invalid_times_are_dropped_and_counted_if_wanted(tmp_path):
    clinical = clinical_table(months=[10, 0, np.nan, -1, 50, 60])
    cohort = read_tidy(**write_tidy(tmp_path, clinical=clinical, drop_invalid=True))
    assert list(cohort.patients) == ["P1", "P5", "P6"]
    assert cohort.flow["reason"].to_list()[-2:] == ["time missing", "time not positive"]


def test_reserved_names_are_kept_from_the_covariates_and_counted(tmp_path):
    cohort = read_tidy(**write_tidy(tmp_path, clinical=clinical_table(time=[1] * 6, grade=[2] * 6)))
    assert list(cohort.covariates) == ["grade"]
    assert cohort.flow.iloc[-1].to_list() == ["covariates", 2, 1, "'time': reserved names"]


UNNAMED_CLINICAL = clinical_table().rename_axis("")
WITHOUT_HEADER = expression_table().iloc[1:].set_axis(["1.5", "2.5", "NA"], axis=1).rename_axis("P1")

BAD = {
    "nothing said": (
        {"id_column": None, "time_column": None, "event_column": None, "time_unit": None, "endpoint": None},
        {},
        "5 options are missing: --id-column, --time-column, --event-column, --time-unit, --endpoint",
    ),
    "no unit": ({"time_unit": None}, {}, "the unit of the times: --time-unit days|months|years"),
    "no endpoint": ({"endpoint": ""}, {}, "--endpoint"),
    "unknown unit": ({"time_unit": "weeks"}, {}, "'weeks' is not a valid unit"),
    "unknown orientation": ({"genes_in": "row"}, {}, "--genes-in columns|rows"),
    "one column twice": ({"event_column": "months"}, {}, "in different columns|patient, months, months"),
    "absent id column": ({"id_column": "case"}, {}, "'case' is not in the table|clinical.csv|--id-column"),
    "absent time column": (
        {"time_column": "days"},
        {},
        "'days' is not in the table|clinical.csv|--time-column",
    ),
    "absent event column": ({"event_column": "dead"}, {}, "'dead' is not in the table|--event-column"),
    "absent covariate": ({"covariates": ["grade"]}, {}, "no column for grade|--covariates"),
    "id under another name": (
        {},
        {"expression": expression_table().rename_axis("case_id")},
        "'patient' is not in the table|expression.csv|case_id",
    ),
    "genes in rows where columns were said": (
        {},
        {"expression": expression_table().T.rename_axis("gene")},
        "patients are in the header|expression.csv|--genes-in rows",
    ),
    "genes in unnamed rows where columns were said": (
        {},
        {"expression": expression_table().T},
        "patients are in the header|--genes-in rows",
    ),
    "genes in columns where rows were said": (
        {"genes_in": "rows"},
        {},
        "patients are in the first column|--genes-in columns",
    ),
    "a header that is the first row": (
        {"id_column": ""},
        {"clinical": UNNAMED_CLINICAL, "expression": WITHOUT_HEADER},
        "the table has no header|values (1.5, 2.5)|expression.csv|col.names = NA",
    ),
    "a header that is the first row, genes in rows": (
        {"genes_in": "rows"},
        {"expression": WITHOUT_HEADER.T.set_axis(["1.5", "NA", "2", "3", "4"], axis=1).rename_axis("ESR1")},
        "the table has no header|values (1.5, 2, 3",
    ),
    "nobody in common": (
        {},
        {"expression": expression_table(["X1", "X2"])},
        "no patient is in both tables|P1, P2, P3|X1, X2|--id-column",
    ),
    "patient twice in expression": (
        {},
        {"expression": expression_table(["P1", "P2", "P1"])},
        "duplicated: P1|expression.csv|rows 2, 4",
    ),
    "patient twice in clinical": (
        {},
        {"clinical": clinical_table(["P1", "P2", "P2"])},
        "duplicated: P2|clinical.csv|rows 3, 4",
    ),
    "two samples of a patient": (
        {},
        {"expression": expression_table(["TCGA-A1-A0SB-01", "TCGA-A1-A0SB-06"])},
        "duplicated: TCGA-A1-A0SB|expression.csv",
    ),
    "patient without id": (
        {},
        {"clinical": clinical_table(["P1", "", "P3"])},
        "no patient id|clinical.csv|rows 3",
    ),
    "negative time": (
        {},
        {"clinical": clinical_table(months=[1, -2, 0, 4, 5, 6])},
        "not positive: P2, P3|--drop-invalid",
    ),
    "missing time": (
        {},
        {"clinical": clinical_table(months=[1, np.nan, 3, 4, 5, 6])},
        "time missing: P2|--drop-invalid",
    ),
    "missing event": ({}, {"clinical": clinical_table(status=[0, 1, np.nan, 1, 0, 1])}, "event missing: P3"),
    "time in words": (
        {},
        {"clinical": clinical_table(months=["long"] * 6)},
        "not numeric: long|'months'|rows 2, 3",
    ),
    "event codes": (
        {},
        {"clinical": clinical_table(status=[1, 2] * 3)},
        "neither 0 nor 1: 2|'status'|--event-value",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_tables_are_errors_that_name_the_place(tmp_path, case):
    options, tables, words = BAD[case]
    arguments = write_tidy(tmp_path, **tables) | options
    with pytest.raises(InputError) as caught:
        read_tidy(**arguments)
    wanted = [words] if "days|months" in words or "columns|rows" in words else words.split("|")
    assert [word for word in wanted if word not in str(caught.value)] == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("months status stage\nP1 4 1 Stage I\nP2 5 0 Stage II\n", "columns of the table are not told apart"),
        ("months status stage\nP1 4 1 II\nP2 5 0 Stage I\n", "columns of the table are not told apart"),
        ("months (all) status\nP1 4 1\nP2 5 0\n", r"the title 'months \(all\)' holds one"),
    ],
)
@pytest.mark.parametrize("id_column", [None, "", "months"])
def test_blanks_that_do_not_separate_columns_are_the_cause(tmp_path, text, words, id_column):
    given = write_tidy(tmp_path, id_column=id_column)
    (tmp_path / "clinical.csv").write_text(text)
    with pytest.raises(InputError, match=words) as error:
        read_tidy(**given)
    assert "clinical.csv begins with" in error.value.where and "quote = TRUE" in error.value.fix


def test_words_in_a_column_that_counts_as_a_gene_are_an_error(tmp_path):
    table = clinical_table(note=["II"] * 6).join(expression_table())
    with pytest.raises(InputError, match=r"'II' is not a number\n.*row 2 \(P1\), column 'note'"):
        read_tidy(**write_single(tmp_path, table))


@pytest.mark.parametrize(
    "name",
    [
        *(
            "timerecurrence",
            "posnodes",
            "OS.time",
            "Grade",
            "Age at Diagnosis",
            "RFS_MONTHS",
            "Height",
            "hemoglobin",
        ),
        *(
            "LVEF",
            "SUVmax",
            "TMB",
            "Charlson",
            "Dose_Gy",
            "PSA_ng_ml",
            "CA125..U.ml.",
            "Ki67_percent",
            "Ki67 (%)",
        ),
    ],
)
def test_a_clinical_column_that_is_not_named_never_becomes_a_gene(tmp_path, name):
    table = clinical_table(**{name: [1.5, 2, 3, 4, 5, 6]}).join(expression_table())
    with pytest.raises(InputError, match=f"cannot be a gene: {re.escape(name)}") as caught:
        read_tidy(**write_single(tmp_path, table))
    assert "--covariates" in caught.value.fix


@pytest.mark.parametrize(
    "name",
    [
        "OS9",
        "AGER",
        "TIMELESS",
        "STAG2",
        "SEXT",
        "ERBB2",
        "DIAPH1",
        "NODAL",
        "PRL",
        "LOR_cnv",
        "G.CM1",
    ],
)
def test_a_gene_of_a_similar_name_is_taken(tmp_path, name):
    table = clinical_table().join(expression_table().rename(columns={"G3": name}))
    assert name in read_tidy(**write_single(tmp_path, table)).genes


def test_normal_tissue_and_metastases_are_refused_by_their_barcodes(tmp_path):
    samples = [
        f"{barcode}-{code}"
        for barcode, code in zip(BARCODES, ["01", "01A", "11A", "06", "01", "01"], strict=True)
    ]
    with pytest.raises(InputError, match="2 of 6 TCGA samples are not primary tumours") as caught:
        read_tidy(**write_tidy(tmp_path, expression_table(samples), clinical_table(BARCODES)))
    assert "rows 4, 5" in caught.value.where


def test_one_table_cannot_have_genes_in_rows(tmp_path):
    with pytest.raises(InputError, match="--clinical"):
        read_tidy(**write_single(tmp_path, genes_in="rows"))


@pytest.mark.parametrize("name", ["osmonths", "NPI", "dmfs_time", "os"])
def test_names_of_outcomes_and_indices_never_become_genes(tmp_path, name):
    table = clinical_table(**{name: [1.0, 2, 3, 4, 5, 6]}).join(expression_table())
    with pytest.raises(InputError, match=f"cannot be a gene: {name}"):
        read_tidy(**write_single(tmp_path, table))


def test_a_column_that_repeats_the_outcome_is_refused_whatever_its_name(tmp_path):
    table = clinical_table().join(expression_table())
    table["G4"] = table["months"]
    with pytest.raises(InputError, match="column 'G4' repeats 'months'"):
        read_tidy(**write_single(tmp_path, table))


def test_a_gene_with_a_hyphen_before_such_a_word_is_taken(tmp_path):
    table = clinical_table().join(expression_table().rename(columns={"G3": "HOXA-OS"}))
    assert "HOXA-OS" in read_tidy(**write_single(tmp_path, table)).genes


def test_the_outcome_among_the_genes_of_an_expression_table_is_refused(tmp_path):
    files = write_tidy(tmp_path, expression_table().assign(months=1.5))
    with pytest.raises(InputError, match="which would count as a gene: months"):
        read_tidy(**files)


def test_one_file_named_twice_is_one_table(tmp_path):
    options = write_single(tmp_path)
    assert read_tidy(**options, clinical=options["source"]).sha256() == read_tidy(**options).sha256()


WRITTEN = {
    "leading zeros": (["001", "002", "003", "004", "005", "006"], ["1", "2", "3", "4", "5", "6"], "'001' and '1'"),
    "some of them": (["001", "P2", "P3", "P4", "P5", "P6"], ["1", *PATIENTS[1:]], "1 patient has an id"),
    "numbers with a point": ([f"{i}.0" for i in range(1, 7)], ["1", "2", "3", "4", "5", "6"], "'1.0' and '1'"),
    "dots of R": ([f"A.{i}" for i in "abcdef"], [f"A-{i}" for i in "abcdef"], "check.names = FALSE"),
    "capitals": ([f"p{i}" for i in range(1, 7)], PATIENTS, "'p1' and 'P1'"),
    "a spreadsheet's exponent": (["123456", *PATIENTS[1:]], ["1.23E+05", *PATIENTS[1:]], "as text"),
    "R's exponent": (["100000", *PATIENTS[1:]], ["1e+05", *PATIENTS[1:]], "options(scipen = 999)"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRITTEN)
def test_ids_that_differ_only_in_how_they_are_written_are_refused(tmp_path, case):
    ours, theirs, words = WRITTEN[case]
    given = write_tidy(tmp_path, expression_table(ours), clinical_table(theirs))
    with pytest.raises(InputError) as error:
        read_tidy(**given)
    assert words in str(error.value)


def test_a_covariate_that_is_there_twice_is_refused_if_asked_for_and_noted_if_not(tmp_path):
    table = clinical_table(stage=["I", "II"] * 3, copy=["II", "I"] * 3)
    for again in ("stage", "stage.1"):
        given = write_tidy(tmp_path, clinical=table.set_axis([*table.columns[:-1], again], axis=1))
        with pytest.raises(InputError, match="the column 'stage' is duplicated"):
            read_tidy(**given, covariates=["stage"])
        cohort = read_tidy(**given)
        assert cohort.covariates.shape[1] == 2
        assert (
            "'stage' is there again as"
            in cohort.flow.set_index("step").loc["covariates: duplicated names", "reason"]
        )


def test_a_covariate_of_a_single_table_that_is_there_twice_is_refused(tmp_path):
    table = clinical_table(stage=["I", "II"] * 3, copy=["II", "I"] * 3).rename(columns={"copy": "stage"})
    with pytest.raises(InputError, match="the column 'stage' is duplicated"):
        read_tidy(**write_single(tmp_path, table.join(expression_table()), covariates=["stage"]))


def test_clinical_columns_in_the_expression_are_left_out_and_counted(tmp_path):
    cohort = read_tidy(**write_tidy(tmp_path, expression_table().assign(age=50, grade="II", HER2=2.5)))
    assert list(cohort.genes) == ["ESR1", "ERBB2", "G3", "HER2"]
    assert cohort.flow.loc[0].tolist() == ["columns: clinical", 6, 4, "not genes, by their names: age, grade"]


CODES = {
    "ECOG": [0, 1, 2, 0, 1, 3], "pT": [1, 2, 3, 4, 1, 1], "smoker": [0, 1, 0, 1, None, 1], "center": [1, 2, 1, 3, 2, 1],
    "is_female": [0, 1, 0, 1, 1, 1], "gleason": [6, 7, 7, 8, 9, 10], "barcode": [4001, 4002, 4003, 4007, 4005, 4010],
    "HER2": [0, 1, 0, 1, 1, 0], "RACE": [1, 2, 1, 3, 1, 1],
}  # fmt: skip


@pytest.mark.parametrize(("name", "values"), CODES.items())
def test_codes_are_no_genes_and_both_ways_out_work(tmp_path, name, values):
    table = clinical_table(**{name: values}).join(expression_table())
    with pytest.raises(InputError, match=f"1 of 4 columns is .* cannot be a gene: {name}") as caught:
        read_tidy(**write_single(tmp_path, table))
    assert "--covariates" in caught.value.fix and "leave them out" in caught.value.fix
    without = read_tidy(**write_single(tmp_path, table.drop(columns=name)))
    named = read_tidy(**write_single(tmp_path, table, covariates=[name]))
    assert list(without.genes) == list(named.genes) == ["ESR1", "ERBB2", "G3"]
    assert named.covariates.shape[1] == 1


@pytest.mark.parametrize(("name", "values"), CODES.items())
@pytest.mark.parametrize("side", ["columns", "rows"])
def test_codes_beside_a_clinical_table_are_left_out_and_counted(tmp_path, name, values, side):
    table = expression_table().assign(**{name: values})
    table = table if side == "columns" else table.T.rename_axis("gene")
    cohort = read_tidy(**write_tidy(tmp_path, table, genes_in=side))
    assert list(cohort.genes) == ["ESR1", "ERBB2", "G3"]
    line = cohort.flow.set_index("step").filter(like="whole numbers", axis=0).iloc[0]
    assert (line["n_before"], line["n_after"]) == (4, 3) and line["reason"].endswith(f": {name}")
    assert line.name == f"{side}: whole numbers"


@pytest.mark.parametrize(
    "name", ["LINC01234", "RP11-34P13.7", "C1orf999", "TP53", "KNTC2", "LOR_cnv", "1007_s_at"]
)
def test_whole_numbers_under_the_name_of_a_gene_are_a_gene(tmp_path, name):
    table = expression_table().assign(**{name: [0, 1, 0, 2, 0, 0]})
    assert read_tidy(**write_tidy(tmp_path, table)).genes.size == 4
    assert read_tidy(**write_single(tmp_path, clinical_table().join(table))).genes.size == 4


def test_a_table_of_counts_keeps_every_gene(tmp_path):
    table = (expression_table() - 0.5).assign(XIST=[0, 0, 1, 0, 2, 0], NOSUCH=[1, 0, 0, 0, 2, 0])
    cohort = read_tidy(**write_tidy(tmp_path, table))
    assert cohort.genes.size == 5 and "whole numbers" not in " ".join(cohort.flow["step"])


def test_her2_with_the_values_of_a_gene_is_a_gene(tmp_path):
    table = clinical_table().join(expression_table(genes=["ESR1", "HER2", "G3"]))
    assert list(read_tidy(**write_single(tmp_path, table)).genes) == ["ESR1", "ERBB2", "G3"]


def test_unknown_names_of_one_table_are_listed_in_one_line(tmp_path):
    table = clinical_table().join(expression_table(genes=["ESR1", "TIS", "risk_score"]))
    cohort = read_tidy(**write_single(tmp_path, table))
    [reason] = cohort.flow.loc[cohort.flow["step"] == "genes: unknown names", "reason"]
    assert reason == "2 of 3 names are not known as that of a gene, but kept: TIS, risk_score"


def test_a_column_of_text_in_one_table_can_be_named_or_left_out(tmp_path):
    table = clinical_table(slide=[f"{i}.svs" for i in range(6)]).join(expression_table())
    with pytest.raises(InputError, match=r"'0\.svs' is not a number") as caught:
        read_tidy(**write_single(tmp_path, table))
    assert "name it with --covariates, or leave it out of the table" in caught.value.fix
    assert read_tidy(**write_single(tmp_path, table, covariates=["slide"])).genes.size == 3
    files = write_tidy(tmp_path, expression_table().assign(slide="a.svs"))
    with pytest.raises(InputError, match=r"leave it out of the expression table"):
        read_tidy(**files)


@pytest.mark.parametrize(
    "header",
    [
        ["patient", "7157", "2099", "7157.1"],  # Entrez ids, of which pandas renamed one
        ["gene", "1.1", "1.2"],  # patients
        ["sampleID", "101.1", "102"],
        ["bcr_patient_barcode", "101.1", "102"],
        ["", "1.5", "2.5"],
        ["TP53", "1", "2"],
    ],
)
def test_titles_that_are_numbers_are_a_header(header):
    refuse_no_header(header, "x.csv")
    with pytest.raises(InputError, match="no header"):
        refuse_no_header(["TP53", "1.5", "2"], "x.csv")
    with pytest.raises(InputError, match="no header"):
        refuse_no_header(["P1", "1", "2"], "x.csv", {"P1"})
