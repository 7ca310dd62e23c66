"""Covariates: pam50, er, pr, her2 and age under these names, others under their own."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from sequoia_base.flow import Flow
from sequoia_base.tables import distinct
from sequoia_stats.errors import InputError, counted, listing

#: Spellings of each canonical covariate, the best first; compared in lower case, with words separated by one blank.
SPELLINGS = {
    "pam50": ("pam50", "pam50 subtype", "pam50 claudin low subtype", "claudin subtype", "subtype"),
    "er": ("er", "er status", "er status by ihc", "er ihc", "er status measured by ihc")
    + ("estrogen receptor status", "breast carcinoma estrogen receptor status"),
    "pr": ("pr", "pr status", "pgr", "pgr status", "pr status by ihc", "pr ihc")
    + ("progesterone receptor status", "breast carcinoma progesterone receptor status"),
    "her2": ("her2", "her2 status", "her2 status by ihc", "ihc her2", "her2 ihc")
    + ("lab proc her2 neu immunohistochemistry receptor status",),
    "age": ("age", "age at diagnosis", "diagnosis age", "age at initial pathologic diagnosis", "age at dx"),
}
_POSITIVE = frozenset(["positive", "positve", "pos", "+", "1", "1.0", "true", "yes"])
_NEGATIVE = frozenset(["negative", "neg", "-", "0", "0.0", "false", "no"])
_ABSENT = frozenset(["unknown", "not available", "not evaluated", "not performed"])
_UNDECIDED = frozenset(["indeterminate", "equivocal", "borderline"])
_PAM50 = {
    "luma": "LumA", "luminal a": "LumA", "lumb": "LumB", "luminal b": "LumB", "her2": "Her2", "her2 enriched": "Her2",
    "basal": "Basal", "basal like": "Basal", "normal": "Normal", "normal like": "Normal", "claudin low": "claudin-low",
}  # fmt: skip
_OLDEST = 130


def canonical_names(columns: Sequence[str]) -> dict[str, str]:
    """Which column holds which canonical covariate: column -> canonical name, the best spelling of each.

    Examples
    --------
    >>> canonical_names(["ER status measured by IHC", "ER Status", "Tumor Stage"])
    {'ER Status': 'er'}
    """
    plain = {column: _words(column) for column in columns}
    found = {}
    for name, spellings in SPELLINGS.items():
        ranked = [(spellings.index(words), i) for i, words in enumerate(plain.values()) if words in spellings]
        if ranked:
            found[list(plain)[min(ranked)[1]]] = name
    return found


def parse_covariates(table: pd.DataFrame, where: str, flow: Flow) -> pd.DataFrame:
    """Recognise, rename and decode the covariates of a clinical table.

    Parameters
    ----------
    table : DataFrame of shape (patients, columns)
        Texts or numbers, NaN where missing; the index is named in errors.
    where : str
        File, for errors.
    flow : Flow
        Ledger; a line is added if values were set to missing, or a column is not what its name says.

    Returns
    -------
    DataFrame
        ``pam50, er, pr, her2, age`` first, if they were found: receptors 1 positive, 0 negative, age in
        years. Other columns follow under their own names, as numbers if all their values are.

    Raises
    ------
    InputError
        If a receptor has a value that is neither positive, negative nor missing, or an age is not a number.
    """
    table = table.set_axis(
        distinct([str(name).replace("/", " ") for name in table]), axis=1
    )  # "/" ends names in HDF5
    found = {name: column for column, name in canonical_names(list(table.columns)).items()}
    parsed: dict[str, pd.Series] = {}
    for name in [name for name in SPELLINGS if name in found]:
        column = table[found[name]]
        values = _DECODERS.get(name, _receptor)(column, where, flow)
        if values is not None:
            parsed[name] = values
            table = table.drop(columns=column.name)
    others = table.drop(columns=[column for column in table if column in parsed])
    return pd.DataFrame(parsed, index=table.index).join(others.apply(as_numbers))


def as_numbers(column: pd.Series) -> pd.Series:
    """float64 if every value that is not missing is a number, else as given."""
    numbers = pd.to_numeric(column, errors="coerce")
    return numbers.astype(np.float64) if numbers.notna().equals(column.notna()) else column


def _receptor(column: pd.Series, where: str, flow: Flow) -> pd.Series:
    words = column.map(lambda value: str(value).strip().lower(), na_action="ignore")
    words = words.where(~words.isin(_ABSENT), np.nan)
    known = words.isna() | words.isin(_POSITIVE | _NEGATIVE | _UNDECIDED)
    if not known.all():
        rows = f"{column.index.name or 'patient'}s {listing(column.index[~known])}"
        raise InputError(
            f"{counted((~known).sum(), 'value is', 'values are')} neither positive nor negative: "
            f"{listing(column[~known].unique())}",
            where=f"{where}, column {column.name!r}, {rows}",
            fix="write Positive, Negative, or NA",
        )
    undecided = words.isin(_UNDECIDED)
    if undecided.any():
        seen = " and ".join(sorted(column[undecided].unique()))
        n = int(words.notna().sum())
        flow.add(f"covariate: {column.name}", n, n - int(undecided.sum()), f"{seen} taken as missing")
    values = pd.Series(np.nan, index=column.index)
    values[words.isin(_POSITIVE)], values[words.isin(_NEGATIVE)] = 1.0, 0.0
    return values


def _subtype(column: pd.Series, where: str, flow: Flow) -> pd.Series | None:
    """PAM50 calls; NC (not classified) is missing. A column "subtype" with other values is something else."""
    texts = column.map(lambda value: str(value).strip().removeprefix("BRCA_"), na_action="ignore")
    calls = texts.map(lambda value: _PAM50.get(value.lower().replace("-", " "), value), na_action="ignore")
    calls = calls.where(calls != "NC", np.nan)
    if _words(column.name) == "subtype" and not calls.dropna().isin(_PAM50.values()).all():
        return None
    return calls


def _age(column: pd.Series, where: str, flow: Flow) -> pd.Series | None:
    """Ages in years; a column that cannot be in years keeps its name."""
    numbers = pd.to_numeric(column, errors="coerce").astype(np.float64)
    odd = numbers.isna() & column.notna()
    if odd.any():
        rows = f"{column.index.name or 'patient'}s {listing(column.index[odd])}"
        raise InputError(
            f"{counted(odd.sum(), 'age is', 'ages are')} not numeric: {listing(column[odd].unique())}",
            where=f"{where}, column {column.name!r}, {rows}",
        )
    if numbers.max() > _OLDEST:
        n = len(column)
        flow.add(f"covariate: {column.name}", n, n, f"not taken as age in years: maximum {numbers.max():g}")
        return None
    return numbers


_DECODERS = {"pam50": _subtype, "age": _age}


def _words(name: object) -> str:
    """Lower case, camel case and punctuation turned into single blanks."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", str(name))
    return " ".join(re.findall(r"[a-z0-9]+", spaced.lower()))
