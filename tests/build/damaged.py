"""Files that are damaged so that the library that reads them crashes or hangs."""

from __future__ import annotations

import gzip
from pathlib import Path

_STORED = Path(__file__).parents[1] / "data" / "damaged"


def write_damaged(name: str, path: Path) -> Path:
    """A stored file: crash_features, crash_features_2, hang_features or crash_cohort."""
    path.write_bytes(gzip.decompress((_STORED / f"{name}.gz").read_bytes()))
    return path


def deep_pickle(depth: int) -> bytes:
    """A pickle of lists inside lists."""
    return b"\x80\x04" + b"]" * depth + b"a" * (depth - 1) + b"."


def deep_key_pickle(depth: int) -> bytes:
    """A pickle of a dictionary whose key is a tuple of tuples, which Python cannot hash if it is deep."""
    return b"\x80\x04})" + b"\x85" * depth + b"K\x01s."
