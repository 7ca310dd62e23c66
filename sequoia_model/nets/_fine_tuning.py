"""Starts a network from another that was trained before: what fits is copied, and parts of it may be kept as they are.

A network that was trained on many samples, or for other genes, has learnt tissue that a new cohort shares. Its body is
copied whole; of its last layer the genes that both networks predict, by their names.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from sequoia_model.errors import InputError, counted, listing
from sequoia_model.nets.architectures import recognise
from sequoia_model.nets.slide_network import SlideNetwork

#: Sizes that may differ between a network and the one it starts from.
_FREE = ("num_outputs", "ks", "dropout")
#: Parts of a name that are listed when another was not found: "transformer.layers.0".
_DEPTH = 3


class Transferred(NamedTuple):
    """What was taken from another network, by published names.

    Parameters
    ----------
    loaded : tuple of str
        Tensors that were copied.
    fresh : tuple of str
        Tensors that have random values. A last layer of which some genes were copied is in both.
    """

    loaded: tuple[str, ...]
    fresh: tuple[str, ...]


def transfer(
    network: SlideNetwork,
    source: SlideNetwork | Mapping[str, Tensor],
    *,
    genes: Sequence[str] | None = None,
    from_genes: Sequence[str] | None = None,
) -> Transferred:
    """Copy the parameters of a trained network into a new one.

    Parameters
    ----------
    network : SlideNetwork
        The new network, which is changed. What is not copied keeps the values that it has. A PCA in front of the
        source comes with it, since the source has learnt from what that PCA gives.
    source : SlideNetwork, or mapping of str to Tensor
        The trained network, or its tensors by their published names.
    genes, from_genes : sequence of str, optional
        Genes that the new network and the source predict. If both are given, the rows of the genes in common are
        copied. Otherwise the last layer is copied if it has the same shape.

    Raises
    ------
    InputError
        If the source has another architecture, or other sizes than the network: another length of features, say.
    """
    state = source.published_state() if isinstance(source, SlideNetwork) else dict(source)
    _refuse_other_architecture(network, source, state)
    _refuse_other_outputs(network, genes, state, from_genes)
    if network.pca is None and "pca.mean" in state:
        network.with_pca(state["pca.mean"], state["pca.components"])
    own = network.published_state()  # they share the memory of the parameters
    body = [name for name in own if name not in network.head_names]
    _refuse_misfits({name: own[name] for name in body}, state, network.head_names)
    rows = _rows_in_common(own, state, network.head_names, genes, from_genes)
    with torch.no_grad():
        for name in body:
            own[name].copy_(state[name])
        for name in network.head_names if len(rows) else ():
            own[name][rows[:, 0]] = state[name][rows[:, 1]].to(own[name])
    complete = len(rows) == network.num_outputs
    loaded = [name for name in own if name in body or len(rows)]
    return Transferred(tuple(loaded), () if complete else tuple(network.head_names))


def freeze(network: SlideNetwork, names: Collection[str]) -> tuple[str, ...]:
    """Keep parameters as they are in training.

    Parameters
    ----------
    network : SlideNetwork
        The network, whose parameters no longer ask for gradients if they are chosen.
    names : collection of str
        Parameters, or modules with all that they contain, by their published names: "transformer.layers.0",
        "linear_head".

    Returns
    -------
    tuple of str
        Published names of the parameters that are frozen.

    Raises
    ------
    InputError
        If the network has no such parameter or module, a name means one of the heads that are kept in one tensor, or
        nothing would be left to train.
    """
    published = {name: network.published_names(name) for name, _ in network.named_parameters()}
    every = [part for parts in published.values() for part in parts]
    unknown = [word for word in names if not any(_within(name, word) for name in every)]
    if unknown:
        owners = (name.removesuffix(".weight").removesuffix(".bias") for name in every)
        modules = dict.fromkeys(".".join(name.split(".")[:_DEPTH]) for name in owners)
        raise InputError(
            f"the network has no {listing(unknown)} that could be frozen",
            fix=f"it has {listing(modules, 30)}",
        )
    chosen = {name: [_is_chosen(part, names) for part in parts] for name, parts in published.items()}
    if torn := [name for name, each in chosen.items() if any(each) and not all(each)]:
        raise InputError(
            f"only some heads of {torn[0]} would be frozen, but all heads are one tensor in training",
            fix=f"freeze all of them: {torn[0].rpartition('.')[0]}",
        )
    if all(all(each) for each in chosen.values()):
        raise InputError(
            "every parameter would be frozen: nothing is left to train", fix="freeze fewer modules"
        )
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(not all(chosen[name]))
    return tuple(part for name, parts in published.items() if all(chosen[name]) for part in parts)


def _is_chosen(name: str, words: Collection[str]) -> bool:
    return any(_within(name, word) for word in words)


def _within(name: str, module: str) -> bool:
    """Whether a parameter is the one named, or in the module named."""
    return name == module or name.startswith(f"{module}.")


def _refuse_other_architecture(
    network: SlideNetwork, source: SlideNetwork | Mapping[str, Tensor], state: Mapping[str, Tensor]
) -> None:
    found = source.architecture if isinstance(source, SlideNetwork) else recognise(state)
    if found != network.architecture:
        raise InputError(
            f"a {network.architecture} cannot start from {f'a {found}' if found else 'weights of another kind'}",
            fix="give weights of the same architecture, or train that one",
        )
    if not isinstance(source, SlideNetwork):
        return
    others = [
        f"{word} is {source.sizes[word]}, not {size}"
        for word, size in network.sizes.items()
        if word not in _FREE and source.sizes[word] != size
    ]
    if others:
        raise InputError(f"the weights to start from have other sizes than the network: {listing(others)}")


def _refuse_other_outputs(
    network: SlideNetwork,
    genes: Sequence[str] | None,
    state: Mapping[str, Tensor],
    from_genes: Sequence[str] | None,
) -> None:
    """Refuse names of genes that are not those of the outputs."""
    sizes = (network.num_outputs, len(state.get(network.head_names[0], ())))
    for names, n, which in zip(
        (genes, from_genes), sizes, ("the network", "the weights to start from"), strict=True
    ):
        if names is not None and len(names) != n:
            raise InputError(f"there are {counted(len(names), 'gene name')}, but {which} predict {n:,}")


def _refuse_misfits(own: Mapping[str, Tensor], state: Mapping[str, Tensor], head: Collection[str]) -> None:
    """Refuse tensors of the body that are missing, unexpected or of another shape."""
    wrong = [
        f"{name} is {tuple(state[name].shape)}, not {tuple(tensor.shape)}"
        for name, tensor in own.items()
        if name in state and state[name].shape != tensor.shape
    ]
    wrong += [f"{name} is missing" for name in own if name not in state]
    wrong += [f"{name} is unexpected" for name in state if name not in own and name not in head]
    if wrong:
        raise InputError(f"the weights to start from do not fit the network: {listing(wrong, 3)}")


def _rows_in_common(
    own: Mapping[str, Tensor],
    state: Mapping[str, Tensor],
    head: Sequence[str],
    genes: Sequence[str] | None,
    from_genes: Sequence[str] | None,
) -> Tensor:
    """Rows of the last layer that can be copied: those of the network, and those of the source."""
    if any(name not in state or state[name].shape[1:] != own[name].shape[1:] for name in head):
        return torch.empty((0, 2), dtype=torch.long)
    if genes is not None and from_genes is not None:
        places = {gene: row for row, gene in enumerate(from_genes)}
        pairs = [(row, places[gene]) for row, gene in enumerate(genes) if gene in places]
    else:
        same = all(state[name].shape == own[name].shape for name in head)
        pairs = [(row, row) for row in range(len(own[head[0]]))] if same else []
    return torch.tensor(pairs, dtype=torch.long).reshape(-1, 2)
