"""Errors that say what was wrong, where, and what to do about it; errors of R are defined here."""

from __future__ import annotations

from sequoia_base.errors import Failure, InputError, SequoiaError, counted, listing, part

__all__ = [
    "Failure",
    "InputError",
    "REvaluationError",
    "RUnavailableError",
    "SequoiaError",
    "counted",
    "listing",
    "part",
]


class RUnavailableError(SequoiaError):
    """R, the bridge to it, or one of its packages is missing or too old."""

    exit_code = 1


class REvaluationError(SequoiaError):
    """R itself stopped with an error.

    Parameters
    ----------
    message : str
        R's own message.
    call : str
        The R call that failed, as R deparses it; empty if R does not say.
    """

    exit_code = 1

    def __init__(self, message: str, call: str = "") -> None:
        super().__init__(f"R stopped: {message}", where=f"in {call}" if call else "")
        self.message = message
        self.call = call
