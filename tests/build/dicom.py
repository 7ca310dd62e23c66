"""Builders of DICOM slides, each of several files, and of other DICOM files."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SLIDE_CLASS = "1.2.840.10008.5.1.4.1.1.77.1.6"
CT_CLASS = "1.2.840.10008.5.1.4.1.1.2"
_WHOLE = ("ORIGINAL", "PRIMARY", "VOLUME", "NONE")
_JPEG = "1.2.840.10008.1.2.4.50"
_EXPLICIT = "1.2.840.10008.1.2.1"
_LONG = (b"OB", b"OW", b"SQ", b"UN", b"UT")


def encoded(tag: tuple[int, int], kind: bytes, value: Any) -> bytes:
    """An element in explicit little endian; a sequence is a list of lists of elements."""
    if kind == b"SQ":
        items = [b"".join(encoded(*each) for each in item) for item in value]
        data = b"".join(struct.pack("<HHI", 0xFFFE, 0xE000, len(item)) + item for item in items)
    elif kind == b"US":
        data = struct.pack("<H", value)
    elif kind == b"UL":
        data = struct.pack("<I", value)
    elif kind == b"FL":
        data = struct.pack("<f", value)
    elif kind in _LONG:
        data = value
    else:
        text = "\\".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        data = text.encode() + (b"\0" if kind == b"UI" else b" ") * (len(text) % 2)
    head = struct.pack("<HH", *tag) + kind
    return head + (struct.pack("<HI", 0, len(data)) if kind in _LONG else struct.pack("<H", len(data))) + data


def _fragments(frames: list[bytes]) -> bytes:
    """Encapsulated pixels: an empty table of offsets, a fragment for each frame, and the end."""
    padded = [frame + b"\0" * (len(frame) % 2) for frame in frames]
    items = [b"", *padded]
    content = b"".join(struct.pack("<HHI", 0xFFFE, 0xE000, len(item)) + item for item in items)
    end = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    return struct.pack("<HH", 0x7FE0, 0x0010) + b"OB" + struct.pack("<HI", 0, 0xFFFFFFFF) + content + end


def _write(path: Path, syntax: str, sop_class: str, uid: str, body: bytes) -> Path:
    meta = b"".join(
        [
            encoded((2, 1), b"OB", b"\0\1"), encoded((2, 2), b"UI", sop_class), encoded((2, 3), b"UI", uid),
            encoded((2, 0x10), b"UI", syntax), encoded((2, 0x12), b"UI", "1.2.3"),
        ]
    )  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(128) + b"DICM" + encoded((2, 0), b"UL", len(meta)) + meta + body)
    return path


def write_dicom(path: Path, series: str = "1.2.9.1", sop_class: str = CT_CLASS) -> Path:
    """A DICOM file that is no slide: the head of a radiological image."""
    body = [
        encoded((8, 0x16), b"UI", sop_class), encoded((8, 0x18), b"UI", f"{series}.5"),
        encoded((0x20, 0x0E), b"UI", series),
    ]  # fmt: skip
    return _write(path, _EXPLICIT, sop_class, f"{series}.5", b"".join(body))


def write_dicom_slide(
    folder: Path,
    picture: NDArray[np.uint8],
    *,
    mpp: float = 0.5,
    series: str = "1.2.3.4",
    names: tuple[str, ...] = ("level0.dcm", "level1.dcm"),
    tile: int = 256,
) -> Path:
    """A DICOM slide in a folder: a file for each level, each a quarter of the one before."""
    for number, name in enumerate(names):
        high, wide = (side // 4**number for side in picture.shape[:2])
        level = np.asarray(Image.fromarray(picture).resize((wide, high), Image.Resampling.BOX))
        rows, columns = -(-high // tile), -(-wide // tile)
        padded = np.full((rows * tile, columns * tile, 3), 255, dtype=np.uint8)
        padded[:high, :wide] = level
        frames = []
        for y in range(rows):
            for x in range(columns):
                stream = io.BytesIO()
                square = padded[y * tile : (y + 1) * tile, x * tile : (x + 1) * tile]
                Image.fromarray(square).save(stream, format="JPEG", quality=95, subsampling=0)
                frames.append(stream.getvalue())
        step = mpp * 4**number / 1000
        spacing = [((0x28, 0x30), b"DS", (f"{step:g}", f"{step:g}"))]
        uid = f"{series}.{number + 1}"
        body = [
            ((8, 8), b"CS", ("DERIVED", "PRIMARY", "VOLUME", "RESAMPLED") if number else _WHOLE),
            ((8, 0x16), b"UI", SLIDE_CLASS), ((8, 0x18), b"UI", uid), ((8, 0x60), b"CS", "SM"),
            ((0x20, 0x0D), b"UI", "1.2.3"), ((0x20, 0x0E), b"UI", series), ((0x20, 0x13), b"IS", number + 1),
            ((0x20, 0x52), b"UI", f"{series}.99"), ((0x20, 0x9311), b"CS", "TILED_FULL"),
            ((0x28, 2), b"US", 3), ((0x28, 4), b"CS", "YBR_FULL_422"), ((0x28, 6), b"US", 0),
            ((0x28, 8), b"IS", len(frames)), ((0x28, 0x10), b"US", tile), ((0x28, 0x11), b"US", tile),
            ((0x28, 0x100), b"US", 8), ((0x28, 0x101), b"US", 8), ((0x28, 0x102), b"US", 7), ((0x28, 0x103), b"US", 0),
            ((0x48, 1), b"FL", wide * step), ((0x48, 2), b"FL", high * step),
            ((0x48, 6), b"UL", wide), ((0x48, 7), b"UL", high),
            ((0x48, 0x105), b"SQ", [[((0x48, 0x106), b"SH", "1")]]),
            ((0x5200, 0x9229), b"SQ", [[((0x28, 0x9110), b"SQ", [spacing])]]),
        ]  # fmt: skip
        data = b"".join(encoded(*each) for each in body)
        _write(folder / name, _JPEG, SLIDE_CLASS, uid, data + _fragments(frames))
    return folder
