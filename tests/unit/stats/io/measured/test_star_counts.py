"""A download of the GDC: genes, samples, values, and what is damaged."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from sequoia_stats.errors import InputError
from sequoia_stats.io import read_measured
from tests.build.measured import (
    ALIQUOTS,
    GENES,
    SYMBOLS,
    file_id,
    file_name,
    write_gdc,
    write_metadata,
    write_sheet,
)


def steps(expression):
    return {row.step: row for row in expression.flow.itertuples()}


def path_of(folder, i):
    return folder / file_id(i) / file_name(i)


@pytest.mark.parametrize("names", ["sheet", "metadata", "both"])
def test_values_are_log2_of_fpkm_uq_with_ids_of_a_symbol_added(tmp_path, names):
    expression = read_measured(write_gdc(tmp_path / "gdc", names=names))
    assert list(expression.values.index) == ["TCGA-A1-A0SB", "TCGA-A1-A0SD", "TCGA-A1-A0SE"]
    assert list(expression.values.columns) == SYMBOLS
    linear = np.array([[1.25, 2.25, 3.25 + 4.25, 5.25, 6.25]]) + [[0], [10], [20]]
    linear[1:, 2] += [10, 20]
    np.testing.assert_allclose(expression.values, np.log2(linear + 1), rtol=1e-12)
    assert set(expression.units) == {"log2(FPKM-UQ+1)"}


def test_patients_are_sorted_whatever_their_files_are_called(tmp_path):
    expression = read_measured(write_gdc(tmp_path / "gdc", ALIQUOTS[::-1]))
    assert list(expression.values.index) == ["TCGA-A1-A0SB", "TCGA-A1-A0SD", "TCGA-A1-A0SE"]
    np.testing.assert_allclose(expression.values["ESR1"], np.log2([22.25, 12.25, 2.25]))


@pytest.mark.parametrize("options", [{"compress": True}, {"flat": True}, {"flat": True, "compress": True}])
def test_packed_files_and_files_in_one_folder_are_read_alike(tmp_path, options):
    plain = read_measured(write_gdc(tmp_path / "a"))
    other = read_measured(write_gdc(tmp_path / "b", **options))
    pd.testing.assert_frame_equal(plain.values, other.values)


@pytest.mark.parametrize(
    ("column", "unit", "factor"),
    [("tpm_unstranded", "log2(TPM+1)", 2), ("fpkm_unstranded", "log2(FPKM+1)", 0.5)],
)
def test_another_column_has_its_unit(tmp_path, column, unit, factor):
    expression = read_measured(write_gdc(tmp_path / "gdc"), column=column)
    assert set(expression.units) == {unit}
    np.testing.assert_allclose(expression.values.iloc[0, 0], np.log2(1.25 * factor + 1), rtol=1e-4)


def test_counts_become_cpm_of_all_genes(tmp_path):
    expression = read_measured(write_gdc(tmp_path / "gdc"), column="unstranded")
    total = sum(100 * (1.25 + i) for i in range(7))
    assert set(expression.units) == {"log2(CPM+1)"}
    np.testing.assert_allclose(expression.values.iloc[0, 0], np.log2(125 / total * 1e6 + 1), rtol=1e-12)


def test_the_ledger_has_a_line_for_every_loss(tmp_path):
    aliquots = [*ALIQUOTS, "TCGA-A1-A0SB-11A-11R-A144-07", "TCGA-A1-A0SD-01B-11R-A144-07"]
    flow = steps(read_measured(write_gdc(tmp_path / "gdc", aliquots)))
    counts = {step: (line.n_before, line.n_after) for step, line in flow.items()}
    assert counts == {
        "samples: primary": (5, 4),
        "samples: one per patient": (4, 3),
        "genes: summaries": (12, 8),
        "genes: copies on Y": (8, 7),
        "genes: categories": (7, 6),
        "genes: one per symbol": (6, 5),
        "genes: unit": (5, 5),
    }
    assert "1 unprocessed_pseudogene" in flow["genes: categories"].reason
    assert "1 symbol has several ids (MATR3)" in flow["genes: one per symbol"].reason
    assert "GENCODE v36" in flow["genes: unit"].reason


def test_the_ledger_has_no_line_where_nothing_is_lost(tmp_path):
    folder = write_gdc(tmp_path / "gdc", genes=GENES[:2])
    for i in range(3):
        path = path_of(folder, i)
        path.write_text(re.sub(r"(?m)^N_.*\n", "", path.read_text()))
    expression = read_measured(folder, categories=["protein_coding"])
    assert expression.flow["step"].to_list() == ["genes: unit"] and expression.values.shape == (3, 2)


def test_metadata_tell_aliquots_apart_and_a_sheet_does_not(tmp_path):
    aliquots = ["TCGA-A1-A0SB-01A-11R-A144-07", "TCGA-A1-A0SB-01A-12R-A144-07"]
    known = read_measured(write_gdc(tmp_path / "a", aliquots, names="both"))
    unknown = read_measured(write_gdc(tmp_path / "b", aliquots, names="sheet"))
    assert known.covariates["sample"].to_list() == [aliquots[1]]
    assert unknown.covariates["file"].to_list() == [file_name(0)]
    assert "the first by name" in steps(unknown)["samples: one per patient"].reason


def test_what_is_known_of_a_patient_travels_on(tmp_path):
    covariates = read_measured(write_gdc(tmp_path / "gdc")).covariates
    assert covariates.iloc[0].to_dict() == {
        "sample": "TCGA-A1-A0SB-01A",
        "cohort": "TCGA-BRCA",
        "file": file_name(0),
    }


def test_categories_can_be_chosen(tmp_path):
    folder = write_gdc(tmp_path / "gdc")
    assert list(read_measured(folder, categories=["miRNA"]).values.columns) == ["MIR21"]


def test_a_file_that_no_sheet_names_and_an_entry_without_a_file_are_counted(tmp_path):
    folder = write_gdc(tmp_path / "gdc", names="")
    write_sheet(
        folder, ALIQUOTS, File_ID=["x", "y", "z"], File_Name=[file_name(0), file_name(1), file_name(7)]
    )
    expression = read_measured(folder)
    flow = steps(expression)
    assert len(expression.values) == 2
    assert flow["files: with a sample"][2:4] == (3, 2) and file_name(2) in flow["files: with a sample"].reason
    assert flow["samples: with a file"][2:4] == (3, 2)
    assert "TCGA-A1-A0SE-01A" in flow["samples: with a file"].reason


SAMPLES = [name[:16] for name in ALIQUOTS]


@pytest.mark.parametrize(
    "columns",
    [
        {"Sample_ID": ["TCGA-A1-A0SB-01A, TCGA-A1-A0SB-01B", *SAMPLES[1:]]},
        {"Sample_ID": ["C3L-1-01, C3L-2-01", *SAMPLES[1:]], "Case_ID": ["C3L-1, C3L-2", "A", "B"]},
    ],
)
def test_a_file_of_pooled_samples_is_left_out_by_name(tmp_path, columns):
    folder = write_gdc(tmp_path / "gdc", names="")
    write_sheet(folder, ALIQUOTS, **columns)
    expression = read_measured(folder)
    line = steps(expression)["files: of one sample"]
    assert len(expression.values) == 2 and line[2:4] == (3, 2)
    assert file_name(0) in line.reason and columns["Sample_ID"][0] in line.reason


def test_metadata_and_sheet_agree_that_a_file_is_pooled(tmp_path):
    folder = write_gdc(tmp_path / "gdc")
    pooled = [{"entity_submitter_id": f"TCGA-A1-A0SB-01{x}-11R-A144-07"} for x in "AB"]
    write_metadata(folder, ALIQUOTS[:1], associated_entities=pooled)
    expression = read_measured(folder)
    assert steps(expression)["files: of one sample"][2:4] == (3, 2)
    assert list(expression.values.index) == ["TCGA-A1-A0SD", "TCGA-A1-A0SE"]


def test_a_cell_that_repeats_one_sample_is_of_one(tmp_path):
    folder = write_gdc(tmp_path / "gdc", names="")
    write_sheet(folder, ALIQUOTS, Sample_ID=[f"{name}, {name}" for name in SAMPLES])
    assert len(read_measured(folder).values) == 3


def test_a_renamed_file_is_found_by_the_id_of_its_folder(tmp_path):
    folder = write_gdc(tmp_path / "gdc")
    path_of(folder, 0).rename(path_of(folder, 0).with_name("mine.augmented_star_gene_counts.tsv"))
    assert len(read_measured(folder).values) == 3


def test_linked_folders_are_entered_and_hidden_files_are_not(tmp_path):
    folder = write_gdc(tmp_path / "gdc")
    path_of(folder, 0).with_name(f"._{file_name(0)}").write_text("of macOS")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "inner").symlink_to(folder)
    expression = read_measured(tmp_path / "linked", samples=next(folder.glob("gdc_sample*")))
    assert len(expression.values) == 3 and "samples: one per patient" not in steps(expression)


def test_the_sheet_may_lie_beside_the_folder_or_be_given(tmp_path):
    folder = write_gdc(tmp_path / "gdc", names="")
    sheet = write_sheet(tmp_path, ALIQUOTS)
    beside = read_measured(folder).values
    given = read_measured(folder, samples=sheet.rename(tmp_path / "mine.tsv")).values
    pd.testing.assert_frame_equal(beside, given)


def test_newer_sheets_say_the_type_in_two_columns(tmp_path):
    folder = write_gdc(tmp_path / "gdc", names="")
    sheet = write_sheet(
        folder, ALIQUOTS, Case_ID=["C3L-1", "C3L-2", "C3L-3"], Sample_ID=["C3L-1-01", "C3L-2-01", "C3L-3-11"],
        Tissue_Type=["Tumor", "Tumor", "Normal"], Tumor_Descriptor=["Primary", "Primary", "Not Applicable"],
    )  # fmt: skip
    pd.read_csv(sheet, sep="\t").drop(columns="Sample Type").to_csv(sheet, sep="\t", index=False)
    expression = read_measured(folder)
    assert list(expression.values.index) == ["C3L-1", "C3L-2"]
    assert "1 Not Applicable Normal" in steps(expression)["samples: primary"].reason


def test_metadata_of_the_api_name_cases(tmp_path):
    folder = write_gdc(tmp_path / "gdc", names="")
    case = {
        "submitter_id": "C3L-1", "project": {"project_id": "CPTAC-3"},
        "samples": [{"submitter_id": "C3L-1-01", "sample_type": "Primary Tumor"}],
    }  # fmt: skip
    write_metadata(folder, ["x"], associated_entities=[], cases=[case])
    expression = read_measured(folder)
    assert list(expression.values.index) == ["C3L-1"]
    assert expression.covariates["cohort"].to_list() == ["CPTAC-3"]


def test_progress_is_shown_per_file(tmp_path):
    seen = []
    read_measured(write_gdc(tmp_path / "gdc"), progress=lambda items, n: seen.append(n) or iter(items))
    assert seen == [3]


def damaged(folder, i, change):
    """The i-th file, changed by a function of its text."""
    path = path_of(folder, i)
    path.write_text(change(path.read_text()))
    return folder


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text[:-3], "its last line has no end"),
        (lambda text: text[: text.rindex("ENSG")], "1 of 3 files has other genes than the rest"),
        (
            lambda text: text.replace("ENSG00000229807.12", "ENSG00000229807.13"),
            "1 of 3 files has other genes",
        ),
        (lambda text: text.replace("v36", "v22"), "1 of 3 files has other genes than the rest"),
        (lambda text: text.replace("fpkm_uq", "fpkm_uc"), "has no column fpkm_uq_unstranded"),
        (lambda text: text.replace("11.2500", ""), "1 value is missing, negative or infinite"),
        (lambda text: text.replace("11.2500", "-11.2500"), "first ENSG00000091831.24 \\(ESR1\\): -11.25"),
        (lambda text: text.replace("11.2500", "eleven"), "the file is damaged"),
        (lambda _: "", "its last line has no end"),
        (lambda text: "\x1f\x8b" + text, "the file is damaged|has no column"),
    ],
)
def test_a_damaged_file_is_refused_by_name(tmp_path, change, words):
    folder = damaged(write_gdc(tmp_path / "gdc"), 1, change)
    with pytest.raises(InputError) as caught:
        read_measured(folder)
    assert re.search(words, str(caught.value)), str(caught.value)
    assert file_name(1) in str(caught.value)


def test_if_the_first_file_is_cut_it_is_the_one_that_is_named(tmp_path):
    folder = damaged(write_gdc(tmp_path / "gdc"), 0, lambda text: text[: text.rindex("ENSG")])
    with pytest.raises(InputError, match="1 of 3 files has other genes") as caught:
        read_measured(folder)
    assert file_name(0) in caught.value.where and file_name(1) not in caught.value.where


def test_all_damaged_files_are_named_at_once(tmp_path):
    folder = damaged(write_gdc(tmp_path / "gdc"), 1, lambda text: text[:-3])
    damaged(folder, 2, lambda text: text.replace("21.2500", "x"))
    with pytest.raises(InputError, match="2 of 3 files are damaged") as caught:
        read_measured(folder)
    assert file_name(1) in caught.value.where and file_name(2) in caught.value.where


def test_a_truncated_archive_is_refused(tmp_path):
    folder = write_gdc(tmp_path / "gdc", compress=True)
    path = path_of(folder, 1).with_name(f"{file_name(1)}.gz")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match="the compressed file is truncated or damaged"):
        read_measured(folder)
