"""``sequoia-stats expression``: measured expression of other sources, as networks are trained and judged on it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sequoia_base.cli.output import Force, Json, ledger, progress, say, show

if TYPE_CHECKING:
    from sequoia_stats.types.expression import Expression

app = typer.Typer(help="Convert measured expression of other sources.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Convert measured expression of other sources."""


@app.command()
def convert(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SRC",
            help="A folder of STAR counts of the GDC, a matrix of UCSC Xena, or any other matrix.",
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="What to write: .h5ad (with unit and ledger) or .csv.")
    ],
    format_: Annotated[
        str, typer.Option("--format", metavar="auto|gdc|xena|matrix", help="The format of SRC.")
    ] = "auto",
    unit: Annotated[
        str | None,
        typer.Option(
            help="xena, matrix: unit of the values, such as FPKM-UQ, TPM, counts (made CPM) or 'log2(FPKM-UQ+1)'."
        ),
    ] = None,
    column: Annotated[
        str | None, typer.Option(help="gdc: which values.  [default: fpkm_uq_unstranded]")
    ] = None,
    categories: Annotated[
        str | None,
        typer.Option(
            help="gdc: types of genes, separated by commas.  [default: protein_coding,miRNA,lncRNA]"
        ),
    ] = None,
    samples: Annotated[
        Path | None,
        typer.Option(
            help="gdc: the sample sheet, or the metadata of the cart as JSON.  [default: those in SRC or beside it]  "
            "xena, matrix: table whose first column names the samples to take, such as those of one tissue of GTEx.  "
            "[default: all]"
        ),
    ] = None,
    genes_in: Annotated[
        str | None,
        typer.Option(metavar="columns|rows", help="matrix: where its genes are.  [default: columns]"),
    ] = None,
    probe_map: Annotated[
        Path | None,
        typer.Option(
            help="xena, matrix: table with the columns id and gene, if genes are not named by symbols.  "
            "[default of xena: *.probeMap beside SRC]"
        ),
    ] = None,
    identifiers: Annotated[
        str | None,
        typer.Option(
            metavar="symbols|as-they-are",
            help="xena, matrix: whether names of genes must be symbols.  [default: symbols]",
        ),
    ] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Write patients × genes as log2(x + 1), one primary sample per patient, with a ledger of what was left out.

    Abundances become logarithms; what is a logarithm already is kept. Ids of one symbol are added before the
    logarithm.
    """
    from sequoia_base.atomic import refuse_existing, refuse_other_ending
    from sequoia_stats.io import read_measured, write_measured

    refuse_existing(output, force=force, inputs=[source, samples, probe_map])
    if output.suffix != ".csv":
        refuse_other_ending(output, ".h5ad", "measured expression is")
    expression = read_measured(
        source,
        format=format_,
        unit=unit,
        column=column,
        categories=None
        if categories is None
        else [word.strip() for word in categories.split(",") if word.strip()],
        samples=samples,
        genes_in=genes_in,
        probe_map=probe_map,
        identifiers=identifiers,
        progress=progress("reading"),
    )
    text, content = _description(expression)
    write_measured(expression, output)
    show(text, {"output": str(output)} | content, as_json)
    say(f"written to {output}" + (", which holds neither unit nor ledger" if output.suffix == ".csv" else ""))


def _description(expression: Expression) -> tuple[str, dict[str, Any]]:
    """Expression in words, and as one JSON object."""
    from sequoia_base.errors import counted
    from sequoia_base.results import jsonable

    n, genes = expression.values.shape
    units = ", ".join(dict.fromkeys(expression.units))
    content = jsonable(
        {"name": expression.name, "n_patients": n, "n_genes": genes, "units": units, "flow": expression.flow}
    )
    first = f"{expression.name}: {counted(n, 'patient')}, {counted(genes, 'gene')}, {units}"
    return "\n".join([first, *ledger(expression.flow)]), content
