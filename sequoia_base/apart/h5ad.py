"""AnnData files (.h5ad), read apart."""

from __future__ import annotations

import importlib
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sequoia_base.apart.hdf5 import HDF5
from sequoia_base.apart.parent import begin, call
from sequoia_base.atomic import existing_file
from sequoia_base.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from anndata import AnnData
    from numpy.typing import NDArray


def read(path: str | Path) -> AnnData:
    """The AnnData in a file.

    Raises
    ------
    InputError
        If the file is missing or cannot be read, or the HDF5 library crashes at it.
    """
    return _apart("read_here", path)


def names(path: str | Path) -> tuple[set[str], pd.DataFrame, pd.DataFrame]:
    """What there is in a file, without its matrices.

    Returns
    -------
    found : set of str
        Names of its parts, and of what is in ``layers`` and ``uns``: "layers/measured".
    obs, var : DataFrame
        Its rows and columns.

    Raises
    ------
    InputError
        As `read`.
    """
    return _apart("names_here", path)


def rows(path: str | Path, place: str, some: NDArray[np.int64]) -> NDArray[np.float32]:
    """Some rows of a matrix, dense or sparse.

    Parameters
    ----------
    path : path
        The file.
    place : str
        "X", or a layer as `names` names it.
    some : array of int
        The rows, ascending.

    Returns
    -------
    array of shape (rows, columns), float32

    Raises
    ------
    InputError
        As `read`.
    """
    return _apart("rows_here", path, place, some)


def text(path: str | Path, place: str) -> str:
    """A text, as in ``uns/units``; "" if something else is there.

    Raises
    ------
    InputError
        As `read`.
    """
    return _apart("text_here", path, place)


def ask(function: str, path: str | Path, *arguments: Any) -> Any:
    """What a function reads from a file in the child process; "module:function", whose first argument is the path.

    Raises
    ------
    InputError
        As `read`.
    """
    path = existing_file(path)
    begin("anndata.io")
    importlib.import_module(
        "anndata"
    )  # takes a moment, in which the child imports it too; answers need it here
    try:
        size = os.path.getsize(path)
        return call(function, path, *arguments, size=size, reader=HDF5)
    except InputError as error:
        error.where = error.where or str(path)
        raise
    except Exception as error:  # h5py and anndata raise a dozen kinds for a damaged or foreign file
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise InputError(
            "the file is not a readable h5ad file: it is truncated, damaged or of another kind",
            where=f"{path} ({reason})",
        ) from None


def _apart(name: str, path: str | Path, *arguments: Any) -> Any:
    return ask(f"{__name__}:{name}", path, *arguments)


# What the child does.


def read_here(path: Path) -> AnnData:
    """As `read`, in this process."""
    import anndata

    with warnings.catch_warnings():  # duplicated names are checked later, or are slides of one patient
        warnings.filterwarnings("ignore", "(Observation|Variable) names are not unique", UserWarning)
        return anndata.read_h5ad(path)


def names_here(path: Path) -> tuple[set[str], pd.DataFrame, pd.DataFrame]:
    """As `names`, in this process."""
    import h5py
    from anndata.io import read_elem

    with h5py.File(path, "r", locking="best-effort") as file:
        inside = {f"{group}/{name}" for group in ("layers", "uns") for name in file.get(group, {})}
        return inside | set(file), read_elem(file["obs"]), read_elem(file["var"])


def rows_here(path: Path, place: str, some: NDArray[np.int64]) -> NDArray[np.float32]:
    """As `rows`, in this process."""
    import h5py
    import numpy as np
    from anndata.io import sparse_dataset

    with h5py.File(path, "r", locking="best-effort") as file:
        matrix = file[place] if isinstance(file[place], h5py.Dataset) else sparse_dataset(file[place])
        block = matrix[some]
        return np.asarray(block.toarray() if hasattr(block, "toarray") else block, dtype=np.float32)


def text_here(path: Path, place: str) -> str:
    """As `text`, in this process."""
    import h5py

    with h5py.File(path, "r", locking="best-effort") as file:
        value = file[place][()] if isinstance(file[place], h5py.Dataset) else ""
        return value.decode("utf-8", "replace").strip() if isinstance(value, bytes) else ""
