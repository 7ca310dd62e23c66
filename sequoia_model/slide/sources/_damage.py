"""What decoders raise for damaged files, and what tifffile logs about unusual ones."""

from __future__ import annotations

import contextlib
import logging
import struct
import zlib
from collections.abc import Iterator

import tifffile
from PIL import Image

#: What Pillow, tifffile and imagecodecs raise for damaged files.
DAMAGE = (
    RuntimeError, ValueError, ArithmeticError, LookupError, TypeError, AttributeError, OSError, EOFError, MemoryError,
    SyntaxError, AssertionError, struct.error, zlib.error, tifffile.TiffFileError, Image.DecompressionBombError,
)  # fmt: skip


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep tifffile's warnings about unusual tags from stderr."""
    logger = logging.getLogger("tifffile")

    def nothing(record: logging.LogRecord) -> bool:
        return False

    logger.addFilter(nothing)
    try:
        yield
    finally:
        logger.removeFilter(nothing)
