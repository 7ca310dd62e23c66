"""Intervals of a score: against brute force, what does not change them, whom they leave out, and their coverage."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequoia_stats.conformal import score_intervals
from sequoia_stats.errors import InputError
from tests.build.scores import make_scores, make_uneven_scores

LIMITS = ["lower", "upper"]


def by_hand(known: pd.DataFrame, x: float, level: float) -> tuple[float, float]:
    """The interval at x by numpy's polyfit, one patient left out after the other."""
    residuals = []
    for patient in known.index:
        rest = known.drop(index=patient)
        residuals.append(abs(known.loc[patient, "measured"] - line(rest, known.loc[patient, "predicted"])))
    rank = int(np.ceil((len(known) + 1) * level - 1e-9))
    half = sorted(residuals)[rank - 1] if rank <= len(known) else np.inf
    return line(known, x) - half, line(known, x) + half


def line(known: pd.DataFrame, x: float) -> float:
    slope, at_0 = np.polyfit(known["predicted"], known["measured"], 1)
    return at_0 + slope * x if slope > 0 else known["measured"].mean()


def coverage(frame: pd.DataFrame, measured: pd.Series) -> float:
    return float(((measured >= frame["lower"]) & (measured <= frame["upper"])).mean())


def sites(scores: pd.DataFrame) -> pd.DataFrame:
    """Every second patient from site B, where scores are measured with three times the spread."""
    in_b = np.arange(len(scores)) % 2 == 1
    return scores.assign(site=np.where(in_b, "B", "A"), measured=scores["measured"] * np.where(in_b, 3, 1))


# --- the numbers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9])
def test_a_new_patient_gets_the_line_and_the_residuals_of_all(level):
    known, new = make_scores(n=19, folds=0), make_scores(n=3, named="N")
    got = score_intervals(known, new, level=level, width="constant").frame
    want = [by_hand(known, x, level) for x in new["predicted"]]
    np.testing.assert_allclose(got[LIMITS], want, rtol=1e-12)


def test_a_patient_of_the_calibration_gets_nothing_of_his_fold():
    known = make_scores(n=30, folds=3)
    got = score_intervals(known, known, level=0.8, width="constant").frame
    want = [
        by_hand(known[known["fold"] != fold], x, 0.8)
        for x, fold in zip(known["predicted"], known["fold"], strict=True)
    ]
    np.testing.assert_allclose(got[LIMITS], want, rtol=1e-12)
    assert got["n"].eq(20).all() and got["cross_validated"].all()


def test_the_measured_values_of_a_fold_do_not_matter_to_its_intervals():
    known = make_scores(n=40, folds=4)
    changed = known.assign(measured=known["measured"].where(known["fold"] != 2, 99.0))
    in_fold = known["fold"] == 2
    got = [score_intervals(frame, known[in_fold]).frame for frame in (known, changed)]
    pd.testing.assert_frame_equal(*got)


def test_a_patient_without_a_fold_stands_alone():
    known = make_scores(n=25, folds=0)
    got = score_intervals(known, known, width="constant").frame
    want = [by_hand(known.drop(index=patient), x, 0.9) for patient, x in known["predicted"].items()]
    np.testing.assert_allclose(got[LIMITS], want, rtol=1e-12)


def test_a_patient_that_was_not_measured_still_leaves_his_fold_out():
    known = make_scores(n=40, folds=4)
    known.loc["P1", "measured"] = np.nan
    got = score_intervals(known, known)
    assert got.n == 39
    assert got.frame.loc["P1", "n"] == 30 and got.frame.loc["P2", "n"] == 29


def test_a_predicted_width_is_the_line_of_the_residuals():
    known, new = make_uneven_scores(n=200), make_uneven_scores(n=50, seed=1, named="N")
    got = score_intervals(known, new, width="predicted").frame
    size = (got["upper"] - got["lower"]) / 2
    rises = np.polyfit(new["predicted"], size, 1)
    np.testing.assert_allclose(size, np.polyval(rises, new["predicted"]), rtol=1e-9)
    assert rises[0] > 1


