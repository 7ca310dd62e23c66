"""Opening a slide with the reader that can."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Literal

from sequoia_base.inputs import existing_file
from sequoia_model.errors import InputError
from sequoia_model.slide.reading import Slide
from sequoia_model.slide.resolution import resolve
from sequoia_model.slide.sources.levels import Facts, Source

Reader = Literal["auto", "openslide", "direct"]
_READERS = ("auto", "openslide", "direct")


def open_slide(path: str | Path, *, mpp: float | None = None, reader: Reader = "auto") -> Slide:
    """Open a slide; its scale is what the file says or what is given, and never guessed.

    Parameters
    ----------
    path : path
        A slide that OpenSlide reads, or a plain PNG, JPEG or TIFF.
    mpp : float, optional
        µm per pixel of level 0; wins over what the file says. A plain image needs it.
    reader : {"auto", "openslide", "direct"}
        "direct" decodes the tiles of a TIFF without OpenSlide, on levels where both give the same pixels; "auto" does
        so where it can.

    Returns
    -------
    Slide

    Raises
    ------
    InputError
        If the file is no slide or damaged, its scale is unknown or contradicts itself, or the reader cannot read it.
    """
    path = Path(path)
    if reader not in _READERS:
        raise InputError(f"reader is {reader!r}, and one of {', '.join(_READERS)} is needed")
    source = _source(path, reader, mpp)
    try:
        resolution = resolve(source.facts, path, mpp)
        resolution = replace(resolution, notes=(*resolution.notes, *source.facts.notes))
        slide = Slide(source, resolution, reader)
        if reader == "direct" and slide.reader != "direct":
            raise InputError(
                "the slide cannot be read directly with the pixels of OpenSlide", where=str(path)
            )
    except BaseException:
        source.close()
        raise
    return slide


def open_again(path: Path, mpp: float | None, reader: Reader) -> Slide:
    """A slide in another process, which a pickled one is there."""
    return open_slide(path, mpp=mpp, reader=reader)


def _source(path: Path, reader: Reader, mpp: float | None) -> Source:
    _refuse_unreadable(path)
    from sequoia_model.slide.sources.direct import read_directly
    from sequoia_model.slide.sources.image import ImageSource, image_kind
    from sequoia_model.slide.sources.openslide import OpenSlideSource, detect
    from sequoia_model.slide.sources.tiff_pages import is_tiled

    if detect(path) is not None:
        behind = OpenSlideSource(path)
        return behind if reader == "openslide" else read_directly(behind) or behind
    kind = image_kind(path)
    if kind is None or is_tiled(path):
        raise InputError(
            "the file is neither a slide that OpenSlide reads nor a PNG, JPEG or TIFF",
            where=str(path),
            fix="if it is to be a slide, it may be damaged or cut off: get the file again",
        )
    if reader != "auto":
        raise InputError(f"a plain image is not read by the reader {reader!r}", where=str(path))
    resolve(Facts("image", (), plain=True), path, mpp)  # or an error, before a large image is decoded
    return ImageSource(path, kind)


def _refuse_unreadable(path: Path) -> None:
    if os.path.islink(path) and not os.path.exists(path):
        raise InputError("the file is a link that leads nowhere", where=str(path))
    existing_file(path)
    try:
        with open(path, "rb") as file:
            empty = not file.read(1)
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror or error}", where=str(path)) from None
    if empty:
        raise InputError("the file is empty", where=str(path))
