"""``sequoia-stats outcome``: the outcome of each patient, for models that learn risk from images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sequoia_base.cli.output import Force, Json, ledger, say, show
from sequoia_stats.cli.format_options import group_with_convert
from sequoia_stats.cli.options import DropInvalidOption, EndpointOption, FormatOption, follow_up_words

app = typer.Typer(
    cls=group_with_convert("sequoia_stats.cli.outcome", "OUTCOME_READERS"),
    help="Convert clinical tables to the outcome of each patient.",
    no_args_is_help=True,
)


def convert(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SRC",
            help="A clinical table, a cBioPortal study folder, a cohort file, or the name of a bundled cohort "
            "(tcga-brca, scan-b, metabric: their patients with expression).",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The outcome to write (.csv).")],
    format_: FormatOption = "auto",
    endpoint: EndpointOption = None,
    drop_invalid: DropInvalidOption = False,
    force: Force = False,
    as_json: Json = False,
    **options: Any,
) -> None:
    """Read a clinical table, and write patient_id, time (months) and event (1 or 0), a row per patient."""
    from sequoia_base.atomic import refuse_existing, refuse_other_ending
    from sequoia_base.errors import counted
    from sequoia_base.flow import Flow
    from sequoia_base.outcomes import write_outcome_table
    from sequoia_base.results import jsonable
    from sequoia_stats.datasets import open_outcomes
    from sequoia_stats.survival import median_follow_up

    refuse_existing(output, force=force, inputs=[source])
    refuse_other_ending(output, ".csv", "an outcome is")
    flow = Flow()
    outcome = open_outcomes(
        source, flow=flow, format=format_, endpoint=endpoint, drop_invalid=drop_invalid, **options
    )
    follow_up = median_follow_up(outcome)
    write_outcome_table(outcome.to_frame(), output)
    content = jsonable(
        {
            "n": outcome.n,
            "events": outcome.n_events,
            "endpoint": outcome.endpoint,
            "median_follow_up_months": follow_up,
            "flow": flow.to_frame(),
        }
    )
    lines = [
        f"{counted(outcome.n, 'patient')}, {counted(outcome.n_events, 'event')} ({outcome.endpoint})",
        f"  median follow-up  {follow_up_words(follow_up)} (reverse Kaplan-Meier)",
        *([] if outcome.n_events else ["  nobody has the event: no model of risk can learn from it"]),
        *ledger(flow.to_frame()),
    ]
    show("\n".join(lines), content, as_json)
    say(f"written to {output}")
