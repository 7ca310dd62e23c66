"""Annotations: areas drawn by hand that replace the tissue mask, or are taken out of it."""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sequoia_base.atomic import existing_file
from sequoia_model.errors import InputError, listing
from sequoia_model.tissue._drawn import (
    TILES,
    Area,
    Drawing,
    is_class,
    is_ignored,
    listed,
    passed_over,
    read_drawing,
)
from sequoia_model.tissue.mask import TissueMask
from sequoia_model.tissue.polygons import Ring, fill

if TYPE_CHECKING:
    from sequoia_model.slide import Slide

#: µm per pixel of the mask that drawn areas become: half of the tissue mask's, so that small areas are kept.
ANNOTATION_MPP = 8.0
_DRAW = (
    "draw areas of at least a tile, 128 µm, on this slide, and check which classes are included and excluded"
)
_PNG = b"\x89PNG\r\n\x1a\n"
#: Areas within fewer pixels that are not whole numbers were drawn in degrees or shares of the slide.
_FEWEST_PIXELS = 8
#: Side of the picture on which the share of the drawn area that lies outside the slide is measured.
_SKETCH = 512


def read_annotation(
    path: str | Path,
    slide: Slide,
    *,
    include: str | Sequence[str] = (),
    exclude: str | Sequence[str] = (),
    partly: bool = False,
) -> TissueMask:
    """Read the drawn area in which tiles may lie.

    Parameters
    ----------
    path : path
        A GeoJSON as QuPath exports it, plain or ``.gz``, with polygons in level-0 pixels that count from the corner of
        the slide's scanned area. Or a PNG of the slide, or else of its scanned area, at any resolution; the area is
        where its pixels are neither 0 nor transparent.
    slide : Slide
        The slide on which the area was drawn.
    include : str or sequence of str
        Classes of the areas to use; by default all that do not end in a star. A class holds those within it
        ("Tumor: Positive"), and "unclassified" stands for areas without a class.
    exclude : str or sequence of str
        Classes of areas that are taken away. If nothing is included, the result is all of the slide but these.
    partly : bool, default False
        Whether some of the classes may be absent, as in one of several annotations.

    Returns
    -------
    TissueMask
        Its notes say which classes were laid together, what was passed over, and what was clipped at the border.

    Raises
    ------
    InputError
        If the file is neither, contains no area or not one of a class, or belongs to another slide.
    """
    path = existing_file(path)
    include, exclude = ([names] if isinstance(names, str) else names for names in (include, exclude))
    if _is_png(path):
        if include or exclude:
            raise InputError(
                "a PNG has no classes", where=str(path), fix="give a GeoJSON, or leave the classes out"
            )
        return _within(_png_mask(path, slide), slide.scanned)
    drawing = read_drawing(path)
    used, taken, notes = _chosen(drawing, include, exclude, partly)
    _refuse_other_units([*used, *taken], path)
    if _counts_from_level_0([*used, *taken], slide.scanned):
        used, taken = (_moved(areas, slide.scanned[:2]) for areas in (used, taken))
        notes.append(
            f"{path.name} was taken to count from the corner of level 0, as it lies within the scanned area only "
            "then; QuPath counts from the corner of the scanned area, at {}, {}".format(*slide.scanned[:2])
        )
    notes += _clipped([*used, *taken], slide.scanned[2:], drawing)
    mask, removed = (_blank(slide, f"annotation {path.name}") for _ in range(2))
    _draw(used, mask, slide.scanned, drawing)
    _draw(taken, removed, slide.scanned, drawing)
    if exclude and not include:
        mask = replace(mask, mask=np.ones_like(mask.mask))
    mask = _within(mask, slide.scanned).without(removed)
    if not mask.mask.any():
        why = f": {passed_over(drawing.passed)} passed over" if drawing.passed else ""
        raise InputError(f"nothing is left of the annotation{why}", where=str(path), fix=_DRAW)
    del drawing.passed[TILES]  # our own file holds them too
    if drawing.passed:
        notes.append(f"passed over in {path.name}: {passed_over(drawing.passed)}")
    return replace(mask, notes=tuple(notes))


