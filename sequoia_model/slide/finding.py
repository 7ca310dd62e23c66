"""Finding slide files in folders, and reading the table of their resolutions."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sequoia_base.decimals import with_points
from sequoia_base.names import bare_slide
from sequoia_base.search import PassedOver, walk
from sequoia_base.tables import read_table
from sequoia_model.errors import InputError, counted, listing
from sequoia_model.slide._dicom import DICOM_SUFFIXES, may_be_dicom, slides_among
from sequoia_model.slide.formats import ASIDE, MAYBE_SLIDES, SLIDE_SUFFIXES, is_slide, why_not_read
from sequoia_model.slide.resolution import check_mpp

#: A folder that contains this one holds our own output.
RUNS_FOLDER = ".runs"
#: The file that the folder of an MRXS holds, and why such a folder is not a slide.
_INDEX, _ALONE = "Slidedat.ini", "missing beside its folder"
_UNNAMED = "a TIFF without the ending of a slide"
#: What to do with files that were passed over for a reason that their names do not tell.
_FIXES = {_ALONE: "copy the file beside its folder", _UNNAMED: "rename it to end in .tif"}
#: Ends of the names of the pictures that our runs write; ignored in output folders only.
_OUR_PICTURES = ("_mask.png", "_overlay.png")
#: Files that a Hamamatsu VMS or VMU names as its parts.
_PARTS = re.compile(r"=\s*([^\r\n]+?\.(?:jpe?g|ngr|opt))\s*$", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class SlideSearch:
    """What a search found.

    Parameters
    ----------
    slides : list of Path
        The slides, sorted by name.
    passed_over : PassedOver
        How many files that look like slides were not taken, by ending and reason.
    """

    slides: list[Path]
    passed_over: PassedOver


def find_slides(paths: str | Path | Iterable[str | Path], *, twins: bool = False) -> list[Path]:
    """Find the slides among files and folders.

    Parameters
    ----------
    paths : path or iterable of path
        Files are taken as they are. Folders are searched with their subfolders, linked ones too, for the suffixes of
        slides; hidden files and the output of our own runs are skipped. The files of a DICOM slide are one slide: the
        folder that holds them, or one of the files if the folder holds other slides too.
    twins : bool, default False
        Whether several slides may have the same name. If so, the caller must tell them apart.

    Returns
    -------
    list of Path
        Sorted by name. A folder that is named like a slide and holds none is included: opening it fails by name.

    Raises
    ------
    InputError
        If a folder contains no slides or cannot be read, or if two slides have the same name.
    """
    return search_slides(paths, twins=twins).slides


def search_slides(paths: str | Path | Iterable[str | Path], *, twins: bool = False) -> SlideSearch:
    """Find slides as `find_slides` does, and count what is passed over.

    Parameters
    ----------
    paths, twins
        As in `find_slides`.

    Returns
    -------
    SlideSearch
        The slides and what was passed over.

    Raises
    ------
    InputError
        As in `find_slides`.
    """
    found: dict[Path, None] = {}
    passed = PassedOver()
    for path in map(Path, [paths] if isinstance(paths, str | Path) else paths):
        inside = _inside(path, passed) if os.path.isdir(path) else [path]
        if not (inside or is_slide(path)):
            raise _none_in(path, passed)
        found.update(dict.fromkeys(inside or [path]))
    slides = _without_links(found)
    if not twins:
        _refuse_same_names(slides)
    return SlideSearch(sorted(slides, key=_name), passed)


def _name(path: Path) -> str:
    return bare_slide(path.name)


def _none_in(folder: Path, passed: PassedOver) -> InputError:
    if (folder / _INDEX).is_file():
        file = folder.with_name(f"{folder.name}.mrxs")
        if file.is_file():
            return InputError("the folder is a part of a slide", where=str(folder), fix=f"give {file}")
        return InputError(
            f"the slide's file {file.name} is missing beside its folder",
            where=str(folder),
            fix=f"copy {file.name} to {folder.parent}",
        )
    endings = f"slide files end in {listing(SLIDE_SUFFIXES, 20)}"
    if passed:
        fixes = {why_not_read(f"a.svs{ending}")[1] for ending, _ in passed} - {""}
        fixes |= {_FIXES[reason] for _, reason in passed if reason in _FIXES}
        what = f"the folder contains no slides that can be read; passed over: {passed}"
        return InputError(what, where=str(folder), fix="; ".join(sorted(fixes)) or endings)
    return InputError("the folder contains no slides", where=str(folder), fix=endings)


def _inside(folder: Path, passed: PassedOver) -> list[Path]:
    """The slides in a folder, and the folders named like one that hold none."""
    found: list[Path] = []
    suspect: list[Path] = []
    for place, folders, files in walk(folder):
        visible = [name for name in folders if not name.startswith(".")]
        stores = [name for name in visible if why_not_read(name)[0] not in ("", ASIDE)]
        suspect += [place / name for name in visible if is_slide(name)]
        parts = [f"_{Path(name).stem}_" for name in files if name.lower().endswith(".vsi")]
        skipped = {*stores, *parts, *(n for n in visible if os.path.isdir(place / n / RUNS_FOLDER))}
        folders[:] = [name for name in visible if name not in skipped]
        if _INDEX in files and not place.with_name(f"{place.name}.mrxs").is_file():
            passed.add("", _ALONE, f"{place.name}.mrxs")
        made = _OUR_PICTURES if os.path.isdir(place / RUNS_FOLDER) else ()
        dicom = [place / name for name in files if may_be_dicom(place / name)]
        others = [n for n in files if place / n not in dicom and not n.endswith(made or "\0")]
        taken = [*_taken(place, [*stores, *others], passed)]
        found += taken
        found += _dicom_slides(place, dicom, alone=not taken, passed=passed)
    full = {parent for path in found for parent in (path, *path.parents)}
    return [*found, *(path for path in suspect if path not in full)]


def _taken(place: Path, names: Iterable[str], passed: PassedOver) -> Iterator[Path]:
    """The slides among files of a folder; the others are counted if they look like slides."""
    names = list(names)
    parts = {
        part for name in names if name.lower().endswith((".vms", ".vmu")) for part in _parts(place / name)
    }
    for name in names:
        suffix = Path(name).suffix.lower()
        if name.startswith("."):
            if is_slide(name) or suffix in MAYBE_SLIDES:
                passed.add(name, "hidden")
        elif name in parts:
            continue
        elif is_slide(name) or (suffix in MAYBE_SLIDES and _is_tiff(place / name, unreadable=True)):
            yield place / name
        elif reason := why_not_read(name)[0]:
            passed.add(name, reason)
        elif os.path.islink(place / name) and not os.path.exists(place / name):
            passed.add(name, "broken link")
        elif _may_be_unnamed(place / name) and _is_tiff(place / name, unreadable=False):
            passed.add(name, _UNNAMED, "" if Path(name).suffix and not suffix[1:].isdigit() else "TIFF")


def _may_be_unnamed(path: Path) -> bool:
    """Whether a file has no ending, or another one behind that of a slide."""
    suffix = path.suffix
    return (not suffix or suffix[1:].isdigit() or is_slide(path.stem)) and path.is_file()


def _parts(path: Path) -> list[str]:
    """Names of the files that a VMS or VMU consists of."""
    try:
        return _PARTS.findall(path.read_bytes()[: 1 << 20].decode("latin-1"))
    except OSError:
        return []


def _is_tiff(path: Path, *, unreadable: bool) -> bool:
    """Whether a file is a TIFF by its first bytes; `unreadable` if that cannot be seen."""
    from sequoia_model.slide.sources._image import image_kind, is_tiff

    try:
        return is_tiff(image_kind(path))
    except OSError:  # told by name when it is opened
        return unreadable


def _dicom_slides(place: Path, files: list[Path], *, alone: bool, passed: PassedOver) -> Iterator[Path]:
    """The DICOM slides of a folder: the folder itself if it holds one and nothing else, or a file of each."""
    series = slides_among(files)
    for path in set(files).difference(*series.values()):
        ending = path.suffix.lower()
        passed.add(path.name, "not a DICOM slide", ending if ending in DICOM_SUFFIXES else "DICOM")
    if alone and len(series) == 1:
        yield place
    else:
        yield from (same[0] for same in series.values())


def _without_links(paths: Iterable[Path]) -> list[Path]:
    """Paths without those that lead to the same file by the same name."""
    seen: dict[tuple[str, Path], Path] = {}
    for path in paths:
        try:
            real = path.resolve()
        except (OSError, RuntimeError):  # a link to itself
            real = path
        seen.setdefault((_name(path), real), path)
    return list(seen.values())


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
    for row, slide, text in zip(texts.index, slides, with_points(values), strict=True):
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
