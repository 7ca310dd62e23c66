"""Errors that say what was wrong, where, and what to do about it."""

from __future__ import annotations

from sequoia_base.errors import InputError, SequoiaError, listing

__all__ = ["InputError", "SequoiaError", "listing"]
