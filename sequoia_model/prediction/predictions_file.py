"""The predictions file (.h5ad), written slide by slide: what is in memory does not grow with the number of slides."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import h5py
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_model.prediction.full_disk import Sink

#: Rows of a chunk, or fewer: a chunk holds at most 256 KiB, unless a row is longer.
_ROWS = 16
_CHUNK = 2**16


class PredictionsFile:
    """AnnData on disk, slides × genes, to which rows are added.

    Parameters
    ----------
    path : path
        Written anew.
    genes : sequence of str
        Names of the columns.
    layers : sequence of str
        Layers that get rows together with X.
    """

    def __init__(self, path: str | Path, genes: Sequence[str], layers: Sequence[str]) -> None:
        self.genes = pd.Index(np.array(genes, dtype=object), name="gene")
        self._single: dict[str, h5py.Dataset] = {}
        with ExitStack() as stack:
            self._sink = stack.enter_context(Sink(path))
            self._file = stack.enter_context(h5py.File(self._sink, "w"))
            _mark(self._file, "anndata", "0.1.0")
            _mark(self._file.create_group("layers"), "dict", "0.1.0")
            self._matrices = {name: self._matrix(name) for name in ("X", *layers)}
            self._open = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        with self._sink.writing():
            self._open.close()

    def append(self, **matrices: NDArray[np.float32]) -> None:
        """Add rows to X and to every layer that was announced."""
        with self._sink.writing():
            for name, dataset in self._matrices.items():
                rows = matrices[name]
                dataset.resize(len(dataset) + len(rows), axis=0)
                dataset[len(dataset) - len(rows) :] = rows

    def add_layer(self, name: str, rows: int) -> None:
        """Add a layer of so many rows of NaN, which are set one by one."""
        with self._sink.writing():
            self._single[name] = self._matrix(name, rows)

    def set_row(self, layer: str, row: int, values: NDArray[np.float32]) -> None:
        """Set a row of an added layer."""
        with self._sink.writing():
            self._single[layer][row] = values

    def row(self, layer: str, row: int) -> NDArray[np.float32]:
        """A row of an added layer."""
        return self._single[layer][row]

    def keep_rows(self, layer: str, kept: Sequence[int]) -> None:
        """Move the rows `kept`, which ascend, to the front of an added layer, and cut the rest off."""
        dataset = self._single[layer]
        with self._sink.writing():
            for target, row in enumerate(kept):
                if target != row:
                    dataset[target] = dataset[row]
            dataset.resize(len(kept), axis=0)

    def finish(self, obs: pd.DataFrame, uns: dict[str, Any]) -> None:
        """Write the slides and what is known about all; categories are made as AnnData makes them."""
        import anndata
        from anndata.io import write_elem

        shell = anndata.AnnData(obs=obs, var=pd.DataFrame(index=self.genes), uns=uns)
        shell.strings_to_categoricals()
        with self._sink.writing():
            for name in ("obs", "var"):
                write_elem(self._file, name, getattr(shell, name))
            for name in ("obsm", "varm", "obsp", "varp", "uns"):
                write_elem(self._file, name, dict(getattr(shell, name)))

    def _matrix(self, name: str, rows: int = 0) -> h5py.Dataset:
        genes = len(self.genes)
        dataset = self._file.create_dataset(
            name if name == "X" else f"layers/{name}",
            shape=(rows, genes),
            maxshape=(None, genes),
            chunks=(min(_ROWS, max(1, _CHUNK // genes)), genes),
            dtype=np.float32,
            fillvalue=np.nan,
        )
        _mark(dataset, "array", "0.2.0")
        return dataset


def _mark(item: Any, kind: str, version: str) -> None:
    """What AnnData knows its parts by."""
    item.attrs["encoding-type"], item.attrs["encoding-version"] = kind, version
