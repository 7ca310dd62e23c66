"""Risk scores of cross-validated models, compared within folds."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sequoia_stats.errors import InputError
from sequoia_stats.risk import RiskScores, compare_risks
from sequoia_stats.survival import cox_regression, logrank_test
from sequoia_stats.types.outcome import Outcome
from tests.build.risks import make_risks

#: What is compared of two comparisons that must be the same.
TABLES = ("comparison", "pairs", "adjusted", "gain", "groups")


def compared(made, *models, draws=20, **options):
    """The comparison of these scores, by default of both, with few draws."""
    models = models or (made.good, made.noise)
    return compare_risks({m.name: m for m in models}, made.outcome, bootstrap=draws, **options)


def with_clinical(made, *models, **options):
    return compared(made, *models, clinical=made.clinical, adjust=["age", "stage"], **options)


def assert_same(one, other):
    for table in TABLES:
        pd.testing.assert_frame_equal(getattr(one, table), getattr(other, table), rtol=1e-9)


def count_pairs(outcome, risk, fold):
    """C by a loop over pairs of one fold."""
    good = total = 0.0
    for k in np.unique(fold):
        own = np.flatnonzero(fold == k)
        for i in own[outcome["event"].to_numpy()[own]]:
            time = outcome["time"].to_numpy()
            later = own[(time[own] > time[i]) | ((time[own] == time[i]) & ~outcome["event"].to_numpy()[own])]
            total += len(later)
            good += (risk[i] > risk[later]).sum() + 0.5 * (risk[i] == risk[later]).sum()
    return good / total


def test_c_counts_pairs_within_a_fold():
    made = make_risks()
    frame = made.good.frame
    want = count_pairs(made.outcome, frame["risk_score"].to_numpy(), frame["fold"].to_numpy())
    assert compared(made).comparison["c_index"][0] == pytest.approx(want, abs=1e-12)


def test_scores_are_centred_and_scaled_on_the_training_patients_of_their_fold():
    made = make_risks()
    raw, own = made.good.frame["risk_score"], made.good.training.loc[made.good.frame["fold"]]
    want = (raw.to_numpy() - own["mean"].to_numpy()) / own["sd"].to_numpy()
    got = compared(made).patients.set_index("patient_id")["good"]
    np.testing.assert_allclose(got[raw.index], want, rtol=1e-12)


def test_a_patient_is_of_high_risk_above_the_median_of_the_folds_training_patients():
    made = make_risks()
    cutoff = made.good.training.loc[made.good.frame["fold"], "cutoff"].to_numpy()
    tied = made.good.frame["risk_score"].where(
        np.arange(len(cutoff)) > 0, cutoff
    )  # the first is at the cut-off
    model = replace(made.good, frame=made.good.frame.assign(risk_score=tied))
    got = compared(made, model).patients.set_index("patient_id").loc[tied.index, "good_group"]
    assert got.tolist() == ["high" if x > c else "low" for x, c in zip(tied, cutoff, strict=True)]
    assert got.iloc[0] == "low"


def test_the_scale_of_a_folds_model_does_not_matter():
    made = make_risks()
    fold = made.good.frame["fold"].to_numpy(dtype=int)
    shift, spread = np.array([9.0, -20.0, 3.0]), np.array([5.0, 0.1, 2.0])
    frame = made.good.frame.assign(risk_score=shift[fold] + spread[fold] * made.good.frame["risk_score"])
    training = made.good.training.assign(
        mean=shift + spread * made.good.training["mean"],
        sd=spread * made.good.training["sd"],
        cutoff=shift + spread * made.good.training["cutoff"],
    )
    assert_same(with_clinical(made), with_clinical(made, RiskScores("good", frame, training), made.noise))


def test_the_order_of_patients_does_not_matter():
    made = make_risks()
    order = np.random.default_rng(3).permutation(len(made.outcome))
    shuffled = made._replace(
        outcome=made.outcome.iloc[order[::-1]],
        clinical=made.clinical.iloc[order],
        good=replace(made.good, frame=made.good.frame.iloc[order]),
    )
    assert_same(with_clinical(made), with_clinical(shuffled))


def test_the_numbers_of_folds_do_not_matter():
    made = make_risks()

    def renumbered(model):
        new = {0: 7, 1: 2, 2: 4}
        return RiskScores(
            model.name,
            model.frame.assign(fold=model.frame["fold"].map(new)),
            model.training.rename(index=new),
        )

    assert_same(with_clinical(made), with_clinical(made, renumbered(made.good), renumbered(made.noise)))


def test_without_a_scale_the_tested_patients_of_a_fold_take_the_place_of_the_training_patients():
    made = make_risks()
    result = compared(made, replace(made.good, training=None), made.noise)
    table = result.patients.groupby("fold")["good"].agg(["mean", "std"])
    np.testing.assert_allclose(table.to_numpy(), [[0, 1]] * 3, atol=1e-12)
    assert any(
        note.startswith("good: the scores of training patients are not known") for note in result.notes
    )


def test_without_folds_all_patients_are_one_stratum():
    made = make_risks()
    model = RiskScores("good", made.truth.rename("risk_score").to_frame())
    row = compared(made, model).comparison.iloc[0]
    outcome = Outcome(made.outcome["time"], made.outcome["event"].to_numpy(), "event")
    z = (made.truth - made.truth.mean()) / made.truth.std()
    fit = cox_regression(outcome, z.to_frame("z")).frame.iloc[0]
    assert [row["hr_per_sd"], row["hr_low"], row["hr_high"]] == pytest.approx([fit.hr, fit.low, fit.high])
    test = logrank_test(outcome, np.where(made.truth > made.truth.median(), "high", "low"))
    assert row["logrank_p"] == pytest.approx(test.p_value)
    assert row["c_index"] == pytest.approx(
        count_pairs(made.outcome, made.truth.to_numpy(), np.zeros(len(made.truth)))
    )


def test_a_score_without_folds_is_counted_within_the_folds_of_the_others():
    made = make_risks()
    model = RiskScores("plain", made.truth.rename("risk_score").to_frame())
    row = compared(made, made.good, model).comparison.set_index("score").loc["plain"]
    want = count_pairs(made.outcome, made.truth.to_numpy(), made.good.frame["fold"].to_numpy())
    assert row["c_index"] == pytest.approx(want)


def test_a_score_without_folds_beside_scores_with_folds_is_said():
    made = make_risks()
    model = RiskScores("plain", made.truth.rename("risk_score").to_frame())
    notes = compared(made, made.good, model).notes
    assert any(note.startswith("plain has no folds: C") and "within those of good" in note for note in notes)
    assert not any("has no folds" in note for note in compared(made, model).notes)


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("fold", "a", "1 of 120 folds is no whole number"),
        ("risk_score", "q", "1 of 120 scores is not finite"),
    ],
)
def test_texts_among_the_numbers_of_a_frame_are_refused(column, value, words):
    frame = make_risks().good.frame.astype(object)
    frame.iloc[3, list(frame).index(column)] = value
    with pytest.raises(InputError, match=words):
        RiskScores("good", frame)


def test_columns_are_those_that_are_promised():
    result = compared(make_risks())
    assert ",".join(result.comparison) == (
        "score,n,events,c_index,c_low,c_high,hr_per_sd,hr_low,hr_high,p,logrank_p"
    )
    assert ",".join(result.pairs) == "a,b,c_difference,low,high,p"


def test_the_difference_of_a_pair_is_that_of_the_two_concordances():
    result = compared(make_risks(), draws=200)
    c = result.comparison.set_index("score")["c_index"]
    pair = result.pairs.iloc[0]
    assert pair["c_difference"] == pytest.approx(c["good"] - c["noise"])
    assert 0 < pair["low"] < pair["c_difference"] < pair["high"] and pair["p"] < 0.05


def test_one_score_alone_has_no_pairs():
    result = compared(make_risks(), make_risks().good)
    assert len(result.comparison) == 1 and result.pairs.empty
    assert list(result.pairs) == ["a", "b", "c_difference", "low", "high", "p"]


def test_a_score_that_is_the_same_within_every_fold_has_no_hazard_ratio_and_a_c_of_one_half():
    made = make_risks()
    frame = made.good.frame.assign(risk_score=made.good.frame["fold"].astype(float))
    result = compared(made, replace(made.good, frame=frame), made.noise)
    row = result.comparison.iloc[0]
    assert row["c_index"] == 0.5 and np.isnan(row["hr_per_sd"])
    assert any("the same score within every fold" in note for note in result.notes)


def test_a_training_sd_of_zero_is_said():
    made = make_risks()
    frame = made.good.frame
    none = replace(
        made.good,
        frame=frame.assign(risk_score=frame["risk_score"].where(frame["fold"] != 1, 0.0)),
        training=made.good.training.assign(sd=[1.0, 0.0, 1.0], mean=[0.0] * 3, cutoff=[0.0] * 3),
    )
    result = compared(made, none, made.noise)
    assert "good: all scores are the same in fold 1" in result.notes
    assert np.isfinite(result.comparison.loc[0, "hr_per_sd"])


def test_patients_of_one_score_only_are_left_out_and_counted():
    made = make_risks()
    fewer = replace(made.noise, frame=made.noise.frame.iloc[10:])
    result = compared(made, made.good, fewer)
    assert set(result.comparison["n"]) == {110}
    assert result.flow.iloc[-1][["n_before", "n_after"]].tolist() == [120, 110]


def test_patients_in_no_fold_are_left_out_and_counted():
    made = make_risks()
    fold = made.good.frame["fold"].mask(np.arange(120) < 4)
    result = compared(made, replace(made.good, frame=made.good.frame.assign(fold=fold)), made.noise)
    assert result.n == 116 and "4 are in no fold" in result.flow["reason"].tolist()


def test_uncertain_patients_are_a_third_curve_and_not_in_the_logrank_test():
    made = make_risks()
    group = pd.Series(np.resize(["low", "high", "uncertain"], 120), made.outcome.index)
    result = compared(made, replace(made.good, frame=made.good.frame.assign(group=group)))
    assert list(result.curves["good"]) == ["low", "high", "uncertain"]
    sure = (group != "uncertain").to_numpy()
    outcome = Outcome(made.outcome["time"], made.outcome["event"].to_numpy(), "event")[sure]
    test = logrank_test(outcome, group[sure], strata=made.good.frame["fold"][sure])
    assert result.comparison.loc[0, "logrank_p"] == pytest.approx(test.p_value)


@pytest.mark.parametrize("kept", [0, 1])
def test_a_fold_with_fewer_than_two_events_is_refused(kept):
    made = make_risks()
    fold = made.good.frame["fold"] == 2
    first = made.outcome["time"][fold & made.outcome["event"]].nsmallest(kept).index
    few = made.outcome["event"] & ~(fold & ~made.outcome.index.isin(first))
    with pytest.raises(InputError, match=f"fold 2: 40 patients with a score have {kept} event"):
        compared(made._replace(outcome=made.outcome.assign(event=few)))


def test_a_planted_effect_that_vanishes_later_is_said_to_change_with_time():
    made = make_risks(n=400, events=300)
    early = made.outcome["time"] < made.outcome["time"].median()
    turned = RiskScores("turned", made.truth.where(early, -made.truth).rename("risk_score").to_frame())
    assert any(note.startswith("turned: its hazard ratio changes") for note in compared(made, turned).notes)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"adjust": "age"}, "needs a clinical table"),
        ({"site": "stage"}, "needs a clinical table"),
        ({"missing": "9"}, "no clinical table"),
        ({"clinical": make_risks().clinical}, "nothing is asked"),
        ({"clinical": make_risks().clinical, "adjust": "grade"}, "no covariate grade"),
        ({"bootstrap": -1}, "bootstrap"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, words):
    made = make_risks()
    with pytest.raises(InputError, match=words):
        compare_risks({"good": made.good}, made.outcome, **options)


def test_names_and_an_outcome_of_the_package_are_taken():
    made = make_risks()
    outcome = Outcome(made.outcome["time"], made.outcome["event"].to_numpy(), "PFI")
    frames = {"a": made.good.frame.reset_index(), "b": made.noise.frame}
    assert compare_risks(frames, outcome, bootstrap=5).comparison["score"].tolist() == ["a", "b"]


def test_without_a_bootstrap_there_are_no_intervals():
    result = with_clinical(make_risks(), draws=0)
    assert result.comparison[["c_low", "c_high"]].isna().all(axis=None)
    assert result.gain["p"].isna().all() and np.isfinite(result.gain["c_difference"]).all()
