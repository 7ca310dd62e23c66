from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from sequoia_model import clusters
from sequoia_model.clusters import ClusterMeans, cluster_means
from sequoia_model.errors import InputError


def as_bytes(result: ClusterMeans) -> bytes:
    return result.means.tobytes() + result.counts.tobytes() + np.float64(result.inertia).tobytes()


def make_tissues(n: int = 600, d: int = 96, types: int = 12, seed: int = 0) -> np.ndarray:
    """Tiles of overlapping tissue types, each with a few directions of variation, and noise."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(types, size=n)
    centres, axes = rng.normal(size=(types, d)), rng.normal(size=(types, 5, d)) / 2
    within = np.einsum("nr,nrd->nd", rng.normal(size=(n, 5)), axes[kind])
    return (centres[kind] + within + rng.normal(size=(n, d)) / 2).astype(np.float32)


def make_clusterless(n: int, d: int, seed: int = 0) -> np.ndarray:
    """One cloud of low rank, and noise."""
    rng = np.random.default_rng(seed)
    cloud = rng.normal(size=(n, 20)) @ (rng.normal(size=(20, d)) / np.sqrt(1 + np.arange(20))[:, None])
    return (cloud + rng.normal(size=(n, d)) / 2).astype(np.float32)


def make_islands(sizes: list[int], d: int = 3, seed: int = 0) -> np.ndarray:
    """Groups of the given sizes, each far from the others."""
    rng = np.random.default_rng(seed)
    centres = 100 * rng.permutation(np.arange(len(sizes)))[:, None] * rng.choice([-1, 1], size=d)
    return np.repeat(centres, sizes, axis=0) + rng.normal(size=(sum(sizes), d))


def squared_distances(tiles: np.ndarray, means: np.ndarray) -> np.ndarray:
    return np.square(tiles[:, None, :].astype(float) - means[None].astype(float)).sum(axis=2)


@pytest.mark.parametrize("d", [3, 96], ids=["few dimensions", "more than the main axes"])
def test_counts_are_those_of_the_nearest_means(d):
    tiles = make_tissues(d=d)
    got = cluster_means(tiles, n_clusters=20)
    nearest = squared_distances(tiles, got.means).argmin(axis=1)
    np.testing.assert_array_equal(np.bincount(nearest, minlength=20), got.counts)


@pytest.mark.parametrize("d", [3, 96], ids=["few dimensions", "more than the main axes"])
def test_means_are_the_means_of_the_tiles_nearest_to_them(d):
    tiles = make_tissues(d=d)
    got = cluster_means(tiles, n_clusters=20)
    nearest = squared_distances(tiles, got.means).argmin(axis=1)
    want = [tiles[nearest == cluster].astype(float).mean(axis=0) for cluster in range(20)]
    np.testing.assert_allclose(got.means, want, rtol=1e-6, atol=1e-6)


def test_inertia_is_the_sum_of_squared_distances_to_the_nearest_mean():
    tiles = make_tissues()
    got = cluster_means(tiles, n_clusters=20)
    assert got.inertia == pytest.approx(squared_distances(tiles, got.means).min(axis=1).sum(), rel=1e-6)


def test_every_cluster_has_tiles_and_every_tile_a_cluster():
    got = cluster_means(make_tissues(n=130), n_clusters=100)
    assert got.counts.min() >= 1 and got.counts.sum() == got.n_tiles == 130 and got.note == ""


def test_there_are_a_hundred_clusters_of_float32_unless_told_otherwise():
    got = cluster_means(make_tissues(n=150, d=5))
    assert (got.means.shape, got.means.dtype, got.counts.dtype) == ((100, 5), np.float32, np.int64)


@pytest.mark.slow
@pytest.mark.parametrize(
    "tiles",
    [
        make_tissues(n=3000, d=64, types=30),
        make_tissues(n=1500, d=300, types=40, seed=1),
        make_clusterless(n=2000, d=256),
        make_clusterless(n=1000, d=40, seed=1),
    ],
    ids=["tissues 64-d", "tissues 300-d", "no clusters 256-d", "no clusters 40-d"],
)
def test_inertia_is_within_one_percent_of_scikit_learns(tiles):
    from sklearn.cluster import KMeans

    theirs = [KMeans(n_clusters=100, n_init=1, random_state=seed).fit(tiles).inertia_ for seed in range(4)]
    ours = [cluster_means(tiles, seed=seed).inertia for seed in range(4)]
    assert np.mean(ours) < 1.01 * np.mean(theirs)


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(120)), st.integers(0, 5))
def test_tiles_in_another_order_give_the_same_bytes(order, seed):
    tiles = make_tissues(n=120, d=80, seed=seed)
    assert as_bytes(cluster_means(tiles[order], n_clusters=15)) == as_bytes(
        cluster_means(tiles, n_clusters=15)
    )


def test_tiles_in_another_order_give_the_same_bytes_at_full_size():
    tiles = make_tissues(n=2003, d=301)
    order = np.random.default_rng(1).permutation(len(tiles))
    assert as_bytes(cluster_means(tiles[order])) == as_bytes(cluster_means(tiles))


def test_columns_before_rows_in_memory_give_the_same_bytes():
    tiles = make_tissues()
    assert as_bytes(cluster_means(np.asfortranarray(tiles))) == as_bytes(cluster_means(tiles))


@settings(max_examples=60, deadline=None)
@given(
    arrays(
        np.float32,
        array_shapes(min_dims=2, max_dims=2, max_side=30),
        elements=st.sampled_from([0.0, -0.0, 1.0, 2.5, -3.0, 1e-20, 1e11]),
    ),
    st.integers(1, 12),
)
def test_any_tiles_are_partitioned(tiles, n_clusters):
    got = cluster_means(tiles, n_clusters=n_clusters)
    n_distinct = min(n_clusters, len(np.unique(tiles, axis=0)))
    assert np.isfinite(got.means).all() and np.isfinite(got.inertia)
    assert got.counts.sum() == len(tiles) and np.count_nonzero(got.counts) == n_distinct


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_each_tile_twice_doubles_the_counts_and_leaves_the_means(seed):
    tiles = make_islands([9, 5, 4, 2], seed=seed)
    once, twice = cluster_means(tiles, n_clusters=4), cluster_means(np.repeat(tiles, 2, axis=0), n_clusters=4)
    np.testing.assert_array_equal(twice.counts, 2 * once.counts)
    np.testing.assert_allclose(twice.means, once.means, rtol=1e-6)
    assert twice.inertia == pytest.approx(2 * once.inertia)


@settings(max_examples=20, deadline=None)
@given(st.floats(-50, 50, width=32), st.integers(0, 1000))
def test_a_constant_added_to_all_features_moves_the_means_by_it(constant, seed):
    tiles = make_islands([9, 5, 4, 2], seed=seed)
    here, there = cluster_means(tiles, n_clusters=4), cluster_means(tiles + constant, n_clusters=4)
    np.testing.assert_array_equal(there.counts, here.counts)
    np.testing.assert_allclose(there.means, here.means + constant, atol=1e-4)


def test_larger_clusters_come_first():
    got = cluster_means(make_tissues(), n_clusters=20)
    assert (np.diff(got.counts) <= 0).all() and got.counts[0] > got.counts[-1]


@pytest.mark.parametrize("seed", range(8))
def test_clusters_of_equal_size_are_in_the_order_of_their_means_whatever_the_seed(seed):
    tiles = make_islands([5] * 6 + [7], d=2)
    got = cluster_means(tiles, n_clusters=7, seed=seed)
    assert got.counts.tolist() == [7] + [5] * 6 and (np.diff(got.means[1:, 0]) > 0).all()


def test_means_equal_in_the_first_feature_are_ordered_by_the_next():
    got = cluster_means([[1, 7], [1, -7], [1, 0], [0, 9]], n_clusters=4)
    assert got.means.tolist() == [[0, 9], [1, -7], [1, 0], [1, 7]]


def test_the_same_clusters_give_the_same_bytes_whatever_the_seed():
    tiles = make_islands([5] * 6 + [7] * 4, d=70)
    assert len({as_bytes(cluster_means(tiles, n_clusters=10, seed=seed)) for seed in range(8)}) == 1


def test_another_seed_finds_other_clusters_if_there_are_none():
    tiles = make_clusterless(n=300, d=40)
    assert as_bytes(cluster_means(tiles, seed=0)) != as_bytes(cluster_means(tiles, seed=1))


def test_slides_clustered_side_by_side_get_the_bytes_they_get_alone():
    slides = [make_tissues(n=700, d=130, seed=seed) for seed in range(4)] * 3
    alone = [as_bytes(cluster_means(tiles)) for tiles in slides[:4]] * 3
    with ThreadPoolExecutor(6) as pool:
        together = [as_bytes(result) for result in pool.map(cluster_means, slides)]
    assert together == alone


def test_the_state_of_numpys_global_generator_is_left_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    cluster_means(make_tissues())
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_the_features_given_are_left_as_they_are():
    tiles = make_tissues()
    before = tiles.copy()
    cluster_means(tiles)
    np.testing.assert_array_equal(tiles, before)


def test_fewer_distinct_tiles_than_clusters_are_each_a_cluster_and_repeated_in_turn():
    got = cluster_means([[1, 1], [2, 2], [1, 1], [3, 3]], n_clusters=7)
    assert got.means[:, 0].tolist() == [1, 2, 3, 1, 2, 3, 1]
    assert got.counts.tolist() == [2, 1, 1, 0, 0, 0, 0]
    assert (got.inertia, got.n_tiles) == (0, 4)


def test_the_note_says_that_tiles_were_fewer_than_clusters():
    assert cluster_means(make_tissues(n=37)).note == (
        "37 distinct tiles, fewer than 100 clusters: each is its own cluster, and they are repeated in turn"
    )


def test_as_many_distinct_tiles_as_clusters_are_nothing_unusual():
    tiles = make_tissues(n=100)
    got = cluster_means(np.vstack([tiles, tiles[:3]]))
    assert got.note == "" and got.inertia == 0 and got.counts.tolist() == [2] * 3 + [1] * 97


def test_one_tile_fills_every_row():
    got = cluster_means([[4.0, 5.0]], n_clusters=3)
    assert (
        got.means.tolist() == [[4, 5]] * 3
        and got.counts.tolist() == [1, 0, 0]
        and "1 distinct tile," in got.note
    )


def test_one_cluster_is_the_mean_of_all_tiles():
    got = cluster_means([[0, 0], [1, 4], [5, 2]], n_clusters=1)
    assert got.means.tolist() == [[2, 2]] and got.counts.tolist() == [3] and got.inertia == 22


def test_equal_tiles_in_great_number_leave_no_cluster_empty():
    tiles = np.vstack([np.zeros((500, 70)), make_tissues(n=12, d=70)])
    got = cluster_means(tiles, n_clusters=10)
    assert got.counts.min() >= 1 and got.counts[0] >= 500


def test_a_tile_far_from_all_others_does_not_blur_them():
    tiles = np.vstack([make_islands([9, 5, 4, 2], d=80), np.full((1, 80), 1e5)])
    got = cluster_means(tiles, n_clusters=5)
    assert got.counts.tolist() == [9, 5, 4, 2, 1] and got.inertia < 20 * 80 * 2


def test_an_empty_cluster_gets_the_farthest_tile():
    space = np.float32([[0, 0], [1, 0], [9, 0], [5, 5], [5, 6]])
    labels = np.array([0, 0, 0, 1, 1])
    clusters._fill_empty(space, labels, 3)
    assert labels.tolist() == [0, 0, 2, 1, 1]


def test_a_cluster_of_one_tile_is_not_emptied_for_another():
    labels = np.array([0, 1, 1])
    clusters._fill_empty(np.ones((3, 2), dtype=np.float32), labels, 3)
    assert sorted(labels) == [0, 1, 2]


def test_a_cluster_that_loses_all_tiles_on_the_way_gets_the_farthest():
    space = np.float32([[-11], [-9], [-10], [10], [9], [11]])
    labels = clusters._lloyd(space, np.array([0, 0, 1, 1, 2, 2]), 3)
    assert labels.tolist() == [1, 0, 0, 2, 2, 2]


def test_features_far_from_zero_are_told_apart():
    tiles = make_tissues() + np.float32(300)
    got = cluster_means(tiles, n_clusters=20)
    nearest = squared_distances(tiles, got.means).argmin(axis=1)
    np.testing.assert_array_equal(np.bincount(nearest, minlength=20), got.counts)


def test_zero_has_no_sign():
    assert cluster_means([[0.0, 1], [-0.0, 1]], n_clusters=1).n_tiles == 2
    assert "1 distinct tile," in cluster_means([[0.0, 1], [-0.0, 1]], n_clusters=2).note


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.int32, np.uint8])
def test_numbers_of_other_types_are_taken_as_float32(dtype):
    tiles = np.random.default_rng(0).integers(0, 200, size=(60, 5))
    want = as_bytes(cluster_means(tiles.astype(np.float32), n_clusters=9))
    assert as_bytes(cluster_means(tiles.astype(dtype), n_clusters=9)) == want


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ([1.0, 2.0], r"shape \(2,\)"),
        (np.zeros((0, 5)), r"shape \(0, 5\)"),
        (np.zeros((5, 0)), r"shape \(5, 0\)"),
        (np.zeros((1, 5, 2)), r"shape \(1, 5, 2\)"),
        ([["a", "b"]], "must be numbers"),
        ([[1 + 2j]], "must be numbers"),
        ([[1, 2], [np.nan, 2], [3, np.inf]], "2 of 3 tiles"),
        ([[1, 2], [-np.inf, 2]], "rows 1"),
        ([[1, 2], [1e300, 2]], "rows 1"),
        ([[1, 2], [-1e12, 2]], r"beyond 1e\+12"),
    ],
)
def test_features_that_are_not_a_matrix_of_numbers_are_refused(features, message):
    with pytest.raises(InputError, match=message):
        cluster_means(features)


@pytest.mark.parametrize("option", [{"n_clusters": 0}, {"n_clusters": 2.5}, {"seed": -1}, {"seed": None}])
def test_options_must_be_whole_numbers_in_range(option):
    ((name, value),) = option.items()
    with pytest.raises(InputError, match=f"{name} must be a whole number, . or more, but is {value}"):
        cluster_means([[1.0]], **option)


def test_a_result_prints_its_size():
    assert (
        repr(cluster_means([[1.0, 2], [3, 4]], n_clusters=2)) == "<ClusterMeans 2 × 2 of 2 tiles, inertia 0>"
    )
