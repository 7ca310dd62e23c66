"""The content of an HDF5 file, read apart."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sequoia_base.apart.parent import call

#: Who reads, in messages.
HDF5 = "the HDF5 library"


def contents(path: str | Path, group: str = "/") -> tuple[dict[str, Any], dict[str, Any]]:
    """The attributes and the datasets of a group of an HDF5 file, without those of its groups, read in the child.

    Parameters
    ----------
    path : path
        The file.
    group : str, default "/"
        The group; by default that of the whole file.

    Raises
    ------
    InputError
        If the HDF5 library crashes at it, or takes too long.
    Exception
        What h5py raises for a damaged file.
    """
    size = os.path.getsize(path)
    about, datasets = call(f"{__name__}:contents_here", path, group, size=size, reader=HDF5)
    return about, datasets


def contents_here(path: str | Path, group: str = "/") -> tuple[dict[str, Any], dict[str, Any]]:
    """As `contents`, in this process, which a damaged file may crash."""
    import h5py

    with h5py.File(path, "r", locking="best-effort") as file:
        held = file[group]
        there = {name: item for name, item in held.items() if isinstance(item, h5py.Dataset)}
        return dict(held.attrs), {name: item[()] for name, item in there.items()}
