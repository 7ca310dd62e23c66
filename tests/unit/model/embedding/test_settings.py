"""Settings of outputs: compared in words."""

from __future__ import annotations

import numpy as np
import pytest

from sequoia_model.embedding._settings import differences, encoder_settings, only_more_tiles
from sequoia_model.types.bag import EncoderId

VECTOR = np.random.default_rng(0).normal(size=64).astype(np.float32)


def embedded(vector=VECTOR, **changes):
    return {"made_by": "embed", "seed": 0} | encoder_settings(EncoderId("tiny", fingerprint=vector)) | changes


def test_the_same_settings_do_not_differ():
    assert differences(embedded(), embedded()) == []


def test_last_digits_of_a_fingerprint_do_not_count_as_a_difference():
    assert differences(embedded(), embedded(VECTOR + np.float32(1e-3))) == []


def test_another_fingerprint_is_one():
    assert differences(embedded(), embedded(VECTOR[::-1].copy())) == ["the encoder has different weights"]


def test_differences_are_reported_in_words():
    told = differences(embedded(max_tiles=None), embedded(seed=1, annotation="0123", max_tiles=4))
    assert told == [
        "seed is 0, not 1",
        "content of the annotation is none, not 0123",
        "tile limit is none, not 4",
    ]


def test_classes_and_ink_are_reported_in_words():
    made = embedded() | {"annotation_class": ["Tumor", "Stroma"], "keep_ink": None}
    told = differences(made, embedded() | {"annotation_class": ["Tumor"], "keep_ink": True})
    assert told == ["class of the annotation is Tumor and Stroma, not Tumor", "ink is left out, not kept"]


def test_another_command_is_the_one_difference_that_counts():
    assert differences(embedded(), {"made_by": "tile", "seed": 1}) == ["command is embed, not tile"]


@pytest.mark.parametrize(
    ("made", "wanted", "more"),
    [(40, 50, True), (40, None, True), (50, 40, False), (None, 50, False), (4, 4, False)],
)
def test_more_tiles_are_told_from_fewer(made, wanted, more):
    assert only_more_tiles(embedded(max_tiles=made), embedded(max_tiles=wanted)) == more


def test_more_tiles_with_another_seed_are_not_only_more():
    assert not only_more_tiles(embedded(max_tiles=4), embedded(max_tiles=5, seed=1))
