"""Inputs are files; outputs appear whole or not at all, and never replace an input."""

from __future__ import annotations

import errno
import os

import pytest

from sequoia_base.atomic import (
    existing_file,
    new_file,
    new_folder,
    refuse_existing,
    refuse_other_ending,
    write_text,
)
from sequoia_base.errors import InputError


def full_disk(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("output", ["in.csv", "./folder/../in.csv", "link.csv"])
def test_an_input_is_never_replaced(tmp_path, output):
    (tmp_path / "in.csv").write_text("a")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link.csv").symlink_to("in.csv")
    with pytest.raises(InputError, match="would replace an input"):
        refuse_existing(tmp_path / output, force=True, inputs=[None, "hallmark", tmp_path / "in.csv"])


def test_a_folder_that_holds_an_input_is_never_replaced(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.csv").write_text("a")
    with pytest.raises(InputError, match="would replace an input"):
        refuse_existing(tmp_path / "out", force=True, files=["a.csv"], inputs=[tmp_path / "out" / "a.csv"])


def test_words_and_impossible_names_are_no_inputs(tmp_path):
    (tmp_path / "out.csv").write_text("a")
    words = ["hallmark", "x" * 5000, "a\0b"]
    refuse_existing(tmp_path / "out.csv", force=True, inputs=words)  # and an input is found among them
    with pytest.raises(InputError, match="would replace an input"):
        refuse_existing(tmp_path / "out.csv", force=True, inputs=[*words, tmp_path / "out.csv"])


def test_a_full_disk_names_the_output_and_leaves_the_old_one(tmp_path, monkeypatch):
    write_text(tmp_path / "out.csv", "old")
    monkeypatch.setattr("pathlib.Path.write_text", full_disk)
    with pytest.raises(InputError, match="cannot be written: No space left") as error:
        write_text(tmp_path / "out.csv", "new")
    assert error.value.where == str(tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


@pytest.mark.parametrize("writer", [new_file, new_folder])
def test_a_failed_write_leaves_nothing(tmp_path, writer):
    with pytest.raises(InputError, match="cannot be written"), writer(tmp_path / "out"):
        full_disk()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_given_back(tmp_path):
    (tmp_path / "a.csv").write_text("x")
    assert existing_file(str(tmp_path / "a.csv")) == tmp_path / "a.csv"


def test_a_folder_is_not_an_input_file(tmp_path):
    with pytest.raises(InputError, match="a folder was given"):
        existing_file(tmp_path)


@pytest.mark.parametrize("name", ["no.csv", "x" * 5000])
def test_what_is_not_there_is_named(tmp_path, name):
    with pytest.raises(InputError, match="does not exist") as caught:
        existing_file(tmp_path / name)
    assert name in caught.value.where


@pytest.mark.parametrize(("name", "words"), [("s.txt", "not .txt"), ("s", "not without an ending")])
def test_an_output_with_another_ending_is_refused_with_the_right_name(name, words):
    with pytest.raises(InputError, match=f"a table is written as .csv, {words}") as caught:
        refuse_other_ending(name, ".csv", "a table is")
    assert caught.value.fix == "-o s.csv"


@pytest.mark.parametrize("name", ["a/s.csv", "a.b.csv"])
def test_an_output_with_its_ending_is_accepted(name):
    assert refuse_other_ending(name, ".csv", "a table is") is None
