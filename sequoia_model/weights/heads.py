"""The heads file (heads.h5): the last, linear layer of the transformers of all folds, read gene by gene.

A transformer predicts a gene as the product of a latent vector, which all genes share, with a row of the head. Maps
keep the latent vectors of their tiles, and take the row of a gene when it is asked for.

The file holds ``weight`` (fold × gene × d, float32), ``bias`` (fold × gene, float32), ``gene``, ``fold``, and ``hash``:
SHA-256 of a fold's weight and bias, as their bytes follow each other.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
from numpy.typing import NDArray

from sequoia_base.apart import HDF5, call
from sequoia_base.atomic import existing_file, new_file
from sequoia_base.sink import Sink
from sequoia_model.errors import InputError, counted, listing

if TYPE_CHECKING:
    from torch import nn

    from sequoia_model.nets.slide_network import SlideNetwork

#: The datasets, and how many dimensions each has.
_DIMENSIONS = {"weight": 3, "bias": 2, "gene": 1, "fold": 1, "hash": 1}

#: Weight (d,) and bias of a gene in every fold, or weight (gene × d) and bias of every gene in a fold.
Head = tuple[NDArray[np.float32], NDArray[np.float32]]


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
    """

    path: Path
    genes: tuple[str, ...]
    folds: tuple[int, ...]
    hashes: tuple[str, ...]
    dim: int

    def gene(self, name: str) -> Head:
        """The weight (folds × d) and the bias (folds) of a gene.

        Raises
        ------
        InputError
            If the networks do not predict this gene, or the file cannot be read.
        """
        if name not in self.genes:
            raise InputError(f"the networks do not predict {name}", where=str(self.path))
        row: Head = _apart(self.path, "gene_here", self.genes.index(name))
        return row

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
        if _hash(*head) != self.hashes[place]:
            raise InputError(
                f"the head of fold {number} does not have its hash: the file has changed",
                where=str(self.path),
                fix="get a new copy, or write it again",
            )
        return head


def write_heads(path: str | Path, networks: Mapping[int, SlideNetwork], genes: Sequence[str]) -> None:
    """Write the heads of transformers, one fold at a time; whole or not at all.

    Parameters
    ----------
    path : path
        The file; an existing one is replaced. The same networks give the same bytes.
    networks : mapping of int to SlideNetwork
        The network of each fold.
    genes : sequence of str
        Names of their outputs.

    Raises
    ------
    InputError
        If there is no network, one is not a transformer, sizes differ, or the file cannot be written.
    """
    if not networks:
        raise InputError("there are no networks whose heads could be written")
    folds, hashes = sorted(networks), []
    with new_file(path) as temporary, Sink(temporary) as sink, sink.writing(), h5py.File(sink, "w") as file:
        for i, fold in enumerate(folds):  # one by one, since a mapping may read each network only now
            values = _arrays(_linear(networks[fold], fold))
            shape = values[0].shape
            if i == 0:
                _refuse_other_number(len(genes), shape[0])
                # contiguous, so that the row of a gene is one read in each fold
                weight = file.create_dataset("weight", (len(folds), *shape), dtype=np.float32)
                bias = file.create_dataset("bias", (len(folds), shape[0]), dtype=np.float32)
            elif shape != weight.shape[1:]:
                shapes = f"fold {folds[0]}, {weight.shape[1:]}, fold {fold}, {shape}"
                raise InputError(f"the heads differ in their shapes: {shapes}")
            weight[i], bias[i] = values
            hashes.append(_hash(*values))
        file["gene"], file["hash"] = list(genes), hashes
        file["fold"] = np.array(folds, dtype=np.int64)


def _refuse_other_number(names: int, n_genes: int) -> None:
    if names != n_genes:
        raise InputError(f"there are {counted(names, 'gene name')}, but the networks predict {n_genes:,}")


def read_heads(path: str | Path) -> Heads:
    """Open a heads file: names are read, weights are not.

    Raises
    ------
    InputError
        If the file does not exist, cannot be read, or its parts are missing or do not fit each other.
    """
    path = existing_file(path)
    heads: Heads = _apart(path, "names_here")
    return heads


def _linear(network: SlideNetwork, fold: int) -> nn.Linear:
    """The head of a network."""
    from torch import nn  # here, because the child that reads needs no torch, which takes seconds to import

    from sequoia_model.nets.slide_network import SlideTransformer

    if not isinstance(network, SlideTransformer):
        raise InputError(
            f"fold {fold} is a {network.architecture}, which has no linear head: only transformers have one"
        )
    head = network.linear_head[1]
    assert isinstance(head, nn.Linear)
    return head


def _arrays(head: nn.Linear) -> Head:
    weight, bias = (part.detach().float().cpu().numpy() for part in (head.weight, head.bias))
    return weight, bias


def _hash(weight: NDArray[np.float32], bias: NDArray[np.float32]) -> str:
    digest = hashlib.sha256(np.ascontiguousarray(weight, dtype="<f4").data)
    digest.update(np.ascontiguousarray(bias, dtype="<f4").data)
    return digest.hexdigest()


def _apart(path: Path, name: str, *arguments: int) -> Any:
    return call(f"{__name__}:{name}", path, *arguments, size=os.path.getsize(path), reader=HDF5)


# What the child does, which a damaged file may crash.


def names_here(path: Path) -> Heads:
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
        return Heads(path, genes, folds, hashes, shape[2])


def gene_here(path: Path, gene: int) -> Head:
    """The row of a gene in every fold, in this process."""
    with _opened(path) as file:
        return file["weight"][:, gene], file["bias"][:, gene]


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
