"""Versions, compared."""

from __future__ import annotations

import re


def is_at_least(version: str, oldest: str) -> bool:
    """Compare versions number by number, as R does ("4.1-6" is 4.1.6)."""
    have, want = ([int(part) for part in re.findall(r"\d+", text)] for text in (version, oldest))
    return have + [0] * (len(want) - len(have)) >= want
