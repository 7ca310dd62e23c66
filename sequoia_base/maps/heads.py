"""The heads file (heads.h5): the last, linear layer of the transformers of all folds, read gene by gene.

A transformer predicts a gene as the product of a latent vector, which all genes share, with a row of the head. Maps
keep the latent vectors of their tiles, and take the row of a gene when it is asked for.

The file holds ``weight`` (fold × gene × d, float32), ``bias`` (fold × gene, float32), ``gene``, ``fold``, and ``hash``:
SHA-256 of a fold's weight and bias, as their bytes follow each other.

Notes
-----
The file is opened in the child process, since a damaged HDF5 file can crash the library. Where its numbers lie in one
piece, as `train` writes them, rows are read as bytes from there; see `sequoia_base.maps._numbers`.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from sequoia_base.apart import HDF5, call
from sequoia_base.atomic import existing_file
from sequoia_base.errors import InputError, listing, part
from sequoia_base.maps._numbers import Place, Stamp, place_here, stamp_of

#: The datasets, and how many dimensions each has.
_DIMENSIONS = {"weight": 3, "bias": 2, "gene": 1, "fold": 1, "hash": 1}

#: Weight (d,) and bias of a gene in every fold, or weight (gene × d) and bias of every gene in a fold.
Head = tuple[NDArray[np.float32], NDArray[np.float32]]
#: Heads whose numbers have their hash: file, stamp, fold and hash. Each is read once in a process.
_CHECKED: set[tuple[Path, Stamp, int, str]] = set()
#: Genes whose rows are hashed at a time.
_BLOCK = 4096


@dataclass(frozen=True)
class Heads:
    """A heads file, whose weights stay on the disk.

    Parameters
    ----------
    path : Path
        The file.
    genes : tuple of str
        In the order of the outputs.
    folds : tuple of int
        The fold of each network.
    hashes : tuple of str
        SHA-256 of the head of each fold.
    dim : int
        Length d of a latent vector.
    places : tuple of Place, optional
        Where weight and bias lie in the file; without, the child reads them.
    """

    path: Path
    genes: tuple[str, ...]
    folds: tuple[int, ...]
    hashes: tuple[str, ...]
    dim: int
    places: tuple[Place, Place] | None = field(default=None, repr=False, compare=False)

    def gene(self, name: str) -> Head:
        """The weight (folds × d) and the bias (folds) of a gene, whose hash is not checked: `Map` does that.

        Raises
        ------
        InputError
            If the networks do not predict this gene, or the file cannot be read.
        """
        if name not in self.positions:
            raise InputError(f"the networks do not predict {name}", where=str(self.path))
        weight, bias = self.rows([name])
        return weight[:, 0], bias[:, 0]

    def rows(self, names: Sequence[str]) -> Head:
        """The weight (folds × genes × d) and the bias (folds × genes) of some genes, in their order.

        The hashes are not checked: `Map` does that.

        Raises
        ------
        InputError
            If the networks do not predict all of them, or the file cannot be read.
        """
        absent = [name for name in names if name not in self.positions]
        if absent:
            raise InputError(
                f"{part(len(absent), len(names), 'gene', 'are')} not predicted: {listing(absent)}",
                where=str(self.path),
            )
        genes = [self.positions[name] for name in names]
        if self.places is not None:
            return self._rows(self.places[0], genes, self.dim), self._rows(self.places[1], genes, 1)[:, :, 0]
        rows: Head = _apart(self.path, "rows_here", genes)
        return rows

    def fold(self, number: int) -> Head:
        """The weight (genes × d) and the bias (genes) of a fold, which must have its hash.

        Raises
        ------
        InputError
            If there is no such fold, the file cannot be read, or its numbers have changed.
        """
        if number not in self.folds:
            raise InputError(
                f"there is no fold {number}", where=str(self.path), fix=f"it has {listing(self.folds)}"
            )
        place = self.folds.index(number)
        head: Head = _apart(self.path, "fold_here", place)
        if hash_head(*head) != self.hashes[place]:
            raise self._changed(number)
        return head

    def check(self, numbers: Iterable[int]) -> None:
        """Refuse folds whose numbers do not have their hash; a file that has not changed is read once in a process.

        Raises
        ------
        InputError
            If the file cannot be read, or its numbers have changed.
        """
        for number in numbers:
            place = self.folds.index(number)
            stamp = self.places[0].stamp if self.places else stamp_of(existing_file(self.path).stat())
            known = self.path, stamp, number, self.hashes[place]
            if known in _CHECKED:
                continue
            if self.places is None:
                self.fold(number)
            elif self._hash(place) != self.hashes[place]:
                raise self._changed(number)
            _CHECKED.add(known)

    @cached_property
    def genes_hash(self) -> str:
        """SHA-256 of the names of the genes, each on a line."""
        return hashlib.sha256("".join(f"{gene}\n" for gene in self.genes).encode()).hexdigest()

    def _hash(self, place: int) -> str:
        """As `hash_head`, of a fold that is read as bytes, block by block."""
        assert self.places is not None
        digest, n = hashlib.sha256(), len(self.genes)
        for numbers, size in zip(self.places, (self.dim, 1), strict=True):
            for start in range(0, n, _BLOCK):
                count = min(_BLOCK, n - start)
                digest.update(numbers.read(size * (place * n + start), size * count).astype("<f4").data)
        return digest.hexdigest()

    def _changed(self, number: int) -> InputError:
        return InputError(
            f"the head of fold {number} does not have its hash: the file has changed",
            where=str(self.path),
            fix="get a new copy, or write it again",
        )

    def _rows(self, place: Place, genes: list[int], size: int) -> NDArray[np.float32]:
        """Numbers of genes in every fold, `size` for each, shape (folds, genes, size)."""
        out = np.empty((len(self.folds), len(genes), size), dtype=np.float32)
        for fold in range(len(self.folds)):
            for start, end in _runs(genes):  # of neighbours, which are read at once
                first, count = genes[start] + fold * len(self.genes), end - start
                out[fold, start:end] = place.read(size * first, size * count).reshape(count, size)
        return out

    @cached_property
    def positions(self) -> dict[str, int]:
        """Where each gene is among the outputs."""
        return {gene: i for i, gene in enumerate(self.genes)}


def read_heads(path: str | Path) -> Heads:
    """Open a heads file: names are read, weights are not.

    Raises
    ------
    InputError
        If the file does not exist, cannot be read, or its parts are missing or do not fit each other.
    """
    path = existing_file(path)
    heads: Heads = _apart(path, "names_here", stamp_of(path.stat()))
    return heads


def hash_head(weight: NDArray[np.float32], bias: NDArray[np.float32]) -> str:
    """SHA-256 of the head of a fold.

    Parameters
    ----------
    weight : array of shape (genes, d)
    bias : array of shape (genes,)

    Returns
    -------
    str
        64 hexadecimal digits of the little-endian float32 numbers of weight and bias.
    """
    digest = hashlib.sha256(np.ascontiguousarray(weight, dtype="<f4").data)
    digest.update(np.ascontiguousarray(bias, dtype="<f4").data)
    return digest.hexdigest()


def _runs(genes: list[int]) -> list[tuple[int, int]]:
    """Start and end of each run of neighbours in a list of positions."""
    ends = [*(np.flatnonzero(np.diff(genes) != 1) + 1).tolist(), len(genes)] if genes else []
    return list(zip([0, *ends[:-1]], ends, strict=True)) if ends else []


def _apart(path: Path, name: str, *arguments: Any) -> Any:
    if not path.exists():  # it was there when it was opened
        raise InputError("the heads file does not exist any more", where=str(path))
    return call(f"{__name__}:{name}", path, *arguments, size=os.path.getsize(path), reader=HDF5)


# What the child does, which a damaged file may crash.


def names_here(path: Path, stamp: Stamp) -> Heads:
    """As `read_heads`, in this process."""
    with _opened(path) as file:
        genes, hashes = (tuple(text.decode() for text in file[name][()]) for name in ("gene", "hash"))
        folds = tuple(file["fold"][()].tolist())
        shape = file["weight"].shape
        if (
            shape[:2] != (len(folds), len(genes))
            or file["bias"].shape != shape[:2]
            or len(hashes) != len(folds)
        ):
            raise InputError(
                f"weight has the shape {shape} and bias {file['bias'].shape}, for {len(folds)} folds and "
                f"{len(genes)} genes",
                where=str(path),
            )
        for name, values in (("fold", folds), ("gene", genes)):
            if twice := [value for value, n in Counter(values).items() if n > 1]:
                raise InputError(
                    f"the file is damaged: {name} {twice[0]} is there {Counter(values)[twice[0]]} times",
                    where=str(path),
                )
        places = [place_here(file[name], path, stamp) for name in ("weight", "bias")]
        known = (places[0], places[1]) if places[0] is not None and places[1] is not None else None
        return Heads(path, genes, folds, hashes, shape[2], known)


def rows_here(path: Path, genes: list[int]) -> Head:
    """The rows of some genes in every fold, in this process."""
    with _opened(path) as file:
        weight, bias = file["weight"], file["bias"][()]
        out = np.empty((weight.shape[0], len(genes), weight.shape[2]), dtype=np.float32)
        for start, end in _runs(genes):
            out[:, start:end] = weight[:, genes[start] : genes[end - 1] + 1]
        return out, bias[:, genes].astype(np.float32)


def fold_here(path: Path, fold: int) -> Head:
    """The head of a fold, in this process."""
    with _opened(path) as file:
        return file["weight"][fold], file["bias"][fold]


@contextmanager
def _opened(path: Path) -> Iterator[h5py.File]:
    """A heads file open for reading; every error in the block names the file."""
    try:
        with h5py.File(path, "r", locking="best-effort") as file:
            for name, n in _DIMENSIONS.items():
                if not (isinstance(file.get(name), h5py.Dataset) and len(file[name].shape or ()) == n):
                    raise InputError(
                        f"the file does not hold heads: it has no {name}",
                        where=str(path),
                        fix="train writes them (heads.h5)",
                    )
            yield file
    except InputError:
        raise
    except Exception as error:  # for a damaged file h5py raises many kinds of error
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise InputError("the file is not HDF5, truncated or damaged", where=f"{path} ({reason})") from None
