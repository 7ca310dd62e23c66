"""A collection of gene sets, and what a universe leaves of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_stats.errors import InputError, listing
from sequoia_stats.sets.collections._matching import Step, former_names, gene_step, set_steps
from sequoia_stats.sets.collections._membership import Membership, repeated_entries, starts
from sequoia_stats.types.cohort import FLOW_COLUMNS

#: What to do where names do not meet.
EXACTLY = "names match exactly, symbol by symbol; --aliases takes former names too"


class Restricted(NamedTuple):
    """What a universe leaves of a collection.

    Parameters
    ----------
    names : list of str
        Sets of allowed size, in the order of the collection.
    universe : Index
        The genes that were tested or measured.
    membership : Membership
        A row per set that is left; positions in `universe`.
    flow : list of tuple
        Ledger lines (step, number before, number after, reason).
    """

    names: list[str]
    universe: pd.Index
    membership: Membership
    flow: list[Step]


@dataclass(frozen=True, eq=False, repr=False)
class GeneSets:
    """A collection of named gene sets.

    Parameters
    ----------
    name : str
        Of the collection.
    sets : dict of str to tuple of str
        Genes of every set; a gene that repeats within a set is taken once, which `flow` counts.
    descriptions : dict of str to str, optional
        What stands in the second column of a GMT file, for sets that have it.
    source, licence, notice : str
        Provenance; the notice has to go wherever the sets go.
    flow : DataFrame
        Ledger of what was lost on the way: ``step, n_before, n_after, reason``.

    Raises
    ------
    InputError
        If a set has no name or no gene, or a gene has no name.

    Examples
    --------
    >>> sets = GeneSets("mine", {"luminal": ("ESR1", "GATA3", "FOXA1"), "basal": ("KRT5", "KRT14")})
    >>> sets.intersect(["ESR1", "GATA3", "KRT5"], min_size=2).sets
    {'luminal': ('ESR1', 'GATA3')}
    """

    name: str
    sets: dict[str, tuple[str, ...]]
    descriptions: dict[str, str] = field(default_factory=dict)
    source: str = ""
    licence: str = ""
    notice: str = ""
    flow: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=FLOW_COLUMNS))

    def __post_init__(self) -> None:
        for name, genes in self.sets.items():
            if not name or not genes:
                what = "a set holds no gene" if name else "a set has no name"
                raise InputError(what, where=f"{self.name}, set {name!r}")
        object.__setattr__(self, "sets", {name: tuple(genes) for name, genes in self.sets.items()})
        names, membership = self._coded
        if "" in names:
            raise InputError("a set holds a gene without a name", where=self.name)
        if n_repeated := int(repeated_entries(membership).sum()):
            object.__setattr__(self, "sets", {k: tuple(dict.fromkeys(v)) for k, v in self.sets.items()})
            del self.__dict__["_coded"]
            n, reason = len(membership.indices), f"{n_repeated} stood more than once in a set"
            step = ("genes: once in a set", n, n - n_repeated, reason)
            object.__setattr__(self, "flow", extended(self.flow, [step]))

    def __len__(self) -> int:
        return len(self.sets)

    def __iter__(self) -> Iterator[str]:
        return iter(self.sets)

    def __getitem__(self, name: str) -> tuple[str, ...]:
        return self.sets[name]

    def __repr__(self) -> str:
        return f"<GeneSets {self.name}: {len(self)} sets of {len(self.genes)} genes>"

    @property
    def genes(self) -> pd.Index:
        """Every gene of the sets once, in the order of first appearance."""
        return self._coded[0]

    @property
    def sizes(self) -> pd.Series:
        """Number of genes of every set; index = name of the set."""
        return pd.Series(self._coded[1].sizes, index=list(self.sets), name="size")

    def membership(self, genes: Iterable[object], *, aliases: bool = False) -> Membership:
        """Where the genes of every set stand in a list.

        Parameters
        ----------
        genes : iterable of str
            Unique; genes of a set that are not among them are left out.
        aliases : bool, default False
            Find a gene also where the list, or the set, has a former name of it. By default names match exactly.

        Returns
        -------
        Membership
            A row per set, in the order of the sets; rows may be empty.

        Raises
        ------
        InputError
            If a gene stands more than once.
        """
        names = distinct_genes(genes)
        places = names.get_indexer(self.genes)
        former = former_names(self.genes[places < 0], names) if aliases else {}
        return self._placed(self._renamed(places, names, former))

    def restrict(
        self,
        universe: Iterable[object],
        *,
        min_size: int = 1,
        max_size: int | None = None,
        aliases: bool = False,
    ) -> Restricted:
        """What a universe leaves of the sets, as positions in it.

        Parameters
        ----------
        universe : iterable of str
            Unique gene names: those that were tested or measured.
        min_size, max_size : int
            Smallest and largest number of genes within the universe; no upper limit where None.
        aliases : bool, default False
            Count a gene also where the universe, or the set, has a former name of it. Names match exactly
            otherwise, and the ledger says how many more there would be.

        Returns
        -------
        Restricted
            No set may be left.

        Raises
        ------
        InputError
            If a gene of the universe stands more than once, or the limits leave no size.
        """
        if min_size < 1 or (max_size is not None and max_size < min_size):
            raise InputError(
                f"no set has {min_size} to {max_size} genes", fix="1 <= --min-size <= --max-size"
            )
        names = distinct_genes(universe)
        places = names.get_indexer(self.genes)
        former = former_names(self.genes[places < 0], names)
        places = self._renamed(places, names, former if aliases else {})
        found = self._placed(places)
        most = len(names) if max_size is None else max_size
        kept = (found.sizes >= min_size) & (found.sizes <= most)
        flow = [
            gene_step(len(names), places, former, aliases),
            *set_steps(found.sizes, min_size, max_size),
        ]
        left = [name for name, stays in zip(self.sets, kept.tolist(), strict=True) if stays]
        return Restricted(left, names, found.rows(kept), flow)

    def intersect(
        self,
        universe: Iterable[object],
        *,
        min_size: int = 1,
        max_size: int | None = None,
        aliases: bool = False,
    ) -> GeneSets:
        """The sets with the genes that a universe has, where that leaves an allowed size.

        Parameters
        ----------
        universe, min_size, max_size, aliases
            As `restrict`. Genes found under another name bear that of the universe.

        Returns
        -------
        GeneSets
            Fewer sets, or none; `flow` counts the genes and the sets that were lost.

        Raises
        ------
        InputError
            As `restrict`.
        """
        left = self.restrict(universe, min_size=min_size, max_size=max_size, aliases=aliases)
        genes = left.universe.to_numpy()[left.membership.indices].tolist()
        ends = left.membership.indptr.tolist()
        sets = {name: tuple(genes[a:b]) for name, a, b in zip(left.names, ends[:-1], ends[1:], strict=True)}
        words = {name: self.descriptions[name] for name in sets if name in self.descriptions}
        return replace(self, sets=sets, descriptions=words, flow=extended(self.flow, left.flow))

    @cached_property
    def _coded(self) -> tuple[pd.Index, Membership]:
        """All genes once, and the sets as positions among them."""
        indptr = starts(np.array([len(genes) for genes in self.sets.values()], dtype=np.int64))
        flat = np.fromiter(chain.from_iterable(self.sets.values()), dtype=object, count=int(indptr[-1]))
        codes, names = pd.factorize(flat)
        return pd.Index(names, dtype=object, name="gene"), Membership(indptr, codes.astype(np.int64))

    def _renamed(self, places: NDArray, names: pd.Index, former: dict[str, str]) -> NDArray[np.int64]:
        """Positions of all genes in a list, those under another name too."""
        if former:
            theirs = names.get_indexer(pd.Index(list(former.values()), dtype=object))
            places[self.genes.get_indexer(pd.Index(list(former), dtype=object))] = theirs
        return places.astype(np.int64)

    def _placed(self, places: NDArray[np.int64]) -> Membership:
        """The sets as positions in a list, given those of all genes."""
        coded = self._coded[1]
        at = places[coded.indices]
        found = Membership(coded.indptr, at).entries(at >= 0)
        there = places[places >= 0]
        if len(np.unique(there)) < len(there):  # two names of one gene may stand in one set
            found = found.entries(~repeated_entries(found))
        return found


def collections_of(sets: GeneSets | Sequence[GeneSets]) -> list[GeneSets]:
    """One collection or several as a list; an error where two have the same name."""
    collections = [sets] if isinstance(sets, GeneSets) else list(sets)
    names = [one.name for one in collections]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated or not names:
        what = (
            f"two collections are called {listing(repeated)}" if names else "there is no collection of sets"
        )
        raise InputError(what, fix="give every collection once, by a name of its own")
    return collections


def refuse_nothing_left(sets: GeneSets, left: Restricted) -> None:
    """Stop where a universe leaves no set to test, with the reason."""
    if left.names:
        return
    if not left.flow[0][2]:
        raise InputError(
            f"none of the genes of the {len(sets)} sets of {sets.name} is in the universe of {len(left.universe)}",
            where=f"the sets have {listing(sets.genes, 3)}; the universe has {listing(left.universe, 3)}",
            fix=EXACTLY,
        )
    reasons = "; ".join(reason for *_, reason in left.flow[1:])
    raise InputError(f"{sets.name} has no set of allowed size: {reasons}", fix="--min-size, --max-size")


def ledger_of(sets: GeneSets, left: Restricted) -> list[Step]:
    """The ledger of what a universe left, with the name of the collection."""
    return [(f"{sets.name}, {step}", before, after, reason) for step, before, after, reason in left.flow]


def distinct_genes(genes: Iterable[object]) -> pd.Index:
    """Names as an index of texts, or an error where one stands more than once."""
    if isinstance(genes, str):
        raise InputError("names of genes are needed, not one text")
    index = genes if isinstance(genes, pd.Index) else pd.Index(list(genes), dtype=object)
    if index.dtype != object or index.inferred_type != "string":
        index = pd.Index([str(gene) for gene in index], dtype=object)
    if not index.is_unique:
        repeated = index[index.duplicated()].unique()
        raise InputError(f"{len(repeated)} genes stand more than once: {listing(repeated)}")
    return index.rename("gene")


def extended(flow: pd.DataFrame, steps: list[Step]) -> pd.DataFrame:
    """A ledger with more lines."""
    lines = pd.DataFrame(steps, columns=FLOW_COLUMNS)
    return lines if flow.empty else pd.concat([flow, lines], ignore_index=True)
