"""What a format needs to be told: options as data, for the command line and for messages."""

from __future__ import annotations

from dataclasses import dataclass

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
