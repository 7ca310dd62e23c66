"""One function for all formats: what it recognises, and what it refuses."""

from __future__ import annotations

import inspect
import textwrap
from dataclasses import replace

import pandas as pd
import pytest

from sequoia_stats import io
from sequoia_stats.errors import InputError
from sequoia_stats.io import READERS, Option, Reader, read_cohort, read_table
from sequoia_stats.io._assemble import Endpoint, assemble
from sequoia_stats.io._tables import read_matrix
from sequoia_stats.types.cohort import Cohort
from sequoia_stats.types.genes import name_genes
from tests.build.commands import sequoia
from tests.build.studies import (
    PATIENTS,
    clinical_table,
    expression_table,
    write_cbioportal_study,
    write_single,
    write_tidy,
)


def add_format_of_documentation(monkeypatch):
    """Run the example of the package's documentation, on a copy of the table."""
    table = dict(READERS)
    monkeypatch.setattr(io, "READERS", table)
    uses = (assemble, Endpoint, Option, Reader, read_matrix, read_table, name_genes)
    names = {thing.__name__: thing for thing in uses} | {"READERS": table}
    exec(textwrap.dedent(io.__doc__.split("complete::")[1].split("Its tests")[0]), names)


def write_pair(folder, time_column):
    """The folder that the example reads."""
    expression_table().to_csv(folder / "expression.csv")
    clinical_table().rename(columns={"months": time_column}).to_csv(folder / "clinical.csv")


def arguments(built):
    return built.pop("source"), built


def test_a_table_is_recognised_by_its_name(tmp_path):
    path, options = arguments(write_tidy(tmp_path))
    assert read_cohort(path, **options).n == 6


def test_options_that_are_none_count_as_not_given(tmp_path):
    study = write_cbioportal_study(tmp_path / "study")
    assert read_cohort(study, endpoint="OS", time_unit=None, clinical=None).n == 6


def test_the_expression_option_may_repeat_the_table(tmp_path):
    path, options = arguments(write_single(tmp_path))
    assert read_cohort(path, expression=str(path), **options).n == 6
    with pytest.raises(InputError, match="--expression names a different table"):
        read_cohort(path, expression="other.csv", **options)


def test_a_cohort_and_an_adata_go_through(tmp_path):
    path, options = arguments(write_tidy(tmp_path))
    cohort = read_cohort(path, **options)
    assert read_cohort(cohort) is cohort
    assert isinstance(read_cohort(cohort.adata), Cohort)
    assert read_cohort(cohort.adata).sha256() == cohort.sha256()


