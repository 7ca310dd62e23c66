"""Folds drawn at random: balanced, repeatable, with whole sites."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequoia_base.names import tissue_source_site
from sequoia_model.errors import InputError
from sequoia_model.splits import ROLES, draw, published

PATIENTS = [
    f"TCGA-{site}-{i:04d}"
    for site, n in zip(["A1", "A2", "A3", "A4", "A5", "A6", "A7"], (9, 7, 5, 4, 3, 2, 2), strict=True)
    for i in range(n)
]


@given(st.integers(10, 60), st.integers(2, 6), st.integers(0, 3), st.floats(0, 0.5))
def test_drawn_folds_test_each_patient_once_and_are_balanced(n, n_folds, seed, val):
    splits = draw([f"P{i}" for i in range(n)], n_folds=n_folds, seed=seed, val=val)
    sizes = splits.sizes
    assert splits.is_partition
    assert np.ptp(sizes["test"]) <= 1
    outside = n - sizes["test"]
    assert (abs(sizes["val"] - val * outside) <= 1).all()


def test_shares_are_those_of_the_published_splits():
    theirs = published("BRCA")
    assert draw(theirs.roles.index).sizes.equals(theirs.sizes)


def test_a_share_that_is_whole_is_not_rounded_up_for_being_binary():
    assert set(draw([f"P{i}" for i in range(125)], val=0.07).sizes["val"]) == {
        7
    }  # 0.07 × 100 is 7.000000000000001


def test_the_seed_decides_and_the_order_of_patients_does_not():
    one = draw(PATIENTS, seed=1)
    assert draw([*PATIENTS[::-1], PATIENTS[0]], seed=1).to_frame().equals(one.to_frame())
    assert not draw(PATIENTS, seed=2).roles.equals(one.roles)


def test_cohorts_are_spread_over_test_and_val():
    cohorts = {f"P{i:02d}": "A" if i < 40 else "B" for i in range(60)}
    splits = draw(cohorts, cohorts=cohorts, val=0.25)
    counts = splits.roles.groupby(splits.cohort).agg(lambda fold: tuple(fold.value_counts()[list(ROLES)]))
    assert set(counts.loc["A"]) == {(24, 8, 8)}
    assert set(counts.loc["B"]) == {(12, 4, 4)}


def site_parts(splits, site):
    """How many roles the patients of each site have in each fold."""
    return splits.roles.groupby(splits.roles.index.map(site)).nunique()


@pytest.mark.parametrize("seed", range(5))
def test_sites_stay_whole_in_test_and_val(seed):
    splits = draw(PATIENTS, n_folds=3, sites=True, seed=seed)
    assert splits.is_partition
    assert (site_parts(splits, tissue_source_site) == 1).all(axis=None)
    assert (splits.sizes["val"] > 0).all()


def test_a_site_validates_where_all_are_larger_than_the_share():
    site = {f"P{i:02d}": f"S{i // 5}" for i in range(15)}
    assert draw(site, n_folds=3, sites=site).sizes.to_numpy().tolist() == [[5, 5, 5]] * 3


@pytest.mark.parametrize("seed", range(4))
def test_a_site_that_is_larger_than_the_share_does_not_validate_where_small_ones_can(seed):
    site = {f"P{i:02d}": "large" if i < 12 else f"S{i // 4}" for i in range(40)}
    splits = draw(site, n_folds=2, val=0.3, sites=site, seed=seed)
    validating = (splits.roles == "val").any(axis=1)
    assert validating.any()
    assert "large" not in splits.roles.index[validating].map(site)


def test_sites_are_dealt_so_that_test_parts_are_alike_and_the_note_gives_their_sizes():
    splits = draw(PATIENTS, n_folds=3, sites=True)
    assert sorted(splits.sizes["test"]) == [10, 11, 11]
    assert splits.note.startswith("7 tissue source sites")
    assert splits.note.count("11 patients") == 2


def test_whole_sites_of_a_published_cancer_are_nearly_as_balanced():
    splits = draw(published("BRCA").roles.index, sites=True)
    assert (site_parts(splits, tissue_source_site) == 1).all(axis=None)
    assert splits.sizes["test"].between(205, 219).all()
    assert splits.sizes["val"].between(70, 90).all()


def test_sites_of_others_are_given():
    site = {f"P{i}": "ABCD"[i % 4] for i in range(12)}
    splits = draw(site, n_folds=2, sites=site)
    assert (site_parts(splits, site) == 1).all(axis=None)


def test_whole_sites_are_dealt_within_cohorts():
    cohorts = {patient: "A" if patient < "TCGA-A4" else "B" for patient in PATIENTS}
    splits = draw(PATIENTS, n_folds=3, sites=True, cohorts=cohorts)
    tested = (splits.roles == "test").groupby(splits.cohort).sum()
    assert sorted(tested.loc["A"]) == [5, 7, 9]
    assert sorted(tested.loc["B"]) == [3, 4, 4]


def test_whole_sites_validate_in_every_cohort():
    cohort = pd.concat([published(cancer).cohort for cancer in ("BRCA", "GBM", "HNSC")])
    splits = draw(cohort.index, sites=True, cohorts=cohort.to_dict())
    share = (splits.roles == "val").groupby(cohort).sum() / (splits.roles != "test").groupby(cohort).sum()
    assert share.stack().between(0.07, 0.12).all()


DRAWS = {
    "one fold": ({"n_folds": 1}, "n_folds must be a whole number, 2 or more, but is 1"),
    "all validate": ({"val": 1.0}, "from 0 to below 1, but is 1.0"),
    "a negative share": ({"val": -0.1}, "from 0 to below 1, but is -0.1"),
    "a negative seed": ({"seed": -1}, "seed must be a whole number, 0 or more, but is -1"),
    "few patients": ({"patients": ["P1", "P2"], "n_folds": 3}, "2 patients are too few for 3 folds"),
    "nobody to train": ({"patients": ["P1", "P2"], "n_folds": 2}, "2 patients are too few for 2 folds"),
    "a blank": ({"patients": ["P1", " "]}, "a patient has no name"),
    "no barcode": ({"patients": [*PATIENTS, "P1"], "sites": True}, "1 of 33 patients has no TCGA barcode"),
    "no site": ({"sites": {PATIENTS[0]: "A1"}}, "31 of 32 patients have no site"),
    "no cohort": ({"cohorts": {PATIENTS[0]: "A"}}, "31 of 32 patients have no cohort"),
    "few sites": ({"sites": True, "n_folds": 8}, "7 sites are too few for 8 folds"),
    "one site outside": (
        {"patients": PATIENTS[:16], "sites": True, "n_folds": 2},
        "only the site A. is left to train",
    ),
}


@pytest.mark.parametrize(("options", "words"), DRAWS.values(), ids=DRAWS)
def test_what_cannot_be_drawn_is_refused(options, words):
    with pytest.raises(InputError, match=words):
        draw(**{"patients": PATIENTS} | options)


def test_two_patients_can_be_drawn_without_val():
    assert draw(["P1", "P2"], n_folds=2, val=0).sizes["train"].tolist() == [1, 1]


def test_samples_of_one_patient_are_not_two_patients():
    names = [f"TCGA-3C-A{i:03d}-01Z-00-DX{j}" for i in range(10) for j in (1, 2)]
    with pytest.raises(InputError, match="20 names belong to 10 patients"):
        draw(names)
