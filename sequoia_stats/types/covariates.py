"""What a covariate is: numeric or categorical, with its levels, and which of its texts count as missing.

A column gets its type once, here. A numeric covariate is float64 with NaN, a categorical one a pandas Categorical of
texts whose first level is the reference. Later code looks at the dtype and never at values.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from numbers import Real
from typing import Any, Literal

import numpy as np
import pandas as pd

from sequoia_base.decimals import with_points
from sequoia_base.missing import DASHES, is_missing
from sequoia_stats.errors import InputError, counted, listing
from sequoia_stats.types.durations import has_own_unit

#: Where texts come from. A text file has no other way to write numbers, and words for what is missing; in memory a
#: text is a text, and "Unknown" is a level; an AnnData holds both kinds.
TextOrigin = Literal["file", "anndata", "memory"]
#: What a missing value becomes when numpy, pandas or R turns it into text. "None" may be a level.
MISSING_VALUES = frozenset(["", "nan", "NaN", "NA", "<NA>", "NaT", "n/a", "N/A"])
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
#: Something that stands for a number, and may need somebody to say which: "<0.5", "12 mm/day", "90+", "1 250", "'5",
#: "28 ± 2", "28 (estimated)". But "8500/3", "5-10" and "3+4" are names.
_NUMBER_LIKE = re.compile(
    r"""[<>≤≥=~≈±'"‘’$€£¥]*\s*[+−–-]?\s?(\d{1,3}(?:[.,\s'’]\d{3})+(?:[.,]\d+)?|\d+(?:[.,]\d*)?|[.,]\d+)"""
    r"""(?:\s*(?:±|\+/-)\s*[\d.,]+)?\s*([%A-Za-zµμ°€(/](?:\D|(?<=[A-Za-z^])[23]){0,30})?"""
    r"""\s*[+*†‡?'"’]*"""
)
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|"
    r"nov(?:ember)?|dec(?:ember)?)\.?"
)
#: Dates and spans of time as texts: "2010-01-05 00:00:00", "2010-01", "1/5/2010", "05/2010", "5 Jan 2010", "Jan-10",
#: "28 days 03:00:00". But "1994-95" is no month, and "Mayo-01" a name.
_DATED = re.compile(
    r"(?:18|19|20)\d\d(?:-(?:0\d|1[0-2])|([-/.])\d\d?\1\d\d?(?:[T ].*)?)|(?:0?\d|1[0-2])/(?:18|19|20)\d\d"
    rf"|\d\d?([-/. ])\s*(?:\d\d?|{_MONTH})\2\s*(?:\d{{4}}|\d\d)(?: .*)?"
    rf"|{_MONTH}[- ](?:\d\d?,? )?(?:\d{{4}}|\d\d)|[+-]?\d+ days?,? [+-]?\d\d?:\d\d.*",
    re.IGNORECASE,
)
_NUMERIC = (Real, Decimal, np.bool_)
#: Codes of one length: "05", "4B", "MP"; they are codes if one begins with a needless zero, unless they are many
#: numbers, which may be measurements.
_CODE = re.compile(r"[0-9A-Za-z]+")
_PADDED = re.compile(r"0[0-9]+")
#: The note of a covariate of dates or spans of time.
NO_UNIT = "dates or spans of time, not numbers"
#: The note of a covariate of an AnnData whose texts are numbers.
FROM_TEXTS = "numbers read from texts; if they are codes, declare the column categorical"
#: The note of a covariate of an AnnData whose texts are many numbers counted from 0 or 1.
AS_CODES = "numbers taken as codes; if they are measurements, hold them as numbers"
#: The note of a covariate of many numbers of one length.
PADDED = "numbers that were filled up with zeros, or codes"
#: Distinct whole numbers, written as texts, that still are codes of levels.
MOST_CODES = 10


