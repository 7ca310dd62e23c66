"""The command line as scripts rely on it: files, columns, keys, exit codes, and which output goes to which stream."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from importlib.metadata import version

import numpy as np
import pandas as pd
import pytest
import typer

from sequoia_stats import plots
from sequoia_stats.cli.app import app
from sequoia_stats.io import read_cohort, read_expression, write_cohort
from sequoia_stats.signature import Signature
from sequoia_stats.types.outcome import Outcome
from tests.build.cohorts import make_cohort
from tests.build.commands import (
    SAID,
    finished,
    left_in,
    process,
    sequoia,
    sequoia_model,
    wait_for_reader,
    write_adata,
    write_made_cohort,
    write_signature,
)
from tests.build.studies import PATIENTS, clinical_table, expression_table, write_cbioportal_study, write_tidy

DESCRIPTION = {"name", "n", "events", "endpoint", "median_follow_up_months", "genes", "units", "covariates"}
DESCRIPTION |= {"covariate_types", "note", "source", "licence", "flow"}
VALIDATION = {
    "n",
    "events",
    "endpoint",
    "scale",
    "hr_per_sd",
    "hr_low",
    "hr_high",
    "p",
    "p_lr",
    "c_index",
    "c_low",
}
VALIDATION |= {
    "c_high",
    "genes_missing",
    "n_genes_missing",
    "weight_lost",
    "null_model",
    "cuts",
    "adjusted",
    "unadjusted",
    "hr_note",
}
CUT = {"n_high", "n_low", "logrank_p"}
ADJUSTED = {
    "note",
    "terms",
    "proportional_hazards",
    "covariates",
    "n",
    "events",
    "n_missing",
    "hr_per_sd",
    "hr_low",
    "hr_high",
    "p",
    "p_lr",
}
VALIDATION_FILES = ["km.png", "km.svg", "scores.csv", "validation.json"]
QUICK = ["--folds", "3", "--jobs", "1"]


@pytest.fixture
def cohort(tmp_path):
    write_made_cohort(tmp_path / "c.h5ad")
    return tmp_path / "c.h5ad"


@pytest.fixture
def signature(tmp_path):
    return write_signature(tmp_path / "s.json")


@pytest.fixture
def tables(tmp_path):
    write_tidy(tmp_path)
    return tmp_path / "expression.csv", [
        "--clinical",
        tmp_path / "clinical.csv",
        *SAID,
        "-o",
        tmp_path / "c.h5ad",
    ]


# --- the commands --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "options"),
    [
        (["doctor"], ["--json"]),
        (
            ["cohort", "convert"],
            [
                "--output",
                "-o",
                "--format",
                "--endpoint",
                "--drop-invalid",
                "--expression",
                "--clinical",
                "--id-column",
            ]
            + [
                "--time-column",
                "--event-column",
                "--time-unit",
                "--event-value",
                "--genes-in",
                "--covariates",
            ]
            + ["--force", "--json"],
        ),
        (["cohort", "describe"], ["--json"]),
        (
            ["signature", "fit"],
            [
                "--output",
                "-o",
                "--engine",
                "--alpha",
                "--folds",
                "--repeats",
                "--foldid",
                "--seed",
                "--lambda",
            ]
            + ["--lambda-min-ratio", "--genes", "--shared-with", "--transform", "--force", "--json"],
        ),
        (["signature", "show"], ["--json"]),
        (["signature", "score"], ["--output", "-o", "--scale", "--force", "--json"]),
        (
            ["signature", "validate"],
            ["--output", "-o", "--adjust", "--cut", "--scale", "--max-weight-lost", "--bootstrap", "--seed"]
            + ["--force", "--json"],
        ),
    ],
    ids=" ".join,
)
def test_a_command_has_the_options_of_the_contract(command, options):
    found = typer.main.get_command(app)
    for word in command:
        found = found.get_command(None, word)
    assert set(options) <= {option for parameter in found.params for option in parameter.opts}


@pytest.fixture
def in_order(tmp_path, signature):
    """A cohort whose three events are those of the highest scores, in order: the hazard ratio is infinite."""
    made = write_made_cohort(tmp_path / "made.h5ad")
    score = Signature.load(signature).risk_score(read_expression(made)).scores
    order = score.rank(ascending=False).to_numpy()
    write_cohort(replace(made, outcome=Outcome(order, order <= 3, "RFS")), tmp_path / "in_order.h5ad")
    return tmp_path / "in_order.h5ad"


def test_an_infinite_hazard_ratio_is_said_in_print_and_in_both_json(capsys, tmp_path, signature, in_order):
    run = [
        "signature",
        "validate",
        signature,
        in_order,
        "--adjust",
        "er",
        "--bootstrap",
        "0",
        "-o",
        tmp_path / "v",
    ]
    printed, answer = sequoia(capsys, *run), sequoia(capsys, *run, "--force", "--json")
    written = json.loads((tmp_path / "v" / "validation.json").read_text())
    notes = [answer.json[model]["note"] for model in ("unadjusted", "adjusted")]
    assert all("no finite estimate for" in note and "may be infinite" in note for note in notes)
    assert all(f"note: {note}" in printed.out for note in notes)
    assert written == answer.json


@pytest.mark.parametrize("command", [[], ["cohort"], ["cohort", "convert"], ["signature", "validate"]])
def test_help_is_printed_and_ends_with_0(capsys, command):
    answer = sequoia(capsys, *command, "--help")
    assert answer.code == 0
    assert "Usage: sequoia-stats" in answer.out


def test_no_command_is_bad_input_and_shows_the_help(capsys):
    answer = sequoia(capsys)
    assert answer.code == 2
    assert "signature" in answer.err


# --- cohort convert ------------------------------------------------------------------------------------------------


def test_tables_become_a_cohort(capsys, tmp_path, tables):
    answer = sequoia(capsys, "cohort", "convert", tables[0], *tables[1])
    assert answer.code == 0
    cohort = read_cohort(tmp_path / "c.h5ad")
    assert list(cohort.patients) == PATIENTS
    assert list(cohort.genes) == ["ESR1", "ERBB2", "G3"]
    assert (cohort.n_events, cohort.outcome.endpoint) == (3, "RFS")
    np.testing.assert_array_equal(cohort.outcome.time, [10, 20, 30, 40, 50, 60])


def test_the_conversion_is_described_on_stdout_and_its_place_on_stderr(capsys, tmp_path, tables):
    answer = sequoia(capsys, "cohort", "convert", tables[0], *tables[1], "--json")
    assert set(answer.json) == DESCRIPTION
    assert (answer.json["n"], answer.json["events"], answer.json["genes"]) == (6, 3, 3)
    assert answer.err == f"written to {tmp_path / 'c.h5ad'}\n"


@pytest.mark.parametrize(("unit", "factor"), [("days", 12 / 365.25), ("months", 1), ("years", 12)])
def test_times_are_turned_into_months(capsys, tmp_path, tables, unit, factor):
    assert sequoia(capsys, "cohort", "convert", tables[0], *tables[1], "--time-unit", unit).code == 0
    time = read_cohort(tmp_path / "c.h5ad").outcome.time
    np.testing.assert_allclose(time, np.array([10, 20, 30, 40, 50, 60]) * factor, rtol=1e-14)


def test_the_value_of_an_event_may_be_said(capsys, tmp_path):
    write_tidy(tmp_path, clinical=clinical_table(status=["dead", "alive", "lost", "dead", "alive", "alive"]))
    command = [
        "cohort",
        "convert",
        tmp_path / "expression.csv",
        "--clinical",
        tmp_path / "clinical.csv",
        *SAID,
    ]
    assert sequoia(capsys, *command, "--event-value", "dead", "-o", tmp_path / "c.h5ad").code == 0
    assert read_cohort(tmp_path / "c.h5ad").outcome.event.tolist() == [True, False, False, True, False, False]


def test_genes_may_be_in_rows(capsys, tmp_path, tables):
    expression_table().T.to_csv(tables[0])
    assert sequoia(capsys, "cohort", "convert", tables[0], *tables[1], "--genes-in", "rows").code == 0
    assert read_cohort(tmp_path / "c.h5ad").expression.loc["P2", "ERBB2"] == 4.5


def test_codes_are_declared_and_unasked_texts_refuse_nothing(capsys, tmp_path):
    columns = {
        "grade": [0, 1, 2, 3, 1, 0],
        "AGE": ["61", ">89", "70", "55", "unknown", "43"],
        "HER2": ["Unknown/ND"] + ["Positive"] * 5,
    }
    write_tidy(tmp_path, clinical=clinical_table(**columns))
    said = [
        "--id-column",
        "patient",
        "--time-column",
        "months",
        "--event-column",
        "status",
        "--time-unit",
        "months",
    ]
    files = [tmp_path / "expression.csv", "--clinical", tmp_path / "clinical.csv", "-o", tmp_path / "c.h5ad"]
    answer = sequoia(
        capsys, "cohort", "convert", *files, *said, "--endpoint", "RFS", "--categorical", "grade", "--json"
    )
    types = answer.json["covariate_types"]
    assert types["grade"]["levels"] == {"0": 2, "1": 2, "2": 1, "3": 1}
    assert types["age"]["taken_as_missing"] == {"unknown": 1, ">89": 1}
    assert types["her2"]["taken_as_missing"] == {"Unknown/ND": 1}
    described = sequoia(capsys, "cohort", "describe", tmp_path / "c.h5ad")
    assert "grade  categorical: 0 (2), 1 (2), 2 (1), 3 (1); 0 missing" in described.out
    assert "2 missing; 'unknown' (1), '>89' (1) taken as missing" in described.out
    assert list(read_cohort(tmp_path / "c.h5ad").covariates["grade"].cat.categories) == ["0", "1", "2", "3"]


def test_covariates_are_chosen_and_get_canonical_names(capsys, tmp_path, tables):
    columns = {
        "ER Status": ["Positive", "Negative", "Indeterminate"] * 2,
        "grade": [1] * 6,
        "site": ["a"] * 6,
    }
    write_tidy(tmp_path, clinical=clinical_table(**columns))
    answer = sequoia(
        capsys, "cohort", "convert", tables[0], *tables[1], "--covariates", "ER Status, grade", "--json"
    )
    assert answer.json["covariates"] == {"er": 4, "grade": 6}
    assert {name: about["type"] for name, about in answer.json["covariate_types"].items()} == {
        "er": "numeric",
        "grade": "numeric",
    }
    er = read_cohort(tmp_path / "c.h5ad").covariates["er"]
    np.testing.assert_array_equal(er, [1, 0, np.nan, 1, 0, np.nan])


def test_the_expression_table_may_be_said_again_and_the_format_too(capsys, tables):
    answer = sequoia(
        capsys, "cohort", "convert", tables[0], *tables[1], "--expression", tables[0], "--format", "tidy"
    )
    assert answer.code == 0


def test_any_word_is_an_endpoint_of_a_table(capsys, tables):
    answer = sequoia(
        capsys, "cohort", "convert", tables[0], *tables[1], "--endpoint", "time to ECMO", "--json"
    )
    assert answer.json["endpoint"] == "time to ECMO"


@pytest.mark.parametrize("how", ["auto", "cbioportal"])
def test_a_study_becomes_a_cohort(capsys, tmp_path, how):
    study = write_cbioportal_study(tmp_path / "study")
    command = [
        "cohort",
        "convert",
        study,
        "--format",
        how,
        "--endpoint",
        "RFS",
        "-o",
        tmp_path / "c.h5ad",
        "--json",
    ]
    answer = sequoia(capsys, *command)
    assert (answer.code, answer.json["n"], answer.json["endpoint"]) == (0, 6, "RFS")
    assert answer.json["covariates"]["pam50"] == 6


def test_one_of_several_expression_files_is_chosen(capsys, tmp_path):
    study = write_cbioportal_study(tmp_path / "study")
    (study / "data_mrna_agilent.txt").write_text("Hugo_Symbol\tP1-T\tP2-T\nESR1\t1\t2\n")
    command = ["cohort", "convert", study, "--endpoint", "OS", "-o", tmp_path / "c.h5ad", "--json"]
    answer = sequoia(capsys, *command, "--expression", "data_mrna_agilent.txt")
    assert (answer.json["n"], answer.json["genes"]) == (2, 1)


def test_a_bundled_cohort_is_not_converted_by_accident(capsys, tmp_path):
    (tmp_path / "metabric").mkdir()
    answer = sequoia(capsys, "cohort", "convert", tmp_path / "metabric", "-o", tmp_path / "c.h5ad")
    assert answer.code == 2


# --- cohort describe -----------------------------------------------------------------------------------------------


def test_describe_gives_numbers_follow_up_genes_and_flow(capsys, tables):
    sequoia(capsys, "cohort", "convert", tables[0], *tables[1])
    answer = sequoia(capsys, "cohort", "describe", tables[1][-1], "--json")
    assert set(answer.json) == DESCRIPTION
    assert answer.json["median_follow_up_months"] == 50
    assert answer.json["units"] == {"not stated": 3}
    assert [set(line) for line in answer.json["flow"]] == [{"step", "n_before", "n_after", "reason"}] * 2
    assert answer.err == ""


def test_the_ledger_is_printed_in_columns(capsys, tmp_path, tables):
    write_tidy(tmp_path, clinical=clinical_table(months=[10, 20, 30, 40, 50, 0]))
    answer = sequoia(capsys, "cohort", "convert", tables[0], *tables[1], "--drop-invalid")
    assert answer.out.splitlines()[-3:] == [
        "  patients: expression      6 → 6   0 have no clinical data",
        "  patients: clinical data   6 → 6   0 have no expression",
        "  patients: usable RFS      6 → 5   time not positive",
    ]


def test_follow_up_that_is_not_reached_is_null(capsys, tmp_path):
    write_made_cohort(tmp_path / "c.h5ad", events=60)
    assert (
        sequoia(capsys, "cohort", "describe", tmp_path / "c.h5ad", "--json").json["median_follow_up_months"]
        is None
    )
    assert "not reached" in sequoia(capsys, "cohort", "describe", tmp_path / "c.h5ad").out


@pytest.mark.parametrize(
    ("name", "n", "endpoint"),
    [("tcga-brca", 956, "PFI"), ("tcga-brca:OS", 956, "OS"), ("scan-b", 400, "OS"), ("metabric", 200, "RFS")],
)
def test_bundled_names_mean_cohorts(capsys, name, n, endpoint):
    answer = sequoia(capsys, "cohort", "describe", name, "--json").json
    assert (answer["n"], answer["endpoint"]) == (n, endpoint)
    assert answer["note"].startswith(f"sub-cohort of {n} of ")


# --- signature fit -------------------------------------------------------------------------------------------------


@pytest.mark.needs_r
def test_fit_says_which_candidates_were_lost(capsys, tmp_path, cohort):
    (tmp_path / "genes.txt").write_text("G1\nG2\nG3\nNONESUCH\n")
    command = [
        "signature",
        "fit",
        cohort,
        *QUICK,
        "--genes",
        tmp_path / "genes.txt",
        "-o",
        tmp_path / "s.json",
    ]
    assert "among the 4 candidates; not in the cohort: NONESUCH" in sequoia(capsys, *command).out


@pytest.mark.needs_r
def test_fit_writes_the_signature_that_it_prints(capsys, tmp_path, cohort):
    answer = sequoia(
        capsys, "signature", "fit", cohort, *QUICK, "--seed", "5", "-o", tmp_path / "s.json", "--json"
    )
    assert answer.code == 0
    loaded = Signature.load(tmp_path / "s.json")
    assert answer.json == {**loaded.to_dict(), "flow": []}
    assert answer.json["schema_version"] == 2
    assert (loaded.seed, loaded.transform.name, loaded.selection["rule"]) == (5, "rank", "min")
    assert "G1" in loaded.genes


@pytest.mark.needs_r
@pytest.mark.parametrize(
    ("options", "rule"),
    [(["--lambda", "1se"], "1se"), (["--lambda", "0.05"], "value"), (["--lambda", "min"], "min")],
)
def test_the_rule_of_the_penalty_is_recorded(capsys, tmp_path, cohort, options, rule):
    answer = sequoia(
        capsys, "signature", "fit", cohort, *QUICK, *options, "-o", tmp_path / "s.json", "--json"
    )
    assert answer.json["selection"]["rule"] == rule


@pytest.mark.needs_r
def test_a_value_of_the_penalty_is_used_as_it_is(capsys, tmp_path, cohort):
    command = ["signature", "fit", cohort, "--lambda", "0.05", "-o", tmp_path / "s.json", "--json"]
    selection = sequoia(capsys, *command).json["selection"]
    assert selection["lambda"] == 0.05
    assert selection["cross_validation"] is None


@pytest.mark.needs_r
@pytest.mark.parametrize("transform", ["rank", "zscore", "none"])
def test_the_transform_and_the_path_are_chosen(capsys, tmp_path, cohort, transform):
    options = ["--transform", transform, "--alpha", "0.5", "--lambda-min-ratio", "0.05", "--repeats", "2"]
    answer = sequoia(
        capsys, "signature", "fit", cohort, *QUICK, *options, "-o", tmp_path / "s.json", "--json"
    ).json
    assert answer["transform"]["name"] == transform
    assert (answer["selection"]["alpha"], answer["selection"]["lambda_min_ratio"]) == (0.5, 0.05)
    assert answer["selection"]["cross_validation"]["repeats"] == 2


@pytest.mark.needs_r
def test_folds_are_taken_from_a_file_in_any_order(capsys, tmp_path, cohort):
    folds = pd.DataFrame({"patient_id": [f"P{i + 1}" for i in range(60)], "fold": np.arange(60) % 4 + 1})
    folds.sample(frac=1, random_state=0).to_csv(tmp_path / "folds.csv", index=False)
    command = ["signature", "fit", cohort, "--foldid", tmp_path / "folds.csv", "--jobs", "1", "--json"]
    answer = sequoia(capsys, *command, "-o", tmp_path / "s.json").json
    assert answer["selection"]["cross_validation"]["n_folds"] == 4


@pytest.mark.needs_r
def test_candidates_are_listed_and_shared(capsys, tmp_path, cohort):
    (tmp_path / "genes.txt").write_text("G1\nG2\n\nG3\nG4\nG99\n")
    make_cohort(n=5, events=2, genes=3).expression.to_csv(tmp_path / "two.csv")
    write_made_cohort(tmp_path / "three.h5ad", genes=4)
    options = ["--genes", tmp_path / "genes.txt", "--shared-with", tmp_path / "two.csv"]
    options += ["--shared-with", tmp_path / "three.h5ad", "--json", "-o", tmp_path / "s.json"]
    answer = sequoia(capsys, "signature", "fit", cohort, *QUICK, *options).json
    assert answer["training"]["n_candidates"] == 3


@pytest.mark.slow
@pytest.mark.needs_r
def test_the_same_seed_gives_the_same_bytes(capsys, tmp_path, cohort):
    command = ["signature", "fit", cohort, "--folds", "3", "--seed", "2"]
    assert sequoia(capsys, *command, "--jobs", "1", "-o", tmp_path / "a.json").code == 0
    assert sequoia(capsys, *command, "--jobs", "2", "-o", tmp_path / "b.json").code == 0
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


# --- signature show and score --------------------------------------------------------------------------------------


def test_show_prints_the_signature(capsys, signature):
    answer = sequoia(capsys, "signature", "show", signature)
    assert answer.code == 0
    assert "G1  +0.800000" in answer.out
    assert (
        sequoia(capsys, "signature", "show", signature, "--json").json == Signature.load(signature).to_dict()
    )


def test_scores_of_a_cohort_have_three_columns(capsys, tmp_path, cohort, signature):
    answer = sequoia(capsys, "signature", "score", signature, cohort, "-o", tmp_path / "scores.csv", "--json")
    scores = pd.read_csv(tmp_path / "scores.csv")
    assert answer.code == 0
    assert list(scores) == ["patient_id", "risk_score", "group"]
    assert len(scores) == answer.json["n"] == answer.json["n_high"] + answer.json["n_low"] == 60
    assert (
        scores["group"] == np.where(scores["risk_score"] > Signature.load(signature).cutoff, "high", "low")
    ).all()


def scored(capsys, signature, source, *options):
    """The text of the scores."""
    output = source.with_suffix(".out")
    assert sequoia(capsys, "signature", "score", signature, source, *options, "-o", output).code == 0
    return output.read_text()


def test_scores_do_not_depend_on_the_kind_of_file(capsys, tmp_path, signature):
    expression = write_made_cohort(tmp_path / "c.h5ad").expression
    write_adata(tmp_path / "bare.h5ad", expression)
    expression.to_csv(tmp_path / "columns.csv")
    expression.T.to_csv(tmp_path / "rows.tsv", sep="\t")
    scores = scored(capsys, signature, tmp_path / "c.h5ad")
    assert scored(capsys, signature, tmp_path / "bare.h5ad") == scores
    assert scored(capsys, signature, tmp_path / "columns.csv") == scores
    assert scored(capsys, signature, tmp_path / "rows.tsv", "--genes-in", "rows") == scores


def test_slides_of_a_patient_are_averaged(capsys, tmp_path, signature):
    slides = make_cohort(n=60).expression
    patients = [f"A{i // 2}" for i in range(60)]
    write_adata(tmp_path / "slides.h5ad", slides, patient_id=patients)
    slides.groupby(patients, sort=False).mean().to_csv(tmp_path / "patients.csv")
    scores = scored(capsys, signature, tmp_path / "slides.h5ad")
    assert scores == scored(capsys, signature, tmp_path / "patients.csv")
    assert scores.count("\nA") == 30


def test_outcomes_are_never_read_by_score(capsys, tmp_path, signature):
    expression = make_cohort(n=30).expression
    write_adata(tmp_path / "plain.h5ad", expression)
    write_adata(tmp_path / "junk.h5ad", expression, time="soon", event="perhaps")
    assert scored(capsys, signature, tmp_path / "junk.h5ad") == scored(
        capsys, signature, tmp_path / "plain.h5ad"
    )


def test_ids_with_leading_zeros_are_scored_as_they_are(capsys, tmp_path, signature):
    expression = make_cohort(n=30).expression
    expression.set_axis([f"{i:03d}" for i in range(30)]).to_csv(tmp_path / "e.csv")
    assert (
        sequoia(capsys, "signature", "score", signature, tmp_path / "e.csv", "-o", tmp_path / "s.csv").code
        == 0
    )
    assert (tmp_path / "s.csv").read_text().splitlines()[1].startswith("000,")


def test_few_patients_are_scored_on_the_scale_of_training(capsys, tmp_path, signature):
    make_cohort(n=1, events=1).expression.to_csv(tmp_path / "one.csv")
    command = ["signature", "score", signature, tmp_path / "one.csv", "-o", tmp_path / "s.csv", "--json"]
    assert sequoia(capsys, *command).code == 2
    answer = sequoia(capsys, *command, "--scale", "training")
    assert (answer.code, answer.json["scale"], answer.json["n"]) == (0, "training", 1)


def test_a_bundled_cohort_is_scored(capsys, tmp_path):
    signature = write_signature(tmp_path / "s.json")
    renamed = signature.read_text().replace('"G1"', '"ESR1"').replace('"G2"', '"ERBB2"')
    signature.write_text(renamed)
    answer = sequoia(capsys, "signature", "score", signature, "metabric", "-o", tmp_path / "s.csv", "--json")
    assert (answer.json["n"], answer.json["genes_missing"]) == (200, [])


# --- signature validate --------------------------------------------------------------------------------------------


def test_validate_writes_a_folder_and_prints_its_json(capsys, tmp_path, cohort, signature):
    command = ["signature", "validate", signature, cohort, "--adjust", "er,pr", "--bootstrap", "20"]
    answer = sequoia(capsys, *command, "-o", tmp_path / "out", "--json")
    assert answer.code == 0
    assert left_in(tmp_path / "out") == VALIDATION_FILES
    assert json.loads((tmp_path / "out" / "validation.json").read_text()) == answer.json
    assert answer.err == f"written to {tmp_path / 'out'}\n"


def test_validation_has_every_key_of_the_contract(capsys, tmp_path, cohort, signature):
    command = ["signature", "validate", signature, cohort, "--adjust", "er,pr", "--bootstrap", "20"]
    content = sequoia(capsys, *command, "-o", tmp_path / "out", "--json").json
    assert set(content) >= VALIDATION
    assert set(content["cuts"]) == {"frozen", "median"}
    assert set(content["cuts"]["frozen"]) >= CUT and set(content["cuts"]["median"]) >= CUT
    assert set(content["adjusted"]) >= ADJUSTED
    assert content["adjusted"]["covariates"] == ["er", "pr"]
    assert (content["n"], content["events"], content["endpoint"], content["scale"]) == (
        60,
        40,
        "RFS",
        "cohort",
    )
    assert content["hr_low"] < content["hr_per_sd"] < content["hr_high"]
    assert content["c_low"] < content["c_index"] < content["c_high"]


def test_a_null_model_validates_to_1_and_a_half_with_nulls(capsys, tmp_path, cohort):
    write_signature(tmp_path / "null.json", {})
    command = [
        "signature",
        "validate",
        tmp_path / "null.json",
        cohort,
        "--adjust",
        "er",
        "-o",
        tmp_path / "out",
    ]
    content = sequoia(capsys, *command, "--json").json
    assert set(content) >= VALIDATION
    assert (content["null_model"], content["hr_per_sd"], content["c_index"]) == (True, 1, 0.5)
    assert [content[key] for key in ("hr_low", "hr_high", "p", "p_lr", "c_low", "c_high")] == [None] * 6
    assert content["cuts"]["frozen"]["logrank_p"] is None
    assert (content["adjusted"]["hr_per_sd"], content["adjusted"]["p"]) == (1, None)
    assert left_in(tmp_path / "out") == VALIDATION_FILES


def test_nothing_is_adjusted_for_by_default(capsys, tmp_path, cohort, signature):
    command = [
        "signature",
        "validate",
        signature,
        cohort,
        "--bootstrap",
        "0",
        "-o",
        tmp_path / "out",
        "--json",
    ]
    content = sequoia(capsys, *command).json
    assert content["adjusted"] is None
    assert (content["c_low"], content["c_high"]) == (None, None)


def test_missing_covariates_are_counted(capsys, tmp_path, signature):
    made = make_cohort(n=60, events=40)
    made.covariates.iloc[:7, made.covariates.columns.get_loc("er")] = np.nan
    made.adata.write_h5ad(tmp_path / "c.h5ad")
    command = [
        "signature",
        "validate",
        signature,
        tmp_path / "c.h5ad",
        "--adjust",
        "er",
        "-o",
        tmp_path / "out",
    ]
    adjusted = sequoia(capsys, *command, "--bootstrap", "0", "--json").json["adjusted"]
    assert (adjusted["n"], adjusted["n_missing"]) == (53, 7)


def test_missing_genes_are_listed_with_their_weight(capsys, tmp_path, cohort):
    write_signature(tmp_path / "s.json", {"G1": 0.75, "G2": -0.25})
    write_made_cohort(tmp_path / "c.h5ad", genes=2)
    expression = read_cohort(tmp_path / "c.h5ad")
    adata = expression.adata[:, ["G1"]].copy()
    adata.write_h5ad(tmp_path / "less.h5ad")
    command = ["signature", "validate", tmp_path / "s.json", tmp_path / "less.h5ad", "--bootstrap", "0"]
    content = sequoia(capsys, *command, "-o", tmp_path / "out", "--json").json
    assert (content["genes_missing"], content["n_genes_missing"], content["weight_lost"]) == (["G2"], 1, 0.25)
    assert sequoia(capsys, *command, "-o", tmp_path / "no", "--max-weight-lost", "0.2").code == 2


@pytest.mark.parametrize("cut", ["frozen", "median"])
def test_the_groups_of_the_scores_follow_the_cut(capsys, tmp_path, cohort, signature, cut):
    command = [
        "signature",
        "validate",
        signature,
        cohort,
        "--cut",
        cut,
        "--bootstrap",
        "0",
        "-o",
        tmp_path / "out",
    ]
    content = sequoia(capsys, *command, "--json").json
    scores = pd.read_csv(tmp_path / "out" / "scores.csv")
    assert list(scores) == ["patient_id", "risk_score", "group"]
    counts = scores["group"].value_counts()
    assert (counts["high"], counts["low"]) == (content["cuts"][cut]["n_high"], content["cuts"][cut]["n_low"])
    assert content["cut"] == cut


def test_the_same_seed_gives_the_same_files(capsys, tmp_path, cohort, signature):
    command = ["signature", "validate", signature, cohort, "--bootstrap", "20", "--seed", "3"]
    assert sequoia(capsys, *command, "-o", tmp_path / "a").code == 0
    assert sequoia(capsys, *command, "-o", tmp_path / "b").code == 0
    first, second = ([p.read_bytes() for p in sorted((tmp_path / name).iterdir())] for name in "ab")
    assert first == second


# --- outputs -------------------------------------------------------------------------------------------------------


def written(folder, kind):
    """A command that writes to `out`, quickly and without R."""
    write_made_cohort(folder / "c.h5ad")
    signature = write_signature(folder / "s.json")
    return {
        "convert": ["cohort", "convert", folder / "c.h5ad", "-o", folder / "out.h5ad"],
        "score": ["signature", "score", signature, folder / "c.h5ad", "-o", folder / "out.h5ad"],
        "validate": [
            "signature",
            "validate",
            signature,
            folder / "c.h5ad",
            "--bootstrap",
            "0",
            "-o",
            folder / "out",
        ],
    }[kind]


@pytest.mark.parametrize("kind", ["convert", "score", "validate"])
def test_an_output_that_exists_is_refused_and_left_alone(capsys, tmp_path, kind):
    command = written(tmp_path, kind)
    assert sequoia(capsys, *command).code == 0
    before = left_in(tmp_path), command[-1].stat().st_mtime_ns
    answer = sequoia(capsys, *command)
    assert answer.code == 2
    assert "already exists" in answer.err and "--force" in answer.err
    assert (left_in(tmp_path), command[-1].stat().st_mtime_ns) == before


@pytest.mark.parametrize("kind", ["convert", "score"])
def test_an_output_that_exists_is_replaced_by_force(capsys, tmp_path, kind):
    command = written(tmp_path, kind)
    command[-1].write_text("old")
    assert sequoia(capsys, *command, "--force").code == 0
    assert command[-1].read_bytes()[:3] != b"old"


def test_a_folder_with_other_files_is_never_replaced(capsys, tmp_path):
    command = written(tmp_path, "validate")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    answer = sequoia(capsys, *command, "--force")
    assert answer.code == 2 and "also holds thesis.txt" in answer.err
    assert left_in(tmp_path / "out") == ["thesis.txt"]


def test_a_folder_of_an_earlier_validation_is_replaced_whole_by_force(capsys, tmp_path):
    command = written(tmp_path, "validate")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "scores.csv").write_text("old")
    assert sequoia(capsys, *command, "--force").code == 0
    assert left_in(tmp_path / "out") == VALIDATION_FILES
    assert left_in(tmp_path) == ["c.h5ad", "out", *(f"out/{name}" for name in VALIDATION_FILES), "s.json"]


def test_a_failure_midway_leaves_nothing(capsys, tmp_path, monkeypatch):
    command = written(tmp_path, "validate")
    monkeypatch.setattr(plots, "save_figure", fails)
    answer = sequoia(capsys, *command)
    assert (answer.code, answer.out) == (1, "")
    assert "internal error: RuntimeError: no ink" in answer.err
    assert left_in(tmp_path) == ["c.h5ad", "s.json"]


def test_a_failure_midway_keeps_the_old_folder(capsys, tmp_path, monkeypatch):
    command = written(tmp_path, "validate")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "km.svg").write_text("old")
    monkeypatch.setattr(plots, "save_figure", fails)
    assert sequoia(capsys, *command, "--force").code == 1
    assert left_in(tmp_path) == ["c.h5ad", "out", "out/km.svg", "s.json"]


def test_an_output_behind_a_link_is_replaced_and_the_link_stays(capsys, tmp_path):
    command = written(tmp_path, "validate")
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "real")
    assert sequoia(capsys, *command, "--force").code == 0
    assert (tmp_path / "out").is_symlink()
    assert left_in(tmp_path / "real") == VALIDATION_FILES


def fails(*_, **__):
    raise RuntimeError("no ink")


# --- the process ---------------------------------------------------------------------------------------------------


def test_a_process_ends_with_0_and_one_object_on_stdout(tmp_path, signature):
    answer = finished(process("signature", "show", signature, "--json"))
    assert (answer.code, answer.err) == (0, "")
    assert answer.json["genes"] == ["G1", "G2"]


def test_a_process_ends_with_2_on_bad_input(tmp_path):
    answer = finished(process("cohort", "describe", tmp_path / "no.h5ad"))
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == f"error: the file does not exist\n  where: {tmp_path / 'no.h5ad'}\n"


def test_a_process_ends_with_1_and_no_traceback_on_a_fault_of_ours(tmp_path, signature):
    answer = finished(process("cohort", "describe", "metabric", PYTHONPATH=str(broken(tmp_path))))
    assert answer.code == 1
    assert answer.err.startswith("error: internal error: ")
    assert "Traceback" not in answer.err


def test_an_interrupted_process_ends_with_130(tmp_path):
    os.mkfifo(tmp_path / "never.json")
    started = process("signature", "show", tmp_path / "never.json")
    pipe = wait_for_reader(tmp_path / "never.json")
    started.send_signal(signal.SIGINT)
    answer = finished(started)
    os.close(pipe)
    assert (answer.code, answer.out) == (130, "")
    assert answer.err.strip() == "interrupted"


@pytest.mark.slow
def test_a_terminal_without_arrows_gets_a_description_all_the_same():
    answer = finished(process("cohort", "describe", "metabric", PYTHONIOENCODING="ascii"))
    assert (answer.code, answer.err) == (0, "")
    assert "2,509 \\u2192   200" in answer.out


def broken(folder):
    """A lifelines that cannot be used, found before the real one."""
    (folder / "lifelines.py").write_text("raise RuntimeError('no good')")
    return folder


def test_a_cohort_is_written_as_h5ad_and_as_nothing_else(capsys, tmp_path):
    answer = sequoia(capsys, "cohort", "convert", "metabric", "-o", tmp_path / "m.csv")
    assert answer.code == 2 and "written as .h5ad, not .csv" in answer.err
    assert left_in(tmp_path) == []


def test_a_signature_is_written_as_json_and_as_nothing_else(capsys, tmp_path):
    answer = sequoia(capsys, "signature", "fit", "metabric", "-o", tmp_path / "s.txt")
    assert answer.code == 2 and "written as .json, not .txt" in answer.err
    assert left_in(tmp_path) == []


def test_a_wrong_choice_is_told_without_words_of_the_library(capsys, tmp_path):
    answer = sequoia(capsys, "signature", "fit", "metabric", "-o", tmp_path / "s.json", "--transform", "x")
    assert answer.code == 2 and "Invalid value for '--transform': 'x' is not one of 'rank'" in answer.err


@pytest.mark.needs_r
def test_options_without_effect_beside_a_penalty_are_reported(capsys, tmp_path, cohort):
    command = ["signature", "fit", cohort, "--lambda", "0.2", "--folds", "4", "-o", tmp_path / "s.json"]
    answer = sequoia(capsys, *command)
    assert (
        answer.code == 0 and "needs no cross-validation, so these options are not used: --folds" in answer.err
    )


def test_an_error_of_a_fit_names_the_cohort(capsys, tmp_path):
    write_cohort(make_cohort(n=30, events=1), tmp_path / "few.h5ad")
    answer = sequoia(capsys, "signature", "fit", tmp_path / "few.h5ad", "-o", tmp_path / "s.json")
    assert answer.code == 2 and f"where: {tmp_path / 'few.h5ad'}" in answer.err


@pytest.mark.parametrize(("run", "name"), [(sequoia, "sequoia-stats"), (sequoia_model, "sequoia-model")])
def test_the_version_is_that_of_the_package(capsys, run, name):
    answer = run(capsys, "--version")
    assert (answer.code, answer.out) == (0, f"{name} {version('sequoia-histology')}\n")


@pytest.mark.parametrize("run", [sequoia, sequoia_model])
def test_without_a_command_there_is_help_and_no_error(capsys, run):
    answer = run(capsys)
    assert answer.code == 2 and answer.err.startswith("Usage:") and "error" not in answer.err
