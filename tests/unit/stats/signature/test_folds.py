"""Signatures of folds: nobody is scored by a signature that has seen them, on the scale of those who trained."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm, rankdata

from sequoia_base.splits import Splits
from sequoia_stats.errors import InputError
from sequoia_stats.io import read_expression
from sequoia_stats.signature import FoldSignatures, LassoCoxSignature, fit_folds
from sequoia_stats.signature.overlap import hash_training
from tests.build.cohorts import make_cohort
from tests.build.folds import make_fold_signatures, make_splits

GENES = [{"G1": 0.8, "G2": -0.4}, {"G1": 1.0, "G3": 0.2}, {"G2": -1.0}]


@pytest.fixture(scope="module")
def cohort():
    return make_cohort(n=90, events=50, genes=6, seed=4, planted={"G1": 1.0, "G2": -0.8})


@pytest.fixture(scope="module")
def signatures(cohort):
    return make_fold_signatures(cohort, GENES)


@pytest.fixture(scope="module")
def scores(signatures, cohort):
    return signatures.risk_score(cohort)


def in_training(signatures, cohort, fold):
    roles = signatures.splits.roles[f"fold_{fold}"].reindex(cohort.patients)
    return (roles != "test").to_numpy()


def normal_scores(x, trains):
    """Blom's scores of the training patients; the others by linear interpolation between these."""
    among = norm.ppf((rankdata(x[trains]) - 0.375) / (trains.sum() + 0.25))
    order = np.argsort(x[trains])
    return np.interp(x, x[trains][order], among[order])


def by_hand(signatures, cohort, fold):
    """Scores of all patients by the signature of a fold, its transform fitted to the training patients."""
    trains = in_training(signatures, cohort, fold)
    return sum(
        weight * normal_scores(cohort.expression[gene].to_numpy(), trains)
        for gene, weight in GENES[fold].items()
    )


# --- the scale -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fold", [0, 1, 2])
def test_a_tested_patient_is_scored_on_the_scale_of_the_training_patients_of_the_fold(
    signatures, cohort, scores, fold
):
    tested = ~in_training(signatures, cohort, fold)
    expected = by_hand(signatures, cohort, fold)[tested]
    np.testing.assert_allclose(scores.frame["risk_score"][tested], expected, rtol=1e-12, atol=1e-12)
    assert (scores.frame["fold"][tested] == fold).all()


@pytest.mark.parametrize("fold", [0, 1, 2])
def test_the_scale_of_a_fold_is_that_of_its_training_patients(signatures, cohort, scores, fold):
    own = by_hand(signatures, cohort, fold)[in_training(signatures, cohort, fold)]
    row = scores.folds.loc[fold]
    np.testing.assert_allclose(
        row[["n_train", "mean", "sd", "cutoff"]].astype(float),
        [60, own.mean(), own.std(ddof=1), np.median(own)],
        rtol=1e-12,
        atol=1e-12,
    )
    tested = scores.frame["fold"] == fold
    high = scores.frame["risk_score"][tested] > np.median(own)
    assert (high == (scores.frame["group"][tested] == "high")).all()


def test_what_tested_patients_look_like_changes_neither_the_scale_nor_the_cutoff(signatures, cohort, scores):
    values = cohort.expression.copy()
    values[~in_training(signatures, cohort, 0)] *= 3
    again = signatures.risk_score(replace(cohort, expression=values))
    pd.testing.assert_frame_equal(again.folds[:1], scores.folds[:1])
    assert not again.folds[1:].equals(scores.folds[1:])  # they train in the other folds


def test_the_score_of_a_tested_patient_does_not_depend_on_the_other_tested_ones(signatures, cohort, scores):
    fold = scores.frame["fold"].to_numpy()
    kept = (fold != 0) | (np.arange(cohort.n) == 0)
    alone = signatures.risk_score(cohort.expression[kept])
    assert alone.frame["risk_score"][0] == scores.frame["risk_score"][0]


