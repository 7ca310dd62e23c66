"""The best genes, chosen on the same data as they are judged or on other data, and correlation within slides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from sequoia_stats.errors import InputError
from sequoia_stats.selection import per_slide, top_k
from tests.build.cohorts import make_predictions


def r_within(made, fold):
    """r of every gene in one fold."""
    rows = made.obs["fold"].to_numpy() == fold
    return np.array(
        [stats.pearsonr(x, y)[0] for x, y in zip(made.measured[rows].T, made.predicted[rows].T, strict=True)]
    )


def test_genes_of_a_fold_are_ranked_on_the_others():
    made = make_predictions(n=45, genes=30, accuracy=np.linspace(0, 0.8, 30), folds=3, seed=2)
    r = np.array([r_within(made, fold) for fold in range(3)])
    found = top_k(made, 5)
    for fold in range(3):
        others = np.arctanh(r[np.arange(3) != fold]).mean(axis=0)
        usual, honest = (np.argsort(-rank)[:5] for rank in (np.arctanh(r).mean(axis=0), others))
        line = found.folds.iloc[fold]
        assert (line["fold"], line["n"], line["shared"]) == (fold, 15, len({*usual} & {*honest}))
        assert line["usual"] == pytest.approx(r[fold, usual].mean(), rel=1e-12)
        assert line["honest"] == pytest.approx(r[fold, honest].mean(), rel=1e-12)
    assert found.usual == pytest.approx(found.folds["usual"].mean())
    assert found.optimism == found.usual - found.honest


def test_folds_count_by_their_size():
    made = make_predictions(n=40, genes=30, accuracy=0.5)
    fold = np.repeat([0, 1, 2], [25, 10, 5])
    found = top_k(replace(made, obs=made.obs.assign(fold=fold)), 3)
    assert found.honest == pytest.approx(np.average(found.folds["honest"], weights=[25, 10, 5]))


def test_choosing_is_all_there_is_where_nothing_is_predicted():
    found = top_k(make_predictions(n=60, genes=2000, accuracy=0.0), 50)
    assert abs(found.honest) < 0.05
    assert found.usual > 0.25 and found.pooled > 0.25
    assert found.optimism == pytest.approx(found.usual, abs=0.05)


def test_all_genes_leave_no_choice_and_no_optimism():
    found = top_k(make_predictions(accuracy=0.4), 12)
    assert found.optimism == pytest.approx(0, abs=1e-12)
    assert set(found.folds["shared"]) == {12}


def test_slides_without_a_usable_fold_are_counted():
    made = make_predictions(n=44, genes=20)
    fold = np.array([0.0] * 20 + [1.0] * 20 + [2.0] * 3 + [np.nan])
    found = top_k(replace(made, obs=made.obs.assign(fold=fold)), 3)
    assert found.folds["fold"].tolist() == [0, 1]
    assert found.notes == ("4 slides left out: no fold, or one with fewer than 4 slides",)


REFUSED = {
    "more genes than there are": (
        lambda made: made,
        13,
        "the best 13 genes were requested, but there are 12 genes",
    ),
    "no genes": (lambda made: made, 0, "the best 0 genes were requested"),
    "no folds": (lambda made: replace(made, obs=made.obs[["patient_id"]]), 3, "ranking genes needs folds"),
    "one fold": (lambda made: replace(made, obs=made.obs.assign(fold=1)), 3, "1 fold with 4 slides or more"),
}


@pytest.mark.parametrize(("change", "k", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_ranked_is_refused(change, k, words):
    with pytest.raises(InputError, match=words):
        top_k(change(make_predictions()), k)


def test_slides_are_correlated_over_their_genes():
    made = make_predictions(n=10, slides=2, genes=40)
    measured = made.measured.copy()
    measured[3, :5] = np.nan
    found = per_slide(replace(made, measured=measured))
    assert found["slide"].tolist() == list(made.obs.index)
    assert found["patient_id"].tolist() == list(made.patients)
    assert found["n"].tolist() == [40] * 3 + [35] + [40] * 16
    assert found["r"][3] == pytest.approx(
        stats.pearsonr(measured[3, 5:], made.predicted[3, 5:])[0], rel=1e-12
    )