@dataclass(frozen=True)
class Reading:
    """What was taken as missing when a covariate got its type.

    Parameters
    ----------
    missing : mapping of str to int
        Texts that mean a missing value, with their number.
    unread : mapping of str to tuple of str
        Texts among numbers whose meaning nobody has said, with the rows or patients that have them. They are missing
        as long as nobody asks for the covariate.
    note : str
        How numbers were written, if unusual.
    """

    missing: Mapping[str, int] = field(default_factory=dict)
    unread: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    note: str = ""

    @property
    def n_unread(self) -> int:
        """Number of values among numbers that are not numbers themselves."""
        return sum(map(len, self.unread.values()))

    def counts(self) -> dict[str, int]:
        """Every text that was taken as missing, with its number."""
        return {**self.missing, **{text: len(rows) for text, rows in self.unread.items()}}

    def sentence(self) -> str:
        """The same in words, empty if nothing was read specially."""
        texts = listing(f"{text!r} ({n})" for text, n in self.counts().items())
        return "; ".join(filter(None, [f"{texts} taken as missing" if texts else "", self.note]))

    def unread_sentence(self) -> str:
        """What a ledger says: texts that were not understood, and how numbers were written."""
        return Reading({}, self.unread, self.note).sentence()

    def within(self, missing: pd.Series) -> Reading:
        """What still holds for these rows: texts whose values are missing in them."""
        absent = set(missing.index[missing].astype(str))
        rest = {text: tuple(row for row in rows if row in absent) for text, rows in self.unread.items()}
        return Reading(self.missing, {text: rows for text, rows in rest.items() if rows}, self.note)


def read_covariate(
    column: pd.Series,
    *,
    categorical: bool = False,
    origin: TextOrigin = "memory",
    missing: Collection[str] = (),
) -> tuple[pd.Series, Reading]:
    """Give a column its type.

    Parameters
    ----------
    column : Series
        Any dtype. Dates and spans of time are unread. A Categorical of anything else is categorical. Numbers and
        booleans are numeric. Texts are numeric if more than half of them, or more than ten distinct ones, are numbers,
        or if more than half look like numbers ("12 mm") and more than ten of these are distinct; so are more than ten
        dates, and more than ten numbers with gaps that zeros fill up to one length, but these are unread. In memory,
        texts that all are whole numbers, of at most ten kinds with three rows each on average, are codes of levels; in
        an AnnData numbers of at most ten kinds, or counted from 0 or 1, are, if some repeats: its file makes a
        Categorical of them.
    categorical : bool, default False
        Declares the column as categorical.
    origin : {"file", "anndata", "memory"}
        Where texts come from.
    missing : collection of str
        Further texts that mean a missing value; see `sequoia_base.missing.is_missing`.

    Returns
    -------
    values : Series
        float64, or a Categorical of texts without unused levels. Levels are in the given order of a Categorical,
        otherwise in numerical or alphabetical order.
    reading : Reading
        What was taken as missing.

    Raises
    ------
    InputError
        If the numbers are complex.
    """
    values, reading = _typed(column.set_axis(pd.RangeIndex(len(column))), categorical, origin, missing)
    rows = {text: tuple(str(column.index[int(row)]) for row in at) for text, at in reading.unread.items()}
    return values.set_axis(column.index), replace(reading, unread=rows)


def read_covariates(
    table: pd.DataFrame, *, categorical: Collection[str] = (), **options: Any
) -> tuple[pd.DataFrame, dict[str, Reading]]:
    """Give every column its type; see `read_covariate`.

    Parameters
    ----------
    table : DataFrame of shape (patients, columns)
        Names of columns are unique.
    categorical : collection of str
        Columns that are declared as categorical.
    **options
        For `read_covariate`.

    Returns
    -------
    DataFrame
        Columns of float64 or Categorical.
    dict
        Readings by column, where there is something to say.
    """
    refuse_repeated_columns(table.columns, "the covariates")
    read = {name: read_covariate(table[name], categorical=name in categorical, **options) for name in table}
    values = pd.DataFrame({name: column for name, (column, _) in read.items()}, index=table.index)
    readings = {str(name): reading for name, (_, reading) in read.items() if reading != Reading()}
    return values, readings


def refuse_repeated_columns(columns: pd.Index, where: str) -> None:
    """Refuse a table in which two columns have the same name.

    Raises
    ------
    InputError
        Naming the columns.
    """
    repeated = columns[columns.duplicated()].unique()
    if len(repeated):
        raise InputError(
            f"{counted(len(repeated), 'column name is', 'column names are')} duplicated: {listing(repeated)}",
            where=where,
            fix="rename or drop one of the columns",
        )


