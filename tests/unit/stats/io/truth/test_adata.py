"""Sections in h5ad files, of any tool and of HEST-1k."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sequoia_stats.errors import InputError
from sequoia_stats.io import read_truth
from tests.build.damaged import write_damaged
from tests.build.truth import hexagonal_places, lattice_places, make_counts, make_spots_adata, write_hest

HER2ST = Path(__file__).parents[5] / "analyses" / "data" / "her2st" / "spots.h5ad"


def write(adata, folder, name="mine"):
    adata.write_h5ad(path := folder / f"{name}.h5ad")
    return path


def hexagonal(mpp=0.5):
    """An AnnData as scanpy reads a folder of Visium."""
    places = hexagonal_places()
    adata = make_spots_adata(6, 6)
    adata.obs["array_col"], adata.obs["array_row"] = places.T
    adata.obsm["spatial"] = places * [50, 50 * 3**0.5] / mpp
    adata.uns["spatial"] = {"S": {"scalefactors": {"spot_diameter_fullres": 65 / mpp}}}
    return adata


def test_a_section_has_the_counts_and_centres_of_the_file(tmp_path):
    adata = make_spots_adata()
    truth = read_truth(write(adata, tmp_path), mpp=0.5, pitch=200, spot_um=100)
    np.testing.assert_array_equal(truth.counts.toarray(), adata.X.toarray())
    np.testing.assert_array_equal(truth.centres_px, adata.obsm["spatial"])
    np.testing.assert_array_equal(truth.totals, make_counts(30).sum(axis=1))
    assert (truth.name, truth.platform, truth.pitch_um, truth.spot_um) == ("mine", "anndata", 200, 100)


@pytest.mark.parametrize("section", ["C2", "C5"])
def test_the_sections_of_her2st_are_read(section):
    truth = read_truth(HER2ST, section=section, mpp=0.688, pitch=200, spot_um=100)
    assert (truth.n, len(truth.genes), truth.name) == ({"C2": 187, "C5": 181}[section], 2000, section)
    assert truth.spots[0].startswith(section)
    assert (truth.totals >= truth.counts_of(truth.genes).sum(axis=1)).all() and truth.totals.sum() > 1e5


def test_the_first_spot_of_her2st_has_its_measured_values():
    truth = read_truth(HER2ST, section="C2", mpp=0.688)
    assert truth.spots[0] == "C2_25x13" and truth.totals[0] == 2789
    np.testing.assert_allclose(truth.centres_um[0], [6930.58 * 0.688, 3510.24 * 0.688])


def test_the_places_on_the_array_of_her2st_give_its_scale():
    assert read_truth(HER2ST, section="C2", pitch=200).mpp == pytest.approx(0.688, rel=0.003)


@pytest.mark.parametrize("key", ["mpp", "microns_per_pixel"])
def test_the_scale_may_be_stated_among_the_scale_factors(tmp_path, key):
    adata = make_spots_adata()
    adata.uns["spatial"] = {"S": {"scalefactors": {key: 0.5, "spot_diameter_fullres": 200.0}}}
    truth = read_truth(write(adata, tmp_path))
    assert (truth.mpp, truth.spot_um) == (0.5, 100)


def test_the_hexagonal_lattice_of_visium_gives_the_scale(tmp_path):
    truth = read_truth(write(hexagonal(1.161), tmp_path))
    assert truth.mpp == pytest.approx(1.161) and truth.spot_um == pytest.approx(65) and truth.pitch_um == 100


def test_coordinates_in_micrometres_become_pixels(tmp_path):
    adata = make_spots_adata()
    adata.uns["mpp"], in_px = 0.5, adata.obsm["spatial"].copy()
    adata.obsm["spatial"] = in_px * 0.5
    np.testing.assert_allclose(read_truth(write(adata, tmp_path), coords_unit="um").centres_px, in_px)


@pytest.mark.parametrize(
    ("stated", "mpp"), [({}, 0.5), ({"mpp": 0.5}, 0.51), ({"mpp": 0.5, "pixel_size": 0.7}, 0.7)]
)
def test_micrometres_stay_as_they_are_whatever_the_scale(stated, mpp):
    adata = make_spots_adata()
    adata.uns.update(stated)
    truth = read_truth(adata, coords_unit="um", mpp=mpp)
    np.testing.assert_allclose(truth.centres_um, adata.obsm["spatial"])
    assert truth.mpp == mpp


def test_micrometres_are_compared_with_the_image_in_its_pixels():
    adata = make_spots_adata()
    library = {"scalefactors": {"tissue_hires_scalef": 0.1}, "images": {"hires": np.zeros((250, 300, 3))}}
    adata.uns["spatial"] = {"S": library}
    adata.obsm["spatial"] = adata.obsm["spatial"] * 0.5
    assert read_truth(adata, coords_unit="um", mpp=0.5).image_size == (3000, 2500)
    with pytest.raises(InputError, match="off the image of 3,000 × 2,500"):
        read_truth(adata, coords_unit="um", mpp=0.25)


def test_swapped_axes_are_found_without_a_pitch():
    adata = make_spots_adata()
    adata.obs["y"], adata.obs["x"] = lattice_places().T
    with pytest.raises(InputError, match="x and y seem to be swapped"):
        read_truth(adata, mpp=0.5)
    assert read_truth(adata, mpp=0.5, swap_xy=False).n == 30


def test_a_given_scale_by_which_spots_are_oddly_far_apart_is_said():
    notes = read_truth(HER2ST, section="C2", mpp=1.0).notes
    assert notes[-1] == "Neighbouring spots are 290.3 µm apart, not 100 or 200: is the scale right?"
    assert len(read_truth(HER2ST, section="C2", mpp=0.688).notes) == 1


@pytest.mark.parametrize("apart", [8, 25, 50, 150])
@pytest.mark.parametrize(
    ("unit", "question"), [("px", "is the scale right"), ("um", "are coordinates in µm")]
)
def test_arrays_of_any_pitch_are_read_with_a_note(apart, unit, question):
    adata = make_spots_adata()
    adata.obs["array_col"], adata.obs["array_row"] = lattice_places().T
    adata.uns["mpp"], adata.obsm["spatial"] = 0.5, lattice_places() * (apart * (2.0 if unit == "px" else 1.0))
    truth = read_truth(adata, coords_unit=unit)
    assert truth.mpp == 0.5 and truth.pitch_um == 0
    assert truth.notes[-1] == f"Neighbouring spots are {apart} µm apart, not 100 or 200: {question}?"
    with pytest.raises(InputError, match="contradict"):
        read_truth(adata, coords_unit=unit, pitch=100)


@pytest.mark.parametrize("unit", [1, 4])
def test_whole_coordinates_are_no_places_on_an_array(unit):
    adata = make_spots_adata()
    adata.obs["x"], adata.obs["y"] = (adata.obsm["spatial"] / unit).T
    assert read_truth(adata, mpp=0.5, pitch=200).notes == ("0.5 µm per pixel, as given.",)


def test_a_scale_that_no_microscope_has_is_not_used_and_said():
    adata = make_spots_adata()
    adata.uns.update(mpp=50.0, pixel_size=0.5)
    truth = read_truth(adata)
    assert truth.mpp == 0.5
    assert truth.notes[0] == "uns['mpp'] says 50 µm per pixel, which no microscope has: not used."


@pytest.mark.parametrize(
    ("stated", "words"), [(50.0, "uns['mpp'] says 50"), ("0.5 um", "uns['mpp'] is '0.5 um'")]
)
def test_an_unknown_scale_is_refused_with_what_was_found(stated, words):
    adata = make_spots_adata()
    adata.uns["mpp"] = stated
    with pytest.raises(InputError) as error:
        read_truth(adata)
    assert words in error.value.where


def test_columns_of_coordinates_are_read_by_their_names():
    adata = make_spots_adata()
    right = adata.obsm["spatial"].copy()
    adata.obsm["spatial"] = pd.DataFrame(right[:, ::-1], adata.obs_names, ["Y", "X"])
    np.testing.assert_array_equal(read_truth(adata, mpp=0.5).centres_px, right)


def of_two_libraries():
    adata = make_spots_adata(section=["L1"] * 20 + ["L2"] * 10)
    adata.uns["spatial"] = {f"L{i}": {"scalefactors": {"mpp": i / 4}} for i in (1, 2)}
    return adata


def test_of_several_libraries_that_of_the_section_is_read():
    assert [read_truth(of_two_libraries(), section=name).mpp for name in ("L1", "L2")] == [0.25, 0.5]


def test_libraries_of_other_names_are_named():
    adata = of_two_libraries()
    adata.obs["section"] = "L3"
    with pytest.raises(InputError) as error:
        read_truth(adata)
    assert "uns['spatial'] has L1, L2, none of them called L3" in error.value.where


def test_a_layer_of_counts_comes_before_x(tmp_path):
    adata = make_spots_adata()
    adata.layers["counts"], adata.X = adata.X.copy(), np.log1p(adata.X.toarray())
    np.testing.assert_array_equal(read_truth(write(adata, tmp_path), mpp=1).counts.toarray(), make_counts(30))


def test_spots_off_the_tissue_are_left_out(tmp_path):
    truth = read_truth(write(make_spots_adata(in_tissue=[0] * 5 + [1] * 25), tmp_path), mpp=1)
    assert truth.n == 25 and truth.flow.to_frame().loc[0, "step"] == "spots: tissue"


def test_an_object_in_memory_is_read_as_its_file_is(tmp_path):
    adata = hexagonal()
    in_memory, in_file = read_truth(adata), read_truth(write(adata, tmp_path))
    np.testing.assert_array_equal(in_memory.counts.toarray(), in_file.counts.toarray())
    assert in_memory.mpp == in_file.mpp and in_memory.spots == in_file.spots
    with pytest.raises(InputError, match="--format visium is for files"):
        read_truth(adata, format="visium")


def test_symbols_may_be_in_a_column_of_var(tmp_path):
    adata = make_spots_adata()
    adata.var_names = [f"ENSG{i:011d}" for i in range(4)]
    adata.var["feature_name"] = ["A", "B", None, "A"]
    truth = read_truth(write(adata, tmp_path), mpp=1, gene_column="feature_name")
    assert truth.genes == ("A", "B")
    assert next(step.reason for step in truth.flow) == "the others have no name"
    named_by_ids = read_truth(write(adata, tmp_path), mpp=1)
    assert "Ensembl" in named_by_ids.flow.to_frame().loc[0, "reason"]


def test_sums_of_repeated_symbols_do_not_overflow(tmp_path):
    adata = make_spots_adata()
    adata.X, adata.var["symbol"] = np.full((30, 4), 200, np.uint8), ["A", "A", "A", "B"]
    truth = read_truth(write(adata, tmp_path), mpp=1, gene_column="symbol")
    np.testing.assert_array_equal(truth.counts.toarray(), np.tile([600, 200], (30, 1)))


def test_the_size_of_the_image_is_known_from_the_reductions_in_the_file(tmp_path):
    adata = hexagonal()
    library = adata.uns["spatial"]["S"]
    library["images"] = {"hires": np.zeros((240, 300, 3), np.uint8)}
    library["scalefactors"]["tissue_hires_scalef"] = 0.1
    assert read_truth(write(adata, tmp_path)).image_size == (3000, 2400)
    library["scalefactors"]["tissue_hires_scalef"] = 0.5
    with pytest.raises(InputError, match="off the image of 600 × 480"):
        read_truth(write(adata, tmp_path))


def with_spots_off(n, width=None):
    """An AnnData of 64 spots, of which `n` are off the image: from -3 px on, or beyond its right edge."""
    adata = make_spots_adata(8, 8)
    adata.obsm["spatial"][:n, 0] = -3.0 - np.arange(n) if width is None else width + 1.0 + np.arange(n)
    if width:
        library = {
            "scalefactors": {"tissue_hires_scalef": 0.1},
            "images": {"hires": np.zeros((width // 10,) * 2)},
        }
        adata.uns["spatial"] = {"S": library}
    return adata


@pytest.mark.parametrize(
    ("width", "where"), [(None, ": x or y is less than 0"), (4000, " of 4,000 × 4,000 pixels")]
)
def test_a_few_spots_off_the_image_are_left_out(width, where):
    adata = with_spots_off(3, width)
    truth = read_truth(adata, mpp=0.5)
    assert [tuple(step) for step in truth.flow] == [
        ("spots: image", 64, 61, f"3 spots are off the image{where}")
    ]
    np.testing.assert_array_equal(truth.centres_px, adata.obsm["spatial"][3:])
    np.testing.assert_array_equal(truth.totals, make_counts(64).sum(axis=1)[3:])
    with pytest.raises(InputError, match=f"4 of 64 spots are off the image{where}"):
        read_truth(with_spots_off(4, width), mpp=0.5)


def test_empty_spots_off_the_image_and_at_one_place_are_no_reason_to_refuse():
    adata = with_spots_off(9)
    adata.obsm["spatial"][:9] = -3.0
    adata.X = np.vstack([np.zeros((9, 4)), make_counts(64)[9:]])
    assert [step.step for step in read_truth(adata, mpp=0.5).flow] == ["spots: not empty"]


def test_few_spots_off_the_image_that_are_on_it_when_swapped_are_refused_until_axes_are_settled(tmp_path):
    path = write_hest(tmp_path, fullres_px_width=2100, fullres_px_height=2600)
    adata = make_spots_adata()
    centres = adata.obsm["spatial"]
    adata.obsm["spatial"] = np.where(centres[:, :1] > 2100, centres - [700, -100], centres)
    adata.obsm["spatial"][0] = [2150, 50]
    adata.write_h5ad(path)
    with pytest.raises(InputError, match="1 of 30 spots is off") as error:
        read_truth(path, mpp=0.5)
    assert "--no-swap-xy" in error.value.fix
    assert read_truth(path, mpp=0.5, swap_xy=False).n == 29


def without_places(adata):
    del adata.obsm["spatial"]


def three_axes(adata):
    adata.obsm["spatial"] = np.zeros((30, 3))


def no_number(adata):
    adata.obsm["spatial"][3, 0] = np.nan


def logarithms(adata):
    adata.X = np.log1p(adata.X.toarray())


def repeated_spot(adata):
    adata.obs_names = ["s1", *adata.obs_names[1:]]


def repeated_date(adata):
    adata.var_names = ["1-Mar", *adata.var_names[1:]]


def two_sections(adata):
    adata.obs["section"] = ["a"] * 10 + ["b"] * 20


def low_totals(adata):
    adata.obs["total_counts"] = 1


def contradiction(adata):
    adata.uns["mpp"], adata.uns["spatial"] = 0.5, {"S": {"scalefactors": {"mpp": 0.25}}}


def no_counts(adata):
    adata.X = np.zeros(adata.shape, np.float32)


def in_um_of_another_pitch(adata):
    adata.obs["x"], adata.obs["y"] = lattice_places().T
    adata.obsm["spatial"] = lattice_places() * 200.0


def two_at_one_place(adata):
    adata.obsm["spatial"][4] = adata.obsm["spatial"][20]


def all_at_one_place(adata):
    adata.obsm["spatial"][:] = 7.0


def left_of_the_image(adata):
    adata.obsm["spatial"] = adata.obsm["spatial"] - [500.0, 0.0]


def truth_of_booleans(adata):
    adata.X = adata.X.toarray() > 3


BAD = [
    (without_places, {}, "there are no coordinates"),
    (three_axes, {}, "two numbers a spot"),
    (no_number, {}, "centre of 1 spot is not a number"),
    (logarithms, {}, "values are not counts"),
    (repeated_spot, {}, "1 spot is duplicated: s1"),
    (repeated_date, {}, "1 gene name is a date"),
    (two_sections, {}, "the file holds several sections"),
    (two_sections, {"section": "c"}, "'c' is not a section"),
    (low_totals, {}, "30 of 30 spots have a total that is less"),
    (no_counts, {}, "nothing was counted"),
    (contradiction, {"mpp": None}, "what is known of the scale is contradictory"),
    (contradiction, {"mpp": 2.0}, "2 µm per pixel contradicts everything"),
    (lambda adata: None, {"mpp": None}, "the scale of the image is not known"),
    (lambda adata: None, {"mpp": -1}, "mpp must be from 0.05 to 20"),
    (lambda adata: None, {"gene_column": "x"}, "var has no column 'x'"),
    (lambda adata: None, {"layer": "x"}, "there is no layer 'x'"),
    (lambda adata: None, {"section": "C2"}, "obs has no column 'section'"),
    (lambda adata: None, {"mpp": 50}, "mpp must be from 0.05 to 20"),
    (lambda adata: None, {"coords_unit": "um", "mpp": None}, "the scale of the image is not known"),
    (in_um_of_another_pitch, {"coords_unit": "um", "pitch": 100}, "spots are 200 µm apart, not 100"),
    (two_at_one_place, {}, "2 of 30 spots are at the place of another one"),
    (all_at_one_place, {"pitch": 200}, "30 of 30 spots are at the place of another one"),
    (left_of_the_image, {}, "5 of 30 spots are off the image: x or y is less than 0"),
    (truth_of_booleans, {}, "true or false"),
    (lambda adata: None, {"coords_unit": "mm"}, "'mm' is not a valid coords_unit"),
    (lambda adata: None, {"pitch": 0}, "pitch must be more than 0"),
]


@pytest.mark.parametrize(("spoil", "options", "words"), BAD, ids=[words for *_, words in BAD])
def test_a_file_that_cannot_be_right_is_refused(tmp_path, spoil, options, words):
    spoil(adata := make_spots_adata())
    with pytest.raises(InputError, match=words):
        read_truth(write(adata, tmp_path), **{"mpp": 0.5, **options})


def test_a_contradiction_is_settled_by_a_scale_that_one_side_has(tmp_path):
    contradiction(adata := make_spots_adata())
    truth = read_truth(write(adata, tmp_path), mpp=0.25)
    assert truth.mpp == 0.25 and "uns['mpp'] says 0.5" in truth.notes[-1]


def test_a_file_at_which_the_library_crashes_is_refused(tmp_path):
    with pytest.raises(InputError):
        read_truth(write_damaged("crash_cohort", tmp_path / "a.h5ad"), mpp=1)


def test_a_section_of_hest_has_the_scale_and_sizes_of_its_metadata(tmp_path):
    truth = read_truth(write_hest(tmp_path, mpp=0.5))
    assert (truth.name, truth.platform, truth.mpp) == ("TENX95", "hest", 0.5)
    assert (truth.spot_um, truth.pitch_um, truth.image_size) == (100, 200, (3000, 2500))
    np.testing.assert_array_equal(truth.counts.toarray(), make_counts(30))


def test_metadata_may_lie_elsewhere_or_be_missing(tmp_path):
    path = write_hest(tmp_path)
    elsewhere = (tmp_path / "metadata" / "TENX95.json").rename(tmp_path / "about.json")
    assert read_truth(path, metadata=elsewhere).mpp == 0.5
    assert read_truth(path, mpp=0.4).notes[0] == "The file has no metadata beside it."
    with pytest.raises(InputError, match="the scale of the image is not known"):
        read_truth(path)


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ({"pixel_size_um_estimated": 0.9}, "spots are 360 µm apart, not 200"),
        ({"pixel_size_um_embedded": 0.25}, "what is known of the scale is contradictory"),
        ({"fullres_px_width": 1000}, "20 of 30 spots are off the image of 1,000 × 2,500 pixels"),
        ({"fullres_px_width": 2100, "fullres_px_height": 2600}, "off the image"),
    ],
)
def test_metadata_that_contradict_the_spots_are_refused(tmp_path, about, words):
    with pytest.raises(InputError, match=words):
        read_truth(write_hest(tmp_path, **about))


def test_the_pitch_of_the_metadata_and_a_square_array_give_a_scale(tmp_path):
    path = write_hest(tmp_path, pixel_size_um_estimated=0.56)
    adata = make_spots_adata()
    adata.obs["array_col"], adata.obs["array_row"] = lattice_places().T
    adata.write_h5ad(path)
    with pytest.raises(InputError, match="contradictory") as error:
        read_truth(path)
    assert "the pitch of 200 µm says 0.5" in error.value.where


def test_spots_that_are_on_the_image_when_swapped_hint_at_it(tmp_path):
    with pytest.raises(InputError) as error:
        read_truth(write_hest(tmp_path, fullres_px_width=2100, fullres_px_height=2600))
    assert "--swap-xy" in error.value.fix


def test_hest_pixels_in_obs_find_swapped_axes(tmp_path):
    path = write_hest(tmp_path, fullres_px_height=3000)
    adata = make_spots_adata()
    adata.obs["pxl_col_in_fullres"], adata.obs["pxl_row_in_fullres"] = adata.obsm["spatial"].T
    adata.obsm["spatial"] = adata.obsm["spatial"][:, ::-1].copy()
    adata.write_h5ad(path)
    with pytest.raises(InputError, match="seem to be swapped"):
        read_truth(path)


@pytest.mark.parametrize("text", ["{", "[]", "\x00"])
def test_metadata_that_cannot_be_read_are_refused(tmp_path, text):
    path = write_hest(tmp_path)
    (tmp_path / "metadata" / "TENX95.json").write_text(text)
    with pytest.raises(InputError):
        read_truth(path)


def test_metrics_beside_a_saved_section_are_read(tmp_path):
    path = write_hest(tmp_path)
    folder = tmp_path / "S9"
    folder.mkdir()
    path.rename(folder / "aligned_adata.h5ad")
    (folder / "metrics.json").write_text(json.dumps({"pixel_size_um_estimated": 0.3}))
    truth = read_truth(folder / "aligned_adata.h5ad")
    assert (truth.name, truth.mpp) == ("S9", 0.3)
