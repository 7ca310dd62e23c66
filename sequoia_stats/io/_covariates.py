"""Covariates: pam50, er, pr, her2 and age under these names, others under their own."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from sequoia_base.decimals import with_points
from sequoia_base.flow import Flow
from sequoia_base.missing import DASHES, without_missing
from sequoia_base.tables import distinct
from sequoia_stats.errors import InputError, listing
from sequoia_stats.types.covariate_statements import chosen, note_readings, refuse_unread, split_names
from sequoia_stats.types.covariates import Reading, TextOrigin, read_covariate, read_covariates, unread_texts

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
_RECEPTORS = ("er", "pr", "her2")
_NOT_DONE = frozenset(["not performed", "not done"])
_UNDECIDED = frozenset(["indeterminate", "equivocal", "borderline"])
_PAM50 = {
    "luma": "LumA", "luminal a": "LumA", "lumb": "LumB", "luminal b": "LumB", "her2": "Her2", "her2 enriched": "Her2",
    "basal": "Basal", "basal like": "Basal", "normal": "Normal", "normal like": "Normal", "claudin low": "claudin-low",
}  # fmt: skip
_UNCLASSIFIED = frozenset(["nc", "not classified", "unclassified"])
_OLDEST = 130
_UNREAD = "{options} leaves these patients out"
_FEW = "--categorical {name} makes a level of each value"


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


def known_values(column: pd.Series) -> pd.Series:
    """A clinical column with NaN for what `parse_covariates` takes as missing; other values stay as written.

    Parameters
    ----------
    column : Series
        Values of any type; its name tells whether it is a receptor or a subtype.

    Returns
    -------
    Series
        Without "Unknown", "[Not Available]" and the like; of a receptor also without "Equivocal", "Indeterminate",
        "Not Performed" and whatever else is neither positive nor negative; of PAM50 without "NC".

    Examples
    --------
    >>> known_values(pd.Series(["Positive", "Equivocal", "Unknown"], name="er")).tolist()
    ['Positive', nan, nan]
    """
    values, _ = without_missing(column.astype(object))
    name = canonical_names([str(column.name)]).get(str(column.name))
    words = values.map(lambda value: str(value).strip().lower(), na_action="ignore")
    gone = values.isna()
    if name == "pam50":
        gone |= words.isin(_UNCLASSIFIED | {f"brca_{word}" for word in _UNCLASSIFIED})
    elif name in _RECEPTORS:
        not_done = _not_done(words)
        odd, is_receptor = _odd_words(words.mask(not_done))
        gone |= words.isin(_UNDECIDED) | not_done | (odd & is_receptor)
    return column.mask(gone)


def parse_covariates(
    table: pd.DataFrame,
    flow: Flow,
    *,
    categorical: Collection[str] = (),
    origin: TextOrigin = "file",
    missing: Collection[str] = (),
) -> tuple[pd.DataFrame, dict[str, Reading]]:
    """Recognise, rename and decode the covariates of a clinical table, and give each its type.

    A covariate that nobody asks for refuses nothing: what cannot be read is missing, counted, and named by the error
    once somebody asks for it.

    Parameters
    ----------
    table : DataFrame of shape (patients, columns)
        Texts or numbers, as they are written; index = patient.
    flow : Flow
        Ledger; a line is added if values were set to missing, or a column is not what its name says.
    categorical : collection of str
        Columns whose numbers are codes of levels, by their own or their canonical names.
    origin : {"file", "anndata"}
        Where texts come from; see `read_covariate`.
    missing : collection of str
        Texts that mean a missing value, besides those of `sequoia_base.missing.is_missing`.

    Returns
    -------
    covariates : DataFrame
        ``pam50, er, pr, her2, age`` first, if they were found: receptors 1 positive, 0 negative, age in years. Other
        columns follow under their own names. Each is float64 or Categorical.
    readings : dict of str to Reading
        What was taken as missing, by covariate.

    Raises
    ------
    InputError
        If a categorical column is not there.
    """
    names = distinct([str(name).replace("/", " ") for name in table])  # "/" ends names in HDF5
    given = dict(zip(map(str, table), names, strict=True))
    table = table.set_axis(names, axis=1)
    found = {name: column for column, name in canonical_names(names).items()}
    levels = chosen(categorical, found | given)
    parsed: dict[str, pd.Series] = {}
    readings: dict[str, Reading] = {}
    for name in [name for name in SPELLINGS if name in found and found[name] not in levels]:
        column = table[found[name]]
        words, counts = without_missing(column, missing)
        decoded = _DECODERS.get(name, _receptor)(words, flow)
        if decoded is not None:
            parsed[name], reading = decoded
            readings[name] = replace(reading, missing={**counts, **reading.missing})
            table = table.drop(columns=column.name)
    if taken := [column for column in table if column in parsed]:  # another column has this name, less well
        table = table.rename(
            columns=dict(zip(taken, distinct([*parsed, *taken])[len(parsed) :], strict=True))
        )
    others, more = read_covariates(table, categorical=levels, origin=origin, missing=missing)
    covariates = pd.DataFrame(parsed, index=table.index).join(others)
    readings = {name: reading for name, reading in (readings | more).items() if reading != Reading()}
    note_readings(flow, covariates, readings, found)
    return covariates, readings


def wanted_covariates(
    names: Iterable[str],
    covariates: pd.DataFrame,
    readings: Mapping[str, Reading],
    where: str,
    option: str,
) -> tuple[str, ...]:
    """The covariates that somebody asks for: as given, or the canonical one of that spelling ("ER Status" is er).

    Parameters
    ----------
    names : iterable of str
        Names, or several of them separated by commas.
    covariates : DataFrame of shape (patients, columns)
        The typed covariates.
    readings : mapping of str to Reading
        By covariate.
    where : str
        The file or cohort, for the error.
    option : str
        How they were asked for, for the error: "adjust (--adjust)".

    Raises
    ------
    InputError
        If one is absent, or has values that cannot be read.
    """
    known = covariates.columns
    wanted = split_names(names, known)
    found = [name if name in known else canonical_names([name]).get(name, name) for name in wanted]
    if absent := [name for name in dict.fromkeys(found) if name not in known]:
        raise InputError(
            f"{where} has no covariate {listing(absent)}",
            fix=f"use {listing(known, 40)}" if len(known) else f"leave {option} out",
        )
    refuse_unread(covariates[found], readings, where, _UNREAD, _FEW)
    return tuple(dict.fromkeys(found))


def _receptor(column: pd.Series, flow: Flow) -> tuple[pd.Series, Reading] | None:
    """1 positive, 0 negative; a column of scores, in which 1 and 2+ are degrees of staining, is something else."""
    words = with_points(column).map(lambda value: str(value).strip().lower(), na_action="ignore")
    not_done = _not_done(words)
    done = words.mask(not_done)
    odd, is_receptor = _odd_words(done)
    if not is_receptor:
        n = int(done.notna().sum())
        reason = f"not taken as positive or negative: {listing(map(repr, column[odd].unique()), 5)}"
        flow.add(f"covariate: {column.name}", n, n, reason)
        return None
    undecided = done.isin(_UNDECIDED)
    if undecided.any():
        seen = " and ".join(sorted(column[undecided].unique()))
        n = int(done.notna().sum())
        flow.add(f"covariate: {column.name}", n, n - int(undecided.sum()), f"{seen} taken as missing")
    values = pd.Series(np.nan, index=column.index)
    values[done.isin(_POSITIVE)], values[done.isin(_NEGATIVE)] = 1.0, 0.0
    gone = column[undecided | not_done].astype(str).value_counts()
    return values, Reading(
        {str(text): int(n) for text, n in gone.items()}, unread_texts(column[odd].astype(str))
    )


def _odd_words(words: pd.Series) -> tuple[pd.Series, bool]:
    """Which words, in lower case, no receptor has, and whether the others are those of a receptor nevertheless."""
    known = words.isin(_POSITIVE | _NEGATIVE)
    odd = words.notna() & ~known & ~words.isin(_UNDECIDED)
    return odd, not (words[odd].astype(str).str.contains(r"\d").any() or odd.sum() > known.sum())


def _not_done(words: pd.Series) -> pd.Series:
    """Whether a word of a receptor, in lower case, says that nobody tested it."""
    dashes = words.isin(_NEGATIVE - {"-"}).any() and not (words == "+").any()  # then a dash says nothing
    return words.isin(_NOT_DONE | DASHES if dashes else _NOT_DONE)


def _subtype(column: pd.Series, flow: Flow) -> tuple[pd.Series, Reading] | None:
    """PAM50 calls; NC (not classified) is missing. A column "subtype" with other values is something else."""
    texts = column.map(lambda value: str(value).strip().removeprefix("BRCA_"), na_action="ignore")
    calls = texts.map(lambda value: _PAM50.get(value.lower().replace("-", " "), value), na_action="ignore")
    unclassified = calls.map(lambda call: str(call).lower() in _UNCLASSIFIED).astype(bool)
    gone = column[unclassified].astype(str).value_counts()
    calls = calls.mask(unclassified)
    if _words(column.name) == "subtype" and not calls.dropna().isin(_PAM50.values()).all():
        return None
    values, _ = read_covariate(calls.astype(object), categorical=True, origin="file")
    return values, Reading({str(text): int(n) for text, n in gone.items()})


def _age(column: pd.Series, flow: Flow) -> tuple[pd.Series, Reading] | None:
    """Ages in years; a column that cannot be in years, or does not hold numbers, keeps its name."""
    if isinstance(column.dtype, pd.CategoricalDtype):  # AnnData made it of texts
        column = column.astype(object)
    numbers, reading = read_covariate(column, origin="file")
    if isinstance(numbers.dtype, pd.CategoricalDtype):
        n = int(column.notna().sum())
        flow.add(f"covariate: {column.name}", n, n, "not taken as age in years: not numbers")
        return None
    if numbers.max() > _OLDEST:
        n = len(column)
        flow.add(f"covariate: {column.name}", n, n, f"not taken as age in years: maximum {numbers.max():g}")
        return None
    return numbers, reading


_DECODERS = {"pam50": _subtype, "age": _age}


def _words(name: object) -> str:
    """Lower case, camel case and punctuation turned into single blanks."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", str(name))
    return " ".join(re.findall(r"[a-z0-9]+", spaced.lower()))
