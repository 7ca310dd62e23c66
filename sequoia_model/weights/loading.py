"""Weights: the networks of an ensemble and what is known about them, from a folder or from the hub."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from sequoia_model.errors import InputError, counted
from sequoia_model.nets.slide_network import SlideNetwork
from sequoia_model.splits import Splits
from sequoia_model.types.units import EXPRESSION, NOT_STATED, TILE_MPP, TILE_SIZE
from sequoia_model.weights._folds import HUB, FoldFiles, find_folds, hub_folds, run_folder_of
from sequoia_model.weights._layouts import digest, read_network, save_weights
from sequoia_model.weights.side_file import SIDE_FILE, SideFile, read_side_file

__all__ = ["Weights", "load_weights", "save_weights", "untrained"]

#: The encoder whose features the published networks were trained on.
_PUBLISHED_ENCODER = "uni"


@dataclass(frozen=True, eq=False, repr=False)
class Weights:
    """The networks of an ensemble, and what is known about them.

    Parameters
    ----------
    networks : tuple of SlideNetwork
        One per fold, in evaluation mode, on the CPU; all have the same architecture and size.
    folds : tuple of int
        The fold of each network.
    source : str
        Where they come from, as it was given.
    encoder : str, optional
        Canonical name of the encoder whose features they take; None if not known.
    cancer : str, optional
        TCGA abbreviation, if they are published weights; then the published splits apply.
    genes : tuple of str, optional
        Names of the outputs, if a side file gives them.
    units : str
        The unit in which they predict: that of published weights, or as a side file states it, or "not stated".
    digests : tuple of str
        SHA-256 of each file of weights.
    notes : tuple of str
        Caveats.
    splits : Splits, optional
        Which patients each fold was trained on, if a side file names them; those of published weights follow from
        their cancer.
    slides : mapping of str to str
        The patient of each slide in training, if a side file names them.
    seen : frozenset of str
        Patients outside the splits on whom the networks, or those from which they started, were trained.
    tile_um : float, optional
        Side in µm of the tiles whose features they learnt from: 128 for published weights, or as a side file says.
    """

    networks: tuple[SlideNetwork, ...]
    folds: tuple[int, ...]
    source: str
    encoder: str | None = None
    cancer: str | None = None
    genes: tuple[str, ...] | None = None
    units: str = NOT_STATED
    digests: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    splits: Splits | None = None
    slides: Mapping[str, str] = field(default_factory=dict)
    seen: frozenset[str] = frozenset()
    tile_um: float | None = None

    @property
    def architecture(self) -> str:
        """Name of the architecture."""
        return self.networks[0].architecture

    @property
    def n_genes(self) -> int:
        """Number of outputs."""
        return self.networks[0].num_outputs

    @property
    def input_dim(self) -> int:
        """Length of a feature vector."""
        return self.networks[0].input_dim

    @property
    def n_clusters(self) -> int:
        """Number of cluster means of a slide."""
        return self.networks[0].num_clusters

    @cached_property
    def n_parameters(self) -> int:
        """Number of parameters of one network."""
        return sum(parameter.numel() for parameter in self.networks[0].parameters())

    def __repr__(self) -> str:
        return (
            f"<Weights {self.source}: {len(self.networks)} × {self.architecture}, {self.n_parameters:,} parameters, "
            f"{self.n_genes:,} genes of {self.input_dim}-d features by {self.encoder or 'an unnamed encoder'}>"
        )


def load_weights(source: str | Path) -> Weights:
    """Read the networks of an ensemble.

    Parameters
    ----------
    source : str or path
        A folder: ``config.json`` and ``model.safetensors`` (one network); folders of these whose names end in the fold
        (``sequoia-brca-0``, ``fold_1``, ``2``); or ``model_best.pt`` (fold 0), ``model_best_1.pt``, ... with state
        dicts; or one such file alone (also .pth, .bin and Lightning's .ckpt), as an ensemble of one. Or
        ``hub:ORG/NAME``: the repositories NAME-0 to NAME-4 of the Hugging Face hub, or the one that ends in a digit;
        what is in the hub's cache (HF_HOME) is used without asking the hub.

        Published names (``sequoia-brca``, ``sequoia-brca-3``) imply encoder, cancer and units. ``sequoia.json`` in
        the folder gives or overrides them: {"schema": "sequoia-weights-1", "encoder": "uni", "cancer": null,
        "genes": "genes.csv", "units": "log2(FPKM-UQ+1)", "note": "...", "splits": "splits.csv",
        "slides": "slides.csv", "seen": "seen.csv", "tile_um": 128.0}. That of a run folder also holds for one
        of its folds, ``runs/brca/fold_3``.

    Raises
    ------
    InputError
        If a file is missing or damaged, does not fit its configuration, or could run code; if a fold is missing, a
        training is not finished, or folds differ in architecture or size; if the hub cannot be reached.
    """
    text = str(source)
    folds, published = hub_folds(text) if text.startswith(HUB) else find_folds(Path(source))
    networks = tuple(read_network(files.weights, files.config) for files in folds)
    _refuse_different(networks, folds)
    side = _side_file(folds, None if text.startswith(HUB) else Path(source))
    if side.genes is not None and len(side.genes) != networks[0].num_outputs:
        raise InputError(
            f"the side file names {len(side.genes)} genes, but the networks have {networks[0].num_outputs} outputs",
            where=text,
        )
    _refuse_other_splits(side, folds, text)
    cancer = published.cancer if published else None
    return Weights(
        networks=networks,
        folds=tuple(files.fold for files in folds),
        source=text,
        encoder=side.encoder or (_PUBLISHED_ENCODER if published else None),
        cancer=side.cancer if side.says_cancer else cancer,
        genes=side.genes,
        units=side.units or (EXPRESSION if published else NOT_STATED),
        digests=tuple(digest(files.weights) for files in folds),
        notes=(side.note,) if side.note else (),
        splits=side.splits,
        slides=side.slides,
        seen=side.seen,
        tile_um=side.tile_um or (TILE_SIZE * TILE_MPP if published else None),
    )


def untrained(weights: Weights, seed: int) -> tuple[SlideNetwork, ...]:
    """Networks of the same architecture with random parameters, in evaluation mode, on the CPU.

    A PCA in front is kept as it is: it is no parameter that was learnt with the genes.

    Parameters
    ----------
    weights : Weights
        One network is made for each fold.
    seed : int
        Random seed, 0 or more. With the number of the fold it determines every parameter; torch's own generator is
        not touched.
    """
    return tuple(
        _fresh(network, [seed, fold]) for network, fold in zip(weights.networks, weights.folds, strict=True)
    )


def _fresh(network: SlideNetwork, entropy: list[int]) -> SlideNetwork:
    seed = int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0])
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        fresh = type(network)(**network.sizes).eval()
    return fresh if network.pca is None else fresh.with_pca(network.pca.mean, network.pca.components)


def _refuse_different(networks: tuple[SlideNetwork, ...], folds: list[FoldFiles]) -> None:
    """Refuse networks whose architecture or size differs from the first."""
    first = {name: tuple(tensor.shape) for name, tensor in networks[0].state_dict().items()}
    for network, files in zip(networks[1:], folds[1:], strict=True):
        other = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
        if other != first:
            name = next(name for name in {**first, **other} if first.get(name) != other.get(name))
            raise InputError(
                f"the folds differ: {name} is {first.get(name, 'absent')} in fold {folds[0].fold}, "
                f"but {other.get(name, 'absent')} in fold {files.fold}",
                where=f"{folds[0].weights}, {files.weights}",
                fix="all networks of an ensemble need the same architecture and size",
            )


def _refuse_other_splits(side: SideFile, folds: list[FoldFiles], where: str) -> None:
    """Refuse splits that know less folds than there are networks: nobody is held out by the others."""
    last = max(files.fold for files in folds)
    if side.splits is not None and last >= side.splits.n_folds:
        raise InputError(
            f"there is a network of fold {last}, but the splits have {counted(side.splits.n_folds, 'fold')}",
            where=where,
            fix=f"folds count from 0; correct the splits that {SIDE_FILE} names",
        )


def _side_file(folds: list[FoldFiles], folder: Path | None) -> SideFile:
    """The side file of the ensemble, or those of its folds, which must agree."""
    own = read_side_file(folder) if folder else None
    if own is not None:
        return own
    places = [files.weights.parent for files in folds]
    places += [run for place in places[:1] if (run := run_folder_of(place)) is not None]
    found = [side for place in places if (side := read_side_file(place)) is not None]
    if any(side != found[0] for side in found):
        raise InputError(
            f"the folds have different {SIDE_FILE}",
            where=str(folds[0].weights.parent.parent),
            fix="put one beside the folders of the folds instead",
        )
    return found[0] if found else SideFile()
