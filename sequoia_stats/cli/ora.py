"""``sequoia-stats ora``: which gene sets contain more genes of a list than expected by chance."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sequoia_base.cli.output import Force, Json, ledger, located, say, show, write_csv

if TYPE_CHECKING:
    import pandas as pd

    from sequoia_stats.sets.collections import GeneSets

SETS_HELP = "hallmark, gobp, kegg, c8, neftel, or a GMT file; can be repeated."
#: Sets with an adjusted p-value below this are counted as significant in the printed summary.
LEVEL = 0.05
SetsOption = Annotated[list[str], typer.Option("--sets", help=SETS_HELP)]
MinSize = Annotated[int, typer.Option(min=1, help="Smallest number of tested genes in a set.")]
MaxSize = Annotated[int, typer.Option(min=1, help="Largest number of tested genes in a set.")]
Aliases = Annotated[bool, typer.Option("--aliases", help="Also find genes under former names.")]


def ora(
    lists: Annotated[
        list[Path],
        typer.Argument(
            metavar="GENES...",
            help="Gene lists: text with one gene per line, a CSV with list and gene, output of `genes`, or "
            "a signature (.json).",
        ),
    ],
    sets: SetsOption,
    output: Annotated[Path, typer.Option("--output", "-o", help="Table to write (.csv).")],
    universe: Annotated[
        Path | None,
        typer.Option(
            help="All genes tested, that is, all that could be on a list; one per line.  [default for a signature: "
            "its candidate genes]"
        ),
    ] = None,
    min_size: MinSize = 5,
    max_size: MaxSize = 5000,
    aliases: Aliases = False,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Test every list against every set (one-sided hypergeometric test, BH per collection and list).

    Gene names must match exactly. Genes of a list outside the universe are left out and counted. Every set of allowed
    size is reported, even without any overlap.
    """
    from sequoia_base.atomic import refuse_existing
    from sequoia_stats.errors import counted, listing
    from sequoia_stats.io import read_gene_list
    from sequoia_stats.sets.ora import hypergeometric

    refuse_existing(output, force=force, inputs=[*lists, *filter(None, [universe]), *sets])
    collections = open_all(sets)
    named, candidates = _read_lists(lists)
    tested = _universe(lists, candidates) if universe is None else read_gene_list(universe)
    with located(f"{listing(lists, 3)}; universe {universe or 'of the candidates'}"):
        table = hypergeometric(
            named, collections, universe=tested, min_size=min_size, max_size=max_size, aliases=aliases
        )
    write_csv(table, output)
    flow, n_tested = tell(collections, table), int(table["universe"].iloc[0])
    counts = _counts(table, collections[0].name)
    lines = [
        f"{c['list']}: {c['significant']} of {c['sets']} sets of {c['collection']} have p_bh < {LEVEL} "
        f"({counted(c['genes'], 'gene')} in a universe of {n_tested:,})"
        for c in counts
    ]
    show(
        "\n".join(lines),
        {"output": str(output), "universe": n_tested, "lists": counts, "flow": flow}
        | {"notices": notices(collections)},
        as_json,
    )
    say(f"written to {output}")


def _read_lists(paths: list[Path]) -> tuple[dict[str, list[str]], list[list[str] | None]]:
    """Gene lists by name, and the candidates of those that are signatures; None for other lists."""
    from sequoia_stats.errors import InputError
    from sequoia_stats.io.gene_lists import read_gene_lists
    from sequoia_stats.signature import Signature

    plain = [path for path in paths if path.suffix.lower() != ".json"]
    named = read_gene_lists(plain) if plain else {}
    candidates: list[list[str] | None] = [None for _ in plain]
    for path in paths:
        if path in plain:
            continue
        signature = Signature.load(path)
        if path.stem in named:
            raise InputError(f"two lists are called {path.stem!r}", where=str(path), fix="rename one file")
        if not signature.genes:
            raise InputError("the signature has no gene", where=str(path), fix="leave it out")
        named[path.stem] = list(signature.genes)
        candidates.append(signature.training.get("candidates"))
    return named, candidates


def _universe(lists: list[Path], candidates: list[list[str] | None]) -> list[str]:
    """The candidates that all lists share: they must be signatures of the same candidates."""
    from sequoia_stats.errors import InputError, listing

    first = candidates[0]
    if first is None or any(other is None for other in candidates):
        raise InputError(
            "there is no universe: only signatures that name their candidate genes have one",
            where=listing(lists, 3),
            fix="--universe FILE, with all genes that could have been on the lists, one per line",
        )
    if any(set(other or ()) != set(first) for other in candidates):
        raise InputError(
            "the signatures were chosen from different candidate genes",
            where=listing(lists, 3),
            fix="test them one by one, or give --universe FILE",
        )
    return first


def open_all(words: list[str]) -> list[GeneSets]:
    """The collections given by --sets."""
    from sequoia_stats.sets.collections import open_sets

    return [open_sets(word) for word in words]


def notices(collections: list[GeneSets]) -> list[str]:
    """What must be passed on with the sets."""
    return [one.notice for one in collections if one.notice]


def tell(collections: list[GeneSets], table: pd.DataFrame, level: str = "") -> list[dict[str, Any]]:
    """Print losses and the notices of the sets to stderr; return the ledger for JSON."""
    from sequoia_base.flow import Flow
    from sequoia_base.results import jsonable

    flow, prefix = Flow(), f"{level}: " if level else ""
    for one in collections:
        flow.extend(step._replace(step=f"{prefix}{one.name}, {step.step}") for step in Flow.of(one.flow))
    flow.extend((f"{prefix}{step}", *rest) for step, *rest in table.attrs["flow"])
    frame = flow.to_frame()
    for line in [*notices(collections), *ledger(frame)]:
        say(line)
    rows: list[dict[str, Any]] = jsonable(frame)
    return rows


def _counts(table: pd.DataFrame, only: str) -> list[dict[str, Any]]:
    """Numbers of genes, sets and significant sets for every list and collection."""
    from sequoia_base.results import jsonable

    collection = table.get("collection", only)
    groups = table.assign(collection=collection, significant=table["p_bh"] < LEVEL).groupby(
        ["list", "collection"], sort=False
    )
    counts = groups.agg(
        genes=("list_size", "first"), sets=("set", "size"), significant=("significant", "sum")
    )
    rows: list[dict[str, Any]] = jsonable(counts.reset_index())
    return rows
