"""What can be chosen about GSVA, and what cannot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sequoia_stats.errors import InputError, listing
from sequoia_stats.sets.collections import GeneSets, open_sets
from sequoia_stats.sets.collections.collection import collections_of

KCDFS = ("gaussian", "poisson", "none")
KERNELS = ("table", "exact")
ENGINES = ("native", "gseapy", "r")

#: What stands for gene sets: the name of a bundled collection, a GMT file, sets, or several of these.
SetSource = str | Path | GeneSets | Mapping[str, Iterable[str]]


@dataclass(frozen=True)
class Settings:
    """The choices that a score depends on.

    Parameters
    ----------
    kcdf : {"gaussian", "poisson", "none"}
    kernel : {"table", "exact"}
    tau : float
    max_diff, abs_ranking : bool
    min_size : int
    max_size : int or None
    aliases : bool

    Raises
    ------
    InputError
        If a word is unknown or a number out of its range.
    """

    kcdf: str
    kernel: str
    tau: float
    max_diff: bool
    abs_ranking: bool
    min_size: int
    max_size: int | None
    aliases: bool

    def __post_init__(self) -> None:
        check_word("kcdf", self.kcdf, KCDFS)
        check_word("kernel", self.kernel, KERNELS)
        if not (np.isfinite(self.tau) and self.tau >= 0):
            raise InputError(f"tau is {self.tau}", fix="--tau 0 or more; 1 is usual")
        if self.min_size < 1 or (self.max_size is not None and self.max_size < self.min_size):
            what = f"no set has {self.min_size} to {self.max_size} genes"
            raise InputError(what, fix="1 <= --min-size <= --max-size")

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def check_word(option: str, word: str, choices: Sequence[str]) -> None:
    """Refuse a word that is not among the choices, and list them."""
    if word not in choices:
        raise InputError(f"there is no {option} {word!r}", fix=f"--{option} {'|'.join(choices)}")


def open_collections(source: SetSource | Sequence[SetSource]) -> list[GeneSets]:
    """Gene sets in any form as a list of collections.

    Raises
    ------
    InputError
        If there is none, two have one name, or one cannot be read.
    """
    if isinstance(source, str | Path | GeneSets | Mapping):
        return collections_of([_open(source)])
    return collections_of([_open(each) for each in source])


def merged(collections: Sequence[GeneSets]) -> GeneSets:
    """Several collections as one; a name of a set stands once.

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
        raise InputError(
            f"{len(repeated)} sets are in two collections: {listing(repeated)}",
            where=listing(one.name for one in collections),
            fix="score the collections apart",
        )
    notices = dict.fromkeys(one.notice for one in collections if one.notice)
    return GeneSets("+".join(one.name for one in collections), sets, notice="; ".join(notices))


def _open(source: SetSource) -> GeneSets:
    if isinstance(source, Mapping):
        return GeneSets("sets", {name: tuple(genes) for name, genes in source.items()})
    return open_sets(source)