def classes_of(path: str | Path) -> Counter[str]:
    """The classes of the drawn areas of a file and their numbers; none for a PNG.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    path = existing_file(path)
    return Counter() if _is_png(path) else read_drawing(path).classes


def _chosen(
    drawing: Drawing, include: Sequence[str], exclude: Sequence[str], partly: bool
) -> tuple[list[Area], list[Area], list[str]]:
    """The areas to use, those to take away, and notes about their classes."""
    classes = drawing.classes
    taken = [area for area in drawing.areas if _is_one_of(area, exclude)]
    if include:
        used = [area for area in drawing.areas if _is_one_of(area, include)]
    else:
        used = [area for area in drawing.areas if not (exclude or is_ignored(area.name))]
    absent = [name for name in (*include, *exclude) if not any(is_class(each, name) for each in classes)]
    if absent and not (partly and (used or not include)):
        raise InputError(
            f"the annotation has no area of class {listing(absent)}",
            where=str(drawing.path),
            fix=f"its classes, with the number of areas, are: {listed(classes)}",
        )
    notes = [f"{drawing.path.name} has no area of class {listing(absent)}"] if absent else []
    if not (include or exclude):
        if not used:
            raise InputError(
                f"the annotation contains no drawn area, only ignored ones: {listed(classes)}",
                where=str(drawing.path),
                fix="name their class with --annotation-class, or give them another class in QuPath",
            )
        for area in drawing.areas:
            if is_ignored(area.name):
                drawing.passed[f"area of class {area.name}"] += 1
        together = _counts(used)
        if len(together) > 1:
            notes.append(f"areas of {len(together)} classes are used together: {listed(together)}")
        return used, taken, notes
    chosen = {id(area) for area in (*used, *taken)}
    rest = [area for area in drawing.areas if id(area) not in chosen]
    parts = (("areas used", used), ("taken away", taken), ("not used", rest))
    notes.append("; ".join(f"{word}: {listed(_counts(areas))}" for word, areas in parts if areas))
    return used, taken, [note for note in notes if note]


def _is_one_of(area: Area, names: Iterable[str]) -> bool:
    return any(is_class(area.name, name) for name in names)


def _counts(areas: Iterable[Area]) -> Counter[str]:
    return Counter(dict(Counter(area.name for area in areas).most_common()))


def _counts_from_level_0(areas: list[Area], scanned: tuple[int, int, int, int]) -> bool:
    """Whether areas lie within the scanned area if they count from level 0's corner, and far beyond it if not."""
    corner, size = np.array(scanned[:2]), scanned[2:]
    low, high = _box(areas)
    within = (low - corner >= -_slack(size)).all() and (high - corner <= np.array(size) + _slack(size)).all()
    return bool(within and _is_far(low, high, size))


def _moved(areas: list[Area], corner: tuple[int, int]) -> list[Area]:
    """Areas that count from level 0's corner, as they count from the corner of the scanned area."""
    return [replace(area, rings=[ring - corner for ring in area.rings]) for area in areas]


def _box(areas: Iterable[Area]) -> tuple[Ring, Ring]:
    """The smallest and the largest x and y of the outlines."""
    points = np.concatenate([area.rings[0] for area in areas])
    return points.min(axis=0), points.max(axis=0)


def _slack(size: tuple[int, int]) -> float:
    """Pixels by which a hand-drawn outline may go beyond the border without a note."""
    return 1 + 0.001 * max(size)


def _is_far(low: Ring, high: Ring, size: tuple[int, int]) -> bool:
    return bool(max(*-low, *(high - size)) > 0.25 * max(size))


