"""Errors that say what was wrong, where, and what to do about it."""

from __future__ import annotations

from sequoia_base.errors import (
    Failure,
    InputError,
    SequoiaError,
    counted,
    listing,
    none_left,
    part,
    with_article,
)

__all__ = ["Failure", "InputError", "SequoiaError", "counted", "listing", "none_left", "part", "with_article"]
