"""An unpickler that loads arrays, strings, numbers, lists, tuples and dictionaries, and nothing else.

A pickle is a program: it can name any function of any module and have it called. Here, the few names that
make arrays stand for classes of this module. They check their arguments and never pass them on to numpy's own
reconstruction, which trusts the flags of a data type and can mistake bytes for addresses. No other name is looked up.
"""

from __future__ import annotations

import math
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sequoia_base.atomic import existing_file
from sequoia_model.errors import InputError

_CODE = re.compile(r"[biuf](1|2|4|8)|[SU]\d{1,6}|O8?")
_SCALARS = (str, bytes, bool, int, float, type(None))
_ADVICE = {
    "pandas": "in the program that wrote it, turn tables into arrays (frame.to_numpy(), list(frame.columns)) and save",
    "torch": "in the program that wrote it, turn tensors into arrays (tensor.cpu().numpy()) and save again",
}


def load(path: str | Path) -> Any:
    """The content of a pickle, with numpy arrays down to a dictionary of dictionaries.

    Parameters
    ----------
    path : path
        A pickle of protocol 2 to 5, written with numpy 1 or 2.

    Returns
    -------
    object
        Arrays (of numbers or strings), strings, bytes, numbers, lists, tuples and dictionaries.

    Raises
    ------
    InputError
        If the file is missing, damaged or not a pickle, or needs anything else to load, which the error names.
    """
    path = existing_file(path)
    try:
        with path.open("rb") as file:
            return _plain(_Unpickler(file).load(), depth=2)
    except InputError as error:
        raise InputError(error.what, where=str(path), fix=error.fix) from None
    except Exception as error:  # damage makes pickle raise nearly anything, as its documentation says
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise InputError(
            "the file is not a readable pickle of arrays: truncated, damaged or in another format",
            where=f"{path} ({reason})",
        ) from None


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """The class that stands for a name; only the makers of arrays and bytes have one."""
        if (module, name) in _STAND_INS:
            return _STAND_INS[module, name]
        advice = _ADVICE.get(
            module.partition(".")[0], "in the program that wrote it, save only arrays and strings"
        )
        raise InputError(
            f"the file needs {f'{module}.{name}'[:100]!r} to load, but only arrays and strings are loaded, since "
            "anything else can run code",
            fix=advice,
        )


class _StandIn:
    """Base of objects made while a pickle is read. A pickle that sets the state of the class itself fails here."""

    __slots__ = ()

    def __setstate__(self, state: object) -> None:
        raise pickle.UnpicklingError("a state for an object that has none")


class _NdArray(_StandIn):
    """The type ``numpy.ndarray``, which a pickle names but never calls."""

    __slots__ = ()

    def __new__(cls, *_: object) -> _NdArray:
        raise pickle.UnpicklingError("numpy.ndarray is called")


class _DType(_StandIn):
    """A plain data type. Only the byte order is taken from its state: flags and fields could do harm."""

    __slots__ = ("dtype",)
    dtype: np.dtype[Any]

    def __new__(cls, code: str, align: bool = False, copy: bool = False) -> _DType:
        if not (isinstance(code, str) and _CODE.fullmatch(code)):
            raise pickle.UnpicklingError(
                f"the data type {str(code)[:40]!r}, which holds neither numbers nor texts"
            )
        self = super().__new__(cls)
        self.dtype = np.dtype(code)
        return self

    def __setstate__(self, state: Any) -> None:
        _, order, *structure = state
        if order not in ("<", ">", "|", "=") or any(part is not None for part in structure[:3]):
            raise pickle.UnpicklingError("a data type with a structure")
        self.dtype = self.dtype.newbyteorder(order)


class _Array(_StandIn):
    """An array, whose state is its shape and values."""

    __slots__ = ("values",)
    values: NDArray[Any]

    def __new__(cls, kind: object, shape: object = (0,), code: object = b"b") -> _Array:
        if kind is not _NdArray:
            raise pickle.UnpicklingError("an array of another class than numpy.ndarray")
        return super().__new__(cls)

    def __setstate__(self, state: Any) -> None:
        _, shape, kind, by_column, data = state
        self.values = _filled(data, kind, shape, "F" if by_column else "C")


class _ArrayOfBuffer(_StandIn):
    """An array as protocol 5 writes it."""

    __slots__ = ()

    def __new__(cls, data: Any, kind: Any, shape: Any, order: Any, axes: Any = None) -> Any:
        if axes is not None or order not in ("C", "F"):
            raise pickle.UnpicklingError("an array with its axes in another order")
        array = _Array.__new__(_Array, _NdArray)
        array.values = _filled(data, kind, shape, order)
        return array


class _Scalar(_StandIn):
    """A number or text of numpy, as one of Python."""

    __slots__ = ()

    def __new__(cls, kind: Any, data: Any = b"") -> Any:
        return _filled(data, kind, (1,), "C")[0].item()


class _Latin1(_StandIn):
    """Bytes as protocol 2 writes them: as a text in latin1."""

    __slots__ = ()

    def __new__(cls, text: Any, codec: Any = "") -> Any:
        if codec != "latin1" or not isinstance(text, str):
            raise pickle.UnpicklingError(f"bytes coded as {str(codec)[:40]!r}")
        return text.encode("latin1")


class _NoBytes(_StandIn):
    """Empty bytes as protocol 2 writes them."""

    __slots__ = ()

    def __new__(cls) -> Any:
        return b""


_STAND_INS: dict[tuple[str, str], type[_StandIn]] = {
    ("numpy", "ndarray"): _NdArray,
    ("numpy", "dtype"): _DType,
    ("_codecs", "encode"): _Latin1,
    ("__builtin__", "bytes"): _NoBytes,
}
for _core in ("numpy.core", "numpy._core"):  # numpy 1 and numpy 2
    _STAND_INS[f"{_core}.multiarray", "_reconstruct"] = _Array
    _STAND_INS[f"{_core}.multiarray", "scalar"] = _Scalar
    _STAND_INS[f"{_core}.numeric", "_frombuffer"] = _ArrayOfBuffer


def _filled(data: Any, kind: Any, shape: Any, order: Any) -> NDArray[Any]:
    """An array of a given shape; its values are bytes, or a list if they are objects."""
    if not isinstance(kind, _DType) or not isinstance(shape, tuple) or not all(type(n) is int for n in shape):
        raise pickle.UnpicklingError("an array without type or shape")
    n = math.prod(shape)
    if kind.dtype.kind == "O":
        if not isinstance(data, list) or len(data) != n or not all(type(item) in _SCALARS for item in data):
            raise pickle.UnpicklingError("an array of objects that are not texts and numbers")
        flat = np.empty(n, dtype=object)
        flat[:] = data
    else:
        if not isinstance(data, bytes | bytearray) or len(data) != n * kind.dtype.itemsize:
            raise pickle.UnpicklingError(f"an array of the shape {shape} without its values")
        flat = np.frombuffer(data, kind.dtype) if n else np.empty(0, kind.dtype)
    return flat.reshape(shape, order=order)


def _plain(value: Any, depth: int) -> Any:
    if isinstance(value, dict) and depth:
        return {key: _plain(item, depth - 1) for key, item in value.items()}
    if isinstance(value, _Array):
        return value.values
    return value
