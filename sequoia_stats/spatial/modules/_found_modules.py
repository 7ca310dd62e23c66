"""The modules of a collection that have enough genes in the maps, and what is lost."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING

from sequoia_base.flow import Flow, Step
from sequoia_stats.errors import InputError, counted, listing
from sequoia_stats.sets.collections import GeneSets

if TYPE_CHECKING:
    from sequoia_base.maps import Map

#: The four states that the publication draws, by the meta-modules that they hold.
PAPER_STATES = {
    "AC": ("AC",),
    "cell cycle": ("G1S", "G2M"),
    "MES": ("MES1", "MES2"),
    "NPC/OPC": ("NPC1", "NPC2", "OPC"),
}
#: Between the modules of a gene, and between missing genes, in tables.
JOINED = ";"


def genes_of_all(maps: Sequence[Map]) -> list[str]:
    """The genes that all maps have, in the order of the first."""
    for each in maps:
        each.refuse_no_genes()
    sets = [set(each.gene_names) for each in maps]
    return [gene for gene in maps[0].gene_names if all(gene in names for names in sets[1:])]


def merged_states(sets: GeneSets) -> GeneSets:
    """The four states of the publication, if these are its meta-modules; otherwise the sets as they are."""
    if set(sets) != set(chain.from_iterable(PAPER_STATES.values())):
        return sets
    merged = {
        state: tuple(dict.fromkeys(chain.from_iterable(sets[name] for name in members)))
        for state, members in PAPER_STATES.items()
    }
    return GeneSets(sets.name, merged, source=sets.source, licence=sets.licence, notice=sets.notice)


def found_modules(
    sets: GeneSets, pool: list[str], min_size: int, aliases: bool
) -> tuple[dict[str, tuple[str, ...]], Flow]:
    """The modules with enough genes in the maps, and the ledger of the others."""
    if joined := [name for name in sets if JOINED in name]:
        raise InputError(
            f"the name of a module has {JOINED!r}, which separates modules in tables: {listing(joined)}",
            where=sets.name,
            fix="give it another name",
        )
    kept = sets.restrict(pool, min_size=min_size, aliases=aliases)
    flow = Flow.of(sets.flow)
    flow.extend(_in_words_of_maps(kept.flow))
    modules = kept.sets()
    if len(modules) < 2:
        counts = dict(zip(sets, sets.membership(pool, aliases=aliases).sizes.tolist(), strict=True))
        words = listing(f"{name} {counts[name]} of {len(sets[name])}" for name in sets)
        n = counted(len(sets), "module")
        few = f"only 1 of {n} has" if modules else f"none of {n} has" if len(sets) > 1 else "the module lacks"
        raise InputError(
            f"{few} {min_size} genes in the maps, which share {counted(len(pool), 'gene')}",
            where=f"{sets.name}: {words}",
            fix=_more_modules(sets, counts, min_size),
        )
    return modules, flow


def _more_modules(sets: GeneSets, counts: dict[str, int], min_size: int) -> str:
    """What gives two or more modules enough genes."""
    ways = {
        "a collection of two or more modules": len(sets) < 2,
        f"--min-size below {min_size} for small modules": any(len(sets[name]) < min_size for name in sets),
        "--aliases for former names, or maps with these genes (map --genes, or --heads)": any(
            counts[name] < len(sets[name]) for name in sets
        ),
    }
    return "; ".join(way for way, helps in ways.items() if helps)


def _in_words_of_maps(flow: Flow) -> list[Step]:
    """The ledger of a collection within a universe, which are the genes of the maps; without steps that lose none."""
    steps = [one for one in flow if not one.reason.startswith("0 not in") or ";" in one.reason]
    universe = "the universe", "the maps"
    return [
        one._replace(step=one.step.replace(*universe), reason=one.reason.replace(*universe)) for one in steps
    ]
