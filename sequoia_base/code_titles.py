"""Titles of columns whose numbers are codes: hospital 118 is no more than hospital 104."""

from __future__ import annotations

import re

#: Words of titles whose numbers are codes.
CODES = frozenset([
    "site", "tss", "hospital", "clinic", "centre", "center", "institute", "institution", "lab", "laboratory", "batch",
    "plate", "scanner", "device", "run", "cohort", "project", "study", "code", "id",
])  # fmt: skip
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")


def says_codes(title: str) -> bool:
    """Whether a word of a title says that its numbers are codes.

    Examples
    --------
    >>> says_codes("site_id"), says_codes("Batch"), says_codes("scanners"), says_codes("age"), says_codes("runtime")
    (True, True, True, False, False)
    """
    return any(word.lower().removesuffix("s") in CODES for word in _WORD.findall(title))
