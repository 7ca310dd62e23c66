"""Classes that stand for the makers of a pandas index: names as objects, as texts of numpy or of Arrow, or counts."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sequoia_model.legacy._stand_ins import Array, StandIn

_OFFSETS = {"string": "<i4", "large_string": "<i8"}


class AxisLabels(StandIn):
    """Names of rows or columns, made by a function that takes the class of the index and its data."""

    __slots__ = ("labels",)
    labels: list[Any] | range

    def __new__(cls, kind: Any, data: Any) -> AxisLabels:
        self = super().__new__(cls)
        if kind is RangeAxisLabelsType:
            limits = [data["start"], data["stop"], data["step"]]
            if not all(type(limit) is int for limit in limits):
                raise pickle.UnpicklingError("a range of something other than whole numbers")
            self.labels = range(*limits)
        elif kind is AxisLabelsType:
            self.labels = array(data["data"]).ravel().tolist()
        else:
            raise pickle.UnpicklingError("an index of another class")
        return self


class AxisLabelsType(StandIn):
    """The type of an index of names, which a pickle names but never calls."""

    __slots__ = ()

    def __new__(cls, *_: object) -> AxisLabelsType:
        raise pickle.UnpicklingError("the class of an index is called")


class RangeAxisLabelsType(AxisLabelsType):
    """The type of an index that counts."""

    __slots__ = ()


class TextType(StandIn):
    """The data type of texts; how pandas stores them and marks missing ones does not matter here."""

    __slots__ = ()

    def __new__(cls, *_: object) -> TextType:
        return super().__new__(cls)


class Missing(StandIn):
    """The missing value of pandas, which a pickle names but never calls."""

    __slots__ = ()


class TextsType(StandIn):
    """The type of an array of texts, which a pickle names but never calls."""

    __slots__ = ()

    def __new__(cls, *_: object) -> TextsType:
        raise pickle.UnpicklingError("the class of texts is called")


class Texts(StandIn):
    """An array of texts, whose state is its type and an array of objects, in either order."""

    __slots__ = ("texts",)
    texts: list[Any]

    def __new__(cls, kind: Any, checksum: Any, state: Any = None) -> Texts:
        if kind is not TextsType or state is not None:
            raise pickle.UnpicklingError("an array of pandas that does not hold texts")
        return super().__new__(cls)

    def __setstate__(self, state: Any) -> None:
        held = [part for part in state if isinstance(part, Array)]
        if len(held) != 1:
            raise pickle.UnpicklingError("an array of texts without them")
        self.texts = held[0].values.ravel().tolist()


class ArrowTexts(StandIn):
    """An array of texts in the memory layout of Arrow."""

    __slots__ = ("texts",)
    texts: list[Any]

    def __setstate__(self, state: Any) -> None:
        held = state["_pa_array"]
        if not isinstance(held, ArrowArray):
            raise pickle.UnpicklingError("an array of texts without them")
        self.texts = held.texts


class ArrowType(StandIn):
    """A data type of Arrow, by its name."""

    __slots__ = ("name",)
    name: str

    def __new__(cls, name: Any = "string") -> ArrowType:
        if name not in _OFFSETS:
            raise pickle.UnpicklingError(f"an index of the Arrow type {str(name)[:40]!r}")
        self = super().__new__(cls)
        self.name = name
        return self


class ArrowBuffer(StandIn):
    """The bytes of a part of an Arrow array."""

    __slots__ = ()

    def __new__(cls, data: Any) -> Any:
        if not isinstance(data, bytes | bytearray):
            raise pickle.UnpicklingError("a buffer without bytes")
        return bytes(data)


class ByteArray(StandIn):
    """Bytes that can change."""

    __slots__ = ()

    def __new__(cls, data: Any = b"") -> Any:
        if not isinstance(data, bytes):
            raise pickle.UnpicklingError("bytes of something other than bytes")
        return data


class ArrowArray(StandIn):
    """Texts of Arrow: which are present (one bit each), where each begins, and their bytes in UTF-8."""

    __slots__ = ("texts",)
    texts: list[Any]

    def __new__(cls, parts: Any, *_: object) -> ArrowArray:
        self = super().__new__(cls)
        if isinstance(parts, list):  # several arrays, one after the other
            if not all(isinstance(part, ArrowArray) for part in parts):
                raise pickle.UnpicklingError("an array of texts in another form")
            self.texts = [text for part in parts for text in part.texts]
            return self
        kind, n, _, start, buffers, *_ = parts
        if (
            not isinstance(kind, ArrowType)
            or type(n) is not int
            or type(start) is not int
            or min(n, start) < 0
        ):
            raise pickle.UnpicklingError("an array of texts without type or size")
        present, offsets, data = buffers
        ends = np.frombuffer(offsets or b"", _OFFSETS[kind.name])[start : start + n + 1]
        data = data or b""
        if n and (len(ends) != n + 1 or ends[0] < 0 or (np.diff(ends) < 0).any() or ends[-1] > len(data)):
            raise pickle.UnpicklingError("an array of texts without their bytes")
        self.texts = [data[ends[i] : ends[i + 1]].decode() for i in range(n)]
        if present is not None:
            bits = np.unpackbits(np.frombuffer(present, np.uint8), bitorder="little")[start : start + n]
            self.texts = [text if bit else None for text, bit in zip(self.texts, bits, strict=True)]
        return self


def array(value: Any) -> NDArray[Any]:
    """The values of an array of numpy, or the texts of an array of pandas.

    Raises
    ------
    pickle.UnpicklingError
        If it is anything else.
    """
    if isinstance(value, Texts | ArrowTexts):
        texts = np.empty(len(value.texts), dtype=object)
        texts[:] = value.texts
        return texts
    if not isinstance(value, Array):
        raise pickle.UnpicklingError(f"a {type(value).__name__} where a table needs an array")
    return value.values


_TEXTS = "pandas.core.arrays.string_"
_ARROW = "pandas.core.arrays.string_arrow"

#: What pandas, pyarrow and Python call them; pandas 3 names public classes by the module "pandas".
LABEL_MAKERS: dict[tuple[str, str], type[StandIn]] = {
    ("pandas.core.indexes.base", "_new_Index"): AxisLabels,
    ("pandas.core.indexes.base", "Index"): AxisLabelsType,
    ("pandas", "Index"): AxisLabelsType,
    ("pandas.core.indexes.numeric", "Int64Index"): AxisLabelsType,
    ("pandas.core.indexes.range", "RangeIndex"): RangeAxisLabelsType,
    ("pandas", "RangeIndex"): RangeAxisLabelsType,
    ("pandas._libs.missing", "NA"): Missing,
    ("pandas", "NA"): Missing,
    ("pandas._libs.arrays", "__pyx_unpickle_NDArrayBacked"): Texts,
    (_TEXTS, "StringDtype"): TextType,
    ("pandas", "StringDtype"): TextType,
    (_TEXTS, "StringArray"): TextsType,
    (_TEXTS, "StringArrayNumpySemantics"): TextsType,
    ("pandas.arrays", "StringArray"): TextsType,
    ("pandas.arrays", "NumpyStringArray"): TextsType,
    (_ARROW, "ArrowStringArray"): ArrowTexts,
    (_ARROW, "ArrowStringArrayNumpySemantics"): ArrowTexts,
    ("pandas.arrays", "ArrowStringArray"): ArrowTexts,
    ("pyarrow.lib", "_restore_array"): ArrowArray,
    ("pyarrow.lib", "chunked_array"): ArrowArray,
    ("pyarrow.lib", "type_for_alias"): ArrowType,
    ("pyarrow.lib", "py_buffer"): ArrowBuffer,
    ("builtins", "bytearray"): ByteArray,
    ("__builtin__", "bytearray"): ByteArray,
}
