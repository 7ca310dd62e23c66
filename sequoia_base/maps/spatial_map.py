"""A map: predicted genes on the tiles of a slide, mostly as latent vectors that a linear layer turns into any gene."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.errors import InputError, counted, listing, part
from sequoia_base.flow import Flow
from sequoia_base.maps._about import ABOUT
from sequoia_base.maps._checks import frozen, genes_hash_of, hashes_of, in_kinds, refuse_disorder
from sequoia_base.maps._gene_values import GeneValues, Values
from sequoia_base.maps._latents import dimensions
from sequoia_base.maps._scores import MapScore, ScoredSignature, score_map
from sequoia_base.maps.heads import Head, Heads, read_heads

#: The arrays of a map, and their kinds.
_ARRAYS = {"places": np.int64, "centres_um": np.float64, "centres_px": np.float64, "n_windows": np.int64}
#: Genes that are computed at a time.
_BLOCK = 256


@dataclass(frozen=True, eq=False)
class Map:
    """Predicted genes on the tiles of a slide.

    A gene comes from the latent vectors and the heads, or from values that are stored for it. Values are NaN where
    no window holds the tile.

    Parameters
    ----------
    places : array of shape (n, 2), int64
        Row and column of each tile in the grid of the slide, in reading order: sorted by row, then by column.
    centres_um, centres_px : array of shape (n, 2), float64
        Centres of the tiles, x before y, in µm and in pixels of level 0.
    n_windows : array of shape (n,), int64
        Number of windows that hold each tile, 0 where the map is NaN. 1 for a map without windows.
    about : mapping
        What ``uns["map"]`` of the file holds; see `ABOUT`. ``tile_um`` is needed. Each value is brought to the
        kind of that in `ABOUT`, which also stands for None. Other keys are kept.
    latents : mapping of int to array of shape (n, d), optional
        Means over windows of the normalised mean token, by fold.
    heads : Heads, optional
        What turns latent vectors into genes.
    values : GeneValues or other Values, optional
        Genes that are stored: the mean over folds, and its spread.
    columns : DataFrame, optional
        What else is known of each tile: ``haematoxylin``, ``tissue``.
    flow : Flow, optional
        The ledger of tiles and windows.
    path : Path, optional
        The file that it was read from.

    Raises
    ------
    InputError
        If parts do not fit each other, tiles are not in reading order, the heads are not those of the latents, or what
        the map says of itself is of another kind.
    """

    places: NDArray[np.int64]
    centres_um: NDArray[np.float64]
    centres_px: NDArray[np.float64]
    n_windows: NDArray[np.int64]
    about: Mapping[str, Any]
    latents: Mapping[int, NDArray[np.floating[Any]]] = field(default_factory=dict)
    heads: Heads | None = None
    values: Values | None = None
    columns: pd.DataFrame = field(default_factory=pd.DataFrame)
    flow: Flow = field(default_factory=Flow)
    path: Path | None = None

    def __post_init__(self) -> None:
        n, where = len(self.places), str(self.path or self.about.get("slide") or "")
        columns = self.columns if self.columns.shape[1] else pd.DataFrame(index=range(n))
        if len(columns) != n or (self.values is not None and self.values.n_tiles != n):
            raise InputError(
                f"columns or genes do not have a value for each of {counted(n, 'tile')}", where=where
            )
        for name, dtype in _ARRAYS.items():
            shape = (n,) if name == "n_windows" else (n, 2)
            object.__setattr__(self, name, frozen(getattr(self, name), dtype, shape, name, where))
        refuse_disorder(self.places, where)
        dims = dimensions(self.latents, n, where)
        known = {**ABOUT, "folds": sorted(dims)}
        about = in_kinds({**known, **self.about}, known, where)
        if self.heads is not None and dims:
            about["heads_hash"] = hashes_of(self.heads, dims, about["heads_hash"], where)
            about["genes_hash"] = genes_hash_of(self.heads, about["genes_hash"], where)
        object.__setattr__(self, "about", MappingProxyType(about))
        object.__setattr__(self, "columns", columns.reset_index(drop=True))

    @property
    def slide(self) -> str:
        """Name of the slide."""
        return str(self.about["slide"])

    @property
    def tile_um(self) -> float:
        """Side of a tile in µm."""
        return float(self.about["tile_um"])

    @property
    def covered(self) -> NDArray[np.bool_]:
        """Whether a window holds each tile, so that the map has values there; shape (n,)."""
        return self.n_windows > 0

    @property
    def obs(self) -> pd.DataFrame:
        """A row per tile: ``row, column, n_windows`` and what else is known; the index is "5x3" for row 5, column 3."""
        rows, columns = self.places.T
        index = pd.Index(
            [f"{row}x{column}" for row, column in self.places.tolist()], name="tile", dtype=object
        )
        frame = pd.DataFrame({"row": rows, "column": columns, "n_windows": self.n_windows})
        return pd.concat([frame, self.columns], axis=1).set_axis(index, axis=0)

    @property
    def is_latent(self) -> bool:
        """Whether genes come from latent vectors and heads, rather than from stored values."""
        return bool(self.latents) and self.heads is not None

    @property
    def gene_names(self) -> tuple[str, ...]:
        """The genes that can be asked for: those of the heads, or those that are stored."""
        if self.is_latent:
            return self._heads.genes
        return () if self.values is None else self.values.genes

    def gene(self, name: str) -> NDArray[np.floating[Any]]:
        """A gene on every tile, the mean over the folds; shape (n,).

        Raises
        ------
        InputError
            If the map does not have this gene, or its heads are not there.
        """
        return self.genes([name])[:, 0]

    def genes(self, names: Sequence[str]) -> NDArray[np.floating[Any]]:
        """Some genes on every tile, the mean over the folds; shape (n, genes). `blocks` needs less memory.

        Raises
        ------
        InputError
            As `gene`; the message says how many genes are absent.
        """
        self.refuse_absent(names)
        if not self.is_latent:
            return self._values.columns(names)
        out: NDArray[np.floating[Any]] | None = None
        for start in range(0, len(names), _BLOCK):
            block = self._mean(names[start : start + _BLOCK])
            out = np.empty((len(block), len(names)), dtype=block.dtype) if out is None else out
            out[:, start : start + block.shape[1]] = block
        return np.empty((len(self.places), 0), dtype=np.float32) if out is None else out

    def blocks(
        self, names: Sequence[str] | None = None, size: int = _BLOCK
    ) -> Iterator[tuple[tuple[str, ...], NDArray[np.floating[Any]]]]:
        """Genes, all unless named, in blocks of `size`: their names, and values of shape (n, genes).

        Raises
        ------
        InputError
            As `genes`.
        """
        wanted = tuple(self.gene_names if names is None else names)
        self.refuse_absent(wanted)
        for start in range(0, len(wanted), size):
            some = wanted[start : start + size]
            yield some, self.genes(some)

    def by_fold(self, name: str) -> NDArray[np.floating[Any]]:
        """A gene on every tile by the network of each fold, in the order of ``about["folds"]``; shape (folds, n).

        Raises
        ------
        InputError
            As `gene`; or if the map stores only the mean over several folds.
        """
        self.refuse_absent([name])
        if self.is_latent:
            return np.stack([block[:, 0] for block in self.fold_blocks([name])])
        return self._only_fold(self.gene(name))

    def std(self, name: str) -> NDArray[np.floating[Any]]:
        """The spread of a gene over the folds on every tile: the SD with divisor n; NaN if there is one fold.

        Raises
        ------
        InputError
            As `gene`; or if the map stores no spread.
        """
        self.refuse_absent([name])
        if len(self.about["folds"]) < 2:
            return np.full_like(self.gene(name), np.nan)
        if self.is_latent:
            return self.by_fold(name).std(axis=0)
        return self._values.spreads([name])[:, 0]

    def weighted(self, names: Sequence[str], coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
        """A weighted sum of genes on every tile by the network of each fold, as one product with the latent vectors.

        Parameters
        ----------
        names : sequence of str
            The genes.
        coefficients : array of shape (genes,)
            The weight of each: 1 / genes for the mean of a gene set.

        Returns
        -------
        array of shape (folds, n), float64
            A single row, of the mean over folds, if the map stores genes in place of latent vectors.

        Raises
        ------
        InputError
            As `genes`.
        """
        self.refuse_absent(names)
        if not self.is_latent:
            return (self.genes(names).astype(np.float64) @ coefficients)[None]
        weight, bias = (part.astype(np.float64) for part in self._rows(names))
        sums = []
        for fold, latent in self.latents.items():
            at = self._heads.folds.index(fold)
            row = (coefficients @ weight[at]).astype(latent.dtype)
            sums.append(self._product(latent, row[None])[:, 0].astype(np.float64) + bias[at] @ coefficients)
        return np.stack(sums)

    def score(self, signature: ScoredSignature, *, max_weight_lost: float = 0.5) -> NDArray[np.float64]:
        """The score of a signature on every tile, with the parameters of its training cohort; shape (n,).

        `score_details` says which genes are absent.

        Parameters
        ----------
        signature : Signature
            As of `sequoia_stats`.
        max_weight_lost : float
            Largest share of Σ|coefficient| that may be lost with absent genes.

        Raises
        ------
        InputError
            If too much weight is lost, or the transform does not suit the unit of the map.
        """
        return self.score_details(signature, max_weight_lost=max_weight_lost).values

    def score_by_fold(
        self, signature: ScoredSignature, *, max_weight_lost: float = 0.5
    ) -> NDArray[np.float64]:
        """The score of a signature by the network of each fold; shape (folds, n). Errors are those of `score`."""
        return self.score_details(signature, max_weight_lost=max_weight_lost).by_fold

    def score_details(self, signature: ScoredSignature, *, max_weight_lost: float = 0.5) -> MapScore:
        """The score of a signature, its spread over folds, and what was lost. Errors are those of `score`."""
        return score_map(self, signature, max_weight_lost)

    def on_grid(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Values of the tiles (n,) as an image: rows × columns of the box that holds all tiles, NaN between them."""
        first = self.places.min(axis=0)
        grid = np.full(self.places.max(axis=0) - first + 1, np.nan)
        grid[tuple((self.places - first).T)] = values
        return grid

    def with_values(
        self,
        genes: Sequence[str],
        mean: NDArray[Any],
        *,
        std: NDArray[Any] | None = None,
        **about: Any,
    ) -> Map:
        """A map of the same tiles that stores these genes in place of latent vectors, such as that of a baseline.

        Parameters
        ----------
        genes : sequence of str
            Their names.
        mean : array of shape (n, genes)
            The values, NaN where there are none; cells with any value count as covered by one window.
        std : array of shape (n, genes), optional
            Their spread.
        **about : object
            What the new map says of itself: ``source="ridge"``, ``notes=[...]``. What it says of the networks and
            windows of this map is taken out.
        """
        kept = (
            "slide",
            "patient_id",
            "tile_um",
            "tile_px",
            "slide_mpp",
            "slide_width",
            "slide_height",
            "units",
        )
        windows = np.array(np.isfinite(np.asarray(mean, dtype=np.float64)).any(axis=1), dtype=np.int64)
        return replace(
            self,
            n_windows=windows,
            about={name: self.about[name] for name in kept} | about,
            latents={},
            heads=None,
            values=GeneValues(tuple(genes), mean, std),
            flow=Flow(),
            path=None,
        )

    def refuse_absent(self, names: Sequence[str], where: str = "") -> None:
        """Refuse genes that the map does not have.

        Parameters
        ----------
        names : sequence of str
            The genes.
        where : str, optional
            The list that they are in, for the message; otherwise the map is named.

        Raises
        ------
        InputError
            Saying how many there are, and which.
        """
        known = self._known
        absent = [name for name in names if name not in known]
        if not absent:
            return
        if self.latents and self.heads is None:
            self.refuse_no_genes()
            raise self._without_heads(
                f"the map stores {counted(len(known), 'gene')}, not {listing(absent, 3)}"
            )
        here = str(self.path or self.slide)
        one = len(names) == 1
        what = (
            f"the map has no gene {absent[0]}"
            if one
            else (f"{part(len(absent), len(names), 'gene', 'are')} not in the map: {listing(absent)}")
        )
        raise InputError(
            what,
            where=f"{where}; {here}" if where else here,
            fix=f"it has {counted(len(known), 'gene')}: {listing(self.gene_names, 3)}",
        )

    def refuse_no_genes(self) -> None:
        """Refuse a map that has no gene to ask for.

        Raises
        ------
        InputError
            Saying where the heads were looked for.
        """
        if not self.gene_names:
            raise self._without_heads("the map has no genes")

    @property
    def stored_genes(self) -> tuple[str, ...]:
        """The genes whose values are stored."""
        return () if self.values is None else self.values.genes

    def mean_and_spread(
        self, names: Sequence[str]
    ) -> tuple[NDArray[np.floating[Any]], NDArray[np.floating[Any]] | None]:
        """Some genes, the mean and the SD over folds, each of shape (n, genes); None for one fold or an unknown SD."""
        if self.is_latent:
            folds = np.stack(list(self.fold_blocks(names)))
            return folds.mean(axis=0), folds.std(axis=0) if len(folds) > 1 else None
        return self.genes(names), self._values.spreads(names) if self._values.has_spread else None

    def with_heads(self, heads: str | Path | None = None) -> Map:
        """The map with the heads in a file, or with those it names itself, if they are there.

        Raises
        ------
        InputError
            If the file does not hold the heads of the map's networks.
        """
        if not self.latents:
            return self
        place = self.heads_path if heads is None else Path(heads)
        if place is None or (heads is None and not place.is_file()):
            return self
        return replace(self, heads=read_heads(place))

    @property
    def heads_path(self) -> Path | None:
        """Where the map says that its heads are; None if it says nothing."""
        stated = str(self.about["heads"])
        return None if not stated else (self.path.parent if self.path else Path()) / stated

    def fold_blocks(self, names: Sequence[str]) -> Iterator[NDArray[np.floating[Any]]]:
        """Genes by the network of each fold, from latents and heads: an array of shape (n, genes) for each."""
        weight, bias = self._rows(names)
        for fold, latent in self.latents.items():
            at = self._heads.folds.index(fold)
            yield self._product(latent, weight[at].astype(latent.dtype, copy=False)) + bias[at].astype(
                latent.dtype
            )

    def _product(
        self, latent: NDArray[np.floating[Any]], weight: NDArray[np.floating[Any]]
    ) -> NDArray[np.floating[Any]]:
        """Latent vectors (n, d) times weights (genes, d), shape (n, genes); NaN where no window is."""
        with np.errstate(invalid="ignore"):
            block = latent @ weight.T
        block[~self.covered] = np.nan
        return block

    def _mean(self, names: Sequence[str]) -> NDArray[np.floating[Any]]:
        total: Any = 0
        for block in self.fold_blocks(names):
            total = total + block
        return total / np.asarray(len(self.latents), dtype=total.dtype)

    def _only_fold(self, values: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        if len(self.about["folds"]) > 1:
            raise InputError(
                "the map stores the mean over its folds, not each of them", where=str(self.path or self.slide)
            )
        return values[None]

    def _rows(self, names: Sequence[str]) -> Head:
        """Weight and bias of genes in every fold of the heads, whose numbers are those of their hashes."""
        self._heads.check(self.latents)
        return self._heads.rows(names)

    @property
    def _heads(self) -> Heads:
        assert self.heads is not None
        return self.heads

    @property
    def _values(self) -> Values:
        assert self.values is not None
        return self.values

    def _without_heads(self, what: str) -> InputError:
        return InputError(
            f"{what}: the heads are not there, which turn its latent vectors into genes",
            where=str(self.heads_path or self.path or self.slide),
            fix="name the heads.h5 of its networks with --heads FILE",
        )

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.gene_names)
