"""What all commands share: options, progress on stderr, one JSON object on stdout."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sequoia_base.errors import SequoiaError, counted
from sequoia_base.flow import Flow

if TYPE_CHECKING:
    import pandas as pd

    from sequoia_base.checks import Check

Force = Annotated[bool, typer.Option("--force", help="Replace an existing output.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout and nothing else.")]


def print_json(content: dict[str, Any]) -> None:
    """One JSON object on stdout."""
    _print(json.dumps(content, allow_nan=False))


def show(text: str, content: dict[str, Any], as_json: bool) -> None:
    """The result of a command: text for people, or one JSON object."""
    if as_json:
        print_json(content)
    else:
        _print(text)


def show_checks(checks: Iterable[Check], as_json: bool) -> int:
    """Show the checks of a `doctor`; returns the exit code, 1 if any failed."""
    checks = list(checks)
    width = max(len(check.name) for check in checks)
    lines = [
        f"{_word(check)}  {check.name:<{width}}  {check.found}"
        + (f"\n         {'':<{width}}  → {check.fix}" if check.fix else "")
        for check in checks
    ]
    failing = sum(not check.ok and not check.optional for check in checks)
    optional = sum(not check.ok and check.optional for check in checks)
    well = "nothing is missing" + (f" but {counted(optional, 'optional part')}" if optional else "")
    lines.append(f"{failing} of {len(checks)} checks failed" if failing else well)
    show("\n".join(lines), {"ok": not failing, "checks": [asdict(check) for check in checks]}, as_json)
    return 1 if failing else 0


def _word(check: Check) -> str:
    return "ok     " if check.ok else "absent " if check.optional else "MISSING"


def _print(text: str) -> None:
    """Print on stdout; a full disk is reported as such."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        os.dup2(
            os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
        )  # otherwise Python fails again when it exits
        raise SequoiaError(
            f"the result cannot be printed: {error.strerror}",
            where="stdout",
            fix="the output files are complete",
        ) from None


def say(text: str) -> None:
    """Print a note on stderr."""
    print(text, file=sys.stderr)


def ledger(flow: pd.DataFrame) -> list[str]:
    """The lines of a ledger, to be read by people: step, number before → after, reason."""
    return [f"  {line}" for line in str(Flow.of(flow)).splitlines()]


@contextmanager
def located(place: object) -> Iterator[None]:
    """Add the file to an error that does not name it."""
    from sequoia_base.errors import InputError

    try:
        yield
    except InputError as error:
        if str(place) not in error.where:
            error.where = f"{place}: {error.where}" if error.where else str(place)
        raise


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a table, whole or not at all, with all digits of its numbers."""
    from sequoia_base.atomic import write_text

    write_text(path, frame.to_csv(index=False, lineterminator="\n"))


def progress(label: str) -> Any:
    """A function that shows a progress bar around an iterator, on a terminal only."""

    def wrap(items: Iterable[Any], total: int) -> Iterator[Any]:
        if not sys.stderr.isatty():
            yield from items
            return
        from rich.console import Console
        from rich.progress import track

        yield from track(items, description=label, total=total, console=Console(stderr=True), transient=True)

    return wrap