def unread_texts(texts: pd.Series) -> dict[str, tuple[str, ...]]:
    """Each text with the rows that have it, as `Reading` holds them."""
    return {str(text): tuple(rows.index.astype(str)) for text, rows in texts.groupby(texts, sort=False)}


def as_categorical(values: pd.Series, reading: Reading | None = None) -> pd.Series:
    """A numeric covariate as levels; texts among its numbers become levels too."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return values
    texts = values.map(label, na_action="ignore").astype(object)
    for text, rows in (reading.unread if reading else {}).items():
        texts[texts.index.astype(str).isin(rows)] = text
    return _levels(texts)


def _typed(
    column: pd.Series, categorical: bool, origin: TextOrigin, missing: Collection[str]
) -> tuple[pd.Series, Reading]:
    """As `read_covariate`, with positions as labels, since those of patients may repeat."""
    dtype = column.dtype
    if not categorical and (dated := _dates(column)).any():
        odd = column[dated].astype(object).map(label)
        return pd.Series(np.nan, column.index, np.float64, column.name), Reading(
            {}, unread_texts(odd), NO_UNIT
        )
    if isinstance(dtype, pd.CategoricalDtype):
        return _categories(column, origin, missing)
    if pd.api.types.is_bool_dtype(dtype) or pd.api.types.is_numeric_dtype(dtype):
        return (as_categorical(column) if categorical else _floats(column)), Reading()
    known = column.dropna().astype(object)
    if not len(known):
        return pd.Series(np.nan, column.index, np.float64, column.name), Reading()
    if not categorical and known.map(lambda value: isinstance(value, _NUMERIC)).all():
        return _floats(column.astype(object).where(column.notna(), np.nan).astype(np.float64)), Reading()
    return _texts(known.map(label), column.index, categorical, origin, missing)


def _dates(column: pd.Series) -> pd.Series:
    """Which values count if a date or a span of time is among them: all but the missing ones."""
    values = column.cat.categories.to_series() if isinstance(column.dtype, pd.CategoricalDtype) else column
    numeric = pd.api.types.is_bool_dtype(values.dtype) or pd.api.types.is_numeric_dtype(values.dtype)
    if numeric or not values.dropna().astype(object).map(has_own_unit).any():
        return pd.Series(False, column.index)
    return column.notna() & ~column.astype(object).map(is_missing).astype(bool)


def _floats(column: pd.Series) -> pd.Series:
    if column.dtype.kind == "c":
        raise InputError(f"the covariate {column.name} holds complex numbers", fix="give real numbers")
    numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
    return pd.Series(numbers, column.index, name=column.name)


def _categories(column: pd.Series, origin: TextOrigin, missing: Collection[str]) -> tuple[pd.Series, Reading]:
    """A Categorical with texts as levels, in its own order, without words of missing and levels that nobody has."""
    labels = [label(level) for level in column.cat.categories]
    texts = pd.Series(
        np.array([*labels, None], dtype=object)[column.cat.codes], column.index, name=column.name
    )
    absent = texts.isin(_absent(labels, origin, missing))
    there = set(texts[~absent].dropna())
    levels = [label for label in dict.fromkeys(labels) if label in there]
    return _levels(texts.mask(absent), levels), Reading(_count(texts[absent]))


def _texts(
    texts: pd.Series, index: pd.Index, categorical: bool, origin: TextOrigin, missing: Collection[str]
) -> tuple[pd.Series, Reading]:
    """Texts that are known, as numbers or as levels of all rows of `index`."""
    distinct = texts.unique()
    absent = texts.isin(_absent(distinct, origin, missing))
    levels = _levels(texts[~absent].reindex(index)), Reading(_count(texts[absent]))
    absent_number = texts.isin(DASHES | {text for text in distinct if is_missing(text, missing)})
    some = texts[~absent_number]
    numbers, note = _numbers(some)
    is_number, kinds = numbers.notna(), numbers.nunique()
    many = kinds > MOST_CODES or _more_than_half(some, _NUMBER_LIKE)
    padded = _are_codes(some)
    if categorical or (padded and not (is_number.all() and many and not _are_counted(numbers))):
        return levels
    if padded or _more_than_half(some, _DATED):
        unread = Reading(_count(texts[absent]), unread_texts(some), PADDED if padded else NO_UNIT)
        return pd.Series(np.nan, index, np.float64, texts.name), unread
    if not (many or 2 * is_number.sum() > len(some)):
        return levels
    if is_number.all():
        repeated, few = len(distinct) < len(index), kinds <= MOST_CODES
        codes = few and (numbers % 1 == 0).all() and 3 * kinds <= len(some)
        if origin == "anndata" and repeated and (few or _are_counted(numbers)):
            return _levels(some.reindex(index)), Reading(
                _count(texts[absent_number]), note="" if few else AS_CODES
            )
        if origin == "memory" and codes:
            return levels
    odd = some[~is_number]
    if origin == "anndata":
        note = "; ".join(filter(None, [note, FROM_TEXTS]))
    return numbers.reindex(index), Reading(_count(texts[absent_number]), unread_texts(odd), note)


def _more_than_half(texts: pd.Series, pattern: re.Pattern[str]) -> bool:
    """Whether most texts look like this, and are too many to be levels; of numbers, the numbers themselves count."""
    found = [
        (match, n) for text, n in texts.value_counts().items() if (match := pattern.fullmatch(str(text)))
    ]
    values = {match[0] for match, _ in found}
    if pattern is _NUMBER_LIKE:
        values = {match[1] for match, _ in found}
        words = {word.strip().lower() for match, _ in found if (word := match[2])}
        if 2 * len(words) > len(
            values
        ):  # "06 California" is a name, and "28 mm" and "2.8 cm (est)" have units
            return False
    return 2 * sum(n for _, n in found) > len(texts) and len(values) > MOST_CODES


def _are_counted(numbers: pd.Series) -> bool:
    """Whether numbers are 0, 1, 2, ... or 1, 2, 3, ... without a gap, as clusters and centres are called."""
    there = np.unique(numbers)
    return there[0] in (0, 1) and bool((np.diff(there) == 1).all())


def _are_codes(texts: pd.Series) -> bool:
    """Whether texts are codes that were filled up with zeros to one length, as TCGA's sites "05", "4B" and "MP"."""
    return bool(
        texts.map(_PADDED.fullmatch).notna().any()
        and texts.map(_CODE.fullmatch).notna().all()
        and texts.str.len().nunique() == 1
    )


