"""The score of a signature on every tile of a map, with the parameters of the signature's training cohort."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sequoia_base.errors import InputError, counted, listing
from sequoia_base.results import Result

if TYPE_CHECKING:
    from sequoia_base.maps.spatial_map import Map

#: Transforms that are linear in each gene, so that a score is a single product with the latent vectors.
_LINEAR = ("none", "zscore")


class FittedTransform(Protocol):
    """A transform of genes with the parameters of a training cohort, as of a signature."""

    @property
    def name(self) -> Any:
        """Its name: "none", "zscore", "rank" or "log2"."""

    def select(self, positions: Any) -> FittedTransform:
        """The transform of some of the genes."""

    def apply(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Transformed genes, shape (n, genes)."""


class ScoredSignature(Protocol):
    """What a score needs of a signature; that of `sequoia_stats` has it."""

    @property
    def genes(self) -> tuple[str, ...]:
        """Names of the genes."""

    @property
    def coefficients(self) -> tuple[float, ...]:
        """The weight of each gene."""

    @property
    def transform(self) -> Any:
        """A `FittedTransform` of the genes."""

    def find(self, names: Sequence[str]) -> NDArray[np.intp]:
        """Position of each gene of the signature among names, -1 where it is absent."""


@dataclass(frozen=True, eq=False)
class MapScore(Result):
    """A score on every tile.

    Parameters
    ----------
    values : array of shape (n,)
        Σ coefficient × transformed gene, of the mean over folds of each gene; NaN where the map is.
    by_fold : array of shape (folds, n)
        The same by the network of each fold; a single row of the mean if the map does not store the folds.
    genes_missing : tuple of str
        Genes of the signature that the map lacks.
    weight_lost : float
        Their share of Σ|coefficient|, 0 to 1.
    """

    values: NDArray[np.float64] = field(metadata={"show": False})
    by_fold: NDArray[np.float64] = field(metadata={"show": False})
    genes_missing: tuple[str, ...]
    weight_lost: float

    @property
    def std(self) -> NDArray[np.float64]:
        """The spread over folds, the SD with divisor n, shape (n,); NaN if there is one row."""
        return self.by_fold.std(axis=0) if len(self.by_fold) > 1 else np.full_like(self.values, np.nan)


def score_map(source: Map, signature: ScoredSignature, max_weight_lost: float) -> MapScore:
    """Score the tiles of a map; `Map.score` documents the arguments.

    Notes
    -----
    A linear transform is known by its values at 0 and 1, so that Σ cⱼ (aⱼ + sⱼ xⱼ) is one product with the weights
    cⱼ sⱼ and the constant Σ cⱼ aⱼ. Ranks and logarithms are computed from the genes themselves.
    """
    found, missing, lost = _found(source, signature, max_weight_lost)
    names = [source.gene_names[position] for position in signature.find(source.gene_names)[found]]
    coefficients = np.asarray(signature.coefficients, dtype=np.float64)[found]
    transform: FittedTransform = signature.transform.select(found)
    if transform.name in _LINEAR:
        offset, one = transform.apply(np.stack([np.zeros(len(found)), np.ones(len(found))]))
        by_fold = source.weighted(names, coefficients * (one - offset)) + coefficients @ offset
        values = by_fold.mean(axis=0)
    else:
        refuse = transform.name == "log2"
        by_fold = np.stack(
            [_transformed(source, transform, coefficients, x, refuse) for x in _folds(source, names)]
        )
        values = _transformed(source, transform, coefficients, source.genes(names), refuse)
    return MapScore(values, by_fold, missing, lost)


def _found(
    source: Map, signature: ScoredSignature, most: float
) -> tuple[NDArray[np.intp], tuple[str, ...], float]:
    """Positions in the signature of the genes that the map has, the others, and their share of the weight."""
    there = signature.find(source.gene_names) >= 0
    weights, genes = np.abs(signature.coefficients), np.array(signature.genes, dtype=object)
    missing = tuple(genes[~there])
    lost = float(weights[~there].sum() / weights.sum()) if weights.any() else 0.0
    if lost > most or (len(genes) and not there.any()):
        if not source.gene_names:
            source.refuse_absent(missing)
        raise InputError(
            f"the map lacks {len(missing)} of {counted(len(genes), 'gene')} of the signature, with {lost:.0%} of the "
            f"weight; at most {most:.0%} may be lost",
            where=f"{source.path or source.slide}: {listing(missing)}",
            fix="raise max_weight_lost to score the tiles anyway" if there.any() else "",
        )
    return np.flatnonzero(there), missing, lost


def _folds(source: Map, names: Sequence[str]) -> Any:
    return source.fold_blocks(names) if source.is_latent else [source.genes(names)]


def _transformed(
    source: Map,
    transform: FittedTransform,
    coefficients: NDArray[np.float64],
    x: NDArray[Any],
    logarithm: bool,
) -> NDArray[np.float64]:
    """The score of genes (n, genes), NaN where the map is."""
    values, rows = np.full(len(x), np.nan), np.isfinite(x).all(axis=1)
    units = str(source.about["units"])
    if logarithm and (units.lower().startswith("log") or (x[rows] < 0).any()):
        raise InputError(
            f"the log2 transform of the signature does not suit the map, whose unit is {units or 'not stated'}",
            where=str(source.path or source.slide),
            fix="give a signature that was trained on expression in the unit of the map",
        )
    values[rows] = transform.apply(np.asarray(x[rows], dtype=np.float64)) @ coefficients
    return values
