"""The file of a frozen reference: what comes back, and what is refused."""

from __future__ import annotations

import h5py
import numpy as np
import pandas as pd
import pytest

from sequoia_stats.errors import InputError
from sequoia_stats.sets.gsva import Gsva
from sequoia_stats.sets.gsva.reference import read_reference
from tests.build.cohorts import make_cohort
from tests.build.gsva import SETS, make_counts, make_table


@pytest.fixture
def file(tmp_path):
    Gsva(SETS).fit(make_table()).save(tmp_path / "r.h5")
    return tmp_path / "r.h5"


def change(path, key, value):
    """Replace the value of an attribute or a table; None removes it."""
    with h5py.File(path, "r+") as file:
        if key in file:
            del file[key]
            if value is not None:
                file[key] = value
        elif value is None:
            del file.attrs[key]
        else:
            file.attrs[key] = value


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"kernel": "exact", "tau": 0.25, "max_diff": False},
        {"kcdf": "none", "abs_ranking": True, "min_size": 2, "max_size": 5},
        {"kcdf": "poisson", "aliases": True},
    ],
)
def test_scores_and_settings_come_back(tmp_path, options):
    make = make_counts if options.get("kcdf") == "poisson" else make_table
    model, new = Gsva(SETS, **options).fit(make()), make(n=3, seed=4)
    model.save(tmp_path / "r.h5")
    loaded = Gsva.load(tmp_path / "r.h5")
    pd.testing.assert_frame_equal(loaded.transform(new), model.transform(new), check_exact=True)
    assert {name: getattr(loaded, name) for name in options} == options
    assert loaded.versions_ == model.versions_


def test_sets_and_names_come_back(file):
    loaded = Gsva.load(file)
    assert loaded.sets_.sets == {"one": ("G2",), "few": ("G1", "G4", "G5"), "many": tuple(SETS["many"])}
    assert list(loaded.reference_.samples) == list(make_table().index)


def test_a_loaded_reference_can_be_fitted_to_other_samples(file):
    loaded, other = Gsva.load(file), make_table(n=30, seed=2)
    pd.testing.assert_frame_equal(
        loaded.fit(other).transform(other),
        Gsva({n: g for n, g in SETS.items() if n != "gone"}).fit_transform(other),
    )


def test_the_same_reference_gives_the_same_bytes(file, tmp_path):
    Gsva(SETS).fit(make_table()).save(tmp_path / "again.h5")
    assert (tmp_path / "again.h5").read_bytes() == file.read_bytes()


def test_a_save_that_fails_leaves_nothing(tmp_path):
    model = Gsva(SETS).fit(make_table())
    (tmp_path / "r.h5").mkdir()
    with pytest.raises(InputError, match="a folder has its name"):
        model.save(tmp_path / "r.h5")
    assert [path.name for path in tmp_path.iterdir()] == ["r.h5"]


def test_a_cohort_is_no_reference(tmp_path):
    make_cohort().adata.write_h5ad(tmp_path / "c.h5ad")
    with pytest.raises(InputError, match="not a GSVA reference, but another kind of HDF5 file"):
        Gsva.load(tmp_path / "c.h5ad")


@pytest.mark.parametrize(
    ("content", "words"), [(b"", "not an HDF5 file"), (b"sample_id,a\n", "not an HDF5 file")]
)
def test_other_files_are_refused(tmp_path, content, words):
    (tmp_path / "r.h5").write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_reference(tmp_path / "r.h5")


def test_what_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_reference(tmp_path / "r.h5")
    with pytest.raises(InputError, match="a folder was given"):
        read_reference(tmp_path)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_truncated_file_is_refused(file, share):
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(InputError, match=r"damaged|not an HDF5 file"):
        read_reference(file)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("version", 2, "has version 2, but this program reads version 1"),
        ("settings", "{}", "damaged"),
        ("settings", '{"kcdf": "other"}', "damaged"),
        ("name", None, "damaged"),
        ("values", None, "damaged"),
        ("values", np.ones((3, 12)), "do not match each other"),
        ("values", np.full((20, 12), np.nan), "do not match each other"),
        ("values", np.ones((20, 12), np.float32), "do not match each other"),
        ("genes", ["G1"] * 20, "do not match each other"),
        ("set_ends", [0, 1, 4, 11], "do not match each other"),
        ("set_ends", [0, 4, 4, 10], "do not match each other"),
        ("set_genes", [20] * 10, "do not match each other"),
        ("set_genes", [-1] * 10, "do not match each other"),
    ],
)
def test_a_changed_file_is_refused(file, key, value, words):
    change(file, key, value)
    with pytest.raises(InputError, match=words):
        read_reference(file)
