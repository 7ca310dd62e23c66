"""The one type for patients: what it refuses, what it hashes, and its conversion to AnnData and back."""

from __future__ import annotations

from dataclasses import replace

import anndata
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from natsort import natsorted
from scipy import sparse

from sequoia_stats.errors import InputError
from sequoia_stats.io import read_cohort, read_expression
from sequoia_stats.types.cohort import Cohort, as_cohort, as_texts
from sequoia_stats.types.covariates import AS_CODES, FROM_TEXTS, read_covariate
from sequoia_stats.types.outcome import Outcome
from tests.build.cohorts import make_cohort
from tests.build.studies import expression_table

COHORT = make_cohort(n=8, events=3, genes=4)


def rebuilt(cohort, rows, columns):
    return Cohort(cohort.expression.iloc[rows, columns], cohort.outcome[rows], cohort.covariates.iloc[rows])


def test_it_prints_what_a_caption_needs():
    cohort = replace(COHORT, name="made", note="sub-cohort of 8 of 9 patients, 4 genes")
    text = "<Cohort made: 8 patients × 4 genes, 3 events (RFS); sub-cohort of 8 of 9 patients, 4 genes>"
    assert repr(cohort) == text


@given(st.permutations(range(8)), st.permutations(range(4)))
def test_the_hash_does_not_depend_on_the_order_of_patients_and_genes(rows, columns):
    assert rebuilt(COHORT, list(rows), list(columns)).sha256() == COHORT.sha256()


@pytest.mark.parametrize(
    "change",
    [
        {"expression": COHORT.expression + 1e-12},
        {"expression": COHORT.expression.rename(columns={"G1": "X1"})},
        {
            "expression": COHORT.expression.rename(index={"P1": "X1"}),
            "covariates": pd.DataFrame(),
            "outcome": replace(COHORT.outcome, patients=pd.Index(["X1", *COHORT.patients[1:]])),
        },
        {"outcome": Outcome(COHORT.outcome.time * 2, COHORT.outcome.event, "RFS")},
        {"outcome": Outcome(COHORT.outcome.time, ~COHORT.outcome.event, "RFS")},
    ],
)
def test_the_hash_depends_on_numbers_names_and_outcome(change):
    assert replace(COHORT, **change).sha256() != COHORT.sha256()


def test_the_hash_leaves_covariates_and_words_alone():
    assert replace(COHORT, covariates=pd.DataFrame(), note="other").sha256() == COHORT.sha256()


def test_a_step_is_added_to_a_new_ledger():
    longer = COHORT.with_step("genes: constant", 4, 3, "G1")
    assert longer.with_step("x", 3, 3, "y").flow["step"].to_list() == ["genes: constant", "x"]
    assert COHORT.flow.empty


def test_units_that_are_not_stated_say_so():
    cohort = replace(COHORT, units=pd.Series({"G2": "RSEM"}))
    assert cohort.units.to_dict() == {
        "G1": "not stated",
        "G2": "RSEM",
        "G3": "not stated",
        "G4": "not stated",
    }


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        (expression_table(["P1", "P1"]), "1 patient name is duplicated.*P1"),
        (expression_table(["P1", "P2"], ["A", "A"]), "1 gene name is duplicated.*A"),
        (expression_table(["P1"]), "1 patients have expression, but 2 have an outcome"),
        (expression_table(["P1", "P2"]).astype(str) + " high", "not numbers"),
    ],
)
def test_what_is_not_a_cohort_is_refused(expression, words):
    with pytest.raises(InputError, match=f"(?s){words}"):
        Cohort(expression, Outcome([1.0, 2.0], [0, 1], "OS"))


def test_covariates_of_other_patients_are_refused():
    with pytest.raises(InputError, match="must name the same patients"):
        replace(COHORT, covariates=COHORT.covariates.iloc[::-1])


def test_an_outcome_of_other_patients_is_refused():
    labels = pd.Index(COHORT.patients[::-1])
    with pytest.raises(InputError, match="outcome and expression must name the same patients"):
        replace(COHORT, outcome=replace(COHORT.outcome, patients=labels))


def test_covariates_get_their_type_and_keep_it_in_a_file(tmp_path):
    grade = pd.Categorical([1, 2, 3, 1, 2, 3, None, 1], [3, 1, 2])
    age = ["61", ">89", "70", "55", "43", "47", "Unknown", "59"]
    made = replace(COHORT, covariates=pd.DataFrame({"grade": grade, "age": age, "n": 1}, COHORT.patients))
    made.adata.write_h5ad(tmp_path / "c.h5ad")
    back = Cohort.from_adata(anndata.read_h5ad(tmp_path / "c.h5ad"))
    assert list(back.covariates["grade"].cat.categories) == ["3", "1", "2"]
    assert back.covariates["age"].dtype == np.float64
    assert back.readings["age"].unread == {">89": ("P2",)}
    assert back.readings == made.readings
    pd.testing.assert_frame_equal(back.covariates, made.covariates)