def test_another_endpoint_than_that_of_the_cohort_is_refused(tmp_path):
    path, options = arguments(write_tidy(tmp_path))
    with pytest.raises(InputError, match="endpoint is RFS, not OS"):
        read_cohort(read_cohort(path, **options), endpoint="OS")


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("none.csv", {}, "does not exist"),
        (".", {}, "not recognised"),
        ("notes.pdf", {}, "not recognised"),
        ("study", {"format": "excel"}, "auto|h5ad|cbioportal|tidy"),
        ("study", {"endpoint": "OS", "time_unit": "days"}, "leave it out; it is an option of a table"),
        ("study", {"format": "tidy"}, "a folder was given"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_choices(tmp_path, name, options, words):
    write_cbioportal_study(tmp_path / "study")
    (tmp_path / "notes.pdf").write_bytes(b"%PDF")
    with pytest.raises(InputError) as caught:
        read_cohort(tmp_path / name, **options)
    assert words in str(caught.value)


def test_the_particular_is_recognised_before_the_general(tmp_path):
    study = write_cbioportal_study(tmp_path / "study.csv")
    assert [name for name, reader in READERS.items() if reader.recognises(study)] == ["cbioportal"]


def test_an_option_that_no_format_has_is_refused(tmp_path):
    study = write_cbioportal_study(tmp_path / "study")
    with pytest.raises(InputError, match="--gene-in is not an option of a cBioPortal study folder"):
        read_cohort(study, endpoint="OS", gene_in="rows")


@pytest.mark.parametrize("name", READERS)
def test_the_options_of_a_format_are_the_arguments_of_its_reader(name):
    arguments = list(inspect.signature(READERS[name].read).parameters)[1:]
    declared = {option.name for option in READERS[name].options}
    assert declared == set(arguments) - {"endpoint", "drop_invalid"}


def test_an_option_of_several_formats_has_one_type():
    options = [option for reader in READERS.values() for option in reader.options]
    types = {(option.name, option.kind, option.choices, option.several) for option in options}
    assert len(types) == len({option.name for option in options})


def test_a_format_in_the_table_has_its_options_on_the_command_line(tmp_path, monkeypatch, capsys):
    add_format_of_documentation(monkeypatch)
    write_pair(tmp_path, time_column="follow-up")
    command = ["cohort", "convert", tmp_path, "--time-column", "follow-up", "-o", tmp_path / "c.h5ad"]
    answer = sequoia(capsys, *command, "--endpoint", "OS", "--json")
    assert (answer.code, answer.json["n"], answer.json["events"]) == (0, 6, 3)


def test_the_help_names_a_new_format_and_its_option(monkeypatch, capsys):
    add_format_of_documentation(monkeypatch)
    help_text = " ".join(sequoia(capsys, "cohort", "convert", "--help").out.split())
    assert "|tidy|pair" in help_text
    assert "pair: The column of times, in days." in help_text


def test_the_reader_of_the_documentation_works_once_it_is_in_the_table(tmp_path, monkeypatch):
    add_format_of_documentation(monkeypatch)
    write_pair(tmp_path, time_column="days")
    cohort = read_cohort(tmp_path, endpoint="OS")
    assert (cohort.n, cohort.n_events, cohort.outcome.endpoint) == (6, 3, "OS")


def test_a_format_has_its_own_defaults(tmp_path, monkeypatch):
    add_format_of_documentation(monkeypatch)
    write_pair(tmp_path, time_column="days")
    assert read_cohort(tmp_path).outcome.endpoint == "OS"
    assert read_cohort(tmp_path, endpoint="RFS").outcome.endpoint == "RFS"


def add_format_with(monkeypatch, option):
    table = READERS | {"pair": Reader(lambda path: False, read_cohort, "a folder", (option,))}
    monkeypatch.setattr(io, "READERS", table)


@pytest.mark.parametrize("change", [{"kind": int}, {"choices": ("days", "weeks")}, {"several": True}])
def test_two_formats_cannot_define_one_option_differently(monkeypatch, capsys, change):
    option = next(option for option in READERS["tidy"].options if option.name == "time_unit")
    add_format_with(monkeypatch, replace(option, **change))
    answer = sequoia(capsys, "cohort", "convert", "--help")
    assert answer.code == 1 and "two formats define --time-unit differently" in answer.err


def test_two_formats_may_share_an_option_and_describe_it_in_their_own_words(monkeypatch, capsys):
    option = next(option for option in READERS["tidy"].options if option.name == "time_unit")
    add_format_with(monkeypatch, replace(option, help="Days of a folder."))
    help_text = " ".join(sequoia(capsys, "cohort", "convert", "--help").out.split())
    assert help_text.count("--time-unit") == 1 and "pair: Days of a folder." in help_text


def without_times(folder, layout):
    """A cohort in which P1, P2 and P3 have a word in place of the time."""
    times = ["Not Reported", "[not available]", "lost", "40", "50", "60"]
    if layout == "tidy":
        return write_tidy(folder, clinical=clinical_table(months=times))
    if layout == "cbioportal":
        table = {"RFS_MONTHS": times, "RFS_STATUS": ["0:no", "1:yes"] * 3}
        patients = pd.DataFrame(table, pd.Index(PATIENTS, name="PATIENT_ID"))
        return {"source": write_cbioportal_study(folder / "study", patients=patients), "endpoint": "RFS"}
    adata = read_cohort(**write_tidy(folder)).adata
    del adata.uns["sequoia_cohort"]
    adata.obs["time"] = times
    adata.write_h5ad(folder / "words.h5ad")
    return {"source": folder / "words.h5ad"}


@pytest.mark.parametrize("layout", ["tidy", "cbioportal", "h5ad"])
def test_words_for_missing_values_are_taken_as_missing_and_listed(tmp_path, layout):
    given = without_times(tmp_path, layout)
    cohort = read_cohort(**given, drop_invalid=True, missing=["LOST"])
    assert list(cohort.patients) == PATIENTS[3:]
    steps = cohort.flow.set_index("step")
    taken = "taken as missing: 'Not Reported' (1), '[not available]' (1), 'lost' (1)"
    assert steps.loc["values: missing", "reason"].startswith(taken)
    assert steps.loc["patients: usable RFS", "reason"] == "time missing"
    with pytest.raises(InputError, match="lost"):
        read_cohort(**given, drop_invalid=True)
