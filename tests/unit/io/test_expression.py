"""Expression without outcomes, from everything that holds it."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sequoia_stats.cohort import Cohort
from sequoia_stats.errors import InputError
from sequoia_stats.io import read_expression, write_cohort
from sequoia_stats.outcome import Outcome
from tests.studies import PATIENTS, expression_table


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
        "slides: one row a patient",
        3,
        2,
        "slides of a patient averaged",
    ]


def test_a_slide_without_a_patient_is_an_error():
    with pytest.raises(InputError, match="1 slides have no patient_id"):
        read_expression(predictions(patient_id=["P1", None, "P2"]))


def test_a_sparse_matrix_and_units_are_read():
    adata = predictions()
    adata.X, adata.var["unit"] = sparse.csr_matrix(adata.X), ["RSEM", "z-score"]
    assert read_expression(adata).units.to_dict() == {"ESR1": "RSEM", "NDC80": "z-score"}


def test_infinite_values_are_refused():
    adata = predictions()
    adata.X[0, 0] = np.inf
    with pytest.raises(InputError, match="1 values are infinite"):
        read_expression(adata)


def test_a_patient_twice_in_a_table_is_an_error(tmp_path):
    expression_table(["P1", "P1"]).to_csv(tmp_path / "mine.csv")
    with pytest.raises(InputError, match="more than once: P1"):
        read_expression(tmp_path / "mine.csv")


def test_slides_may_share_a_name_where_the_patient_is_stated(tmp_path):
    made = predictions()
    made.obs_names = ["P2", "P1", "P2"]
    made.write_h5ad(tmp_path / "p.h5ad")
    assert list(read_expression(tmp_path / "p.h5ad").values.index) == ["P2", "P1"]
