"""Errors that say what was wrong, where, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable


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
