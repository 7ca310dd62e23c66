"""Cox regression against brute force and lifelines, its invariances, and covariates that cannot be used."""

from __future__ import annotations

from types import SimpleNamespace

import lifelines
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from sequoia_stats.errors import InputError
from sequoia_stats.survival import CoxFit, breslow_log_likelihood, cox_regression, cox_score, likelihood_ratio
from sequoia_stats.survival.cox import _note
from sequoia_stats.types.cohort import Cohort
from sequoia_stats.types.outcome import Outcome
from tests.build.cohorts import make_cohort


def cohort(**options) -> Cohort:
    return make_cohort(
        **{"n": 120, "events": 60, "ties": True, "planted": {"G1": 0.8}, "genes": 3, **options}
    )


def coefficients(fit: CoxFit) -> pd.Series:
    return fit.frame.set_index("term")["coef"]


def efron_by_loop(beta: np.ndarray, x: np.ndarray, outcome: Outcome) -> float:
    """Efron's log-likelihood, tie by tie."""
    risk, total = np.exp(x @ beta), 0.0
    for t in np.unique(outcome.time[outcome.event]):
        died = outcome.event & (outcome.time == t)
        at_risk, tied = risk[outcome.time >= t].sum(), risk[died].sum()
        shares = np.arange(died.sum()) / died.sum()
        total += (x[died] @ beta).sum() - np.log(at_risk - shares * tied).sum()
    return total


@pytest.mark.parametrize("dtype", [float, int])
def test_masked_covariates_are_missing(dtype):
    made = cohort()
    x = (10 * made.expression["G1"]).to_numpy().astype(dtype)
    masked = np.ma.masked_array(x, np.arange(120) % 5 == 0)
    known = ~masked.mask
    expected = coefficients(cox_regression(made.outcome[known], x[known]))
    for values in (masked, masked[:, None], {"x1": masked}):
        fit = cox_regression(made.outcome, values)
        np.testing.assert_allclose(coefficients(fit), expected, rtol=1e-9)


def test_a_list_of_mappings_is_a_table():
    made = cohort()
    rows = made.expression.to_dict("records")
    expected = cox_regression(made.outcome, made.expression)
    pd.testing.assert_frame_equal(cox_regression(made.outcome, rows).frame, expected.frame)


def test_efron_estimates_maximise_the_likelihood_written_as_a_loop():
    made = cohort()
    x = made.expression.to_numpy()
    best = minimize(lambda beta: -efron_by_loop(beta, x, made.outcome), np.zeros(3), tol=1e-12)
    fit = cox_regression(made.outcome, made.expression)
    np.testing.assert_allclose(fit.frame["coef"], best.x, atol=1e-5)
    assert fit.log_likelihood == pytest.approx(-best.fun, rel=1e-10)


def test_breslow_estimates_are_where_the_gradient_vanishes():
    made = cohort()
    x = made.expression.to_numpy()
    fit = cox_regression(made.outcome, made.expression, ties="breslow")
    eta = x @ fit.frame["coef"].to_numpy()
    np.testing.assert_allclose(cox_score(x, eta, made.outcome), 0, atol=1e-5)
    assert fit.log_likelihood == pytest.approx(float(breslow_log_likelihood(eta, made.outcome)), rel=1e-12)


def test_efron_estimates_and_errors_equal_those_of_lifelines():
    made = cohort()
    data = made.expression.assign(time=made.outcome.time, event=made.outcome.event)
    tight = {"precision": 1e-14, "r_precision": 1e-14}
    want = lifelines.CoxPHFitter().fit(data, "time", "event", fit_options=tight).summary
    got = cox_regression(made.outcome, made.expression).frame
    np.testing.assert_allclose(got[["coef", "se", "p"]], want[["coef", "se(coef)", "p"]], rtol=1e-6)


def test_without_ties_both_treatments_agree():
    made = cohort(ties=False)
    fits = [cox_regression(made.outcome, made.expression, ties=ties) for ties in ("efron", "breslow")]
    pd.testing.assert_frame_equal(fits[0].frame, fits[1].frame, rtol=1e-9)


