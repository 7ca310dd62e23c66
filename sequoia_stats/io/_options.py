"""What a format needs to be told: options as data, for the command line and for messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sequoia_base.tables import first_lines
from sequoia_stats.errors import InputError, counted, listing
from sequoia_stats.types.genes import IDENTIFIER_CHOICES

#: What to do if the column of ids is not found.
ID_FIX = "--id-column names the column of ids; not needed where it is the first column and has no title"


@dataclass(frozen=True)
class Option:
    """An option of a format, by the name of the reader's argument.

    Parameters
    ----------
    name : str
        The argument of the reader: ``time_unit``.
    help : str
        What ``--help`` says.
    kind : type, default str
        Type of the value: str, `pathlib.Path`, int or float.
    choices : tuple of str, optional
        The values that are allowed.
    several : bool, default False
        Whether the reader takes a list, whose items the command line separates by commas.
    repeated : bool, default False
        Whether the reader takes a list, for which the command line repeats the option.
    """

    name: str
    help: str
    kind: type = str
    choices: tuple[str, ...] = ()
    several: bool = False
    repeated: bool = False

    @property
    def flag(self) -> str:
        """How the command line writes it: ``--time-unit``."""
        return f"--{self.name.replace('_', '-')}"


#: The option of every format: which names of genes are accepted.
IDENTIFIERS = Option(
    "identifiers",
    "Names of genes: symbols, or as-they-are, which keeps probe ids and other names for work within one platform.  "
    "[default: symbols]",
    choices=IDENTIFIER_CHOICES,
)
#: The option of every format with clinical columns.
COVARIATES = Option(
    "covariates", "Clinical columns to keep, separated by commas.  [default: all]", several=True
)
#: The option of every format whose events may be written in words.
EVENT_VALUE = Option(
    "event_value",
    "A value that means an event, if events are not coded 0 and 1; can be repeated.",
    repeated=True,
)
#: The option of every format whose values may be missing.
MISSING_WORDS = Option(
    "missing",
    "A text that means a missing value, besides NA, Unknown, [Not Available] and the like; can be repeated. "
    "Among times a number such as 9 stays a time.",
    repeated=True,
)
#: The option of every format with covariates.
CATEGORICAL = Option(
    "categorical",
    "Covariates whose numbers are codes of levels, such as grades 0 to 3, separated by commas; can be repeated.",
    repeated=True,
)
_ASKED = {
    "id_column": "the column of patient ids: --id-column (not needed if it is the first and has no title)",
    "time_column": "the column of times: --time-column",
    "event_column": "the column of events: --event-column",
    "time_unit": "the unit of the times: --time-unit days|months|years",
    "endpoint": "what the event is: --endpoint OS|DFS|PFS|PFI|RFS|DFI|DSS|DRFS or another word",
}


def said(files: Sequence[str | Path], also: str = "", **options: str | None) -> list[str]:
    """The options that a table needs; one error names all that are missing, and shows how the tables begin.

    Parameters
    ----------
    files : sequence of path
        The tables.
    also : str, optional
        What else the fix of that error says.
    **options
        The values given; those of the columns come first. An empty title of the column of ids is that of row names.

    Raises
    ------
    InputError
        If an option is missing, or ids, times and events are in the same column.
    """
    if unsaid := [
        option for option, value in options.items() if value is None or (not value and option != "id_column")
    ]:
        flags = listing(Option(option, "").flag for option in unsaid)
        fix = f"give {'; '.join(_ASKED[option] for option in unsaid)}"
        raise InputError(
            f"{counted(len(unsaid), 'option is', 'options are')} missing: {flags}",
            where="".join(f"{path} begins with\n{first_lines(path)}\n    " for path in files).rstrip(),
            fix=fix + also,
        )
    values = [str(value) for value in options.values()]
    if len({*values[:3]}) < 3:
        raise InputError(
            "ids, times and events must be in different columns",
            where=listing(files),
            fix=f"not {listing(values[:3])}",
        )
    return values
