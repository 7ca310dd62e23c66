"""cBioPortal study folders: which sample of a patient, which endpoint, which file; all losses counted."""

from __future__ import annotations

import pandas as pd
import pytest

from sequoia_stats.errors import InputError
from sequoia_stats.io import read_cohort
from sequoia_stats.io.cbioportal import read_study, recognises
from tests.build.studies import PATIENTS, expression_table, write_cbioportal_study


def flow_of(cohort):
    return {step: (before, after) for step, before, after, _ in cohort.flow.itertuples(index=False)}


def reason_of(cohort, step):
    return cohort.flow.set_index("step").loc[step, "reason"]


def test_a_study_becomes_a_cohort(tmp_path):
    cohort = read_study(write_cbioportal_study(tmp_path / "study"), endpoint="OS")
    assert list(cohort.patients) == PATIENTS
    assert cohort.outcome.time.tolist() == [10, 20, 30, 40, 50, 60]
    assert cohort.outcome.event.tolist() == [False, True] * 3
    assert cohort.expression.loc["P2"].to_dict() == {"ESR1": 3.5, "ERBB2": 4.5, "G3": 5.5}
    assert cohort.covariates["pam50"].tolist() == ["LumA"] * 6
    assert (cohort.name, set(cohort.units)) == ("study", {"RSEM"})


def test_the_endpoint_chooses_the_pair_of_columns(tmp_path):
    cohort = read_study(write_cbioportal_study(tmp_path / "study"), endpoint="rfs")
    assert (cohort.outcome.endpoint, cohort.n_events) == ("RFS", 4)


def test_outcomes_are_no_covariates(tmp_path):
    cohort = read_study(write_cbioportal_study(tmp_path / "study"), endpoint="OS")
    assert list(cohort.covariates) == ["pam50", "SAMPLE_TYPE"]


def test_compressed_files_give_the_same(tmp_path):
    plain = read_study(write_cbioportal_study(tmp_path / "plain"), endpoint="OS")
    packed = read_study(write_cbioportal_study(tmp_path / "packed", compress=True), endpoint="OS")
    assert packed.sha256() == plain.sha256()


def test_one_primary_sample_a_patient_is_kept_and_the_others_are_counted(tmp_path):
    samples = {
        "P1-T2": ("P1", "Primary"),
        "P1-T1": ("P1", "Primary"),
        "P2-M": ("P2", "Metastasis"),
        "P2-T": ("P2", "Primary"),
        "P3-M": ("P3", "Metastasis"),
    }
    cohort = read_study(write_cbioportal_study(tmp_path / "study", samples), endpoint="OS")
    assert cohort.expression["ESR1"].to_dict() == {"P1": 3.5, "P2": 9.5}
    assert flow_of(cohort)["samples: primary"] == (5, 3)
    assert (
        reason_of(cohort, "samples: primary") == "not primary (2 Metastasis); 1 patient has no primary sample"
    )
    assert flow_of(cohort)["samples: one per patient"] == (3, 2)


def test_without_sample_types_the_barcode_tells_the_primary(tmp_path):
    names = {"TCGA-A1-A0SB-06": ("TCGA-A1-A0SB", ""), "TCGA-A1-A0SB-01": ("TCGA-A1-A0SB", "")}
    cohort = read_study(write_cbioportal_study(tmp_path / "study", names), endpoint="OS")
    assert cohort.expression["ESR1"].to_dict() == {"TCGA-A1-A0SB": 3.5}


@pytest.mark.parametrize(
    "column",
    [
        "TCGA-A1-A0SB",
        "TCGA-A1-A0SB-01",
        "TCGA-A1-A0SB-01A",
        "TCGA-A1-A0SB-01A-11R-A144-07",
        "TCGA.A1.A0SB.01",
    ],
)
def test_barcodes_of_any_length_find_their_sample(tmp_path, column):
    samples = {
        "TCGA-A1-A0SB-01": ("TCGA-A1-A0SB", "Primary"),
        "TCGA-A1-A0SB-06": ("TCGA-A1-A0SB", "Metastasis"),
    }
    study = write_cbioportal_study(tmp_path / "study", samples, columns=[column])
    assert list(read_study(study, endpoint="OS").patients) == ["TCGA-A1-A0SB"]


def test_samples_and_patients_that_are_in_one_file_only_are_counted(tmp_path):
    study = write_cbioportal_study(tmp_path / "study", columns=["P1-T", "P2-T", "stranger"])
    flow = flow_of(read_study(study, endpoint="OS"))
    assert flow["samples: known"] == (3, 2)
    assert flow["patients: clinical data"] == (6, 2)


