"""Correlation of predicted and measured pathway scores."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sequoia_stats.association import benjamini_hochberg
from sequoia_stats.errors import InputError
from sequoia_stats.sets.collections import GeneSets
from sequoia_stats.sets.gsva import Gsva, pathway_agreement
from tests.build.cohorts import make_predictions

SETS = GeneSets("own", {"a": ("G1", "G2", "G3"), "b": ("G4", "G5"), "c": ("G6",), "gone": ("X",)})


def frame(matrix, predictions):
    return pd.DataFrame(matrix, predictions.obs.index, predictions.genes)


def test_r_is_that_of_the_scores_of_both():
    predictions = make_predictions(n=30)
    table = pathway_agreement(predictions, SETS).set_index("set")
    scores = [
        Gsva(SETS).fit_transform(frame(m, predictions)) for m in (predictions.predicted, predictions.measured)
    ]
    want = {name: stats.pearsonr(scores[0][name], scores[1][name]) for name in scores[0]}
    np.testing.assert_allclose(table["r"], [want[name].statistic for name in table.index], rtol=1e-12)
    np.testing.assert_allclose(table["p"], [want[name].pvalue for name in table.index], rtol=1e-9)


def test_the_table_has_a_row_per_set_and_says_what_went_into_it():
    table = pathway_agreement(make_predictions(n=30, name="TCGA"), SETS)
    assert list(table) == ["level", "collection", "set", "size", "genes", "n", "r", "p", "p_bh"]
    assert table.iloc[0, :6].tolist() == ["TCGA", "own", "a", 3, 12, 30]
    assert list(table["set"]) == ["a", "b", "c"]


def test_perfect_predictions_agree_perfectly():
    made = make_predictions(n=30)
    table = pathway_agreement(replace(made, predicted=made.measured), SETS)
    np.testing.assert_allclose(table["r"], 1, rtol=1e-12)


def test_levels_are_scored_apart():
    predictions = make_predictions(n=40, cohorts=2)
    table = pathway_agreement(predictions, SETS, by="cohort")
    alone = pathway_agreement(predictions.rows((predictions.obs["cohort"] == "B").to_numpy()), SETS)
    assert list(table["level"]) == ["A"] * 3 + ["B"] * 3
    np.testing.assert_array_equal(table["r"][3:], alone["r"])


def test_p_values_are_adjusted_within_level_and_collection():
    other = GeneSets("other", {"a": ("G7", "G8"), "d": ("G9",)})
    table = pathway_agreement(make_predictions(n=40, cohorts=2), [SETS, other], by="cohort")
    assert table.groupby(["level", "collection"], sort=False).size().tolist() == [3, 2, 3, 2]
    np.testing.assert_array_equal(table["p_bh"][3:5], benjamini_hochberg(table["p"][3:5]))


def test_genes_that_are_not_measured_everywhere_or_constant_are_left_out_on_both_sides_and_counted():
    made = make_predictions(n=30)
    measured, predicted = made.measured.copy(), made.predicted.copy()
    measured[4, 0], predicted[:, 1], measured[:, 7] = np.nan, 2.0, 5.0
    table = pathway_agreement(replace(made, measured=measured, predicted=predicted), SETS)
    assert table.loc[0, ["set", "size", "genes"]].tolist() == ["a", 1, 9]
    assert [step[:3] for step in table.attrs["flow"][:2]] == [
        ("made, genes: measured", 12, 11), ("made, genes: that vary", 11, 9),
    ]  # fmt: skip


def test_options_are_those_of_gsva():
    predictions = make_predictions(n=30)
    one, other = (pathway_agreement(predictions, SETS, kcdf=kcdf) for kcdf in ("gaussian", "none"))
    assert not np.allclose(one["r"], other["r"])
    with pytest.raises(InputError, match="not a valid kcdf"):
        pathway_agreement(predictions, SETS, kcdf="x")


def test_nothing_to_rank_is_an_error():
    made = make_predictions(n=30)
    measured = made.measured.copy()
    measured[0, 1:] = np.nan
    with pytest.raises(InputError, match="1 of 12 genes is measured in all samples"):
        pathway_agreement(replace(made, measured=measured), SETS)
