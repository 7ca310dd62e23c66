"""Which pages of a TIFF are the slide and its levels. What is unclear is refused, what is passed over is noted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from sequoia_model.errors import InputError, counted, listing
from sequoia_model.slide.sources._image_text import ImageText, OmeImage, is_beside, ome_images

_REDUCED = 1
#: Aperio's mark of a macro or a label.
_MACRO = 9
#: Sides of levels may differ by this share, and by two pixels, from those that the aspect of the slide gives.
_ASPECT = 0.02
#: An image with this share of the pixels of the largest may be the slide as well.
_AS_LARGE = 0.25
_ONE_IMAGE = "save the image that is the slide as a file of its own, in RGB of 8 bits"


@dataclass(frozen=True, eq=False)
class TiffLevel:
    """One level: a page with all colours, or a page each for red, green and blue.

    Parameters
    ----------
    pages : tuple of tifffile.TiffPage
        The pages, which can be decoded after the file was closed.
    """

    pages: tuple[Any, ...]

    @property
    def page(self) -> Any:
        """The first of its pages."""
        return self.pages[0]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return size_of(self.page)

    @property
    def tile(self) -> tuple[int, int]:
        """Width and height of a tile, or of a strip."""
        if self.page.is_tiled:
            return self.page.tilewidth, self.page.tilelength
        return self.page.imagewidth, min(self.page.rowsperstrip, self.page.imagelength)

    @property
    def columns(self) -> int:
        """Number of tiles in a row."""
        return -(-self.size[0] // self.tile[0])

    @property
    def n_blocks(self) -> int:
        """Number of tiles or strips."""
        return self.columns * -(-self.size[1] // self.tile[1])

    @cached_property
    def planes(self) -> tuple[tuple[Any, int], ...]:
        """Where the samples of a pixel lie: pages, and the number of the first tile in each."""
        if len(self.pages) == 1 and self.page.planarconfig == tifffile.PLANARCONFIG.SEPARATE:
            return tuple((self.page, i * self.n_blocks) for i in range(self.page.samplesperpixel))
        return tuple((page, 0) for page in self.pages)

    @property
    def n_samples(self) -> int:
        """Number of samples of a pixel."""
        return int(self.page.samplesperpixel) if len(self.pages) == 1 else len(self.pages)


def walked(pages: Iterable[Any]) -> Iterator[Any]:
    """The pages of a directory, each once.

    Raises
    ------
    ValueError
        If the directory leads back to a page, as tifffile would follow it for ever.
    """
    seen: set[int] = set()
    for page in pages:
        if page.offset in seen:
            raise ValueError("the directory of its images leads back to itself")
        seen.add(page.offset)
        yield page


def size_of(page: Any) -> tuple[int, int]:
    """Width and height of a page."""
    return int(page.imagewidth), int(page.imagelength)


def passed_over(page: Any, main: Any) -> str:
    """A note about an image before the slide."""
    return f"the first image of the file, of {_by(page)} px, was passed over; that of {_by(main)} px is the slide"


def text_of(page: Any) -> str:
    """Description of a page."""
    return page.description if isinstance(page.description, str) else ""


def slide_page(path: Path, pages: Sequence[Any]) -> tuple[Any, list[Any]]:
    """Find the page of the slide, and the pages that may be its levels or other colours.

    Raises
    ------
    InputError
        If two pages of different shape may be the slide.
    """
    beside = {image.size for image in ome_images(text_of(pages[0])) if image.beside}
    images = [page for page in pages if not _is_beside(page) and size_of(page) not in beside] or list(pages)
    full = [page for page in images if not page.subfiletype & _REDUCED] or images
    main, first = max(full, key=_area), full[0]
    if not same_shape(main, first) and main.is_tiled == first.is_tiled:
        raise InputError(
            f"it is unclear which image is the slide: the first has {_by(first)} px, a later one of another shape "
            f"{_by(main)} px",
            where=str(path),
            fix=_ONE_IMAGE,
        )
    return main, images


def levels_of(
    path: Path, main: Any, images: Sequence[Any], said: ImageText
) -> tuple[tuple[TiffLevel, ...], OmeImage | None, list[str]]:
    """Find the levels of the slide, its OME image, and notes on what is passed over.

    Raises
    ------
    InputError
        If the file holds several channels, focal planes, times or scenes.
    """
    scenes = [image for image in said.images if image.size == size_of(main) and not image.beside]
    ome = scenes[0] if scenes else None
    same = [page for page in images if size_of(page) == size_of(main) and not page.subfiletype & _REDUCED]
    planes = dict(said.planes)
    if ome is not None:
        planes = {"scenes": len(scenes), "focal planes": ome.depths, "times": ome.times}
    _refuse_planes(path, {word: n for word, n in planes.items() if n > 1})
    colours, notes = _colours(path, main, same or [main], ome)
    levels = _with_coarser(colours, images)
    used = {id(page) for level in levels for page in level.pages}
    rest = [page for page in images if id(page) not in used and (not main.is_tiled or page.is_tiled)]
    if said.images and any(_area(page) >= _AS_LARGE * _area(main) for page in rest):
        _refuse_planes(path, {"scenes": len(said.images)})
    if rest:
        n_same = sum(size_of(page) == size_of(main) for page in rest) + len(colours)
        read = f"the first of the {n_same} of" if n_same > len(colours) else "that of"
        notes.append(f"the file contains {len(rest) + len(used)} images; only {read} {_by(main)} px was read")
    return levels, ome, notes


def _refuse_planes(path: Path, planes: dict[str, int]) -> None:
    if planes:
        words = listing(f"{n:,} {word}" for word, n in planes.items())
        raise InputError(
            f"the file holds {words}, and it is unclear which is the slide", where=str(path), fix=_ONE_IMAGE
        )


def _colours(
    path: Path, main: Any, same: list[Any], ome: OmeImage | None
) -> tuple[tuple[Any, ...], list[str]]:
    """The pages that hold the colours of the slide, and notes."""
    if main.samplesperpixel > 1 or (len(same) == 1 and (ome is None or ome.channels == 1)):
        return (main,), []
    names = [] if ome is None else [name for name in ome.channel_names if name]
    if ome is not None and len(same) == 3 and ome.is_colour:
        if main.dtype == np.uint8:
            return tuple(same), [] if names else ["three grey pages were taken for red, green and blue"]
        raise InputError(
            f"the file holds 3 grey images of {_by(main)} px with {main.bitspersample} bits; such images are taken for "
            "red, green and blue only if they have 8 bits, because those of fluorescence mostly have 16",
            where=str(path),
            fix="if they are red, green and blue, save the slide in RGB of 8 bits",
        )
    words = f" ({listing(names)})" if names else ""
    raise InputError(
        f"the file holds {counted(len(same), 'grey image')} of {_by(main)} px{words}, such as channels of "
        "fluorescence, but the colours of a stained slide are needed",
        where=str(path),
        fix=_ONE_IMAGE,
    )


def _with_coarser(colours: tuple[Any, ...], images: Sequence[Any]) -> tuple[TiffLevel, ...]:
    """The levels: coarser pages of the same shape and kind, or those below the pages of level 0."""
    finest, main = TiffLevel(colours), colours[0]
    found = {finest.size: finest}
    if not main.is_tiled:
        return (finest,)
    inner = zip(*(list(walked(page.pages or ())) for page in colours), strict=False)
    by_size: dict[tuple[int, int], list[Any]] = {}
    for page in images:
        if _is_level(page, main):
            by_size.setdefault(size_of(page), []).append(page)
    outer = (tuple(pages[: len(colours)]) for pages in by_size.values() if len(pages) >= len(colours))
    for pages in (*outer, *inner):
        if all(_is_level(page, main) and size_of(page) == size_of(pages[0]) for page in pages):
            found.setdefault(size_of(pages[0]), TiffLevel(pages))
    return tuple(sorted(found.values(), key=lambda level: -level.size[0]))


def _is_level(page: Any, main: Any) -> bool:
    return bool(
        page.is_tiled
        and _area(page) < _area(main)
        and same_shape(page, main)
        and (page.samplesperpixel, page.bitspersample, page.planarconfig)
        == (main.samplesperpixel, main.bitspersample, main.planarconfig)
    )


def same_shape(page: Any, other: Any) -> bool:
    """Whether two pages may show the same: their aspects agree, as far as rounded sides do."""
    (small_w, small_h), (width, height) = sorted((size_of(page), size_of(other)))
    return bool(abs(small_w * height / width - small_h) <= max(2.0, _ASPECT * small_h))


def _is_beside(page: Any) -> bool:
    return bool(page.subfiletype == _MACRO or is_beside(text_of(page)))


def _area(page: Any) -> int:
    return int(page.imagewidth) * int(page.imagelength)


def _by(page: Any) -> str:
    return " × ".join(f"{side:,}" for side in size_of(page))
