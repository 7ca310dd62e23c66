"""The test of proportional hazards: what it detects, what it does not depend on, and where it cannot be made."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequoia_stats.survival import ProportionalHazards, cox_regression, proportional_hazards_test
from sequoia_stats.types.cohort import Cohort
from sequoia_stats.types.outcome import Outcome
from tests.build.cohorts import make_cohort

MADE = make_cohort(n=120, events=60, genes=2, ties=True, planted={"G1": 0.8})


def of_model(made: Cohort, covariates: pd.DataFrame, outcome: Outcome | None = None) -> ProportionalHazards:
    return proportional_hazards_test(cox_regression(outcome or made.outcome, covariates))


def test_an_effect_that_turns_with_time_is_found_and_a_constant_one_is_not():
    early = np.arange(400) < 200
    group = np.tile([0.0, 1.0], 200)
    time = np.where(early, np.where(group == 1, 1.0, 2.0), np.where(group == 1, 12.0, 11.0))
    time += np.random.default_rng(1).uniform(0, 0.9, 400)
    outcome, x = Outcome(time, np.ones(400, bool), "OS"), pd.DataFrame({"group": group})
    assert proportional_hazards_test(cox_regression(outcome, x)).p_value < 1e-6
    made = make_cohort(n=400, events=300, genes=1, planted={"G1": 0.8}, seed=2)
    assert of_model(made, made.expression).p_value > 0.05


def test_a_single_number_is_tested_as_all_together():
    frame = of_model(MADE, MADE.expression[["G1"]]).frame
    assert frame["term"].tolist() == ["G1", "GLOBAL"]
    assert frame.loc[0, ["chi2", "df", "p"]].tolist() == frame.loc[1, ["chi2", "df", "p"]].tolist()


def test_a_categorical_covariate_is_one_term_with_a_degree_of_freedom_per_level_but_the_first():
    frame = of_model(MADE, MADE.covariates[["pam50", "er"]]).frame
    assert frame[["term", "df"]].to_numpy().tolist() == [["pam50", 2], ["er", 1], ["GLOBAL", 3]]


@given(st.floats(1e-5, 1e5), st.floats(-1e3, 1e3))
@settings(max_examples=20)
def test_unit_and_zero_of_a_covariate_do_not_matter(factor, shift):
    x = MADE.expression
    got = of_model(MADE, x.assign(G1=(x["G1"] + shift) * factor))
    pd.testing.assert_frame_equal(got.frame, of_model(MADE, x).frame, rtol=1e-6)


@given(st.randoms(use_true_random=False))
@settings(max_examples=10)
def test_the_order_of_patients_does_not_matter(random):
    order = np.array(random.sample(range(MADE.n), MADE.n))
    got = of_model(MADE, MADE.expression.iloc[order], MADE.outcome[order])
    pd.testing.assert_frame_equal(got.frame, of_model(MADE, MADE.expression).frame, rtol=1e-8)


@pytest.mark.parametrize("stretch", [np.sqrt, np.square, np.log1p])
def test_only_the_order_of_times_matters(stretch):
    stretched = Outcome(stretch(MADE.outcome.time), MADE.outcome.event, "RFS")
    got = of_model(MADE, MADE.expression, stretched)
    pd.testing.assert_frame_equal(got.frame, of_model(MADE, MADE.expression).frame, rtol=1e-10)


def test_events_at_one_time_cannot_tell_a_change_and_a_note_says_so():
    outcome = Outcome(np.where(MADE.outcome.event, 3.0, 5.0), MADE.outcome.event, "RFS")
    result = of_model(MADE, MADE.expression, outcome)
    assert result.frame["p"].isna().all() and np.isnan(result.p_value)
    assert result.note == "no test of G1, G2, GLOBAL: its information matrix is singular"


def test_a_term_without_an_estimate_is_not_tested_and_the_others_are_as_without_it():
    silent = np.flatnonzero(~MADE.outcome.event)[:6]
    time = MADE.outcome.time.copy()
    time[silent] = 0.1
    outcome = Outcome(time, MADE.outcome.event, "RFS")
    gone = pd.DataFrame({"gone": np.isin(np.arange(MADE.n), silent).astype(float)}, MADE.patients)
    got, want = (of_model(MADE, x, outcome) for x in (MADE.expression.join(gone), MADE.expression))
    pd.testing.assert_frame_equal(got.frame, want.frame, rtol=1e-6)


def test_a_model_without_any_estimate_is_not_tested_and_a_note_says_so():
    time = np.where(np.arange(MADE.n) == np.argmin(MADE.outcome.event), 0.1, MADE.outcome.time)
    first = pd.DataFrame({"first": (time == 0.1).astype(float)}, MADE.patients)
    result = of_model(MADE, first, Outcome(time, MADE.outcome.event, "RFS"))
    assert np.isnan(result.p_value)
    assert result.note == "no test of GLOBAL: no term has an estimate"


def test_numbers_that_say_nothing_without_a_finite_estimate_are_named_or_left_out():
    x, z = (np.random.default_rng(seed).normal(size=20) for seed in (20, 1))
    outcome = Outcome(np.argsort(np.argsort(-x)) + 1.0, np.ones(20, bool), "OS")  # x puts the events in order
    result = proportional_hazards_test(cox_regression(outcome, pd.DataFrame({"x": x, "z": z})))
    assert result.note == "do not rely on the test of x, z, GLOBAL: no finite estimate of x, z"
    for seed in range(15):
        random = np.random.default_rng(seed)
        x = random.normal(size=int(random.integers(12, 60)))
        covariates = pd.DataFrame({"x": x, "z": random.normal(size=x.size)})
        outcome = Outcome(np.argsort(np.argsort(-x)) + 1.0, random.random(x.size) < 0.8, "OS")
        result = proportional_hazards_test(cox_regression(outcome, covariates))
        assert not (result.frame["chi2"] < 0).any()
        assert result.frame["chi2"].isna().any() == result.note.startswith("no test of")
