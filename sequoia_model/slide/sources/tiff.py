"""What a TIFF says about itself: its levels, its scale and how its samples are stored."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from sequoia_model.errors import InputError
from sequoia_model.slide.sources._damage import DAMAGE, quiet
from sequoia_model.slide.sources._image_text import ImageText, is_ome, read_text
from sequoia_model.slide.sources._pages import (
    TiffLevel,
    levels_of,
    passed_over,
    size_of,
    slide_page,
    text_of,
    walked,
)
from sequoia_model.slide.sources._samples import GREYSCALE, PixelFormat, samples_of, unsuitable
from sequoia_model.slide.sources.levels import Facts, PyramidLevel

#: A resolution of a level that is within this factor of that of level 0 was copied from it.
_COPIED = 1.05
#: µm per pixel that are those of a screen or printer.
_PRINTED = 10.0
_ORIENTATION, _X, _Y, _UNIT = 274, 282, 283, 296
_NO_UNIT, _INCH = 1, 2
_MICRONS = {_INCH: 25_400.0, 3: 10_000.0}


@dataclass(frozen=True, eq=False)
class Tiff:
    """What a TIFF says about itself.

    Parameters
    ----------
    path : Path
        The file.
    levels : tuple of TiffLevel
        The pages of the slide, from fine to coarse.
    samples : PixelFormat, optional
        How its samples are stored; None if only Pillow or OpenSlide can decode them.
    facts : Facts
        Its levels, scale and notes.
    is_first : bool
        Whether the slide is the first page.
    """

    path: Path
    levels: tuple[TiffLevel, ...]
    samples: PixelFormat | None
    facts: Facts
    is_first: bool

    @property
    def is_cut_off(self) -> bool:
        """Whether the file ends before its pixels do."""
        return _is_cut_off(self.path, (page for level in self.levels for page in level.pages))

    @property
    def kind(self) -> str:
        """Its photometric interpretation and compression."""
        page = self.levels[0].page
        return " and ".join(str(getattr(tag, "name", tag)) for tag in (page.photometric, page.compression))

    @property
    def is_tiled(self) -> bool:
        """Whether the slide is tiled."""
        return bool(self.levels[0].page.is_tiled)

    @property
    def orientation(self) -> int:
        """How the picture is turned, as EXIF counts it."""
        return int(_tag(self.levels[0].page, _ORIENTATION) or 1)

    @property
    def is_plain(self) -> bool:
        """Whether OpenSlide shows it as it is: its first page has all colours, 8 bits, and no further channel."""
        page = self.levels[0].page
        n_colours = page.samplesperpixel if self.samples is None else self.samples.colours
        return bool(
            self.is_first
            and len(self.levels[0].pages) == 1
            and page.dtype == np.uint8
            and page.samplesperpixel == n_colours
        )


def read_tiff(path: Path) -> Tiff:
    """Read the directory of a TIFF.

    Raises
    ------
    InputError
        If it is damaged (`DamagedTiffError`), does not hold the colours of a stained slide, or it is unclear which of
        its images is the slide.
    """
    try:
        with quiet(), tifffile.TiffFile(path) as file:
            pages: list[Any] = [page for page in walked(file.pages) if min(size_of(page)) > 0]
            if not pages or _goes_on(file):
                raise ValueError("the file ends before the directory of its images does")
            try:
                return _described(path, pages)
            except InputError:
                if _is_cut_off(path, pages):
                    raise incomplete(path, "the file ends before its pixels do") from None
                raise
    except DAMAGE as error:
        raise incomplete(path, str(error) or type(error).__name__, DamagedTiffError) from None


def _is_cut_off(path: Path, pages: Iterable[Any]) -> bool:
    ends = (a + n for page in pages for a, n in zip(page.dataoffsets, page.databytecounts, strict=False))
    return max(ends, default=0) > path.stat().st_size


def _goes_on(file: tifffile.TiffFile) -> bool:
    """Whether another page follows the last that was found."""
    file.filehandle.seek(file.pages.next_page_offset or 0)
    data = file.filehandle.read(file.tiff.offsetsize)
    return data.count(0) < len(data)


class DamagedTiffError(InputError):
    """A TIFF whose directory cannot be read."""


def incomplete(path: Path, cause: str, error: type[InputError] = InputError) -> InputError:
    """The error of a TIFF that cannot be read; it names Aperio if that wrote the file."""
    with open(path, "rb") as file:
        aperio = path.suffix.lower() == ".svs" or b"Aperio" in file.read(2**16)
    kind = "the Aperio slide is incomplete or damaged" if aperio else "the image is damaged or incomplete"
    return error(
        f"{kind}: {cause}",
        where=str(path),
        fix="get a new copy, and compare its size with that of the original",
    )


def _described(path: Path, pages: list[Any]) -> Tiff:
    main, images = slide_page(path, pages)
    text = text_of(pages[0]) if is_ome(text_of(pages[0])) else text_of(main)
    said = read_text(text, (_tag(main, _X), _tag(main, _Y)), size_of(main))
    levels, ome, notes = levels_of(path, main, images, said)
    if pages[0] not in images or (pages[0] is not main and not pages[0].is_tiled and main.is_tiled):
        notes.append(passed_over(pages[0], main))
    for level in levels:
        _refuse_misfit(path, level)
    n_samples = levels[0].n_samples
    if cause := unsuitable(main):
        raise InputError(cause, where=str(path), fix="export the slide as RGB of 8 bits per sample")
    samples = samples_of(main, n_samples, len(levels[0].pages), ome.bits if ome else None)
    if main.photometric in GREYSCALE if samples is None else samples.is_grey:
        notes.append("the image is grey: it has no colours of a stain")
    if samples is not None and samples.alpha is None and n_samples > samples.colours:
        notes.append(f"of {n_samples} channels, only the first {samples.colours} were read")
    for page in (page for level in levels for page in level.pages):
        for cached in ("decode", "jpegtables"):  # read from the file while it is open, and kept
            getattr(page, cached)
    claims, unused = _scale(levels, said)
    facts = Facts("tiff", _pyramid(levels), claims, unused, tuple(notes))
    return Tiff(path, levels, samples, facts, main is pages[0])


def _refuse_misfit(path: Path, level: TiffLevel) -> None:
    """Refuse sizes that cannot be true, before memory is asked for them."""
    wide, high = level.tile
    if min(wide, high) < 1 or any(
        first + level.n_blocks > len(page.dataoffsets) for page, first in level.planes
    ):
        words = f"{' × '.join(map(str, level.size))} px in tiles or strips of {wide} × {high} px"
        raise InputError(
            f"the directory of the image is damaged: it lists fewer than it needs for {words}",
            where=str(path),
            fix="get a new copy",
        )


def _pyramid(levels: tuple[TiffLevel, ...]) -> tuple[PyramidLevel, ...]:
    width, height = levels[0].size
    return tuple(
        PyramidLevel(level.size, (width / level.size[0] + height / level.size[1]) / 2) for level in levels
    )


def _scale(levels: tuple[TiffLevel, ...], said: ImageText) -> tuple[dict[str, float], tuple[str, ...]]:
    """What the file says about its scale, and what of it is no µm per pixel."""
    claims, unused = dict(said.claims), list(said.unused)
    if said.is_imagej:  # its unit holds for the tags
        return claims, tuple(unused)
    own = _microns(levels[0].page)
    claims |= {f"TIFF resolution {axis}": value for axis, value in own.items()}
    pixels = _tag(levels[0].page, _X)
    if not own and pixels and pixels != 1:
        unit = int(levels[0].page.tags[_UNIT].value)
        words = "no unit" if unit == _NO_UNIT else f"an unknown unit (ResolutionUnit {unit})"
        unused.append(f"TIFF resolution of {pixels:g} pixels has {words}")
    for i, (level, facts) in enumerate(zip(levels, _pyramid(levels), strict=True)):
        for axis, value in _microns(level.page).items() if i else ():
            copied = axis in own and 1 / _COPIED <= value / own[axis] <= _COPIED
            if not copied and value / facts.downsample <= _PRINTED:
                claims[f"TIFF resolution of level {i} {axis}"] = value / facts.downsample
    return claims, tuple(unused)


def _microns(page: Any) -> dict[str, float]:
    """µm per pixel along each axis that the resolution tags of a page state."""
    tag = page.tags.get(_UNIT)
    unit = _MICRONS.get(_INCH if tag is None else int(tag.value))
    found = {axis: _tag(page, code) for axis, code in (("x", _X), ("y", _Y))}
    return {axis: unit / pixels for axis, pixels in found.items() if unit and pixels}


def _tag(page: Any, code: int) -> float | None:
    """The value of a tag; None if it is missing or not a number above 0."""
    tag = page.tags.get(code)
    value = None if tag is None else tag.value
    if isinstance(value, tuple):
        value = value[0] / value[1] if len(value) == 2 and value[1] else None
    return float(value) if isinstance(value, int | float) and math.isfinite(value) and value > 0 else None
