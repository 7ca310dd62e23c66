"""``sequoia-stats cohort``: convert other files to a cohort, and describe a cohort."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sequoia_base.cli.output import Force, Json, ledger, say, show
from sequoia_stats.cli.format_options import group_with_convert
from sequoia_stats.cli.options import (
    DropInvalidOption,
    EndpointOption,
    FormatOption,
    cohort_argument,
    follow_up_words,
)

if TYPE_CHECKING:
    from sequoia_stats.types.cohort import Cohort


app = typer.Typer(
    cls=group_with_convert("sequoia_stats.cli.cohort", "READERS"),
    help="Convert other files to a cohort, and describe a cohort.",
    no_args_is_help=True,
)


def convert(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SRC", help="The file or folder to read; for tidy tables, the expression table."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The cohort to write (.h5ad).")],
    format_: FormatOption = "auto",
    endpoint: EndpointOption = None,
    drop_invalid: DropInvalidOption = False,
    force: Force = False,
    as_json: Json = False,
    **options: Any,
) -> None:
    """Read a study folder or tables, and write a cohort."""
    from sequoia_base.atomic import refuse_existing, refuse_other_ending
    from sequoia_stats.datasets import open_cohort
    from sequoia_stats.io import write_cohort

    files = [value for value in options.values() if isinstance(value, str | Path)]
    refuse_existing(output, force=force, inputs=[source, *files])
    refuse_other_ending(output, ".h5ad", "a cohort is")
    cohort = open_cohort(source, format=format_, endpoint=endpoint, drop_invalid=drop_invalid, **options)
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
    text, content = _description(cohort_argument(cohort))
    show(text, content, as_json)


def _description(cohort: Cohort) -> tuple[str, dict[str, Any]]:
    """A cohort in words, and as one JSON object."""
    from sequoia_base.errors import counted
    from sequoia_base.results import jsonable
    from sequoia_stats.survival import median_follow_up
    from sequoia_stats.types.covariate_statements import summarise, summary_lines

    types = summarise(cohort.covariates, cohort.readings)
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
            "covariate_types": types,
            "note": cohort.note,
            "source": cohort.source,
            "licence": cohort.licence,
            "flow": cohort.flow,
        }
    )
    of_units = [f"{unit} ({counted(n, 'gene')})" for unit, n in units.items()]
    lines = [
        repr(cohort)[1:-1],
        f"  median follow-up  {follow_up_words(follow_up)} (reverse Kaplan-Meier)",
        f"  units             {', '.join(of_units)}",
        f"  covariates        {len(types) or 'none'}",
        *(f"    {line}" for line in summary_lines(types)),
        f"  source            {cohort.source or 'not stated'}",
        f"  licence           {cohort.licence or 'not stated'}",
    ]
    return "\n".join([*lines, *ledger(cohort.flow)]), content
