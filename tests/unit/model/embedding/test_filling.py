"""Slides of a folder beside other processes, and errors in the middle of one."""

from __future__ import annotations

import errno
import os

import numpy as np
import pytest

from sequoia_base.runs import in_turn
from sequoia_model.embedding import embed_folder, filling
from sequoia_model.errors import InputError
from sequoia_model.tiles import TileOptions
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
    """A run that sees, once it has begun, another one go through the whole folder."""

    def turns(folder, names):
        monkeypatch.setattr(filling, "in_turn", in_turn)
        embed(slides, **options)
        yield from in_turn(folder, names)

    monkeypatch.setattr(filling, "in_turn", turns)
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


def test_a_slide_that_was_not_finished_otherwise_is_done_as_it_is_asked_for_now(slides):
    with pytest.raises(ZeroDivisionError):
        embed(slides, Failing(ZeroDivisionError("0")), seed=1)
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
    "memory": (MemoryError(), "there is not enough memory: {slide}"),
    "input": (InputError("odd values", where="row 3", fix="look"), "odd values: {slide}, row 3; look"),
    "disk": (OSError(errno.EIO, os.strerror(errno.EIO)), "Input/output error: {slide}"),
}


@pytest.mark.parametrize(("error", "reason"), ERRORS.values(), ids=ERRORS)
def test_a_slide_that_fails_in_the_middle_is_told_and_the_rest_is_done(slides, error, reason):
    done = embed(slides, Failing(error))
    assert done.counts == {"done": 1, "already_done": 0, "failed": 1}
    assert done.failed[0].reason == reason.format(slide=slides / "S00.tif")
    assert sorted(os.listdir(slides.parent / "out")) == [".runs", "S01.h5", "runs.csv"]


def test_a_fault_of_the_program_ends_the_run_and_is_written_down(slides):
    with pytest.raises(ZeroDivisionError):
        embed(slides, Failing(ZeroDivisionError("0")))
    state = state_of(slides.parent / "out")
    assert (state["state"], state["reason"]) == ("failed", "internal error: ZeroDivisionError: 0")


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
