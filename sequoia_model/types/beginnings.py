"""What a file is by its first bytes, for those that are given in place of the right one."""

from __future__ import annotations

from pathlib import Path

_BEGINNINGS = {
    b"\x93NUMPY": "a NumPy array", b"PK": "a zip archive", b"\x80": "a pickle", b"PAR1": "a Parquet file",
    b"\x89HDF": "an HDF5 file", **dict.fromkeys([b"(dp", b"(lp", b"cnumpy.", b"cpandas.", b"ccopy_re"], "a pickle"),
}  # fmt: skip
_COMPRESSED = {b"\x1f\x8b": "a gzip archive", b"BZh": "a bzip2 archive", b"\xfd7zXZ": "an xz archive"}
_COMPRESSED |= dict.fromkeys([b"x\x01", b"x^", b"x\x9c", b"x\xda"], "compressed by zlib")


def kind_of_file(path: Path, *, compressed: bool = True) -> str:
    """What a file is by its first bytes: an array, an archive, a pickle or a table; empty if it is none of these.

    Parameters
    ----------
    path : path
        An existing file.
    compressed : bool, default True
        Whether a file that is compressed by itself, as a table may be, counts as another kind.
    """
    with path.open("rb") as file:
        begin = file.read(8)
    known = _BEGINNINGS | _COMPRESSED if compressed else _BEGINNINGS
    return next((what for start, what in known.items() if begin.startswith(start)), "")
