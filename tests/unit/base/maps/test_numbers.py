"""Numbers read as bytes from where they lie, or by the child process where they lie otherwise."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from sequoia_base.errors import InputError
from sequoia_base.maps import read_heads, read_map, write_map
from tests.build.maps import make_gene_map, make_heads

NAMES = [f"G{i}" for i in range(50)]


@pytest.fixture
def values():
    return np.random.default_rng(0).normal(size=(19, 50)).astype(np.float32)


@pytest.fixture
def stored(tmp_path, values):
    write_map(make_gene_map(values, NAMES), tmp_path / "a.map.h5ad")
    return tmp_path / "a.map.h5ad"


def rewrite(path, name, **options):
    """The same numbers, stored in another way."""
    with h5py.File(path, "r+") as file:
        values, attributes = file[name][()], dict(file[name].attrs)
        del file[name]
        file.create_dataset(name, data=values, **options).attrs.update(attributes)


def test_genes_of_every_chunk_are_read_as_bytes(stored, values):
    found = read_map(stored)
    assert set(found.values.places) == {"X"}
    np.testing.assert_array_equal(np.stack([found.gene(name) for name in NAMES], axis=1), values)


@pytest.mark.parametrize(
    "options",
    [
        {"chunks": (19, 16), "compression": "gzip"},
        {"chunks": (5, 16)},
        {"dtype": "f8", "chunks": (19, 16)},
        {},
    ],
)
def test_genes_that_are_stored_otherwise_are_read_by_the_child(stored, values, options):
    rewrite(stored, "X", **options)
    found = read_map(stored)
    assert not found.values.places
    np.testing.assert_array_equal(found.gene("G17"), values[:, 17])
    np.testing.assert_array_equal(found.genes(["G49", "G0"]), values[:, [49, 0]])


def test_heads_are_the_same_however_they_are_stored(tmp_path):
    heads = make_heads(tmp_path / "heads.h5", NAMES)
    wanted = ["G7", "G8", "G9", "G2", "G49"]
    as_bytes = heads.rows(wanted)
    rewrite(heads.path, "weight", chunks=(1, 7, 6), compression="gzip")
    other = read_heads(heads.path)
    assert heads.places is not None and other.places is None
    with h5py.File(heads.path) as file:
        here = [NAMES.index(name) for name in wanted]
        expected = (file["weight"][()][:, here], file["bias"][()][:, here])
    for got, by_child, direct in zip(as_bytes, other.rows(wanted), expected, strict=True):
        np.testing.assert_array_equal(got, direct)
        np.testing.assert_array_equal(by_child, direct)


def test_a_file_that_has_changed_is_not_read(tmp_path, stored, values):
    found, heads = read_map(stored), make_heads(tmp_path / "heads.h5")
    write_map(make_gene_map(2 * values, NAMES), stored, force=True)
    with pytest.raises(InputError, match="has changed since it was opened"):
        found.gene("G1")
    make_heads(heads.path, seed=1)
    with pytest.raises(InputError, match="has changed since it was opened"):
        heads.gene("ESR1")
