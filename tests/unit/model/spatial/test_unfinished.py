"""What an interrupted map leaves: whole blocks of the same settings, and nothing after an error or the end."""

from __future__ import annotations

import os
from contextlib import suppress

import numpy as np
import pytest

from sequoia_model.errors import InputError
from sequoia_model.spatial._unfinished import unfinished

ROWS = np.arange(30, dtype=np.float32).reshape(10, 3)
SETTINGS = {"stride": 1, "networks": {"0": "ab"}}


def interrupted(output, settings=SETTINGS, n=4, more=b"", error=None):
    """A call that ends by Ctrl-C or an error after some rows, and some bytes of a block that was not finished."""
    error = KeyboardInterrupt() if error is None else error
    with suppress(type(error)), unfinished(output) as kept:
        kept.begin(settings)
        kept.rows("fold_0", 3, 4).append(ROWS[:n])
        with (kept.path / "fold_0.f32").open("ab") as file:
            file.write(more)
        raise error


def test_rows_of_an_interrupted_call_are_there_for_the_next(tmp_path):
    interrupted(tmp_path / "S.h5ad")
    with unfinished(tmp_path / "S.h5ad") as kept:
        kept.begin(dict(reversed(SETTINGS.items())))
        rows = kept.rows("fold_0", 3, 4)
        assert rows.done(10) == 4
        rows.append(ROWS[4:])
        assert rows.done(10) == 10
        np.testing.assert_array_equal(rows.read(), ROWS)


def test_a_block_that_was_not_written_to_its_end_is_cut_off(tmp_path):
    interrupted(tmp_path / "S.h5ad", n=6, more=b"12345")
    with unfinished(tmp_path / "S.h5ad") as kept:
        kept.begin(SETTINGS)
        assert kept.rows("fold_0", 3, 4).done(10) == 4
        np.testing.assert_array_equal(kept.rows("fold_0", 3, 4).read(), ROWS[:4])


def test_rows_of_other_settings_are_removed(tmp_path):
    interrupted(tmp_path / "S.h5ad")
    with unfinished(tmp_path / "S.h5ad") as kept:
        kept.begin(SETTINGS | {"stride": 2})
        assert kept.rows("fold_0", 3, 4).done(10) == 0


def test_settings_that_were_not_written_to_their_end_are_none(tmp_path):
    interrupted(tmp_path / "S.h5ad")
    (tmp_path / ".S.h5ad.part" / "settings.json").write_text('{"stri')
    with unfinished(tmp_path / "S.h5ad") as kept:
        assert kept.settings() == {}


def test_nothing_is_left_at_the_end(tmp_path):
    with unfinished(tmp_path / "S.h5ad") as kept:
        kept.begin(SETTINGS)
    assert os.listdir(tmp_path) == []


def full(_):
    raise OSError(28, "the disk is full")


@pytest.mark.parametrize("error", [RuntimeError("CUDA out of memory"), MemoryError(), OSError(28, "full")])
def test_what_was_computed_stays_after_an_error_of_the_machine(tmp_path, error):
    interrupted(tmp_path / "S.h5ad", error=error)
    with unfinished(tmp_path / "S.h5ad") as kept:
        kept.begin(SETTINGS)
        assert kept.rows("fold_0", 3, 4).done(10) == 4


def test_what_was_computed_stays_on_a_full_disk(tmp_path, monkeypatch):
    interrupted(tmp_path / "S.h5ad")
    with monkeypatch.context() as disk:
        disk.setattr("sequoia_model.spatial._unfinished.os.fsync", full)
        with pytest.raises(InputError, match="the disk is full"):
            interrupted(tmp_path / "S.h5ad")
    with unfinished(tmp_path / "S.h5ad") as kept:
        assert kept.rows("fold_0", 3, 4).done(10) >= 4


def test_nothing_is_left_after_bad_input(tmp_path):
    with suppress(InputError), unfinished(tmp_path / "S.h5ad") as kept:
        kept.begin(SETTINGS)
        raise InputError("bad")
    assert os.listdir(tmp_path) == []


def test_two_calls_at_once_are_refused_and_the_first_goes_on(tmp_path):
    with unfinished(tmp_path / "S.h5ad") as kept:
        kept.begin(SETTINGS)
        with (
            pytest.raises(InputError, match="another process is making this map"),
            unfinished(tmp_path / "S.h5ad"),
        ):
            pass
        assert kept.settings() == SETTINGS
