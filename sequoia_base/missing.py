"""The words that mean a missing value in files of other people: of cBioPortal, the GDC, TCGA, R, pandas and Excel."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

#: Words that mean a missing value, in lower case and without brackets. NR is none: it may be a non-responder.
MISSING = frozenset([
    "", "na", "n/a", "n.a.", "nan", "-nan", "<na>", "nat", "null", ".", "'--", "--", "missing", "unknown",
    "unavailable", "not available", "not applicable", "not evaluated", "not reported", "not stated", "not recorded",
    "not known", "not allowed to collect", "no data", "unk", "nd", "n/d", "n.d.", "unspecified", "not specified",
    "undetermined", "not determined", "not assessed", "not submitted", "not collected", "not provided",
    "not documented", "no information", "data not available", "data missing", "missing data",
    "#n/a", "#na",
])  # fmt: skip
#: Words that mean a missing value in brackets and among numbers; among words they are a level: chemotherapy "None".
AMBIGUOUS = frozenset(["none", "completed", "pending", "discrepancy"])
#: What stands in place of an identifier that a program did not know. A patient may be called Unknown.
NO_ID = frozenset(["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "<NA>", "#N/A"])
#: What nobody could fill in; what Excel shows where a column is too narrow, and its errors.
_SIGNS = re.compile(r"\?+|#{3,}|#[a-z0/]+[!?]")
#: Dashes, which mean a missing value among numbers, and may mean "negative" or "none found" among words.
DASHES = frozenset("-–—−")
_BRACKETS = re.compile(r"[\[\](){}<>|,;]+")
_GAP = re.compile(r"(?<=\w)[\s_-]+(?=\w)")


def is_missing(text: object, also: Collection[str] = (), *, among_numbers: bool = True) -> bool:
    """Whether a text means that the value is missing.

    Parameters
    ----------
    text : object
        A value of a table, never an identifier. Anything but a text is not missing.
    also : collection of str, optional
        Further texts with this meaning, as ``--missing`` gives them; a number is compared by its value.
    among_numbers : bool, default True
        Whether numbers are expected there, so that "None" and "Pending" are missing as well.

    Returns
    -------
    bool
        Upper and lower case, surrounding blanks, brackets, a point at the end, and _ or - in place of blanks make no
        difference. Several of these words together are missing as well.

    Examples
    --------
    >>> is_missing("[Not Available]"), is_missing("'--"), is_missing("-99", also=["-99.0"])
    (True, True, True)
    >>> is_missing("not-reported."), is_missing("Unknown/Not Reported"), is_missing("unknown primary")
    (True, True, False)
    >>> is_missing("None", among_numbers=False), is_missing("[None]", among_numbers=False)
    (False, True)
    """
    if not isinstance(text, str):
        return False
    word = _plain(text)
    if _means_missing(word, among_numbers or (word[:1] == "[" and word[-1:] == "]")):
        return True
    return any(word == _plain(other) or _same_number(word, other) for other in also)


def is_missing_number(text: str, also: Collection[str] = ()) -> bool:
    """Whether a text stands for a missing number in a matrix, where an error of a spreadsheet, "#REF!", does not."""
    return is_missing(text, also) and not text.strip().endswith(("!", "?"))


def without_missing(
    column: pd.Series, also: Collection[str] = (), *, among_numbers: bool | None = None
) -> tuple[pd.Series, dict[str, int]]:
    """A column with NaN for the texts that mean a missing value, and how often each was found.

    Parameters
    ----------
    column : Series
        Values, not identifiers.
    also : collection of str, optional
        As in `is_missing`; a number counts also where the column holds numbers.
    among_numbers : bool, optional
        As in `is_missing`; by default True if everything else in the column is a number.

    Returns
    -------
    column : Series
        The given one if nothing is missing.
    found : dict of str to int
        Text as written -> how often, the most frequent first.
    """
    import pandas as pd

    kinds = {value: str(value) for value in column.dropna().unique()}
    clear = {value for value, text in kinds.items() if is_missing(text, also, among_numbers=False)}
    if among_numbers is None:
        others = [
            text for value, text in kinds.items() if value not in clear and _plain(text) not in AMBIGUOUS
        ]
        among_numbers = bool(others) and bool(pd.to_numeric(pd.Series(others), errors="coerce").notna().all())
    lost = {value for value, text in kinds.items() if is_missing(text, also, among_numbers=among_numbers)}
    if not lost:
        return column, {}
    gone = column.isin(lost)
    found = column[gone].astype(str).value_counts().to_dict()
    return column.mask(gone), {str(text): int(n) for text, n in found.items()}


def _plain(text: str) -> str:
    """Lower case, words separated by one blank."""
    return " ".join(text.replace("_", " ").split()).lower()


@lru_cache(maxsize=4096)
def _means_missing(word: str, ambiguous: bool) -> bool:
    """Whether a word in plain spelling is, or consists of, words that mean a missing value."""
    known = _KNOWN | AMBIGUOUS if ambiguous else _KNOWN
    if _bare(word) in known or _SIGNS.fullmatch(word):
        return True
    parts = [_bare(part) for part in _BRACKETS.split(word) if part.strip()]
    words = [_bare(one) for part in parts for one in ([part] if part in known else part.split("/"))]
    return all(one and one in known for one in words) if words else word[0] in "[({"


def _bare(word: str) -> str:
    """Without a point at the end, and without what separates words."""
    return _GAP.sub("", word.strip().rstrip("."))


_KNOWN = frozenset(map(_bare, MISSING))


def _same_number(word: str, other: str) -> bool:
    try:
        return float(word) == float(other)
    except ValueError:
        return False
