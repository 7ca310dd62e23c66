"""A map judged against its truth: each column by a formula of its own, and changes that must not matter."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr, spearmanr

from sequoia_stats.errors import InputError
from sequoia_stats.spatial import evaluate_map
from sequoia_stats.spatial._gene_statistics import FIRST_COLUMNS, rank_reverses
from sequoia_stats.spatial.shifts import PossibleShifts
from sequoia_stats.spatial.truth_on_tiles import tile_truth
from tests.build.judged import make_judged

COVARIATES = pd.DataFrame(np.random.default_rng(3).random((144, 2)), columns=["haematoxylin", "tissue"])
few = settings(max_examples=5, deadline=None)


def judged(map_and_truth=None, **options):
    map_, truth = map_and_truth or make_judged()
    return evaluate_map(map_, truth, **{"spectral": 19, "min_counts": 3} | options)


def test_the_first_columns_are_those_of_the_contract():
    assert tuple(judged().genes.columns[: len(FIRST_COLUMNS)]) == FIRST_COLUMNS == (
        "gene", "r", "spearman", "ssim", "js", "emd", "moran_truth", "moran_map", "r_shift_mean", "p_shift",
        "r_partial", "n_tiles",
    )  # fmt: skip


def test_r_and_spearman_are_those_of_scipy_between_map_and_smoothed_truth():
    map_, truth = make_judged()
    tiles = tile_truth(truth, map_)
    measured = tiles.smoothed(tiles.unsmoothed(truth.counts_of(["G2"])))[0]
    row = judged((map_, truth)).genes.set_index("gene").loc["G2"]
    assert row["r"] == pytest.approx(pearsonr(map_.gene("G2"), measured).statistic, rel=1e-10)
    assert row["spearman"] == pytest.approx(spearmanr(map_.gene("G2"), measured).statistic, rel=1e-10)
    assert row["p_naive"] == pytest.approx(
        pearsonr(map_.gene("G2"), measured, alternative="greater").pvalue, rel=1e-6
    )


def test_r_partial_is_that_of_residuals_given_stain_tissue_and_counts():
    map_, truth = make_judged(columns=COVARIATES)
    tiles = tile_truth(truth, map_)
    design = sm.add_constant(np.column_stack([tiles.log_totals(), COVARIATES]))
    measured = tiles.smoothed(tiles.unsmoothed(truth.counts_of(["G1"])))[0]
    left = [sm.OLS(values, design).fit().resid for values in (map_.gene("G1").astype(float), measured)]
    found = judged((map_, truth))
    assert found.genes["r_partial"][1] == pytest.approx(pearsonr(*left).statistic, rel=1e-8)
    assert found.partial_given == ("log_total_counts", "haematoxylin", "tissue")


def test_a_map_without_densities_says_what_r_partial_lacks():
    found = judged()
    assert found.partial_given == ("log_total_counts",)
    assert [note for note in found.notes if "haematoxylin" in note and "map lacks them" in note]


def test_one_spot_and_the_unsmoothed_truth_stand_beside():
    map_, truth = make_judged(seed=4)
    one = tile_truth(truth, map_, nearest=1)
    rough = tile_truth(truth, map_)
    row = judged((map_, truth)).genes.iloc[0]
    counts = truth.counts_of(["G0"])
    assert row["r_one_spot"] == pytest.approx(pearsonr(map_.gene("G0"), one.unsmoothed(counts)[0]).statistic)
    assert row["r_unsmoothed"] == pytest.approx(
        pearsonr(map_.gene("G0"), rough.unsmoothed(counts)[0]).statistic
    )
    assert row["moran_one_spot"] < row["moran_unsmoothed"] < row["moran_truth"]


def test_a_good_map_beats_its_null_and_noise_does_not():
    good, noise = judged(make_judged(noise=0.3)).genes, judged(make_judged(noise=1e3)).genes
    assert (good["r"] > 0.7).all() and (good["p_shift"] < 0.05).mean() > 0.8
    assert (noise["r"].abs() < 0.4).all() and (noise["p_shift"] < 0.05).mean() < 0.5


def test_r_beyond_is_what_the_mean_of_the_null_leaves():
    table = judged().genes
    np.testing.assert_allclose(table["r_beyond"], table["r"] - table["r_shift_mean"], rtol=1e-12)


def test_tiles_outside_the_windows_and_without_spots_are_not_judged():
    map_, truth = make_judged(uncovered=(0, 1, 2))
    far = truth.subset(truth.centres_um[:, 1] < 900, "a strip")
    found = judged((map_, far))
    tiles = map_.centres_um[found.tiles.tiles]
    assert found.n_tiles < 141 and tiles[:, 1].max() < 1100 and map_.covered[found.tiles.tiles].all()
    steps = {line.step: line.n_after for line in found.flow}
    assert steps["tiles: in a window"] == 141 and steps["tiles: with a spot"] == found.n_tiles


def test_genes_with_few_distinct_counts_are_left_out_and_counted():
    map_, truth = make_judged()
    counts = truth.counts_of(truth.genes)
    counts[:, 0] = np.arange(len(counts)) % 4
    found = judged((map_, replace(truth, counts=counts)), min_counts=5)
    assert "G0" not in set(found.genes["gene"]) and found.n_genes == 5
    reasons = {line.step: line.reason for line in found.flow}
    assert reasons["genes: varying"] == "1 with fewer than 5 distinct raw counts"


def test_the_other_rule_is_reported_and_the_paper_is_the_mirror_image():
    strict, paper = judged(), judged(rule="paper")
    np.testing.assert_allclose(strict.genes["r_paper"], paper.genes["r"], rtol=1e-10)
    np.testing.assert_allclose(strict.genes["emd_paper"], paper.genes["emd"], rtol=1e-10)
    np.testing.assert_allclose(paper.genes["r_strict"], strict.genes["r"], rtol=1e-10)
    assert strict.difference["r_paper"] == pytest.approx(paper.difference["r_paper"])
    assert strict.difference["r_strict"] != strict.difference["r_paper"]


@few
@given(st.integers(0, 1000))
def test_the_order_of_spots_changes_nothing(seed):
    map_, truth = make_judged(seed=2)
    order = np.random.default_rng(seed).permutation(truth.n)
    shuffled = replace(
        truth, spots=tuple(truth.spots[i] for i in order), centres_px=truth.centres_px[order],
        counts=truth.counts_of(truth.genes)[order], totals=truth.totals[order],
    )  # fmt: skip
    pd.testing.assert_frame_equal(judged((map_, shuffled)).genes, judged((map_, truth)).genes, rtol=1e-9)


@few
@given(st.floats(0.5, 4), st.floats(-3, 3))
def test_an_increasing_linear_change_of_the_map_changes_nothing(scale, shift):
    map_, truth = make_judged(seed=5)
    changed = map_.with_values(map_.gene_names, scale * map_.genes(map_.gene_names) + shift, source="ridge")
    pd.testing.assert_frame_equal(
        judged((changed, truth), spectral=0).genes,
        judged((map_, truth), spectral=0).genes,
        rtol=1e-3,
        atol=1e-4,
    )


def test_blocks_of_genes_give_what_all_genes_give(monkeypatch):
    whole = judged()
    monkeypatch.setattr("sequoia_stats.spatial.evaluation._BLOCK", 2)
    pd.testing.assert_frame_equal(judged().genes, whole.genes, rtol=1e-9)


def test_a_flat_map_has_no_r_and_the_emd_of_a_flat_map():
    map_, truth = make_judged()
    flat = map_.with_values(map_.gene_names, np.full((144, 6), 3.0, np.float32), source="mean")
    table = judged((flat, truth)).genes
    assert (table["r"] == 0).all()
    np.testing.assert_allclose(table["emd"], table["emd_flat"], rtol=1e-9)


def test_text_holds_the_null_beside_every_median():
    lines = str(judged()).splitlines()
    medians = [line for line in lines if "95% quantile" in line]
    assert len(medians) == 3 and all("null" in line and "flat map" in line for line in medians)


def test_text_holds_the_other_nulls_truths_and_rule():
    text = str(judged())
    words = ["by the spectral null", "if tiles were independent", "given log total counts", "nearest spot alone",
             "unsmoothed", "Moran's I of the truth", "by the paper rule"]  # fmt: skip
    assert [word for word in words if word not in text] == []


def test_genes_of_other_slides_rank_genes():
    first = judged(make_judged(seed=1))
    found = judged(make_judged(seed=2, name="S2"), others={"S1": first.genes}, top=3)
    ranked = found.medians.set_index(["genes", "ranked_on"])
    best = first.genes.nlargest(3, "r")["gene"]
    expected = found.genes.set_index("gene").loc[best, "r"].median()
    assert ranked.loc[("top-3", "other slides"), "r"] == pytest.approx(expected)


def test_reversed_ranks_are_those_in_opposite_thirds():
    one, other = pd.Series([1.0, 2, 3, 4, 5, 6]), pd.Series([6.0, 2, 3, 4, 5, 1])
    assert rank_reverses(one, other).tolist() == [True, False, False, False, False, True]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"genes": ["G1", "ESR1"]}, "1 of 2 genes is not predicted by the map: ESR1"),
        ({"rule": "lax"}, "'lax' is not a valid rule"),
        ({"min_overlap": 0}, "min_overlap must be above 0"),
        ({"widow": 3}, "'widow' is not a valid option"),
        ({"min_counts": 500}, "none of 6 genes has 500 distinct raw counts"),
        ({"cap_um": 0.001}, "0 of 144 tiles of the map have both a prediction and a spot"),
    ],
)
def test_what_cannot_be_judged_is_refused(changes, words):
    with pytest.raises(InputError, match=words):
        judged(**changes)


def test_a_truth_without_shared_genes_or_counts_is_refused():
    map_, truth = make_judged()
    named = replace(truth, genes=tuple(f"X{i}" for i in range(6)))
    with pytest.raises(InputError, match="none of the 6 genes of the map is among the 6 of the truth"):
        judged((map_, named))
    scores = pd.DataFrame({"AC": np.ones(truth.n)}, index=list(truth.spots))
    with pytest.raises(InputError, match="no counts of genes"):
        judged((map_, replace(truth, counts=None, genes=(), programmes=scores)))
    with pytest.raises(InputError, match="1 of 1 gene is not measured by the truth: G0"):
        judged((map_, replace(truth, genes=("Y", *truth.genes[1:]))), genes=["G0"])


def test_drawn_shifts_are_said(monkeypatch):
    few_moves = partial(PossibleShifts, max_moves=30)
    monkeypatch.setattr("sequoia_stats.spatial.evaluation.PossibleShifts", few_moves)
    found = judged()
    assert found.n_shifts == 30
    assert any(note.startswith("30 of ") and "drawn at random" in note for note in found.notes)


def test_a_density_that_is_missing_on_a_tile_or_the_same_on_all_is_left_out_and_said():
    columns = COVARIATES.assign(tissue=1.0)
    columns.loc[3, "haematoxylin"] = np.nan
    found = judged(make_judged(columns=columns))
    assert found.partial_given == ("log_total_counts",)
    assert [note for note in found.notes if note.startswith("r_partial")] == [
        "r_partial does not hold haematoxylin density constant: 1 of 144 tiles has none",
        "r_partial does not hold tissue density constant: all tiles have the same",
    ]


def test_what_r_partial_holds_constant_is_in_words():
    text = str(judged(make_judged(columns=COVARIATES)))
    assert "median r given log total counts, haematoxylin density, tissue density:" in text


def test_a_flat_map_is_said():
    map_, truth = make_judged()
    values = map_.genes(map_.gene_names)
    values[:, 2] = 1
    found = judged((map_.with_values(map_.gene_names, values, source="ridge"), truth))
    assert "1 of 6 genes has a flat map or a flat truth, where r is 0" in found.notes


def test_a_missing_value_of_a_map_is_named_by_gene_and_tile():
    map_, truth = make_judged()
    values = map_.genes(map_.gene_names)
    values[27, 4] = np.inf
    with pytest.raises(InputError, match="1 value of the map is not finite") as error:
        judged((map_.with_values(map_.gene_names, values, source="ridge"), truth))
    assert error.value.where == "map S1, gene G4, tile 2x3"


def test_the_emd_is_that_of_the_most_variable_genes_alone_where_asked():
    whole, some = judged(), judged(emd_genes=2)
    chosen = whole.genes["variance"].nlargest(2).index
    for column in ("emd", "emd_flat", "emd_paper"):
        assert some.genes[column].notna().sum() == 2
        pd.testing.assert_series_equal(some.genes[column][chosen], whole.genes[column][chosen])
    assert [note for note in some.notes if "2 most variable genes of 6" in note and "--emd-genes" in note]
    assert whole.genes["emd"].notna().all() and not [note for note in whole.notes if "EMD" in note]


def test_names_of_genes_that_are_absent_stand_beside_those_that_are_there():
    map_, truth = make_judged()
    with pytest.raises(InputError, match="2 of 3 genes are not predicted by the map: X, Y") as error:
        judged((map_, truth), genes=["G1", "X", "Y"])
    assert "which has G0, G1, G2 and 3 more" in error.value.where and "--genes" in error.value.fix


def test_a_truth_without_genes_is_refused():
    map_, truth = make_judged()
    with pytest.raises(InputError, match="the truth has no genes"):
        judged((map_, replace(truth, counts=np.zeros((truth.n, 0)), genes=())))


def test_the_paper_has_no_cap_on_the_distance_of_spots():
    found = judged(rule="paper").flow.to_frame()
    assert not found["reason"].str.contains("cap").any()
