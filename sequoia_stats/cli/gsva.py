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
            help="A table (csv, tsv, parquet), an .h5ad file with a cohort or predictions, or a bundled cohort.",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Scores to write (.csv).")],
    sets: Annotated[
        list[str] | None,
        typer.Option(help="hallmark, gobp, kegg, c8, neftel, or a GMT file; can be repeated."),
    ] = None,
    kcdf: Annotated[
        str | None, typer.Option(help="gaussian, poisson (counts) or none.  [default: gaussian]")
    ] = None,
    kernel: Annotated[
        str | None, typer.Option(help="Kernel for gaussian: table, as in R, or exact.  [default: table]")
    ] = None,
    engine: Annotated[
        str | None, typer.Option(help="native; gseapy and r are for comparison.  [default: native]")
    ] = None,
    tau: Annotated[float | None, typer.Option(help="Exponent of the rank weights.  [default: 1]")] = None,
    max_diff: Annotated[
        bool | None,
        typer.Option(
            "--max-diff/--no-max-diff",
            help="Score by the highest + lowest point of the walk, or by the point farthest from zero.  "
            "[default: max-diff]",
        ),
    ] = None,
    abs_ranking: Annotated[
        bool | None,
        typer.Option(
            "--abs-ranking/--no-abs-ranking",
            help="Score by the highest - lowest point.  [default: no-abs-ranking]",
        ),
    ] = None,
    min_size: Annotated[
        int | None,
        typer.Option(min=1, help="Smallest number of ranked genes in a set.  [default: 1]"),
    ] = None,
    max_size: Annotated[
        int | None, typer.Option(min=1, help="Largest number of ranked genes in a set.")
    ] = None,
    aliases: Annotated[
        bool | None,
        typer.Option(
            "--aliases/--no-aliases",
            help="Also find genes under former names, those of a frozen reference as well.  [default: no-aliases]",
        ),
    ] = None,
    save_reference: Annotated[
        Path | None, typer.Option(help="Also save these samples as a frozen reference (.h5).")
    ] = None,
    reference: Annotated[
        Path | None, typer.Option(help="Score against a frozen reference, with its sets and options.")
    ] = None,
    missing_genes: Annotated[
        str | None,
        typer.Option(help="If genes of the reference are missing: refuse or drop.  [default: refuse]"),
    ] = None,
    genes_in: Annotated[
        str, typer.Option(help="Whether genes are in the columns or the rows of a table.")
    ] = "columns",
    layer: Annotated[
        str | None, typer.Option(help="Layer of an .h5ad file to score, such as measured.  [default: X]")
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "--threads", min=1, help="Number of threads.  [default: one per core]"),
    ] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Score gene sets in every sample by GSVA, against the samples themselves or a frozen reference.

    Gene names must match exactly. Scores of two cohorts are comparable if both are scored against the same reference.
    """
    from sequoia_base.arguments import check_limits, one_of
    from sequoia_base.atomic import new_file, refuse_existing
    from sequoia_stats.datasets import open_expression
    from sequoia_stats.errors import InputError, counted
    from sequoia_stats.sets.gsva.scorer import MISSING_CHOICES

    chosen = {
        "kcdf": kcdf, "kernel": kernel, "engine": engine, "tau": tau, "max_diff": max_diff,
        "abs_ranking": abs_ranking, "min_size": min_size, "max_size": max_size, "aliases": aliases,
    }  # fmt: skip
    given = {name: value for name, value in chosen.items() if value is not None}
    if missing_genes is not None:
        check_limits({"--missing-genes": missing_genes}, {"--missing-genes": one_of(MISSING_CHOICES)})
        if reference is None:
            raise InputError("--missing-genes can only be used with --reference", fix="leave it out")
    for path in filter(None, (output, save_reference)):
        refuse_existing(path, force=force, inputs=[source, reference, *(sets or [])])
    model = _model(sets, given, reference, save_reference, output)
    model.jobs = jobs
    if reference is None:
        model.settings()
    data = open_expression(source, genes_in=genes_in, symbols="as-given", rows="samples", layer=layer)
    with located(source):
        if reference:
            scores = model.transform(
                data, missing=missing_genes or "refuse", aliases=aliases, progress=progress("gsva")
            )
        else:
            scores = model.fit_transform(data, progress=progress("gsva"))
    with new_file(output) as temporary:  # it is discarded if the reference cannot be written
        table = scores.reset_index().to_csv(index=False, lineterminator="\n")
        temporary.write_text(table, encoding="utf-8")
        if save_reference is not None:
            model.save(save_reference)
    content = _tell(model, scores) | {"output": str(output)}
    if save_reference is not None:
        content["reference"] = str(save_reference)
    show(
        f"{counted(len(scores), 'sample')} × {counted(scores.shape[1], 'set')}, "
        f"{counted(content['genes'], 'gene')} ranked",
        content,
        as_json,
    )
    for path in filter(None, (output, save_reference)):
        say(f"written to {path}")


def _model(
    sets: list[str] | None,
    given: dict[str, Any],
    reference: Path | None,
    save_reference: Path | None,
    output: Path,
) -> Gsva:
    """A new `Gsva` with the given options, or the saved one if no option contradicts it."""
    from sequoia_stats.errors import InputError
    from sequoia_stats.sets.collections.bundled import open_collections
    from sequoia_stats.sets.collections.collection import merged
    from sequoia_stats.sets.gsva import Gsva

    if save_reference is not None and given.get("engine", "native") != "native":
        raise InputError(f"the engine {given['engine']} has no frozen reference", fix="--engine native")
    if save_reference is not None and save_reference.resolve() == output.resolve():
        raise InputError("scores and reference cannot be the same file", where=str(output))
    if reference is None:
        if not sets:
            raise InputError(
                "no gene sets are given", fix="--sets hallmark|gobp|kegg|c8|neftel, or a GMT file"
            )
        return Gsva(merged(open_collections(sets)), **given)
    if save_reference is not None:
        raise InputError("--save-reference and --reference cannot be combined", where=str(reference))
    model = Gsva.load(reference)
    other = [
        f"--{name.replace('_', '-')}"
        for name, value in given.items()
        if getattr(model, name) != value and name != "aliases"  # which new samples may be told anew
    ]
    other += ["--sets"] if sets and not model.has_sets(sets) else []
    if other:
        raise InputError(
            f"{', '.join(other)} would change the sets or options of the reference",
            where=str(reference),
            fix="leave these options out",
        )
    return model


def _tell(model: Gsva, scores: pd.DataFrame) -> dict[str, Any]:
    """Print losses and the notices of the sets to stderr; return the numbers for JSON."""
    from sequoia_base.flow import Flow
    from sequoia_base.results import jsonable

    flow = Flow(scores.attrs["flow"]).to_frame()
    sets = model.sets_
    notes = [sets.notice] if sets.notice else []
    if model.abs_ranking and not model.max_diff:
        notes.append("--abs-ranking has no effect with --no-max-diff")
    for line in [*notes, *ledger(flow)]:
        say(line)
    settings = {name: getattr(model, name) for name in _REPORTED}
    return {
        "n_samples": len(scores),
        "n_sets": scores.shape[1],
        "genes": scores.attrs["genes"],
        "settings": settings,
        "versions": model.versions_,
        "flow": jsonable(flow),
        "notices": notes,
    }


_REPORTED = (
    "kcdf", "kernel", "engine", "tau", "max_diff", "abs_ranking", "min_size", "max_size", "aliases",
)  # fmt: skip
