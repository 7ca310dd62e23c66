"""Of which genes the EMD is found, by the size of the section."""

from __future__ import annotations

import pytest

from sequoia_stats.spatial.emd_genes import affordable_emds, genes_with_emd
from sequoia_stats.spatial.truth_on_tiles import tile_truth
from tests.build.judged import make_judged


@pytest.mark.parametrize(("tiles", "genes"), [(1, 20_000), (420, 20_000), (900, 10_000)])
def test_a_small_section_has_the_emd_of_all_genes(tiles, genes):
    assert affordable_emds(tiles) >= genes


def test_more_tiles_have_the_emd_of_fewer_genes_down_to_none():
    found = [affordable_emds(tiles) for tiles in (900, 2000, 4000, 20_000, 10**6)]
    assert found == sorted(found, reverse=True) and found[2] < 300 and found[-1] == 0


def test_no_gene_has_an_emd_where_none_is_wanted():
    map_, truth = make_judged()
    notes = []
    assert genes_with_emd(truth, truth.genes, tile_truth(truth, map_), 0, notes) == frozenset()
    assert "for no gene" in notes[0]


def test_the_genes_are_those_that_vary_most_and_a_note_says_so():
    map_, truth = make_judged()
    notes = []
    assert len(genes_with_emd(truth, truth.genes, tile_truth(truth, map_), 2, notes)) == 2 and len(notes) == 1
    assert genes_with_emd(truth, truth.genes, tile_truth(truth, map_), None, notes) == set(truth.genes)
    assert len(notes) == 1
