"""Finding slide files in folders, and reading the table of their resolutions."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from sequoia_base.names import bare_slide
from sequoia_base.tables import read_table
from sequoia_model.errors import InputError, counted, listing
from sequoia_model.slide.resolution import check_mpp

#: Suffixes of the files that a search of a folder takes for slides.
SLIDE_SUFFIXES = (
    ".svs", ".svslide", ".ndpi", ".tif", ".tiff", ".mrxs", ".scn", ".vms", ".vmu", ".bif", ".czi", ".dcm",
    ".png", ".jpg", ".jpeg",
)  # fmt: skip
#: A folder that contains this one holds our own output.
RUNS_FOLDER = ".runs"
#: Ends of the names of the pictures that our runs write; ignored in output folders only.
_OUR_PICTURES = ("_mask.png", "_overlay.png")


def is_slide(path: str | Path) -> bool:
    """Whether a file name has the suffix of a slide."""
    return Path(path).suffix.lower() in SLIDE_SUFFIXES


def find_slides(paths: str | Path | Iterable[str | Path], *, twins: bool = False) -> list[Path]:
    """Find the slides among files and folders.

    Parameters
    ----------
    paths : path or iterable of path
        Files are taken as they are. Folders are searched with their subfolders for the suffixes of slides; hidden
        files and the output of our own runs are skipped. Name a DICOM slide by one of its files.
    twins : bool, default False
        Whether several slides may have the same name. If so, the caller must tell them apart.

    Returns
    -------
    list of Path
        Sorted by name. A folder whose name ends like that of a slide is included, so that opening it fails by name.

    Raises
    ------
    InputError
        If a folder contains no slides or cannot be read, or if two slides have the same name.
    """
    found: dict[Path, None] = {}
    for path in map(Path, [paths] if isinstance(paths, str | Path) else paths):
        if os.path.isdir(path) and not is_slide(path):
            inside = list(_inside(path))
            if not inside:
                suffixes = listing(SLIDE_SUFFIXES, 20)
                raise InputError(
                    "the folder contains no slides", where=str(path), fix=f"slide files end in {suffixes}"
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
        made = _OUR_PICTURES if os.path.isdir(os.path.join(place, RUNS_FOLDER)) else ()
        for name in (*named, *files):
            if _is_found(name) and not name.endswith(made):
                yield Path(place, name)


def _is_found(name: str) -> bool:
    """Whether a file in a folder is taken for a slide. The files of a DICOM slide are not, since it has many."""
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
                f"two slides are named {_name(path)}",
                where=listing([other, path]),
                fix="give only one of them, or rename one",
            )


def read_mpp_table(path: str | Path) -> dict[str, float]:
    """Read the resolutions of slides.

    Parameters
    ----------
    path : path
        A CSV with the columns ``slide`` (a name with or without its suffix) and ``mpp`` (µm per pixel).

    Returns
    -------
    dict of str to float
        µm per pixel by the name of the slide, without suffixes.

    Raises
    ------
    InputError
        If the file cannot be read, a column is missing, a value is not a resolution, or a slide has two different ones.
    """
    texts = read_table(path, missing=())
    titles = [title.lower() for title in texts.columns]
    absent = [title for title in ("slide", "mpp") if title not in titles]
    if absent:
        raise InputError(
            f"{counted(len(absent), 'column is', 'columns are')} missing: {listing(absent)}",
            where=f"{path}; the columns are {listing(texts.columns)}",
            fix="give a CSV with the columns slide and mpp",
        )
    table: dict[str, float] = {}
    slides, values = (texts.iloc[:, titles.index(title)] for title in ("slide", "mpp"))
    for row, slide, text in zip(texts.index, slides, values, strict=True):
        place = f"{path}, row {row}"
        mpp = check_mpp(_number(text, place), place)
        if not slide:
            raise InputError("a row does not name a slide", where=place)
        if table.setdefault(bare_slide(slide), mpp) != mpp:
            raise InputError(f"{bare_slide(slide)} has two different resolutions", where=place)
    return table


def _number(text: str, place: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{text!r} is not a number of µm per pixel", where=place) from None
