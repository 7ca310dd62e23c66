"""A few damaged files of every format: a result or a refusal; and the tool that makes them finds what it should."""

from __future__ import annotations

import os
import random
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from sequoia_model.cli import app as model_app
from tests.build.slides import write_slide
from tests.fuzz.formats import FORMATS, Format
from tests.fuzz.mutate import _linked_again, mutated
from tests.fuzz.run import fuzz

#: Formats that are quickly read, for every run of the tests; `make fuzz` runs all of them for longer.
QUICK = ("plain-tiff", "pickle", "gene-sets")


@pytest.fixture(scope="module")
def fresh():
    """A process that has run nothing yet, for `fuzz` to fork."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        yield pool


def fuzz_named(name, most):
    return fuzz(FORMATS[name], seed=0, most=most)


@pytest.mark.parametrize("name", QUICK)
def test_a_damaged_file_ends_in_a_result_or_a_refusal(fresh, name):
    ends = fresh.submit(fuzz_named, name, 4).result()
    assert len(ends) == 4
    assert [end for end in ends if not end.fine] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(FORMATS.keys() - set(QUICK)))
def test_a_damaged_file_of_a_format_that_takes_longer_does_too(fresh, name):
    ends = fresh.submit(fuzz_named, name, 6).result()
    assert len(ends) == 6
    assert [end for end in ends if not end.fine] == []


def ending(monkeypatch, how):
    """How a damaged text ends if the command that reads it does something."""
    monkeypatch.setattr(model_app, "run", lambda words: how())
    form = Format((lambda folder: (folder / "a.txt").write_text("a b\n"),), ("a.txt",), ("sequoia-model x",))
    return [end.how for end in fuzz(form, seed=0, most=2)]


def raises():
    raise ValueError("no")


@pytest.mark.parametrize(("how", "ends"), [
    (lambda: 2, ["2", "2"]),
    (lambda: 1, ["1", "1"]),
    (raises, ["traceback", "traceback"]),
    (lambda: os.kill(os.getpid(), 9), ["SIGKILL", "SIGKILL"]),
    (lambda: os._exit(9), ["exit 9", "exit 9"]),
])  # fmt: skip
def test_the_tool_tells_how_a_command_ended(monkeypatch, how, ends):
    assert ending(monkeypatch, how) == ends


def test_a_file_that_fails_is_kept_with_its_command(monkeypatch, tmp_path):
    monkeypatch.setattr(model_app, "run", lambda words: 1)
    form = Format((lambda folder: (folder / "a.txt").write_text("a b\n"),), ("a.txt",), ("sequoia-model x",))
    fuzz(form, seed=0, most=1, keep=tmp_path)
    [kept] = tmp_path.iterdir()
    assert kept.name == "0-0-1" and sorted(os.listdir(kept)) == ["a.txt", "command.txt"]


@pytest.mark.parametrize("text", [True, False])
def test_the_same_seed_makes_the_same_damage(text):
    content = b"patient,time\nP1,3\nP2,4\n" * 9
    some = [mutated(content, random.Random(i), text=text) for i in range(40)]
    assert some == [mutated(content, random.Random(i), text=text) for i in range(40)]
    assert len(set(some)) > 35 and content not in some[:5]


def test_links_of_a_tiff_are_also_led_back(tmp_path):
    write_slide(tmp_path / "S.tif", levels=(1, 2, 4))
    content = (tmp_path / "S.tif").read_bytes()
    again = [_linked_again(content, random.Random(i)) for i in range(30)]
    assert len(set(again)) > 5 and {len(some) for some in again} == {len(content)}
    assert _linked_again(content[:6], random.Random(0)) == content[:6]
