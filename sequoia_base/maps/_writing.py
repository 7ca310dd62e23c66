"""Writing map files: AnnData in which a gene is read from one chunk, written in blocks of genes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.atomic import new_file, refuse_existing, refuse_other_ending
from sequoia_base.maps._gene_values import GENES_IN_CHUNK
from sequoia_base.maps.spatial_map import Map
from sequoia_base.sink import Sink

#: Genes that are computed and written at a time, a multiple of those in a chunk.
_BLOCK = 16 * GENES_IN_CHUNK


def write_map(
    source: Map, path: str | Path, genes: Sequence[str] | None = None, *, force: bool = False
) -> None:
    """Write a map, whole or not at all; the same map gives the same bytes.

    Parameters
    ----------
    source : Map
        The map.
    path : path
        Ends in ``.h5ad``, best in ``.map.h5ad``.
    genes : sequence of str, optional
        Genes to write as X, and their spread over folds as the layer ``std`` if there is more than one fold; by default
        the genes that the map stores.
    force : bool
        Whether an existing file is replaced.

    Raises
    ------
    InputError
        If the file exists or cannot be written, a gene is not in the map, or its heads are not there.
    """
    path = Path(path)
    refuse_other_ending(path, ".h5ad", "a map is")
    heads = None if source.heads is None else source.heads.path
    refuse_existing(path, force=force, inputs=[heads])
    wanted = tuple(dict.fromkeys(genes)) if genes is not None else source.stored_genes
    source.refuse_absent(wanted)
    with new_file(path) as temporary, Sink(temporary) as sink, sink.writing(), h5py.File(sink, "w") as file:
        _write_shell(file, source, wanted, _told(source, path))
        for name, latent in source.latents.items():
            _dataset(file["obsm"], f"latent_{name}", latent.shape)[...] = latent.astype(
                np.float32, copy=False
            )
        if wanted:
            _write_genes(file, source, wanted)


def _write_shell(file: h5py.File, source: Map, genes: Sequence[str], about: dict[str, Any]) -> None:
    """Everything but the large matrices, as AnnData writes it."""
    import anndata
    from anndata.io import write_elem

    shell = anndata.AnnData(
        obs=source.obs,
        var=pd.DataFrame(index=pd.Index(np.array(genes, dtype=object), name="gene")),
        uns={"map": about},
        obsm={"spatial": np.array(source.centres_um), "spatial_level0": np.array(source.centres_px)},
    )
    write_elem(file, "/", shell)
    for name in ("raw", "X"):
        if name in file:  # a null, which `AnnData.write_h5ad` leaves out
            del file[name]


def _told(source: Map, path: Path) -> dict[str, Any]:
    """What the map says of itself, as ``uns`` can hold it, with the heads from where the map is."""
    about = {name: _storable(value) for name, value in source.about.items()}
    about["flow"] = source.flow.to_columns()
    if source.heads is not None:
        about["heads"] = os.path.relpath(source.heads.path.resolve(), path.resolve().parent)
    elif source.heads_path is not None:
        about["heads"] = os.path.relpath(source.heads_path.resolve(), path.resolve().parent)
    return about


def _storable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _storable(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return np.array(value, dtype=object if any(isinstance(item, str) for item in value) else None)
    return value


def _write_genes(file: h5py.File, source: Map, genes: Sequence[str]) -> None:
    """X, and the layer std where there is more than one fold, in blocks of genes."""
    shape = (len(source.places), len(genes))
    x, spread = _dataset(file, "X", shape, chunked=True), None
    for start, mean, std in _blocks(source, genes):
        columns = slice(start, start + mean.shape[1])
        x[:, columns] = mean
        if std is not None:
            spread = _dataset(file["layers"], "std", shape, chunked=True) if spread is None else spread
            spread[:, columns] = std


def _blocks(source: Map, genes: Sequence[str]) -> Iterator[tuple[int, NDArray[Any], NDArray[Any] | None]]:
    """Mean and spread over folds of genes, shape (n, genes), block by block."""
    for start in range(0, len(genes), _BLOCK):
        some = genes[start : start + _BLOCK]
        mean, std = source.mean_and_spread(some)
        yield start, mean, std


def _dataset(group: h5py.Group, name: str, shape: tuple[int, ...], *, chunked: bool = False) -> h5py.Dataset:
    """An empty float32 matrix as AnnData stores it; see https://anndata.readthedocs.io/en/stable/fileformat-prose.html."""
    chunks = (shape[0], min(GENES_IN_CHUNK, shape[1])) if chunked else None
    dataset = group.create_dataset(name, shape, dtype=np.float32, chunks=chunks)
    dataset.attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
    return dataset
