"""Sections of Visium: every layout of Space Ranger, scale and size of spots from the file, and what is refused."""

from __future__ import annotations

import csv
import gzip
import json

import numpy as np
import pandas as pd
import pytest

from sequoia_stats.errors import InputError
from sequoia_stats.io import read_truth
from tests.build.truth import (
    make_counts,
    visium_positions,
    write_image,
    write_positions,
    write_tenx_folder,
    write_tenx_h5,
    write_visium,
)

FILTERED = "filtered_feature_bc_matrix.h5"


@pytest.mark.parametrize("matrix", ["h5", "mtx"])
@pytest.mark.parametrize(
    "layout",
    ["tissue_positions.csv", "tissue_positions.parquet", "tissue_positions_list.csv"],
)
def test_every_layout_gives_the_same_section(tmp_path, matrix, layout):
    truth = read_truth(write_visium(tmp_path / "S1", matrix=matrix, layout=layout))
    positions = visium_positions().iloc[:32]
    assert truth.spots == tuple(positions["barcode"]) and truth.genes == ("A", "B", "C", "D")
    np.testing.assert_array_equal(truth.counts.toarray(), make_counts(32))
    np.testing.assert_array_equal(truth.centres_px, positions[["pxl_col_in_fullres", "pxl_row_in_fullres"]])
    assert (truth.name, truth.platform, truth.pitch_um) == ("S1", "visium", 100)
    assert truth.flow.to_frame().loc[0, ["step", "n_before", "n_after"]].to_list() == [
        "spots: tissue",
        36,
        32,
    ]


def test_the_columns_of_positions_are_found_by_their_names(tmp_path):
    positions = visium_positions()
    as_written = read_truth(write_visium(tmp_path / "a", positions))
    other_order = read_truth(write_visium(tmp_path / "b", positions[["barcode", *positions.columns[:0:-1]]]))
    np.testing.assert_array_equal(as_written.centres_px, other_order.centres_px)


@pytest.mark.parametrize("spot_um", [55, 65])
def test_scale_is_that_of_the_pitch_and_the_diameter_that_of_the_file(tmp_path, spot_um):
    positions = visium_positions(30, 30, mpp=1.161)
    truth = read_truth(
        write_visium(tmp_path / "S", positions, mpp=1.161, spot_diameter_fullres=spot_um / 1.161)
    )
    assert truth.mpp == pytest.approx(1.161, rel=1e-3) and truth.spot_um == pytest.approx(spot_um, rel=1e-3)


def test_the_section_may_be_in_a_folder_outs(tmp_path):
    (tmp_path / "S7").mkdir()
    write_visium(tmp_path / "S7" / "outs")
    assert read_truth(tmp_path / "S7").name == read_truth(tmp_path / "S7" / "outs").name == "S7"


def test_all_files_may_be_side_by_side(tmp_path):
    whole = write_visium(tmp_path / "S", matrix="none")
    for file in list((whole / "spatial").iterdir()):
        file.rename(whole / file.name)
    write_tenx_folder(whole, make_counts(32), visium_positions()["barcode"][:32], list("ABCD"))
    np.testing.assert_array_equal(read_truth(whole).counts.toarray(), make_counts(32))


def test_a_raw_matrix_gives_the_spots_under_the_tissue(tmp_path):
    folder = write_visium(tmp_path / "S", matrix="none")
    barcodes = list(visium_positions()["barcode"])[::-1]
    write_tenx_h5(folder / "raw_feature_bc_matrix.h5", make_counts(36), barcodes, list("ABCD"))
    np.testing.assert_array_equal(read_truth(folder).counts.toarray(), make_counts(36)[:3:-1])


def test_features_that_are_no_genes_are_left_out_and_symbols_that_repeat_are_summed(tmp_path):
    folder, counts = write_visium(tmp_path / "S"), make_counts(32, 4)
    kinds = ["Gene Expression", "Antibody Capture", "Gene Expression", "Gene Expression"]
    write_tenx_h5(
        folder / FILTERED, counts, visium_positions()["barcode"][:32], ["A", "CD3", "B", "A"], kinds
    )
    truth = read_truth(folder)
    assert truth.genes == ("A", "B")
    np.testing.assert_array_equal(truth.gene("A"), counts[:, 0] + counts[:, 3])
    np.testing.assert_array_equal(truth.gene("B"), counts[:, 2])
    reasons = [step.reason for step in truth.flow]
    assert "the others are Antibody Capture" in reasons
    assert "1 symbol was duplicated (A): their counts are summed" in reasons


def test_spots_without_counts_are_counted(tmp_path):
    folder = write_visium(tmp_path / "S")
    barcodes = [*visium_positions()["barcode"][:30], "X-1"]
    write_tenx_h5(folder / FILTERED, make_counts(31), barcodes, list("ABCD"))
    truth = read_truth(folder)
    assert truth.n == 30
    assert [tuple(step)[1:] for step in truth.flow][1:] == [
        (32, 30, "2 spots with a place but no counts"),
        (31, 30, "1 spot with counts but no place"),
    ]