@given(st.sampled_from([1 / 12, 0.5, 30.4375]), st.sampled_from(["efron", "breslow"]))
@settings(max_examples=6)
def test_the_unit_of_time_does_not_matter(factor, ties):
    made = cohort()
    rescaled = Outcome(made.outcome.time * factor, made.outcome.event, "RFS")
    got, want = (cox_regression(y, made.expression, ties=ties) for y in (rescaled, made.outcome))
    pd.testing.assert_frame_equal(got.frame, want.frame, rtol=1e-10)


@given(st.randoms(use_true_random=False), st.sampled_from(["efron", "breslow"]))
@settings(max_examples=15)
def test_the_order_of_patients_does_not_matter(random, ties):
    made = cohort()
    order = np.array(random.sample(range(made.n), made.n))
    got = cox_regression(made.outcome[order], made.expression.iloc[order], ties=ties)
    pd.testing.assert_frame_equal(
        got.frame, cox_regression(made.outcome, made.expression, ties=ties).frame, rtol=1e-8
    )


@given(st.floats(1e-6, 1e6), st.floats(-1e3, 1e3))
@settings(max_examples=25)
def test_the_unit_of_a_covariate_divides_its_coefficient(factor, shift):
    made = cohort()
    changed = made.expression.assign(G1=made.expression["G1"] * factor + shift * factor)
    got, want = (coefficients(cox_regression(made.outcome, x)) for x in (changed, made.expression))
    assert got["G1"] * factor == pytest.approx(want["G1"], rel=1e-6)
    np.testing.assert_allclose(got[["G2", "G3"]], want[["G2", "G3"]], rtol=1e-6)


@pytest.mark.parametrize("kind", [object, "category", "string"])
def test_text_enters_as_levels_against_the_first_in_alphabetical_order(kind):
    made = cohort()
    fit = cox_regression(made.outcome, made.covariates[["pam50"]].astype(kind))
    by_hand = pd.DataFrame(
        {level: (made.covariates["pam50"] == level).astype(float) for level in ("LumA", "LumB")}
    )
    assert fit.frame["term"].tolist() == ["pam50: LumA", "pam50: LumB"]
    np.testing.assert_allclose(
        fit.frame["coef"], cox_regression(made.outcome, by_hand).frame["coef"], rtol=1e-12
    )


def test_a_text_among_numbers_does_not_turn_them_into_levels():
    made = cohort()
    size = made.expression["G1"].round(2).astype(str)
    clean = cox_regression(made.outcome[1:], made.expression["G1"].round(2)[1:])
    fit = cox_regression(made.outcome, pd.DataFrame({"G1": size.where(np.arange(made.n) > 0, "Not Stated")}))
    pd.testing.assert_frame_equal(fit.frame, clean.frame)
    assert (fit.n_missing, fit.note) == (1, "G1: 'Not Stated' (1) taken as missing")
    with pytest.raises(
        InputError, match=r"1 value of the covariate G1 .*: '<0.5'\n.*rows of the covariates, G1: P1\n"
    ):
        cox_regression(made.outcome, pd.DataFrame({"G1": size.where(np.arange(made.n) > 0, "<0.5")}))


@pytest.mark.parametrize(
    "table",
    [
        lambda x: x["G1"],
        lambda x: x["G1"].to_numpy(),
        lambda x: x[["G1"]].to_numpy(),
        lambda x: x["G1"].tolist(),
        lambda x: x["G1"].astype("Float64"),
        lambda x: {"G1": x["G1"].to_numpy()},
        lambda x: np.array([(value,) for value in x["G1"]], [("G1", float)]),
        lambda x: x[["G1"]].set_axis([7], axis=1),
    ],
    ids=["Series", "(n,)", "(n, 1)", "list", "Float64", "dict", "structured", "integer name"],
)
def test_covariates_are_read_from_whatever_holds_them(table):
    made = cohort()
    want = cox_regression(made.outcome, made.expression[["G1"]]).frame
    got = cox_regression(made.outcome, table(made.expression)).frame
    pd.testing.assert_frame_equal(got.drop(columns="term"), want.drop(columns="term"))