def _clipped(areas: list[Area], size: tuple[int, int], drawing: Drawing) -> list[str]:
    """A note if areas reach beyond the scanned area of this size; they are clipped when they are drawn.

    Raises
    ------
    InputError
        If most of what was drawn lies there: the areas are those of another slide, or of another resolution. A
        frame around the whole slide says nothing about that, and neither do a few areas that lie wholly outside.
    """
    slack = _slack(size)
    beyond, outside, telling = [], [], []
    for area in areas:
        low, high = area.rings[0].min(axis=0), area.rings[0].max(axis=0)
        before, after = low < -slack, high > np.array(size) + slack
        if before.any() or after.any():
            beyond.append(area)
        if _is_outside(area, size):
            outside.append(area)
        elif not (before.all() and after.all()):
            telling.append(area)
    if not beyond:
        return []
    low, high = _box(beyond)
    if _is_far(low, high, size) and (
        len(outside) > len(areas) / 2 or (telling and _share_outside(telling, size) > 0.5)
    ):
        raise InputError(
            f"most of the drawn area lies outside the slide, which has {size[0]} × {size[1]} pixels: "
            f"x from {low[0]:g} to {high[0]:g}, y from {low[1]:g} to {high[1]:g}",
            where=listing((area.where for area in beyond), 1),
            fix="give the coordinates in pixels of this slide at full resolution",
        )
    many = len(beyond) - len(outside)
    words = "s that reach beyond the slide were" if many > 1 else " that reaches beyond the slide was"
    return [f"{many:,} outline{words} clipped in {drawing.path.name}"] if many else []


def _refuse_other_units(areas: list[Area], path: Path) -> None:
    """Refuse areas that all fit into so small a place that their numbers are degrees or shares, not pixels."""
    low, high = _box(areas)
    whole = all((area.rings[0] == area.rings[0].round()).all() for area in areas)
    if (high - low).max() < _FEWEST_PIXELS and not whole:
        raise InputError(
            f"the coordinates run from {low[0]:g} to {high[0]:g} and from {low[1]:g} to {high[1]:g}: "
            "these are not pixels",
            where=str(path),
            fix="give the coordinates in pixels of this slide at full resolution",
        )


def _is_outside(area: Area, size: tuple[int, int]) -> bool:
    """Whether the box around an area does not touch the scanned area."""
    outer = area.rings[0]
    return bool(((outer.max(axis=0) <= 0) | (outer.min(axis=0) >= size)).any())


def _share_outside(areas: Sequence[Area], size: tuple[int, int]) -> float:
    """The share of the drawn area that lies outside the slide, measured on a small picture."""
    low, high = _box(areas)
    scale = (high - low) / _SKETCH
    sketch = np.zeros((_SKETCH, _SKETCH), dtype=bool)
    for area in areas:
        fill(sketch, [(ring - low) / scale for ring in area.rings])
    x, y = ((np.arange(_SKETCH) + 0.5) * scale[axis] + low[axis] for axis in (0, 1))
    inside = ((y >= 0) & (y < size[1]))[:, None] & ((x >= 0) & (x < size[0]))[None, :]
    return 1 - np.count_nonzero(sketch & inside) / max(int(np.count_nonzero(sketch)), 1)


def _blank(slide: Slide, source: str) -> TissueMask:
    step = max(1.0, ANNOTATION_MPP / slide.mpp)
    width, height = (math.ceil(side / step) for side in slide.size)
    scale = slide.size[0] / width, slide.size[1] / height
    blank = np.zeros((height, width), dtype=bool)
    return TissueMask(blank, scale, slide.size, slide.mpp, source, scanned=slide.scanned)


def _draw(
    areas: Iterable[Area], mask: TissueMask, scanned: tuple[int, int, int, int], drawing: Drawing
) -> None:
    """Fill areas, which count from the corner of the scanned area, and count those that hold no pixel of the mask."""
    for area in areas:
        outside = _is_outside(area, scanned[2:])
        if not outside and fill(mask.mask, [(ring + scanned[:2]) / mask.scale for ring in area.rings]):
            continue
        drawing.passed[f"outline {'outside the slide' if outside else 'too small to matter'}"] += 1