def test_the_order_of_genes_changes_no_score(signatures, cohort, scores):
    turned = signatures.risk_score(cohort.expression.iloc[:, ::-1])
    pd.testing.assert_frame_equal(
        turned.frame.set_index("patient_id").loc[cohort.patients], scores.frame.set_index("patient_id")
    )


@settings(max_examples=15, deadline=None)
@given(order=st.permutations(range(3)), turned=st.permutations(range(90)))
def test_the_numbers_of_folds_and_the_order_of_patients_change_no_score(
    signatures, cohort, scores, order, turned
):
    roles = signatures.splits.roles[[f"fold_{k}" for k in order]].set_axis(
        [f"fold_{k}" for k in range(3)], axis=1
    )
    renamed = FoldSignatures(tuple(signatures.signatures[k] for k in order), Splits(roles))
    again = renamed.risk_score(cohort.expression.iloc[list(turned)]).frame.set_index("patient_id")
    expected = scores.frame.set_index("patient_id").loc[again.index]
    np.testing.assert_allclose(again["risk_score"], expected["risk_score"], rtol=1e-12, atol=1e-14)
    assert (again["group"] == expected["group"]).all()
    assert [order[fold] for fold in again["fold"]] == expected["fold"].tolist()


def test_standardised_scores_are_in_sds_of_the_training_patients(scores):
    by_fold = scores.folds.set_index("fold").loc[scores.frame["fold"]]
    expected = (scores.frame["risk_score"].to_numpy() - by_fold["mean"].to_numpy()) / by_fold["sd"].to_numpy()
    np.testing.assert_allclose(scores.standardised, expected, rtol=1e-12)


@pytest.mark.parametrize("transform", ["zscore", "none"])
def test_other_transforms_are_scaled_alike(cohort, transform):
    signatures = make_fold_signatures(cohort, GENES, transform=transform)
    scores, trains = signatures.risk_score(cohort), in_training(signatures, cohort, 2)
    x = cohort.expression["G2"].to_numpy()
    z = x if transform == "none" else (x - x[trains].mean()) / x[trains].std(ddof=1)
    np.testing.assert_allclose(scores.frame["risk_score"][~trains], -z[~trains], rtol=1e-12)
    np.testing.assert_allclose(scores.folds["sd"][2], z[trains].std(ddof=1))


# --- who is scored by what -------------------------------------------------------------------------------------------


def test_a_patient_of_no_fold_gets_the_mean_of_the_standardised_scores(signatures, cohort, scores):
    new = cohort.expression.iloc[[7]].set_axis(["new"])
    with_new = signatures.risk_score(pd.concat([cohort.expression, new]))
    pd.testing.assert_frame_equal(with_new.folds, scores.folds)
    last = with_new.frame.iloc[-1]
    scale = scores.folds[["mean", "sd", "cutoff"]].to_numpy()
    raw = np.array([by_hand(signatures, cohort, fold)[7] for fold in range(3)])
    assert last["risk_score"] == pytest.approx(np.mean((raw - scale[:, 0]) / scale[:, 1]), rel=1e-12)
    high = last["risk_score"] > np.mean((scale[:, 2] - scale[:, 0]) / scale[:, 1])
    assert last["group"] == ("high" if high else "low")
    assert pd.isna(last["fold"]) and last["patient_id"] == "new"
    assert "1 of 91 patients is in no fold" in str(with_new)


def test_patients_of_no_fold_are_high_above_the_mean_of_the_standardised_cutoffs(cohort):
    far = replace(cohort, expression=np.exp(cohort.expression) + 5)  # skewed, so that mean and median differ
    new = far.expression.set_axis([f"N{i}" for i in range(90)])
    scores = make_fold_signatures(far, GENES, transform="none").risk_score(pd.concat([far.expression, new]))
    late = scores.frame[90:]
    cutoff = ((scores.folds["cutoff"] - scores.folds["mean"]) / scores.folds["sd"]).mean()
    assert abs(cutoff) > 0.01 and (late["group"] == "high").sum() not in (0, 90)
    assert ((late["risk_score"] > cutoff) == (late["group"] == "high")).all()


