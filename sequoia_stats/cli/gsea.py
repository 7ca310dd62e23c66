"""``sequoia-stats gsea``: which gene sets accumulate at one end of a ranked gene list."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sequoia_base.cli.output import Force, Json, ledger, located, say, show, write_csv
from sequoia_stats.cli.ora import LEVEL, Aliases, MaxSize, MinSize, SetsOption, notices, open_all, tell

#: Above this number of genes in sets × permutations, the user is told to wait.
MANY = 1_000_000


def gsea(
    genes: Annotated[
        Path,
        typer.Argument(
            metavar="GENES",
            help="Output of `genes`, a table of DESeq2 or limma, a table with a gene column and a score, or .rnk.",
        ),
    ],
    sets: SetsOption,
    output: Annotated[Path, typer.Option("--output", "-o", help="Table to write (.csv).")],
    rank: Annotated[
        str | None,
        typer.Option(help="Column with the scores.  [default: r; stat of DESeq2; t of limma]"),
    ] = None,
    by: Annotated[
        str | None, typer.Option(help="Column, such as the cancer type, whose levels are ranked separately.")
    ] = None,
    drop_missing: Annotated[
        bool,
        typer.Option(
            "--drop-missing", help="Leave out genes without a score, such as DESeq2's NA, and count them."
        ),
    ] = False,
    permutations: Annotated[int, typer.Option(min=1, help="Number of random gene sets of each size.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Random seed, 0 or more.")] = 0,
    min_size: MinSize = 5,
    max_size: MaxSize = 5000,
    aliases: Aliases = False,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "--threads", min=1, help="Number of threads.  [default: one per core]"),
    ] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Rank genes by a score and find the sets that accumulate at one end (preranked GSEA, computed by gseapy).

    The time grows with sets × permutations: about ten minutes for gobp with 1000 permutations.
    """
    import pandas as pd

    from sequoia_base.arguments import count_jobs
    from sequoia_base.atomic import refuse_existing
    from sequoia_base.results import jsonable
    from sequoia_stats.io import read_gene_scores
    from sequoia_stats.sets.gsea import preranked

    refuse_existing(output, force=force, inputs=[genes, *sets])
    collections = open_all(sets)
    found = read_gene_scores(genes, rank, by=by, drop_missing=drop_missing)
    scores = found.levels
    if (n := sum(map(len, collections)) * len(scores)) * permutations > MANY:
        say(f"{n:,} sets × {permutations:,} permutations: this takes minutes")
    if rank is None and found.column != "r":
        say(f"genes are ranked by {found.column}")
    left_out = found.flow.to_frame()
    for line in ledger(left_out):
        say(line)
    tables, flow = [], jsonable(left_out)
    for level, ranks in scores.items():
        with located(f"{genes}, {by} {level}" if by else genes):
            table = preranked(
                ranks, collections, permutations=permutations, seed=seed, min_size=min_size, max_size=max_size,
                aliases=aliases, jobs=count_jobs(jobs),
            )  # fmt: skip
        flow += tell(collections, table, level)
        if by:
            table.insert(0, by, level, allow_duplicates=True)
        tables.append(table)
    whole = pd.concat(tables, ignore_index=True)
    write_csv(whole, output)
    content: dict[str, Any] = {
        "output": str(output),
        "rank": found.column,
        "genes": {level: len(ranks) for level, ranks in scores.items()} if by else len(scores[""]),
        "sets": len(whole),
        "significant": int((whole["p_bh"] < LEVEL).sum()),
        "flow": flow,
        "notices": notices(collections),
    }
    show(f"{content['significant']} of {len(whole)} sets have p_bh < {LEVEL}", content, as_json)
    say(f"written to {output}")
