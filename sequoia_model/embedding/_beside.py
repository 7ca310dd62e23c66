"""Threads: the next slide is opened in one; on a CPU each core embeds a batch of its own; k-means keeps to one core."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from sequoia_model.tiles import TileBatch

if TYPE_CHECKING:
    from sequoia_model.encoders import Encoder

Found = TypeVar("Found")
Vectors = NDArray[np.float32]


def beside(work: Callable[[], Found]) -> Future[Found]:
    """Do some work in a thread of its own, which does not keep a process alive that is to end.

    Parameters
    ----------
    work : callable
        It leaves nothing behind if the process ends in the middle of it.

    Returns
    -------
    Future
        What it returns, or the error that it raises.
    """
    future: Future[Found] = Future()

    def run() -> None:
        try:
            result = work()
        except BaseException as error:  # for whoever asks for the result
            future.set_exception(error)
        else:
            future.set_result(result)

    threading.Thread(target=run, name="beside", daemon=True).start()
    return future


@contextmanager
def one_core() -> Iterator[None]:
    """Keep BLAS on one core in a block: with a second one, products as small as those of k-means are hardly faster.

    On a busy machine they are many times slower, since each waits for a time slice of the other core. In threads other
    than the main one nothing is changed: OpenBLAS does not reliably take the number of its threads from them.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        yield


class SideBySide:
    """Embeds batches, several at once where the encoder can, and passes their vectors on in order; a context manager.

    On a CPU each core has a batch of its own. Threads that share a batch wait for each other after every layer: while
    another thread has one of their cores, be it to read tiles, all of them stand still. Here none waits for another,
    and the vectors do not depend on the number of cores.

    Parameters
    ----------
    encoder : Encoder
        Turns pixels into vectors; its `side_by_side` is the number of batches at once, by default 1.
    use : callable
        Called in the main thread with each batch and its vectors.
    """

    def __init__(self, encoder: Encoder, use: Callable[[TileBatch, Vectors], None]) -> None:
        self._encoder, self._use = encoder, use
        self._n = getattr(encoder, "side_by_side", 1)
        self._pool: ThreadPoolExecutor | None = None
        self._pending: deque[tuple[TileBatch, Future[Vectors]]] = deque()

    def add(self, batch: TileBatch) -> None:
        """Embed a batch, now or soon; waits while too many batches are pending."""
        if self._pool is None:
            self._use(batch, self._encoder(batch.pixels))
            return
        self._pending.append((batch, self._pool.submit(self._encoder, batch.pixels)))
        self._pass_on(2 * self._n)  # so that no core waits for this thread

    def finish(self) -> None:
        """Wait for all batches."""
        self._pass_on(0)

    def __enter__(self) -> SideBySide:
        if self._n > 1:
            import torch

            self._threads = torch.get_num_threads()
            self._pool = ThreadPoolExecutor(self._n, "encoder", torch.set_num_threads, (1,))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, each thread after the batch that it is embedding."""
        if self._pool is not None:
            import torch

            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None
            torch.set_num_threads(self._threads)  # threads that others begin would have 1 as well

    def _pass_on(self, left: int) -> None:
        while len(self._pending) > left:
            batch, vectors = self._pending.popleft()
            self._use(batch, vectors.result())
