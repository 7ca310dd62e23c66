"""One door for all formats: what it recognises, and what it refuses."""

from __future__ import annotations

import textwrap

import pytest

from sequoia_stats import io
from sequoia_stats.errors import InputError
from sequoia_stats.io import READERS, Reader, read_cohort, read_table
from sequoia_stats.io._assemble import Endpoint, assemble
from sequoia_stats.io._tables import read_matrix
from sequoia_stats.types.cohort import Cohort
from sequoia_stats.types.genes import standardise
from tests.build.studies import (
    clinical_table,
    expression_table,
    write_cbioportal_study,
    write_single,
    write_tidy,
)


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
    with pytest.raises(InputError, match="--expression names another table"):
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
        ("study", {"endpoint": "OS", "time_unit": "days"}, "a cBioPortal study folder takes no --time-unit"),
        ("study", {"format": "tidy"}, "--id-column"),
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


def test_the_reader_of_the_documentation_works_once_it_is_in_the_table(tmp_path, monkeypatch):
    names = {f.__name__: f for f in (assemble, Endpoint, read_matrix, read_table, standardise)}
    exec(textwrap.dedent(io.__doc__.split("complete::")[1].split("Its tests")[0]), names)
    monkeypatch.setitem(
        READERS, "pair", Reader(names["recognises"], names["read_pair"], "a folder of two tables")
    )
    expression_table().to_csv(tmp_path / "expression.csv")
    clinical_table().rename(columns={"months": "days"}).to_csv(tmp_path / "clinical.csv")
    cohort = read_cohort(tmp_path, endpoint="OS")
    assert (cohort.n, cohort.n_events, cohort.outcome.endpoint) == (6, 3, "OS")
