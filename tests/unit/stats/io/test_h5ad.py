"""Cohort files: what goes in comes out; anything else is refused."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequoia_stats.errors import InputError
from sequoia_stats.io import read_cohort, write_cohort
from sequoia_stats.types.cohort import Cohort
from sequoia_stats.types.outcome import Outcome
from tests.build.studies import PATIENTS, expression_table


def small_cohort(genes=("ESR1", "KNTC2", "NDC80"), n=6, **fields):
    expression = expression_table(PATIENTS[:n], genes)
    covariates = pd.DataFrame(
        {"pam50": ["LumA", np.nan] * (n // 2), "er": [1.0, np.nan] * (n // 2)}, expression.index
    )
    flow = pd.DataFrame(
        [["patients: expression", 9, 6, "3 ..."]], columns=["step", "n_before", "n_after", "reason"]
    )
    outcome = Outcome(np.arange(1.0, n + 1), np.arange(n) % 2, "RFS")
    return Cohort(expression, outcome, covariates, flow, **fields)


def foreign(folder, **changes):
    table = expression_table(genes=["ESR1", "KNTC2", "ESR1"])
    obs = pd.DataFrame(
        {"time": [1.0, 2, 3, 4, 5, 6], "event": [0, 1] * 3, "ER_STATUS": ["Positive"] * 6}, PATIENTS
    )
    adata = anndata.AnnData(
        table.to_numpy(), obs, pd.DataFrame(index=["ESR1", "KNTC2", "MKI67"]), {"endpoint": "OS"}
    )
    adata.obs = adata.obs.assign(**changes)
    adata.write_h5ad(folder / "foreign.h5ad")
    return folder / "foreign.h5ad"


def test_a_cohort_comes_back_whole(tmp_path):
    cohort = small_cohort(
        name="made", source="here", licence="MIT", note="sub-cohort of 6 of 9 patients, 3 genes"
    )
    write_cohort(cohort, tmp_path / "c.h5ad")
    back = read_cohort(tmp_path / "c.h5ad")
    pd.testing.assert_frame_equal(back.expression, cohort.expression)
    pd.testing.assert_frame_equal(back.covariates, cohort.covariates)
    pd.testing.assert_frame_equal(back.flow, cohort.flow)
    pd.testing.assert_series_equal(back.units, cohort.units)
    assert [back.name, back.source, back.licence, back.note] == [
        cohort.name,
        cohort.source,
        cohort.licence,
        cohort.note,
    ]
    assert (back.outcome.endpoint, back.sha256()) == ("RFS", cohort.sha256())


@settings(max_examples=12)
@given(
    st.lists(st.sampled_from(["KNTC2", "NDC80", "1-Mar", "G1", "C1orf106"]), min_size=1, unique=True),
    st.integers(2, 6),
)
def test_reading_what_was_written_changes_no_symbol(tmp_path_factory, genes, n):
    path = tmp_path_factory.mktemp("h5ad") / "c.h5ad"
    cohort = small_cohort(tuple(genes), n - n % 2)
    write_cohort(cohort, path)
    assert read_cohort(path).sha256() == cohort.sha256()


def test_a_cohort_without_covariates_and_flow_comes_back(tmp_path):
    table = expression_table()
    write_cohort(Cohort(table, Outcome(np.ones(6), np.ones(6), "OS")), tmp_path / "c.h5ad")
    back = read_cohort(tmp_path / "c.h5ad")
    assert (back.covariates.shape, len(back.flow)) == ((6, 0), 0)


def test_a_foreign_file_has_its_symbols_and_covariates_read(tmp_path):
    cohort = read_cohort(foreign(tmp_path))
    assert list(cohort.genes) == ["ESR1", "NDC80", "MKI67"]
    assert cohort.covariates["er"].tolist() == [1.0] * 6
    assert cohort.flow["step"].to_list()[0] == "genes: approved symbols"


@pytest.mark.parametrize("event_value", [None, "1", b"1", [b"1"]])
@pytest.mark.parametrize("kind", [list, pd.Categorical])
def test_bytes_are_texts(tmp_path, event_value, kind):
    adata = anndata.read_h5ad(foreign(tmp_path))
    wanted = read_cohort(adata)
    held = {
        name: kind([str(value).encode() for value in adata.obs[name]])
        for name in ("time", "event", "ER_STATUS")
    }
    adata.obs, adata.uns["endpoint"] = pd.DataFrame(held, adata.obs_names), b"OS"
    cohort = read_cohort(adata, event_value=event_value)
    assert (cohort.sha256(), cohort.outcome.endpoint) == (wanted.sha256(), "OS")
    assert cohort.covariates["er"].tolist() == [1.0] * 6
    assert adata.obs["event"].iloc[1] == b"1"  # the object that was given stays as it is


def test_a_foreign_file_may_have_invalid_times_dropped(tmp_path):
    path = foreign(tmp_path, time=[0.0, 2, 3, 4, 5, 6])
    with pytest.raises(InputError, match="time not positive: P1"):
        read_cohort(path)
    assert read_cohort(path, drop_invalid=True).n == 5


def test_another_endpoint_than_that_of_the_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="the cohort's endpoint is OS, not RFS"):
        read_cohort(foreign(tmp_path), endpoint="RFS")


def test_the_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    monkeypatch.setattr(anndata.AnnData, "write_h5ad", lambda self, path: path.write_bytes(b"half") and 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_cohort(small_cohort(), tmp_path / "c.h5ad")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        write_cohort(small_cohort(), tmp_path / "none" / "c.h5ad")


def truncated(folder):
    write_cohort(small_cohort(), folder / "c.h5ad")
    content = (folder / "c.h5ad").read_bytes()
    (folder / "c.h5ad").write_bytes(content[: len(content) // 2])
    return folder / "c.h5ad"


def junk(folder):
    (folder / "c.h5ad").write_bytes(b"junk" * 99)
    return folder / "c.h5ad"


def folder_of_that_name(folder):
    (folder / "c.h5ad").mkdir()
    return folder / "c.h5ad"


def without_outcome(folder):
    anndata.AnnData(expression_table()).write_h5ad(folder / "c.h5ad")
    return folder / "c.h5ad"


BAD = {
    "truncated": (truncated, {}, "not a readable h5ad|c.h5ad"),
    "junk": (junk, {}, "not a readable h5ad|c.h5ad"),
    "missing": (lambda folder: folder / "c.h5ad", {}, "does not exist|c.h5ad"),
    "folder": (folder_of_that_name, {"format": "h5ad"}, "a folder was given|c.h5ad"),
    "no outcome": (without_outcome, {}, "obs lacks time, event|c.h5ad"),
    "event codes": (lambda folder: foreign(folder, event=[1, 2] * 3), {}, "neither 0 nor 1: 2|foreign.h5ad"),
    "options of a table": (
        foreign,
        {"time_unit": "days"},
        "--time-unit is not an option of|foreign.h5ad",
    ),
}


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_errors_that_name_them(tmp_path, case):
    build, options, words = BAD[case]
    path = build(tmp_path)
    with pytest.raises(InputError) as caught:
        read_cohort(path, **options)
    assert [word for word in words.split("|") if word not in str(caught.value)] == []


def test_a_patient_twice_in_a_cohort_is_refused_though_patient_id_is_stated(tmp_path):
    obs = {"time": [1.0, 2.0, 3.0], "event": [1, 0, 1], "patient_id": ["P1", "P1", "P2"]}
    made = anndata.AnnData(np.ones((3, 2)), pd.DataFrame(obs, ["a", "b", "c"]), uns={"endpoint": "OS"})
    made.obs_names = obs["patient_id"]
    made.write_h5ad(tmp_path / "c.h5ad")
    with pytest.raises(InputError, match="1 patient is duplicated: P1"):
        read_cohort(tmp_path / "c.h5ad")
