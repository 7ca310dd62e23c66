"""Plain images, decoded once and held in memory."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageOps, JpegImagePlugin, PngImagePlugin, TiffImagePlugin

from sequoia_model.errors import InputError
from sequoia_model.slide.sources.levels import Facts, PyramidLevel

#: First bytes of files, and their readers: Image.open would refuse large images as decompression bombs.
_KINDS = {
    b"\x89PNG\r\n\x1a\n": PngImagePlugin.PngImageFile,
    b"\xff\xd8\xff": JpegImagePlugin.JpegImageFile,
    b"II*\0": TiffImagePlugin.TiffImageFile,
    b"MM\0*": TiffImagePlugin.TiffImageFile,
    b"II+\0": TiffImagePlugin.TiffImageFile,
    b"MM\0+": TiffImagePlugin.TiffImageFile,
}
#: The largest image that is held in memory, at 3 bytes per pixel.
_MOST_PIXELS = 1_000_000_000
_ORIENTATION = 0x0112
#: What Pillow and tifffile raise for damaged files.
_DAMAGE = (
    OSError, SyntaxError, ValueError, struct.error, EOFError, KeyError, IndexError, tifffile.TiffFileError,
)  # fmt: skip


def image_kind(path: Path) -> type | None:
    """The Pillow class for a PNG, JPEG or TIFF, by the first bytes of the file; None for other files."""
    with open(path, "rb") as file:
        start = file.read(8)
    return next((reader for magic, reader in _KINDS.items() if start.startswith(magic)), None)


class ImageSource:
    """A plain image. Grey becomes RGB, and transparent pixels are laid over white.

    Parameters
    ----------
    path : Path
        The image file.
    kind : type
        What `image_kind` returns for it.

    Raises
    ------
    InputError
        If it is damaged, too large, or has floating-point pixels.
    """

    def __init__(self, path: Path, kind: type) -> None:
        self.path = path
        try:
            is_tiff = kind is TiffImagePlugin.TiffImageFile
            self._pixels, notes = _read_tiff(path) if is_tiff else _read_image(path, kind)
        except _DAMAGE as error:
            raise InputError(f"the image is damaged: {error}", where=str(path)) from None
        height, width = self._pixels.shape[:2]
        name = kind.format.lower()  # type: ignore[attr-defined]
        self.facts = Facts(name, (PyramidLevel((width, height), 1.0),), plain=True, notes=notes)

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
        """As `Source.reopened`: a forked process has its own memory."""
        return self

    def close(self) -> None:
        """As `Source.close`."""
        self._pixels = self._pixels[:0]


def _read_image(path: Path, kind: type) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """The pixels of an image as Pillow reads it, upright according to its EXIF orientation, and notes."""
    with kind(path) as image:
        _refuse_huge(image.width, image.height, path)
        turned = image.getexif().get(_ORIENTATION, 1) in range(2, 9)
        upright = ImageOps.exif_transpose(image) if turned else image
        pixels = _rgb(upright, path)
    return pixels, ("the image was turned upright according to its EXIF orientation",) if turned else ()


def _rgb(image: Image.Image, path: Path) -> NDArray[np.uint8]:
    if image.mode == "F":
        raise InputError(
            "the pixels are floating-point numbers, but 8-bit or 16-bit integers are needed", where=str(path)
        )
    if image.mode.startswith("I"):  # grey, 16 bits
        return np.repeat(_eight_bits(np.asarray(image))[..., None], 3, axis=2)
    if "A" in image.mode or "a" in image.mode or "transparency" in image.info:
        seen = image.convert("RGBA")
        white = Image.new("RGBA", seen.size, "white")
        image = Image.alpha_composite(white, seen)
    return np.array(image.convert("RGB"))


def _read_tiff(path: Path) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """The first image of a TIFF, and notes; Pillow cannot read RGB of 16 bits."""
    with tifffile.TiffFile(path) as file:
        page = file.pages[0]
        n_pages = len(file.pages)
        _refuse_huge(page.imagewidth, page.imagelength, path)  # type: ignore[union-attr]
        if page.dtype == np.uint16 and page.photometric == tifffile.PHOTOMETRIC.RGB:  # type: ignore[union-attr]
            pixels = _eight_bits(page.asarray())
            pixels = np.moveaxis(pixels, 0, 2) if pixels.shape[0] in (3, 4) else pixels
            pixels = np.ascontiguousarray(pixels[..., :3])
        else:
            pixels = _read_image(path, TiffImagePlugin.TiffImageFile)[0]
    return pixels, (f"the file contains {n_pages} images; only the first was read",) if n_pages > 1 else ()


def _eight_bits(pixels: NDArray) -> NDArray[np.uint8]:
    """The upper 8 of 16 bits."""
    return (pixels >> 8).astype(np.uint8)


def _refuse_huge(width: int, height: int, path: Path) -> None:
    if width * height > _MOST_PIXELS:
        raise InputError(
            f"the image has {width:,} × {height:,} px, but a plain image may have at most {_MOST_PIXELS:,} in all",
            where=str(path),
            fix="convert it to a tiled pyramid: vips tiffsave IN OUT.tif --tile --pyramid",
        )
