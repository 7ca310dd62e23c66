"""The words that mean a missing value in files of other people: of cBioPortal, the GDC, TCGA, R, pandas and Excel."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

#: Words that mean a missing value, in lower case and without square brackets.
MISSING = frozenset([
    "", "na", "n/a", "n.a.", "nan", "-nan", "<na>", "nat", "null", ".", "'--", "--", "missing", "unknown",
    "unavailable", "not available", "not applicable", "not evaluated", "not reported", "not stated", "not recorded",
    "not known", "not allowed to collect", "no data",
    "#n/a", "#na", "#value!", "#ref!", "#div/0!", "#num!", "#name?", "#null!",
])  # fmt: skip
#: Words that mean a missing value in brackets and among numbers; among words they are a level: chemotherapy "None".
AMBIGUOUS = frozenset(["none", "completed", "pending", "discrepancy"])
#: What stands in place of an identifier that a program did not know. A patient may be called Unknown.
NO_ID = frozenset(["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "<NA>", "#N/A"])


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
        Upper and lower case, surrounding blanks, square brackets, and _ in place of blanks make no difference.

    Examples
    --------
    >>> is_missing("[Not Available]"), is_missing("'--"), is_missing("-99", also=["-99.0"])
    (True, True, True)
    >>> is_missing("None", among_numbers=False), is_missing("[None]", among_numbers=False)
    (False, True)
    """
    if not isinstance(text, str):
        return False
    word = _plain(text)
    bare = word.removeprefix("[").removesuffix("]").strip() if word[:1] == "[" and word[-1:] == "]" else word
    if bare in MISSING or (bare in AMBIGUOUS and (among_numbers or bare != word)):
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


def _same_number(word: str, other: str) -> bool:
    try:
        return float(word) == float(other)
    except ValueError:
        return False
