"""Measured sections, in memory and in every layout that is read."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import io, sparse

from sequoia_base.flow import Flow
from sequoia_stats.types.spatial_truth import SpatialTruth


def lattice_places(columns: int = 6, rows: int = 5) -> np.ndarray:
    """Column and row of each place of a square lattice, from 1, in reading order."""
    y, x = np.mgrid[1 : rows + 1, 1 : columns + 1]
    return np.column_stack([x.ravel(), y.ravel()])


def make_counts(n: int, genes: int = 4, seed: int = 0, mean: float = 5.0) -> np.ndarray:
    """Counts of spots × genes; every spot has some."""
    counts = np.random.default_rng(seed).poisson(mean, (n, genes))
    counts[:, 0] += 1
    return counts


def make_truth(
    columns: int = 6,
    rows: int = 5,
    genes: int = 4,
    *,
    mpp: float = 0.5,
    pitch_um: float = 200.0,
    counts: np.ndarray | None = None,
    centres_um: np.ndarray | None = None,
    programmes: pd.DataFrame | None = None,
    name: str = "S1",
    seed: int = 0,
    **fields: object,
) -> SpatialTruth:
    """A section in memory: spots on a square lattice, or at given centres; genes G0, G1, ..."""
    if centres_um is None:
        centres_um = lattice_places(columns, rows) * pitch_um
    n = len(centres_um)
    counts = make_counts(n, genes, seed) if counts is None else np.asarray(counts)
    return SpatialTruth(
        name=name, spots=tuple(f"s{i}" for i in range(n)), centres_px=np.asarray(centres_um, float) / mpp, mpp=mpp,
        spot_um=pitch_um / 2, pitch_um=pitch_um, counts=counts, genes=tuple(f"G{i}" for i in range(counts.shape[1])),
        totals=counts.sum(axis=1).astype(float), programmes=programmes, platform="spatial-transcriptomics",
        flow=Flow(), **fields,
    )  # fmt: skip


def st_tables(
    columns: int = 6,
    rows: int = 5,
    genes: int = 4,
    *,
    mpp: float = 0.5,
    pitch_um: float = 200.0,
    seed: int = 0,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Counts (index "XxY") and spots of a section of Spatial Transcriptomics, jittered as they were printed."""
    places = lattice_places(columns, rows)
    jitter = np.random.default_rng(seed).uniform(-0.1, 0.1, places.shape)
    printed = places + jitter
    pixels = printed * pitch_um / mpp
    names = [f"{x}x{y}" for x, y in places]
    counts = pd.DataFrame(make_counts(len(places), genes, seed), names, [f"G{i}" for i in range(genes)])
    spots = pd.DataFrame(
        {"x": places[:, 0], "y": places[:, 1], "new_x": printed[:, 0], "new_y": printed[:, 1]}
    )
    spots["pixel_x"], spots["pixel_y"] = pixels.round(2).T
    spots["selected"] = 1
    return counts, spots


def write_st(folder: Path, counts: pd.DataFrame, spots: pd.DataFrame, name: str = "S1") -> Path:
    """Write a section of Spatial Transcriptomics; returns the table of counts."""
    path = folder / f"{name}.tsv.gz"
    path.write_bytes(gzip.compress(counts.to_csv(sep="\t").encode()))
    spots.to_csv(folder / f"{name}_selection.tsv", sep="\t", index=False)
    return path


VISIUM_COLUMNS = [
    "barcode",
    "in_tissue",
    "array_row",
    "array_col",
    "pxl_row_in_fullres",
    "pxl_col_in_fullres",
]


def hexagonal_places(columns: int = 6, rows: int = 6) -> np.ndarray:
    """Column and row of each place of Visium's lattice: neighbours in a row are two columns apart."""
    return np.array([(2 * x + y % 2, y) for y in range(rows) for x in range(columns)])


def visium_positions(columns: int = 6, rows: int = 6, *, mpp: float = 0.5, outside: int = 4) -> pd.DataFrame:
    """Positions of spots 100 µm apart; the last few are not under the tissue."""
    places = hexagonal_places(columns, rows)
    pixels = (places * [50, 50 * 3**0.5] + 400) / mpp
    in_tissue = (np.arange(len(places)) < len(places) - outside).astype(int)
    names = [f"AAAC{i:04d}-1" for i in range(len(places))]
    fields = [names, in_tissue, places[:, 1], places[:, 0], *pixels[:, ::-1].round().astype(int).T]
    return pd.DataFrame(dict(zip(VISIUM_COLUMNS, fields, strict=True)))


def write_tenx_h5(
    path: Path,
    counts: np.ndarray,
    barcodes: Sequence[str],
    symbols: Sequence[str],
    kinds: Sequence[str] | None = None,
) -> Path:
    """Write counts (spots × features) as feature_bc_matrix.h5."""
    import h5py

    matrix = sparse.csc_matrix(np.asarray(counts).T)
    kinds = ["Gene Expression"] * len(symbols) if kinds is None else kinds
    texts = {"id": [f"ENSG{i:011d}" for i in range(len(symbols))], "name": symbols, "feature_type": kinds}
    with h5py.File(path, "w") as file:
        group = file.create_group("matrix")
        group["data"], group["indices"], group["indptr"] = matrix.data, matrix.indices, matrix.indptr
        group["shape"], group["barcodes"] = np.array(matrix.shape), np.array(barcodes, dtype="S")
        for name, values in texts.items():
            group[f"features/{name}"] = np.array(values, dtype="S")
    return path


