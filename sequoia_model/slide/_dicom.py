"""DICOM slides: which files belong together. The pixels are read by OpenSlide."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

_SLIDE_CLASS = "1.2.840.10008.5.1.4.1.1.77.1.6"
_IMPLICIT = "1.2.840.10008.1.2"
_CLASS, _SYNTAX, _SERIES = (0x0008, 0x0016), (0x0002, 0x0010), (0x0020, 0x000E)
_ITEM_END, _SEQUENCE_END = (0xFFFE, 0xE00D), (0xFFFE, 0xE0DD)
#: Kinds of values whose length has four bytes.
_LONG = (b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV")
_UNDEFINED = 0xFFFFFFFF


#: Endings of DICOM files; many have none, or the last number of an identifier.
DICOM_SUFFIXES = (".dcm", ".dicom", ".ima")


def is_dicom(path: str | Path) -> bool:
    """Whether a file is DICOM, of whatever kind."""
    with open(path, "rb") as file:
        file.seek(128)
        return file.read(4) == b"DICM"


def may_be_dicom(path: Path) -> bool:
    """Whether a file is DICOM by its name or, if the name has no ending, by its content."""
    ending = path.suffix.lower()
    if path.name.startswith(".") or path.name.upper() == "DICOMDIR":
        return False
    if ending and not ending[1:].isdigit():
        return ending in DICOM_SUFFIXES
    try:
        return path.is_file() and is_dicom(path)
    except OSError:
        return False


def series_of(path: str | Path) -> str | None:
    """The identifier of the series of a DICOM slide's file, which all its files share; None for any other file."""
    try:
        with open(path, "rb") as file:
            file.seek(128)
            if file.read(4) != b"DICM":
                return None
            found = _first_texts(file, os.path.getsize(path))
    except (OSError, struct.error, RecursionError):
        return None
    return found.get(_SERIES) if found.get(_CLASS) == _SLIDE_CLASS else None


def slides_among(files: Iterable[Path]) -> dict[str, list[Path]]:
    """DICOM files by the series of the slide that they belong to; those that belong to none are left out."""
    series: dict[str, list[Path]] = {}
    for path in files:
        found = series_of(path)
        if found is not None:
            series.setdefault(found, []).append(path)
    return series


def only_slide_in(folder: Path) -> Path | None:
    """A file of the DICOM slide that a folder holds; None if it holds none, or several."""
    series = slides_among(sorted(path for path in folder.iterdir() if may_be_dicom(path)))
    return next(iter(series.values()))[0] if len(series) == 1 else None


def _first_texts(file: BinaryIO, size: int) -> dict[tuple[int, int], str]:
    """The class, the encoding and the series of a file, which come before its pixels."""
    found: dict[tuple[int, int], str] = {}
    while file.tell() < size:
        start = file.tell()
        in_meta = struct.unpack("<H", file.read(2))[0] == 0x0002
        file.seek(start)
        implicit = not in_meta and found.get(_SYNTAX) == _IMPLICIT
        tag, _, length = _head(file, implicit=implicit)
        if tag > _SERIES:
            break
        if tag in (_CLASS, _SYNTAX, _SERIES) and length <= 64:
            found[tag] = file.read(length).decode("ascii", "replace").strip("\0 ")
        else:
            _skip(file, length, implicit)
    return found


def _head(file: BinaryIO, *, implicit: bool) -> tuple[tuple[int, int], bytes, int]:
    """Tag, kind and length of an element."""
    group, number = struct.unpack("<HH", file.read(4))
    if implicit or group == 0xFFFE:
        return (group, number), b"", struct.unpack("<I", file.read(4))[0]
    kind = file.read(2)
    if kind in _LONG:
        return (group, number), kind, struct.unpack("<HI", file.read(6))[1]
    return (group, number), kind, struct.unpack("<H", file.read(2))[0]


def _skip(file: BinaryIO, length: int, implicit: bool) -> None:
    """Pass over a value; one of undefined length is a sequence with an end."""
    if length != _UNDEFINED:
        file.seek(length, os.SEEK_CUR)
        return
    while True:
        tag, _, inner = _head(file, implicit=implicit)
        if tag in (_ITEM_END, _SEQUENCE_END):
            return
        _skip(file, inner, implicit)
