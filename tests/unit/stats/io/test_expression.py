"""Expression without outcomes, from every kind of source."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sequoia_stats.errors import InputError
from sequoia_stats.io import read_expression, write_cohort
from sequoia_stats.types.cohort import Cohort
from sequoia_stats.types.outcome import Outcome
from tests.build.studies import PATIENTS, expression_table


def predictions(**obs):
    slides = pd.DataFrame({"patient_id": ["P2", "P1", "P2"]} | obs, ["s1", "s2", "s3"])
    table = np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]])
    return anndata.AnnData(table, slides, pd.DataFrame(index=["ESR1", "KNTC2"]))


def cohort_of(table):
    return Cohort(
        table, Outcome(np.ones(6), np.ones(6), "OS"), units=pd.Series({"ESR1": "RSEM"}), name="made"
    )


def test_a_table_is_patients_by_genes_with_approved_symbols(tmp_path):
    expression_table(genes=["ESR1", "KNTC2"]).to_csv(tmp_path / "mine.csv")
    expression = read_expression(tmp_path / "mine.csv")
    assert (list(expression.values.index), list(expression.values.columns)) == (PATIENTS, ["ESR1", "NDC80"])
    assert (expression.name, set(expression.units)) == ("mine", {"not stated"})
    assert expression.flow["step"].to_list() == ["genes: approved symbols"]


def test_a_table_may_have_genes_in_rows(tmp_path):
    expression_table().T.to_csv(tmp_path / "mine.csv")
    expression = read_expression(tmp_path / "mine.csv", genes_in="rows")
    pd.testing.assert_frame_equal(expression.values, expression_table(), check_names=False)


def test_a_cohort_and_its_file_give_the_same(tmp_path):
    cohort = cohort_of(expression_table(genes=["ESR1", "KNTC2", "NDC80"]))
    write_cohort(cohort, tmp_path / "c.h5ad")
    from_file, from_object = read_expression(tmp_path / "c.h5ad"), read_expression(cohort)
    pd.testing.assert_frame_equal(from_file.values, from_object.values)
    pd.testing.assert_series_equal(from_file.units, from_object.units, check_names=False)
    assert from_file.name == from_object.name == "made"


def test_outcomes_are_not_looked_at():
    adata = cohort_of(expression_table()).adata
    adata.obs["time"], adata.obs["event"] = -1.0, 7
    assert len(read_expression(adata).values) == 6


def test_slides_of_a_patient_are_averaged_and_counted(tmp_path):
    predictions().write_h5ad(tmp_path / "p.h5ad")
    expression = read_expression(tmp_path / "p.h5ad")
    assert expression.values.to_dict("index") == {
        "P2": {"ESR1": 2.0, "NDC80": 20.0},
        "P1": {"ESR1": 2.0, "NDC80": 20.0},
    }
    assert expression.flow.iloc[-1].to_list() == [
        "slides: one row per patient",
        3,
        2,
        "slides of a patient averaged",
    ]


def test_a_slide_without_a_patient_is_an_error():
    with pytest.raises(InputError, match="1 slide has no patient_id"):
        read_expression(predictions(patient_id=["P1", None, "P2"]))


def test_a_sparse_matrix_and_units_are_read():
    adata = predictions()
    adata.X, adata.var["unit"] = sparse.csr_matrix(adata.X), ["RSEM", "z-score"]
    assert read_expression(adata).units.to_dict() == {"ESR1": "RSEM", "NDC80": "z-score"}


def test_infinite_values_are_refused():
    adata = predictions()
    adata.X[0, 0] = np.inf
    with pytest.raises(InputError, match="1 value is infinite"):
        read_expression(adata)


def test_a_patient_twice_in_a_table_is_an_error(tmp_path):
    expression_table(["P1", "P1"]).to_csv(tmp_path / "mine.csv")
    with pytest.raises(InputError, match="duplicated: P1"):
        read_expression(tmp_path / "mine.csv")


def test_slides_may_share_a_name_where_the_patient_is_stated(tmp_path):
    made = predictions()
    made.obs_names = ["P2", "P1", "P2"]
    made.write_h5ad(tmp_path / "p.h5ad")
    assert list(read_expression(tmp_path / "p.h5ad").values.index) == ["P2", "P1"]


# --- names as given, rows as they are, layers ----------------------------------------------------------------------


def as_they_are(source, **options):
    return read_expression(source, symbols="as-given", rows="samples", **options)


def test_names_may_stay_as_they_are(tmp_path):
    expression_table(genes=["ESR1", " KNTC2"]).to_csv(tmp_path / "mine.csv")
    expression = as_they_are(tmp_path / "mine.csv")
    assert list(expression.values.columns) == ["ESR1", "KNTC2"]
    assert expression.flow.empty


def test_names_that_stay_are_unique_and_no_dates(tmp_path):
    expression_table(genes=["ESR1", "ESR1"]).to_csv(tmp_path / "twice.csv")
    assert as_they_are(tmp_path / "twice.csv").flow["step"].to_list() == ["genes: one column each"]
    expression_table(genes=["ESR1", "1-Mar"]).to_csv(tmp_path / "dates.csv")
    with pytest.raises(InputError, match=r"1-Mar \(gene 2, MARCHF1\)"):
        as_they_are(tmp_path / "dates.csv")


def test_slides_stay_apart_and_keep_their_names():
    expression = as_they_are(predictions())
    assert (list(expression.values.index), expression.values.index.name) == (["s1", "s2", "s3"], "sample_id")
    assert expression.values["KNTC2"].to_list() == [10, 20, 30]


def test_slides_that_stay_apart_need_names_of_their_own():
    made = predictions()
    made.obs_names = ["s1", "s1", "s3"]
    with pytest.raises(InputError, match=r"1 sample is duplicated: s1(?s:.*)an id of its own"):
        as_they_are(made)


def test_a_layer_is_read_in_place_of_x(tmp_path):
    made = predictions()
    made.layers["measured"] = made.X * 2
    made.write_h5ad(tmp_path / "p.h5ad")
    assert as_they_are(tmp_path / "p.h5ad", layer="measured").values["ESR1"].to_list() == [2, 4, 6]
    with pytest.raises(InputError, match=r"no layer 'raw'\n.*its layers are measured"):
        as_they_are(made, layer="raw")


def test_what_has_no_layers_takes_none(tmp_path):
    expression_table().to_csv(tmp_path / "mine.csv")
    for source in (tmp_path / "mine.csv", cohort_of(expression_table())):
        with pytest.raises(InputError, match="has no layers"):
            read_expression(source, layer="measured")


def test_a_parquet_file_is_read_as_a_table_is(tmp_path):
    table = expression_table(genes=["ESR1", "KNTC2"]).astype(np.float32)
    table.to_parquet(tmp_path / "mine.parquet")
    values = read_expression(tmp_path / "mine.parquet").values
    assert (list(values), set(values.dtypes)) == (["ESR1", "NDC80"], {np.dtype(np.float64)})


@pytest.mark.parametrize("options", [{"symbols": "former"}, {"rows": "slides"}])
def test_words_that_there_are_not_are_refused(options):
    with pytest.raises(InputError, match=r"approved or as-given|patients or samples"):
        read_expression(predictions(), **options)


def test_an_infinite_value_is_named():
    made = predictions()
    made.X[1, 1] = np.inf
    with pytest.raises(InputError, match="first at s2, gene KNTC2"):
        read_expression(made)


def test_a_clinical_column_is_not_a_gene_and_is_counted(tmp_path):
    table = expression_table().assign(age=50.0, OS_MONTHS=3.5, stage="II", RACE=1.0)
    table.to_csv(tmp_path / "t.csv")
    expression = read_expression(tmp_path / "t.csv", symbols="as-given")
    assert list(expression.genes) == ["ESR1", "ERBB2", "G3", "RACE"]
    assert expression.flow.to_dict("records")[0] == {
        "step": "columns: clinical", "n_before": 7, "n_after": 4,
        "reason": "not genes, by their names: age, OS_MONTHS, stage",
    }  # fmt: skip
    table.drop(columns="stage").T.to_csv(tmp_path / "rows.csv", index_label="gene")
    rows = read_expression(tmp_path / "rows.csv", genes_in="rows", symbols="as-given")
    assert list(rows.genes) == ["ESR1", "ERBB2", "G3", "RACE"]
    assert rows.flow.loc[0, "reason"] == "not genes, by their names: age, OS_MONTHS"


def test_row_numbers_are_not_a_gene(tmp_path):
    expression_table().reset_index().to_csv(tmp_path / "once.csv")
    pd.read_csv(tmp_path / "once.csv").to_csv(tmp_path / "twice.csv")
    for name in ("once", "twice"):
        expression = read_expression(tmp_path / f"{name}.csv")
        assert list(expression.values.index) == PATIENTS
        assert list(expression.genes) == ["ESR1", "ERBB2", "G3"]


def test_a_frame_is_read_as_its_file_is(tmp_path):
    table = expression_table(genes=["ESR1", "KNTC2"])
    table.to_csv(tmp_path / "mine.csv")
    pd.testing.assert_frame_equal(
        read_expression(table).values, read_expression(tmp_path / "mine.csv").values
    )


def test_expression_is_returned_as_it_is():
    made = read_expression(expression_table())
    assert read_expression(made) is made


def test_missing_values_of_nullable_types_are_read():
    table = expression_table().convert_dtypes()
    table.iloc[0, 0] = pd.NA
    assert read_expression(table).values.isna().sum().sum() == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda table: table.assign(study="A"), r"1 column holds no numbers: study"),
        (lambda table: table.assign(ESR1=np.inf), "infinite"),
        (lambda table: table.set_axis(["P1"] * len(table), axis=0), "duplicated: P1"),
        (lambda table: table.to_numpy(), r"an array of shape \(6, 3\) has no names of patients and genes"),
        (lambda table: table["ESR1"], "a Series holds one patient or one gene"),
        (lambda _: 5, "int is not a source of expression"),
    ],
)
def test_other_objects_are_refused_by_what_they_are(change, words):
    with pytest.raises(InputError, match=words):
        read_expression(change(expression_table()))


def test_what_is_known_of_slides_comes_along_and_what_a_patients_slides_agree_on():
    made = predictions(study=["A", "B", "A"], batch=[1, 1, 2])
    assert list(read_expression(made, rows="samples").covariates["batch"]) == [1, 1, 2]
    by_patient = read_expression(made).covariates
    assert by_patient["study"].to_dict() == {"P2": "A", "P1": "B"} and "batch" not in by_patient


@pytest.mark.parametrize("form", ["columns", "rows", "frame"])
def test_codes_among_expression_are_left_out_and_counted(tmp_path, form):
    table = expression_table().assign(ECOG=[0, 1, 2, 0, 1, 3])
    table.to_csv(tmp_path / "columns.csv")
    table.T.rename_axis("gene").to_csv(tmp_path / "rows.csv")
    source, options = (table, {}) if form == "frame" else (tmp_path / f"{form}.csv", {"genes_in": form})
    read = read_expression(source, **options)
    assert list(read.values.columns) == ["ESR1", "ERBB2", "G3"]
    assert read.flow["reason"].iloc[0] == "whole numbers, under names that no gene has: ECOG"
