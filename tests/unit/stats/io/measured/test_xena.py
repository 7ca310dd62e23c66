"""Matrices of UCSC Xena: units by name, logarithms taken once, ids of Ensembl to symbols."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sequoia_stats.errors import InputError
from sequoia_stats.io import read_measured
from sequoia_stats.io.measured import xena
from sequoia_stats.io.measured._gene_ids import are_symbols
from tests.build.measured import GENES, SYMBOLS, write_gdc, write_xena

SYMBOL_ROWS = [(symbol, symbol, "") for symbol in SYMBOLS]


def steps(expression):
    return {row.step: row for row in expression.flow.itertuples()}


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("TCGA-BRCA.htseq_fpkm-uq.tsv.gz", "log2(FPKM-UQ+1)"),
        ("TCGA-BRCA.star_fpkm-uq.tsv", "log2(FPKM-UQ+1)"),
        ("TCGA-BRCA.htseq_fpkm.tsv.gz", "log2(FPKM+1)"),
        ("TCGA-BRCA.star_tpm.tsv.gz", "log2(TPM+1)"),
        ("TCGA-BRCA.star_counts.tsv.gz", "log2(counts+1)"),
        ("HiSeqV2", "log2(RSEM+1)"),
        ("HiSeqV2.gz", "log2(RSEM+1)"),
        ("EB++AdjustPANCAN_IlluminaHiSeq_RNASeqV2.geneExp.xena.gz", "log2(RSEM+1)"),
        ("tcga_RSEM_gene_tpm.gz", "log2(TPM+0.001)"),
        ("TCGA_gene_expected_count.gz", "log2(counts+1)"),
    ],
)
def test_names_of_files_state_the_unit(name, unit):
    assert xena.unit_of_name(Path(name)).name == unit


@pytest.mark.parametrize("name", ["HiSeqV2_PANCAN.gz", "HiSeqV2_percentile.gz", "mine.tsv"])
def test_other_names_do_not(name):
    assert xena.unit_of_name(Path(name)) is None


def test_the_logarithm_is_not_taken_twice(tmp_path):
    expression = read_measured(write_xena(tmp_path))
    assert set(expression.units) == {"log2(FPKM-UQ+1)"}
    np.testing.assert_allclose(expression.values["ESR1"], np.log2([2.25, 12.25]), rtol=1e-6)


def test_the_same_values_come_from_the_gdc_and_from_xena(tmp_path):
    samples = ["TCGA-A1-A0SB-01A", "TCGA-A1-A0SD-01A"]
    ours = read_measured(write_gdc(tmp_path / "gdc", samples)).values
    theirs = read_measured(write_xena(tmp_path, samples)).values
    pd.testing.assert_frame_equal(theirs[SYMBOLS], ours, rtol=1e-6)


def test_ids_become_symbols_copies_on_y_go_and_ids_of_a_symbol_are_added(tmp_path):
    expression = read_measured(write_xena(tmp_path))
    assert list(expression.values.columns) == [*SYMBOLS, "WASH7P"]
    np.testing.assert_allclose(
        expression.values.loc["TCGA-A1-A0SB", "MATR3"], np.log2(3.25 + 4.25 + 1), rtol=1e-6
    )
    assert steps(expression)["genes: copies on Y"][2:4] == (8, 7)
    assert "MATR3" in steps(expression)["genes: one per symbol"].reason


def test_what_is_left_out_before_them_does_not_move_ids_of_a_symbol(tmp_path):
    values = read_measured(write_xena(tmp_path, genes=GENES[::-1])).values
    np.testing.assert_allclose(values.loc["TCGA-A1-A0SB", "MATR3"], np.log2(5.25 + 6.25 + 1), rtol=1e-6)


def test_one_primary_sample_per_patient_is_kept(tmp_path):
    expression = read_measured(write_xena(tmp_path))
    assert expression.covariates["sample"].to_list() == ["TCGA-A1-A0SB-01A", "TCGA-A1-A0SD-01A"]
    assert steps(expression)["samples: primary"][2:4] == (3, 2)


def test_a_file_names_the_samples_of_donors_of_gtex_to_take(tmp_path):
    samples = ["GTEX-1117F-0226-SM-5GZZ7", "GTEX-1117F-0426-SM-5EGHI", "TCGA-A1-A0SD-01", "K-562-SM-2AXVE"]
    path = write_xena(tmp_path, samples, name="TcgaTargetGtex_rsem_gene_tpm.tsv", title="sample")
    (tmp_path / "breast.tsv").write_text(f"SAMPID\tSMTSD\n{samples[1]}\tBreast\n{samples[2]}\t\nabsent\t\n")
    expression = read_measured(path, samples=tmp_path / "breast.tsv")
    assert expression.values.index.to_list() == ["GTEX-1117F", "TCGA-A1-A0SD"]
    assert expression.covariates["sample"].to_list() == samples[1:3]
    assert steps(expression)["samples: listed"][2:4] == (4, 2)


def test_a_list_of_other_samples_is_refused(tmp_path):
    (tmp_path / "list.txt").write_text("sample\nP1\n")
    with pytest.raises(InputError, match="the list names no sample of the matrix"):
        read_measured(write_xena(tmp_path), samples=tmp_path / "list.txt")


def test_versions_of_ids_may_differ_from_the_probe_map(tmp_path):
    path = write_xena(tmp_path)
    path.write_text(path.read_text().replace("ENSG00000091831.24", "ENSG00000091831.21"))
    assert "ESR1" in read_measured(path).values


def test_ids_that_the_probe_map_lacks_are_counted(tmp_path):
    path = write_xena(tmp_path)
    path.write_text(path.read_text().replace("ENSG00000091831.24", "ENSG99999999999.1"))
    step = steps(read_measured(path))["genes: symbols"]
    assert step[2:4] == (7, 6) and "ENSG99999999999.1" in step.reason


def test_the_probe_map_that_knows_most_ids_is_taken(tmp_path):
    path = write_xena(tmp_path)
    (tmp_path / "a.probeMap").write_text("id\tgene\nENSG00000091831.24\tWRONG\n")
    assert "ESR1" in read_measured(path).values


def test_a_probe_map_can_be_given(tmp_path):
    path = write_xena(tmp_path)
    given = (tmp_path / "gencode.v22.annotation.gene.probeMap").rename(tmp_path / "mine.tsv")
    assert "ESR1" in read_measured(path, probe_map=given).values


def test_ids_can_be_kept(tmp_path):
    expression = read_measured(write_xena(tmp_path, probe_map=False), identifiers="as-they-are")
    assert expression.values.columns[0] == "ENSG00000091831.24"
    assert "Ensembl gene ids" in steps(expression)["genes: other identifiers"].reason


def test_symbols_need_no_probe_map(tmp_path):
    path = write_xena(tmp_path, name="HiSeqV2", genes=SYMBOL_ROWS, probe_map=False, title="sample")
    expression = read_measured(path)
    assert list(expression.values.columns) == SYMBOLS and set(expression.units) == {"log2(RSEM+1)"}


@pytest.mark.parametrize("content", ["id\tgene\nENSG00000091831.24\tESR1\n", "no table"])
def test_a_probe_map_that_nobody_named_is_not_used_for_symbols(tmp_path, content):
    path = write_xena(tmp_path, name="HiSeqV2", genes=SYMBOL_ROWS, probe_map=False, title="sample")
    (tmp_path / "other.probeMap").write_text(content)
    expression = read_measured(path)
    assert list(expression.values.columns) == SYMBOLS
    assert "other.probeMap is not used" in steps(expression)["genes: probe map"].reason


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["ESR1", "PGR", "AC004540.5", "AL031432.1", "AP000345.2", "RP11-34P13.7"], True),
        (["ENSG00000091831.24", "ENSG00000229807.12", "ENSG00000015479", "ESR1"], False),
        (["probe_1", "probe_2"], False),
        (["PROBE1", "PROBE2", "PROBE3", "PROBE4", "PROBE5", "ESR1"], False),
    ],
)
def test_symbols_are_told_from_ids_that_need_a_probe_map(names, expected):
    assert are_symbols(names) is expected


def test_a_probe_map_that_is_named_must_hold_the_ids(tmp_path):
    path = write_xena(tmp_path, name="HiSeqV2", genes=SYMBOL_ROWS, probe_map=False, title="sample")
    (tmp_path / "mine.tsv").write_text("id\tgene\nENSG00000091831.24\tESR1\n")
    with pytest.raises(InputError, match="the probe map holds none of the ids") as caught:
        read_measured(path, probe_map=tmp_path / "mine.tsv")
    assert "leave it out" in caught.value.fix and "--identifiers as-they-are" in caught.value.fix


def test_a_packed_matrix_is_read_alike(tmp_path):
    path = write_xena(tmp_path)
    plain = read_measured(path).values
    packed = path.with_name(f"{path.name}.gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    pd.testing.assert_frame_equal(read_measured(packed).values, plain)


def test_many_blocks_give_the_matrix_of_one(tmp_path, monkeypatch):
    genes = [(f"G{i}", f"G{i}", "") for i in range(400)]
    path = write_xena(tmp_path, genes=genes, probe_map=False)
    whole = read_measured(path).values
    monkeypatch.setattr(xena, "_BLOCK", 1)
    pd.testing.assert_frame_equal(read_measured(path).values, whole)
    np.testing.assert_allclose(whole.iloc[1, -2], np.log2(1.25 + 398 + 10 + 1), rtol=1e-6)


def test_log_counts_become_log_cpm(tmp_path):
    path = write_xena(tmp_path, name="TCGA-BRCA.star_counts.tsv")
    expression = read_measured(path)
    total = sum(1.25 + i for i in range(7))
    assert set(expression.units) == {"log2(CPM+1)"}
    np.testing.assert_allclose(expression.values["ESR1"].iloc[0], np.log2(1.25 / total * 1e6 + 1), rtol=1e-6)


def test_reads_of_no_gene_are_no_part_of_the_million_and_no_genes(tmp_path):
    genes = [*SYMBOL_ROWS, ("__no_feature", "", ""), ("__too_low_aQual", "", ""), ("XYZ", "", "")]
    path = write_xena(tmp_path, name="TCGA-BRCA.htseq_counts.tsv", genes=genes, probe_map=False)
    expression = read_measured(path)
    assert list(expression.values.columns) == [*SYMBOLS, "XYZ"]
    np.testing.assert_allclose((2**expression.values - 1).sum(axis=1), 1e6, rtol=1e-6)
    assert steps(expression)["genes: summaries"][2:4] == (8, 6)


def test_missing_values_stay_and_are_counted(tmp_path):
    path = write_xena(tmp_path, genes=SYMBOL_ROWS, probe_map=False)
    lines = path.read_text().splitlines()
    lines[1] = "ESR1\tNA\t3\t3"
    path.write_text("\n".join(lines) + "\n")
    expression = read_measured(path)
    assert np.isnan(expression.values.loc["TCGA-A1-A0SB", "ESR1"])
    assert (
        "1 value is missing, and kept as such, in ESR1" in steps(expression)["genes: missing values"].reason
    )


def test_a_first_column_of_ensembl_ids_shows_the_format_and_the_unit_must_be_said(tmp_path):
    path = write_xena(tmp_path, name="mine.tsv")
    with pytest.raises(InputError, match="the unit is not stated"):
        read_measured(path)
    assert set(read_measured(path, unit="log2(FPKM-UQ+1)").units) == {"log2(FPKM-UQ+1)"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"unit": "TPM"}, "the name of the file says log2\\(FPKM-UQ\\+1\\), but --unit TPM"),
        ({"genes_in": "rows"}, "--genes-in is not an option of a matrix of UCSC Xena"),
        ({"column": "unstranded"}, "--column is not an option"),
        ({"identifiers": "any"}, "'any' is not a valid identifiers"),
    ],
)
def test_options_that_contradict_are_refused(tmp_path, options, words):
    with pytest.raises(InputError, match=words):
        read_measured(write_xena(tmp_path), **options)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text.replace("A0SD", "A0SB", 1), "1 sample is duplicated"),
        (lambda text: text.rstrip("\n").rpartition("\t")[0] + "\n", "cannot be read as numbers"),
        (lambda text: text.replace("1.1699", "x1.1699"), "cannot be read as numbers"),
        (lambda text: text.replace("1.1699", "-1.1699"), "1 value is below 0"),
        (lambda text: text.partition("\n")[0] + "\n", "the matrix has no genes"),
        (lambda text: text.partition("\n")[0] + "\nN_unmapped\t1\t1\t1\n", "the matrix has no genes"),
        (lambda _: "Ensembl_ID\n", "no columns of samples"),
        (lambda text: text.replace("ENSG00000091831.24", "1-Mar"), "1 gene name is a date"),
        (lambda text: text.replace("ENSG", "ENSX"), "the probe map holds none of the ids"),
    ],
)
def test_a_damaged_matrix_is_refused(tmp_path, change, words):
    path = write_xena(tmp_path)
    text = change(path.read_text())
    path.write_text(text)
    with pytest.raises(InputError, match=words) as caught:
        read_measured(path)
    assert str(path) in caught.value.where


def test_a_matrix_that_was_turned_is_refused(tmp_path):
    path = write_xena(tmp_path, name="HiSeqV2.tsv", genes=SYMBOL_ROWS, probe_map=False)
    pd.read_csv(path, sep="\t", index_col=0).T.to_csv(path, sep="\t")
    with pytest.raises(InputError, match="the genes have the names of samples") as caught:
        read_measured(path)
    assert "--format matrix" in caught.value.fix


def test_ids_without_a_probe_map_are_refused(tmp_path):
    with pytest.raises(
        InputError, match="symbols are needed, but 7 of 7 names are Ensembl gene ids"
    ) as caught:
        read_measured(write_xena(tmp_path, probe_map=False))
    assert "--probe-map" in caught.value.fix