def test_a_cohort_of_strangers_is_scored_on_its_own_scale(signatures, cohort):
    other = make_cohort(n=40, genes=6, seed=8, prefix="S")
    scores = signatures.risk_score(other)
    z = []
    for signature in signatures.signatures:
        raw = signature.risk_score(other).scores
        z.append((raw - raw.mean()) / raw.std(ddof=1))
    np.testing.assert_allclose(scores.frame["risk_score"], np.mean(z, axis=0), rtol=1e-12, atol=1e-12)
    assert scores.folds.empty and scores.frame["fold"].isna().all()
    assert "nobody is in the splits" in scores.notes[0]


def test_patients_whom_every_signature_may_have_seen_are_left_out_and_counted(cohort):
    roles = make_splits(list(cohort.patients)).roles.copy()
    roles.loc[["P1", "P2"]] = "train"
    signatures = make_fold_signatures(cohort, GENES, Splits(roles))
    scores = signatures.risk_score(cohort)
    assert len(scores.frame) == 88 and not scores.frame["patient_id"].isin(["P1", "P2"]).any()
    assert "90 → 88   in the splits, but tested by no fold: P1, P2" in str(scores)


def test_samples_are_the_patients_of_the_splits(cohort, signatures):
    barcodes = [f"TCGA-A{i // 10}-{i:04d}" for i in range(cohort.n)]
    splits = Splits(signatures.splits.roles.loc[cohort.patients].set_axis(barcodes, axis=0))
    samples = cohort.expression.set_axis([f"{name}-01A" for name in barcodes])
    scores = make_fold_signatures(cohort, GENES, splits).risk_score(samples)
    plain = signatures.risk_score(cohort)
    assert list(scores.frame["patient_id"]) == list(samples.index)
    np.testing.assert_array_equal(scores.frame["risk_score"], plain.frame["risk_score"])


def test_a_fold_without_a_gene_scores_0(cohort):
    signatures = make_fold_signatures(cohort, [GENES[0], {}, GENES[2]])
    scores = signatures.risk_score(cohort)
    assert (scores.frame["risk_score"][scores.frame["fold"] == 1] == 0).all()
    assert scores.folds["sd"][1] == 0 and np.isfinite(scores.standardised).all()
    assert "no gene was chosen in fold 1" in scores.notes[0]


def with_folds(cohort, folds):
    expression = read_expression(cohort)
    return replace(expression, covariates=expression.covariates.assign(fold=folds))


def test_folds_of_the_file_that_agree_change_nothing(signatures, cohort, scores):
    agreeing = signatures.risk_score(with_folds(cohort, np.arange(90) % 3.0))
    pd.testing.assert_frame_equal(agreeing.frame, scores.frame)


def test_folds_of_two_files_that_differ_are_refused_with_the_patients(signatures, cohort):
    folds = np.arange(90) % 3.0
    folds[[4, 5]] = [0, np.nan]
    with pytest.raises(
        InputError, match="the folds of two files differ: 1 of 89 patients has another"
    ) as caught:
        signatures.risk_score(with_folds(cohort, folds))
    assert "P5 (0 and 1)" in caught.value.where and "made splits" in caught.value.where


def test_a_fold_that_is_no_number_is_refused(signatures, cohort):
    with pytest.raises(InputError, match="90 of 90 folds are not a whole number, 0 or more: A"):
        signatures.risk_score(with_folds(cohort, ["A"] * 90))


def test_ids_that_are_written_in_another_way_are_not_taken_for_new_patients(signatures, cohort):
    with pytest.raises(InputError, match="90 patients are written in another way in the splits") as caught:
        signatures.risk_score(cohort.expression.set_axis([name.lower() for name in cohort.patients]))
    assert "'p1' and 'P1'" in caught.value.where


