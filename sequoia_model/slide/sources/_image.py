"""Pixels of plain images, decoded once and kept."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageOps, JpegImagePlugin, PngImagePlugin, TiffImagePlugin

from sequoia_model.errors import InputError
from sequoia_model.slide.sources.levels import Facts, Level

#: How files begin, and what reads them: not Image.open, whose limit of pixels is made for pictures in mail.
_KINDS = {
    b"\x89PNG\r\n\x1a\n": PngImagePlugin.PngImageFile,
    b"\xff\xd8\xff": JpegImagePlugin.JpegImageFile,
    b"II*\0": TiffImagePlugin.TiffImageFile,
    b"MM\0*": TiffImagePlugin.TiffImageFile,
    b"II+\0": TiffImagePlugin.TiffImageFile,
    b"MM\0+": TiffImagePlugin.TiffImageFile,
}
#: Of an image that is held in memory, 3 bytes each.
_MOST_PIXELS = 1_000_000_000
_ORIENTATION = 0x0112
_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    struct.error,
    EOFError,
    KeyError,
    IndexError,
    tifffile.TiffFileError,
)


def image_kind(path: Path) -> type | None:
    """The class that reads a file which begins as a PNG, JPEG or TIFF does; None for others."""
    with open(path, "rb") as file:
        start = file.read(8)
    return next((reader for magic, reader in _KINDS.items() if start.startswith(magic)), None)


class ImageSource:
    """A plain image; grey ones become RGB, transparent ones lie over white.

    Parameters
    ----------
    path : Path
    kind : type
        Of `image_kind`.

    Raises
    ------
    InputError
        If it is damaged, larger than memory should hold, or of another kind of numbers.
    """

    def __init__(self, path: Path, kind: type) -> None:
        self.path = path
        try:
            self._pixels, notes = _tiff(path) if kind is TiffImagePlugin.TiffImageFile else _image(path, kind)
        except _DAMAGE as error:
            raise InputError(f"the image is damaged: {error}", where=str(path)) from None
        height, width = self._pixels.shape[:2]
        self.facts = Facts(kind.format.lower(), (Level((width, height), 1.0),), plain=True, notes=notes)  # type: ignore[attr-defined]

    def region(self, level: int, x: int, y: int, width: int, height: int) -> NDArray[np.uint8]:
        """As `Source.region`."""
        return self._pixels[y : y + height, x : x + width].copy()

    def start(self, level: int, x: int, y: int) -> tuple[float, float]:
        """As `Source.start`."""
        return x, y

    def reader_of(self, level: int) -> str:
        """As `Source.reader_of`."""
        return "image"

    def reopened(self) -> ImageSource:
        """As `Source.reopened`: memory is the forked process's own."""
        return self

    def close(self) -> None:
        """As `Source.close`."""
        self._pixels = self._pixels[:0]


def _image(path: Path, kind: type) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """The pixels of an image as Pillow reads it, turned as its EXIF says."""
    with kind(path) as image:
        _refuse_huge(image.width, image.height, path)
        turned = image.getexif().get(_ORIENTATION, 1) in range(2, 9)
        upright = ImageOps.exif_transpose(image) if turned else image
        pixels = _rgb(upright, path)
    return pixels, ("the image is turned as its EXIF orientation says",) if turned else ()


def _rgb(image: Image.Image, path: Path) -> NDArray[np.uint8]:
    if image.mode == "F":
        raise InputError(
            "the pixels are floating-point numbers, and 8 or 16 bits are needed", where=str(path)
        )
    if image.mode.startswith("I"):  # 16 bits of grey
        return np.repeat(_eight_bits(np.asarray(image))[..., None], 3, axis=2)
    if "A" in image.mode or "a" in image.mode or "transparency" in image.info:
        seen = image.convert("RGBA")
        white = Image.new("RGBA", seen.size, "white")
        image = Image.alpha_composite(white, seen)
    return np.array(image.convert("RGB"))


def _tiff(path: Path) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """The first picture of a TIFF; Pillow knows no colours of 16 bits."""
    with tifffile.TiffFile(path) as file:
        page = file.pages[0]
        n_pages = len(file.pages)
        _refuse_huge(page.imagewidth, page.imagelength, path)  # type: ignore[union-attr]
        if page.dtype == np.uint16 and page.photometric == tifffile.PHOTOMETRIC.RGB:  # type: ignore[union-attr]
            pixels = _eight_bits(page.asarray())
            pixels = np.moveaxis(pixels, 0, 2) if pixels.shape[0] in (3, 4) else pixels
            pixels = np.ascontiguousarray(pixels[..., :3])
        else:
            pixels = _image(path, TiffImagePlugin.TiffImageFile)[0]
    return pixels, (f"the file holds {n_pages} pictures, and the first was read",) if n_pages > 1 else ()


def _eight_bits(pixels: NDArray) -> NDArray[np.uint8]:
    """The upper half of 16 bits."""
    return (pixels >> 8).astype(np.uint8)


def _refuse_huge(width: int, height: int, path: Path) -> None:
    if width * height > _MOST_PIXELS:
        raise InputError(
            f"the image has {width:,} × {height:,} px, and a plain one is held in memory up to {_MOST_PIXELS:,}",
            where=str(path),
            fix="write it as a tiled pyramid: vips tiffsave IN OUT.tif --tile --pyramid",
        )
