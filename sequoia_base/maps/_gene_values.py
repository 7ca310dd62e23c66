"""Genes that a map stores: in memory, or in the file, where a gene is read when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import h5py
import numpy as np
from numpy.typing import NDArray

from sequoia_base.errors import InputError
from sequoia_base.maps._latents import read_apart
from sequoia_base.maps._numbers import Place

#: Genes in a chunk of X, which holds all tiles: a gene is read from one chunk.
GENES_IN_CHUNK = 16


class Values(Protocol):
    """Genes of a map, stored anywhere: names, the mean over folds, and its spread."""

    @property
    def genes(self) -> tuple[str, ...]:
        """Names of the genes."""

    @property
    def n_tiles(self) -> int:
        """Number of tiles."""

    @property
    def has_spread(self) -> bool:
        """Whether the spread over folds is stored."""

    def columns(self, names: Sequence[str]) -> NDArray[np.floating[Any]]:
        """Some genes, shape (tiles, genes)."""

    def spreads(self, names: Sequence[str]) -> NDArray[np.floating[Any]]:
        """The standard deviation of some genes over folds, shape (tiles, genes)."""


@dataclass(frozen=True, eq=False)
class GeneValues:
    """Genes in memory.

    Parameters
    ----------
    genes : tuple of str
        Their names.
    mean : array of shape (tiles, genes)
        NaN where there is no value.
    std : array of shape (tiles, genes), optional
        The standard deviation over folds.
    """

    genes: tuple[str, ...]
    mean: NDArray[np.floating[Any]]
    std: NDArray[np.floating[Any]] | None = None

    def __post_init__(self) -> None:
        for values in (self.mean, self.std):
            if values is not None and (np.ndim(values) != 2 or np.shape(values)[1] != len(self.genes)):
                raise InputError(f"values have the shape {np.shape(values)}, for {len(self.genes)} genes")
        if len(set(self.genes)) < len(self.genes):
            raise InputError("a gene is there twice")

    @property
    def n_tiles(self) -> int:
        """Number of tiles."""
        return len(self.mean)

    @property
    def has_spread(self) -> bool:
        """Whether there is a spread over folds."""
        return self.std is not None

    def columns(self, names: Sequence[str]) -> NDArray[np.floating[Any]]:
        """Some genes, shape (tiles, genes)."""
        return self.mean[:, [self.genes.index(name) for name in names]]

    def spreads(self, names: Sequence[str]) -> NDArray[np.floating[Any]]:
        """The standard deviation of some genes over folds, shape (tiles, genes)."""
        if self.std is None:
            raise no_spread("")
        return self.std[:, [self.genes.index(name) for name in names]]


@dataclass(frozen=True, eq=False)
class StoredValues:
    """Genes in a map file.

    Parameters
    ----------
    path : Path
        The file.
    genes : tuple of str
        Their names.
    n_tiles : int
        Number of tiles.
    has_spread : bool
        Whether the file has the layer ``std``.
    places : mapping of str to Place
        Where X and the layer lie in the file, if they can be read as bytes.
    """

    path: Path
    genes: tuple[str, ...]
    n_tiles: int
    has_spread: bool
    places: Mapping[str, Place]

    @cached_property
    def _position(self) -> dict[str, int]:
        return {gene: i for i, gene in enumerate(self.genes)}

    def columns(self, names: Sequence[str]) -> NDArray[np.floating[Any]]:
        """Some genes, shape (tiles, genes)."""
        return self._read("X", names)

    def spreads(self, names: Sequence[str]) -> NDArray[np.floating[Any]]:
        """The standard deviation of some genes over folds, shape (tiles, genes)."""
        if not self.has_spread:
            raise no_spread(str(self.path))
        return self._read("layers/std", names)

    def _read(self, place: str, names: Sequence[str]) -> NDArray[np.floating[Any]]:
        wanted = [self._position[name] for name in names]
        if len(wanted) == 1 and place in self.places:
            return self.places[place].column(wanted[0])[:, None]
        values: NDArray[np.floating[Any]] = read_apart(self.path, "columns_here", __name__, place, wanted)
        return values


def no_spread(where: str) -> InputError:
    """The error of a map that does not store the spread over folds."""
    return InputError("the map stores no spread over folds", where=where)


def columns_here(path: Path, place: str, wanted: list[int]) -> NDArray[np.floating[Any]]:
    """Columns of a matrix, chunk by chunk, in this process, which a damaged file may crash."""
    with h5py.File(path, "r", locking="best-effort") as file:
        matrix = file[place]
        out = np.empty((len(matrix), len(wanted)), dtype=matrix.dtype)
        positions = np.asarray(wanted, dtype=np.int64)
        for chunk in np.unique(positions // GENES_IN_CHUNK).tolist():
            first = chunk * GENES_IN_CHUNK
            here = np.flatnonzero(positions // GENES_IN_CHUNK == chunk)
            out[:, here] = matrix[:, first : first + GENES_IN_CHUNK][:, positions[here] - first]
        return out