def _within(mask: TissueMask, scanned: tuple[int, int, int, int]) -> TissueMask:
    """The mask without the pixels whose centres were not scanned."""
    inside = [
        (centres >= start) & (centres < start + length)
        for n, step, start, length in zip(
            mask.mask.shape, mask.scale[::-1], scanned[1::-1], scanned[:1:-1], strict=True
        )
        for centres in ((np.arange(n) + 0.5) * step,)
    ]
    return replace(mask, mask=mask.mask & np.outer(*inside))


def _is_png(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return path.suffix.lower() == ".png" or file.read(len(_PNG)) == _PNG
    except OSError as error:
        raise InputError(f"the annotation cannot be read: {error.strerror}", where=str(path)) from None


def _png_mask(path: Path, slide: Slide) -> TissueMask:
    image = _read_png(path, slide)
    whole = _fits(image.shape[::-1], slide.size)
    left, top, *size = (0, 0, *slide.size) if whole else slide.scanned
    scale = size[0] / image.shape[1], size[1] / image.shape[0]
    source = f"annotation {path.name}"
    if whole:
        both = slide.scanned[2:] != slide.size and _fits(image.shape[::-1], slide.scanned[2:])
        note = f"{path.name} fits the slide and its scanned area; it was taken as the whole slide"
        return TissueMask(
            image, scale, slide.size, slide.mpp, source, scanned=slide.scanned, notes=(note,) if both else ()
        )
    blank = _blank(slide, source)
    rows, columns = (
        np.floor(((np.arange(n) + 0.5) * step - start) / wide).astype(np.int64)
        for n, step, start, wide in zip(
            blank.mask.shape, blank.scale[::-1], (top, left), scale[::-1], strict=True
        )
    )
    y, x = ((index >= 0) & (index < n) for index, n in zip((rows, columns), image.shape, strict=True))
    blank.mask[np.ix_(y, x)] = image[np.ix_(rows[y], columns[x])]
    return blank


def _read_png(path: Path, slide: Slide) -> NDArray[np.bool_]:
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=["PNG"]) as image:
                _refuse_other_shape(image.size, slide, path)
                values, transparency = np.asarray(image), image.mode.endswith("A")
    except Image.DecompressionBombError:
        raise InputError(
            "the mask is too large",
            where=str(path),
            fix="10,000 pixels on the longer side are enough",
        ) from None
    except (OSError, SyntaxError, ValueError) as error:  # raised by Pillow for damaged files
        raise InputError(f"the mask is not a readable PNG: {error}", where=str(path)) from None
    inside = values != 0
    if values.ndim == 3:
        opaque = inside[..., -1]
        inside = inside[..., :-1].any(axis=2) & opaque if transparency else inside.any(axis=2)
    if not inside.any():
        raise InputError("the mask contains no area: all its pixels are 0 or transparent", where=str(path))
    return inside


def _refuse_other_shape(found: tuple[int, int], slide: Slide, path: Path) -> None:
    """Refuse a mask that has neither the aspect ratio of the slide nor that of its scanned area."""
    if not (_fits(found, slide.size) or _fits(found, slide.scanned[2:])):
        width, height = found
        raise InputError(
            f"the mask does not fit the slide: it has {width} × {height} pixels, "
            f"the slide {slide.size[0]} × {slide.size[1]}",
            where=str(path),
            fix="export a mask of the whole slide, at any resolution",
        )


def _fits(found: tuple[int, ...], size: tuple[int, ...]) -> bool:
    """Whether the aspect ratio agrees to a pixel."""
    width, height = found
    return abs(width - height * size[0] / size[1]) <= 1 or abs(height - width * size[1] / size[0]) <= 1
