"""The streamed file is the one that AnnData writes; a full disk is an error, not a crash."""

from __future__ import annotations

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest

from sequoia_model.prediction._file import PredictionsFile

GENES = [f"G{i}" for i in range(7)]


def make_matrix(rows: int = 40, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, len(GENES))).astype(np.float32)


def make_obs(rows: int = 40) -> pd.DataFrame:
    obs = pd.DataFrame(
        {"patient_id": [f"P{i // 2}" for i in range(rows)]}, index=[f"S{i}" for i in range(rows)]
    )
    obs["fold"] = pd.array([None, 3] * (rows // 2), dtype="Int64")
    obs["cohort"] = [None, "BRCA"] * (rows // 2)
    return obs


def make_uns() -> dict:
    words = np.array(["one", "two"], dtype=object)
    return {
        "name": "made",
        "warnings": words,
        "none": np.array([], dtype=object),
        "weights": {"folds": np.arange(5)},
    }


def write(path, *, batch=16, rows=40):
    x, std = make_matrix(rows), make_matrix(rows, seed=1)
    with PredictionsFile(path, GENES, ["std"]) as file:
        for start in range(0, rows, batch):
            file.append(X=x[start : start + batch], std=std[start : start + batch])
        file.finish(make_obs(rows), make_uns())
    return x, std


def contents(path):
    """Every node: its attributes, type and values."""
    found = {}

    def look(name, node):
        values = node[()] if isinstance(node, h5py.Dataset) else sorted(node)
        attrs = {key: np.asarray(value).tolist() for key, value in node.attrs.items()}
        found[name] = (attrs, getattr(node, "dtype", None), np.asarray(values).tolist())

    with h5py.File(path) as file:
        file.visititems(look)
        look("/", file)
    return found


def test_the_file_is_the_one_that_anndata_writes(tmp_path):
    x, std = write(tmp_path / "ours.h5ad")
    var = pd.DataFrame(index=pd.Index(GENES, dtype=object, name="gene"))
    usual = anndata.AnnData(x, make_obs(), var, layers={"std": std}, uns=make_uns())
    usual.write_h5ad(tmp_path / "usual.h5ad")
    assert contents(tmp_path / "ours.h5ad") == contents(tmp_path / "usual.h5ad")


def test_anndata_reads_it(tmp_path):
    x, std = write(tmp_path / "p.h5ad")
    adata = anndata.read_h5ad(tmp_path / "p.h5ad")
    np.testing.assert_array_equal(adata.X, x)
    np.testing.assert_array_equal(adata.layers["std"], std)
    assert adata.obs["fold"].isna().sum() == 20 and adata.obs["patient_id"].nunique() == 20
    assert adata.var_names.tolist() == GENES and adata.uns["warnings"].tolist() == ["one", "two"]


def test_the_same_rows_in_batches_of_the_same_size_are_the_same_bytes(tmp_path):
    write(tmp_path / "a.h5ad")
    write(tmp_path / "b.h5ad")
    assert (tmp_path / "a.h5ad").read_bytes() == (tmp_path / "b.h5ad").read_bytes()


def test_batches_of_another_size_hold_the_same(tmp_path):
    write(tmp_path / "a.h5ad", batch=16)
    write(tmp_path / "b.h5ad", batch=7)
    assert contents(tmp_path / "a.h5ad") == contents(tmp_path / "b.h5ad")


def test_rows_of_an_added_layer_are_set_in_any_order_and_nan_elsewhere(tmp_path):
    x = make_matrix(4)
    with PredictionsFile(tmp_path / "p.h5ad", GENES, []) as file:
        file.add_layer("measured", 4)
        file.set_row("measured", 2, x[2])
        file.set_row("measured", 0, x[0])
        file.append(X=x)
        file.finish(make_obs(4), {})
    measured = anndata.read_h5ad(tmp_path / "p.h5ad").layers["measured"]
    np.testing.assert_array_equal(measured[[0, 2]], x[[0, 2]])
    assert np.isnan(measured[[1, 3]]).all()


def test_rows_of_slides_that_failed_are_taken_out(tmp_path):
    x = make_matrix(40)
    with PredictionsFile(tmp_path / "p.h5ad", GENES, []) as file:
        file.add_layer("measured", 40)
        [file.set_row("measured", i, x[i]) for i in range(40)]
        file.keep_rows("measured", [1, 2, 20, 39])
        file.append(X=x[:4])
        file.finish(make_obs(4), {})
    measured = anndata.read_h5ad(tmp_path / "p.h5ad").layers["measured"]
    np.testing.assert_array_equal(measured, x[[1, 2, 20, 39]])


def test_chunks_of_all_genes_are_small(tmp_path):
    with PredictionsFile(tmp_path / "p.h5ad", [f"G{i}" for i in range(20820)], []):
        pass
    with h5py.File(tmp_path / "p.h5ad") as file:
        assert file["X"].chunks == (3, 20820)


def test_a_full_disk_is_an_error_of_the_disk():
    with pytest.raises(OSError, match="No space left on device"):
        write("/dev/full")
