"""A folder of slides in, a folder of outputs out, filled by one or several processes, and resumed if interrupted."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sequoia_base.names import bare_slide
from sequoia_base.runs import LOG, RunFolder, attempt, stored_state
from sequoia_model.embedding._settings import differences
from sequoia_model.embedding._turns import (
    Redo,
    SlideAhead,
    ended_run,
    failed,
    failed_run,
    slides_in_turn,
)
from sequoia_model.embedding._work import (
    TILE,
    EncoderOnDemand,
    SlideWork,
    WriteFeatures,
    WriteTiles,
    process_slide,
)
from sequoia_model.embedding.progress import Meter, OnProgress
from sequoia_model.embedding.results import FolderRun, SlideRun
from sequoia_model.errors import Failure, InputError, listing
from sequoia_model.slide import SlideSearch, search_slides
from sequoia_model.tiles import TileOptions
from sequoia_model.tiles.options import check_least

if TYPE_CHECKING:
    from sequoia_model.encoders import Encoder

Paths = str | Path | Iterable[str | Path]


def tile_folder(
    slides: Paths,
    output: str | Path,
    options: TileOptions = TileOptions(),
    *,
    force: bool = False,
    progress: OnProgress | None = None,
) -> FolderRun:
    """Choose the tiles of slides; writes ``NAME.h5``, ``NAME_mask.png``, ``NAME_overlay.png``, ``NAME.geojson``.

    Parameters
    ----------
    slides : path, or iterable of path
        Slide files, or folders that are searched with their subfolders.
    output : path
        A folder, created if it does not exist. Slides that are finished in it are skipped, those that failed or were
        interrupted are redone; other processes may work on it at the same time.
    options : TileOptions
        How tiles are chosen and read.
    force : bool, default False
        Redo finished slides, except those that another process finished with the same settings since this run began.
    progress : callable, optional
        Called with a `Progress` at each step.

    Returns
    -------
    FolderRun
        With the failure of each slide that failed.

    Raises
    ------
    InputError
        If there are no slides, the options do not fit them, or the folder is not writable.
    """
    search = _found(slides)
    options.check_slides(search.slides)
    run = _fill(search.slides, output, WriteTiles(options), "all" if force else "none", progress)
    return replace(run, passed_over=search.passed_over)


def embed_folder(
    slides: Paths,
    output: str | Path,
    options: TileOptions = TileOptions(),
    *,
    encoder: str | Encoder = "lite0",
    device: str = "auto",
    batch_size: int | None = None,
    force: bool = False,
    keep_same: bool = False,
    log: str | Path | None = None,
    progress: OnProgress | None = None,
) -> FolderRun:
    """Compute the features of slides; writes ``NAME.h5`` with features, coords and cluster means.

    Slides that were embedded with the same settings but a smaller `max_tiles` are completed: only tiles that were not
    tried before are embedded.

    Parameters
    ----------
    slides : path, or iterable of path
        Slide files, or folders that are searched with their subfolders.
    output : path
        A folder, created if it does not exist. Slides that are finished in it are skipped, those that failed or were
        interrupted are redone; other processes may work on it at the same time.
    options : TileOptions
        How tiles are chosen and read; its seed is also that of the clusters.
    encoder : str or Encoder
        A name as `get_encoder` takes it, or a loaded encoder.
    device : str
        Where an encoder given by name runs: auto, cpu, cuda, cuda:N or mps.
    batch_size : int, optional
        Number of tiles that pass through the encoder at once, on each core of a CPU; the last digits may depend on it.
        The default suits the encoder.
    force : bool, default False
        Redo finished slides, except those that another process finished with the same settings since this run began.
    keep_same : bool, default False
        Whether `force` spares slides that were done with the same settings.
    log : path, optional
        The file that gets the tracebacks of errors that nobody foresaw; by default ``runs.log`` in the output.
    progress : callable, optional
        Called with a `Progress` at each step.

    Returns
    -------
    FolderRun
        With the failure of each slide that failed.

    Raises
    ------
    InputError
        If there are no slides, the options do not fit them, the encoder cannot be loaded, or the folder is not
        writable.
    """
    search = _found(slides)
    paths = search.slides
    options.check_slides(paths)
    check_least("batch_size", batch_size)
    needed = EncoderOnDemand(encoder, device)
    work = WriteFeatures(options, needed, batch_size)
    redo: Redo = ("other" if keep_same else "all") if force else "none"
    if redo == "all" or not all(_is_finished(work, path, Path(output)) for path in paths):
        _ = needed.loaded  # now, so that an encoder that cannot be loaded stops the run before it begins
    return replace(_fill(paths, output, work, redo, progress, log), passed_over=search.passed_over)


def _found(slides: Paths) -> SlideSearch:
    given = [Path(path) for path in ([slides] if isinstance(slides, str | Path) else slides)]
    if not any(os.path.exists(path) for path in given):  # before a folder is created in vain
        links = any(os.path.islink(path) for path in given)
        what = "a symbolic link is broken" if links else "there is no such file or folder"
        raise InputError(what, where=listing(given, 3))
    return search_slides(given, twins=True)


def _is_finished(work: SlideWork, path: Path, output: Path) -> bool:
    """Whether a slide was done with the same settings, and its outputs are there."""
    name = bare_slide(path.name)
    try:
        state = stored_state(output, name)
        return (
            state.state == "done"
            and state.made is not None
            and all((output / file).is_file() for file in work.outputs(name))
            and not differences(state.made, work.settings(path))
        )
    except Exception:  # the slide is then worked on, where `attempt` catches the same error and reports it
        return False


def _fill(
    paths: list[Path],
    output: str | Path,
    work: SlideWork,
    redo: Redo,
    progress: OnProgress | None,
    log: str | Path | None = None,
) -> FolderRun:
    """Process each slide that is not finished, and report the outcome of each; slides that share a name fail."""
    log = Path(output, LOG) if log is None else Path(log)
    start, begun = time.monotonic(), time.time()
    folder = RunFolder(output, item="slide", facts=("tiles",))
    meter = Meter(len(paths), progress)
    files, ended = _by_name(paths)
    for _ in ended:
        meter.end(failed=True)
    with closing(slides_in_turn(folder, files, work, redo, begun, log)) as turns:
        for turn in turns:
            if isinstance(turn, SlideRun):
                run = turn
            else:
                with turn, meter.work(turn.claim.name):
                    run = _process(turn, work, meter, log)
            ended[run.name] = run
            meter.end(failed=run.state == "failed")
    return FolderRun(
        str(output),
        [ended[name] for name in sorted(ended)],
        round(time.monotonic() - start, 3),
        meter.tiles,
        meter.tiles_per_second,
        meter.waiting_share if work.waits else None,
    )


def _by_name(paths: list[Path]) -> tuple[dict[str, Path], dict[str, SlideRun]]:
    """Slides by name, and those that fail because their outputs would have the same name."""
    named: dict[str, list[Path]] = {}
    for path in paths:
        named.setdefault(bare_slide(path.name), []).append(path)
    failed = {
        name: failed_run(Failure(name, str(same[0]), f"{len(same)} slides have this name", listing(same, 3)))
        for name, same in named.items()
        if len(same) > 1
    }
    return {name: same[0] for name, same in named.items() if len(same) == 1}, failed


def _process(slide: SlideAhead, work: SlideWork, meter: Meter, log: Path) -> SlideRun:
    """Process a slide, or say why it failed."""

    def write() -> None:
        meter.step(TILE)
        slide.claim.begin(TILE, slide.settings)
        process_slide(work, slide.places.result(), slide.claim, meter, slide.earlier)

    error = attempt(write, slide.claim.name, log)
    if error is not None:
        return failed(slide.claim, slide.path, error)
    return ended_run(slide.claim.state, slide.path, computed=True)
