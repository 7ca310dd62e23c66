"""The subtype of a tile: the module with the highest percentile; ties, missing scores, measured programmes."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import percentileofscore

from sequoia_stats.errors import InputError
from sequoia_stats.spatial.modules import highest, subtype_map, subtypes_of_programmes
from tests.build.truth import make_truth

MODULES = ("AC", "MES", "OPC")


def of(scores, modules=MODULES):
    n = len(scores)
    centres = np.column_stack([np.arange(n), np.zeros(n)])
    return subtype_map(
        scores, modules, slide="S1", names=[f"0x{i}" for i in range(n)], centres_um=centres, side_um=100
    )


def scores(n=30, seed=0):
    return np.random.default_rng(seed).normal(size=(n, 3))


def test_a_subtype_is_the_module_of_the_highest_percentile_among_its_own_scores():
    x = scores()
    ranks = np.array([[percentileofscore(x[:, j], x[i, j]) for j in range(3)] for i in range(len(x))])
    found = of(x)
    np.testing.assert_allclose(found.percentiles, ranks)
    assert found.labels.tolist() == [MODULES[j] for j in ranks.argmax(axis=1)]


def test_the_margin_is_the_distance_to_the_second_percentile():
    best, margins = highest([[10.0, 90.0, 70.0], [50.0, 20.0, 50.0]])
    assert best.tolist() == [1, 0]
    assert margins.tolist() == [20.0, 0.0]


def test_a_tie_has_the_first_module_and_no_margin():
    found = of(np.tile(np.arange(4.0)[:, None], 3))
    assert found.labels.tolist() == ["AC"] * 4
    assert found.n_tied == 4


def test_a_tile_without_a_score_has_no_subtype_and_does_not_count_for_the_others():
    x = scores()
    x[4] = np.nan
    found, without = of(x), of(np.delete(x, 4, axis=0))
    assert found.labels[4] == ""
    assert np.isnan(found.margins[4])
    assert np.delete(found.labels, 4).tolist() == without.labels.tolist()
    assert (found.to_dict()["n_none"], sum(found.counts.values())) == (1, 29)


def test_a_module_without_scores_is_no_subtype():
    x = scores()
    x[:, 1] = np.nan
    assert of(x).labels.tolist() == of(x[:, [0, 2]], ("AC", "OPC")).labels.tolist()


def test_one_module_makes_no_subtypes():
    with pytest.raises(
        InputError, match="a subtype is the highest of several modules, but only 1 of 1 module"
    ):
        of(scores()[:, :1], ("AC",))


def test_the_frame_has_a_row_per_tile():
    frame = of(scores()).to_frame()
    assert list(frame)[:6] == ["slide", "tile", "x_um", "y_um", "subtype", "margin"]
    assert list(frame)[6:] == ["percentile_AC", "percentile_MES", "percentile_OPC"]
    assert frame.tile[3] == "0x3"


@given(seed=st.integers(0, 99), scale=st.floats(0.01, 50), shift=st.floats(-9, 9))
def test_subtypes_do_not_depend_on_the_unit_of_a_module(seed, scale, shift):
    x = scores(seed=seed)
    changed = x.copy()
    changed[:, 1] = np.exp(scale / 50 * x[:, 1]) + shift
    assert of(changed).labels.tolist() == of(x).labels.tolist()


@given(seed=st.integers(0, 99))
def test_subtypes_do_not_depend_on_the_order_of_tiles(seed):
    x, order = scores(seed=seed), np.random.default_rng(seed).permutation(30)
    assert of(x[order]).labels.tolist() == of(x).labels[order].tolist()


def test_measured_programmes_alone_give_subtypes_of_spots():
    x = scores()
    programmes = pd.DataFrame(x, columns=list(MODULES), index=[f"s{i}" for i in range(30)])
    truth = make_truth(programmes=programmes)
    found = subtypes_of_programmes(truth)
    assert found.labels.tolist() == of(x).labels.tolist()
    assert (found.shape, found.side_um, found.slide) == ("circle", truth.spot_um, "S1")
    np.testing.assert_allclose(found.centres_um, truth.centres_um)


def test_a_section_without_programmes_has_no_such_subtypes():
    with pytest.raises(InputError, match="the section has no scores of programmes"):
        subtypes_of_programmes(make_truth())
