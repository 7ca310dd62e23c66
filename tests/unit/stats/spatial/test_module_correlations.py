"""Correlations of genes over tiles, their mean over slides, and the order of the clustermap."""

import numpy as np
import pandas as pd
import pytest
import scipy.cluster.hierarchy as hierarchy
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import pdist

from sequoia_stats.spatial.modules import (
    clusters_of,
    gene_correlations,
    gene_tree,
    leaf_order,
    mean_over_slides,
)


def blocks(n=60, seed=0):
    """Two groups of three genes that vary together, interleaved."""
    random = np.random.default_rng(seed)
    return random.normal(size=(n, 2))[:, [0, 1, 0, 1, 0, 1]] + 0.3 * random.normal(size=(n, 6))


def test_correlations_are_those_of_pandas():
    x = blocks()
    np.testing.assert_allclose(gene_correlations(x), pd.DataFrame(x).corr(), atol=1e-12)


def test_a_constant_gene_has_no_correlations():
    x = blocks()
    x[:, 1] = 0.0
    r = gene_correlations(x)
    assert np.isnan(r[1]).all()
    assert np.isnan(r[:, 1]).all()
    np.testing.assert_allclose(np.delete(np.delete(r, 1, 0), 1, 1), np.corrcoef(np.delete(x, 1, 1).T))


def test_the_mean_over_slides_is_of_those_where_both_genes_vary():
    a, b = np.array([[1, 0.2], [0.2, 1]]), np.array([[1, np.nan], [np.nan, np.nan]])
    c = np.array([[1, 0.6], [0.6, 1]])
    np.testing.assert_allclose(mean_over_slides([a, b, c]), [[1, 0.4], [0.4, 1]])
    assert np.isnan(mean_over_slides([b])[1, 1])


def test_the_tree_is_average_linkage_on_one_minus_r():
    r = gene_correlations(blocks())
    distances = np.array([1 - r[i, j] for i in range(6) for j in range(i + 1, 6)])
    want = hierarchy.linkage(distances, "average", optimal_ordering=True)
    np.testing.assert_allclose(gene_tree(r), want)
    assert leaf_order(gene_tree(r)).tolist() == hierarchy.leaves_list(want).tolist()


def test_the_tree_of_the_publication_is_on_distances_of_rows():
    r = gene_correlations(blocks())
    want = hierarchy.linkage(pdist(r), "average", optimal_ordering=True)
    np.testing.assert_allclose(gene_tree(r, rule="paper"), want)


def test_an_undefined_pair_counts_as_uncorrelated():
    r = gene_correlations(blocks())
    r[0, 1] = r[1, 0] = np.nan
    filled = np.nan_to_num(r)
    np.testing.assert_allclose(gene_tree(r), gene_tree(filled))


def test_groups_of_genes_are_neighbours_and_clusters_are_numbered_along_the_leaves():
    tree = gene_tree(gene_correlations(blocks()))
    order = leaf_order(tree)
    assert {frozenset(order[:3].tolist()), frozenset(order[3:].tolist())} == {
        frozenset({0, 2, 4}), frozenset({1, 3, 5})
    }  # fmt: skip
    assert clusters_of(tree, 2)[order].tolist() == [1, 1, 1, 2, 2, 2]


@given(order=st.permutations(range(6)), scale=st.lists(st.floats(0.1, 9), min_size=6, max_size=6))
def test_heights_of_the_tree_do_not_depend_on_order_or_unit_of_genes(order, scale):
    x = blocks(seed=3)
    changed = (x * scale - 4)[:, list(order)]
    want = gene_tree(gene_correlations(x))[:, 2]
    assert gene_tree(gene_correlations(changed))[:, 2] == pytest.approx(want, abs=1e-9)
