"""Slides of a folder beside other processes, and errors in the middle of one."""

from __future__ import annotations

import errno
import json
import os

import h5py
import numpy as np
import pytest

from sequoia_base.runs import RunFolder
from sequoia_model import encoders
from sequoia_model.embedding import embed_folder
from sequoia_model.errors import Failure, InputError
from sequoia_model.feature_files import read
from sequoia_model.tiles import TileOptions
from tests.build.features import assert_same_bag
from tests.build.runs import TinyEncoder, state_of, write_slides
from tests.build.slides import write_slide


@pytest.fixture
def slides(tmp_path):
    return write_slides(tmp_path / "slides", 2)


def embed(slides, encoder=None, force=False, **options):
    return embed_folder(
        slides, slides.parent / "out", TileOptions(**options), encoder=encoder or TinyEncoder(), force=force
    )


def with_another(monkeypatch, slides, **options):
    """A run during which another one goes through the whole folder."""
    free = RunFolder.free

    def turns(folder, names):
        monkeypatch.setattr(RunFolder, "free", free)
        embed(slides, **options)
        yield from free(folder, names)

    monkeypatch.setattr(RunFolder, "free", turns)
    return embed(slides, **options)


def test_slides_that_another_process_has_just_forced_are_not_done_again(monkeypatch, slides):
    embed(slides)
    done = with_another(monkeypatch, slides, force=True)
    assert done.counts == {"done": 0, "already_done": 2, "failed": 0}
    assert [slide.attempts for slide in done.slides] == [2, 2]


def test_nor_are_those_that_have_just_failed(monkeypatch, slides):
    write_slide(slides / "S00.tif", np.full((512, 512, 3), 255, dtype=np.uint8))
    done = with_another(monkeypatch, slides)
    assert done.counts == {"done": 0, "already_done": 1, "failed": 1}
    assert [slide.attempts for slide in done.slides] == [1, 1]
    assert "no tile" in done.failed[0].reason


def test_an_unfinished_slide_with_other_settings_is_done_with_the_new_ones(slides):
    with pytest.raises(KeyboardInterrupt):
        embed(slides, Failing(KeyboardInterrupt()), seed=1)
    assert embed(slides, seed=2).counts["done"] == 2
    assert state_of(slides.parent / "out")["made"]["seed"] == 2


class Failing(TinyEncoder):
    """Raises an error once."""

    def __init__(self, error):
        super().__init__()
        self.errors = [error]

    def __call__(self, batch):
        if self.errors:
            raise self.errors.pop()
        return super().__call__(batch)


ERRORS = {
    "memory": (MemoryError(), "there is not enough memory"),
    "input": (InputError("odd values", where="row 3", fix="look"), "odd values: row 3; look"),
    "disk": (OSError(errno.EIO, os.strerror(errno.EIO)), "Input/output error"),
}


@pytest.mark.parametrize(("error", "reason"), ERRORS.values(), ids=ERRORS)
def test_a_slide_that_fails_in_the_middle_is_reported_and_the_rest_is_done(slides, error, reason):
    done = embed(slides, Failing(error))
    assert done.counts == {"done": 1, "already_done": 0, "failed": 1}
    assert (done.failed[0].file, done.failed[0].reason) == (str(slides / "S00.tif"), reason)
    assert sorted(os.listdir(slides.parent / "out")) == [".runs", "S01.h5", "runs.csv"]


def test_an_error_that_nobody_foresaw_ends_one_slide_and_its_traceback_is_kept(slides):
    done = embed(slides, Failing(ZeroDivisionError("0")))
    log = slides.parent / "out" / "runs.log"
    assert done.counts == {"done": 1, "already_done": 0, "failed": 1}
    assert done.failed[0].failure.what == "unforeseen error: ZeroDivisionError: 0"
    assert str(log) in done.failed[0].reason
    assert "S00" in log.read_text() and "in __call__" in log.read_text()


def test_a_slide_whose_output_was_lost_after_a_failed_force_is_done_again(slides):
    embed(slides)
    embed(slides, Failing(MemoryError()), force=True)
    assert state_of(slides.parent / "out")["state"] == "failed"
    assert [slide.attempts for slide in embed(slides).slides] == [3, 2]


def test_what_is_done_stays_done_where_its_annotation_is_gone(slides, tmp_path):
    embed(slides)
    (tmp_path / "marks").mkdir()
    done = embed(slides, annotation=tmp_path / "marks")
    assert done.counts["failed"] == 2 and state_of(tmp_path / "out")["state"] == "done"


def test_a_failure_keeps_its_parts(slides):
    [failed] = embed(slides, Failing(InputError("odd values", where="row 3", fix="look"))).failed
    parts = {"reason": "odd values: row 3; look", "what": "odd values", "where": "row 3", "fix": "look"}
    assert failed.to_dict().items() >= parts.items()
    assert failed.failure == Failure("S00", str(slides / "S00.tif"), "odd values", "row 3", "look")
    assert state_of(slides.parent / "out")["failure"]["fix"] == "look"


# --- more tiles than before ------------------------------------------------------------------------------------------


def bag_of(slides, name="S00"):
    return read(slides.parent / "out" / f"{name}.h5")


@pytest.mark.parametrize("more", [9, None])
def test_only_tiles_that_were_not_tried_before_are_embedded(slides, more):
    embed(slides, max_tiles=5)
    encoder = TinyEncoder()
    done = embed(slides, encoder, max_tiles=more)
    n = more or 12
    assert sum(shape[0] for shape in encoder.batches) == 2 * (n - 5) == done.tiles
    assert [(slide.tiles, slide.attempts, slide.computed) for slide in done.slides] == [(n, 2, True)] * 2
    assert done.slides[0].note.startswith("completed: 5 tiles of an earlier run kept")