def test_rows_without_a_symbol_are_dropped_and_duplicates_averaged(tmp_path):
    table = expression_table([f"{p}-T" for p in PATIENTS], ["ESR1", "", "ESR1", "KNTC2"]).T.rename_axis(
        "Hugo_Symbol"
    )
    cohort = read_study(write_cbioportal_study(tmp_path / "study", expression=table), endpoint="OS")
    assert cohort.expression.loc["P1"].to_dict() == {"ESR1": 1.5, "NDC80": 3.5}
    assert flow_of(cohort)["genes: named"] == (4, 3)
    assert flow_of(cohort)["genes: one column each"] == (3, 2)


def test_several_expression_files_must_be_chosen_from(tmp_path):
    study = write_cbioportal_study(tmp_path / "study")
    (study / "data_mrna_zscores.txt").write_text((study / "data_mrna_seq_v2_rsem.txt").read_text())
    with pytest.raises(
        InputError, match=r"data_mrna_seq_v2_rsem.txt, data_mrna_zscores.txt\n.*\n.*--expression"
    ):
        read_study(study, endpoint="OS")
    assert set(read_study(study, endpoint="OS", expression="data_mrna_zscores.txt").units) == {"z-score"}
    assert set(read_study(study, endpoint="OS", expression=study / "data_mrna_seq_v2_rsem.txt").units) == {
        "RSEM"
    }


def test_the_meta_file_tells_the_unit(tmp_path):
    study = write_cbioportal_study(tmp_path / "study")
    (study / "data_mrna_seq_v2_rsem.txt").rename(study / "data_mrna_array.txt")
    (study / "meta_mrna_array.txt").write_text("datatype: LOG2-VALUE\n")
    assert set(read_study(study, endpoint="OS").units) == {"log2"}


def test_invalid_times_are_listed_or_dropped(tmp_path):
    study = write_cbioportal_study(tmp_path / "study")
    file = study / "data_clinical_patient.txt"
    file.write_text(file.read_text().replace("P2\t20.0", "P2\t").replace("P3\t30.0", "P3\t0"))
    with pytest.raises(InputError, match=r"2 of 6 .*time missing: P2; time not positive: P3"):
        read_study(study, endpoint="OS")
    assert list(read_study(study, endpoint="OS", drop_invalid=True).patients) == ["P1", "P4", "P5", "P6"]


def replace_in(study, file, old, new):
    path = study / file
    path.write_text(path.read_text().replace(old, new))