def test_a_signature_that_has_seen_whom_its_fold_tests_is_refused(signatures, cohort):
    first = signatures.signatures[0]
    spoilt = replace(first, training=first.training | {"patients": hash_training(["P1", "P2"])})
    with pytest.raises(InputError, match="trained on 1 of the 30 patients whom it should score") as caught:
        replace(signatures, signatures=(spoilt, *signatures.signatures[1:])).risk_score(cohort)
    assert caught.value.where.startswith("fold 0") and "P1" in caught.value.where


def test_few_training_patients_give_no_scale(signatures, cohort):
    with pytest.raises(InputError, match="has 19 training patients, but at least 20") as caught:
        signatures.risk_score(cohort.expression.iloc[:29])
    assert "fold 0" in caught.value.where


def test_missing_genes_are_said(signatures, cohort):
    scores = signatures.risk_score(cohort.expression.drop(columns="G3"))
    assert scores.genes_missing == ((), ("G3",), ()) and "missing genes: G3" in str(scores)
    assert scores.weight_lost == (0.0, pytest.approx(0.2 / 1.2), 0.0)


def test_lost_weight_is_refused_with_the_fold(signatures, cohort):
    with pytest.raises(
        InputError, match="the reference of the training patients lack 1 of 2 genes"
    ) as caught:
        signatures.risk_score(cohort.expression.drop(columns="G1"))
    assert caught.value.where.startswith("fold 0")


# --- a folder --------------------------------------------------------------------------------------------------------


def test_a_folder_comes_back_as_it_was(signatures, cohort, scores, tmp_path):
    signatures.save(tmp_path / "folds")
    again = FoldSignatures.load(tmp_path / "folds")
    pd.testing.assert_frame_equal(again.splits.roles, signatures.splits.roles)
    pd.testing.assert_frame_equal(again.risk_score(cohort).frame, scores.frame)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("fold_1.json", "fold_1.json is missing"),
        ("splits.csv", "has no splits.csv"),
    ],
)
def test_a_folder_that_lacks_a_file_is_refused(signatures, tmp_path, name, words):
    signatures.save(tmp_path / "folds")
    (tmp_path / "folds" / name).unlink()
    with pytest.raises(InputError, match=words) as caught:
        FoldSignatures.load(tmp_path / "folds")
    assert "folds" in caught.value.where


def test_a_signature_of_a_further_fold_is_refused(signatures, tmp_path):
    signatures.save(tmp_path / "folds")
    signatures.signatures[0].save(tmp_path / "folds" / "fold_3.json")
    with pytest.raises(InputError, match=r"fold_3.json belongs to no fold"):
        FoldSignatures.load(tmp_path / "folds")


@pytest.mark.parametrize(
    ("change", "words"),
    [({"endpoint": "OS"}, "different endpoints: RFS, OS"), ({"transform": None}, "different transforms")],
)
def test_signatures_that_do_not_go_together_are_refused(signatures, cohort, change, words):
    if "transform" in change:
        change = {
            "transform": make_fold_signatures(cohort, GENES, transform="zscore").signatures[1].transform
        }
    odd = replace(signatures.signatures[1], **change)
    with pytest.raises(InputError, match=words):
        FoldSignatures((signatures.signatures[0], odd, signatures.signatures[2]), signatures.splits)


def test_patients_tested_in_several_folds_are_refused(cohort, signatures):
    roles = signatures.splits.roles.copy()
    roles.loc["P1"] = "test"
    with pytest.raises(InputError, match="1 of 90 patients is tested in several folds") as caught:
        FoldSignatures(signatures.signatures, Splits(roles))
    assert "P1" in caught.value.where


# --- the fit ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fitted(cohort):
    return fit_folds(LassoCoxSignature(lambda_=0.05), cohort, make_splits(list(cohort.patients)))


