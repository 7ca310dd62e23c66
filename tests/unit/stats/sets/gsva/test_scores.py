"""Densities, ranks and walks: against plain Python, and what must not change them."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import special

from sequoia_stats.sets.gsva import Gsva
from sequoia_stats.sets.gsva._scores import (
    densities,
    enrichment,
    inverted_index,
    normal_table,
    poisson_distribution,
)
from tests.build.gsva import SETS, make_counts, make_table, plain_gsva

PRESENT = {name: genes for name, genes in SETS.items() if name != "gone"}
TABLES = st.builds(make_table, n=st.integers(4, 15), genes=st.integers(9, 30), seed=st.integers(0, 10**6))
TIED = st.builds(
    make_table,
    n=st.integers(4, 15),
    genes=st.integers(9, 30),
    seed=st.integers(0, 10**6),
    digits=st.sampled_from([0, 1]),
)
COUNTS = st.builds(
    make_counts, n=st.integers(4, 12), seed=st.integers(0, 10**6), mean=st.sampled_from([1, 900])
)
KERNELS = [("gaussian", "table"), ("gaussian", "exact"), ("none", "table"), ("poisson", "table")]


def scores(table, **options):
    return Gsva(options.pop("sets", PRESENT), **options).fit_transform(table)


# --- against plain Python ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kcdf", "kernel"), KERNELS)
@pytest.mark.parametrize("genes", [20, 21])
def test_scores_equal_those_of_plain_python(kcdf, kernel, genes):
    table = make_counts(genes=genes) if kcdf == "poisson" else make_table(genes=genes)
    want = plain_gsva(table, table, PRESENT, kcdf, kernel)
    np.testing.assert_allclose(scores(table, kcdf=kcdf, kernel=kernel), want, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("tau", "max_diff", "abs_ranking"), [*product([0, 0.25, 1, 2], [True, False], [True, False])]
)
@pytest.mark.parametrize("genes", [20, 21])
def test_weights_and_ends_equal_those_of_plain_python(tau, max_diff, abs_ranking, genes):
    table = make_table(genes=genes, seed=3)
    walk = {"tau": tau, "max_diff": max_diff, "abs_ranking": abs_ranking}
    sets = {name: PRESENT[name] for name in ("few", "many")}
    want = plain_gsva(table, table, sets, **walk)
    np.testing.assert_allclose(scores(table, sets=sets, **walk), want, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("kcdf", "kernel"), KERNELS)
def test_scores_of_new_samples_equal_those_of_plain_python(kcdf, kernel):
    make = make_counts if kcdf == "poisson" else make_table
    training, new = make(n=10), make(n=3, seed=9)
    got = Gsva(PRESENT, kcdf=kcdf, kernel=kernel).fit(training).transform(new)
    np.testing.assert_allclose(got, plain_gsva(training, new, PRESENT, kcdf, kernel), rtol=0, atol=1e-12)


def test_genes_that_tie_are_ranked_as_they_stand():
    table = make_table(digits=0)
    table["G9"] = table["G1"]
    got = scores(table, sets={"first": ["G1"], "second": ["G9"]}, tau=0, kcdf="none")
    want = plain_gsva(table, table, {"first": ["G1"], "second": ["G9"]}, "none", tau=0)
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-12)
    assert (got["first"] > got["second"]).all()


# --- the normal and the Poisson distribution -----------------------------------------------------------------------


def test_the_table_is_the_normal_distribution_in_steps_of_a_thousandth():
    table = normal_table()
    assert len(table) == 20003
    assert (table[0], table[10001], table[-1]) == (0, 0.5, 1)
    np.testing.assert_allclose(table[10001:-1], special.ndtr(10.0 * np.arange(10001) / 10000), rtol=3e-16)
    np.testing.assert_array_equal(table, 1 - table[::-1])


def test_poisson_probabilities_are_those_of_the_incomplete_gamma_function():
    counts = np.unique(np.geomspace(1, 2e5, 150).round() - 1)
    means = np.append(counts + 0.5, [0.7, 63.2, 64.5, 1e5 + 0.25])
    got = poisson_distribution(counts, means)
    want = special.gammaincc(counts[:, None] + 1, means[None, :])
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-14)


def test_small_counts_have_the_same_digits_under_another_mean_that_is_large():
    counts = np.arange(5.0)
    alone = poisson_distribution(counts, np.array([2.5]))
    beside = poisson_distribution(counts, np.array([2.5, 1e6]))
    np.testing.assert_array_equal(beside[:, :1], alone)


def test_the_exact_kernel_is_near_the_table():
    values = np.ascontiguousarray(make_table(n=30).to_numpy().T)
    exact, table = (densities(values, None, kcdf="gaussian", kernel=kernel) for kernel in ("exact", "table"))
    assert 0 < np.abs(special.expit(exact) - special.expit(table)).max() < 5e-4


# --- corners -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("genes", [9, 10])
def test_a_set_of_every_gene_scores_one(genes):
    table = make_table(genes=genes)
    np.testing.assert_allclose(scores(table, sets={"all": list(table)})["all"], 1, rtol=1e-12)


def test_a_single_gene_in_the_middle_of_an_even_number_weighs_nothing_and_ends_the_walk():
    ranked = np.arange(10.0)[None, ::-1].copy()
    index = inverted_index(np.array([0, 1]), np.array([5]), 10)  # the sixth of ten
    got = enrichment(ranked, index, tau=1, max_diff=True, abs_ranking=False)
    np.testing.assert_allclose(got, [[-5 / 9]], rtol=1e-14)


@pytest.mark.parametrize("value", [-1e300, -50.0, 50.0, 1e300])
@pytest.mark.parametrize(("kcdf", "kernel"), KERNELS[:3])
def test_values_far_outside_the_reference_are_ranked(value, kcdf, kernel):
    table = make_table()
    model = Gsva(PRESENT, kcdf=kcdf, kernel=kernel).fit(table)
    new = table.median().to_frame("new").T.assign(G2=value)
    assert model.transform(new)["one"].iloc[0] == pytest.approx(1 if value > 0 else -1)


def test_negative_and_positive_zero_tie():
    ranked = np.array([[0.0, -0.0, 0.0]])
    index = inverted_index(np.array([0, 1]), np.array([0]), 3)
    assert enrichment(ranked, index, tau=0, max_diff=True, abs_ranking=False)[0, 0] == 1


# --- what must not matter ------------------------------------------------------------------------------------------


@given(table=TABLES, seed=st.integers(0, 99), kernel=st.sampled_from(["table", "exact"]))
def test_the_order_of_samples_does_not_matter(table, seed, kernel):
    shuffled = table.sample(frac=1, random_state=seed)
    got, want = scores(shuffled, kernel=kernel), scores(table, kernel=kernel)
    pd.testing.assert_frame_equal(got.loc[want.index], want, rtol=0, atol=1e-12)


@given(table=TABLES, seed=st.integers(0, 99), kernel=st.sampled_from(["table", "exact"]))
def test_the_order_of_genes_does_not_matter_where_none_tie(table, seed, kernel):
    values = np.ascontiguousarray(table.to_numpy().T)
    placed = densities(values, None, kcdf="gaussian", kernel=kernel)
    assume((np.diff(np.sort(placed, axis=1), axis=1) > 1e-9).all())  # R's table makes close genes equal
    shuffled = table.sample(frac=1, axis=1, random_state=seed)
    pd.testing.assert_frame_equal(
        scores(shuffled, kernel=kernel), scores(table, kernel=kernel), rtol=0, atol=1e-12
    )


@given(table=st.one_of(TABLES, TIED), transform=st.sampled_from([np.exp, np.arctan, lambda x: 3 * x - 7]))
def test_increasing_transforms_leave_the_empirical_distribution_alone(table, transform):
    pd.testing.assert_frame_equal(
        scores(transform(table), kcdf="none"), scores(table, kcdf="none"), check_exact=True
    )


@given(table=st.one_of(TABLES, TIED), kernel=st.sampled_from(KERNELS[:3]))
def test_a_training_sample_has_the_same_score_frozen_as_in_the_fit(table, kernel):
    kept = table.loc[:, table.std() > 0]
    model = Gsva({"half": list(kept)[::2]}, kcdf=kernel[0], kernel=kernel[1])
    fitted = model.fit_transform(table)
    pd.testing.assert_frame_equal(model.transform(table.iloc[[2]]), fitted.iloc[[2]], check_exact=True)


@given(table=COUNTS)
def test_a_training_sample_of_counts_has_the_same_score_frozen_as_in_the_fit(table):
    model = Gsva(PRESENT, kcdf="poisson")
    fitted = model.fit_transform(table)
    pd.testing.assert_frame_equal(model.transform(table.iloc[[1]]), fitted.iloc[[1]], check_exact=True)


@pytest.mark.parametrize(("kcdf", "kernel"), KERNELS)
def test_threads_do_not_matter(kcdf, kernel):
    table = make_counts(n=70, genes=90) if kcdf == "poisson" else make_table(n=70, genes=90)
    one, many = (scores(table, kcdf=kcdf, kernel=kernel, jobs=threads) for threads in (1, 3))
    pd.testing.assert_frame_equal(one, many, check_exact=True)


def test_progress_sees_all_parts():
    seen = []

    def watch(items, total):
        for item in items:
            seen.append(total)
            yield item

    table = make_table(n=60, genes=600)
    model = Gsva(PRESENT, jobs=1)
    model.fit_transform(table, progress=watch)
    model.transform(table[:2], progress=watch)
    assert seen == [2, 2, 1, 2, 2, 1]