def write_tenx_folder(
    folder: Path,
    counts: np.ndarray,
    barcodes: Sequence[str],
    symbols: Sequence[str],
    kinds: Sequence[str] | None = None,
) -> Path:
    """Write counts (spots × features) as matrix.mtx.gz, features.tsv.gz and barcodes.tsv.gz."""
    folder.mkdir(exist_ok=True)
    kinds = ["Gene Expression"] * len(symbols) if kinds is None else kinds
    rows = [
        f"ENSG{i:011d}\t{name}\t{kind}" for i, (name, kind) in enumerate(zip(symbols, kinds, strict=True))
    ]
    with gzip.open(folder / "matrix.mtx.gz", "wb") as file:
        io.mmwrite(file, sparse.coo_matrix(np.asarray(counts).T))
    (folder / "features.tsv.gz").write_bytes(gzip.compress("\n".join(rows).encode()))
    (folder / "barcodes.tsv.gz").write_bytes(gzip.compress("\n".join(barcodes).encode()))
    return folder


def write_positions(spatial: Path, positions: pd.DataFrame, layout: str = "tissue_positions.csv") -> Path:
    """Write positions: the list has no header."""
    spatial.mkdir(parents=True, exist_ok=True)
    path = spatial / layout
    if layout.endswith(".parquet"):
        positions.to_parquet(path, index=False)
    else:
        positions.to_csv(path, index=False, header="list" not in layout)
    return path


def write_visium(
    folder: Path,
    positions: pd.DataFrame | None = None,
    *,
    counts: np.ndarray | None = None,
    genes: Sequence[str] = ("A", "B", "C", "D"),
    matrix: str = "h5",
    layout: str = "tissue_positions.csv",
    mpp: float = 0.5,
    **factors: Any,
) -> Path:
    """Write a folder of Space Ranger: counts of the spots under the tissue, positions, and scale factors."""
    positions = visium_positions(mpp=mpp) if positions is None else positions
    folder.mkdir(exist_ok=True)
    write_positions(folder / "spatial", positions, layout)
    known = {"spot_diameter_fullres": 65 / mpp, "tissue_hires_scalef": 0.1, "tissue_lowres_scalef": 0.03}
    (folder / "spatial" / "scalefactors_json.json").write_text(json.dumps({**known, **factors}))
    barcodes = list(positions.loc[positions["in_tissue"] == 1, "barcode"])
    counts = make_counts(len(barcodes), len(genes)) if counts is None else counts
    name = folder / "filtered_feature_bc_matrix"
    if matrix == "h5":
        write_tenx_h5(name.with_suffix(".h5"), counts, barcodes, genes)
    elif matrix == "mtx":
        write_tenx_folder(name, counts, barcodes, genes)
    return folder


def write_image(path: Path, size: tuple[int, int], **options: Any) -> Path:
    """Write a white image."""
    from PIL import Image

    Image.new("RGB", size, "white").save(path, **options)
    return path


def make_spots_adata(
    columns: int = 6, rows: int = 5, genes: int = 4, *, mpp: float = 0.5, pitch_um: float = 200.0, **obs: Any
) -> Any:
    """Counts of spots on a square lattice as AnnData, with centres in pixels."""
    import anndata

    places = lattice_places(columns, rows)
    counts = make_counts(len(places), genes)
    frame = pd.DataFrame(obs, index=[f"s{i}" for i in range(len(places))])
    adata = anndata.AnnData(
        sparse.csr_matrix(counts.astype(np.float32)),
        frame,
        pd.DataFrame(index=[f"G{i}" for i in range(genes)]),
    )
    adata.obsm["spatial"] = places * pitch_um / mpp
    return adata


def write_hest(folder: Path, name: str = "TENX95", *, mpp: float = 0.5, **about: Any) -> Path:
    """Write a section of HEST-1k: ``st/NAME.h5ad`` and ``metadata/NAME.json``."""
    for part in ("st", "metadata"):
        (folder / part).mkdir(exist_ok=True)
    adata = make_spots_adata(mpp=mpp)
    adata.obs["pxl_col_in_fullres"], adata.obs["pxl_row_in_fullres"] = adata.obsm["spatial"].T
    adata.write_h5ad(path := folder / "st" / f"{name}.h5ad")
    known = {
        "id": name, "pixel_size_um_estimated": mpp, "pixel_size_um_embedded": None, "spot_diameter": 100,
        "inter_spot_dist": 200, "fullres_px_width": 3000, "fullres_px_height": 2500,
    }  # fmt: skip
    (folder / "metadata" / f"{name}.json").write_text(json.dumps({**known, **about}))
    return path