@pytest.mark.parametrize(
    "levels", [["1", "10", "2", "9"], ["1", "2", "9", "10"], ["0.5", "1.0", "1.5", "2.0"]]
)
def test_a_categorical_whose_levels_all_are_numbers_is_categorical(levels, tmp_path):
    adata = COHORT.adata
    adata.uns.pop("covariates")
    adata.obs["site"] = pd.Categorical(levels * 2, levels)
    adata.write_h5ad(tmp_path / "c.h5ad")
    for cohort in (as_cohort(adata), read_cohort(adata), read_cohort(tmp_path / "c.h5ad")):
        assert cohort.covariates["site"].tolist() == levels * 2
    del adata.uns["sequoia_cohort"]
    adata.obs["age"] = pd.Categorical(list("40516273"))
    assert read_cohort(adata).covariates["age"].tolist() == [4, 0, 5, 1, 6, 2, 7, 3]


@pytest.mark.parametrize(
    "texts",
    [
        [str(size) for size in range(5, 35)] * 2,
        [f"{size}.5" for size in range(30)] * 2,
        ["0.5", "1.0", "10.5"] * 5,
        [str(size) for size in range(1, 8)] * 2,
        [str(cluster) for cluster in range(14)] * 2,
        [f"{site:02d}" for site in range(30)] * 2,
        ["1", "2", "Unknown", "-"] * 9,
        ["a", "b", None] * 9,
    ],
    ids=["whole", "decimal", "few", "seven", "clusters", "padded", "words", "levels"],
)
def test_texts_of_an_anndata_mean_the_same_before_and_after_it_is_written(texts):
    before = pd.Series(texts, dtype=object)
    after = before.astype(pd.CategoricalDtype(natsorted(before.dropna().unique())))
    (want, said), (got, also) = (read_covariate(as_texts(one), origin="anndata") for one in (before, after))
    pd.testing.assert_series_equal(got, want)
    assert also == said


def test_clusters_of_an_anndata_are_levels_and_other_numbers_are_not():
    clusters, sizes = ([str(n) for n in some] * 2 for some in (range(14), range(5, 35)))
    values, reading = read_covariate(pd.Series(clusters), origin="anndata")
    assert (values.nunique(), reading.note) == (14, AS_CODES)
    values, reading = read_covariate(pd.Series(["1", "2", "3", "-"] * 2), origin="anndata")
    assert (values.tolist()[:3], values.isna().sum(), reading.missing) == (["1", "2", "3"], 2, {"-": 2})
    values, reading = read_covariate(pd.Series(sizes), origin="anndata")
    assert (values.dtype, reading.note) == (np.float64, FROM_TEXTS)


def test_spans_of_time_in_an_anndata_are_missing_and_in_the_ledger():
    adata = COHORT.adata
    adata.uns.pop("covariates")
    wait = pd.to_timedelta([7, 14] * 4, "D")
    for values in (wait, wait.to_pytimedelta(), pd.Categorical(wait)):
        adata.obs["wait"] = values
        cohort = as_cohort(adata)
        assert cohort.covariates["wait"].isna().all()
        assert "(4) taken as missing; dates or spans of time" in cohort.flow.iloc[-1]["reason"]


def test_numbers_that_are_read_from_the_texts_of_an_anndata_are_in_the_ledger():
    adata = COHORT.adata
    adata.uns.pop("covariates")
    adata.obs["size"] = pd.Categorical(["5", "12", "19", "30", "41", "44", "50", "Not Stated"])
    for cohort in (as_cohort(adata), read_cohort(adata)):
        line = cohort.flow.iloc[-1]
        assert (line["step"], line["reason"]) == ("covariate: size", FROM_TEXTS)


def test_texts_that_anndata_made_categories_of_are_read_as_texts():
    adata = COHORT.adata
    del adata.uns["covariates"]
    adata.obs["size"] = pd.Categorical(["5", "12", "19", "30", "41", "44", "50", "Not Stated"])
    adata.obs["code"] = pd.Categorical([1, 2] * 4)
    covariates = Cohort.from_adata(adata).covariates
    assert covariates["size"].dtype == np.float64
    assert list(covariates["code"].cat.categories) == ["1", "2"]


