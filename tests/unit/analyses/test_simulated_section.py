"""The simulated section of a glioblastoma (analyses/simulated_section.py): what is planted is found."""

import numpy as np
import pytest

import sequoia_stats as sq
from tests.build.results import scripts_of_analyses

with scripts_of_analyses():
    import simulated_section


@pytest.fixture(scope="module")
def section():
    return simulated_section.simulate_section(side=30, others=100)


def found(section, **options):
    return sq.gene_modules([section.map], "neftel", n_random=100, **options)


def test_the_same_seed_makes_the_same_section():
    one, same = (simulated_section.simulate_section(side=12, others=5, seed=1) for _ in range(2))
    other = simulated_section.simulate_section(side=12, others=5, seed=2)
    assert (one.map.gene("VIM") == same.map.gene("VIM")).all()
    assert (one.map.gene("VIM") != other.map.gene("VIM")).any()


def test_every_programme_is_the_subtype_of_some_tiles(section):
    assert min(section.planted.counts.values()) > 20
    assert section.planted.modules == tuple(sq.genesets.load("neftel"))


def test_planted_subtypes_are_recovered_and_lost_in_noise(section):
    loud = simulated_section.simulate_section(side=30, others=100, noise=40.0)
    assert section.recovered(found(section).slides[0]) > 0.85
    assert loud.recovered(found(loud).slides[0]) < 0.3


def test_modules_cohere_and_random_sets_do_not(section):
    table = found(section).overall
    assert (table.p_coherence == 1 / 101).all()
    assert (table.coherence > 0.15).all()
    assert (table.coherence_random_mean < 0.05).all()


def test_clusters_of_genes_are_the_modules(section):
    genes = found(section).genes
    alone = genes[~genes.modules.str.contains(";")]
    largest = alone.groupby("modules").cluster.agg(lambda clusters: clusters.value_counts().iloc[0])
    assert largest.sum() / len(alone) > 0.6


def test_genes_of_no_module_follow_no_programme(section):
    others = section.map.genes([f"OTHER{i}" for i in range(100)])
    r = np.corrcoef(others.T, section.planted.scores.T)[:100, 100:]
    assert np.abs(r).mean() < 0.2