def test_the_width_is_predicted_where_that_is_shorter_only():
    uneven, even = make_uneven_scores(n=200), make_scores(n=200)
    assert score_intervals(uneven, uneven).width == "predicted"
    assert score_intervals(even, even).width == "constant"


def test_a_score_that_runs_against_the_measured_one_says_nothing():
    known = make_scores(n=60)
    known["predicted"] = -known["predicted"]
    got = score_intervals(known, make_scores(n=9, named="N"))
    assert got.frame["centre"].nunique() == 1
    assert "does not rise" in got.notes[0]


def test_a_predicted_score_of_one_value_gives_one_interval():
    known = make_scores(n=60).assign(predicted=0.0)
    got = score_intervals(known, make_scores(n=9, named="N"))
    assert np.isnan(got.r) and got.frame["upper"].nunique() == 1


def test_perfect_predictions_have_intervals_without_width():
    known = make_scores(n=60, folds=0).eval("predicted = measured / 2 + 1")
    got = score_intervals(known, known).frame
    np.testing.assert_allclose(got["upper"] - got["lower"], 0, atol=1e-12)


# --- what does not matter ------------------------------------------------------------------------------------------


@given(seed=st.integers(0, 10**6), slope=st.floats(0.01, 100), shift=st.floats(-100, 100))
def test_a_predicted_score_may_have_any_scale(seed, slope, shift):
    known, new = make_scores(n=30, seed=seed), make_scores(n=5, seed=seed, named="N")
    moved = [frame.assign(predicted=shift + slope * frame["predicted"]) for frame in (known, new)]
    got, want = (score_intervals(*pair).frame[LIMITS] for pair in (moved, (known, new)))
    np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-8)


@given(seed=st.integers(0, 10**6))
def test_the_order_of_patients_does_not_matter(seed):
    known = make_scores(n=30, seed=seed)
    mixed = known.sample(frac=1, random_state=seed)
    got = score_intervals(mixed, mixed).frame.loc[known.index]
    np.testing.assert_allclose(got[LIMITS], score_intervals(known, known).frame[LIMITS], rtol=1e-9, atol=1e-9)


@given(seed=st.integers(0, 10**6), levels=st.tuples(st.floats(0.05, 0.95), st.floats(0.05, 0.95)))
def test_a_higher_level_holds_the_lower_one(seed, levels):
    known = make_scores(n=30, seed=seed)
    inner, outer = (
        score_intervals(known, known, level=level, width="constant").frame for level in sorted(levels)
    )
    assert (outer["lower"] <= inner["lower"]).all() and (inner["upper"] <= outer["upper"]).all()


# --- too few, and groups -------------------------------------------------------------------------------------------


def test_eight_patients_give_the_whole_line():
    got = score_intervals(make_scores(n=8, folds=0), make_scores(n=2, named="N"))
    assert got.frame["lower"].eq(-np.inf).all() and got.frame["upper"].eq(np.inf).all()
    assert got.n_whole == 2 and "2 of 2 patients have the whole line as interval" in got.notes[0]


def test_nine_patients_do_not():
    assert score_intervals(make_scores(n=9, folds=0), make_scores(n=2, named="N")).n_whole == 0


def test_one_fold_alone_gives_its_patients_the_whole_line():
    known = make_scores(n=40, folds=1)
    assert score_intervals(known, known).n_whole == 40


def test_each_group_is_held_as_often_as_promised():
    known, new = (sites(make_scores(n, folds=0, named=name)) for n, name in ((400, "P"), (4000, "N")))
    frame = score_intervals(known, new, within="site").frame
    got = [coverage(frame[new["site"] == site], new.loc[new["site"] == site, "measured"]) for site in "AB"]
    assert got == pytest.approx([0.9, 0.9], abs=0.03)
    pooled = score_intervals(known, new).frame
    assert coverage(pooled[new["site"] == "B"], new.loc[new["site"] == "B", "measured"]) < 0.85


