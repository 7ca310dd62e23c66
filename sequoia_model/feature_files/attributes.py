"""Attributes of HDF5 files, which tools write as text, bytes, numbers, arrays of one value, or the word None."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar

import h5py
import numpy as np

from sequoia_model.errors import InputError

_Value = TypeVar("_Value")
_NOTHING = ("", "none", "nan")


def text(attributes: Mapping[str, Any], name: str) -> str | None:
    """An attribute as text; None if it is missing or empty.

    Raises
    ------
    InputError
        If it holds several values.
    """
    value = attributes.get(name)
    if isinstance(value, np.ndarray) and value.size != 1:
        raise InputError(f"the attribute {name!r} must hold one value, but holds {value.size} values")
    return _word(value.item() if isinstance(value, np.ndarray) else value)


def number(attributes: Mapping[str, Any], name: str) -> float | None:
    """An attribute as a number above 0; None if it is missing or empty.

    Raises
    ------
    InputError
        If it is anything else.
    """
    return _positive(text(attributes, name), name)


def numbers(attributes: Mapping[str, Any], name: str) -> list[float]:
    """An attribute as numbers above 0, one or several; none if it is missing or empty.

    Raises
    ------
    InputError
        If it is anything else.
    """
    words = map(_word, np.atleast_1d(attributes.get(name, np.empty(0))).ravel().tolist())
    return [value for value in (_positive(word, name) for word in words) if value is not None]


def integer(attributes: Mapping[str, Any], name: str) -> int | None:
    """An attribute as a whole number, or a truth value as 0 or 1; None if it is missing or empty.

    Raises
    ------
    InputError
        If it is anything else.
    """
    word = text(attributes, name)
    if word is None:
        return None
    word = {"True": "1", "False": "0"}.get(word, word)
    whole = word.removesuffix(".0")  # not via a float, which cannot hold a large seed
    return int(whole) if whole.removeprefix("-").isdecimal() else _refuse(name, word, "a whole number")


def magnification(attributes: Mapping[str, Any], name: str) -> float | None:
    """An attribute as a magnification, 20 or "20x"; None if it is missing or empty.

    Raises
    ------
    InputError
        If it is anything else.
    """
    word = text(attributes, name)
    return _positive(word and word.lower().removesuffix("x"), name)


def if_usable(
    read: Callable[[Mapping[str, Any], str], _Value | None], attributes: Mapping[str, Any], name: str
) -> _Value | None:
    """An attribute of another tool that only describes the tiles: None also if it cannot be used.

    Parameters
    ----------
    read : function
        One of this module.
    attributes : mapping of str to any
        Of an HDF5 dataset.
    name : str
        The attribute.
    """
    try:
        return read(attributes, name)
    except InputError:
        return None


def counts(attributes: Mapping[str, Any], name: str) -> dict[str, int]:
    """An attribute that holds whole numbers by name, as JSON; none if it is missing or empty.

    Raises
    ------
    InputError
        If it is anything else.
    """
    word = text(attributes, name) or "{}"
    try:
        found = json.loads(word)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(type(n) is int for n in found.values()):
        _refuse(name, word, "JSON of names and whole numbers")
    return found


def _word(value: Any) -> str | None:
    if value is None or isinstance(value, h5py.Empty):
        return None
    word = (value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)).strip()
    return None if word.lower() in _NOTHING else word


def _positive(word: str | None, name: str) -> float | None:
    if word is None:
        return None
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    return value if 0 < value < math.inf else _refuse(name, word, "a number above 0")


def _refuse(name: str, word: str, wanted: str) -> NoReturn:
    raise InputError(f"the attribute {name!r} must be {wanted}, but is {word!r}")
