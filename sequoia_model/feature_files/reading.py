"""From a feature file to a FeatureBag."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
from numpy.typing import NDArray

from sequoia_model.errors import InputError
from sequoia_model.feature_files.layouts import Description, describe
from sequoia_model.feature_files.paths import slide_name
from sequoia_model.types.bag import FeatureBag


def read(path: str | Path, *, tiles: bool = True, encoder: str | None = None) -> FeatureBag:
    """Read the features of a slide.

    Parameters
    ----------
    path : path
        An HDF5 file of ours, TRIDENT, CLAM, STAMP or the published code. The slide is named by the file, whatever
        the file says, so that a file that was renamed is another slide.
    tiles : bool, default True
        Whether tile features and their coords are needed. Without, they are left on the disk where the file holds
        cluster means; where it does not, the features alone are read.
    encoder : str, optional
        Whose features, where a published file holds those of two encoders; any other file is read as it is.

    Returns
    -------
    FeatureBag
        Features as float32. ``encoder`` is None where the file names none: the length of the vectors and the name of
        a folder do not tell (of the latter is ``encoder_hint``).

    Raises
    ------
    InputError
        If the file does not exist, is empty, truncated, damaged or something else; if it holds no features of tiles,
        or what cannot be used: text, NaN, no tile, means of another dimension, coords of another number.

    Notes
    -----
    Three dimensions of which the first or the second is 1 are tiles × d; any others are refused.
    TRIDENT's ``resnet50`` is ``resnet50-trunc`` here, its ``ctranspath`` is ``chief-ctranspath``, and STAMP's
    ``virchow2``, the class token alone, is ``virchow2-cls``.
    """
    path = Path(path)
    with _opened(path) as file:
        return _bag(file, describe(file, path, encoder), slide_name(path), tiles)


@contextmanager
def _opened(path: Path) -> Iterator[h5py.File]:
    """An HDF5 file open for reading; whatever goes wrong in the block names it."""
    try:
        if path.is_dir():
            raise InputError("a folder was given where a file is needed")
        with path.open("rb") as plain:  # whose errors are plainer than those of HDF5
            if not plain.read(1):
                raise InputError("the file is empty: it has 0 bytes")
        if not h5py.is_hdf5(path):
            raise InputError("the file is not HDF5, or its beginning is lost")
        with h5py.File(path, "r", locking="best-effort") as file:  # network disks often have no locks
            yield file
    except InputError as error:
        error.where = f"{path} ({error.where})" if error.where else str(path)
        raise
    except FileNotFoundError:
        raise InputError("the file does not exist", where=str(path)) from None
    except MemoryError:
        raise InputError("the file needs more memory than there is", where=str(path)) from None
    except Exception as error:  # h5py raises a dozen kinds for a damaged file
        if isinstance(error, OSError) and error.strerror:
            raise InputError(f"the file cannot be read: {error.strerror}", where=str(path)) from None
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise InputError("the file is truncated or damaged", where=f"{path} ({reason})") from None


def _bag(file: h5py.File, found: Description, slide: str, tiles: bool) -> FeatureBag:
    means = None if found.clusters is None else _read(file, found.clusters)
    if found.features is None:
        return FeatureBag(slide, cluster_features=means, layout=found.layout, **found.about)
    n_tiles, dimension = _shape(file, found.features)
    if means is not None and means.shape[1] != dimension:
        raise InputError(f"features have {dimension} columns and cluster_features {means.shape[1]}")
    if found.coords is not None and _shape(file, found.coords) != (n_tiles, 2):
        shape = file[found.coords].shape
        raise InputError(f"coords have the shape {shape}, and there are {n_tiles} tiles")
    return FeatureBag(
        slide,
        features=_read(file, found.features) if tiles or means is None else None,
        coords=_read(file, found.coords) if tiles and found.coords is not None else None,
        cluster_features=means,
        layout=found.layout,
        **found.about | {"n_tiles": n_tiles},
    )


def _read(file: h5py.File, name: str) -> NDArray:
    """A matrix in the type that the file has."""
    shape = _shape(file, name)
    values: NDArray = file[name][()]
    return values.reshape(shape)


def _shape(file: h5py.File, name: str) -> tuple[int, int]:
    """Rows and columns of a dataset, of which a third dimension of 1 is taken off."""
    dataset = file[name]
    if not isinstance(dataset, h5py.Dataset):
        raise InputError(f"{name} is a group of datasets, and numbers are needed")
    shape: tuple[int, ...] = dataset.shape or ()
    if len(shape) == 3 and 1 in shape[:2]:
        shape = (shape[0] * shape[1], shape[2])
    if len(shape) != 2 or 0 in shape:
        raise InputError(f"{name} have the shape {dataset.shape}, and {_WRONG.get(len(shape), _WRONG[0])}")
    return shape[0], shape[1]


#: What is to be said of a shape, by the number of its dimensions.
_WRONG = {
    0: "tiles × columns are needed",
    1: "a row for each tile is needed: this is one vector, as of a whole slide",
    2: "tiles × columns are needed: there are none",
    3: "tiles × columns are needed: there are several vectors for each tile",
}
