"""The speed of a run, and its outcome."""

from __future__ import annotations

import pytest

from sequoia_model.embedding import FolderRun, SlideRun
from sequoia_model.embedding import progress as module
from sequoia_model.embedding.progress import Meter


@pytest.fixture
def clock(monkeypatch):
    """A clock that is set by hand."""
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


def test_only_the_time_spent_on_slides_counts(clock):
    meter = Meter(2)
    with meter.work("a"):
        meter.count(30, waited=1.0)
        clock[0] = 4.0
    clock[0] = 100.0
    with meter.work("b"):
        meter.count(10, waited=1.0)
        clock[0] = 104.0
    assert (meter.tiles_per_second, meter.waiting_share) == (5.0, 0.25)


def test_what_is_going_on_is_shown(clock):
    shown = []
    meter = Meter(2, shown.append)
    with meter.work("a"):
        meter.step("embed")
        clock[0] = 2.0
        meter.count(8, waited=0.5)
    meter.end(failed=True)
    at = shown[1]
    assert (at.slide, at.state, at.tiles, at.tiles_per_second, at.waiting_share) == (
        "a",
        "embed",
        8,
        4.0,
        0.25,
    )
    assert (shown[-1].n_slides, shown[-1].n_ended, shown[-1].n_failed) == (2, 1, 1)


def test_there_is_no_speed_before_the_first_tile(clock):
    assert (Meter(1).tiles_per_second, Meter(1).waiting_share) == (None, None)


def test_a_run_with_many_slides_shows_the_first_and_where_the_others_are():
    slides = [SlideRun(f"S{i:02}", "done", "f", 4, {"background": 1000}) for i in range(30)]
    text = str(FolderRun("out", slides, 1.0, 120, 60.0, 0.5))
    assert text.startswith("30 slides: 30 done, 0 done before, 0 failed\n")
    assert "\n  S19  done  4 tiles  left out: background 1,000\n  … and 10 more: out/runs.csv\n" in text
    assert text.endswith(
        "left out in total: background 30,000\n120 tiles, 60.0 per second, 50% of the time waiting for pixels"
    )
