"""What the commands on slides share: options, progress on a terminal, the end of a run."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from sequoia_base.cli.output import say, show

if TYPE_CHECKING:
    from sequoia_model.embedding import FolderRun, Progress

Slides = Annotated[
    list[Path],
    typer.Argument(
        metavar="SLIDE|FOLDER", help="Slide files, or folders that are searched with their subfolders."
    ),
]
Output = Annotated[
    Path,
    typer.Option(
        "--output",
        "-o",
        metavar="DIR",
        help="Output folder, created if needed; an unfinished one is resumed.",
    ),
]
SlideMpp = Annotated[
    float | None, typer.Option(metavar="X", help="µm per pixel of every slide, whatever the files say.")
]
MppTable = Annotated[
    Path | None,
    typer.Option(metavar="CSV", help="µm per pixel of each slide: a CSV with columns slide and mpp."),
]
TileRuleOption = Annotated[str, typer.Option(help="How tiles are chosen: paper or published-code.")]
MaxTiles = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="At most N tiles per slide, drawn at random.  [default: 4000]"),
]
AllTiles = Annotated[bool, typer.Option("--all-tiles", help="Use every tile of a slide.")]
Annotation = Annotated[
    Path | None,
    typer.Option(
        help="GeoJSON of QuPath, or PNG, that replaces the tissue mask; for several slides, a folder with "
        "NAME.geojson or NAME.png for each."
    ),
]
AnnotationClass = Annotated[
    str | None,
    typer.Option(
        metavar="CLASSES",
        help="Classes of drawn areas to use, separated by commas: Tumor,Stroma; unclassified for areas without one."
        " Put a name with a comma in double quotes within single ones: '\"Tumor, invasive\",Stroma'.  [default: all]",
    ),
]
ExcludeClass = Annotated[
    str | None,
    typer.Option(
        metavar="CLASSES",
        help="Classes of drawn areas to take away: from those of --annotation-class, or else from the tissue.",
    ),
]


def classes(given: str | None) -> str | tuple[()]:
    """Classes for `TileOptions`, which refuses an empty text."""
    return () if given is None else given


KeepInk = Annotated[
    bool, typer.Option("--keep-ink", help="Keep tiles on pen marks, which rule paper leaves out.")
]
Seed = Annotated[int, typer.Option(min=0, help="Random seed, 0 or more.")]
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs", "--workers", min=1, help="Number of threads that read tiles.  [default: one per core]"
    ),
]
Again = Annotated[bool, typer.Option("--force", help="Redo slides that are already done.")]

TERMINATED = 143


def tiles_at_most(max_tiles: int | None, all_tiles: bool) -> int | None:
    """Largest number of tiles per slide; None for all.

    Raises
    ------
    InputError
        If both options were given.
    """
    from sequoia_model.errors import InputError
    from sequoia_model.tiles import MAX_TILES

    if all_tiles and max_tiles is not None:
        raise InputError("--max-tiles and --all-tiles were both given", fix="give one of them")
    return None if all_tiles else max_tiles or MAX_TILES


def report(done: FolderRun, as_json: bool) -> int:
    """Show how a run ended; returns the exit code: 0, 3 if some slides failed, 2 if all failed."""
    for slide in done.failed:
        say(f"failed: {slide.file}: {slide.reason}")
    for slide in done.slides:
        if slide.state == "done" and slide.reason:
            say(f"{slide.name}: {slide.reason}")
    show(str(done), done.to_dict(), as_json)
    if done.counts["done"]:
        say(f"written to {done.output}")
    if not done.failed:
        return 0
    return 3 if len(done.failed) < len(done.slides) else 2


@contextmanager
def running(label: str) -> Iterator[Callable[[Progress], None] | None]:
    """Progress of a run on a terminal: slides, tiles per second, share of waiting; shows nothing elsewhere.

    Inside the block, SIGTERM cleans up as Ctrl-C does; the exit code is then 143.
    """
    with _sigterm_as_exit():
        if not sys.stderr.isatty():
            yield None
            return
        with _bar(label) as tell:
            yield tell


@contextmanager
def _bar(label: str) -> Iterator[Callable[[Progress], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = [
        TextColumn(label),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[now]}"),
    ]
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None, now="")

        def tell(at: Progress) -> None:
            failed = f", {at.n_failed} failed" if at.n_failed else ""
            speed = f"{at.tiles_per_second:.1f} tiles/s, {at.waiting_share:.0%} waiting{failed}"
            bar.update(task, total=at.n_slides, completed=at.n_ended, now=f"{speed}   {at.slide}: {at.state}")

        yield tell


@contextmanager
def _sigterm_as_exit() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():  # only the main thread may handle signals
        yield
        return

    def leave(number: int, frame: Any) -> NoReturn:
        say("terminated")
        raise SystemExit(TERMINATED)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
