"""Gene sets under the names of a universe: which genes are there, which sets have an allowed size, what is lost."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.arguments import check_limits, whole
from sequoia_base.flow import Flow
from sequoia_stats.errors import InputError, counted, listing
from sequoia_stats.types.genes import aliases as known_aliases
from sequoia_stats.types.genes import canonical, other_identifiers

_EXACTLY = "names are matched exactly, symbol by symbol; --aliases accepts former names too"


class Membership(NamedTuple):
    """Sets as rows of a sparse matrix over a list of genes.

    Parameters
    ----------
    indptr : array of shape (sets + 1,)
        int64; set i holds ``indices[indptr[i]:indptr[i + 1]]``.
    indices : array
        int64; positions in the list of genes, in the order of each set, without repeats within a set.
    """

    indptr: NDArray[np.int64]
    indices: NDArray[np.int64]

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Number of genes of every set."""
        return np.diff(self.indptr)

    def entries(self, kept: NDArray[np.bool_]) -> Membership:
        """Some of the genes of each set, by a mask over `indices`."""
        return Membership(starts(kept)[self.indptr], self.indices[kept])

    def rows(self, kept: NDArray[np.bool_]) -> Membership:
        """Some of the sets."""
        sizes = self.sizes
        return Membership(starts(sizes[kept]), self.indices[np.repeat(kept, sizes)])

    def members(self, genes: pd.Index) -> list[tuple[str, ...]]:
        """The genes of each set by name, given the list of genes."""
        names, ends = genes.to_numpy()[self.indices].tolist(), self.indptr.tolist()
        return [tuple(names[a:b]) for a, b in itertools.pairwise(ends)]


class Restricted(NamedTuple):
    """The part of a collection that lies within a universe.

    Parameters
    ----------
    names : list of str
        Sets of allowed size, in the order of the collection.
    universe : Index
        The genes that were tested or measured.
    membership : Membership
        A row per remaining set; positions in `universe`.
    flow : Flow
        Genes and sets lost.
    """

    names: list[str]
    universe: pd.Index
    membership: Membership
    flow: Flow

    def sets(self) -> dict[str, tuple[str, ...]]:
        """The remaining sets with their genes, as the universe names them."""
        return dict(zip(self.names, self.membership.members(self.universe), strict=True))


def starts(sizes: NDArray) -> NDArray[np.int64]:
    """Where rows of these sizes begin, and the end of the last."""
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


def repeated_entries(sets: Membership) -> NDArray[np.bool_]:
    """Which entries repeat an earlier one of the same set."""
    short = np.min_scalar_type(
        int(sets.indices.max(initial=0))
    )  # short integers are sorted by digits, which is fast
    order = np.argsort(sets.indices.astype(short), kind="stable")
    gene, row = sets.indices[order], np.repeat(np.arange(len(sets.indptr) - 1), sets.sizes)[order]
    result = np.zeros(len(order), dtype=bool)
    result[order[1:]] = (gene[1:] == gene[:-1]) & (row[1:] == row[:-1])
    return result


def distinct_genes(genes: Iterable[object]) -> pd.Index:
    """Gene names as an index of strings; an error if one is duplicated."""
    several(genes, "the list of genes")
    index = genes if isinstance(genes, pd.Index) else pd.Index(list(genes), dtype=object)
    if index.dtype != object or index.inferred_type != "string":
        index = pd.Index([str(gene) for gene in index], dtype=object)
    if not index.is_unique:
        repeated = index[index.duplicated()].unique()
        verb = "is" if len(repeated) == 1 else "are"
        raise InputError(f"{counted(len(repeated), 'gene')} {verb} duplicated: {listing(repeated)}")
    return index.rename("gene")


def several(genes: object, what: str) -> Iterable[Any]:
    """The names of genes; an error for a single text, whose letters would be taken as genes, and for a table."""
    if isinstance(genes, str | bytes):
        text = str(genes) if isinstance(genes, str) else genes.decode("utf-8", "replace")
        raise InputError(
            f"{what} must be several names, not the single text {text!r}", fix=f"[{text!r}] for one gene"
        )
    if not isinstance(genes, Iterable) or getattr(genes, "ndim", 1) != 1:
        raise InputError(
            f"{what} must be several names, but is a {type(genes).__name__}",
            fix="give one column or list of names",
        )
    return genes


def former_names(absent: Iterable[str], universe: Iterable[str]) -> dict[str, str]:
    """For genes that a universe lacks: the name under which it has them, if there is exactly one."""
    wanted = list(absent)
    if not wanted:
        return {}
    names = list(universe)
    approved = _approved(names)
    counts = Counter(approved)
    home = {symbol: name for symbol, name in zip(approved, names, strict=True) if counts[symbol] == 1}
    pairs = zip(wanted, _approved(wanted), strict=True)
    return {gene: home[symbol] for gene, symbol in pairs if symbol in home}


def under_former_names(former: dict[str, str], *, used: bool) -> str:
    """How many genes have a former name in the universe, for a reason in the ledger; nothing if none has."""
    if not former:
        return ""
    examples = listing((f"{gene} → {name}" for gene, name in former.items()), limit=3)
    return f"; {len(former)} {'' if used else 'more would be '}found under a former name ({examples})"


def no_match(what: str, **sides: pd.Index) -> InputError:
    """The error where no gene of one side is on the other; it names the kinds of identifiers if they differ."""
    kinds = other_identifiers(**sides)
    examples = (f"the {side.replace('_', ' ')} has {listing(names, 3)}" for side, names in sides.items())
    fix = f"use names of one kind on both sides: {kinds}" if kinds else _EXACTLY
    return InputError(what, where="; ".join(examples), fix=fix)


def check_sizes(min_size: int, max_size: int | None) -> None:
    """Refuse limits that no set can meet."""
    check_limits({"min_size": min_size}, {"min_size": whole(1)})
    if max_size is not None and max_size < min_size:
        raise InputError(
            f"no set can have {min_size} to {max_size} genes", fix="use 1 <= --min-size <= --max-size"
        )


def losses(
    places: NDArray[np.int64], n_universe: int, former: dict[str, str], aliases: bool, sizes: NDArray[np.int64],
    min_size: int, max_size: int | None,
) -> Flow:  # fmt: skip
    """The ledger of the genes that a universe lacks, and of the sets that are too small or too large within it."""
    flow, n_found = Flow(), int((places >= 0).sum())
    reason = f"{len(places) - n_found} not in the universe of {counted(n_universe, 'gene')}"
    reason += under_former_names(former, used=aliases)
    flow.add("genes: in the universe", len(places), n_found, reason)
    n_any, n_small = int((sizes > 0).sum()), int(((sizes > 0) & (sizes < min_size)).sum())
    n_large = 0 if max_size is None else int((sizes > max_size).sum())
    if n_any < len(sizes):
        flow.add("sets: with a gene in the universe", len(sizes), n_any, f"{len(sizes) - n_any} without one")
    if n_small or n_large:
        reason = f"{n_small} with fewer than {min_size} genes in the universe"
        reason += "" if max_size is None else f", {n_large} with more than {max_size}"
        flow.add("sets: of allowed size", n_any, n_any - n_small - n_large, reason)
    return flow


def _approved(names: list[str]) -> list[str]:
    """Approved symbols; only names that may have another one are looked up."""
    known = known_aliases()
    return [canonical(name) if name in known or "ORF" in name else name for name in names]
