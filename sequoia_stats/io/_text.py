"""The text of a file, plain or compressed; what is no text is refused with the reason."""

from __future__ import annotations

import gzip
import io
import lzma
import struct
import zipfile
import zlib
from pathlib import Path

from sequoia_stats.errors import InputError

#: What gzip and zipfile raise for files that are damaged, encrypted or compressed in a way they do not know.
_DAMAGED: tuple[type[Exception], ...] = (
    *(EOFError, OSError, RuntimeError, ValueError, KeyError, struct.error),
    *(zlib.error, lzma.LZMAError, zipfile.BadZipFile),
)


def read_text(path: str | Path) -> str:
    """The text of a file: plain, gzip, or a zip archive of one member; UTF-8 only.

    Parameters
    ----------
    path : path
        The file. Compression is seen from its content.

    Returns
    -------
    str
        Without a byte-order mark, lines ending in a line feed.

    Raises
    ------
    InputError
        If the file is missing, a folder, empty, truncated, binary, or not UTF-8.
    """
    path = Path(path)
    raw = _decompress(_read_bytes(path), path)
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0\0" in (raw[0:4:2], raw[1:4:2]):
        raise InputError("the file is UTF-16 text", where=str(path), fix="save it as UTF-8")
    if b"\0" in raw:
        raise InputError("the file is binary, not a table", where=str(path), fix="give a CSV or TSV file")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = raw.count(b"\n", 0, error.start) + 1
        raise InputError(
            "the file is binary or not UTF-8 text", where=f"{path}, row {row}", fix="save it as UTF-8"
        ) from None
    if not text.strip():
        raise InputError("the file is empty", where=str(path))
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _read_bytes(path: Path) -> bytes:
    if path.is_dir():
        raise InputError("a folder was given where a file is needed", where=str(path))
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError("the file does not exist", where=str(path)) from None
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror}", where=str(path)) from None


def _decompress(raw: bytes, path: Path) -> bytes:
    try:
        if raw.startswith(b"\x1f\x8b"):
            return gzip.decompress(raw)
        if raw.startswith(b"PK\x03\x04"):
            return _only_member(raw, path)
    except _DAMAGED as error:
        raise InputError(
            "the compressed file is truncated or damaged",
            where=f"{path} ({error})",
            fix="fetch the file again",
        ) from None
    if raw and path.suffix in (".gz", ".zip"):
        raise InputError(
            f"the file is called {path.suffix}, and is not compressed in that way", where=str(path)
        )
    return raw


def _only_member(raw: bytes, path: Path) -> bytes:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        members = [m for m in archive.namelist() if not m.endswith("/") and not m.startswith("__MACOSX")]
        if len(members) == 1:
            return archive.read(members[0])
    raise InputError(
        f"the archive holds {len(members)} files where one is needed",
        where=str(path),
        fix="give a CSV or TSV file; a spreadsheet has to be saved as one",
    )
