"""Plain images, decoded once and held in memory as 8-bit RGB."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import JpegImagePlugin, PngImagePlugin, TiffImagePlugin

from sequoia_model.errors import InputError
from sequoia_model.slide.sources._blocks import Blocks
from sequoia_model.slide.sources._damage import DAMAGE
from sequoia_model.slide.sources._headers import jpeg_header
from sequoia_model.slide.sources._measured import measured
from sequoia_model.slide.sources._samples import PixelFormat
from sequoia_model.slide.sources.levels import Facts, PyramidLevel
from sequoia_model.slide.sources.tiff import Tiff

_Pixels = NDArray[np.uint8]

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
#: Rows are converted in bands of about this many pixels.
_BAND = 2**22
_WHITE = 255
_ORIENTATION = 0x0112
#: How an image of each EXIF orientation is turned upright, as a view of the same memory.
_TURNS: dict[int, Callable[[_Pixels], _Pixels]] = {
    2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud, 5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1), 7: lambda a: np.rot90(a, 2).swapaxes(0, 1), 8: np.rot90,
}  # fmt: skip
#: Bytes in which the header of a JPEG ends.
_HEADER = 2**25
_END_OF_JPEG = b"\xff\xd9"
#: Kinds of PNG that hold samples of 8 or 16 bits, and their colours: grey and RGB, also with transparency.
_PNG_COLOURS = {0: 1, 2: 3, 4: 1, 6: 3}


def image_kind(path: Path) -> type | None:
    """The Pillow class for a PNG, JPEG or TIFF, by the first bytes of the file; None for other files."""
    with open(path, "rb") as file:
        start = file.read(8)
    return next((reader for magic, reader in _KINDS.items() if start.startswith(magic)), None)


def is_tiff(kind: type | None) -> bool:
    """Whether `image_kind` found a TIFF."""
    return kind is TiffImagePlugin.TiffImageFile


def image_facts(path: Path, kind: type) -> Facts:
    """What the header of a PNG or JPEG says; its density is that of a print or screen.

    Raises
    ------
    InputError
        If the header is damaged.
    """
    if kind is JpegImagePlugin.JpegImageFile:
        with _damage_of(path), open(path, "rb") as file:
            depth = jpeg_header(file.read(_HEADER)).depth
        if depth != 8:
            raise InputError(f"the samples of the JPEG have {depth} bits, but 8 are needed", where=str(path))
    with _damage_of(path), kind(path) as image:
        size = image.size
        dpi = image.info.get("dpi")
        grey = image.mode in ("1", "L", "LA", "I", "I;16")
        name = str(image.format).lower()
    unused: tuple[str, ...] = ()
    if dpi is not None and all(isinstance(value, int | float) and value > 0 for value in dpi):
        unused = (
            f"density of {dpi[0]:.6g} dpi ({25_400 / dpi[0]:.4g} µm/px) is that of a print and was not used",
        )
    notes = ("the image is grey: it has no colours of a stain",) if grey else ()
    return Facts(name, (PyramidLevel(size, 1.0),), unused=unused, notes=notes)


class ImageSource:
    """A plain image. Grey becomes RGB, and transparent pixels are laid over white.

    Parameters
    ----------
    path : Path
        The image file.
    kind : type
        What `image_kind` returns for it.
    facts : Facts
        What its header or its directory says.
    tiff : Tiff, optional
        The directory, if it is a TIFF.

    Raises
    ------
    InputError
        If it is damaged or too large.
    """

    def __init__(self, path: Path, kind: type, facts: Facts, tiff: Tiff | None = None) -> None:
        self.path = path
        _refuse_huge(*facts.levels[0].size, path)
        if tiff is not None and tiff.samples is not None:
            pixels, notes = _strips(tiff, tiff.samples)
        else:
            with _damage_of(
                path, "" if tiff is None else f" or of a kind that cannot be decoded ({tiff.kind})"
            ):
                pixels, notes = _DECODERS.get(kind, _by_pillow)(path, kind)
        turn = _TURNS.get(tiff.orientation if tiff is not None else _exif_orientation(path, kind))
        if turn is not None:
            pixels = turn(pixels)
            notes = (*notes, "the image was turned upright according to its EXIF orientation")
        self._pixels = pixels
        level = PyramidLevel((pixels.shape[1], pixels.shape[0]), 1.0)
        self.facts = replace(facts, levels=(level,), notes=(*facts.notes, *notes))

    def region(self, level: int, x: int, y: int, width: int, height: int) -> _Pixels:
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


@contextmanager
def _damage_of(path: Path, kind: str = "") -> Iterator[None]:
    """Turn what decoders raise into an error of the file; `kind` is another possible cause."""
    try:
        yield
    except DAMAGE as error:
        raise InputError(
            f"the image is damaged{kind}: {error}", where=str(path), fix="get a new copy"
        ) from None


def _exif_orientation(path: Path, kind: type) -> int:
    with _damage_of(path), kind(path) as image:
        return image.getexif().get(_ORIENTATION, 1)


def _strips(tiff: Tiff, samples: PixelFormat) -> tuple[_Pixels, tuple[str, ...]]:
    """The pixels of a TIFF in strips, which are decoded one by one; twice if their depth must be found first."""
    level = tiff.levels[0]
    file = os.open(tiff.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        blocks = Blocks(tiff.path, level, file)
        seen = (block for _, block in blocks.rows() if block is not None)
        samples, notes = measured(samples, seen, tiff.path)
        pixels = np.empty((level.size[1], level.size[0], 3), dtype=np.uint8)
        for top, block in blocks.rows():
            end = top + (level.tile[1] if block is None else len(block))
            pixels[top:end] = _WHITE if block is None else samples.rgb(block)
    finally:
        os.close(file)
    return pixels, notes


def _jpeg(path: Path, kind: type) -> tuple[_Pixels, tuple[str, ...]]:
    """The pixels of a JPEG without a further copy of them; Pillow decodes those of four inks."""
    data = path.read_bytes()
    header = jpeg_header(data)
    if data.find(_END_OF_JPEG, header.scan) < 0:  # the decoder would fill the rest with grey
        raise ValueError("the file ends before its pixels do")
    if header.n_samples not in (1, 3):
        return _by_pillow(path, kind)
    pixels = imagecodecs.jpeg8_decode(data)
    return (pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)), ()


def _png(path: Path, kind: type) -> tuple[_Pixels, tuple[str, ...]]:
    """The pixels of a PNG without a further copy; Pillow decodes palettes and colours that are transparent."""
    with kind(path) as image:
        clear = "transparency" in image.info
    with open(path, "rb") as file:
        depth, colours = file.read(26)[24:]
    if clear or colours not in _PNG_COLOURS or depth < 8:
        return _by_pillow(path, kind)
    block = imagecodecs.png_decode(path.read_bytes())
    block = block if block.ndim == 3 else block[..., None]
    n_colours = _PNG_COLOURS[colours]
    samples = PixelFormat(n_colours, depth, "straight" if block.shape[2] > n_colours else None)
    samples, notes = measured(samples, [block], path)
    if depth == 8 and block.shape[2] == n_colours:
        return samples.rgb(block), notes
    pixels = np.empty((*block.shape[:2], 3), dtype=np.uint8)
    for top, bottom in _bands(block.shape[1], block.shape[0]):
        pixels[top:bottom] = samples.rgb(block[top:bottom])
    return pixels, notes


def _by_pillow(path: Path, kind: type) -> tuple[_Pixels, tuple[str, ...]]:
    """The pixels of an image as Pillow decodes it, converted in bands."""
    with kind(path) as image:
        image.load()
        mode, samples = "RGB", PixelFormat(3)
        if image.mode.startswith("I"):
            mode, samples = image.mode, PixelFormat(1, 16)
        elif "A" in image.mode or "a" in image.mode or "transparency" in image.info:
            mode, samples = "RGBA", PixelFormat(3, alpha="straight")
        bands = list(_bands(image.width, image.height))

        def block(top: int, bottom: int) -> NDArray:
            band = np.asarray(image.crop((0, top, image.width, bottom)).convert(mode))
            return band if band.ndim == 3 else band.astype(np.uint16)[..., None]

        samples, notes = measured(samples, (block(*band) for band in bands), path)
        pixels = np.empty((image.height, image.width, 3), dtype=np.uint8)
        for top, bottom in bands:
            pixels[top:bottom] = samples.rgb(block(top, bottom))
    return pixels, notes


def _bands(width: int, height: int) -> Iterator[tuple[int, int]]:
    """First and last row of bands."""
    step = max(_BAND // width, 1)
    return ((top, min(top + step, height)) for top in range(0, height, step))


_DECODERS: dict[type, Callable[[Path, type], tuple[_Pixels, tuple[str, ...]]]] = {
    JpegImagePlugin.JpegImageFile: _jpeg,
    PngImagePlugin.PngImageFile: _png,
}


def _refuse_huge(width: int, height: int, path: Path) -> None:
    if width * height > _MOST_PIXELS:
        raise InputError(
            f"the image has {width:,} × {height:,} px, but a plain image may have at most {_MOST_PIXELS:,} in all",
            where=str(path),
            fix="convert it to a tiled pyramid: vips tiffsave IN OUT.tif --tile --pyramid",
        )
