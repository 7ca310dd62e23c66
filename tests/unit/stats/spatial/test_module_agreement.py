"""Modules of a map beside programmes measured on the spots of its slide."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from sequoia_stats.errors import InputError
from sequoia_stats.spatial.modules import programme_agreement, subtype_map
from sequoia_stats.spatial.shifts import shift_null
from tests.build.maps import make_gene_map, make_places
from tests.build.truth import make_truth

PLACES = make_places(8, 6, ())
CENTRES = (PLACES[:, ::-1] + 0.5) * 100.0


def make_pair(noise=0.0, seed=0):
    """Modules A (from top to bottom) and B (from left to right) are the programmes p and q; spots on all tiles."""
    random = np.random.default_rng(seed)
    scores = PLACES + random.normal(size=(48, 2))
    map_ = make_gene_map(scores, ("G0", "G1"), places=PLACES)
    slide = subtype_map(
        scores, ("A", "B"), slide="S1", names=list(map_.obs.index), centres_um=CENTRES, side_um=100
    )
    measured = scores + noise * random.normal(size=scores.shape)
    return slide, map_, of_spots(measured)


def of_spots(measured, centres=CENTRES, **fields):
    programmes = pd.DataFrame(measured, columns=["p", "q"], index=[f"s{i}" for i in range(len(measured))])
    counts = np.ones((len(measured), 2))
    return make_truth(
        centres_um=centres, counts=counts, programmes=programmes, mpp=0.25, pitch_um=100, **fields
    )


def by_pair(table, column):
    return table.pivot(index="module", columns="programme", values=column)


def nearest_four(measured):
    """The mean of the four nearest spots: by all distances, ties in the order of spots."""
    distance = np.linalg.norm(CENTRES[:, None] - CENTRES, axis=2).round(6)
    order = np.argsort(distance, axis=1, kind="stable")[:, :4]
    return measured[order].mean(axis=1)


def test_correlations_are_those_of_scipy_on_means_of_four_spots():
    slide, map_, truth = make_pair(noise=1.0)
    table = programme_agreement(slide, map_, truth).table
    measured = nearest_four(truth.programmes.to_numpy())
    want = np.corrcoef(slide.scores.T, measured.T)[:2, 2:]
    np.testing.assert_allclose(by_pair(table, "r"), want, atol=1e-12)
    ranks = spearmanr(slide.scores, measured).statistic[:2, 2:]
    np.testing.assert_allclose(by_pair(table, "spearman"), ranks, atol=1e-12)
    assert (table.n_tiles == 48).all()
    assert list(table) == [
        "slide", "programme", "module", "n_tiles", "r", "spearman", "r_shift_mean", "r_shift_high", "p_shift",
        "n_shifts",
    ]  # fmt: skip


def test_the_null_is_that_of_shifts_and_turns_of_the_programme():
    slide, map_, truth = make_pair(noise=1.0)
    row = programme_agreement(slide, map_, truth).table.iloc[1]
    measured = nearest_four(truth.programmes.to_numpy())[:, 0]
    want = shift_null(slide.scores[:, 1], measured, PLACES)
    got = row[["r_shift_mean", "r_shift_high", "p_shift", "n_shifts"]].astype(float).tolist()
    assert got == pytest.approx([want.r_mean[0], want.r_high[0], want.p[0], want.n_possible], abs=1e-6)
    assert want.n_possible > 20


def test_a_module_without_scores_has_no_agreement():
    slide, map_, truth = make_pair()
    slide.scores[:, 1] = np.nan
    table = programme_agreement(slide, map_, truth).table.set_index("module")
    assert table.loc["B", ["r", "spearman", "p_shift"]].isna().all(axis=None)
    assert np.isfinite(table.loc["A", ["r", "spearman", "p_shift"]].to_numpy(float)).all()


def test_a_module_agrees_with_its_own_programme():
    r = by_pair(programme_agreement(*make_pair()).table, "r")
    assert r.loc["A", "p"] > 0.8
    assert abs(r.loc["A", "q"]) < 0.3


def test_a_spot_without_a_score_leaves_its_tiles_out_for_that_programme():
    slide, map_, truth = make_pair()
    truth.programmes.iloc[0, 0] = np.nan
    table = programme_agreement(slide, map_, truth).table.set_index("programme")
    assert (table.n_tiles["p"] < 48).all()
    assert (table.n_tiles["q"] == 48).all()


def test_a_constant_programme_has_no_correlation():
    slide, map_, truth = make_pair()
    truth.programmes["q"] = 1.0
    table = programme_agreement(slide, map_, truth).table.set_index("programme")
    assert np.isnan(table.r["q"]).all()
    assert np.isfinite(table.r["p"]).all()


def test_spots_and_tiles_that_are_lost_are_counted_and_trusted_positions_are_noted():
    slide, map_, truth = make_pair()
    found = programme_agreement(slide, map_, of_spots(truth.programmes.to_numpy()[:24], CENTRES[:24]))
    assert found.n_tiles < 48
    assert found.flow.to_frame().iloc[-1].tolist() == [
        "tiles: with a spot", 48, found.n_tiles, f"{48 - found.n_tiles} without a spot within the cap"
    ]  # fmt: skip
    far = np.vstack([CENTRES[:-9], CENTRES[-9:] - 5000])
    off = programme_agreement(slide, map_, of_spots(truth.programmes.to_numpy(), far), trust_positions=True)
    assert "9 of 48 spots are off the slide" in off.notes
    assert "spots: on the slide" in off.flow.to_frame().step.tolist()


def test_the_printed_form_has_the_highest_module_of_each_programme_with_its_p():
    found = programme_agreement(*make_pair())
    lines = str(found).splitlines()
    best = found.table.set_index(["programme", "module"]).loc[("p", "A")]
    assert lines[0].startswith("S1 beside ") and "48 tiles, 100% of the spots on tiles" in lines[0]
    assert (
        lines[1] == f"  p: highest with A, r {best.r:.3f} (p = {best.p_shift:.3g} of {best.n_shifts} shifts)"
    )
    assert lines[2].startswith("  q: highest with B")


def test_a_section_without_programmes_is_refused():
    slide, map_, _ = make_pair()
    counts = make_truth(centres_um=CENTRES, counts=np.ones((48, 2)), mpp=0.25, pitch_um=100)
    with pytest.raises(InputError, match="the section has no scores of programmes"):
        programme_agreement(slide, map_, counts)


def test_a_section_of_another_slide_is_refused():
    slide, map_, truth = make_pair()
    elsewhere = of_spots(truth.programmes.to_numpy(), centres=CENTRES + 5000, name="T7")
    with pytest.raises(InputError, match="of the spots are on tiles of the map"):
        programme_agreement(slide, map_, elsewhere)
