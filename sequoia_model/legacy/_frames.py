"""Classes that stand for the makers of a pandas data frame, a `Table` of names and numbers, and of a series."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sequoia_model.errors import InputError
from sequoia_model.legacy._labels import LABEL_MAKERS, ArrowTexts, AxisLabels, array
from sequoia_model.legacy._stand_ins import StandIn


@dataclass(frozen=True, eq=False)
class Table:
    """A data frame, as its parts.

    Parameters
    ----------
    values : array of shape (rows, columns)
        Numbers.
    index, columns : sequence
        Names of the rows and columns.
    """

    values: NDArray[Any]
    index: Sequence[Any]
    columns: Sequence[Any]


class Managed(StandIn):
    """What keeps its values in blocks: its state holds the manager of these."""

    __slots__ = ("manager",)
    manager: Manager

    def __setstate__(self, state: Any) -> None:
        manager = state.get("_mgr", state.get("_data"))  # its name since pandas 1.1, and before
        if not isinstance(manager, Manager):
            raise pickle.UnpicklingError("a table without its values")
        self.manager = manager


class Series(Managed):
    """A series: one block and its labels, which play no part here."""

    __slots__ = ()

    @property
    def values(self) -> NDArray[Any]:
        """The values in their order."""
        if len(self.manager.blocks) != 1:
            raise pickle.UnpicklingError("a series without its values")
        return self.manager.blocks[0].values


class Frame(Managed):
    """A data frame."""

    __slots__ = ()

    @property
    def table(self) -> Table:
        """The values in one array; the blocks must fill it."""
        if len(self.manager.axes) != 2:
            raise pickle.UnpicklingError("a table without rows or columns")
        columns, rows = self.manager.axes
        values = self.manager.blocks
        if sum(block.values.size for block in values) != len(rows) * len(columns):
            raise pickle.UnpicklingError(f"a table of {len(rows)} × {len(columns)} without its values")
        kinds = [block.values.dtype for block in values] or [np.dtype(float)]
        if any(kind.kind not in "fiu" for kind in kinds):
            raise _not_numbers()
        by_column = np.full((len(columns), len(rows)), np.nan, np.result_type(*kinds, np.float32))
        for block in values:
            by_column[block.places] = block.values
        return Table(by_column.T, rows, columns)


class Manager(StandIn):
    """The blocks of a table and its axes, columns first; or of a series. Before pandas 1.3 they came as a state."""

    __slots__ = ("axes", "blocks")
    axes: list[Sequence[Any]]
    blocks: list[ColumnBlock]

    def __new__(cls, blocks: Any = (), axes: Any = ((), ())) -> Manager:
        self = super().__new__(cls)
        if isinstance(blocks, ColumnBlock):  # that of a series comes by itself, with its axis
            blocks, axes = [blocks], [axes]
        self._fill(blocks, axes)
        return self

    def __setstate__(self, state: Any) -> None:
        parts = state[3]["0.14.1"]  # the version of pandas that began to write so
        self._fill(
            [ColumnBlock(block["values"], block["mgr_locs"]) for block in parts["blocks"]], parts["axes"]
        )

    def _fill(self, blocks: Any, axes: Any) -> None:
        if not all(isinstance(block, ColumnBlock) for block in blocks):
            raise pickle.UnpicklingError("a table in another form than blocks of numbers")
        labels = [axis.labels if isinstance(axis, AxisLabels) else axis for axis in axes]
        if not all(isinstance(names, list | range | tuple) for names in labels):
            raise pickle.UnpicklingError("a table whose rows or columns have no plain names")
        self.blocks, self.axes = list(blocks), labels


class ColumnBlock(StandIn):
    """Columns of one type, in rows, and their places among the columns."""

    __slots__ = ("places", "values")
    values: NDArray[Any]
    places: slice | NDArray[Any]

    def __new__(cls, values: Any, places: Any, ndim: Any = 2) -> ColumnBlock:
        self = super().__new__(cls)
        self.values, chosen = array(values), places.value if isinstance(places, Slice) else array(places)
        self.places = chosen
        return self


class Slice(StandIn):
    """A slice of whole numbers."""

    __slots__ = ("value",)
    value: slice

    def __new__(cls, *limits: Any) -> Slice:
        if not all(limit is None or type(limit) is int for limit in limits):
            raise pickle.UnpicklingError("a slice of something other than whole numbers")
        self = super().__new__(cls)
        self.value = slice(*limits)
        return self


class Reconstructed(StandIn):
    """An object as protocols 0 and 1 begin it: by its class and the base of that."""

    __slots__ = ()

    def __new__(cls, kind: Any, base: Any = None, state: Any = None) -> Any:
        if kind not in (Frame, Series, Manager, ArrowTexts) or base is not ObjectType or state is not None:
            raise pickle.UnpicklingError("an object that is not a table")
        return kind.__new__(kind)


class ObjectType(StandIn):
    """The base of all classes, which a pickle names but never calls."""

    __slots__ = ()

    def __new__(cls, *_: object) -> ObjectType:
        raise pickle.UnpicklingError("object is called")


def _not_numbers() -> InputError:
    return InputError(
        "the file has a table with columns that are not numbers",
        fix="in the program that wrote it, save only the columns of genes, as numbers (frame.astype(float))",
    )


#: What pandas and Python call them.
FRAME_MAKERS: dict[tuple[str, str], type[StandIn]] = {
    ("pandas.core.frame", "DataFrame"): Frame,
    ("pandas", "DataFrame"): Frame,  # since pandas 3
    ("pandas.core.series", "Series"): Series,
    ("pandas", "Series"): Series,
    ("pandas.core.internals.managers", "BlockManager"): Manager,
    ("pandas.core.internals.managers", "SingleBlockManager"): Manager,
    ("pandas._libs.internals", "_unpickle_block"): ColumnBlock,
    **LABEL_MAKERS,
    ("builtins", "slice"): Slice,
    ("__builtin__", "slice"): Slice,
    ("copy_reg", "_reconstructor"): Reconstructed,
    ("__builtin__", "object"): ObjectType,
}
