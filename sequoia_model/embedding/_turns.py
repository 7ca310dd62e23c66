"""The slides of a folder in turn: what there is to do for each, and the next one opened while one is worked on."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from sequoia_base.errors import SequoiaError
from sequoia_base.runs import POLL, Claim, ItemState, RunFolder, attempt
from sequoia_model.embedding._beside import beside
from sequoia_model.embedding._settings import differences
from sequoia_model.embedding._work import SlideWork, find_places
from sequoia_model.embedding.results import SlideRun
from sequoia_model.errors import Failure, InputError

if TYPE_CHECKING:
    from sequoia_model.tiles import Candidates

#: Which finished slides are redone: none, those made with other settings, or all.
Redo = Literal["none", "other", "all"]


@dataclass(frozen=True, eq=False)
class SlideAhead:
    """A claimed slide that is being opened in a thread, for a ``with`` block.

    Parameters
    ----------
    path : path
        The slide.
    claim : Claim
        The right to work on it. Its state is not touched before its turn comes.
    settings : mapping
        All that its outputs depend on.
    earlier : path, optional
        A file of fewer tiles, which is completed.
    places : Future
        What `find_places` finds, or the error that it raises.
    """

    path: Path
    claim: Claim
    settings: Mapping[str, Any]
    earlier: Path | None
    places: Future[Candidates]

    def drop(self) -> None:
        """Let others have the slide, as if it had not been claimed."""
        self.places.add_done_callback(_close)
        self.claim.release()

    def __enter__(self) -> SlideAhead:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.places.add_done_callback(_close)
        self.claim.__exit__(kind, error, trace)


def slides_in_turn(
    folder: RunFolder, files: Mapping[str, Path], work: SlideWork, redo: Redo, begun: float, log: Path
) -> Generator[SlideAhead | SlideRun, None, None]:
    """Each slide once, as soon as no other process works on it; while one is worked on, the next is opened.

    Parameters
    ----------
    folder : RunFolder
        The folder of outputs.
    files : mapping of str to path
        The slides by name.
    work : SlideWork
        What is done with each.
    redo : {"none", "other", "all"}
        Which finished slides are redone.
    begun : float
        When the run began, in seconds since 1970.
    log : path
        The file for tracebacks.

    Yields
    ------
    SlideAhead or SlideRun
        A slide to work on, or the outcome of one for which there is nothing to do. At most one more slide is claimed
        than the caller has been given; if the generator is closed, it is let go.
    """
    ahead: SlideAhead | None = None
    try:
        for turn in folder.free(list(files)):
            if turn is None and ahead is None:  # others work on all that are left
                time.sleep(POLL)
                continue
            found = None if turn is None else _begun_ahead(*turn, files, work, redo, begun, log)
            if isinstance(found, SlideRun):
                yield found
                continue
            ready, ahead = ahead, found
            if ready is not None:
                yield ready
        if ahead is not None:
            ready, ahead = ahead, None
            yield ready
    finally:
        if ahead is not None:
            ahead.drop()


def failed(claim: Claim, path: Path, error: SequoiaError) -> SlideRun:
    """Record why a slide failed; what is done stays done, only this run cannot use it."""
    failure = Failure.of(claim.name, path, error)
    if claim.state.state == "done":
        return failed_run(failure)
    claim.fail(failure)
    return ended_run(claim.state, path, computed=True)


def ended_run(state: ItemState, path: Path, *, computed: bool) -> SlideRun:
    """The outcome of a slide that is done or has failed."""
    failure = state.failure
    if failure is None and state.state == "failed":  # as version 0.1 wrote it
        failure = Failure(state.item, str(path), state.note.removeprefix(f"{path}: "))
    return SlideRun(
        state.item, state.state, str(path), state.details.get("tiles"), state.details.get("left_out", {}),
        state.seconds, state.attempts, failure, state.note, computed, tuple(state.details.get("notes", ())),
    )  # fmt: skip


def failed_run(failure: Failure) -> SlideRun:
    """The outcome of a slide whose state does not say that it failed."""
    return SlideRun(failure.item, "failed", failure.file, failure=failure)


def _begun_ahead(
    name: str,
    claim: Claim | InputError,
    files: Mapping[str, Path],
    work: SlideWork,
    redo: Redo,
    begun: float,
    log: Path,
) -> SlideAhead | SlideRun:
    """Begin to open a slide, or say why there is nothing to do, or why it failed; then it is released."""
    path = files[name]
    if isinstance(claim, InputError):
        return failed_run(Failure.of(name, path, claim))
    try:
        found = attempt(lambda: _opened(claim, path, work, redo, begun), name, log)
        if isinstance(found, SequoiaError):
            found = failed(claim, path, found)
    except BaseException:
        claim.release()
        raise
    if isinstance(found, SlideRun):
        claim.release()
    return found


def _opened(claim: Claim, path: Path, work: SlideWork, redo: Redo, begun: float) -> SlideAhead | SlideRun:
    claim.recover()
    settings = work.settings(path)
    outputs = work.outputs(claim.name)
    grows = claim.has_outputs(outputs) and work.continues(claim.state.made or {}, settings)
    settled = _settled(claim, settings, outputs, "other" if grows and redo == "none" else redo, begun)
    if settled is not None:
        return ended_run(settled, path, computed=False)
    earlier = claim.place(outputs[-1]) if grows and redo != "all" else None
    return SlideAhead(path, claim, settings, earlier, beside(lambda: find_places(work, path)))


def _settled(
    claim: Claim, settings: Mapping[str, Any], outputs: list[str], redo: Redo, begun: float
) -> ItemState | None:
    """The state of a slide that need not be processed: done before, or done or failed by another process meanwhile."""
    state = claim.state
    meanwhile = (state.settled or 0) > begun
    if state.state == "failed" and meanwhile and not differences(state.settings, settings):
        return state
    found = [name for name in outputs if claim.has_outputs([name])]
    if not found:
        return None
    other = ["unknown"] if state.made is None else differences(state.made, settings)
    if other and redo == "none":
        raise InputError(
            f"the output already exists, made with other settings: {'; '.join(other)}",
            where=str(claim.place(found[0])),
            fix="use --force to redo it, or choose another output folder",
        )
    whole = state.state == "done" and not other and len(found) == len(outputs)
    return state if whole and (meanwhile or redo != "all") else None


def _close(places: Future[Candidates]) -> None:
    if places.exception() is None:
        places.result().slide.close()
