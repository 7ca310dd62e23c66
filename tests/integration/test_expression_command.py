"""`sequoia-stats expression convert`: what it writes is what both packages read."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest

from sequoia_base.flow import Flow
from sequoia_model.targets.measured import open_measured
from sequoia_stats.io import read_expression
from tests.build.commands import sequoia
from tests.build.measured import SYMBOLS, write_gdc, write_xena
from tests.build.studies import expression_table

PATIENTS = ["TCGA-A1-A0SB", "TCGA-A1-A0SD", "TCGA-A1-A0SE"]
EXPECTED = np.log2(
    np.array(
        [
            [1.25, 2.25, 7.5, 5.25, 6.25],
            [11.25, 12.25, 27.5, 15.25, 16.25],
            [21.25, 22.25, 47.5, 25.25, 26.25],
        ]
    )
    + 1
)


@pytest.fixture
def download(tmp_path):
    """A folder of three patients."""
    return write_gdc(tmp_path / "gdc")


@pytest.mark.parametrize("ending", ["h5ad", "csv"])
def test_a_network_is_trained_and_judged_on_what_is_written(capsys, tmp_path, download, ending):
    output = tmp_path / f"measured.{ending}"
    assert sequoia(capsys, "expression", "convert", download, "-o", output).code == 0
    measured = open_measured(output, ["XIST", "ESR1", "TP53"])
    assert measured.patients.tolist() == PATIENTS
    slides = [f"{patient}-01Z-00-DX1" for patient in PATIENTS[::-1]]
    values = measured.matrix(measured.match(slides, PATIENTS[::-1]), ["XIST", "ESR1", "TP53"])
    np.testing.assert_allclose(values[:, :2], EXPECTED[::-1][:, [4, 0]], rtol=1e-6)
    assert np.isnan(values[:, 2]).all()


def test_a_network_knows_the_unit_that_it_learns(capsys, tmp_path, download):
    sequoia(capsys, "expression", "convert", download, "-o", tmp_path / "m.h5ad")
    assert open_measured(tmp_path / "m.h5ad", ["ESR1"]).units == "log2(FPKM-UQ+1)"


def test_the_cohort_of_a_patient_is_the_project(capsys, tmp_path, download):
    sequoia(capsys, "expression", "convert", download, "-o", tmp_path / "m.h5ad")
    assert set(open_measured(tmp_path / "m.h5ad", ["ESR1"]).cohorts) == {"TCGA-BRCA"}


def test_the_h5ad_states_its_unit_and_holds_the_ledger(capsys, tmp_path, download):
    answer = sequoia(capsys, "expression", "convert", download, "-o", tmp_path / "m.h5ad", "--json")
    adata = anndata.read_h5ad(tmp_path / "m.h5ad")
    assert adata.X.dtype == np.float32 and adata.obs["patient_id"].tolist() == PATIENTS == list(
        adata.obs_names
    )
    assert list(adata.var_names) == SYMBOLS and set(adata.var["unit"]) == {"log2(FPKM-UQ+1)"}
    assert adata.uns["units"] == answer.json["units"] == "log2(FPKM-UQ+1)"
    assert Flow.of(adata.uns["flow"]).to_frame().to_dict("records") == answer.json["flow"]
    assert (answer.json["n_patients"], answer.json["n_genes"]) == (3, 5)


def test_the_csv_has_patients_then_genes(capsys, tmp_path, download):
    answer = sequoia(capsys, "expression", "convert", download, "-o", tmp_path / "m.csv")
    assert "m.csv, which holds neither unit nor ledger" in answer.err
    text = (tmp_path / "m.csv").read_text()
    assert text.startswith("patient_id,ESR1,PLCXD1,MATR3,MIR21,XIST\nTCGA-A1-A0SB,")
    table = pd.read_csv(tmp_path / "m.csv", index_col=0)
    np.testing.assert_array_equal(table.to_numpy(np.float32), EXPECTED.astype(np.float32))


@pytest.mark.parametrize("ending", ["h5ad", "csv"])
def test_genes_are_judged_by_it(capsys, tmp_path, ending):
    generator = np.random.default_rng(0)
    truth = pd.DataFrame(
        generator.uniform(0, 9, (20, 3)), [f"P{i}" for i in range(20)], ["ESR1", "PGR", "MKI67"]
    )
    truth.to_csv(tmp_path / "mine.csv")
    (truth + generator.normal(0, 1, truth.shape)).to_csv(tmp_path / "p.csv")
    pd.DataFrame(generator.normal(0, 1, truth.shape), truth.index, truth.columns).to_csv(tmp_path / "u.csv")
    output = tmp_path / f"m.{ending}"
    sequoia(capsys, "expression", "convert", tmp_path / "mine.csv", "--unit", "log2(TPM+1)", "-o", output)
    answer = sequoia(
        capsys, "genes", tmp_path / "p.csv", "--measured", output, "--untrained", tmp_path / "u.csv",
        "-o", tmp_path / "genes.csv", "--json",
    )  # fmt: skip
    assert answer.code == 0, answer.err
    assert answer.json["n_genes"] == 3 and answer.json["n_slides"] == 20


def test_other_commands_read_it_with_its_unit(capsys, tmp_path, download):
    sequoia(capsys, "expression", "convert", download, "-o", tmp_path / "m.h5ad")
    expression = read_expression(tmp_path / "m.h5ad")
    assert set(expression.units) == {"log2(FPKM-UQ+1)"} and expression.name == "gdc"


def test_a_missing_value_is_an_empty_cell(capsys, tmp_path):
    expression_table().replace(0.5, np.nan).to_csv(tmp_path / "mine.csv")
    sequoia(
        capsys, "expression", "convert", tmp_path / "mine.csv", "--unit", "z-score", "-o", tmp_path / "m.csv"
    )
    assert (tmp_path / "m.csv").read_text().splitlines()[1] == "P1,,1.5,2.5"


def test_a_name_with_a_comma_is_quoted(capsys, tmp_path):
    expression_table(["P,1", "P2"]).to_csv(tmp_path / "mine.csv")
    sequoia(
        capsys, "expression", "convert", tmp_path / "mine.csv", "--unit", "z-score", "-o", tmp_path / "m.csv"
    )
    assert pd.read_csv(tmp_path / "m.csv")["patient_id"].to_list() == ["P,1", "P2"]


def test_the_same_input_gives_the_same_bytes(capsys, tmp_path, download):
    for name in ("a.csv", "b.csv"):
        sequoia(capsys, "expression", "convert", download, "-o", tmp_path / name)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_xena_is_recognised(capsys, tmp_path):
    answer = sequoia(capsys, "expression", "convert", write_xena(tmp_path), "-o", tmp_path / "m.h5ad")
    assert (
        "2 patients, 6 genes, log2(FPKM-UQ+1)" in answer.out
        and "is kept, no logarithm is taken" in answer.out
    )


def test_people_read_the_ledger(capsys, tmp_path, download):
    answer = sequoia(capsys, "expression", "convert", download, "-o", tmp_path / "m.csv")
    assert "gdc: 3 patients, 5 genes, log2(FPKM-UQ+1)" in answer.out
    assert "1 symbol has several ids (MATR3): their abundances are added" in answer.out


def test_force_replaces_an_output(capsys, tmp_path, download):
    (tmp_path / "m.csv").write_text("old")
    answer = sequoia(capsys, "expression", "convert", download, "-o", tmp_path / "m.csv", "--force")
    assert answer.code == 0 and (tmp_path / "m.csv").read_text().startswith("patient_id")
