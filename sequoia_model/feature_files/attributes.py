"""Attributes of HDF5 files, which tools write as text, bytes, numbers, arrays of one, or the word None."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NoReturn

import h5py
import numpy as np

from sequoia_model.errors import InputError

_NOTHING = ("", "none", "nan")


def text(attributes: Mapping[str, Any], name: str) -> str | None:
    """An attribute as text; None where it is missing or says nothing.

    Raises
    ------
    InputError
        If it holds several values.
    """
    value = attributes.get(name)
    if isinstance(value, np.ndarray):
        if value.size != 1:
            raise InputError(f"the attribute {name!r} holds {value.size} values, and one is needed")
        value = value.item()
    if value is None or isinstance(value, h5py.Empty):
        return None
    word = (value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)).strip()
    return None if word.lower() in _NOTHING else word


def number(attributes: Mapping[str, Any], name: str) -> float | None:
    """An attribute as a number above 0; None where it is missing or says nothing.

    Raises
    ------
    InputError
        If it is anything else.
    """
    word = text(attributes, name)
    if word is None:
        return None
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    return value if 0 < value < math.inf else _refuse(name, word, "a number above 0")


def integer(attributes: Mapping[str, Any], name: str) -> int | None:
    """An attribute as a whole number, or a truth as 0 or 1; None where it is missing or says nothing.

    Raises
    ------
    InputError
        If it is anything else.
    """
    word = text(attributes, name)
    if word is None:
        return None
    word = {"True": "1", "False": "0"}.get(word, word)
    whole = word.removesuffix(".0")  # a float would not hold a large seed
    return int(whole) if whole.removeprefix("-").isdecimal() else _refuse(name, word, "a whole number")


def _refuse(name: str, word: str, wanted: str) -> NoReturn:
    raise InputError(f"the attribute {name!r} is {word!r}, and {wanted} is needed")