def test_a_small_group_takes_all_patients_and_a_note_says_so():
    known = make_scores(n=100, folds=0).assign(site=["A"] * 95 + ["B"] * 5)
    new = make_scores(n=2, named="N").assign(site=["A", "B"])
    got = score_intervals(known, new, within="site")
    assert got.frame["n"].tolist() == [95, 100]
    assert got.notes == ("too few patients for intervals within site B: all patients were used there",)


# --- coverage ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [60, 100, 500])
def test_new_patients_are_held_as_often_as_promised(n):
    held = [
        coverage(score_intervals(make_scores(n, seed=seed), new).frame, new["measured"])
        for seed, new in ((seed, make_scores(1000, seed=99 + seed, named="N")) for seed in range(20))
    ]
    assert np.mean(held) == pytest.approx(0.9, abs=0.02)


def test_cross_validated_patients_are_held_about_as_often():
    cohorts = [make_scores(100, seed=seed) for seed in range(30)]
    held = [coverage(score_intervals(cohort, cohort).frame, cohort["measured"]) for cohort in cohorts]
    assert np.mean(held) == pytest.approx(0.9, abs=0.02)


def test_an_uneven_score_is_held_at_low_and_high_predictions_alike():
    known, new = make_uneven_scores(n=500), make_uneven_scores(n=5000, seed=1, named="N")
    frame = score_intervals(known, new).frame
    low = new["predicted"] < 0.3
    got = [coverage(frame[half], new.loc[half, "measured"]) for half in (low, ~low)]
    assert got == pytest.approx([0.9, 0.9], abs=0.04)


def test_shrunken_predictions_are_held_as_well_at_the_ends_as_in_the_middle():
    known, new = make_scores(n=500, r=0.5, scale=3), make_scores(n=20_000, r=0.5, scale=3, named="N")
    frame = score_intervals(known, new).frame
    ends = (new["predicted"] - new["predicted"].mean()).abs() > 1.5 * new["predicted"].std()
    assert coverage(frame[ends], new.loc[ends, "measured"]) == pytest.approx(0.9, abs=0.03)


def test_a_sample_of_tcga_is_the_patient_of_the_calibration():
    known = make_scores(n=60, named="TCGA-A1-A0S")
    known.index = [f"TCGA-A1-{1000 + i}" for i in range(60)]
    sample = known.set_axis(known.index + "-01A")
    want, got = score_intervals(known, known), score_intervals(known, sample)
    np.testing.assert_array_equal(got.frame, want.frame)
    assert got.frame["cross_validated"].all() and got.notes == want.notes


def test_a_patient_without_a_level_has_the_intervals_of_all():
    known, new = make_scores(n=60, folds=0), make_scores(n=4, named="N")[["predicted"]]
    known["site"], new["site"] = ["A", "B"] * 29 + [None] * 2, ["A", None, "B", np.nan]
    found = score_intervals(known, new, within="site")
    assert found.frame["n"].tolist() == [29, 60, 29, 60]
    assert found.notes == ("2 of 4 patients have no site, and the intervals of all patients",)


# --- bad input -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.drop(columns="predicted"), "calibration: there is no column predicted"),
        (lambda f: f.drop(columns="measured"), "calibration: there is no column measured"),
        (lambda f: pd.concat([f, f[:1]]), "calibration: 1 patient is duplicated"),
        (lambda f: f.assign(measured=np.nan), "0 patients have a measured score, but intervals need 3"),
        (lambda f: f.assign(measured=np.inf), "20 of 20 patients have no measured value"),
        (lambda f: f.assign(predicted=np.nan), "20 of 20 patients have no predicted value"),
    ],
)
def test_a_calibration_that_cannot_be_used_is_refused(change, words):
    with pytest.raises(InputError, match=words):
        score_intervals(change(make_scores(n=20)), make_scores(n=3, named="N"))


@pytest.mark.parametrize("level", [0, 1, 90])
def test_a_level_is_between_0_and_1(level):
    with pytest.raises(InputError, match="between 0 and 1"):
        score_intervals(make_scores(), make_scores(), level=level)
