"""Several slides: genes ranked on the others, counts of slides, and a bootstrap over slides."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sequoia_stats.errors import InputError
from sequoia_stats.spatial import evaluate_maps
from sequoia_stats.spatial.across_slides import bootstrap_means
from tests.build.judged import make_judged

OPTIONS = {"spectral": 0, "min_counts": 3, "top": 3}


def three(**about):
    return zip(*(make_judged(seed=i, name=f"S{i}", noise=1.0, **about) for i in range(3)), strict=True)


@pytest.fixture(scope="module")
def found():
    return evaluate_maps(*three(), **OPTIONS)


def test_every_slide_is_ranked_on_the_others(found):
    others = pd.concat(
        [found.evaluations[name].genes.set_index("gene")["r"] for name in ("S1", "S2")], axis=1
    )
    best = others.mean(axis=1).nlargest(3).index
    own = found.evaluations["S0"].genes.set_index("gene")["r"]
    row = found.slides.query("slide == 'S0' and genes == 'top-3' and ranked_on == 'other slides'").iloc[0]
    assert row["r"] == pytest.approx(own[best].median())


def test_medians_over_slides_are_means_of_the_slides(found):
    row = found.medians.query("genes == 'all'").iloc[0]
    slides = found.slides.query("genes == 'all'")
    assert row["r"] == pytest.approx(slides["r"].mean()) and row["n_slides"] == 3
    assert row["r_low"] <= row["r"] <= row["r_high"]
    assert row["n_beating"] == (slides["r"] > slides["r_null_high"]).sum()


def test_genes_count_the_slides_above_a_tenth(found):
    by_slide = np.array([one.genes["r"] for one in found.evaluations.values()])
    assert found.genes["n_above"].tolist() == (by_slide > 0.1).sum(axis=0).tolist()
    np.testing.assert_allclose(found.genes["r"], by_slide.mean(axis=0), rtol=1e-12)


def test_intervals_are_those_of_all_draws_of_two_slides():
    # of four equally likely draws of two slides the means are a, (a + b) / 2 twice, and b
    low, high = bootstrap_means(np.array([[0.0], [1.0]]), np.random.default_rng(0))[:, 0]
    assert (low, high) == (0.0, 1.0)
    three_values = np.array([[0.0], [0.0], [3.0]])
    means = bootstrap_means(three_values, np.random.default_rng(0), draws=20_000)[:, 0]
    assert means.tolist() == [0.0, 3.0]  # 8/27 draws lack the third slide, 1/27 has it alone


def test_one_slide_has_no_interval_and_a_slide_without_the_gene_does_not_count():
    values = np.array([[0.2, 0.2], [np.nan, 0.4]])
    found = bootstrap_means(values, np.random.default_rng(0))
    assert np.isnan(found[:, 0]).all() and found[:, 1].tolist() == [0.2, 0.4]


def test_slides_without_the_gene_do_not_pull_means_to_zero():
    low, high = bootstrap_means(np.array([[0.0], [np.nan], [np.nan], [1.0]]), np.random.default_rng(0))[:, 0]
    assert (low, high) == (0.0, 1.0)


def test_the_seed_decides_the_intervals():
    again = [evaluate_maps(*three(), **OPTIONS, seed=seed).medians for seed in (1, 1)]
    pd.testing.assert_frame_equal(*again)


def test_slides_of_one_patient_are_said_to_be():
    assert "the 3 slides are of 1 patient" in evaluate_maps(*three(patient_id="P1"), **OPTIONS).notes[-1]


def test_pairs_must_be_complete_and_slides_different():
    maps, truths = three()
    with pytest.raises(InputError, match="3 maps and 2 truths do not make pairs"):
        evaluate_maps(maps, truths[:2])
    with pytest.raises(InputError, match="several maps are of the slide S0"):
        evaluate_maps([maps[0], maps[0]], truths[:2])


def test_a_slide_that_fails_leaves_the_others_as_they_are_without_it():
    maps, truths = (list(each) for each in three())
    bad = maps[1].with_values(["X"], maps[1].genes(["G0"]), source="ridge")
    found = evaluate_maps([maps[0], bad, maps[2]], truths, **OPTIONS)
    alone = evaluate_maps([maps[0], maps[2]], [truths[0], truths[2]], **OPTIONS)
    assert [failure.item for failure in found.failed] == ["S1"] and "gene" in found.failed[0].reason
    pd.testing.assert_frame_equal(found.medians, alone.medians)
    pd.testing.assert_frame_equal(found.genes, alone.genes)
    assert "  1 slide failed" in found.lines() and "  1 slide failed" not in alone.lines()


def test_slides_that_all_fail_are_an_error():
    maps, truths = (list(each) for each in three())
    bad = [one.with_values(["X"], one.genes(["G0"]), source="ridge") for one in maps]
    with pytest.raises(InputError, match="none of the 3 slides could be judged"):
        evaluate_maps(bad, truths, **OPTIONS)


def test_an_interval_over_few_slides_is_said_to_be_coarse(found):
    assert [note for note in found.notes if note.startswith("an interval over 3 slides is coarse")]