@pytest.mark.parametrize("more", [9, None])
def test_a_completed_file_is_that_of_all_tiles_at_once(slides, more):
    embed(slides, max_tiles=5)
    embed(slides, max_tiles=more)
    completed = bag_of(slides)
    embed(slides, max_tiles=more, force=True)
    wanted = bag_of(slides)
    for name in ("coords", "features", "cluster_features"):
        np.testing.assert_array_equal(getattr(completed, name), getattr(wanted, name), err_msg=name)
    assert completed.geometry == wanted.geometry
    assert sorted(completed.tried.tolist()) == sorted(wanted.tried.tolist())


def test_fewer_tiles_are_other_settings(slides):
    embed(slides)
    done = embed(slides, max_tiles=5)
    assert done.counts["failed"] == 2 and "tile limit is 4000, not 5" in done.failed[0].reason


def test_more_tiles_of_another_seed_are_other_settings(slides):
    embed(slides, max_tiles=5)
    assert "seed is 0, not 1" in embed(slides, max_tiles=6, seed=1).failed[0].reason


@pytest.mark.parametrize(
    ("attribute", "value", "words"),
    [
        ("encoder", "uni", "another encoder"),
        ("seed", 3, "chosen otherwise"),
        ("rule", "published-code", "chosen otherwise"),
    ],
)
def test_a_file_that_was_replaced_is_not_continued(slides, attribute, value, words):
    embed(slides, max_tiles=5)
    with h5py.File(slides.parent / "out" / "S00.h5", "a") as file:
        file.attrs[attribute] = value
    encoder = TinyEncoder()
    first = embed(slides, encoder, max_tiles=None).slides[0]
    assert first.note.startswith("embedded again") and words in first.note
    assert bag_of(slides).n_tiles == 12


def without_tried(slides, **attributes):
    """The file of a slide, as older versions wrote it."""
    with h5py.File(slides.parent / "out" / "S00.h5", "a") as file:
        del file["tried"]
        file.attrs.update(attributes)


@pytest.mark.parametrize("more", [9, None])
def test_a_file_that_does_not_say_what_was_tried_is_completed(slides, more):
    embed(slides, max_tiles=5)
    without_tried(slides)
    encoder = TinyEncoder()
    first = embed(slides, encoder, max_tiles=more).slides[0]
    assert first.note.startswith("completed: 5 tiles of an earlier run kept")
    assert sum(shape[0] for shape in encoder.batches) == 2 * ((more or 12) - 5)
    completed = bag_of(slides)
    embed(slides, max_tiles=more, force=True)
    assert_same_bag(completed, bag_of(slides), but=("tried",))


def test_a_file_whose_tiles_are_not_those_drawn_first_is_made_again(slides):
    embed(slides, max_tiles=5)
    coords = bag_of(slides).coords
    embed(slides, max_tiles=5, seed=1, force=True)
    assert coords.tolist() != bag_of(slides).coords.tolist()
    without_tried(slides, seed=0)
    made = slides.parent / "out" / ".runs" / "S00.json"
    made.write_text(made.read_text().replace('"seed": 1', '"seed": 0'))
    first = embed(slides, max_tiles=None).slides[0]
    assert (
        first.note.startswith("embedded again, because the earlier file does not say") and first.tiles == 12
    )


def test_a_file_that_cannot_be_read_is_made_again(slides):
    embed(slides, max_tiles=5)
    (slides.parent / "out" / "S00.h5").write_bytes(b"broken")
    assert "embedded again" in embed(slides, max_tiles=None).slides[0].note and bag_of(slides).n_tiles == 12


# --- what a finished folder needs ------------------------------------------------------------------------------------


@pytest.fixture
def loads(monkeypatch):
    """Names of the encoders that were loaded; the identity of "tiny" is known without loading."""
    made, loaded = TinyEncoder(), []
    monkeypatch.setattr(encoders, "known_id", lambda name: made.id if name == "tiny" else None)
    monkeypatch.setattr(
        encoders, "get_encoder", lambda name, device: loaded.append(name) or made, raising=False
    )
    return loaded


def test_a_finished_folder_needs_no_encoder(slides, loads):
    embed(slides, "tiny")
    assert embed(slides, "tiny").counts["already_done"] == 2 and loads == ["tiny"]


def test_an_unfinished_folder_loads_it_once(slides, loads):
    embed(slides, "tiny")
    (slides.parent / "out" / "S01.h5").unlink()
    assert embed(slides, "tiny").counts == {"done": 1, "already_done": 1, "failed": 0}
    assert loads == ["tiny"] * 2


def test_an_encoder_of_unknown_identity_is_always_loaded(slides, loads):
    embed(slides, "other")
    assert embed(slides, "other").counts["already_done"] == 2 and loads == ["other"] * 2


def test_states_of_version_0_1_are_read(slides):
    embed(slides)
    path = slides.parent / "out" / ".runs" / "S00.json"
    state = json.loads(path.read_text())
    old = {
        name: state[name]
        for name in ("state", "attempts", "seconds", "settings", "made", "outputs", "settled")
    }
    left_out = state["details"]["left_out"]
    path.write_text(
        json.dumps(
            {"slide": "S00", "tiles": 12, "reason": "a note", "details": {"left_out": left_out}, **old}
        )
    )
    first = embed(slides).slides[0]
    assert (first.computed, first.tiles, first.reason, first.left_out) == (False, 12, "a note", left_out)
