"""Folds balanced by events, levels or numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequoia_base.names import tissue_source_site
from sequoia_model.errors import InputError
from sequoia_model.splits import draw, published
from sequoia_model.splits._balance import balance_of

SITE = {f"P{i:03d}": f"S{int(np.sqrt(i))}" for i in range(150)}


def some_events(site, seed=0):
    """Events of patients, which are more frequent in some sites."""
    generator = np.random.default_rng(seed)
    rate = dict(zip(sorted(set(site.values())), generator.beta(2, 8, len(set(site.values()))), strict=True))
    return {patient: int(generator.random() < rate[here]) for patient, here in site.items()}


def sums_tested(splits, values):
    """The sum of the values by test fold."""
    return [
        sum(values[patient] for patient in splits.patients(fold, "test")) for fold in range(splits.n_folds)
    ]


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 50), st.sampled_from([0.0, 0.1, 0.3]))
def test_whole_sites_are_kept_and_each_patient_is_tested_once(seed, val):
    splits = draw(SITE, n_folds=4, val=val, seed=seed, sites=SITE, balance=some_events(SITE, seed))
    assert splits.is_partition
    assert (splits.roles.groupby(splits.roles.index.map(SITE)).nunique() == 1).all(axis=None)
    assert ((splits.sizes["val"] > 0) == (val > 0)).all()


def test_events_of_published_patients_are_spread_better_than_by_dealing_sites_greedily():
    patients = published("BRCA").roles.index
    event = some_events({patient: tissue_source_site(patient) or "" for patient in patients}, 3)
    greedy = draw(patients, sites=True)
    solved = draw(patients, sites=True, balance=event, balance_name="event")
    assert np.ptp(sums_tested(solved, event)) < np.ptp(sums_tested(greedy, event)) / 2
    assert np.ptp(solved.sizes["test"]) <= 8
    assert "solved by milp" in solved.note and "event (2 levels)" in solved.note and "gap 0." in solved.note


def test_the_seed_decides_and_the_order_of_patients_does_not():
    event = some_events(SITE)
    one = draw(SITE, sites=SITE, balance=event, seed=1)
    backwards = dict(reversed(SITE.items()))
    assert draw(backwards, sites=backwards, balance=event, seed=1).to_frame().equals(one.to_frame())
    assert not draw(SITE, sites=SITE, balance=event, seed=2).roles.equals(one.roles)


def test_ages_are_alike_in_all_test_parts():
    age = {patient: 40 + (i * 37) % 45 + 5 * (SITE[patient] > "S5") for i, patient in enumerate(SITE)}
    splits = draw(SITE, n_folds=3, sites=SITE, balance=age, balance_name="age")
    means = np.array(sums_tested(splits, age)) / splits.sizes["test"]
    assert np.ptp(means) < 0.1 * np.std(list(age.values()))
    assert "age (numeric)" in splits.note


def test_without_sites_levels_are_dealt_exactly():
    grade = {f"P{i:02d}": "1123"[i % 4] for i in range(60)}
    splits = draw(grade, balance=grade, balance_name="grade", val=0.25)
    assert {tuple(sorted(map(grade.get, splits.patients(k, "test")))) for k in range(5)} == {
        tuple("1" * 6 + "2" * 3 + "3" * 3)
    }
    assert splits.note == "balanced by grade (3 levels)"


@pytest.mark.parametrize("n_folds", [3, 5])
def test_as_many_sites_as_folds_are_enough(n_folds):
    site = {f"P{i:02d}": "ABCDE"[i % n_folds] for i in range(30)}
    splits = draw(site, n_folds=n_folds, sites=site, solver="milp")
    assert set(splits.sizes["test"]) == set(splits.sizes["val"]) == {30 // n_folds}


def test_cohorts_are_balanced_as_well():
    cohorts = {patient: "A" if i % 3 else "B" for i, patient in enumerate(SITE)}
    splits = draw(SITE, n_folds=3, sites=SITE, cohorts=cohorts, solver="milp")
    counts = (splits.roles == "test").groupby(splits.cohort).sum()
    assert (np.ptp(counts, axis=1) <= 4).all()


def test_a_site_larger_than_a_part_is_named_and_has_a_fold_of_its_own():
    site = {f"P{i:03d}": "large" if i < 60 else f"S{i % 14}" for i in range(150)}
    splits = draw(site, n_folds=4, sites=site, solver="milp")
    assert "larger than an even test part of 37.5 patients: large (60)" in splits.note
    sizes = sorted(splits.sizes["test"])
    assert sizes[3] == 60 and sizes[2] - sizes[0] <= 6
    assert "large (60)" in draw(site, n_folds=4, sites=site).note


def test_a_site_of_most_patients_can_be_kept_whole_as_the_error_says():
    site = {p: "A" if i < 80 else s for i, (p, s) in enumerate(SITE.items())}
    assert draw(SITE, n_folds=2, val=0, sites=site).is_partition
    assert draw(SITE).is_partition


@pytest.mark.parametrize("solver", ["greedy", "milp"])
def test_how_even_the_parts_are_is_kept_beside_the_note(solver):
    splits = draw(SITE, n_folds=4, sites=SITE, solver=solver)
    size = splits.sizes["test"].to_numpy()
    assert splits.dealt.solver == solver
    assert splits.dealt.unevenness == pytest.approx(np.abs(size - 37.5).mean() / 37.5)
    assert draw(SITE).dealt is None
    if solver == "greedy":
        assert splits.dealt.gap is None
    else:
        assert 0 <= splits.dealt.gap <= 0.01 and "of 1 + the unevenness" in splits.note


def test_numbers_are_levels_if_few_differ_and_missing_is_counted():
    names = [f"P{i:02d}" for i in range(40)]
    grade = balance_of({n: "" if i < 3 else i % 3 + 1.0 for i, n in enumerate(names)}, names, 5, "grade")
    assert grade.words == "grade (3 levels, 3 missing)"
    assert grade.columns.sum(axis=0).tolist() == [13, 12, 12, 3]
    age = balance_of({n: i + 0.5 for i, n in enumerate(names)}, names[:39], 5, "age")
    assert age.words == "age (numeric)"
    plate = balance_of({n: f"{i % 13}.0" for i, n in enumerate(names)}, names, 3, "plate")
    assert plate.words == "plate (13 levels)" and set(plate.level) == {str(i) for i in range(13)}
    assert abs(age.columns.sum()) < 1e-9 and age.columns.std() == pytest.approx(1)


WRONG = {
    "all alike": ({"balance": dict.fromkeys(SITE, 1)}, "cannot be balanced: 1 is all that it holds"),
    "nothing": ({"balance": {}}, "nothing is all that it holds"),
    "names": ({"balance": {patient: patient for patient in SITE}}, "150 levels in 150 patients"),
    "a solver": ({"solver": "simplex"}, "'simplex' is not a valid solver"),
    "a property that greedy ignores": (
        {"solver": "greedy", "balance": {p: i % 2 for i, p in enumerate(SITE)}, "balance_name": "event"},
        "the greedy solver does not balance event",
    ),
    "a solver without sites": ({"solver": "milp", "sites": False}, "only where sites are kept whole"),
    "few sites": (
        {"sites": {p: s[:2] for p, s in SITE.items()}, "n_folds": 11},
        "10 sites are too few.*use --folds 10",
    ),
    "one site outside": (
        {"sites": {p: "A" if i < 75 else "B" for i, p in enumerate(SITE)}, "n_folds": 2},
        "only the site [AB] is left to train.*use --val 0, or do not keep sites whole",
    ),
    "a site of most": (
        {"sites": {p: "A" if i < 80 else s for i, (p, s) in enumerate(SITE.items())}},
        "the site A has 80 of 150 patients, more than all other sites together.*--folds 2 --val 0",
    ),
}


@pytest.mark.parametrize(("options", "words"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_balanced_is_refused(options, words):
    with pytest.raises(InputError, match=f"(?s){words}"):
        draw(SITE, **{"sites": SITE, "solver": "milp"} | options)
