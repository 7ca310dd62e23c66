"""From files to what networks take: encoders, dimensions, clusters, and the order of results."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from sequoia_model.clusters import cluster_means
from sequoia_model.errors import InputError
from sequoia_model.targets.network_input import InputSpec, in_order, load_input
from sequoia_model.types.bag import EncoderId
from tests.build.features import (
    make_coords,
    make_features,
    write_clam,
    write_ours,
    write_sequoia,
    write_stamp,
    write_trident,
)

SPEC = InputSpec(input_dim=8, n_clusters=10, encoder="uni")


def make_weights(encoder="uni"):
    return SimpleNamespace(encoder=encoder, source="toy", input_dim=8, n_clusters=10)


def test_tiles_are_clustered_with_the_seed(tmp_path):
    path = write_ours(tmp_path / "a.h5", tiles=40)
    expected = cluster_means(make_features(40, 8), n_clusters=10, seed=3).means
    slide = load_input(path, InputSpec(8, 10, "uni", seed=3))
    np.testing.assert_array_equal(slide.means, expected)
    assert slide.notes.n_tiles == 40 and slide.notes.cluster_note == "" and not slide.notes.encoder_given


def test_means_that_the_file_holds_are_taken_as_they_are(tmp_path):
    path = write_sequoia(tmp_path / "BRCA" / "a" / "a.h5", tiles=40, clusters=10)
    slide = load_input(path, SPEC)
    np.testing.assert_array_equal(slide.means, make_features(10, 8, seed=1))
    assert slide.notes.cohort == "BRCA" and slide.notes.n_tiles == 40


def test_another_number_of_means_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds 9 cluster means, but the networks take 10"):
        load_input(write_sequoia(tmp_path / "a.h5", clusters=9), SPEC)


def test_few_tiles_are_noted(tmp_path):
    slide = load_input(write_ours(tmp_path / "a.h5", tiles=4), SPEC)
    assert slide.means.shape == (10, 8) and "fewer than 10 clusters" in slide.notes.cluster_note


def test_another_dimension_is_refused(tmp_path):
    with pytest.raises(InputError, match="the features have 6 columns, but the networks take 8"):
        load_input(write_ours(tmp_path / "a.h5", dim=6), SPEC)


@pytest.mark.parametrize("asserted", [False, True])
def test_features_of_another_encoder_are_refused_whatever_the_user_says(tmp_path, asserted):
    path = write_ours(tmp_path / "a.h5", encoder=EncoderId("resnet50"))
    with pytest.raises(InputError, match="the features are of resnet50, but the networks take those of uni"):
        load_input(path, InputSpec(8, 10, "uni", asserted))


def test_another_spelling_is_the_same_encoder(tmp_path):
    slide = load_input(write_ours(tmp_path / "a.h5", encoder=EncoderId("UNI_v1")), SPEC)
    assert not slide.notes.encoder_given


def test_a_file_that_names_none_needs_the_word_of_the_user(tmp_path):
    path = write_clam(tmp_path / "resnet50" / "a.h5", dim=8)
    with pytest.raises(InputError, match="the file does not name its encoder") as error:
        load_input(path, SPEC)
    assert "--encoder uni" in error.value.fix and "resnet50" in error.value.fix
    slide = load_input(path, InputSpec(8, 10, "uni", encoder_given=True))
    assert slide.notes.encoder_given and slide.notes.folder_encoder == "resnet50"


def test_what_a_user_said_when_the_file_was_written_is_still_their_word(tmp_path):
    path = write_ours(tmp_path / "a.h5", encoder=EncoderId("uni", asserted=True))
    assert load_input(path, SPEC).notes.encoder_given


def test_the_published_file_of_two_encoders_gives_the_wanted_one(tmp_path):
    path = write_sequoia(tmp_path / "a.h5", tiles=40, kinds=("uni", "resnet"), clusters=None)
    np.testing.assert_array_equal(
        load_input(path, SPEC).means, cluster_means(make_features(40, 8), n_clusters=10).means
    )


@pytest.mark.parametrize(
    ("mpp", "tile_size", "said"),
    [(0.5, 256, ""), (0.499, 256, ""), (None, 256, ""), (0.5, None, ""), (0.25, 512, "128 µm at 0.25 µm/px"),
     (0.5, 224, "112 µm at 0.5 µm/px"), (1.0, None, "1 µm/px")],
)  # fmt: skip
def test_tiles_of_another_size_are_noted(tmp_path, mpp, tile_size, said):
    path = write_ours(tmp_path / "a.h5", mpp=mpp, tile_size=tile_size)
    assert load_input(path, SPEC).notes.tile_scale == said


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({}, ""),
        ({"patch_size": 512, "patch_size_level0": 1024}, "256 µm at 20x"),
        ({"target_magnification": 10, "patch_size_level0": 1024}, "256 µm at 10x"),
        ({"target_magnification": "40x", "patch_size_level0": 256}, "64 µm at 40x"),
        ({"target_magnification": "None", "patch_size_level0": 1024}, "256 µm at 10x"),
        ({"overlap": 128}, "128 µm at 20x overlapping by 128 px"),
        ({"patch_size": 224, "patch_size_level0": 448}, "112 µm at 20x"),
        ({"mpp": 0.25}, "64 µm at 0.25 µm/px"),  # a scale in µm is better than a magnification
    ],
)
def test_what_trident_says_about_its_tiles_is_noted(tmp_path, attributes, said):
    path = write_trident(tmp_path / "a.h5", more=attributes)
    assert load_input(path, SPEC).notes.tile_scale == said


@pytest.mark.parametrize(
    ("mpp", "tile_size", "side"), [(0.5, 256, 128), (0.25, 512, 128), (0.5, None, None), (None, 256, None)]
)
def test_the_side_of_tiles_is_noted_where_it_is_known(tmp_path, mpp, tile_size, side):
    path = write_ours(tmp_path / "a.h5", mpp=mpp, tile_size=tile_size)
    assert load_input(path, SPEC).notes.tile_um == side


def test_tiles_of_published_files_are_128_um_wide(tmp_path):
    path = write_sequoia(tmp_path / "a.h5", tiles=40, clusters=10)
    assert load_input(path, SPEC).notes.tile_um == 128


BEFORE_2_1 = {"extractor": "mahmood-uni-77ffbca1", "unit": "um", "tile_size": 256.0}


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        (None, "256 µm at 1.143 µm/px"),
        (BEFORE_2_1, "256 µm"),
        (BEFORE_2_1 | {"tile_size": 128.0}, ""),
        (BEFORE_2_1 | {"tile_size_um": 112.0, "tile_size_px": 224}, "112 µm at 0.5 µm/px"),
        ({"extractor": "uni", "tile_size": 224}, "256 µm at 1.143 µm/px"),  # as STAMP's get_coords has it
        ({"extractor": "uni", "stamp_version": "2.0.0", "tile_size": 224.0}, "256 µm at 1.143 µm/px"),
        ({"extractor": "uni", "tile_size": 256}, ""),
        ({"extractor": "uni", "tile_size": 224, "unit": "px"}, ""),
        ({"extractor": "uni", "unit": "um"}, ""),
        ({"extractor": "uni"}, "256 µm at 1.143 µm/px"),  # by its steps of 224
    ],
)
def test_what_stamp_says_about_its_tiles_is_noted(tmp_path, attributes, said):
    path = write_stamp(tmp_path / "a.h5", attrs=attributes, coords=make_coords(side=224, dtype=np.float32))
    assert load_input(path, SPEC).notes.tile_scale == said


@pytest.mark.parametrize(
    ("write", "silent"),
    [(write_clam, True), (write_trident, False), (write_stamp, False), (write_sequoia, False)],
)
def test_files_that_say_nothing_about_the_size_of_tiles_are_told(tmp_path, write, silent):
    """The published files say nothing either, but their tiles are those of the published networks."""
    path = write(tmp_path / "a.h5", dim=8, tiles=40)
    spec = replace(SPEC, encoder_given=True, n_clusters=100 if write is write_sequoia else 10)
    assert load_input(path, spec).notes.no_scale == silent


def test_weights_and_user_name_the_encoder():
    assert InputSpec.of(make_weights(), None, 0).encoder_given is False
    assert InputSpec.of(make_weights(), "UNI_v1", 0).encoder == "uni"
    assert InputSpec.of(make_weights(None), "My_Own", 0) == InputSpec(8, 10, "my-own", True)


@pytest.mark.parametrize("nothing", [None, " "])
def test_weights_without_an_encoder_need_a_word(nothing):
    with pytest.raises(InputError, match="do not name the encoder") as error:
        InputSpec.of(make_weights(None), nothing, 0)
    assert "--encoder NAME" in error.value.fix


def test_another_word_than_that_of_the_weights_is_refused():
    with pytest.raises(InputError, match="the weights take features of uni, but --encoder is resnet50"):
        InputSpec.of(make_weights(), "ResNet50", 0)


@pytest.mark.parametrize("jobs", [1, 3])
def test_results_come_in_the_order_of_the_items(jobs):
    def work(item):
        time.sleep(0.002 * (item % 3))
        return -item

    assert list(in_order(range(20), work, jobs=jobs, ahead=5)) == [(i, -i) for i in range(20)]


def test_a_fault_of_the_program_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        list(in_order([1, 0], lambda item: 1 // item, jobs=1, ahead=2))


def test_no_more_is_read_than_can_wait():
    started = []
    results = in_order(range(100), started.append, jobs=2, ahead=6)
    next(results)
    time.sleep(0.05)
    assert len(started) <= 6
    results.close()


def test_who_stops_taking_stops_the_work():
    begun, second, gate = [], threading.Event(), threading.Event()

    def work(item):
        begun.append(item)
        if item:
            second.set()
            gate.wait(10)

    results = in_order(range(100), work, jobs=1, ahead=50)
    next(results)
    assert second.wait(10)
    threading.Timer(0.05, gate.set).start()
    results.close()
    assert begun == [0, 1]
