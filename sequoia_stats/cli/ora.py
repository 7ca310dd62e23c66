"""``sequoia-stats ora``: which gene sets hold more genes of a list than chance would give them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sequoia_base.cli.output import Force, Json, ledger, located, say, show, write_csv

if TYPE_CHECKING:
    import pandas as pd

    from sequoia_stats.sets.collections import GeneSets

SETS_HELP = "hallmark, gobp, kegg, c8 or a GMT file; may repeat."
#: Below this adjusted p-value a set is counted as significant in what is printed.
LEVEL = 0.05
SetsOption = Annotated[list[str], typer.Option("--sets", help=SETS_HELP)]
MinSize = Annotated[int, typer.Option(min=1, help="Smallest number of genes of a set that are tested.")]
MaxSize = Annotated[int, typer.Option(min=1, help="Largest number of genes of a set that are tested.")]
Aliases = Annotated[bool, typer.Option("--aliases", help="Find genes also under former names.")]


def ora(
    lists: Annotated[
        list[Path],
        typer.Argument(
            metavar="GENES...", help="A list each, one gene a line; a CSV: list, gene; what `genes` wrote."
        ),
    ],
    universe: Annotated[
        Path, typer.Option(help="All genes that could have come onto a list, one a line: those tested.")
    ],
    sets: SetsOption,
    output: Annotated[Path, typer.Option("--output", "-o", help="The table to write (.csv).")],
    min_size: MinSize = 5,
    max_size: MaxSize = 5000,
    aliases: Aliases = False,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Test every list against every set: one-sided hypergeometric test, BH per collection and list.

    Names match exactly. Genes of a list outside the universe are dropped and counted; every set of allowed size is
    reported, also where nothing overlaps.
    """
    from sequoia_base.atomic import refuse_existing
    from sequoia_stats.errors import listing
    from sequoia_stats.io import read_gene_list
    from sequoia_stats.io.gene_lists import read_gene_lists
    from sequoia_stats.sets.ora import hypergeometric

    refuse_existing(output, force=force, inputs=[*lists, universe, *sets])
    collections = open_all(sets)
    named, tested = read_gene_lists(lists), read_gene_list(universe)
    with located(f"{listing(lists, 3)}; universe {universe}"):
        table = hypergeometric(
            named, collections, universe=tested, min_size=min_size, max_size=max_size, aliases=aliases
        )
    write_csv(table, output)
    flow = tell(collections, table)
    counts = _counts(table, collections[0].name)
    lines = [
        f"{c['list']}: {c['significant']} of {c['sets']} sets of {c['collection']} have p_bh < {LEVEL} "
        f"({c['genes']} genes in a universe of {len(tested)})"
        for c in counts
    ]
    show(
        "\n".join(lines),
        {"output": str(output), "universe": len(tested), "lists": counts, "flow": flow},
        as_json,
    )
    say(f"written to {output}")


def open_all(words: list[str]) -> list[GeneSets]:
    """The collections of --sets."""
    from sequoia_stats.sets.collections import open_sets

    return [open_sets(word) for word in words]


def tell(collections: list[GeneSets], table: pd.DataFrame, level: str = "") -> list[dict[str, Any]]:
    """Say on stderr what was lost, and the notices that go with the sets; the ledger for JSON."""
    import pandas as pd

    from sequoia_base.results import jsonable
    from sequoia_stats.types.cohort import FLOW_COLUMNS

    steps = [
        (f"{one.name}, {step}", *rest)
        for one in collections
        for step, *rest in one.flow.itertuples(index=False)
    ]
    flow = pd.DataFrame([*steps, *table.attrs["flow"]], columns=FLOW_COLUMNS)
    if level:
        flow["step"] = f"{level}: " + flow["step"]
    for line in [*filter(None, (one.notice for one in collections)), *ledger(flow)]:
        say(line)
    rows: list[dict[str, Any]] = jsonable(flow)
    return rows


def _counts(table: pd.DataFrame, only: str) -> list[dict[str, Any]]:
    """For every list and collection: genes, sets, and sets that are significant."""
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