BAD = {
    "no endpoint named": (lambda study: None, {}, "no endpoint is given|OS, RFS|--endpoint OS|RFS"),
    "unknown endpoint": (lambda study: None, {"endpoint": "DSS"}, "no endpoint 'DSS'|OS, RFS"),
    "no outcome columns": (
        lambda study: replace_in(study, "data_clinical_patient.txt", "_MONTHS", "_DAYS"),
        {"endpoint": "OS"},
        "no endpoint 'OS'; the study has none|OS_MONTHS, OS_STATUS",
    ),
    "no patient file": (
        lambda study: (study / "data_clinical_patient.txt").unlink(),
        {"endpoint": "OS"},
        "no data_clinical_patient.txt",
    ),
    "no expression": (lambda study: (study / "data_mrna_seq_v2_rsem.txt").unlink(), {"endpoint": "OS"}, "data_mrna_"),
    "unknown expression": (lambda study: None, {"endpoint": "OS", "expression": "x.txt"}, "no x.txt|data_mrna_seq"),
    "patient twice": (
        lambda study: replace_in(study, "data_clinical_patient.txt", "\nP2\t", "\nP1\t"),
        {"endpoint": "OS"},
        "duplicated: P1|data_clinical_patient.txt|rows 6, 7",
    ),
    "sample twice": (
        lambda study: replace_in(study, "data_clinical_sample.txt", "P2-T", "P1-T"),
        {"endpoint": "OS"},
        "duplicated: P1-T|data_clinical_sample.txt|rows 6, 7",
    ),
    "sample twice in the header": (
        lambda study: replace_in(study, "data_mrna_seq_v2_rsem.txt", "P2-T", "P1-T"),
        {"endpoint": "OS"},
        "duplicated: P1-T|data_mrna_seq_v2_rsem.txt",
    ),
    "other samples": (
        lambda study: replace_in(study, "data_mrna_seq_v2_rsem.txt", "-T", "-X"),
        {"endpoint": "OS"},
        "no sample of the expression file|P1-X|P1-T",
    ),
    "only metastases": (
        lambda study: replace_in(study, "data_clinical_sample.txt", "Primary", "Metastasis"),
        {"endpoint": "OS"},
        "no primary sample|6 Metastasis",
    ),
    "no symbols": (
        lambda study: replace_in(study, "data_mrna_seq_v2_rsem.txt", "Hugo_Symbol", "Gene"),
        {"endpoint": "OS"},
        "Hugo_Symbol|data_mrna_seq",
    ),
    "no ids": (
        lambda study: replace_in(study, "data_clinical_sample.txt", "SAMPLE_ID", "ID"),
        {"endpoint": "OS"},
        "'SAMPLE_ID'|data_clinical_sample.txt",
    ),
    "words for numbers": (
        lambda study: replace_in(study, "data_mrna_seq_v2_rsem.txt", "4.5", "high"),
        {"endpoint": "OS"},
        "'high' is not a number|data_mrna_seq|row 3 (ERBB2)|'P2-T'",
    ),
    "event codes": (
        lambda study: replace_in(study, "data_clinical_patient.txt", "1:DECEASED", "gone"),
        {"endpoint": "OS"},
        "neither 0 nor 1: gone|data_clinical_patient.txt|OS_STATUS|rows 7, 9, 11",
    ),
    "absent covariate": (lambda study: None, {"endpoint": "OS", "covariates": ["er"]}, "no column for er|CLAUDIN"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_studies_are_errors_that_name_the_place(tmp_path, case):
    spoil, options, words = BAD[case]
    study = write_cbioportal_study(tmp_path / "study")
    spoil(study)
    with pytest.raises(InputError) as caught:
        read_study(study, **options)
    assert [word for word in words.split("|") if word not in str(caught.value)] == []


def test_a_study_folder_is_recognised_by_its_files(tmp_path):
    assert recognises(write_cbioportal_study(tmp_path / "study"))
    assert not recognises(tmp_path)
    assert read_cohort(tmp_path / "study", endpoint="OS").n == 6


def test_the_chosen_covariates_are_kept(tmp_path):
    cohort = read_study(write_cbioportal_study(tmp_path / "study"), endpoint="OS", covariates=["pam50"])
    pd.testing.assert_index_equal(cohort.covariates.columns, pd.Index(["pam50"]))


def test_a_quote_is_a_character_like_any_other(tmp_path):
    notes = ['"open', 'the "good" one', '5" wide', '"closed"', 'open"', '"']
    table = {"OS_MONTHS": [1.0] * 6, "OS_STATUS": ["1:DECEASED", "0:LIVING"] * 3, "NOTE": notes}
    study = write_cbioportal_study(tmp_path / "study")
    text = "PATIENT_ID\t" + "\t".join(table) + "\n"
    text += "".join("\t".join(map(str, row)) + "\n" for row in zip(PATIENTS, *table.values(), strict=True))
    (study / "data_clinical_patient.txt").write_text("#Patient\n" + text)
    samples = study / "data_clinical_sample.txt"
    samples.write_text(samples.read_text().replace("P2-T", '"P2-T'))
    expression = study / "data_mrna_seq_v2_rsem.txt"
    expression.write_text(expression.read_text().replace("P2-T", '"P2-T').replace("G3", '"G3'))
    cohort = read_study(study, endpoint="OS")
    assert list(cohort.patients) == PATIENTS
    assert cohort.covariates["NOTE"].to_list() == notes
    assert list(cohort.genes) == ["ESR1", "ERBB2", '"G3']


def test_columns_of_both_clinical_files_that_differ_are_noted(tmp_path):
    study = write_cbioportal_study(tmp_path / "study")
    for name, ages in (("patient", "50"), ("sample", "51")):
        path = study / f"data_clinical_{name}.txt"
        head, *rows = [line for line in path.read_text().splitlines() if not line.startswith("#")]
        path.write_text("\n".join([f"{head}\tAGE", *(f"{row}\t{ages}" for row in rows)]))
    cohort = read_study(study, endpoint="OS")
    assert cohort.covariates["age"].to_list() == [50.0] * 6
    reasons = cohort.flow.set_index("step")["reason"]
    assert reasons["clinical columns: of samples"].endswith("those of the patients are kept: AGE")


def test_a_study_saved_again_with_quotes_is_the_same_and_a_single_id_in_quotes_is_refused(tmp_path):
    study = write_cbioportal_study(tmp_path / "study")
    expected = read_study(study, endpoint="OS").sha256()
    patients = study / "data_clinical_patient.txt"
    text = patients.read_text()
    rows = [line for line in text.splitlines() if not line.startswith("#")]
    patients.write_text("".join('"' + row.replace("\t", '"\t"') + '"\n' for row in rows))
    assert read_study(study, endpoint="OS").sha256() == expected
    patients.write_text(text.replace("P2", '"P2"'))
    with pytest.raises(InputError, match="1 id is in quotes"):
        read_study(study, endpoint="OS")
