"""Risk groups by intervals: one scale, the scale of each fold, and what is said."""

import numpy as np
import pandas as pd
import pytest

from sequoia_stats.conformal import decide_risk, interval_groups, score_intervals, share_decided
from sequoia_stats.errors import InputError
from tests.build.scores import make_scores

#: The scale of the measured scores of two folds.
FOLDS = pd.DataFrame(
    {"fold": [0, 1], "n_train": 50, "mean": [10.0, -4.0], "sd": [2.0, 0.5], "cutoff": [10.2, -4.1]}
)


def make_two_folds(n=100, r=0.8):
    return make_scores(n, r, folds=2).astype({"fold": "Int64"})


def make_null_fold():
    """Scores of three folds, of which the last has a signature without genes, and the scale of each."""
    known = make_scores(300, 0.95, folds=3).astype({"fold": "Int64"})
    known.loc[known["fold"] == 2, ["predicted", "measured"]] = 0.0
    empty = pd.DataFrame({"fold": [2], "n_train": 50, "mean": 0.0, "sd": 0.0, "cutoff": 0.0})
    return known, pd.concat([FOLDS, empty])


def test_limits_and_groups_of_one_signature_are_those_of_the_intervals():
    known = make_scores(200, 0.8)
    got = decide_risk(known, known, 0.2, level=0.8)
    want = score_intervals(known, known, level=0.8).frame
    pd.testing.assert_frame_equal(got.frame[["lower", "upper"]], want[["lower", "upper"]])
    assert got.frame["group"].tolist() == interval_groups(want["lower"], want["upper"], 0.2).tolist()


def test_limits_of_a_fold_are_on_the_scale_of_its_measured_scores():
    known = make_two_folds()
    got = decide_risk(known, known, 0.0, folds=FOLDS).frame
    want = score_intervals(known, known).frame
    scale = FOLDS.iloc[known["fold"].to_numpy(int)].set_axis(known.index)
    pd.testing.assert_series_equal(
        got["upper"], scale["mean"] + scale["sd"] * want["upper"], check_names=False
    )
    assert got["group"].tolist() == interval_groups(got["lower"], got["upper"], scale["cutoff"]).tolist()


def test_a_patient_of_no_fold_is_judged_by_the_common_cutoff():
    known = make_two_folds(400, 0.95)
    new = make_scores(300, 0.95, named="N").assign(fold=pd.NA)
    got = decide_risk(known, new, -0.05, folds=FOLDS, level=0.5).frame
    want = score_intervals(known, new, level=0.5).frame
    np.testing.assert_array_equal(got["lower"], want["lower"])
    assert got["group"].tolist() == interval_groups(want["lower"], want["upper"], -0.05).tolist()


def test_a_fold_without_genes_leaves_its_patients_uncertain():
    known, folds = make_null_fold()
    got = decide_risk(known, known, 0.0, folds=folds, level=0.5).frame
    assert got.loc[known["fold"] == 2, "group"].eq("uncertain").all()
    assert got.loc[known["fold"] == 2, "upper"].eq(np.inf).all()
    assert set(got.loc[known["fold"] == 0, "group"]) == {"low", "high", "uncertain"}


def test_a_fold_without_genes_changes_nothing_for_the_others():
    known, folds = make_null_fold()
    got = decide_risk(known, known, 0.0, folds=folds)
    others = known[known["fold"] != 2]
    want = decide_risk(others, others, 0.0, folds=folds)
    pd.testing.assert_frame_equal(got.frame.loc[others.index], want.frame)
    pd.testing.assert_frame_equal(got.decided, want.decided)
    assert (got.n_measured, got.n_held, got.intervals.r) == (want.n_measured, want.n_held, want.intervals.r)
    assert got.intervals.n == len(others) < len(known)
    assert (
        f"{len(known) - len(others)} of {len(known)} patients are of a fold whose signature has no gene"
        in str(got)
    )


def test_new_patients_of_signatures_of_folds_are_promised_nothing():
    known, new = make_two_folds(), make_scores(30, 0.8, named="N").assign(fold=pd.NA)
    got = decide_risk(known, new, 0.0, folds=FOLDS)
    assert got.decided["expected"].isna().all() and "expected: if" not in str(got)
    assert "30 of 30 patients are in no fold" in str(got) and "90% is no promise for them" in str(got)


def test_patients_of_folds_without_genes_alone_are_refused():
    known, folds = make_null_fold()
    with pytest.raises(InputError, match="has no gene"):
        decide_risk(known, known[known["fold"] == 2], 0.0, folds=folds)


def test_the_table_of_levels_has_the_width_of_the_intervals():
    known = make_scores(200, 0.8)
    got = decide_risk(known, known, 0.2)
    want = share_decided(known, known, 0.2, width=got.intervals.width)
    pd.testing.assert_frame_equal(got.decided, want)


def test_what_is_printed_holds_counts_shares_and_notes():
    known = make_scores(200, 0.8)
    text = str(decide_risk(known, known, 0.0))
    row = share_decided(known, known, 0.0, levels=[0.8]).iloc[0]
    assert f"80%  {row['n_decided']:.0f} of 200 ({row['share']:.1%})" in text
    assert f"{row['n_right']:.0f} of {row['n_measured']:.0f}" in text
    assert "which is no guarantee" in text


def test_plain_values_count_the_groups_and_hold_no_nan():
    known, new = make_scores(200, 0.8), make_scores(50, 0.8, named="N")[["predicted"]]
    content = decide_risk(known, new, 0.0).to_dict()
    assert content["n_high"] + content["n_low"] + content["n_uncertain"] == 50
    assert {row["error"] for row in content["decided"]} == {None}


def test_the_coverage_of_the_calibration_is_counted():
    known = make_scores(200, 0.8)
    got = decide_risk(known, known, 0.0)
    frame = score_intervals(known, known).frame
    inside = (known["measured"] >= frame["lower"]) & (known["measured"] <= frame["upper"])
    assert (got.n_measured, got.n_held) == (200, inside.sum())


def test_without_measured_scores_there_is_no_coverage():
    got = decide_risk(make_scores(200, 0.8), make_scores(9, named="N")[["predicted"]], 0.0)
    assert got.n_measured == 0 and np.isnan(got.coverage) and "coverage" not in str(got)


@pytest.mark.parametrize("level", [0.5, 0.8])
def test_groups_do_not_depend_on_the_units_of_a_fold(level):
    known = make_two_folds()
    other = FOLDS.assign(mean=0.0, sd=1.0, cutoff=(FOLDS["cutoff"] - FOLDS["mean"]) / FOLDS["sd"])
    got, want = (
        decide_risk(known, known, 0.0, folds=folds, level=level).frame["group"] for folds in (FOLDS, other)
    )
    assert got.tolist() == want.tolist()
