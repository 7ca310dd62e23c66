"""Writing the heads file (heads.h5), the last, linear layer of all transformers; `sequoia_base.maps` reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import h5py
import numpy as np

from sequoia_base.atomic import new_file
from sequoia_base.maps.heads import Head, Heads, hash_head, read_heads
from sequoia_base.sink import Sink
from sequoia_model.errors import InputError, counted

if TYPE_CHECKING:
    from torch import nn

    from sequoia_model.nets.slide_network import SlideNetwork

__all__ = ["HEADS", "Heads", "head_hash", "read_heads", "write_heads"]

#: The file of a run folder.
HEADS = "heads.h5"


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
            hashes.append(hash_head(*values))
        file["gene"], file["hash"] = list(genes), hashes
        file["fold"] = np.array(folds, dtype=np.int64)


def head_hash(network: SlideNetwork, fold: int) -> str:
    """SHA-256 of the head of a transformer, as the heads file has it.

    Parameters
    ----------
    network : SlideNetwork
        The network.
    fold : int
        Its fold, for the message.

    Raises
    ------
    InputError
        If the network is not a transformer.
    """
    return hash_head(*_arrays(_linear(network, fold)))


def _refuse_other_number(names: int, n_genes: int) -> None:
    if names != n_genes:
        raise InputError(f"there are {counted(names, 'gene name')}, but the networks predict {n_genes:,}")


def _linear(network: SlideNetwork, fold: int) -> nn.Linear:
    """The head of a network."""
    from torch import nn  # here, because reading needs no torch, which takes seconds to import

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
