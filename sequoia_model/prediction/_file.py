"""The predictions file (.h5ad), written in batches: its memory does not grow with the number of slides."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import h5py
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.sink import Sink

#: Rows of a chunk, or fewer: a chunk holds at most 256 KiB, unless a row is longer.
_ROWS = 16
_CHUNK = 2**16
#: Columns of a chunk of a layer that is written by columns.
_COLUMNS = 128


class PredictionsFile:
    """AnnData on disk, slides × genes, to which rows are added.

    AnnData writes everything except the matrices, which start empty and grow; `AnnData.write_h5ad` cannot do that.

    Parameters
    ----------
    path : path
        The file; an existing one is replaced.
    genes : sequence of str
        Names of the columns.
    layers : sequence of str
        Layers that get rows together with X.
    """

    def __init__(self, path: str | Path, genes: Sequence[str], layers: Sequence[str]) -> None:
        import anndata
        from anndata.io import write_elem

        var = pd.DataFrame(index=pd.Index(np.array(genes, dtype=object), name="gene"))
        self._n_genes = len(var)
        self._prefilled: dict[str, h5py.Dataset] = {}
        with ExitStack() as stack:
            self._sink = stack.enter_context(Sink(path))
            self._file = stack.enter_context(h5py.File(self._sink, "w"))
            write_elem(self._file, "/", anndata.AnnData(var=var))
            if "raw" in self._file:  # a null, which `AnnData.write_h5ad` leaves out
                del self._file["raw"]
            self._matrices = {name: self._matrix(name) for name in ("X", *layers)}
            self._open = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        with self._sink.writing():
            self._open.close()

    def append(self, **matrices: NDArray[np.float32]) -> None:
        """Add rows to X and to every layer named at the start."""
        with self._sink.writing():
            for name, dataset in self._matrices.items():
                rows = matrices[name]
                dataset.resize(len(dataset) + len(rows), axis=0)
                dataset[len(dataset) - len(rows) :] = rows

    def add_layer(self, name: str, n_rows: int) -> None:
        """Add a layer with rows of NaN, which are set one by one."""
        with self._sink.writing():
            self._prefilled[name] = self._matrix(name)
            self._prefilled[name].resize(n_rows, axis=0)

    def add_columns(self, name: str, n_rows: int) -> None:
        """Add a layer with rows of NaN, of which `set_columns` sets blocks of columns."""
        with self._sink.writing():
            self._prefilled[name] = self._matrix(name, n_rows, by_column=True)

    def set_columns(self, layer: str, columns: slice, values: NDArray[np.float32]) -> None:
        """Set a block of columns of an added layer."""
        with self._sink.writing():
            self._prefilled[layer][:, columns] = values

    def columns(self, layer: str, columns: slice) -> NDArray[np.float32]:
        """A block of columns of X or of a layer."""
        with self._sink.writing():
            block: NDArray[np.float32] = (self._matrices | self._prefilled)[layer][:, columns]
        return block

    def set_row(self, layer: str, row: int, values: NDArray[np.float32]) -> None:
        """Set a row of an added layer."""
        with self._sink.writing():
            self._prefilled[layer][row] = values

    def keep_rows(self, layer: str, kept: Sequence[int]) -> None:
        """Move the rows `kept`, in ascending order, to the front of an added layer, and cut off the rest."""
        dataset = self._prefilled[layer]
        with self._sink.writing():
            for target, row in enumerate(kept):
                if target != row:
                    dataset[target] = dataset[row]
            dataset.resize(len(kept), axis=0)

    def finish(self, obs: pd.DataFrame, uns: dict[str, Any]) -> None:
        """Write the slides, and what is known about all of them; categories are made as AnnData makes them."""
        import anndata
        from anndata.io import write_elem

        shell = anndata.AnnData(obs=obs, uns=uns)
        shell.strings_to_categoricals()
        with self._sink.writing():
            write_elem(self._file, "obs", shell.obs)
            write_elem(self._file, "uns", dict(shell.uns))

    def _matrix(self, name: str, rows: int = 0, *, by_column: bool = False) -> h5py.Dataset:
        """A matrix of NaN that grows, in chunks of whole rows or of many rows and few columns."""
        from anndata.io import write_elem

        group, n = self._file if name == "X" else self._file["layers"], self._n_genes
        chunks = (min(_ROWS, max(1, _CHUNK // n)), n)
        if by_column:
            chunks = (max(1, min(rows, _CHUNK // _COLUMNS)), min(_COLUMNS, n))
        growing = {"maxshape": (None, n), "chunks": chunks, "fillvalue": np.nan}
        write_elem(group, name, np.empty((0, n), dtype=np.float32), dataset_kwargs=growing)
        group[name].resize(rows, axis=0)
        return group[name]