def part_of(cohort, rows):
    chosen = np.flatnonzero(rows)
    return replace(
        cohort,
        expression=cohort.expression.iloc[chosen],
        outcome=cohort.outcome[chosen],
        covariates=cohort.covariates.iloc[chosen],
    )


@pytest.mark.needs_r
@pytest.mark.parametrize("fold", [0, 1, 2])
def test_a_fold_is_fitted_to_its_training_and_validation_patients_alone(fitted, cohort, fold):
    rows = in_training(fitted, cohort, fold)
    alone = LassoCoxSignature(lambda_=0.05).fit(part_of(cohort, rows)).signature_
    signature = fitted.signatures[fold]
    assert (signature.genes, signature.coefficients) == (alone.genes, alone.coefficients)
    assert signature.training["patients"] == hash_training(cohort.patients[rows])
    assert signature.training["cohort"] == f"made, training part of fold {fold}"


@pytest.mark.needs_r
def test_the_cutoff_of_a_fold_in_the_training_cohort_is_that_of_its_signature(fitted, cohort):
    scores = fitted.risk_score(cohort)
    np.testing.assert_allclose(scores.folds["cutoff"], [one.cutoff for one in fitted.signatures], rtol=1e-12)


@pytest.mark.needs_r
def test_a_gene_that_only_varies_among_tested_patients_is_no_candidate(cohort):
    splits = make_splits(list(cohort.patients))
    tested = (splits.roles["fold_0"].reindex(cohort.patients) == "test").to_numpy()
    spoilt = cohort.expression.assign(G6=np.where(tested, cohort.expression["G6"], 1.0))
    fitted = fit_folds(LassoCoxSignature(lambda_=0.05), replace(cohort, expression=spoilt), splits)
    assert ["G6" in one.training["candidates"] for one in fitted.signatures] == [False, True, True]


@pytest.mark.needs_r
def test_patients_in_no_fold_are_counted(cohort):
    splits = make_splits([*cohort.patients[:80], "elsewhere"])
    flow = fit_folds(LassoCoxSignature(lambda_=0.05), cohort, splits).flow.iloc[-1]
    assert (flow["step"], flow["n_before"], flow["n_after"]) == ("patients: splits", 90, 80)
    assert "in no fold: P81, P82, P83 and 7 more; 1 of 81 patients is in the splits only" in flow["reason"]


def test_one_event_in_a_fold_is_refused_before_any_fit(cohort):
    splits = make_splits(list(cohort.patients))
    trains = splits.roles["fold_1"].reindex(cohort.patients) != "test"
    event = cohort.outcome.event & ~trains.to_numpy()
    event[np.flatnonzero(trains)[0]] = True
    poor = replace(cohort, outcome=replace(cohort.outcome, event=event))
    with pytest.raises(InputError, match="training part of fold 1 has 1 event among 60 patients") as caught:
        fit_folds(LassoCoxSignature(engine="glmnet"), poor, splits)
    assert caught.value.where == "fold 1"


def test_a_cohort_without_a_patient_of_the_splits_is_refused(cohort):
    with pytest.raises(InputError, match="none of the 90 patients of made is in the splits"):
        fit_folds(LassoCoxSignature(), cohort, make_splits([f"S{i}" for i in range(20)]))


def test_splits_without_a_test_part_are_refused(cohort):
    roles = make_splits(list(cohort.patients)).roles.replace("test", "val")
    with pytest.raises(InputError, match="no test part"):
        fit_folds(LassoCoxSignature(), cohort, Splits(roles))


def test_a_wrong_parameter_is_no_fault_of_a_fold(cohort):
    with pytest.raises(InputError, match="engine") as caught:
        fit_folds(LassoCoxSignature(engine="none"), cohort, make_splits(list(cohort.patients)))
    assert "fold 0" not in str(caught.value)
