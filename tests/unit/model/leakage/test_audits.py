"""What an audit reports besides leaks: near-duplicates, and what test parts differ in."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequoia_model.errors import InputError
from sequoia_model.leakage import SlideMeans, audit, audit_splits, read_slide_means
from sequoia_model.leakage import _duplicates as duplicates
from sequoia_model.leakage._associations import associations
from sequoia_model.splits import draw, published
from tests.build.features import make_features, write_clam, write_ours, write_sequoia

PATIENTS = [f"TCGA-{'AB'[i % 2]}{i % 4}-{i:04d}" for i in range(40)]
SPLITS = draw(PATIENTS, n_folds=4)


def make_means(twins=(), n=40, seed=0):
    """Features of a slide of each patient; each of two twins has those of the other, and a little noise."""
    x = np.random.default_rng(seed).normal(size=(n, 32)).astype(np.float32)
    for one, other in twins:
        x[other] = 3 * x[one] + 0.01
    return SlideMeans(tuple(f"{patient}-01Z-00-DX1" for patient in PATIENTS[:n]), x, "uni")


def other_side(patient):
    """A patient of another test fold."""
    return next(
        i for i, p in enumerate(PATIENTS) if SPLITS.test_fold(p) != SPLITS.test_fold(PATIENTS[patient])
    )


def same_side(patient):
    """A patient with the same role in every fold."""
    roles = SPLITS.roles.loc[PATIENTS]
    return next(i for i in range(40) if i != patient and (roles.iloc[i] == roles.iloc[patient]).all())


def test_near_duplicates_on_two_sides_are_listed_with_the_folds():
    twin = other_side(0)
    found = audit_splits(SPLITS, make_means([(0, twin)]))
    assert len(found.near_duplicates) == 1
    pair = found.near_duplicates.iloc[0]
    assert {pair["patient_a"], pair["patient_b"]} == {PATIENTS[0], PATIENTS[twin]}
    roles = SPLITS.roles.loc[[PATIENTS[0], PATIENTS[twin]]].to_numpy()
    assert pair["folds"] == [k for k in range(4) if roles[0, k] != roles[1, k]]
    assert 0.999 <= pair["cosine"] <= 1
    assert found.leaks == ()
    assert "nearly the same" in str(found)


def test_near_duplicates_on_one_side_are_not_listed():
    assert audit_splits(SPLITS, make_means([(0, same_side(0))])).near_duplicates.empty


def test_all_pairs_are_those_of_a_plain_loop():
    means = make_means()
    rows = means.means.astype(float)
    cosine = (
        np.corrcoef(rows - 0) if False else (rows @ rows.T) / np.outer(*[np.linalg.norm(rows, axis=1)] * 2)
    )
    found = audit_splits(SPLITS, means, near=0.2).near_duplicates
    want = {
        (means.slides[i], means.slides[j])
        for i in range(40)
        for j in range(i + 1, 40)
        if cosine[i, j] >= 0.2 and (SPLITS.roles.loc[PATIENTS[i]] != SPLITS.roles.loc[PATIENTS[j]]).any()
    }
    assert set(zip(found["slide_a"], found["slide_b"], strict=True)) == want
    assert found["cosine"].is_monotonic_decreasing


def test_blocks_and_the_limit_do_not_change_the_first_pairs(monkeypatch):
    whole = audit_splits(SPLITS, make_means(), near=0.1).near_duplicates
    monkeypatch.setattr(duplicates, "_BLOCK", 7)
    again = audit_splits(SPLITS, make_means(), near=0.1).near_duplicates
    pd.testing.assert_frame_equal(again, whole)
    monkeypatch.setattr(duplicates, "MOST", 5)
    few = audit_splits(SPLITS, make_means(), near=0.1).near_duplicates
    pd.testing.assert_frame_equal(few, whole.head(len(few)))
    assert 0 < len(few) <= 5


def test_features_that_hardly_vary_are_said_to():
    means = make_means()
    found = audit_splits(SPLITS, SlideMeans(means.slides, means.means + 100, "uni"))
    assert any("hardly vary" in note for note in found.notes)


def test_slides_in_no_fold_and_patients_without_features_are_noted():
    means = make_means(n=38)
    slides = (*means.slides[:-1], "TCGA-ZZ-0000-01Z-00-DX1")
    notes = audit_splits(SPLITS, SlideMeans(slides, means.means, "uni")).notes
    assert any("1 of 38 slides is in no fold: TCGA-ZZ-0000" in note for note in notes)
    assert any("3 of 40 patients have no features" in note for note in notes)


def test_features_and_tables_of_other_patients_are_refused(tmp_path):
    other = SlideMeans(tuple(f"TCGA-ZZ-{i:04d}" for i in range(5)), make_means(n=5).means, "uni")
    with pytest.raises(InputError, match="none of the 5 slides of the features is in a fold") as raised:
        audit_splits(SPLITS, other)
    assert "TCGA-ZZ-0000" in raised.value.where and "TCGA-A0-0000" in raised.value.where
    SPLITS.save(tmp_path / "s.csv")
    (tmp_path / "t.csv").write_text("patient_id,er\nP1,+\nP2,-\n")
    with pytest.raises(InputError, match="none of the patients is in the splits") as raised:
        audit(tmp_path / "s.csv", patients=tmp_path / "t.csv")
    assert "given table: P1, P2" in raised.value.where


def test_a_table_of_samples_is_cut_to_patients(tmp_path):
    SPLITS.save(tmp_path / "s.csv")
    rows = [f"{patient}-01A,{'+-'[i // 2 % 2]}" for i, patient in enumerate(PATIENTS)]
    (tmp_path / "t.csv").write_text("\n".join(["patient_id,er", *rows]))
    found = audit(tmp_path / "s.csv", patients=tmp_path / "t.csv")
    assert found.associations.set_index("column").loc["er", "n"] == 40


# --- associations --------------------------------------------------------------------------------------------------


def test_sites_of_barcodes_are_tested_and_whole_sites_are_said_to_be_meant():
    patients = published("BRCA").roles.index
    loose, whole = audit_splits(draw(patients)), audit_splits(draw(patients, sites=True))
    assert loose.associations["column"].tolist() == ["site"]
    assert loose.associations["p"][0] > 0.05 and not loose.associations["whole"][0]
    assert whole.associations["p"][0] < 0.001 and whole.associations["whole"][0]
    assert "each level is whole in one fold" in str(whole)


def test_sites_are_tested_although_a_patient_has_no_barcode():
    splits = draw([*PATIENTS, "P1"], n_folds=4)
    found = audit_splits(splits)
    row = found.associations.set_index("column").loc["site"]
    assert (row["n"], row["n_missing"]) == (40, 1)
    assert "1 of 41 patients has no TCGA barcode, which would name the site: P1" in found.notes


def test_columns_of_the_table_are_tested(tmp_path):
    fold = [SPLITS.test_fold(patient) for patient in PATIENTS]
    table = pd.DataFrame(
        {"patient_id": PATIENTS, "ER": "positive", "batch": [f"b{k}" for k in fold], "age": range(40)}
    )
    table.loc[::3, "ER"] = "negative"
    table.loc[3, "ER"] = "[Not Available]"
    table["id"] = [f"x{i}" for i in range(40)]
    table.to_csv(tmp_path / "t.csv", index=False)
    found = audit_splits(SPLITS, patients=tmp_path / "t.csv")
    tests = found.associations.set_index("column")
    assert tests["test"].to_dict() == {
        "site": "permutation", "ER": "permutation", "batch": "permutation", "age": "kruskal-wallis",
    }  # fmt: skip
    assert tests.loc["batch", "p"] == 1 / 2000 and tests.loc["batch", "cramers_v"] == pytest.approx(1)
    assert tests.loc["ER", "n_missing"] == 1
    assert any("too many for the patients: id" in note for note in found.notes)
    assert found.leaks == ()


def test_codes_are_levels_however_many_there_are():
    generator = np.random.default_rng(0)
    fold = {i: int(k) for i, k in enumerate(generator.integers(0, 4, 120))}
    number = {i: str(100 + int(k)) for i, k in enumerate(generator.integers(0, 20, 120))}
    tests = associations(fold, {"num_site": number, "BatchID": number, "age": number}).set_index("column")
    assert tests["test"].to_dict() == {
        "num_site": "permutation", "BatchID": "permutation", "age": "kruskal-wallis",
    }  # fmt: skip
    assert tests.loc["num_site", "n_levels"] == 20


def test_a_permutation_p_is_near_that_of_the_distribution_where_both_hold():
    generator = np.random.default_rng(5)
    fold = dict(enumerate(generator.integers(0, 3, 90)))
    level = {i: str(generator.integers(0, 2)) for i in range(90)}
    exact = associations(fold, {"a": level})["p"][0]
    rare = level | {89: "2"}
    permuted = associations(fold, {"a": rare})
    assert permuted["test"][0] == "permutation"
    assert 0.0005 <= permuted["p"][0] <= 1
    assert abs(permuted["p"][0] - exact) < 0.2


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from("abc")), min_size=12, max_size=40), st.randoms())
def test_names_and_order_do_not_change_the_statistic(rows, random):
    one = associations(
        {i: k for i, (k, _) in enumerate(rows)}, {"a": {i: w for i, (_, w) in enumerate(rows)}}
    )
    renamed = [({0: 7, 1: 3, 2: 5}[k], {"a": "z", "b": "x", "c": "y"}[w]) for k, w in rows]
    random.shuffle(renamed)
    other = associations(
        {i: k for i, (k, _) in enumerate(renamed)}, {"a": {i: w for i, (_, w) in enumerate(renamed)}}
    )
    np.testing.assert_allclose(
        one["statistic"].to_numpy(float), other["statistic"].to_numpy(float), atol=1e-12
    )
    assert one["whole"].tolist() == other["whole"].tolist()


def test_the_same_seed_gives_the_same_p():
    fold = {i: i % 5 for i in range(30)}
    level = {i: "ab"[i % 10 in (0, 1, 5) and i > 9] for i in range(30)}
    p = [associations(fold, {"a": level}, seed)["p"][0] for seed in (1, 1, 2)]
    assert p[0] == p[1] != p[2]


# --- mean features -------------------------------------------------------------------------------------------------


def test_mean_features_are_those_of_tiles_although_some_files_hold_cluster_means(tmp_path):
    write_clam(tmp_path / "S1.h5", tiles=20, dim=8)
    write_clam(tmp_path / "S2.h5", tiles=20, dim=8, clusters=make_features(5, 8, seed=3))
    found = read_slide_means(tmp_path, encoder="uni")
    assert (found.slides, found.encoder, found.mean_of) == (("S1", "S2"), "uni", "tiles")
    np.testing.assert_allclose(found.means[0], make_features(20, 8).mean(axis=0), rtol=1e-6)
    np.testing.assert_array_equal(found.means[0], found.means[1])


def test_mean_features_are_those_of_cluster_means_where_a_file_holds_nothing_else(tmp_path):
    clusters = make_features(5, 8, seed=3)
    write_clam(tmp_path / "S1.h5", tiles=20, dim=8, clusters=clusters)
    write_sequoia(tmp_path / "S2.h5", dim=8, kinds=(), clusters=clusters)
    found = read_slide_means(tmp_path)
    assert found.mean_of == "cluster means"
    np.testing.assert_allclose(found.means, [clusters.mean(axis=0)] * 2, rtol=1e-6)


def test_tiles_alone_and_cluster_means_alone_are_not_compared(tmp_path):
    write_clam(tmp_path / "S1.h5", tiles=20, dim=8)
    write_sequoia(tmp_path / "S2.h5", dim=8, kinds=(), clusters=make_features(5, 8))
    with pytest.raises(
        InputError, match="1 of 2 files holds cluster means alone, and 1 tiles alone"
    ) as raised:
        read_slide_means(tmp_path)
    assert "cluster means: " in raised.value.where and "S2.h5; tiles: " in raised.value.where


def test_features_of_two_encoders_or_lengths_are_refused(tmp_path):
    from sequoia_model.types.bag import EncoderId

    write_ours(tmp_path / "S1.h5")
    write_ours(tmp_path / "S2.h5", encoder=EncoderId("virchow2"))
    with pytest.raises(InputError, match="not all of uni") as raised:
        read_slide_means(tmp_path)
    assert "S2.h5 (virchow2)" in raised.value.where
    write_clam(tmp_path / "S2.h5", dim=16)
    with pytest.raises(InputError, match="different lengths: 8, 16"):
        read_slide_means(tmp_path)


def test_a_number_out_of_range_is_refused():
    with pytest.raises(InputError, match="near must be a number above 0"):
        audit("s.csv", near=0)
