"""Reads a feature file of any layout as a FeatureBag."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from sequoia_base.apart import HDF5, call
from sequoia_model.errors import InputError, counted, listing, part
from sequoia_model.feature_files._layouts import Description, describe
from sequoia_model.feature_files.paths import HDF5_INSTEAD, slide_name
from sequoia_model.types.bag import FeatureBag


def read(path: str | Path, *, tiles: bool = True, encoder: str | None = None) -> FeatureBag:
    """Read the features of a slide.

    Parameters
    ----------
    path : path
        An HDF5 file of ours, TRIDENT, CLAM, STAMP or the published code. The name of the file names the slide,
        whatever the file says: a renamed file is a different slide.
    tiles : bool, default True
        Whether tile features and their coords are needed. If not, and the file holds cluster means, only these are
        read; if it holds none, the features are read without coords.
    encoder : str, optional
        Which features to read if a published file holds those of two encoders; otherwise it has no effect.

    Returns
    -------
    FeatureBag
        Features as float32. ``encoder`` is None if the file names none, since neither the length of the vectors
        nor the name of a folder tells (``encoder_hint`` gives the latter).

    Raises
    ------
    InputError
        If the file does not exist, is empty, truncated, damaged or in another format; if it has no features of tiles;
        or if what it has cannot be used: text, NaN, no tiles, a wrong dimension of means or number of coords.

    Notes
    -----
    An array of three dimensions, the first or second of them 1, is read as tiles × d; any other is refused.
    TRIDENT's ``resnet50`` is ``resnet50-trunc`` here, its ``ctranspath`` is ``chief-ctranspath``, and STAMP's
    ``virchow2``, only the class token, is ``virchow2-cls``. Files are read in a child process (`sequoia_base.apart`):
    the HDF5 library can crash at a file that is damaged in the middle.
    """
    path = Path(path)
    try:
        size = os.path.getsize(path) if os.path.isfile(path) else 0
        bag: FeatureBag = call(f"{__name__}:read_here", path, tiles, encoder, size=size, reader=HDF5)
    except InputError as error:
        error.where = error.where or str(path)
        raise
    return bag


@dataclass(frozen=True)
class FeatureKind:
    """Which features a file holds, known before they are read.

    Parameters
    ----------
    encoder : str
        Canonical name of the encoder; "" if the file names none.
    encoder_hint : str
        The encoder that the folder is named after, if the file names none.
    dimension : int
        Length of a feature vector.
    """

    encoder: str
    encoder_hint: str
    dimension: int


def look(path: str | Path, *, encoder: str | None = None) -> FeatureKind:
    """Look which features a file holds, without reading them.

    Parameters
    ----------
    path : path
        As for `read`.
    encoder : str, optional
        Which features are meant if a published file holds those of two encoders.

    Raises
    ------
    InputError
        As `read`, as far as that can be seen without reading numbers.
    """
    path = Path(path)
    try:
        kind: FeatureKind = call(f"{__name__}:look_here", path, encoder, size=0, reader=HDF5)
    except InputError as error:
        error.where = error.where or str(path)
        raise
    return kind


def look_here(path: Path, encoder: str | None) -> FeatureKind:
    """As `look`, in this process."""
    with _opened(path) as file:
        found = describe(file, path, encoder)
        name = found.features or found.clusters
        if name is None:
            raise InputError("there are neither features nor cluster means")
        named = found.about.get("encoder")
        return FeatureKind(
            named.name if named else "", found.about.get("encoder_hint", ""), _shape(file, name)[1]
        )


def read_here(path: Path, tiles: bool, encoder: str | None) -> FeatureBag:
    """As `read`, in this process, which a damaged file may crash."""
    with _opened(path) as file:
        try:
            found = describe(file, path, encoder)
        except KeyError:  # a link that leads nowhere
            for name in file:
                _refuse_elsewhere(file, name)
            raise
        return _bag(file, found, slide_name(path), tiles)


@contextmanager
def _opened(path: Path) -> Iterator[h5py.File]:
    """An HDF5 file open for reading; every error in the block names the file."""
    try:
        if path.is_dir():
            raise InputError("a folder was given where a file is needed")
        if path.exists() and not path.is_file():  # to open a pipe is to wait for its writer
            raise InputError("this is neither a file nor a folder", fix="give the feature files themselves")
        with path.open("rb") as plain:  # its errors are clearer than those of HDF5
            begin = plain.read(8)
        if not begin:
            raise InputError("the file is empty: it has 0 bytes")
        if not h5py.is_hdf5(path):
            raise _not_hdf5(begin)
        with h5py.File(path, "r", locking="best-effort") as file:  # network disks often do not support locks
            yield file
    except InputError as error:
        error.where = f"{path} ({error.where})" if error.where else str(path)
        raise
    except FileNotFoundError:
        what = "is a broken symbolic link" if os.path.islink(path) else "does not exist"
        raise InputError(f"the file {what}", where=str(path)) from None
    except MemoryError:
        raise InputError("the file needs more memory than this machine has", where=str(path)) from None
    except Exception as error:  # for a damaged file h5py raises many kinds of error
        if isinstance(error, OSError) and error.strerror:
            raise InputError(f"the file cannot be read: {error.strerror}", where=str(path)) from None
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise InputError("the file is truncated or damaged", where=f"{path} ({reason})") from None


def _not_hdf5(begin: bytes) -> InputError:
    """What a file is instead, by its first bytes."""
    for start, what in _OTHER_FORMATS.items():
        if begin.startswith(start):
            return InputError(
                f"the file is {what}, and features are read from HDF5 files",
                fix=HDF5_INSTEAD,
            )
    return InputError("the file is not HDF5, or its beginning is missing")


def _bag(file: h5py.File, found: Description, slide: str, tiles: bool) -> FeatureBag:
    means = None if found.clusters is None else _vectors(file, found.clusters)
    if found.features is None:
        return FeatureBag(slide, cluster_features=means, layout=found.layout, **found.about)
    n_tiles, dimension = _shape(file, found.features)
    if means is not None and means.shape[1] != dimension:
        raise InputError(f"features have {dimension} columns, but cluster_features have {means.shape[1]}")
    if found.coords is not None and _shape(file, found.coords) != (n_tiles, 2):
        shape = file[found.coords].shape
        raise InputError(f"coords have the shape {shape}, but there are {n_tiles} tiles")
    return FeatureBag(
        slide,
        features=_vectors(file, found.features) if tiles or means is None else None,
        coords=_read(file, found.coords) if tiles and found.coords is not None else None,
        cluster_features=means,
        layout=found.layout,
        tried=_read(file, "tried") if tiles and found.layout == "ours" and "tried" in file else None,
        **found.about | {"n_tiles": n_tiles},
    )


def _vectors(file: h5py.File, name: str) -> NDArray:
    """A matrix of features, every row of which was written: HDF5 reads zeros where nothing was."""
    values = _read(file, name)
    empty = np.flatnonzero(~values.any(axis=1))
    if len(empty):
        raise InputError(
            f"{part(len(empty), len(values), f'row of {name}', 'are', f'rows of {name}')} all zero, as if never "
            "written, and no encoder gives such features",
            where=f"rows {listing(empty)}",
            fix="compute the features of this slide again",
        )
    return values


def _read(file: h5py.File, name: str) -> NDArray:
    """A matrix, in the data type of the file."""
    shape = _shape(file, name)
    values: NDArray = file[name][()]
    return values.reshape(shape)


def _shape(file: h5py.File, name: str) -> tuple[int, int]:
    """Rows and columns of a dataset of numbers; a third dimension of 1 is removed."""
    _refuse_elsewhere(file, name)
    dataset = file[name]
    if not isinstance(dataset, h5py.Dataset):
        raise InputError(f"{name} must be numbers, but is a group of datasets")
    if dataset.dtype.kind not in "fiubc":  # the bag refuses truth values and complex numbers
        raise InputError(f"{name} must be numbers, but are {'records' if dataset.dtype.names else 'text'}")
    if dataset.shape is None:
        raise InputError(f"the dataset {name} is empty", fix="compute the features of this slide again")
    shape: tuple[int, ...] = dataset.shape
    if len(shape) == 3 and 1 in shape[:2]:
        shape = (shape[0] * shape[1], shape[2])
    if len(shape) != 2 or 0 in shape:
        raise InputError(f"{name} have the shape {dataset.shape}; {_WRONG.get(len(shape), _WRONG[0])}")
    return shape[0], shape[1]


def _refuse_elsewhere(file: h5py.File, name: str) -> None:
    """Refuse a dataset whose numbers are in another file that is not there; HDF5 would read some as zeros."""
    link = file.get(name, getlink=True)
    if isinstance(link, h5py.ExternalLink):
        others = [link.filename]
    else:
        dataset = file[name]
        if not isinstance(dataset, h5py.Dataset):
            return
        sources = dataset.virtual_sources() if dataset.is_virtual else []
        others = [source.file_name for source in sources if "%" not in source.file_name]  # % counts files
        others += [os.path.abspath(external[0]) for external in dataset.external or []]
    folder = Path(file.filename).parent
    missing = sorted({other for other in others if other != "." and not _is_there(folder, other)})
    if missing:
        raise InputError(
            f"{name} are in {counted(len(missing), 'other file')} that {'is' if len(missing) == 1 else 'are'} not "
            f"there: {listing(missing)}",
            fix="give the file that holds the numbers, or put it where it was",
        )


def _is_there(folder: Path, other: str) -> bool:
    """Whether HDF5 finds a file that another names: beside that file, or from the working folder."""
    return os.path.exists(folder / other) or os.path.exists(other)


#: How files of features that are not HDF5 begin.
_OTHER_FORMATS = {
    b"PK": "a zip archive, as torch.save (.pt) and numpy.savez write it",
    b"\x93NUMPY": "a NumPy array",
    b"\x80": "a pickle, as old versions of torch.save write it",
}

#: What is wrong with a shape, by its number of dimensions.
_WRONG = {
    0: "they must be tiles × columns",
    1: "they must have a row for each tile, but this is one vector, as for a whole slide",
    2: "they must be tiles × columns, but there are none",
    3: "they must be tiles × columns, but there are several vectors for each tile",
}
