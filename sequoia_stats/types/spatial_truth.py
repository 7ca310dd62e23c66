"""Measured genes on the spots of one section, with their places on its slide."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from sequoia_base.flow import Flow
from sequoia_stats.errors import InputError, counted, listing
from sequoia_stats.types.genes import refuse_dates

#: What a section can be measured with.
PLATFORMS = ("spatial-transcriptomics", "visium", "hest", "anndata")


@dataclass(frozen=True, eq=False, repr=False)
class SpatialTruth:
    """What was measured on the spots of one section.

    Parameters
    ----------
    name : str
        Name of the section.
    spots : tuple of str
        Names of the spots, unique.
    centres_px : array of shape (spots, 2), float64
        Centre of each spot, x before y, in pixels of the full-resolution image (level 0 of the slide).
    mpp : float
        µm per such pixel.
    spot_um : float
        Diameter of a spot in µm; 0 if unknown.
    pitch_um : float
        Distance between the centres of neighbouring spots in µm; 0 if unknown.
    counts : sparse or dense array of shape (spots, genes), optional
        Raw counts; None if the section has none.
    genes : tuple of str
        Unique; as in the file, former names are not replaced.
    totals : array of shape (spots,), float64
        Counts of all genes that were measured on a spot, also of those that are not in `genes`. Zeros without `counts`.
    programmes : DataFrame of shape (spots, programmes), optional
        Scores measured per spot, in the order of `spots`; NaN where missing.
    image_size : tuple of two int, optional
        Width and height of the full-resolution image.
    platform : {"spatial-transcriptomics", "visium", "hest", "anndata"}
        What the section was read as.
    flow : Flow
        Ledger of losses.
    notes : tuple of str
        What was settled while reading, such as where the scale is from, in sentences.
    swapped : bool
        Whether x and y were exchanged while reading, as asked.

    Raises
    ------
    InputError
        If shapes differ, spots or genes are duplicated, a gene is a date, a centre is not finite, a scale or total is
        not a positive number, or there are neither counts nor programmes.
    """

    name: str
    spots: tuple[str, ...]
    centres_px: NDArray[np.float64]
    mpp: float
    spot_um: float = 0.0
    pitch_um: float = 0.0
    counts: Any = None
    genes: tuple[str, ...] = ()
    totals: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    programmes: pd.DataFrame | None = None
    image_size: tuple[int, int] | None = None
    platform: str = "anndata"
    flow: Flow = field(default_factory=Flow)
    notes: tuple[str, ...] = ()
    swapped: bool = False

    def __post_init__(self) -> None:
        n, where = len(self.spots), self.name
        if not n:
            raise InputError("the section has no spots", where=where)
        if self.counts is None and self.programmes is None:
            raise InputError(
                "the section has neither counts nor programmes",
                where=where,
                fix="give its counts, or a table of scores of its spots: --programmes",
            )
        if self.counts is None and len(self.totals) == 0:
            object.__setattr__(self, "totals", np.zeros(n))
        object.__setattr__(self, "centres_px", np.asarray(self.centres_px, dtype=np.float64))
        object.__setattr__(self, "totals", np.asarray(self.totals, dtype=np.float64))
        shapes = {"centres_px": (self.centres_px, (n, 2)), "totals": (self.totals, (n,))}
        if self.counts is not None:
            shapes["counts"] = (self.counts, (n, len(self.genes)))
        for what, (values, shape) in shapes.items():
            if values.shape != shape:
                raise InputError(f"{what} has the shape {values.shape}, but {shape} is needed", where=where)
        if self.programmes is not None and list(self.programmes.index) != list(self.spots):
            raise InputError("the rows of the programmes are not the spots", where=where)
        for noun, names in (("spot", self.spots), ("gene", self.genes)):
            _refuse_repeated(names, noun, where)
        refuse_dates(self.genes, where)
        self._refuse_wrong_numbers()

    def _refuse_wrong_numbers(self) -> None:
        odd = ~np.isfinite(self.centres_px).all(axis=1)
        if odd.any():
            spots = listing(np.asarray(self.spots, dtype=object)[odd], 3)
            raise InputError(
                f"the centre of {counted(int(odd.sum()), 'spot')} is not a number",
                where=f"{self.name}: {spots}",
            )
        if not (np.isfinite(self.mpp) and self.mpp > 0):
            raise InputError(
                f"the scale must be more than 0 µm per pixel, but is {self.mpp}", where=self.name
            )
        for what, size in (("spot_um", self.spot_um), ("pitch_um", self.pitch_um)):
            if not (np.isfinite(size) and size >= 0):
                raise InputError(f"{what} must be 0 or more, but is {size}", where=self.name)
        if not (np.isfinite(self.totals).all() and (self.totals >= 0).all()):
            raise InputError("the total count of a spot is negative or not a number", where=self.name)

    @property
    def n(self) -> int:
        """Number of spots."""
        return len(self.spots)

    @property
    def centres_um(self) -> NDArray[np.float64]:
        """Centre of each spot in µm, x before y, (spots, 2)."""
        return self.centres_px * self.mpp

    def gene(self, name: str) -> NDArray[np.float64]:
        """Raw counts of a gene, (spots,).

        Raises
        ------
        InputError
            If it was not measured.
        """
        return self.counts_of([name])[:, 0]

    def counts_of(self, names: Sequence[str]) -> NDArray[np.float64]:
        """Raw counts of genes, dense, (spots, names).

        Parameters
        ----------
        names : sequence of str
            Genes of the section.

        Raises
        ------
        InputError
            If the section has no counts, or one of them was not measured.
        """
        if self.counts is None:
            raise InputError("the section has no counts, only programmes", where=self.name)
        at = pd.Index(self.genes).get_indexer(pd.Index(list(names), dtype=object))
        if (at < 0).any():
            absent = listing(np.asarray(names, dtype=object)[at < 0], 5)
            raise InputError(
                f"{counted(int((at < 0).sum()), 'gene was', 'genes were')} not measured on the section: {absent}",
                where=f"{self.name}, which has {counted(len(self.genes), 'gene')}",
            )
        block = self.counts[:, at]
        return np.asarray(block.toarray() if hasattr(block, "toarray") else block, dtype=np.float64)

    def subset(self, keep: ArrayLike, reason: str) -> SpatialTruth:
        """The section with some of its spots; the ledger says why.

        Parameters
        ----------
        keep : array of shape (spots,), bool
            Which spots stay.
        reason : str
            Why the others do not.

        Raises
        ------
        InputError
            If none stays.
        """
        kept = np.flatnonzero(np.asarray(keep, dtype=bool))
        flow = self.flow.copy()
        flow.add("spots: subset", self.n, len(kept), reason)
        return replace(
            self, spots=tuple(self.spots[i] for i in kept), centres_px=self.centres_px[kept], totals=self.totals[kept],
            counts=None if self.counts is None else self.counts[kept],
            programmes=None if self.programmes is None else self.programmes.iloc[kept], flow=flow,
        )  # fmt: skip

    def __repr__(self) -> str:
        parts = [counted(self.n, "spot")]
        parts += [counted(len(self.genes), "gene")] * (self.counts is not None)
        parts += [] if self.programmes is None else [counted(self.programmes.shape[1], "programme")]
        sizes = [f"{self.mpp:.4g} µm per pixel"]
        sizes += [f"spots of {self.spot_um:.4g} µm"] * (self.spot_um > 0)
        sizes += [f"pitch {self.pitch_um:.4g} µm"] * (self.pitch_um > 0)
        return f"SpatialTruth({self.name}: {', '.join(parts)}; {', '.join(sizes)}; {self.platform})"

    def __str__(self) -> str:
        """The section, its ledger, and what was settled while reading."""
        return "\n".join([repr(self), *str(self.flow).splitlines(), *self.notes])


def _refuse_repeated(names: Iterable[str], noun: str, where: str) -> None:
    index = pd.Index(list(names), dtype=object)
    if index.is_unique:
        return
    repeated = index[index.duplicated()].unique()
    raise InputError(
        f"{counted(len(repeated), f'{noun} is', f'{noun}s are')} duplicated: {listing(repeated, 3)}",
        where=where,
    )
