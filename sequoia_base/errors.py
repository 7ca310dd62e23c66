"""Errors that say what was wrong, where, and what to do; failures of single items; wording of messages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sequoia_base.results import Result


class SequoiaError(Exception):
    """Base of every error that the packages raise on purpose.

    Parameters
    ----------
    what : str
        What was wrong, in one sentence: "3 of 909 patients have a negative time".
    where : str, optional
        The place: file, column, rows, genes or patients.
    fix : str, optional
        What the user can do about it.
    """

    #: Exit code of the command line when this error ends a command.
    exit_code = 2

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        super().__init__(what, where, fix)
        self.what = what
        self.where = where
        self.fix = fix

    def __str__(self) -> str:
        lines = [self.what]
        if self.where:
            lines.append(f"  where: {self.where}")
        if self.fix:
            lines.append(f"  fix: {self.fix}")
        return "\n".join(lines)

    def __reduce__(self):  # keyword-only arguments must survive the way back from a worker process
        return _rebuild, (type(self), dict(self.__dict__))


class InputError(SequoiaError):
    """A file, an option or a value that cannot be used."""


@dataclass(frozen=True)
class Failure(Result):
    """One item of several that failed while the others went on: a value, until the command line prints it.

    Parameters
    ----------
    item : str
        Its name: a slide, a fold, a cohort.
    file : str
        The file it was read from.
    what, where, fix : str
        As in the error that ended it; see `SequoiaError`.
    """

    item: str
    file: str
    what: str
    where: str = ""
    fix: str = ""

    @classmethod
    def of(cls, item: str, file: object, error: SequoiaError) -> Failure:
        """The failure of an item that an error ended."""
        return cls(item, str(file), error.what, error.where, error.fix)

    @property
    def reason(self) -> str:
        """What was wrong, where (unless that is the file itself), and what to do about it, in one line."""
        where = "" if self.where in ("", self.file) else f": {self.where}"
        return f"{self.what}{where}" + (f"; {self.fix}" if self.fix else "")

    @property
    def line(self) -> str:
        """The reason, after the file that could not be used."""
        return f"{self.file}: {self.reason}" if self.file else self.reason


def none_left(failed: Sequence[Failure], verb: str) -> InputError:
    """The error of a run in which every slide failed.

    Parameters
    ----------
    failed : sequence of Failure
        Why each did.
    verb : str
        What could not be done: "predicted".
    """
    first, n = failed[0], len(failed)
    which = "the slide could not" if n == 1 else f"none of the {n} slides could"
    kinds = len({failure.what for failure in failed})
    also = f" (the first of {kinds} different reasons)" if kinds > 1 else ""
    where = first.where if first.file in first.where else ", ".join(filter(None, [first.file, first.where]))
    return InputError(f"{which} be {verb}: {first.what}{also}", where=where, fix=first.fix)


def _rebuild(cls: type[SequoiaError], state: dict[str, str]) -> SequoiaError:
    error = cls.__new__(cls)
    Exception.__init__(error, state["what"], state["where"], state["fix"])
    error.__dict__.update(state)
    return error


def listing(items: Iterable[object], limit: int = 10) -> str:
    """Join items for a message, cut after `limit` with the number of those left out.

    Examples
    --------
    >>> listing(["P1", "P2", "P3"], limit=2)
    'P1, P2 and 1 more'
    """
    words = [str(item) for item in items]
    shown = ", ".join(words[:limit])
    return shown if len(words) <= limit else f"{shown} and {len(words) - limit} more"


def counted(n: int, noun: str, plural: str = "") -> str:
    """A number and its noun, in the singular for one.

    Examples
    --------
    >>> counted(1, "gene"), counted(20820, "gene"), counted(0, "entry", "entries")
    ('1 gene', '20,820 genes', '0 entries')
    """
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def with_article(noun: str) -> str:
    """A noun with its article.

    Examples
    --------
    >>> with_article("list"), with_article("int")
    ('a list', 'an int')
    """
    return f"{'an' if noun[:1].lower() in tuple('aeiou') else 'a'} {noun}"


def part(n: int, total: int, noun: str, verb: str, plural: str = "") -> str:
    """Some of all, with the verb, which is given in the plural, in the right number.

    Examples
    --------
    >>> part(1, 12, "sample", "are"), part(2, 12, "sample", "are")
    ('1 of 12 samples is', '2 of 12 samples are')
    """
    return f"{n:,} of {counted(total, noun, plural)} {_SINGULAR[verb] if n == 1 else verb}"


_SINGULAR = {"are": "is", "have": "has", "hold": "holds", "were": "was"}
