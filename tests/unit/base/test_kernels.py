"""Compilation without a cache folder, and threads over blocks."""

from __future__ import annotations

import threading

import pytest

from sequoia_base.arguments import count_jobs
from sequoia_base.kernels import kernel, map_blocks
from sequoia_stats.errors import InputError


def test_a_function_that_cannot_be_cached_is_compiled_all_the_same():
    made = {}
    exec("def triple(x):\n    return 3 * x", made)  # has no file beside which a cache could be written
    assert kernel(made["triple"])(14) == 42


def test_an_error_inside_numba_is_not_taken_for_a_missing_folder(monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("something else")

    monkeypatch.setattr("sequoia_base.kernels.njit", broken)
    with pytest.raises(RuntimeError, match="something else"):
        kernel(len)


@pytest.mark.parametrize("threads", [None, 1, 2, 9])
def test_blocks_come_back_in_order_and_cover_the_range(threads):
    blocks = map_blocks(lambda start, stop: list(range(start, stop)), 1000, 7, threads)
    assert [i for block in blocks for i in block] == list(range(1000))


def test_two_threads_work_at_the_same_time():
    both = threading.Barrier(2, timeout=60)
    arrived = map_blocks(lambda start, stop: both.wait(), size=2, block=1, jobs=2)
    assert sorted(arrived) == [0, 1]


def test_an_error_in_a_block_reaches_the_caller():
    def refuse(start, stop):
        raise InputError(f"block {start} is bad")

    with pytest.raises(InputError, match="block 0 is bad"):
        map_blocks(refuse, 4, 1, jobs=2)


def test_an_empty_range_needs_no_thread():
    assert map_blocks(lambda start, stop: start, 0, 5) == []


def test_fewer_than_one_job_is_refused():
    with pytest.raises(InputError, match="jobs must be a whole number, 1 or more"):
        count_jobs(0)