def _numbers(texts: pd.Series) -> tuple[pd.Series, str]:
    """Numbers, NaN for any other text; decimal commas are read if all fractions have one and none is in doubt."""
    read = with_points(texts)
    numbers = read.map(lambda text: float(text) if _NUMBER.fullmatch(text) else np.nan).astype(np.float64)
    return numbers, "" if read is texts else "decimal commas read"


def _levels(texts: pd.Series, levels: list[str] | None = None) -> pd.Series:
    """A Categorical; without given levels they are sorted, numbers first."""
    levels = sorted(texts.dropna().unique(), key=_order) if levels is None else levels
    return pd.Series(pd.Categorical(texts, levels), texts.index, name=texts.name)


def _order(text: str) -> tuple[float, str]:
    return (float(text) if _NUMBER.fullmatch(text) else np.inf, text)


def is_number(text: str) -> bool:
    """Whether a text is a number with a decimal point, also with blanks around it."""
    return bool(_NUMBER.fullmatch(text.strip()))


def label(value: Any) -> str:
    """The label of a level: a text without blanks around it, 1.0 as "1", and True as "True"."""
    if isinstance(value, float | np.floating):
        return str(int(value)) if float(value).is_integer() else repr(float(value))
    return (value.decode(errors="replace") if isinstance(value, bytes) else str(value)).strip()


def _count(texts: pd.Series) -> dict[str, int]:
    return dict(sorted(Counter(texts).items()))


def _absent(levels: Collection[str], origin: TextOrigin, missing: Collection[str]) -> set[str]:
    """The texts among levels that mean a missing value."""
    if origin == "memory":
        return {text for text in levels if text in MISSING_VALUES or text in missing}
    return {text for text in levels if is_missing(text, missing, among_numbers=False)}
