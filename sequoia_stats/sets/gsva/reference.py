"""The training cohort that new samples are scored against, and its file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.atomic import existing_file, new_file
from sequoia_stats.errors import InputError
from sequoia_stats.sets.collections import Membership
from sequoia_stats.sets.gsva.settings import Settings

#: What marks the file, and the version of its layout.
_FORMAT, _VERSION = "sequoia gsva reference", 1
_TEXTS = ("genes", "samples", "set_names")


@dataclass(frozen=True, eq=False)
class Reference:
    """Training values, and the sets that are scored in them.

    Parameters
    ----------
    values : array of shape (genes, samples)
        float64, finite; no gene is constant.
    genes, samples : Index
        Unique names.
    set_names : list of str
        In the order of the columns of scores.
    membership : Membership
        A row per set; positions in `genes`.
    settings : Settings
    name : str
        Of the training cohort.
    collection, notice : str
        Name of the collection of sets, and the notice that has to go wherever the sets go.
    versions : dict of str to str
        Of the program that made it.
    """

    values: NDArray[np.float64]
    genes: pd.Index
    samples: pd.Index
    set_names: list[str]
    membership: Membership
    settings: Settings
    name: str
    collection: str
    notice: str = ""
    versions: dict[str, str] = field(default_factory=dict)

    def write(self, path: str | Path) -> None:
        """Write it as HDF5, whole or not at all."""
        words = {"settings": self.settings.to_dict(), "versions": self.versions}
        texts = {"name": self.name, "collection": self.collection, "notice": self.notice}
        try:
            with new_file(path) as temporary, h5py.File(temporary, "w") as file:
                file.attrs["format"], file.attrs["version"] = _FORMAT, _VERSION
                for key, value in texts.items():
                    file.attrs[key] = value
                for key, content in words.items():
                    file.attrs[key] = json.dumps(content)
                for key in _TEXTS:
                    labels: list[str] = list(getattr(self, key))
                    file.create_dataset(key, data=labels, dtype=h5py.string_dtype())
                file.create_dataset("values", data=self.values, compression="gzip", shuffle=True)
                file.create_dataset("set_ends", data=self.membership.indptr)
                file.create_dataset("set_genes", data=self.membership.indices)
        except OSError as error:
            reason = getattr(error, "strerror", None) or error
            raise InputError(f"the file cannot be written: {reason}", where=str(path)) from None


def read_reference(path: str | Path) -> Reference:
    """Read what `Reference.write` wrote.

    Raises
    ------
    InputError
        If the file is something else, of another version, or damaged.
    """
    path = existing_file(path)
    if not h5py.is_hdf5(path):
        raise InputError("this is no GSVA reference: the file is no HDF5", where=str(path), fix=_FIX)
    with _damage(path), h5py.File(path, "r") as file:
        _check_kind(file, path)
        genes, samples, names = ([text.decode() for text in file[key][:]] for key in _TEXTS)
        reference = Reference(
            values=file["values"][:],
            genes=pd.Index(genes, dtype=object, name="gene"),
            samples=pd.Index(samples, dtype=object, name="sample_id"),
            set_names=names,
            membership=Membership(file["set_ends"][:], file["set_genes"][:]),
            settings=Settings(**json.loads(file.attrs["settings"])),
            versions=json.loads(file.attrs["versions"]),
            **{key: str(file.attrs[key]) for key in ("name", "collection", "notice")},
        )
        _check_content(reference)
    return reference


_FIX = "give a file that --save-reference wrote"


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    """Whatever goes wrong inside is a fault of the file."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # h5py and json raise a dozen kinds for what is truncated or changed
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise InputError(
            "the GSVA reference is damaged", where=f"{path} ({reason})", fix="write it again"
        ) from None


def _check_kind(file: h5py.File, path: Path) -> None:
    if file.attrs.get("format") != _FORMAT:
        raise InputError(
            "this is no GSVA reference, but another kind of HDF5 file", where=str(path), fix=_FIX
        )
    if (version := int(file.attrs["version"])) != _VERSION:
        raise InputError(
            f"the GSVA reference has version {version}, and this program reads {_VERSION}",
            where=str(path),
            fix="use the program that wrote it, or write it again",
        )


def _check_content(reference: Reference) -> None:
    values, (ends, indices) = reference.values, reference.membership
    labels: Sequence[Any] = (reference.genes, reference.samples, pd.Index(reference.set_names))
    sound = (
        values.shape == (len(reference.genes), len(reference.samples))
        and values.dtype == np.float64
        and all(len(names) and names.is_unique for names in labels)
        and len(ends) == len(reference.set_names) + 1
        and ends[0] == 0
        and ends[-1] == len(indices)
        and (np.diff(ends) > 0).all()
        and indices.min() >= 0
        and indices.max() < len(values)
        and np.isfinite(values).all()
    )
    if not sound:
        raise ValueError("its parts do not fit each other")
