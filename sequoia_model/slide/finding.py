"""Slides in folders, and the table of their resolutions."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from sequoia_base.names import bare_slide
from sequoia_model.errors import InputError, listing
from sequoia_model.patients import read_texts
from sequoia_model.slide.resolution import check_mpp

#: Endings by which slides are found in folders.
SLIDE_SUFFIXES = (
    ".svs", ".svslide", ".ndpi", ".tif", ".tiff", ".mrxs", ".scn", ".vms", ".vmu", ".bif", ".czi", ".dcm",
    ".png", ".jpg", ".jpeg",
)  # fmt: skip
#: By this folder within it a folder of our own output is known.
RUNS_FOLDER = ".runs"
#: What our runs call their pictures; looked for only in such a folder.
_PICTURES = ("_mask.png", "_overlay.png")


def is_slide(path: str | Path) -> bool:
    """Whether a name ends as those of slides do."""
    return Path(path).suffix.lower() in SLIDE_SUFFIXES


def find_slides(paths: str | Path | Iterable[str | Path], *, twins: bool = False) -> list[Path]:
    """The slides among files and folders.

    Parameters
    ----------
    paths : path or iterable of path
        Files are taken as they are; folders are searched in depth for the endings of slides, without hidden ones and
        those that our own runs wrote. A DICOM slide is to be given by one of its files.
    twins : bool, default False
        Whether several slides may have one name; who asks for them has to tell them apart.

    Returns
    -------
    list of Path
        Sorted by name. A folder that is called as a slide is among them, so that it fails by its name.

    Raises
    ------
    InputError
        If a folder holds no slide or cannot be read, or two slides have one name.
    """
    found: dict[Path, None] = {}
    for path in map(Path, [paths] if isinstance(paths, str | Path) else paths):
        if os.path.isdir(path) and not is_slide(path):
            inside = list(_inside(path))
            if not inside:
                raise InputError(
                    "the folder holds no slide",
                    where=str(path),
                    fix=f"slides end in {listing(SLIDE_SUFFIXES, 20)}",
                )
            found.update(dict.fromkeys(inside))
        else:
            found[path] = None
    if not twins:
        _refuse_same_names(found)
    return sorted(found, key=_name)


def _name(path: Path) -> str:
    return bare_slide(path.name)


def _inside(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder, onerror=_refuse_unreadable):
        seen = [name for name in folders if not name.startswith(".")]
        named = [name for name in seen if is_slide(name)]
        folders[:] = [
            n for n in seen if n not in named and not os.path.isdir(os.path.join(place, n, RUNS_FOLDER))
        ]
        made = _PICTURES if os.path.isdir(os.path.join(place, RUNS_FOLDER)) else ()
        for name in (*named, *files):
            if _is_found(name) and not name.endswith(made):
                yield Path(place, name)


def _is_found(name: str) -> bool:
    """Whether a name in a folder is that of a slide: not of a DICOM file, of which many make one."""
    return is_slide(name) and not name.startswith(".") and not name.lower().endswith(".dcm")


def _refuse_unreadable(error: OSError) -> None:
    raise InputError(
        f"the folder cannot be read: {error.strerror or error}", where=str(error.filename)
    ) from None


def _refuse_same_names(paths: Iterable[Path]) -> None:
    seen: dict[str, Path] = {}
    for path in paths:
        other = seen.setdefault(_name(path), path)
        if other is not path:
            raise InputError(
                f"two slides have the name {_name(path)}",
                where=listing([other, path]),
                fix="give one of them, or rename one",
            )


def read_mpp_table(path: str | Path) -> dict[str, float]:
    """The resolutions of slides.

    Parameters
    ----------
    path : path
        A CSV with the columns ``slide`` (with or without its ending) and ``mpp``, µm per pixel.

    Returns
    -------
    dict of str to float
        Name of the slide, without endings, to µm per pixel.

    Raises
    ------
    InputError
        If the file cannot be read, a column is missing, a value is no resolution, or a slide has two.
    """
    texts = read_texts(path)
    titles = [title.lower() for title in texts.columns]
    absent = [title for title in ("slide", "mpp") if title not in titles]
    if absent:
        raise InputError(
            f"there is no column {listing(absent)}; the columns are {listing(texts.columns)}", where=str(path)
        )
    table: dict[str, float] = {}
    slides, values = (texts.iloc[:, titles.index(title)] for title in ("slide", "mpp"))
    for row, slide, text in zip(texts.index, slides, values, strict=True):
        place = f"{path}, row {row}"
        mpp = check_mpp(_number(text, place), place)
        if not slide:
            raise InputError("a row names no slide", where=place)
        if table.setdefault(bare_slide(slide), mpp) != mpp:
            raise InputError(f"{bare_slide(slide)} has two resolutions", where=place)
    return table


def _number(text: str, place: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{text!r} is no number of µm per pixel", where=place) from None