def test_a_cohort_learns_what_its_codes_and_texts_mean():
    table = pd.DataFrame(
        {"age": ["61", "70", "55", "43", "47", ">89", "-9", "59"], "g": [0, 1] * 4}, COHORT.patients
    )
    said = replace(COHORT, covariates=table).declare(categorical=["g"], missing=[">89", "-9"])
    assert said.covariates["age"].isna().sum() == 2
    assert said.readings["age"].counts() == {">89": 1, "-9": 1}
    assert not said.readings["age"].unread
    assert list(said.covariates["g"].cat.categories) == ["0", "1"]


@pytest.mark.parametrize("kind", ["csr", "csc", "dense", "backed", "backed csr"])
def test_any_matrix_of_anndata_is_read(tmp_path, kind):
    adata = COHORT.adata
    if "cs" in kind:
        adata.X = getattr(sparse, f"{kind[-3:]}_matrix")(adata.X)
    if "backed" in kind:
        adata.write_h5ad(tmp_path / "c.h5ad")
        adata = anndata.read_h5ad(tmp_path / "c.h5ad", backed="r")
    assert as_cohort(adata).sha256() == COHORT.sha256()
    assert read_cohort(adata).sha256() == COHORT.sha256()
    assert read_expression(adata).values.shape == (8, 4)


@pytest.mark.parametrize(
    "data", [pd.DataFrame(), np.zeros((3, 3)), None, {"a": 1}], ids=lambda data: type(data).__name__
)
def test_what_is_no_anndata_is_refused(data):
    for door in (as_cohort, read_cohort):
        with pytest.raises(InputError, match="is not a type of cohort"):
            door(data)


def test_an_adata_without_x_or_with_a_repeated_column_is_refused():
    adata = COHORT.adata
    adata.obs = adata.obs.set_axis([*adata.obs.columns[:-1], "er"], axis=1)
    with pytest.raises(InputError, match="1 column name is duplicated: er"):
        as_cohort(adata)
    adata = COHORT.adata
    adata.X = None
    with pytest.raises(InputError, match="has no X"):
        as_cohort(adata)


def test_it_comes_back_from_anndata():
    back = Cohort.from_adata(COHORT.adata)
    assert (back.sha256(), back.outcome.endpoint, back.name) == (COHORT.sha256(), "RFS", COHORT.name)
    pd.testing.assert_frame_equal(back.covariates, COHORT.covariates)


def test_missing_values_survive_the_way_to_anndata():
    cohort = replace(COHORT, expression=COHORT.expression.where(COHORT.expression > 0))
    np.testing.assert_array_equal(Cohort.from_adata(cohort.adata).expression, cohort.expression)


def test_functions_take_a_cohort_or_its_anndata():
    assert as_cohort(COHORT) is COHORT
    assert as_cohort(COHORT.adata).sha256() == COHORT.sha256()


@pytest.mark.parametrize(
    ("obs", "words"),
    [({}, "lacks time, event"), ({"time": [1.0, 2.0], "event": [0, 1]}, "does not name its endpoint")],
)
def test_an_adata_without_outcome_or_endpoint_is_refused(obs, words):
    adata = anndata.AnnData(np.ones((2, 1)), pd.DataFrame(obs, index=["P1", "P2"]))
    with pytest.raises(InputError, match=words):
        as_cohort(adata)


@pytest.mark.parametrize(
    "covariates", [np.arange(8), pd.Series(range(8), COHORT.patients), {"k": range(8)}, None, [1] * 8]
)
def test_covariates_that_are_not_a_frame_are_refused(covariates):
    with pytest.raises(InputError, match="covariates are a table with a row per patient, not a"):
        Cohort(COHORT.expression, COHORT.outcome, covariates)


def test_an_anndata_may_hold_its_events_as_texts():
    adata = COHORT.adata
    adata.obs["event"] = pd.Categorical(adata.obs["event"].astype(str))
    assert as_cohort(adata).n_events == read_cohort(adata).n_events == 3


@pytest.mark.parametrize("gap", [None, np.nan, pd.NA])
def test_numbers_in_columns_of_objects_are_expression(gap):
    frame = COHORT.expression.astype(object)
    frame.iloc[2, 1] = gap
    values = read_expression(frame).values
    pd.testing.assert_frame_equal(values, COHORT.expression.where(frame.notna()))
    with pytest.raises(InputError, match="1 column holds no numbers: G1"):
        read_expression(frame.astype({"G1": str}))
    with pytest.raises(InputError, match="not numbers"):
        read_expression(COHORT.expression + 1j)


def test_one_patient_is_a_frame_of_one_row():
    patient = COHORT.expression.iloc[0]
    with pytest.raises(
        InputError, match=r"a Series holds one patient or one gene.*\n  fix: .*series.to_frame\(\).T"
    ):
        read_expression(patient)
    assert read_expression(patient.to_frame().T).values.shape == (1, 4)
