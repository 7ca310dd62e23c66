"""Numbers with a decimal comma, as spreadsheets and R's write.csv2 write them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

_COMMA = re.compile(r"^( *[+-]?\d*),(\d+(?:[eE][+-]?\d+)?)(?= *$)", re.MULTILINE)
_POINT = re.compile(r"^ *[+-]?(\d+\.\d*|\.\d+)([eE][+-]?\d+)? *$", re.MULTILINE)
#: A number whose comma may also separate thousands.
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")


def commas_are_decimal(texts: Iterable[str]) -> bool:
    """Whether the commas in numbers are decimal: no fraction has a point, and some comma separates no thousands.

    Parameters
    ----------
    texts : iterable of str
        The numbers, each a text or a line of one; what is not a number says nothing.

    Examples
    --------
    >>> commas_are_decimal(["3,5", "4"]), commas_are_decimal(["3,5", "4.5"]), commas_are_decimal(["1,250", "2,500"])
    (True, False, False)
    """
    found = False
    for text in texts:
        if _POINT.search(text):
            return False
        found = found or any(not _THOUSANDS.fullmatch(number[0].strip()) for number in _COMMA.finditer(text))
    return found


def to_point(text: str) -> str:
    """Write a point for the comma of each number in a text, of which each line may be one.

    Examples
    --------
    >>> to_point("3,5"), to_point("1, 2 or 3,5")
    ('3.5', '1, 2 or 3,5')
    """
    return _COMMA.sub(r"\1.\2", text)


def with_points(column: pd.Series) -> pd.Series:
    """A column of texts with points for decimal commas; the same column if it has none, or they are in doubt."""
    texts = [value for value in column if isinstance(value, str)]
    if not any("," in text for text in texts) or not commas_are_decimal(texts):
        return column
    return column.map(lambda value: to_point(value) if isinstance(value, str) else value)
