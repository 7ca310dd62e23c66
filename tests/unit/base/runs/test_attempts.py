"""An error of any kind ends one item, with a reason that can be read and a traceback that can be found."""

from __future__ import annotations

import errno
import os
import struct
import zlib
from concurrent.futures.process import BrokenProcessPool

import pytest
from PIL import Image

from sequoia_base.errors import InputError, SequoiaError
from sequoia_base.runs import attempt, write_traceback

UNFORESEEN = {
    "bomb": Image.DecompressionBombError("Image size (256000000 pixels) exceeds limit"),
    "deflate": zlib.error("Error -3 while decompressing data"),
    "struct": struct.error("unpack requires a buffer of 8 bytes"),
    "value": ValueError("bad value"),
    "key": KeyError("ImageWidth"),
    "overflow": OverflowError("int too large"),
    "recursion": RecursionError("maximum recursion depth exceeded"),
    "torch": RuntimeError("expected scalar type"),
    "division": ZeroDivisionError("division by zero"),
    "no errno": OSError("image file is truncated"),
    "empty": AssertionError(),
}


def failing(error):
    def work():
        raise error

    return work


def test_a_result_is_handed_on_and_no_log_is_made(tmp_path):
    assert attempt(lambda: 7, "S1", tmp_path / "log") == 7
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("error", UNFORESEEN.values(), ids=UNFORESEEN)
def test_an_error_that_nobody_foresaw_has_its_type_its_message_and_a_log(tmp_path, error):
    log = tmp_path / "run.log"
    found = attempt(failing(error), "S1", log)
    assert isinstance(found, InputError)
    assert found.what.startswith(f"unforeseen error: {type(error).__name__}: ") and str(error) in found.what
    assert str(log) in found.fix
    assert "  S1\nTraceback" in log.read_text() and "in work" in log.read_text()


FORESEEN = {
    "ours": (SequoiaError("no tissue", where="here"), "no tissue"),
    "disk": (OSError(errno.EIO, "Input/output error", "/x"), "Input/output error"),
    "memory": (MemoryError(), "there is not enough memory"),
    "killed": (BrokenProcessPool("a child died"), "a worker process was killed: a child died"),
}


@pytest.mark.parametrize(("error", "what"), FORESEEN.values(), ids=FORESEEN)
def test_an_error_with_a_known_reason_needs_no_log(tmp_path, error, what):
    found = attempt(failing(error), "S1", tmp_path / "log")
    assert isinstance(found, SequoiaError) and found.what == what
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_end_from_outside_is_not_caught(tmp_path, error):
    with pytest.raises(error):
        attempt(failing(error()), "S1", tmp_path / "log")


def test_a_long_message_of_several_lines_becomes_one_short_line(tmp_path):
    found = attempt(failing(ValueError("a\n  b" + "c" * 9999)), "S1", tmp_path / "log")
    assert "a bccc" in found.what and len(found.what) < 400


def test_a_log_that_cannot_be_written_is_not_promised(tmp_path):
    found = attempt(failing(ValueError("x")), "S1", tmp_path / "no folder" / "log")
    assert "traceback" not in found.fix


def test_the_log_keeps_what_other_items_wrote(tmp_path):
    for name in ("S1", "S2"):
        write_traceback(ValueError(name), name, tmp_path / "log")
    assert [word for word in ("S1", "S2") if word in (tmp_path / "log").read_text()] == ["S1", "S2"]


def test_without_a_place_the_log_is_a_new_temporary_file(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    log = write_traceback(ValueError("x"), "sequoia-stats ora")
    assert log.parent == tmp_path and "sequoia-stats ora" in log.read_text()
