"""Options and arguments that several commands share."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sequoia_stats.types.cohort import Cohort

RuleOption = Annotated[str, typer.Option("--rule", help="paper, published-code or strict.")]
MethodOption = Annotated[
    str | None,
    typer.Option("--method", help="steiger, williams, dunn-clark, hotelling or meng.  [default: the rule's]"),
]
UnitsOption = Annotated[
    str | None, typer.Option("--units", help="patients, slides or cluster-bootstrap.  [default: the rule's]")
]

FormatOption = Annotated[str, typer.Option("--format", help="The format of SRC.")]
EndpointOption = Annotated[
    str | None,
    typer.Option(
        "--endpoint",
        help="OS, DFS, PFS, PFI, RFS, DFI, DSS, DRFS or another name; a study folder must contain this endpoint.",
    ),
]
DropInvalidOption = Annotated[
    bool, typer.Option("--drop-invalid", help="Drop and count patients without a usable time or event.")
]


def follow_up_words(months: float) -> str:
    """A median follow-up in words; NaN is one that is not reached."""
    return "not reached" if months != months else f"{months:.1f} months"


CategoricalOption = Annotated[
    list[str] | None,
    typer.Option(
        "--categorical",
        metavar="COLUMN",
        help="Covariates whose numbers are codes of levels, such as grades 0 to 3, separated by commas; can be "
        "repeated.",
    ),
]
MissingOption = Annotated[
    list[str] | None,
    typer.Option(
        "--missing",
        metavar="TEXT",
        help="A text or number that means a missing value of a covariate; can be repeated.",
    ),
]


def column_names(text: str | None, option: str) -> tuple[str, ...]:
    """The names of columns in an option, which are separated by commas; none if it is not given.

    Raises
    ------
    InputError
        If a name is empty.

    Examples
    --------
    >>> column_names("er, pam50", "--within")
    ('er', 'pam50')
    """
    from sequoia_stats.errors import InputError

    if text is None:
        return ()
    names = tuple(name.strip() for name in text.split(","))
    if not all(names):
        raise InputError(f"{option} has an empty name: {text!r}", fix=f"{option} er,pam50")
    return names


def cohort_argument(source: str) -> Cohort:
    """The cohort that a command was given; an error that names options of a reader says which command has them."""
    from sequoia_stats.datasets import open_cohort
    from sequoia_stats.errors import InputError

    try:
        return open_cohort(source)
    except InputError as error:
        if re.search(r"--[a-z]", error.fix):
            error.fix += (
                "; `sequoia-stats cohort convert` has these options, and writes a cohort for this command"
            )
        raise
