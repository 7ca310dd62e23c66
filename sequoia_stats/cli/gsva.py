"""``sequoia-stats gsva``: scores of gene sets in every sample."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sequoia_base.cli.output import Force, Json, ledger, located, progress, say, show

if TYPE_CHECKING:
    import pandas as pd

    from sequoia_stats.sets.gsva import Gsva


def gsva(
    source: Annotated[
        str,
        typer.Argument(
            metavar="X",
            help="A table (csv, tsv, parquet), an .h5ad of a cohort or of predictions, or a bundled cohort.",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The scores to write (.csv).")],
    sets: Annotated[
        list[str] | None, typer.Option(help="hallmark, gobp, kegg, c8 or a GMT file; may repeat.")
    ] = None,
    kcdf: Annotated[
        str | None, typer.Option(help="gaussian, poisson (counts) or none.  [default: gaussian]")
    ] = None,
    kernel: Annotated[
        str | None, typer.Option(help="Of gaussian: table, as in R, or exact.  [default: table]")
    ] = None,
    engine: Annotated[
        str | None, typer.Option(help="native, or for comparison gseapy or r.  [default: native]")
    ] = None,
    tau: Annotated[float | None, typer.Option(help="Exponent of the weights.  [default: 1]")] = None,
    max_diff: Annotated[
        bool | None,
        typer.Option(
            "--max-diff/--no-max-diff",
            help="Highest + lowest point of the walk, or the farther one.  [default: max-diff]",
        ),
    ] = None,
    abs_ranking: Annotated[
        bool | None,
        typer.Option(
            "--abs-ranking/--no-abs-ranking", help="Highest - lowest point.  [default: no-abs-ranking]"
        ),
    ] = None,
    min_size: Annotated[
        int | None,
        typer.Option(min=1, help="Smallest number of genes of a set that are ranked.  [default: 1]"),
    ] = None,
    max_size: Annotated[
        int | None, typer.Option(min=1, help="Largest number of genes of a set that are ranked.")
    ] = None,
    aliases: Annotated[
        bool | None,
        typer.Option(
            "--aliases/--no-aliases", help="Find genes also under former names.  [default: no-aliases]"
        ),
    ] = None,
    save_reference: Annotated[
        Path | None, typer.Option(help="Write these samples as a frozen reference (.h5).")
    ] = None,
    reference: Annotated[
        Path | None, typer.Option(help="Score against a frozen reference, with its sets and settings.")
    ] = None,
    missing_genes: Annotated[
        str | None,
        typer.Option(help="Genes of the reference that are not there: refuse or drop.  [default: refuse]"),
    ] = None,
    genes_in: Annotated[str, typer.Option(help="Where a table has its genes: columns or rows.")] = "columns",
    layer: Annotated[
        str | None, typer.Option(help="Layer of an .h5ad to score, such as measured.  [default: X]")
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads.  [default: one per core]")] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Score gene sets in every sample by GSVA, against the samples themselves or a frozen reference.

    Names of genes match exactly. Scores of two cohorts can be compared if both are scored against one reference.
    """
    from sequoia_base.atomic import new_file, refuse_existing
    from sequoia_stats.datasets import open_expression
    from sequoia_stats.errors import InputError
    from sequoia_stats.sets.gsva.settings import check_word

    chosen = {
        "kcdf": kcdf, "kernel": kernel, "engine": engine, "tau": tau, "max_diff": max_diff,
        "abs_ranking": abs_ranking, "min_size": min_size, "max_size": max_size, "aliases": aliases,
    }  # fmt: skip
    given = {name: value for name, value in chosen.items() if value is not None}
    if missing_genes is not None:
        check_word("missing-genes", missing_genes, ("refuse", "drop"))
        if reference is None:
            raise InputError("--missing-genes is for --reference", fix="leave it out")
    for path in filter(None, (output, save_reference)):
        refuse_existing(path, force=force, inputs=[source, reference, *(sets or [])])
    model = _model(sets, given, reference, save_reference, output)
    model.threads, model.progress = threads, progress("gsva")
    if reference is None:
        model.settings()
    data = open_expression(source, genes_in=genes_in, symbols="as-given", rows="samples", layer=layer)
    with located(source):
        scores = (
            model.transform(data, missing=missing_genes or "refuse")
            if reference
            else model.fit_transform(data)
        )
    with new_file(output) as temporary:  # which does not take its place if the reference cannot be written
        table = scores.reset_index().to_csv(index=False, lineterminator="\n")
        temporary.write_text(table, encoding="utf-8")
        if save_reference is not None:
            model.save(save_reference)
    content = _tell(model, scores) | {"output": str(output)}
    if save_reference is not None:
        content["reference"] = str(save_reference)
    show(f"{len(scores)} samples × {scores.shape[1]} sets, {content['genes']} genes ranked", content, as_json)
    for path in filter(None, (output, save_reference)):
        say(f"written to {path}")


def _model(
    sets: list[str] | None,
    given: dict[str, Any],
    reference: Path | None,
    save_reference: Path | None,
    output: Path,
) -> Gsva:
    """The estimator that the options ask for, or the stored one, if nothing that they say contradicts it."""
    from sequoia_stats.errors import InputError
    from sequoia_stats.sets.gsva import Gsva
    from sequoia_stats.sets.gsva.settings import merged, open_collections

    if save_reference is not None and given.get("engine", "native") != "native":
        raise InputError(f"the engine {given['engine']} has no frozen reference", fix="--engine native")
    if save_reference is not None and save_reference.resolve() == output.resolve():
        raise InputError("scores and reference cannot be one file", where=str(output))
    if reference is None:
        if not sets:
            raise InputError("no sets are named", fix="--sets hallmark|gobp|kegg|c8, or a GMT file")
        return Gsva(merged(open_collections(sets)), **given)
    if save_reference is not None:
        raise InputError("--save-reference and --reference exclude each other", where=str(reference))
    model = Gsva.load(reference)
    other = [f"--{name.replace('_', '-')}" for name, value in given.items() if getattr(model, name) != value]
    other += ["--sets"] if sets and not model.has_sets(sets) else []
    if other:
        raise InputError(
            f"the reference has its own sets and settings, and {', '.join(other)} would change them",
            where=str(reference),
            fix="leave these options out",
        )
    return model


def _tell(model: Gsva, scores: pd.DataFrame) -> dict[str, Any]:
    """Say what was lost, and the notices that go with the sets; the numbers for JSON."""
    import pandas as pd

    from sequoia_base.results import jsonable
    from sequoia_stats.types.cohort import FLOW_COLUMNS

    flow = pd.DataFrame(scores.attrs["flow"], columns=FLOW_COLUMNS)
    sets = model.sets_
    for line in [*filter(None, [sets.notice]), *ledger(flow)]:
        say(line)
    if model.abs_ranking and not model.max_diff:
        say("--abs-ranking has no effect with --no-max-diff")
    settings = {name: getattr(model, name) for name in _REPORTED}
    return {
        "n_samples": len(scores),
        "n_sets": scores.shape[1],
        "genes": scores.attrs["genes"],
        "settings": settings,
        "versions": model.versions_,
        "flow": jsonable(flow),
    }


_REPORTED = (
    "kcdf", "kernel", "engine", "tau", "max_diff", "abs_ranking", "min_size", "max_size", "aliases",
)  # fmt: skip
