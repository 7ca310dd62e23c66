"""Classes that stand for the makers of arrays, scalars and bytes while a pickle is read."""

from __future__ import annotations

import math
import pickle
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

_CODE = re.compile(r"[biuf](1|2|4|8)|[SU]\d{1,6}|O8?")
_SCALARS = (str, bytes, bool, int, float, type(None))


class StandIn:
    """Base of objects made while a pickle is read. A pickle that sets the state of the class itself fails here."""

    __slots__ = ()

    def __setstate__(self, state: object) -> None:
        raise pickle.UnpicklingError("a state for an object that has none")


class NdArray(StandIn):
    """The type ``numpy.ndarray``, which a pickle names but never calls."""

    __slots__ = ()

    def __new__(cls, *_: object) -> NdArray:
        raise pickle.UnpicklingError("numpy.ndarray is called")


class DType(StandIn):
    """A plain data type. Only the byte order is taken from its state: flags and fields could do harm."""

    __slots__ = ("dtype",)
    dtype: np.dtype[Any]

    def __new__(cls, code: str, align: bool = False, copy: bool = False) -> DType:
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


class Array(StandIn):
    """An array, whose state is its shape and values."""

    __slots__ = ("values",)
    values: NDArray[Any]

    def __new__(cls, kind: object, shape: object = (0,), code: object = b"b") -> Array:
        if kind is not NdArray:
            raise pickle.UnpicklingError("an array of another class than numpy.ndarray")
        return super().__new__(cls)

    def __setstate__(self, state: Any) -> None:
        _, shape, kind, by_column, data = state
        self.values = filled(data, kind, shape, "F" if by_column else "C")


class ArrayOfBuffer(StandIn):
    """An array as protocol 5 writes it."""

    __slots__ = ()

    def __new__(cls, data: Any, kind: Any, shape: Any, order: Any, axes: Any = None) -> Any:
        if axes is not None or order not in ("C", "F"):
            raise pickle.UnpicklingError("an array with its axes in another order")
        array = Array.__new__(Array, NdArray)
        array.values = filled(data, kind, shape, order)
        return array


class Scalar(StandIn):
    """A number or text of numpy, as one of Python."""

    __slots__ = ()

    def __new__(cls, kind: Any, data: Any = b"") -> Any:
        return filled(data, kind, (1,), "C")[0].item()


class Latin1(StandIn):
    """Bytes as protocol 2 writes them: as a text in latin1."""

    __slots__ = ()

    def __new__(cls, text: Any, codec: Any = "") -> Any:
        if codec != "latin1" or not isinstance(text, str):
            raise pickle.UnpicklingError(f"bytes coded as {str(codec)[:40]!r}")
        return text.encode("latin1")


class NoBytes(StandIn):
    """Empty bytes as protocol 2 writes them."""

    __slots__ = ()

    def __new__(cls) -> Any:
        return b""


#: What numpy and Python call them.
ARRAY_MAKERS: dict[tuple[str, str], type[StandIn]] = {
    ("numpy", "ndarray"): NdArray,
    ("numpy", "dtype"): DType,
    ("_codecs", "encode"): Latin1,
    ("__builtin__", "bytes"): NoBytes,
}
for _core in ("numpy.core", "numpy._core"):  # numpy 1 and numpy 2
    ARRAY_MAKERS[f"{_core}.multiarray", "_reconstruct"] = Array
    ARRAY_MAKERS[f"{_core}.multiarray", "scalar"] = Scalar
    ARRAY_MAKERS[f"{_core}.numeric", "_frombuffer"] = ArrayOfBuffer


def filled(data: Any, kind: Any, shape: Any, order: Any) -> NDArray[Any]:
    """An array of a given shape; its values are bytes, or a list if they are objects."""
    if not isinstance(kind, DType) or not isinstance(shape, tuple) or not all(type(n) is int for n in shape):
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
