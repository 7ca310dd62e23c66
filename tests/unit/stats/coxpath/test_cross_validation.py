"""Cross-validation: folds, the curve against its definition, and the count of draws that choose no gene."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequoia_stats.coxpath import path_engines
from sequoia_stats.coxpath.cross_validation import cross_validate, stratified_folds
from sequoia_stats.coxpath.path_engines import CoxPath, PathSettings
from sequoia_stats.errors import InputError
from sequoia_stats.survival.partial_likelihood import cox_deviance
from tests.build.cohorts import make_cohort

LAMBDAS = np.array([0.4, 0.2, 0.1])


class SignEngine:
    """Coefficients that are known in closed form: the sign of the covariance with the event, over the penalty."""

    def path(self, x, outcome, settings):
        sign = np.sign((x - x.mean(axis=0)).T @ outcome.event)
        return CoxPath(LAMBDAS, sign[None, :] * np.array([0.0, 0.1, 0.2])[:, None], settings.alpha, 0.0)

    def versions(self):
        return {}


@pytest.fixture
def engine(monkeypatch):
    monkeypatch.setitem(path_engines.PATH_ENGINES, "sign", SignEngine())
    return "sign"


@pytest.fixture(scope="module")
def cohort():
    return make_cohort(n=60, events=24, genes=4, seed=1, planted={"G1": 1.5})


def run(cohort, foldids, engine, **options):
    x, settings = cohort.expression.to_numpy(), PathSettings()
    return cross_validate(x, cohort.outcome, foldids, settings, engine=engine, **options)[1]


@given(st.integers(12, 80), st.integers(3, 6), st.integers(1, 3), st.integers(0, 99))
def test_folds_share_out_events_and_patients_evenly(n, n_folds, repeats, seed):
    event = np.arange(n) % 2 == 0
    for row in stratified_folds(event, n_folds, repeats, seed):
        sizes = [np.bincount(row[part], minlength=n_folds + 1)[1:] for part in (event, slice(None))]
        assert all(np.ptp(size) <= 1 for size in sizes)


def test_the_seed_alone_decides_the_folds():
    event = np.arange(40) % 3 == 0
    np.testing.assert_array_equal(stratified_folds(event, 5, 4, 7), stratified_folds(event, 5, 4, 7))
    assert (stratified_folds(event, 5, 4, 7) != stratified_folds(event, 5, 4, 8)).any()


def test_more_repeats_keep_the_first_draws():
    event = np.arange(40) % 3 == 0
    np.testing.assert_array_equal(stratified_folds(event, 5, 2, 7), stratified_folds(event, 5, 4, 7)[:2])


@pytest.mark.parametrize(
    ("n", "events", "folds", "words"),
    [(4, 4, 5, "4 patients"), (20, 4, 5, "4 events"), (20, 10, 2, "folds must be .* but is 2")],
)
def test_folds_that_cannot_be_drawn_are_refused(n, events, folds, words):
    with pytest.raises(InputError, match=words):
        stratified_folds(np.arange(n) < events, folds)


@pytest.mark.parametrize(
    ("foldid", "words"),
    [
        (np.arange(60) % 3, "numbered 1, 2"),
        (np.arange(60) % 2 + 1, "at least 3"),
        (np.arange(60) % 3 * 2 + 1, "gap"),
    ],
)
def test_folds_that_are_given_badly_are_refused(cohort, engine, foldid, words):
    with pytest.raises(InputError, match=words):
        run(cohort, foldid[None, :], engine)


def test_a_fold_without_an_event_is_refused(cohort, engine):
    foldid = np.where(cohort.outcome.event, np.arange(60) % 2 + 1, 3)
    with pytest.raises(InputError, match="no event in 1 fold") as caught:
        run(cohort, foldid[None, :], engine)
    assert "3" in caught.value.where


def test_the_curve_is_the_event_weighted_mean_of_what_each_fold_adds(cohort, engine):
    foldids = stratified_folds(cohort.outcome.event, 4, 1, 3)
    x, outcome, events = cohort.expression.to_numpy(), cohort.outcome, []
    added = []
    for fold in (1, 2, 3, 4):
        kept = foldids[0] != fold
        eta = x @ SignEngine().path(x[kept], outcome[kept], PathSettings()).coefficients.T
        added.append(cox_deviance(eta, outcome) - cox_deviance(eta[kept], outcome[kept]))
        events.append(outcome.event[~kept].sum())
    expected = np.sum(added, axis=0) / np.sum(events)
    np.testing.assert_allclose(run(cohort, foldids, engine).mean, expected, rtol=1e-12)


def test_repeats_average_the_curves_of_the_draws(cohort, engine):
    foldids = stratified_folds(cohort.outcome.event, 4, 3, 3)
    single = [run(cohort, foldids[i : i + 1], engine).mean for i in range(3)]
    np.testing.assert_allclose(run(cohort, foldids, engine).mean, np.mean(single, axis=0), rtol=1e-12)


@pytest.mark.slow
@pytest.mark.needs_r
def test_the_number_of_workers_does_not_change_a_digit(cohort):
    foldids = stratified_folds(cohort.outcome.event, 4, 1, 3)
    one, two = (run(cohort, foldids, "glmnet", jobs=n) for n in (1, 2))
    np.testing.assert_array_equal(one.mean, two.mean)


def test_the_minimum_is_the_largest_penalty_among_equals_and_1se_lies_before_it(cohort, engine):
    result = run(cohort, stratified_folds(cohort.outcome.event, 4, 1, 3), engine)
    assert result.index_min == np.argmin(result.mean)
    assert result.lambda_1se >= result.lambda_min
    assert result.mean[result.index_1se] <= result.mean[result.index_min] + result.se[result.index_min]


def test_draws_that_choose_no_gene_are_counted(engine):
    noise = make_cohort(n=60, events=24, genes=4, seed=4)
    result = run(noise, stratified_folds(noise.outcome.event, 4, 10, 0), engine)
    assert result.null_draws == (result.draws["n_genes_min"] == 0).sum() > 0
    assert result.null_draws_1se == (result.draws["n_genes_1se"] == 0).sum() >= result.null_draws
    assert result.repeats == 10


def test_a_minimum_at_the_end_of_the_path_is_reported(cohort, engine):
    result = run(cohort, stratified_folds(cohort.outcome.event, 4, 1, 3), engine)
    assert [replace(result, index_min=i).to_dict()["at_path_end"] for i in range(3)] == [False, False, True]


def test_the_frame_holds_the_curve_with_one_standard_error_each_way(cohort, engine):
    result = run(cohort, stratified_folds(cohort.outcome.event, 4, 1, 3), engine)
    frame = result.to_frame()
    np.testing.assert_allclose(frame["high"] - frame["deviance"], result.se)
    np.testing.assert_allclose(frame["deviance"] - frame["low"], result.se)


def test_progress_sees_the_path_and_every_fold_once(cohort, engine):
    seen = []
    run(
        cohort,
        stratified_folds(cohort.outcome.event, 4, 2, 0),
        engine,
        progress=lambda items, total: (seen.append(total) or item for item in items),
    )
    assert seen == [9] * 9