@pytest.mark.parametrize(("n", "question"), [(32, ""), (31, "; are both of this section?")])
def test_counts_of_many_more_spots_are_doubted_unless_all_places_have_counts(tmp_path, n, question):
    folder = write_visium(tmp_path / "S")
    barcodes = [*visium_positions()["barcode"][:n], *(f"X{i}-1" for i in range(40))]
    write_tenx_h5(folder / FILTERED, make_counts(n + 40), barcodes, list("ABCD"))
    truth = read_truth(folder)
    assert truth.n == n
    assert truth.flow.to_frame()["reason"].iloc[-1] == f"40 spots with counts but no place{question}"


def test_programmes_stand_in_for_counts(tmp_path):
    folder = write_visium(tmp_path / "S", matrix="none")
    table = pd.DataFrame(
        {"": range(3), "barcodes": visium_positions()["barcode"][2::-1], "OPC": [0.3, 0.2, 0.1]}
    )
    table.to_csv(folder / "programmes.csv", index=False)
    truth = read_truth(folder)
    assert truth.counts is None and truth.n == 3 and list(truth.programmes) == ["OPC"]
    np.testing.assert_array_equal(truth.programmes["OPC"], [0.1, 0.2, 0.3])


def test_the_size_of_the_image_is_known_from_its_reductions(tmp_path):
    folder = write_visium(tmp_path / "S")
    write_image(folder / "spatial" / "tissue_hires_image.png", (240, 180))
    write_image(folder / "spatial" / "tissue_lowres_image.png", (72, 54))
    assert read_truth(folder).image_size == (2400, 1800)


def test_files_may_have_a_prefix_but_not_two(tmp_path):
    folder = write_visium(tmp_path / "S")
    whole = read_truth(folder)
    for file in [*folder.glob("*.h5"), *(folder / "spatial").iterdir()]:
        file.rename(folder / f"GSM1_{file.name}")
    np.testing.assert_array_equal(read_truth(folder).counts.toarray(), whole.counts.toarray())
    (folder / f"GSM2_{FILTERED}").write_bytes((folder / f"GSM1_{FILTERED}").read_bytes())
    with pytest.raises(InputError, match="the folder holds several sections: GSM1_filtered"):
        read_truth(folder)


def in_file(name, text):
    return lambda folder: (folder / name).write_text(text)


def positions_as(change):
    return lambda folder: write_positions(folder / "spatial", change(visium_positions()))


BAD = [
    (in_file("spatial/tissue_positions.csv", "\n"), "the file is empty"),
    (in_file("spatial/tissue_positions.csv", "a" * 200_000), "the positions cannot be read"),
    (in_file("spatial/scalefactors_json.json", "{"), "the scale factors cannot be read"),
    (in_file("spatial/scalefactors_json.json", "[1]"), "the scale factors cannot be read"),
    (in_file("spatial/scalefactors_json.json", '{"spot_diameter_fullres": 999}'), "those of another image: a spot"),
    (lambda folder: (folder / "spatial" / "scalefactors_json.json").unlink(), "the scale factors are missing"),
    (lambda folder: write_image(folder / "spatial/tissue_hires_image.png", (50, 50)), "32 of 32 spots are off the"),
    (in_file("spatial/tissue_hires_image.png", "no image"), "not an image that can be read"),
    (in_file(FILTERED, "not HDF5"), "not a readable matrix of 10x"),
    (in_file("spatial/tissue_positions.csv", "a,1\n"), "a row has 2 fields where 6 are needed"),
    (positions_as(lambda p: p.assign(in_tissue=0)), "the section is empty"),
    (positions_as(lambda p: p.iloc[[0, 0, *range(35)]]), "1 spot is duplicated: AAAC0000-1"),
    (positions_as(lambda p: p.assign(barcode="x" + p["barcode"])), "no spot has both counts and a place"),
    (positions_as(lambda p: p.assign(pxl_row_in_fullres="?")), "position of 36 spots is not a number"),
    (positions_as(lambda p: p.assign(array_row=p["array_row"] * 2)), "not on the hexagonal lattice"),
    (positions_as(lambda p: p.assign(array_col=p["array_col"].sample(frac=1, random_state=0).to_numpy())), "hexagonal"),
    (positions_as(lambda p: p.iloc[:3]), "too few"),
    (positions_as(lambda p: p.drop(columns="array_col")), "no column 'array_col'"),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "words"), BAD, ids=[words for _, words in BAD])
def test_a_folder_that_cannot_be_right_is_refused(tmp_path, spoil, words):
    folder = write_visium(tmp_path / "S")
    spoil(folder)
    with pytest.raises(InputError, match=words) as error:
        read_truth(folder)
    assert str(tmp_path) in error.value.where


