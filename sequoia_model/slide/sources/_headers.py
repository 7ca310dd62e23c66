"""What the headers of compressed pixels say, before memory is asked for the pixels."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import tifffile

_START_OF_SCAN = 0xDA
#: Markers of frames; the others of this range are tables.
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
#: Start of a JPEG 2000 codestream and of its sizes.
_SIZES = b"\xff\x4f\xff\x51"
_KINDS = tifffile.COMPRESSION
_JPEG = (_KINDS.OJPEG, _KINDS.JPEG, _KINDS.ALT_JPEG, _KINDS.JPEG_LOSSY)
_JPEG2000 = (
    _KINDS.JPEG2000, _KINDS.APERIO_JP2000_YCBC, _KINDS.APERIO_JP2000_RGB, _KINDS.JPEG_2000_LOSSY,
)  # fmt: skip
#: A tile or strip may claim this many pixels in any case, and more than it should up to this factor, as padding.
_HARMLESS, _PADDED = 2**20, 2


@dataclass(frozen=True)
class JpegHeader:
    """What the header of a JPEG says.

    Parameters
    ----------
    depth : int
        Bits per sample.
    size : tuple of int
        Width and height.
    n_samples : int
        Samples per pixel.
    scan : int
        Where the first scan starts.
    """

    depth: int
    size: tuple[int, int]
    n_samples: int
    scan: int


def jpeg_header(data: bytes) -> JpegHeader:
    """Read the header of a JPEG.

    Raises
    ------
    ValueError, IndexError, struct.error
        If it is damaged.
    """
    at, depth, size, n_samples = 2, 0, (0, 0), 0
    while True:
        at = data.index(b"\xff", at)
        marker = data[at + 1]
        if marker in (0xFF, 0x00, 0x01):
            at += 1
            continue
        if marker == _START_OF_SCAN:
            return JpegHeader(depth, size, n_samples, at)
        if marker in _FRAMES:
            depth, height, width, n_samples = struct.unpack_from(">BHHB", data, at + 4)
            size = (width, height)
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")


def claims_too_much(data: bytes, compression: int, tile: tuple[int, int]) -> str:
    r"""The size that a tile or strip claims, if it is far more than it should have; empty if not.

    Decoders of JPEG and JPEG 2000 take and fill memory for what a damaged header claims, others for what they find.

    Parameters
    ----------
    data : bytes
        The compressed tile or strip.
    compression : int
        TIFF's code for its compression.
    tile : tuple of int
        The width and height that it should have.

    Examples
    --------
    >>> start = b"\xff\x4f\xff\x51" + struct.pack(">HH", 47, 0)
    >>> claims_too_much(start + struct.pack(">4I", 256, 16711936, 0, 0), 34712, (256, 256))
    '256 × 16,711,936 px'
    >>> claims_too_much(start + struct.pack(">4I", 256, 256, 0, 0), 34712, (256, 256))
    ''
    """
    try:
        if compression in _JPEG:
            width, height = jpeg_header(data).size
        elif compression in _JPEG2000:
            right, bottom, left, top = struct.unpack_from(">4I", data, data.index(_SIZES) + 8)
            width, height = right - left, bottom - top
        else:
            return ""
    except (ValueError, IndexError, struct.error):  # the decoder judges it
        return ""
    if width * height <= max(_HARMLESS, _PADDED * tile[0] * tile[1]):
        return ""
    return f"{width:,} × {height:,} px"
