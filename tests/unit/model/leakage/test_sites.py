"""How well features tell the site."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from sequoia_model.errors import InputError
from sequoia_model.leakage import SlideMeans, site_signal
from sequoia_model.leakage._discriminant import SHRINKAGE, Discriminant
from sequoia_model.splits import published

SITES = ("A1", "B2", "C3")


def make_means(shift, n=90, d=12, seed=0, slides=1):
    """Slides of patients of three sites, whose features differ by `shift` standard deviations in three columns."""
    generator = np.random.default_rng(seed)
    site = generator.choice(3, size=n, p=[0.5, 0.3, 0.2])
    x = generator.normal(size=(n, d))
    x[np.arange(n), site] += shift
    names = [f"TCGA-{SITES[k]}-{i:04d}-01Z-00-DX" for i, k in enumerate(site)]
    return SlideMeans(
        tuple(f"{name}{j + 1}" for name in names for j in range(slides)),
        np.repeat(x, slides, axis=0).astype(np.float32),
        "uni",
    )


def test_sites_that_shift_the_features_are_told():
    found = site_signal(make_means(4), permutations=99)
    assert found.accuracy > 0.85 and found.balanced_accuracy > 0.8
    assert found.p == 1 / 100
    assert abs(found.null_accuracy - found.majority_share) < 0.15
    assert (found.n_patients, found.n_sites, found.encoder) == (90, 3, "uni")
    assert found.per_site["site"].tolist() == list(SITES)
    assert found.per_site["n_patients"].sum() == 90
    assert np.average(found.per_site["accuracy"], weights=found.per_site["n_patients"]) == pytest.approx(
        found.accuracy
    )


def test_without_a_shift_p_values_are_those_of_chance():
    p = [site_signal(make_means(0, n=45, seed=seed), permutations=19, seed=seed).p for seed in range(40)]
    assert np.mean(np.array(p) <= 0.1) < 0.25
    assert 0.35 < np.mean(p) < 0.7


def test_a_patient_is_one_unit_however_many_slides_there_are():
    one, three = site_signal(make_means(1)), site_signal(make_means(1, slides=3))
    assert (three.accuracy, three.p, three.n_patients) == (one.accuracy, one.p, one.n_patients)
    assert (one.n_slides, three.n_slides) == (90, 270)


def test_scale_offset_and_order_of_slides_do_not_change_the_result():
    means = make_means(1)
    backwards = SlideMeans(means.slides[::-1], (50 * means.means + 7)[::-1], "uni")
    one, other = site_signal(means, permutations=19), site_signal(backwards, permutations=19)
    assert one.accuracy == other.accuracy and one.p == other.p


def test_the_same_seed_gives_the_same_numbers():
    found = [site_signal(make_means(1), permutations=29, seed=seed).to_dict() for seed in (1, 1, 2)]
    assert found[0] == found[1] != found[2]


def test_without_permutations_there_is_no_p():
    found = site_signal(make_means(1), permutations=0).to_dict()
    assert found["p"] is None and found["null_accuracy"] is None


def test_the_classifier_is_that_of_scikit_learn():
    generator = np.random.default_rng(3)
    x, other = generator.normal(size=(60, 9)), generator.normal(size=(200, 9))
    label = generator.choice(3, size=60, p=[0.6, 0.3, 0.1])
    x[np.arange(60), label] += 1
    made = Discriminant.of(x, other)
    reference = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=SHRINKAGE).fit(made.train, label)
    np.testing.assert_array_equal(made.classify(label, 3), reference.predict(made.other))


def test_components_have_unit_variance_and_see_training_rows_only():
    generator = np.random.default_rng(4)
    x, other = generator.normal(size=(80, 30)), generator.normal(size=(5, 30))
    made = Discriminant.of(x, other)
    assert made.train.shape == (80, 20)
    np.testing.assert_allclose(made.train.T @ made.train / 80, np.eye(20), atol=1e-10)
    np.testing.assert_allclose(Discriminant.of(x, other + 99).train, made.train)


# --- what is left out, and what is refused ---------------------------------------------------------------------------


def table(folder, **columns):
    """A table of patients."""
    pd.DataFrame(columns).to_csv(folder / "t.csv", index=False)
    return folder / "t.csv"


def test_sites_of_a_column_are_used_and_small_ones_are_counted(tmp_path):
    means = SlideMeans(tuple(f"S{i}" for i in range(23)), make_means(3, n=23).means, "uni")
    patients = [f"P{i}" for i in range(23)]
    hospital = ["a"] * 10 + ["b"] * 10 + ["c"] * 2 + ["[Not Available]"]
    path = table(tmp_path, slide=means.slides, patient_id=patients, hospital=hospital)
    found = site_signal(means, patients=path, site="hospital", permutations=9)
    assert (found.n_slides, found.n_patients, found.n_sites) == (20, 20, 2)
    assert found.flow["n_after"].tolist() == [23, 22, 20]
    assert "1 site with fewer than 5 patients" in found.flow["reason"].iloc[2]
    assert "nobody says the site of the others: P22" in found.flow["reason"].iloc[1]


def test_what_cannot_be_told_is_refused(tmp_path):
    means = make_means(1)
    with pytest.raises(InputError, match="there is no column 'hospital'"):
        site_signal(means, patients=table(tmp_path, patient_id=["P1"], site=["A"]), site="hospital")
    with pytest.raises(InputError, match="the site of none of the 90 patients is known") as raised:
        site_signal(SlideMeans(tuple(f"S{i}" for i in range(90)), means.means, "uni"))
    assert raised.value.where == "TCGA barcodes; patients of the features: S0, S1, S2 and 87 more"
    with pytest.raises(InputError, match="1 site has 40 patients or more") as raised:
        site_signal(means, n_folds=40)
    second = sorted(pd.Series([name[5:7] for name in means.slides]).value_counts())[-2]
    assert raised.value.fix == f"use --folds {second}"
    with pytest.raises(InputError, match="all patients are of one site, so there is nothing to tell apart"):
        site_signal(SlideMeans(tuple(f"TCGA-A1-{i:04d}" for i in range(90)), means.means, "uni"))
    with pytest.raises(InputError, match="of all patients are the same"):
        site_signal(SlideMeans(means.slides, np.ones((90, 4), np.float32), "uni"))
    path = table(tmp_path, slide=["S1", "S2"], patient_id=["P1", "P1"], hospital=["a", "b"])
    with pytest.raises(InputError, match="patients have several values in the column 'hospital'"):
        site_signal(means, patients=path, site="hospital")
    with pytest.raises(InputError, match="permutations must be a whole number, 0 or more"):
        site_signal(means, permutations=-1)


def of_two_organs(hospital_shift, seed=0):
    """Patients of two cohorts of two hospitals each; cohorts differ by much, hospitals by `hospital_shift`."""
    x = np.random.default_rng(seed).normal(size=(200, 10))
    x[np.arange(200), np.arange(200) % 2] += 9
    x[np.arange(200), 2 + np.arange(200) % 4] += hospital_shift
    patients = [f"P{i:03d}" for i in range(200)]
    columns = {"cohort": [f"c{i % 2}" for i in range(200)], "site": [f"h{i % 4}" for i in range(200)]}
    return SlideMeans(tuple(patients), x.astype(np.float32), "uni"), {"patient_id": patients, **columns}


def test_an_organ_is_no_hospital(tmp_path):
    means, columns = of_two_organs(0)
    found = site_signal(means, patients=table(tmp_path, **columns), permutations=99)
    assert found.accuracy > found.majority_share + 0.1
    assert found.p > 0.05 and abs(found.null_accuracy - found.accuracy) < 0.2
    assert found.n_cohorts == 2 and "2 cohorts (c0, c1): sites are also told by the organ" in found.notes[0]
    del columns["cohort"]
    alone = site_signal(means, patients=table(tmp_path, **columns), permutations=99)
    assert (alone.p, alone.n_cohorts, alone.notes) == (1 / 100, 0, ())


def test_hospitals_are_told_within_cohorts(tmp_path):
    means, columns = of_two_organs(4)
    assert site_signal(means, patients=table(tmp_path, **columns), permutations=99).p == 1 / 100


def test_cohorts_of_tcga_are_those_of_the_published_folds():
    patients = [p for cancer in ("BRCA", "GBM") for p in published(cancer).roles.index[:200]]
    x = np.random.default_rng(0).normal(size=(400, 6)).astype(np.float32)
    assert site_signal(SlideMeans(tuple(patients), x, "uni"), permutations=0).n_cohorts == 2


def test_where_each_cohort_has_one_site_there_is_no_p(tmp_path):
    means, columns = of_two_organs(0)
    columns["site"] = [f"h{i % 2}" for i in range(200)]
    found = site_signal(means, patients=table(tmp_path, **columns), permutations=99)
    assert found.accuracy > 0.95 and np.isnan(found.p) and np.isnan(found.null_accuracy)
    assert found.permutations == 0
    assert (
        found.notes[-1]
        == "each cohort has one site, so no site can be shuffled within cohorts: there is no p"
    )
    assert "within cohorts" not in found.notes[0]


def test_patients_whose_site_is_the_only_one_of_their_cohort_are_counted(tmp_path):
    means, columns = of_two_organs(0)
    columns["site"] = [f"h{i % 4 if i % 2 else 0}" for i in range(200)]
    found = site_signal(means, patients=table(tmp_path, **columns), permutations=19)
    assert 0 < found.p <= 1 and found.permutations == 19
    assert found.notes[-1].startswith(
        "100 of 200 patients have no patient of another site in the same cohort"
    )