def test_scale_factors_that_two_images_contradict_are_refused(tmp_path):
    folder = write_visium(tmp_path / "S")
    write_image(folder / "spatial" / "tissue_hires_image.png", (240, 180))
    write_image(folder / "spatial" / "tissue_lowres_image.png", (80, 60))
    with pytest.raises(InputError, match="scale factors are those of another image: by tissue_hires_image"):
        read_truth(folder)


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        (np.full((32, 4), -1), "128 values are not counts"),
        (np.full((32, 4), 0.5), "128 values are not counts"),
        (np.full((32, 4), np.nan), "128 values are not counts"),
        (np.zeros((32, 4)), "nothing was counted on any spot"),
        (make_counts(32, 5), "the matrix has 5 × 32 values, but there are 4 features and 32 barcodes"),
    ],
)
def test_values_that_are_no_counts_are_refused(tmp_path, counts, words):
    folder = write_visium(tmp_path / "S", counts=counts)
    with pytest.raises(InputError, match=words):
        read_truth(folder)


@pytest.mark.parametrize("part", ["matrix.mtx.gz", "features.tsv.gz", "barcodes.tsv.gz"])
def test_a_truncated_part_of_a_matrix_is_refused(tmp_path, part):
    folder = write_visium(tmp_path / "S", matrix="mtx")
    path = folder / "filtered_feature_bc_matrix" / part
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(InputError, match="truncated"):
        read_truth(folder)


def test_a_missing_part_of_a_matrix_is_named(tmp_path):
    folder = write_visium(tmp_path / "S", matrix="mtx")
    (folder / "filtered_feature_bc_matrix" / "barcodes.tsv.gz").unlink()
    with pytest.raises(InputError, match=r"barcodes\.tsv\.gz is missing"):
        read_truth(folder)


def test_bins_of_visium_hd_are_refused(tmp_path):
    (tmp_path / "binned_outputs" / "square_008um").mkdir(parents=True)
    with pytest.raises(InputError, match="Visium HD has bins"):
        read_truth(tmp_path)


def test_a_folder_without_counts_and_scores_is_refused(tmp_path):
    with pytest.raises(InputError, match="neither counts nor programmes") as error:
        read_truth(write_visium(tmp_path / "S", matrix="none"))
    assert "--programmes" in error.value.fix


def test_swapped_pixels_are_found_by_the_lattice(tmp_path):
    positions = visium_positions()
    pixels = ["pxl_row_in_fullres", "pxl_col_in_fullres"]
    right = read_truth(write_visium(tmp_path / "right", positions))
    positions[pixels] = positions[pixels[::-1]].to_numpy()
    folder = write_visium(tmp_path / "S", positions)
    with pytest.raises(InputError, match="seem to be swapped"):
        read_truth(folder)
    np.testing.assert_array_equal(read_truth(folder, swap_xy=True).centres_px, right.centres_px)


def test_a_gzipped_list_of_positions_is_read(tmp_path):
    folder = write_visium(tmp_path / "S", layout="tissue_positions_list.csv")
    plain = folder / "spatial" / "tissue_positions_list.csv"
    plain.with_name(f"{plain.name}.gz").write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    assert read_truth(folder).n == 32


def test_an_unknown_diameter_stays_unknown(tmp_path):
    folder = write_visium(tmp_path / "S")
    (folder / "spatial" / "scalefactors_json.json").write_text(json.dumps({"tissue_hires_scalef": 0.1}))
    assert read_truth(folder).spot_um == 0


@pytest.mark.parametrize("factors", [{"tissue_hires_scalef": 0.1}, {"spot_diameter_fullres": -65}])
def test_an_unknown_diameter_is_said(tmp_path, factors):
    folder = write_visium(tmp_path / "S")
    (folder / "spatial" / "scalefactors_json.json").write_text(json.dumps(factors))
    assert "no diameter of spots above 0" in read_truth(folder).notes[0]


@pytest.mark.parametrize("names", ["column", "untitled", "after row numbers"])
def test_positions_that_r_wrote_are_read(tmp_path, names):
    positions = visium_positions()
    right = read_truth(write_visium(tmp_path / "right", positions))
    folder = write_visium(tmp_path / "S", positions)
    tables = {
        "column": positions,
        "untitled": positions.rename(columns={"barcode": ""}),
        "after row numbers": positions.reset_index().rename(columns={"index": ""}),
    }
    path = folder / "spatial" / "tissue_positions.csv"
    tables[names].to_csv(path, index=False, quoting=csv.QUOTE_ALL)
    truth = read_truth(folder)
    assert truth.spots == right.spots
    np.testing.assert_array_equal(truth.centres_px, right.centres_px)


@pytest.mark.parametrize("part", ["features.tsv.gz", "barcodes.tsv.gz"])
def test_an_empty_last_line_is_no_row(tmp_path, part):
    folder = write_visium(tmp_path / "S", matrix="mtx")
    path = folder / "filtered_feature_bc_matrix" / part
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()) + b"\n\n"))
    np.testing.assert_array_equal(read_truth(folder).counts.toarray(), make_counts(32))


def test_a_fraction_is_refused_with_its_file(tmp_path):
    folder = write_visium(tmp_path / "S", matrix="mtx", counts=np.full((32, 4), 0.5))
    with pytest.raises(InputError, match="not counts") as error:
        read_truth(folder)
    assert "matrix.mtx.gz, first at gene A" in error.value.where
