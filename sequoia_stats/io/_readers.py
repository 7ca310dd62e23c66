"""A format that can be read: how it is recognised, what reads it, and which options it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sequoia_stats.errors import InputError, listing
from sequoia_stats.io._options import Option


@dataclass(frozen=True)
class Reader:
    """A format of a cohort, or of outcomes.

    Parameters
    ----------
    recognises : callable
        Takes a path; returns whether it has this format.
    read : callable
        Takes a path and, as keywords if they are given, ``endpoint``, ``drop_invalid`` and the `options`; returns a
        `Cohort`, or an `Outcome`.
    words : str
        What the format is called in messages, with its article: "a cBioPortal study folder".
    options : tuple of Option, optional
        What the reader needs to be told.
    """

    recognises: Callable[[Path], bool]
    read: Callable[..., Any]
    words: str
    options: tuple[Option, ...] = ()


def reader_of(path: Path, format: str, readers: Mapping[str, Reader]) -> Reader:
    """The reader of a path, by the name of its format, or "auto" for the first that recognises it.

    Raises
    ------
    InputError
        If there is no such format, nothing has this path, or no reader recognises it.
    """
    if format != "auto" and format not in readers:
        raise InputError(f"{format!r} is not a valid format", fix=f"--format auto|{'|'.join(readers)}")
    if not path.exists():
        raise InputError("the file does not exist", where=str(path))
    if format != "auto":
        return readers[format]
    for reader in readers.values():
        if reader.recognises(path):
            return reader
    words = listing(reader.words for reader in readers.values())
    raise InputError(
        "the format is not recognised", where=str(path), fix=f"give {words}; or name the format with --format"
    )


def refuse_foreign(name: str, reader: Reader, readers: Mapping[str, Reader], where: str) -> None:
    """Refuse an option that the format does not have; the error names the formats that have it."""
    if name in [option.name for option in reader.options]:
        return
    others = [other.words for other in readers.values() if name in [option.name for option in other.options]]
    raise InputError(
        f"{Option(name, '').flag} is not an option of {reader.words}",
        where=where,
        fix=f"leave it out; it is an option of {' and of '.join(others)}" if others else "see --help",
    )
