"""Any matrix of expression: units said, never guessed."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest

from sequoia_stats.errors import InputError
from sequoia_stats.io import read_measured, write_measured
from tests.build.commands import write_adata
from tests.build.studies import PATIENTS, expression_table


def write(folder, table=None, **options):
    path = folder / "mine.csv"
    (expression_table() if table is None else table).to_csv(path, **options)
    return path


@pytest.mark.parametrize(("unit", "name"), [("FPKM-UQ", "log2(FPKM-UQ+1)"), ("RSEM", "log2(RSEM+1)")])
def test_abundances_become_logarithms(tmp_path, unit, name):
    expression = read_measured(write(tmp_path), unit=unit)
    np.testing.assert_allclose(expression.values, np.log2(expression_table() + 1), rtol=1e-15)
    assert set(expression.units) == {name} and list(expression.values.index) == PATIENTS


@pytest.mark.parametrize("unit", ["log2(FPKM-UQ+1)", "log2 intensity", "z-score"])
def test_logarithms_stay(tmp_path, unit):
    expression = read_measured(write(tmp_path), unit=unit)
    np.testing.assert_array_equal(expression.values, expression_table())
    assert set(expression.units) == {unit}


def test_genes_may_be_in_rows(tmp_path):
    across = read_measured(write(tmp_path), unit="TPM").values
    down = read_measured(write(tmp_path, expression_table().T), unit="TPM", genes_in="rows").values
    pd.testing.assert_frame_equal(across, down)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_columns_that_tell_of_the_gene_are_no_samples(tmp_path, suffix):
    table = expression_table().T.rename_axis("Hugo_Symbol").reset_index()
    about = {"Entrez_Gene_Id": [2099, 5241, 7], "gene_type": "protein_coding", "Length": [9, 8, 7]}
    for place, (title, values) in enumerate(about.items(), start=1):
        table.insert(place, title, values)
    path = tmp_path / f"m.{suffix}"
    table.to_parquet(path) if suffix == "parquet" else table.to_csv(path, index=False)
    expression = read_measured(path, unit="TPM", genes_in="rows")
    assert list(expression.values.index) == PATIENTS
    [line] = [line for line in expression.flow.itertuples() if line.step == "columns: about genes"]
    assert (
        line[2:4] == (9, 6)
        and line.reason == "no samples, by their titles: Entrez_Gene_Id, gene_type, Length"
    )


def test_a_gene_without_a_name_is_left_out_and_counted(tmp_path):
    path = write(tmp_path, expression_table(genes=["ESR1", "", "PGR"]).T, index_label="Hugo_Symbol")
    expression = read_measured(path, unit="TPM", genes_in="rows")
    assert list(expression.values.columns) == ["ESR1", "PGR"]
    assert expression.flow.iloc[0].tolist() == ["genes: names", 3, 2, "the others have none"]


def test_counts_become_cpm(tmp_path):
    expression = read_measured(write(tmp_path, expression_table() * 2), unit="counts")
    np.testing.assert_allclose((2**expression.values - 1).sum(axis=1), 1e6)


def test_the_ledger_says_that_cpm_of_incomplete_counts_are_too_high(tmp_path):
    table = expression_table()
    expression = read_measured(write(tmp_path, table.mask(table == 0.5)), unit="counts")
    reasons = dict(zip(expression.flow["step"], expression.flow["reason"], strict=True))
    assert reasons["samples: incomplete counts"] == (
        "1 of 6 samples has missing counts (P1): a million is the sum of the others, so CPM are too high there"
    )


def test_other_units_need_no_complete_samples(tmp_path):
    table = expression_table()
    expression = read_measured(write(tmp_path, table.mask(table == 0.5)), unit="FPKM")
    assert "samples: incomplete counts" not in expression.flow["step"].to_list()


SUMMARIES = ["N_unmapped", "N_multimapping", "N_noFeature", "N_ambiguous", "__no_feature", "__not_aligned"]


@pytest.mark.parametrize("genes_in", ["columns", "rows"])
def test_reads_of_no_gene_are_no_part_of_the_million_and_no_genes(tmp_path, genes_in):
    table = expression_table(genes=["ESR1", *SUMMARIES, "PGR"])
    path = write(tmp_path, table if genes_in == "columns" else table.T.rename_axis("gene"))
    expression = read_measured(path, unit="counts", genes_in=genes_in)
    assert list(expression.values.columns) == ["ESR1", "PGR"]
    np.testing.assert_allclose((2**expression.values - 1).sum(axis=1), 1e6)
    [line] = [line for line in expression.flow.itertuples() if line.step == "genes: summaries"]
    assert line[2:4] == (8, 2) and "N_unmapped, N_multimapping, N_noFeature" in line.reason
    assert "genes: unknown names" not in expression.flow["step"].to_list()


def test_reads_of_no_gene_leave_an_h5ad_too(tmp_path):
    path = write_adata(tmp_path / "a.h5ad", expression_table(genes=["ESR1", "__ambiguous", "PGR"]))
    expression = read_measured(path, unit="counts")
    assert list(expression.values.columns) == ["ESR1", "PGR"]
    np.testing.assert_allclose((2**expression.values - 1).sum(axis=1), 1e6)


def test_symbols_are_kept_as_they_are_written(tmp_path):
    expression = read_measured(write(tmp_path, expression_table(genes=["KNTC2", "SEPT2"])), unit="TPM")
    assert list(expression.values.columns) == ["KNTC2", "SEPT2"]


def test_columns_of_one_name_are_added_before_the_logarithm(tmp_path):
    path = write(tmp_path, expression_table(genes=["ESR1", "PGR", "ESR1"]))
    expression = read_measured(path, unit="TPM")
    assert list(expression.values.columns) == ["ESR1", "PGR"]
    np.testing.assert_allclose(expression.values["ESR1"].iloc[0], np.log2(0.5 + 2.5 + 1))
    assert "their abundances are added" in expression.flow["reason"].iloc[0]


def test_barcodes_are_reduced_to_one_primary_sample_per_patient(tmp_path):
    names = ["TCGA-A1-A0SB-01A", "TCGA-A1-A0SB-11A", "TCGA.A1.A0SD.01B", "TCGA-A1-A0SD-01A", "TCGA-A1-A0SE"]
    expression = read_measured(write(tmp_path, expression_table(names)), unit="TPM")
    assert list(expression.values.index) == ["TCGA-A1-A0SB", "TCGA-A1-A0SD", "TCGA-A1-A0SE"]
    assert expression.covariates["sample"].to_list() == [names[0], names[3], names[4]]
    np.testing.assert_allclose(expression.values["ESR1"], np.log2([1.5, 10.5, 13.5]))
    assert expression.flow["step"].to_list()[:2] == ["samples: primary", "samples: one per patient"]


def test_barcodes_in_small_letters_are_read_as_such(tmp_path):
    table = expression_table(["tcga-a1-a0sb-01a", "TCGA-A1-A0SB-11A"])
    expression = read_measured(write(tmp_path, table), unit="TPM")
    assert list(expression.values.index) == ["TCGA-A1-A0SB"]
    assert expression.covariates["sample"].to_list() == ["tcga-a1-a0sb-01a"]


def test_an_h5ad_states_its_unit_and_patients(tmp_path):
    path = write_adata(tmp_path / "a.h5ad", expression_table(), patient_id=list("abcdef"))
    adata = anndata.read_h5ad(path)
    adata.uns["units"] = "FPKM"
    adata.write_h5ad(path)
    expression = read_measured(path)
    assert list(expression.values.index) == list("abcdef") and set(expression.units) == {"log2(FPKM+1)"}


def test_what_was_converted_can_be_converted_again_without_change(tmp_path):
    once = read_measured(write(tmp_path), unit="TPM")
    write_measured(once, tmp_path / "m.h5ad")
    again = read_measured(tmp_path / "m.h5ad")
    pd.testing.assert_frame_equal(
        again.values, once.values.astype(np.float32).astype(np.float64), check_names=False
    )
    assert set(again.units) == {"log2(TPM+1)"}


def test_a_file_of_predictions_gives_what_was_measured(tmp_path):
    adata = anndata.AnnData(np.zeros((2, 1)), pd.DataFrame(index=["P1", "P2"]), pd.DataFrame(index=["ESR1"]))
    adata.layers["measured"] = np.array([[1.0], [3.0]])
    adata.write_h5ad(tmp_path / "p.h5ad")
    assert read_measured(tmp_path / "p.h5ad", unit="TPM").values["ESR1"].to_list() == [1.0, 2.0]


def test_ids_of_ensembl_get_symbols_from_a_probe_map(tmp_path):
    path = write(tmp_path, expression_table(genes=["ENSG00000091831", "ENSG00000229807"]))
    (tmp_path / "map.tsv").write_text("#id\tgene\nENSG00000091831.24\tESR1\nENSG00000229807.12\tXIST\n")
    expression = read_measured(path, unit="TPM", probe_map=tmp_path / "map.tsv")
    assert list(expression.values.columns) == ["ESR1", "XIST"]


@pytest.mark.parametrize(
    ("table", "options", "words"),
    [
        (expression_table(), {}, "the unit is not stated"),
        (expression_table(), {"unit": "FPMK"}, "'FPMK' is not a unit that is known"),
        (-expression_table(), {"unit": "FPKM"}, "18 values are below 0"),
        (expression_table() * 1e5, {"unit": "log2(FPKM-UQ+1)"}, "above 39.86"),
        (expression_table() * 0, {"unit": "counts"}, "6 samples have no counts"),
        (expression_table(genes=["1-Mar", "ESR1"]), {"unit": "TPM"}, "1 gene name is a date"),
        (expression_table(genes=["1007_s_at", "1053_at"]), {"unit": "log2 intensity"}, "Affymetrix probe ids"),
        (expression_table(), {"unit": "TPM", "categories": ["miRNA"]}, "--categories is not an option of a matrix"),
        (expression_table(), {"unit": "TPM", "format": "csv"}, "'csv' is not a valid format"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused(tmp_path, table, options, words):
    with pytest.raises(InputError, match=words):
        read_measured(write(tmp_path, table), **options)


def test_predictions_without_measured_expression_are_refused(tmp_path):
    adata = anndata.AnnData(np.zeros((1, 1)), pd.DataFrame(index=["P1"]), pd.DataFrame(index=["ESR1"]))
    adata.uns |= {"ensemble": "all", "weights": "w"}
    adata.write_h5ad(tmp_path / "p.h5ad")
    with pytest.raises(InputError, match="no measured expression"):
        read_measured(tmp_path / "p.h5ad", unit="log2(TPM+1)")


def test_an_h5ad_with_genes_in_rows_is_refused(tmp_path):
    path = write_adata(tmp_path / "a.h5ad", expression_table(genes=["ESR1", "PGR", "MKI67"]).T)
    with pytest.raises(InputError, match="the samples have the names of genes: ESR1") as caught:
        read_measured(path, unit="TPM")
    assert "adata.T" in caught.value.fix


def test_a_unit_that_contradicts_the_file_is_refused(tmp_path):
    write_measured(read_measured(write(tmp_path), unit="TPM"), tmp_path / "m.h5ad")
    with pytest.raises(InputError, match="the file says log2\\(TPM\\+1\\), but --unit FPKM"):
        read_measured(tmp_path / "m.h5ad", unit="FPKM")
