"""Patients made of real tiles (analyses/semi_synthetic*.py): their tiles, bulk, planted risk, outcomes and files."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequoia_model import read_features, read_splits
from tests.build.results import scripts_of_analyses
from tests.unit.analyses.test_her2st import make_section

with scripts_of_analyses():
    import semi_synthetic as synthetic
    import semi_synthetic_files as files

SETTINGS = {
    "clusters": 3,
    "genes": 4,
    "patients": 6,
    "concentration": 0.3,
    "score_genes": 2,
    "months": 20.0,
    "events": 0.4,
    "seed": 3,
}


@pytest.fixture(scope="module")
def tissue():
    sections = [
        make_section(name, genes=5, features=130, seed=seed) for seed, name in enumerate(("C2", "C3"))
    ]
    return synthetic.tissue_of(sections, SETTINGS)


def test_patients_and_each_outcome_have_random_numbers_of_their_own():
    draws = [made.random() for draw in (0, 1) for made in synthetic.generators(7, draw).values()]
    assert len(set(draws)) == 2 * (1 + len(synthetic.TRUTHS))


def make_patients(tissue, seed=0, **settings):
    return synthetic.draw_patients(tissue, SETTINGS | settings, np.random.default_rng(seed))


def test_a_tile_is_in_the_cluster_with_the_nearest_mean(tissue):
    rows = np.concatenate([section.features for section in tissue.sections])
    clusters = np.concatenate(tissue.clusters)
    means = np.stack([rows[clusters == cluster].mean(axis=0) for cluster in range(3)])
    nearest = [((row - means) ** 2).sum(axis=1).argmin() for row in rows]
    assert np.mean(clusters == nearest) > 0.99


def test_the_spot_of_a_tile_is_the_one_nearest_to_its_centre(tissue):
    section = tissue.sections[0]
    away = [np.hypot(*(section.spots - place - 0.5).T) for place in section.places]
    found = [distances[spot] for distances, spot in zip(away, tissue.nearest[0], strict=True)]
    np.testing.assert_array_equal(found, [distances.min() for distances in away])


def test_the_kept_genes_have_most_counts(tissue):
    sums = sum(section.counts.sum(axis=0) for section in tissue.sections)
    assert sums[tissue.genes].min() >= np.delete(sums, tissue.genes).max()


def test_features_keep_the_distances_of_tiles_and_give_every_dimension_some_of_the_variance():
    sections = [make_section(features=200, size=10, seed=seed) for seed in (1, 2)]
    made = synthetic.tissue_of(sections, SETTINGS)
    before, after = (np.concatenate([one.features for one in each]) for each in (sections, made.sections))
    assert after.shape[1] == synthetic.DIMENSIONS > len(after) - 40
    spread = after.var(axis=0)
    assert spread.min() > 0.3 * spread.mean()
    kept = ((after - after.mean(axis=0)) ** 2).sum() / ((before - before.mean(axis=0)) ** 2).sum()
    assert 0.95 < kept <= 1 + 1e-5


def test_tiles_of_a_patient_begin_with_those_of_the_most_frequent_cluster(tissue):
    patients = make_patients(tissue)
    for patient in range(12):
        clusters = tissue.clusters[patients.sections[patient]][patients.tiles[patient]]
        counts = np.bincount(clusters, minlength=3)
        order = sorted(range(3), key=lambda cluster: (-counts[cluster], cluster))
        np.testing.assert_array_equal(clusters, np.repeat(order, counts[order]))
        np.testing.assert_allclose(patients.shares[patient], counts / 100)


def test_bulk_is_that_of_the_spots_one_by_one(tissue):
    patients = make_patients(tissue)
    section, nearest = tissue.sections[1], tissue.nearest[1]
    counts, total = np.zeros(4), 0
    for tile in patients.tiles[9]:
        counts += section.counts[nearest[tile], tissue.genes]
        total += section.totals[nearest[tile]]
    values = np.log2(1e6 * counts / total + 1)
    others = patients.expression.iloc[6:]
    np.testing.assert_allclose(
        others.loc["C3-003"] - others.mean(), values - bulk_mean(tissue, patients), atol=1e-5
    )


def bulk_mean(tissue, patients):
    """The mean bulk of the patients of the second section."""
    section, spots = tissue.sections[1], tissue.nearest[1][patients.tiles[6:]]
    counts, totals = section.counts[:, tissue.genes][spots].sum(axis=1), section.totals[spots].sum(axis=1)
    return np.log2(1e6 * counts / totals[:, None] + 1).mean(axis=0)


def test_genes_have_the_same_mean_in_every_section(tissue):
    patients = make_patients(tissue)
    means = patients.expression.groupby(patients.sections).mean()
    np.testing.assert_allclose(means.loc[0], means.loc[1], rtol=1e-5)


def test_a_small_concentration_makes_patients_of_few_clusters(tissue):
    pure, mixed = (make_patients(tissue, patients=200, concentration=c).shares for c in (0.05, 50.0))
    assert pure.max(axis=1).mean() > 0.9
    np.testing.assert_allclose(mixed.mean(axis=0), 1 / 3, atol=0.02)


@pytest.mark.parametrize("truth", synthetic.TRUTHS)
def test_planted_risk_is_standardised_in_every_section(tissue, truth):
    patients = make_patients(tissue, patients=50)
    risk = synthetic.planted_risk(truth, patients, SETTINGS, np.random.default_rng(1))
    parts = risk.groupby(patients.sections)
    np.testing.assert_allclose(parts.mean(), 0, atol=1e-9)
    np.testing.assert_allclose(parts.std(ddof=0), 1)


def test_morphological_risk_grows_with_the_share_of_one_cluster(tissue):
    patients = make_patients(tissue, patients=50)
    risk = synthetic.planted_risk("morphology", patients, SETTINGS, np.random.default_rng(1)).to_numpy()
    first = patients.sections == 0
    r = [np.corrcoef(risk[first], share[first])[0, 1] for share in patients.shares.T]
    assert max(r) == pytest.approx(1)


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.1, 0.4, 0.8]), st.sampled_from([0.0, np.log(2)]))
def test_the_share_of_events_is_the_one_asked_for(seed, events, effect):
    rng = np.random.default_rng(seed)
    risk = pd.Series(rng.standard_normal(4000))
    outcome = synthetic.draw_outcome(risk, effect, SETTINGS | {"events": events}, rng)
    assert outcome["event"].mean() == pytest.approx(events, abs=0.05)
    assert (outcome["time"] > 0).all()


def test_times_have_the_planted_hazard_ratio():
    from sequoia_stats.survival import cox_regression
    from sequoia_stats.types.outcome import Outcome

    rng = np.random.default_rng(0)
    risk = pd.Series(rng.standard_normal(20_000), name="risk")
    outcome = synthetic.draw_outcome(risk, np.log(2), SETTINGS, rng)
    fit = cox_regression(Outcome(outcome["time"], outcome["event"], "PFI"), risk.to_frame())
    assert fit.to_frame()["hr"].iloc[0] == pytest.approx(2, abs=0.05)


def test_every_section_is_tested_once_and_never_trains_for_itself(tissue):
    patients = make_patients(tissue, patients=20)
    splits = files.splits_of(patients, 0.25, np.random.default_rng(0))
    assert splits.is_partition
    assert splits.sizes.to_numpy().tolist() == [[15, 5, 20], [15, 5, 20]]
    assert all(patient.startswith("C3") for patient in splits.patients(1, "test"))


def test_files_hold_the_patients_that_were_drawn(tissue, tmp_path):
    import anndata

    patients = make_patients(tissue)
    files.save_bags(tissue, patients, tmp_path / "bags")
    files.save_measured(patients, tmp_path / "measured.h5ad")
    files.splits_of(patients, 0.2, np.random.default_rng(0)).save(tmp_path / "splits.csv")
    bag = read_features(tmp_path / "bags" / "C3-001.h5")
    np.testing.assert_array_equal(bag.cluster_features, tissue.sections[1].features[patients.tiles[7]])
    adata = anndata.read_h5ad(tmp_path / "measured.h5ad")
    np.testing.assert_array_equal(adata.to_df(), patients.expression)
    assert set(read_splits(tmp_path / "splits.csv").roles.index) == set(adata.obs["patient_id"])


def test_the_same_seed_draws_the_same_patients(tissue):
    first, again = make_patients(tissue, seed=5), make_patients(tissue, seed=5)
    np.testing.assert_array_equal(first.tiles, again.tiles)
    assert not np.array_equal(first.tiles, make_patients(tissue, seed=6).tiles)