@pytest.mark.parametrize(
    ("covariates", "words"),
    [
        (pd.DataFrame(np.zeros((120, 2)), columns=["a", "a"]), "1 column name is duplicated: a"),
        (pd.DataFrame({"d": pd.to_timedelta(range(120), "D")}), "d holds dates or spans of time"),
        (
            pd.DataFrame({"id": [f"P{i}" for i in range(120)]}),
            "id is categorical, and its 120 levels are too many",
        ),
        (pd.DataFrame({"gap": [np.nan] * 120}), "gap is missing for all 120 patients"),
        (
            pd.DataFrame({"stage": ["I", "II", "III"] * 40, "stage: II": np.arange(120.0)}),
            "the covariates 'stage' and 'stage: II' both have a term 'stage: II'",
        ),
        (np.zeros((120, 2, 2)), "not a table"),
        (None, "not a table"),
        ("G1", "not a table"),
    ],
)
def test_what_cannot_be_coded_is_refused(covariates, words):
    with pytest.raises(InputError, match=words):
        cox_regression(cohort().outcome, covariates)


def test_booleans_enter_as_numbers():
    made = cohort()
    high = made.expression[["G1"]] > 0
    got, want = cox_regression(made.outcome, high), cox_regression(made.outcome, high.astype(float))
    pd.testing.assert_frame_equal(got.frame, want.frame)


def test_patients_with_a_missing_covariate_are_left_out_and_counted():
    made = cohort()
    covariates = made.covariates[["er", "pam50"]].astype({"pam50": object}).copy()
    covariates.iloc[:3, 0] = np.nan
    covariates.iloc[2:5, 1] = None
    fit = cox_regression(made.outcome, covariates)
    assert (fit.n, fit.n_missing, fit.used.sum()) == (115, 5, 115)
    pd.testing.assert_frame_equal(fit.frame, cox_regression(made.outcome[5:], covariates[5:]).frame)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_a_level_without_events_is_reported_and_leaves_the_other_terms_as_they_are(ties):
    made = cohort()
    covariates = made.covariates[["pam50", "er"]].astype({"pam50": object})
    silent = np.flatnonzero(~made.outcome.event)[:9]
    covariates.iloc[silent, 0] = "claudin-low"
    with_level = cox_regression(made.outcome, covariates, ties=ties)
    assert "no finite estimate for pam50: claudin-low" in with_level.note
    assert with_level.frame.set_index("term").loc["pam50: claudin-low", ["low", "high"]].tolist() == [
        0,
        np.inf,
    ]
    rest = np.setdiff1d(np.arange(made.n), silent)
    # in the limit its patients weigh nothing in any risk set
    without = cox_regression(made.outcome[rest], covariates.iloc[rest], ties=ties)
    shared = without.frame["term"]
    np.testing.assert_allclose(coefficients(with_level)[shared], coefficients(without), rtol=1e-4)


def test_a_score_that_separates_the_events_perfectly_is_noted_not_raised():
    outcome = Outcome(np.arange(1.0, 21.0), np.ones(20, bool), "OS")
    note = cox_regression(outcome, pd.DataFrame({"score": -np.arange(20.0)})).note
    assert "no finite estimate for score" in note
    assert "may be infinite" in note


def early_level(made: Cohort) -> tuple[Outcome, pd.DataFrame]:
    """A level whose patients are all censored before the first event."""
    silent = np.flatnonzero(~made.outcome.event)[:6]
    time, covariates = made.outcome.time.copy(), made.covariates[["pam50", "er"]].astype({"pam50": object})
    time[silent], covariates.iloc[silent, 0] = 0.1, "Normal"
    return Outcome(time, made.outcome.event, "RFS"), covariates


def test_a_level_that_is_gone_before_the_first_event_has_no_estimate_and_counts_no_degree_of_freedom():
    outcome, covariates = early_level(cohort())
    fit = cox_regression(outcome, covariates)
    assert "no estimate for pam50: Normal: among the patients at risk at the events" in fit.note
    assert coefficients(fit).isna().tolist() == [False, False, True, False]
    assert (fit.df, likelihood_ratio(fit).df) == (3, 3)


