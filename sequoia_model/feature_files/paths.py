"""Feature files in folders, and the slide that each belongs to."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from sequoia_base.names import bare_slide
from sequoia_base.runs import HIDDEN, TABLE
from sequoia_base.search import PassedOver, walk
from sequoia_model.errors import InputError
from sequoia_model.types.bag import canonical_encoder, is_known_encoder

_SUFFIXES = (".h5", ".hdf5")
_NOT_HDF5 = "only HDF5 files of features are read"
#: Which files to give instead.
HDF5_INSTEAD = (
    "give the .h5 files of the same features: CLAM writes them to h5_files, beside pt_files, and "
    "TRIDENT and STAMP write .h5"
)
#: Why other files that may hold features are not read.
_NOT_READ = {
    **dict.fromkeys(
        (".pt", ".pth", ".npy", ".npz", ".pkl", ".zarr", ".safetensors", ".parquet", ".csv", ".mat"), _NOT_HDF5
    ),
    **dict.fromkeys((".part", ".partial"), "the download is not finished"),
    **dict.fromkeys((f"{ending}{zip_}" for ending in _SUFFIXES for zip_ in (".gz", ".zip", ".xz")), "compressed"),
}  # fmt: skip


def find(paths: str | Path | Iterable[str | Path], passed: PassedOver | None = None) -> list[Path]:
    """List feature files.

    Parameters
    ----------
    paths : path, or iterable of path
        Files, which are taken as they are, or folders, which are searched with their subfolders for ``*.h5`` and
        ``*.hdf5`` that are not hidden.
    passed : PassedOver, optional
        Gets the counts of files that look like features, but are not taken.

    Returns
    -------
    list of Path
        Each file once, sorted by the name of its slide.

    Raises
    ------
    InputError
        If a path does not exist, a folder cannot be searched or holds no feature file, or two files belong to one
        slide.
    """
    found: dict[str, Path] = {}
    passed = PassedOver() if passed is None else passed
    for path in map(Path, [paths] if isinstance(paths, str | Path) else paths):
        if not os.path.exists(path):  # False also for a name that no file can have
            what = "is a broken symbolic link" if os.path.islink(path) else "does not exist"
            raise InputError(f"the file or folder {what}", where=str(path))
        for file in _inside(path, passed) if path.is_dir() else [path]:
            other = found.setdefault(slide_name(file), file)
            if other.resolve() != file.resolve():
                raise InputError(
                    f"there are two files for the slide {slide_name(file)}",
                    where=f"{other}, {file}",
                    fix="give a folder with one kind of features",
                )
    return [found[slide] for slide in sorted(found)]


def slide_name(path: str | Path) -> str:
    """The slide of a feature file: the name of the file without ``.h5`` and the suffix of a slide.

    Examples
    --------
    >>> slide_name("features/TCGA-A2-A0T2-01Z-00-DX1.29A5C4B7.svs.h5")
    'TCGA-A2-A0T2-01Z-00-DX1.29A5C4B7'
    """
    return bare_slide(str(path))


def encoder_in_folder(path: Path) -> str:
    """The known encoder that a folder above the file is named after (``features_uni_v1``); "" if there is none."""
    for folder in path.absolute().parents[:3]:
        word = folder.name.removeprefix("features_")
        if is_known_encoder(word):
            return canonical_encoder(word)
    return ""


def _ending(name: str) -> str:
    """The ending of a name, with that before it if the file is compressed: ".h5.gz"."""
    suffixes = [suffix.lower() for suffix in Path(name).suffixes]
    both = "".join(suffixes[-2:])
    return both if both in _NOT_READ else "".join(suffixes[-1:])


def _inside(folder: Path, passed: PassedOver) -> list[Path]:
    """The feature files in a folder and its subfolders, linked ones too; `passed` gets the counts of others."""
    files: list[Path] = []
    others = PassedOver()
    for place, folders, names in walk(folder):
        if HIDDEN in folders:  # our own output, whose table is not one of features
            names = [name for name in names if name != TABLE]
        stores = [name for name in folders if _ending(name) in _NOT_READ]
        folders[:] = [name for name in folders if not name.startswith(".") and name not in stores]
        for name in (*stores, *names):
            ending = _ending(name)
            if ending in _SUFFIXES and not name.startswith("."):
                files.append(place / name)
            elif ending in _SUFFIXES or ending in _NOT_READ:
                others.add(name, "hidden" if name.startswith(".") else _NOT_READ[ending], ending)
            elif os.path.islink(place / name) and not os.path.exists(place / name):
                others.add(name, "broken link")
    if not files:
        more = f"; passed over: {others}" if others else ""
        other_formats = any(reason == _NOT_HDF5 for _, reason in others)
        raise InputError(
            f"the folder holds no feature file (*.h5, *.hdf5){more}",
            where=str(folder),
            fix=HDF5_INSTEAD if other_formats else "",
        )
    passed.update(others)
    return files
