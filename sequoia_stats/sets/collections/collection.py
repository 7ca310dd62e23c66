"""A collection of gene sets, and the part of it that lies within a universe."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.flow import Flow
from sequoia_stats.errors import InputError, counted, listing
from sequoia_stats.sets.collections.matching import (
    Membership,
    Restricted,
    check_sizes,
    distinct_genes,
    former_names,
    losses,
    repeated_entries,
    several,
    starts,
)


@dataclass(frozen=True, eq=False, repr=False)
class GeneSets:
    """A collection of named gene sets.

    Parameters
    ----------
    name : str
        Name of the collection.
    sets : dict of str to tuple of str
        Genes of every set. A gene that is duplicated within a set is taken once, and `flow` counts it.
    descriptions : dict of str to str, optional
        The second column of a GMT file, for the sets that have one.
    source, licence, notice : str
        Provenance. The notice must be passed on with the sets.
    flow : DataFrame
        Ledger of losses: ``step, n_before, n_after, reason``.

    Raises
    ------
    InputError
        If a set has no name or no genes, its genes are a single text, or a gene has no name.

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
    flow: pd.DataFrame = field(default_factory=lambda: Flow().to_frame())

    def __post_init__(self) -> None:
        if not isinstance(self.sets, Mapping):
            raise InputError(
                f"sets must be a dictionary of names and genes, but are a {type(self.sets).__name__}",
                fix='GeneSets("mine", {"luminal": ("ESR1", "GATA3")})',
            )
        sets = {name: tuple(several(genes, f"the set {name!r}")) for name, genes in self.sets.items()}
        object.__setattr__(self, "sets", sets)
        self._drop_missing()
        for name, genes in self.sets.items():
            if not name or not genes:
                what = "a set has no genes" if name else "a set has no name"
                raise InputError(what, where=f"{self.name}, set {name!r}")
        names, membership = self._coded
        if "" in names:
            raise InputError("a set contains a gene without a name", where=self.name)
        if names.inferred_type not in ("string", "empty"):
            other = next(name for name in names if not isinstance(name, str))
            raise InputError(f"a gene must be a text, but is {other!r}", where=self.name)
        if n_repeated := int(repeated_entries(membership).sum()):
            object.__setattr__(self, "sets", {k: tuple(dict.fromkeys(v)) for k, v in self.sets.items()})
            del self.__dict__["_coded"]
            flow, n = Flow.of(self.flow), len(membership.indices)
            flow.add("genes: once in a set", n, n - n_repeated, f"{n_repeated} duplicated within a set")
            object.__setattr__(self, "flow", flow.to_frame())

    def _drop_missing(self) -> None:
        """Leave out genes that are None or NaN, as a table of genes and sets may have them."""
        try:
            n = len(self._coded[1].indices)
            missing = int((self._coded[1].indices < 0).sum())
        except TypeError:  # from pandas: a list in place of a name
            raise InputError("a gene must be a text", where=self.name) from None
        if not missing:
            return
        sets = {name: tuple(gene for gene in genes if not pd.isna(gene)) for name, genes in self.sets.items()}
        object.__setattr__(self, "sets", sets)
        del self.__dict__["_coded"]
        flow = Flow.of(self.flow)
        flow.add("genes: with a name", n, n - missing, f"{missing} missing")
        object.__setattr__(self, "flow", flow.to_frame())

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
        """Every gene of the sets once, in order of first appearance."""
        return self._coded[0]

    @property
    def sizes(self) -> pd.Series:
        """Number of genes of every set; the index holds their names."""
        return pd.Series(self._coded[1].sizes, index=list(self.sets), name="size")

    def membership(self, genes: Iterable[object], *, aliases: bool = False) -> Membership:
        """Find the genes of every set in a list.

        Parameters
        ----------
        genes : iterable of str
            Unique gene names. Genes of a set that are not among them are left out.
        aliases : bool, default False
            Also find a gene when the list or the set uses a former name of it. By default names must match exactly.

        Returns
        -------
        Membership
            One row per set, in the order of the sets. Rows may be empty.

        Raises
        ------
        InputError
            If a gene is duplicated.
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
        """Restrict the sets to a universe, and give them as positions in it.

        Parameters
        ----------
        universe : iterable of str
            Unique gene names: those that were tested or measured.
        min_size, max_size : int
            Smallest and largest number of genes of a set within the universe; None means no upper limit.
        aliases : bool, default False
            Also find a gene when the universe or the set uses a former name of it. By default names must match
            exactly, and the ledger says how many more would be found.

        Returns
        -------
        Restricted
            Possibly without any sets.

        Raises
        ------
        InputError
            If a gene of the universe is duplicated, or no set can meet the limits.
        """
        check_sizes(min_size, max_size)
        names = distinct_genes(universe)
        places = names.get_indexer(self.genes)
        former = former_names(self.genes[places < 0], names)
        places = self._renamed(places, names, former if aliases else {})
        found = self._placed(places)
        most = len(names) if max_size is None else max_size
        kept = (found.sizes >= min_size) & (found.sizes <= most)
        flow = losses(places, len(names), former, aliases, found.sizes, min_size, max_size)
        self._question_descriptions(names, flow)
        left = [name for name, stays in zip(self.sets, kept.tolist(), strict=True) if stays]
        return Restricted(left, names, found.rows(kept), flow)

    def _question_descriptions(self, universe: pd.Index, flow: Flow) -> None:
        """A line in the ledger if genes of the universe stand where a GMT file has descriptions."""
        words = pd.Index(list(dict.fromkeys(self.descriptions.values())), dtype=object)
        genes = words[universe.get_indexer(words) >= 0]
        if len(genes):
            reason = (
                f"{counted(len(genes), 'gene')} of the universe in the column of descriptions ({listing(genes, 3)}), "
                "and so in no set: does the file lack that column?"
            )
            flow.add("sets: descriptions", len(self), len(self), reason)

    def intersect(
        self,
        universe: Iterable[object],
        *,
        min_size: int = 1,
        max_size: int | None = None,
        aliases: bool = False,
    ) -> GeneSets:
        """Keep the genes within a universe, and the sets that still have an allowed size.

        Parameters
        ----------
        universe, min_size, max_size, aliases
            As in `restrict`. A gene found under another name gets the name it has in the universe.

        Returns
        -------
        GeneSets
            The remaining sets, if any; `flow` counts the genes and sets lost.

        Raises
        ------
        InputError
            As in `restrict`.
        """
        left = self.restrict(universe, min_size=min_size, max_size=max_size, aliases=aliases)
        sets = left.sets()
        words = {name: self.descriptions[name] for name in sets if name in self.descriptions}
        flow = Flow.of(self.flow)
        flow.extend(left.flow)
        return replace(self, sets=sets, descriptions=words, flow=flow.to_frame())

    @cached_property
    def _coded(self) -> tuple[pd.Index, Membership]:
        """All genes once, and the sets as positions among them."""
        indptr = starts(np.array([len(genes) for genes in self.sets.values()], dtype=np.int64))
        flat = np.fromiter(chain.from_iterable(self.sets.values()), dtype=object, count=int(indptr[-1]))
        codes, names = pd.factorize(flat)
        return pd.Index(names, dtype=object, name="gene"), Membership(indptr, codes.astype(np.int64))

    def _renamed(self, places: NDArray, names: pd.Index, former: dict[str, str]) -> NDArray[np.int64]:
        """Positions of all genes in a list, including those found under another name."""
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
        if len(np.unique(there)) < len(there):  # a set may contain two names of one gene
            found = found.entries(~repeated_entries(found))
        return found


def collections_of(sets: GeneSets | Sequence[GeneSets]) -> list[GeneSets]:
    """One or several collections as a list; an error if two have the same name."""
    collections = [sets] if isinstance(sets, GeneSets) else list(sets)
    names = [one.name for one in collections]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated or not names:
        what = f"two collections are called {listing(repeated)}" if names else "no gene sets are given"
        raise InputError(what, fix="give at least one collection, each with a name of its own")
    return collections


def merged(collections: Sequence[GeneSets]) -> GeneSets:
    """Several collections as one.

    Raises
    ------
    InputError
        If two collections have sets of the same name.
    """
    if len(collections) == 1:
        return collections[0]
    names = [name for one in collections for name in one]
    sets = {name: genes for one in collections for name, genes in one.sets.items()}
    if len(sets) < len(names):
        repeated = sorted({name for name in names if names.count(name) > 1})
        verb = "is" if len(repeated) == 1 else "are"
        raise InputError(
            f"{counted(len(repeated), 'set')} {verb} in two collections: {listing(repeated)}",
            where=listing(one.name for one in collections),
            fix="score the collections separately",
        )
    notices = dict.fromkeys(one.notice for one in collections if one.notice)
    return GeneSets("+".join(one.name for one in collections), sets, notice="; ".join(notices))
