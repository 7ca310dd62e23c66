"""``sequoia-stats cohort``: convert other files to a cohort, and describe a cohort."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import replace
from enum import Enum, StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from sequoia_base.cli.output import Force, Json, ledger, say, show
from sequoia_stats.cli.options import cohort_argument

if TYPE_CHECKING:
    from sequoia_stats.io import Option
    from sequoia_stats.types.cohort import Cohort


class _Commands(TyperGroup):
    """`convert` is built when it is called, because its options come from the formats, which take time to import."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names, in the order of the help."""
        return ["convert", *super().list_commands(ctx)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command with this name."""
        if cmd_name != "convert":
            return super().get_command(ctx, cmd_name)
        made = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
        made.command("convert")(_with_options_of_formats(convert))
        return typer.main.get_command(made)


app = typer.Typer(
    cls=_Commands, help="Convert other files to a cohort, and describe a cohort.", no_args_is_help=True
)


def convert(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SRC", help="The file or folder to read; for tidy tables, the expression table."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The cohort to write (.h5ad).")],
    format_: Annotated[str, typer.Option("--format", help="The format of SRC.")] = "auto",
    endpoint: Annotated[
        str | None,
        typer.Option(
            help="OS, DFS, PFS, PFI, RFS, DFI, DSS, DRFS or another name; a study folder must contain this endpoint."
        ),
    ] = None,
    drop_invalid: Annotated[
        bool, typer.Option("--drop-invalid", help="Drop and count patients without a usable time or event.")
    ] = False,
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


def _with_options_of_formats(command: Callable[..., None]) -> Callable[..., None]:
    """A typer command that takes the options of every format in `READERS` and passes them on by name."""
    from sequoia_stats.io import READERS

    known: dict[str, Option] = {}
    for option in (option for reader in READERS.values() for option in reader.options):
        same = replace(known.setdefault(option.name, option), help=option.help)
        if same != option:
            raise ValueError(
                f"two formats define {option.flag} differently: {known[option.name]} and {option}"
            )
    parameters = dict(inspect.signature(command, eval_str=True).parameters)
    del parameters["options"]
    format_ = parameters["format_"]
    choice = _choice(["auto", *READERS])
    parameters["format_"] = format_.replace(annotation=Annotated[choice, *format_.annotation.__metadata__])
    last = [parameters.pop(name) for name in ("force", "as_json")]
    own = [_parameter(option) for option in known.values()]

    def convert(**values: Any) -> None:
        for name, value in values.items():
            if isinstance(value, Enum):
                values[name] = value.value
            elif name in known and known[name].several and value is not None:
                values[name] = [word.strip() for word in value.split(",") if word.strip()]
            elif name in known and known[name].repeated:
                values[name] = list(value or ()) or None
        command(**values)

    convert.__doc__ = command.__doc__
    convert.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [p.replace(kind=p.KEYWORD_ONLY) for p in (*parameters.values(), *own, *last)]
    )
    return convert


def _parameter(option: Option) -> inspect.Parameter:
    """An option of a format as typer takes it; its help names the formats that have it."""
    from sequoia_stats.io import READERS

    helps: dict[str, list[str]] = {}
    for name, reader in READERS.items():
        for own in reader.options:
            if own.name == option.name:
                helps.setdefault(own.help, []).append(name)
    text = " ".join(f"{', '.join(names)}: {words}" for words, names in helps.items())
    kind: Any = _choice(option.choices) if option.choices else option.kind
    if option.repeated:
        kind = list[kind]
    metavar = "TEXT" if option.repeated else None
    annotation = Annotated[kind | None, typer.Option(option.flag, help=text, metavar=metavar)]
    return inspect.Parameter(option.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _choice(values: Iterable[str]) -> Any:
    """A type that typer restricts to some values."""
    return StrEnum("Choice", {value: value for value in values})


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
    follow = "not reached" if content["median_follow_up_months"] is None else f"{follow_up:.1f} months"
    of_units = [f"{unit} ({counted(n, 'gene')})" for unit, n in units.items()]
    lines = [
        repr(cohort)[1:-1],
        f"  median follow-up  {follow} (reverse Kaplan-Meier)",
        f"  units             {', '.join(of_units)}",
        f"  covariates        {len(types) or 'none'}",
        *(f"    {line}" for line in summary_lines(types)),
        f"  source            {cohort.source or 'not stated'}",
        f"  licence           {cohort.licence or 'not stated'}",
    ]
    return "\n".join([*lines, *ledger(cohort.flow)]), content
