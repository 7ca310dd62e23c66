"""Work in threads: batches side by side, and results that are asked for later."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from sequoia_model.embedding._beside import SideBySide, beside, one_core
from sequoia_model.encoders import get_encoder
from sequoia_model.tiles import TileBatch


class Slower:
    """The earlier a batch comes, the longer it takes; several at once."""

    side_by_side = 3

    def __init__(self, failing=()):
        self.failing, self.at_once, self.most = failing, 0, 0

    def __call__(self, pixels):
        if pixels[0] in self.failing:
            raise ZeroDivisionError(str(pixels[0]))
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        time.sleep(0.01 * (4 - pixels[0] % 4))
        self.at_once -= 1
        return np.array([[pixels[0]]])


def batches(n):
    return [TileBatch(np.array([[i, 0]]), np.array([i])) for i in range(n)]


def embedded(encoder, given):
    found = []
    with SideBySide(encoder, lambda batch, vectors: found.append((batch.coords, vectors))) as side_by_side:
        for batch in given:
            side_by_side.add(batch)
        side_by_side.finish()
    return found


def threads(name):
    return [each for each in threading.enumerate() if each.name.startswith(name)]


def test_vectors_come_in_the_order_of_their_batches():
    encoder = Slower()
    found = embedded(encoder, batches(20))
    assert [coords[0, 0] for coords, _ in found] == [vectors[0, 0] for _, vectors in found] == [*range(20)]
    assert encoder.most == 3


def test_few_batches_wait():
    encoder, found = Slower(), []
    with SideBySide(encoder, lambda batch, _: found.append(batch)) as side_by_side:
        for n, batch in enumerate(batches(20), 1):
            side_by_side.add(batch)
            assert n - len(found) <= 6
    assert len(found) >= 14


def test_an_error_of_the_encoder_is_raised_and_its_threads_end():
    with pytest.raises(ZeroDivisionError, match="5"):
        embedded(Slower(failing=[5]), batches(20))
    assert threads("encoder") == []


def test_an_end_in_the_middle_leaves_what_is_pending():
    def interrupted():
        yield from batches(6)
        raise KeyboardInterrupt

    encoder = Slower()
    with pytest.raises(KeyboardInterrupt):
        embedded(encoder, interrupted())
    assert threads("encoder") == [] and encoder.at_once == 0


def test_vectors_do_not_depend_on_the_number_of_cores_and_torch_keeps_its_threads():
    before, encoder = torch.get_num_threads(), get_encoder("lite0", device="cpu")
    tiles = np.random.default_rng(0).integers(0, 255, (4, 2, 224, 224, 3), dtype=np.uint8)
    given, found = [TileBatch(np.zeros((2, 2)), each) for each in tiles], {}
    for n in (2, 3):
        encoder.side_by_side = n
        found[n] = np.concatenate([vectors for _, vectors in embedded(encoder, given)])
    np.testing.assert_array_equal(found[2], found[3])
    assert torch.get_num_threads() == before
    seen = []
    thread = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
    thread.start(), thread.join()
    assert seen == [before]


def test_an_error_beside_is_raised_where_its_result_is_needed():
    with pytest.raises(ZeroDivisionError):
        beside(lambda: 1 // 0).result()
    assert beside(lambda: 7).result() == 7


def test_work_beside_does_not_keep_a_process_alive():
    ends = threading.Event()
    future = beside(ends.wait)
    assert all(each.daemon for each in threads("beside"))
    ends.set()
    assert future.result(timeout=5)


def blas_threads():
    return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}


def test_blas_keeps_to_one_core_in_a_block():
    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        with one_core():
            assert blas_threads() == {1}
        assert blas_threads() == before


def test_blas_is_left_alone_in_other_threads():
    def inside():
        with one_core():
            return blas_threads()

    before = blas_threads()
    assert beside(inside).result() == before == blas_threads()
