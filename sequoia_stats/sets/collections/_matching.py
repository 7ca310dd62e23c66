"""Genes of sets under the names of a universe, and the ledger of what is not there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from sequoia_stats.errors import listing
from sequoia_stats.types.genes import aliases as known_aliases
from sequoia_stats.types.genes import canonical

Step = tuple[str, int, int, str]


def former_names(absent: Iterable[str], universe: Iterable[str]) -> dict[str, str]:
    """For genes that a universe lacks: the name it has them under, where that is beyond doubt."""
    wanted = list(absent)
    if not wanted:
        return {}
    names = list(universe)
    approved = _approved(names)
    counts = Counter(approved)
    home = {symbol: name for symbol, name in zip(approved, names, strict=True) if counts[symbol] == 1}
    pairs = zip(wanted, _approved(wanted), strict=True)
    return {gene: home[symbol] for gene, symbol in pairs if symbol in home}


def _approved(names: list[str]) -> list[str]:
    """Approved symbols; only names that can have another one are looked at closely."""
    known = known_aliases()
    return [canonical(name) if name in known or "ORF" in name else name for name in names]


def gene_step(n_universe: int, places: NDArray[np.int64], former: dict[str, str], aliases: bool) -> Step:
    """Ledger line of the genes that a universe has."""
    n_found = int((places >= 0).sum())
    reason = f"{len(places) - n_found} are not in the universe of {n_universe}"
    if former:
        examples = listing((f"{gene} → {name}" for gene, name in former.items()), limit=3)
        found = "were found" if aliases else "more would be found"
        reason += f"; {len(former)} {found} under a former name ({examples})"
    return "genes: in the universe", len(places), n_found, reason


def set_steps(sizes: NDArray[np.int64], least: int, most: int | None) -> list[Step]:
    """Ledger lines of the sets that a universe does not leave."""
    n_any, n_small = int((sizes > 0).sum()), int(((sizes > 0) & (sizes < least)).sum())
    n_large = 0 if most is None else int((sizes > most).sum())
    reason = f"{n_small} have fewer than {least} genes in the universe"
    reason += "" if most is None else f", {n_large} more than {most}"
    empty = f"{len(sizes) - n_any} have none"
    steps = [
        ("sets: with a gene in the universe", len(sizes), n_any, empty),
        ("sets: of allowed size", n_any, n_any - n_small - n_large, reason),
    ]
    return [step for step in steps if step[1] != step[2]]
