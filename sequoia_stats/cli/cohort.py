"""``sequoia-stats cohort``: convert foreign files to a cohort, and describe one."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sequoia_base.cli.output import Force, Json, ledger, say, show

if TYPE_CHECKING:
    from sequoia_stats.types.cohort import Cohort

app = typer.Typer(help="Read foreign files into a cohort, and describe one.", no_args_is_help=True)


class Format(StrEnum):
    """Formats of `convert`."""

    auto = "auto"
    cbioportal = "cbioportal"
    tidy = "tidy"


class TimeUnit(StrEnum):
    """Units of a time column."""

    days = "days"
    months = "months"
    years = "years"


class GenesIn(StrEnum):
    """Where an expression table has its genes."""

    rows = "rows"
    columns = "columns"


@app.command()
def convert(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SRC", help="A cBioPortal study folder, or the expression table of tidy files."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The cohort to write (.h5ad).")],
    format_: Annotated[Format, typer.Option("--format", help="What SRC is.")] = Format.auto,
    endpoint: Annotated[
        str | None,
        typer.Option(help="OS, DFS, PFS, PFI, RFS, DFI, DSS, DRFS or another word; one the study has."),
    ] = None,
    drop_invalid: Annotated[
        bool, typer.Option("--drop-invalid", help="Drop and count patients without a usable time or event.")
    ] = False,
    expression: Annotated[
        str | None, typer.Option(help="Which data_mrna_* file of a study, or the expression table again.")
    ] = None,
    clinical: Annotated[Path | None, typer.Option(help="Clinical table of tidy files.")] = None,
    id_column: Annotated[str | None, typer.Option(help="Column with the patient id, in both tables.")] = None,
    time_column: Annotated[
        str | None, typer.Option(help="Column with the time to event or censoring.")
    ] = None,
    event_column: Annotated[str | None, typer.Option(help="Column with the event.")] = None,
    time_unit: Annotated[TimeUnit | None, typer.Option(help="Unit of the time column.")] = None,
    event_value: Annotated[
        str | None, typer.Option(help="The value that means event, where events are not coded 0 and 1.")
    ] = None,
    genes_in: Annotated[
        GenesIn | None, typer.Option(help="Where the expression table has its genes.  [default: columns]")
    ] = None,
    covariates: Annotated[
        str | None, typer.Option(help="Clinical columns to keep, with commas between; all where not given.")
    ] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Read a study folder or tidy tables, and write a cohort."""
    from sequoia_base.atomic import refuse_existing
    from sequoia_stats.datasets import open_cohort
    from sequoia_stats.errors import InputError
    from sequoia_stats.io import write_cohort

    refuse_existing(output, force=force, inputs=[source, expression, clinical])
    if output.suffix != ".h5ad":
        raise InputError(
            f"a cohort is written as .h5ad, not {output.suffix or 'without an ending'}", where=str(output)
        )
    options: dict[str, Any] = {
        "expression": expression,
        "clinical": clinical,
        "id_column": id_column,
        "time_column": time_column,
        "event_column": event_column,
        "time_unit": time_unit and time_unit.value,
        "event_value": event_value,
        "genes_in": genes_in and genes_in.value,
        "covariates": covariates and [name.strip() for name in covariates.split(",") if name.strip()],
    }
    cohort = open_cohort(
        source, format=format_.value, endpoint=endpoint, drop_invalid=drop_invalid, **options
    )
    text, content = _description(cohort)
    write_cohort(cohort, output)
    show(text, content, as_json)
    say(f"written to {output}")


@app.command()
def describe(
    cohort: Annotated[str, typer.Argument(metavar="C", help="A cohort file or a bundled cohort.")],
    as_json: Json = False,
) -> None:
    """Print patients, events, follow-up, genes, covariates and the ledger of losses."""
    from sequoia_stats.datasets import open_cohort

    text, content = _description(open_cohort(cohort))
    show(text, content, as_json)


def _description(cohort: Cohort) -> tuple[str, dict[str, Any]]:
    """A cohort in words, and as one JSON object."""
    from sequoia_base.results import jsonable
    from sequoia_stats.survival import median_follow_up

    follow_up = median_follow_up(cohort.outcome)
    units = cohort.units.value_counts()
    content = jsonable(
        {
            "name": cohort.name,
            "n": cohort.n,
            "events": cohort.n_events,
            "endpoint": cohort.outcome.endpoint,
            "median_follow_up_months": follow_up,
            "genes": len(cohort.genes),
            "units": units.to_dict(),
            "covariates": cohort.covariates.notna().sum().to_dict(),
            "note": cohort.note,
            "source": cohort.source,
            "licence": cohort.licence,
            "flow": cohort.flow,
        }
    )
    follow = "not reached" if content["median_follow_up_months"] is None else f"{follow_up:.1f} months"
    lines = [
        repr(cohort)[1:-1],
        f"  median follow-up  {follow} (reverse Kaplan-Meier)",
        f"  units             {', '.join(f'{unit} ({n} genes)' for unit, n in units.items())}",
        f"  covariates        {', '.join(f'{k} ({n} known)' for k, n in content['covariates'].items()) or 'none'}",
        f"  source            {cohort.source or 'not stated'}",
        f"  licence           {cohort.licence or 'not stated'}",
    ]
    return "\n".join([*lines, *ledger(cohort.flow)]), content