def test_a_term_without_an_estimate_adds_nothing_to_the_likelihood():
    outcome, covariates = early_level(cohort())
    normal = (covariates["pam50"] == "Normal").astype(float).rename("normal")
    reduced, full = (
        cox_regression(outcome, x) for x in (covariates[["er"]], covariates[["er"]].join(normal))
    )
    assert likelihood_ratio(full, reduced) == (0.0, 0, 1.0)


@pytest.mark.parametrize("converged", [True, False])
def test_the_likelihood_is_said_to_grow_only_if_the_iterations_converged(converged):
    fitted = SimpleNamespace(coef=np.zeros(2), infinite=np.array([True, True]), converged=converged)
    note = _note(fitted, pd.Index(["a", "b"]), 50)
    assert ("keeps growing" in note) == converged and "a, b" in note
    assert ("was growing when the iterations ended" in note) != converged


def test_more_terms_than_events_are_noted():
    made = make_cohort(n=60, events=3, genes=4)
    assert "3 events are few for 4 terms" in cox_regression(made.outcome, made.expression).note


def test_likelihood_ratio_of_one_term_is_near_its_wald_test():
    made = cohort(n=400, events=300, planted={"G1": 0.2})
    full = cox_regression(made.outcome, made.expression)
    reduced = cox_regression(made.outcome, made.expression[["G2", "G3"]])
    test = likelihood_ratio(full, reduced)
    assert test.df == 1
    assert test.chi2 == pytest.approx(full.frame["z"][0] ** 2, rel=0.05)


def test_likelihood_ratio_refuses_models_of_different_patients():
    made = cohort()
    gap = made.expression[["G1"]].mask(np.arange(made.n)[:, None] < 3)
    with pytest.raises(InputError, match="differ in their patients"):
        likelihood_ratio(cox_regression(made.outcome, made.expression), cox_regression(made.outcome, gap))


def test_likelihood_ratio_refuses_models_that_are_not_nested():
    made = cohort()
    one, other = (cox_regression(made.outcome, made.expression[[gene]]) for gene in ("G1", "G2"))
    with pytest.raises(InputError, match="not nested"):
        likelihood_ratio(one, other)


CONSTANT = make_cohort(n=30, events=10).covariates.assign(site="Leuven", flat=1.0)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (["er", "flat"], "flat is the same for all 30 patients"),
        (["er", "site"], "site is the same for all 30 patients"),
        ([], "cannot describe 30 patients"),
    ],
)
def test_covariates_that_say_nothing_are_named(columns, words):
    with pytest.raises(InputError, match=words):
        cox_regression(make_cohort(n=30, events=10).outcome, CONSTANT[columns])


def test_a_covariate_that_follows_from_others_is_named():
    made = cohort()
    x = made.expression.assign(total=made.expression["G1"] - 2 * made.expression["G3"] + 5)
    with pytest.raises(InputError, match="total is a combination of the other covariates"):
        cox_regression(made.outcome, x)


def test_an_infinite_covariate_is_named():
    made = cohort()
    x = made.expression.copy()
    x.iloc[4, 1] = np.inf
    with pytest.raises(InputError, match=r"infinite\s+where: G2"):
        cox_regression(made.outcome, x)


def test_fewer_than_two_events_with_all_covariates_is_refused_with_the_count():
    made = make_cohort(n=30, events=3)
    er = made.covariates[["er"]].copy()
    er.iloc[np.flatnonzero(made.outcome.event)[1:]] = np.nan
    with pytest.raises(InputError, match="1 of 3 are left"):
        cox_regression(made.outcome, er)


def test_an_unknown_treatment_of_ties_is_refused():
    made = cohort()
    with pytest.raises(InputError, match="exact"):
        cox_regression(made.outcome, made.expression, ties="exact")


def test_a_covariate_that_differs_by_rounding_only_is_constant():
    made = cohort()
    score = pd.DataFrame({"score": np.where(made.outcome.event, 0.3, 0.1 + 0.2)})
    with pytest.raises(InputError, match="score is the same for all"):
        cox_regression(made.outcome, score)
