"""A job on each slide of a folder: what is done is passed over, what fails is written down, and the rest goes on."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Literal

from sequoia_base.names import bare_slide
from sequoia_base.runs import Claim, ItemState, RunFolder, in_turn
from sequoia_model.embedding.jobs import TILE, Job, do
from sequoia_model.embedding.meter import Meter, Show
from sequoia_model.embedding.options import differences
from sequoia_model.embedding.summary import FolderRun, SlideRun
from sequoia_model.errors import InputError, SequoiaError, listing

#: Which slides are done again: none, those that were made with other settings, or all.
Redo = Literal["none", "other", "all"]


def fill(paths: list[Path], output: str | Path, job: Job, redo: Redo, progress: Show | None) -> FolderRun:
    """Do a job on each slide, and what came of it.

    Parameters
    ----------
    paths : list of Path
        Of the slides; those that share a name fail.
    output : path
        The folder.
    job : Job
    redo : {"none", "other", "all"}
        Which slides that are there already are done again.
    progress : callable, optional

    Raises
    ------
    InputError
        If the folder takes no files.
    """
    start, begun = time.monotonic(), time.time()
    folder, meter = RunFolder(output), Meter(len(paths), progress)
    files, ended = _told_apart(paths)
    for _ in ended:
        meter.end(failed=True)
    for name, claim in in_turn(folder, list(files)):
        if isinstance(claim, InputError):
            ended[name] = _without_claim(name, files[name], claim)
        else:
            with claim, meter.work(name):
                ended[name] = _one(claim, files[name], job, redo, begun, meter)
        meter.end(failed=ended[name].state == "failed")
    return FolderRun(
        str(output),
        [ended[name] for name in sorted(ended)],
        round(time.monotonic() - start, 3),
        meter.tiles,
        meter.tiles_per_second,
        meter.waiting_share if job.waits else None,
    )


def _told_apart(paths: list[Path]) -> tuple[dict[str, Path], dict[str, SlideRun]]:
    """Slides by name, and those that fail because they share theirs: their files would be one."""
    named: dict[str, list[Path]] = {}
    for path in paths:
        named.setdefault(bare_slide(path.name), []).append(path)
    failed = {
        name: SlideRun(
            name, "failed", str(same[0]), reason=f"{len(same)} slides have this name: {listing(same, 3)}"
        )
        for name, same in named.items()
        if len(same) > 1
    }
    return {name: same[0] for name, same in named.items() if len(same) == 1}, failed


def _one(claim: Claim, path: Path, job: Job, redo: Redo, begun: float, meter: Meter) -> SlideRun:
    """Do a slide, or say why nothing is to be done, or why it failed."""
    try:
        claim.recover()
        settings = job.settings(path)
        standing = _standing(claim, path, settings, job.outputs(claim.name), redo, begun)
        if standing is not None:
            return standing
        claim.begin(TILE, settings)
        do(job, path, claim, meter)
    except InputError as error:
        if claim.state.state == "done":  # before, and it stays so: this run cannot use it
            return _without_claim(claim.name, path, error)
        claim.fail(_reason(error, path))
    except OSError as error:
        claim.fail(f"{error.strerror or error}: {error.filename or path}")
    except MemoryError:
        claim.fail(f"there is not enough memory: {path}")
    return _ended(claim.state, path, computed=True)


def _standing(
    claim: Claim, path: Path, settings: dict[str, Any], outputs: list[str], redo: Redo, begun: float
) -> SlideRun | None:
    """What a slide is that is not to be done: done before, done or failed meanwhile, or done otherwise."""
    state = claim.state
    if state.state == "failed" and (state.settled or 0) > begun and not differences(state.settings, settings):
        return _ended(state, path, computed=False)
    found = [name for name in outputs if claim.has_outputs([name])]
    if not found:
        return None
    other = ["none are known"] if state.made is None else differences(state.made, settings)
    if other and redo == "none":
        raise InputError(
            f"it is there already, made with other settings: {'; '.join(other)}",
            where=f"{path}, {claim.place(found[0])}",
            fix="--force does it again, or give another folder",
        )
    if state.state == "done" and not other and len(found) == len(outputs):
        done_meanwhile = (state.settled or 0) > begun
        return _ended(state, path, computed=False) if done_meanwhile or redo != "all" else None
    return None


def _ended(state: ItemState, path: Path, *, computed: bool) -> SlideRun:
    return SlideRun(
        state.slide, state.state, str(path), state.tiles, state.details.get("left_out", {}), state.seconds,
        state.attempts, state.reason, computed,
    )  # fmt: skip


def _without_claim(name: str, path: Path, error: SequoiaError) -> SlideRun:
    return SlideRun(name, "failed", str(path), reason=_reason(error, path))


def _reason(error: SequoiaError, path: Path) -> str:
    """An error in a line, which names the slide."""
    where = (
        error.where if str(path) in error.where else f"{path}" + (f", {error.where}" if error.where else "")
    )
    return f"{error.what}: {where}" + (f"; {error.fix}" if error.fix else "")
