"""Cohorts of different patients: found as such, and the genes that are well predicted in several."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy.stats import hypergeom, spearmanr

from sequoia_stats import compare_models
from sequoia_stats.compare import cohort_overlaps, overlap
from sequoia_stats.errors import InputError
from tests.build.cohorts import make_predictions

ACCURACY = list(np.linspace(0, 0.9, 40))


def make_cohort_of(name, seed, accuracy=ACCURACY, n=60, **options):
    """Predictions of patients that no other cohort has."""
    made = make_predictions(n=n, genes=len(accuracy), accuracy=accuracy, seed=seed, name=name, **options)
    ids = [f"{name}-{patient}" for patient in made.patients]
    slides = [f"{name}-{slide}" for slide in made.obs.index]
    return dataclasses.replace(made, obs=made.obs.assign(patient_id=ids).set_axis(slides, axis=0))


def make_cohorts(names=("TCGA", "CPTAC"), **options):
    return {name: make_cohort_of(name, seed, **options) for seed, name in enumerate(names)}


def test_files_of_different_patients_are_cohorts():
    comparison = compare_models(make_cohorts())
    assert comparison.samples == "different" and comparison.of_cohorts
    pair = comparison.pairs.iloc[0]
    assert (pair["samples"], pair["n_shared"], pair["n_better_a"]) == ("different", 0, None)
    assert "TCGA (60) and CPTAC (60) have different patients, and are compared as cohorts" in comparison.notes
    assert str(comparison).startswith("Cohorts compared by the rule paper")


def test_models_of_the_same_patients_have_no_overlap_of_cohorts():
    made = make_predictions()
    comparison = compare_models({"a": made, "b": made})
    assert comparison.samples == "same" and not comparison.of_cohorts
    assert comparison.overlaps.empty and comparison.validated.empty


def test_the_overlap_is_that_of_the_lists_among_the_genes_tested_in_both():
    cohorts = make_cohorts()
    cohorts["CPTAC"] = dataclasses.replace(cohorts["CPTAC"], genes=pd.Index([f"G{i}" for i in range(6, 46)]))
    comparison = compare_models(cohorts)
    found = {name: one.gene[one.well_predicted] for name, one in comparison.selections.items()}
    want = overlap(found, {name: one.gene for name, one in comparison.selections.items()})
    pd.testing.assert_frame_equal(comparison.overlaps.drop(columns="level"), want)
    row = comparison.overlaps.iloc[0]
    sizes = [int(size) for size in row["sizes"].split(";")]
    assert row["universe"] == 35
    assert row["p"] == pytest.approx(hypergeom.sf(row["overlap"] - 1, 35, *sizes))
    assert "5 of 40 genes of TCGA are not in all models: G1, G2, G3 and 2 more" in comparison.notes


def test_the_correlation_of_r_between_cohorts_is_that_of_the_shared_genes():
    comparison = compare_models(make_cohorts())
    r = comparison.genes[["r_TCGA", "r_CPTAC"]]
    pair = comparison.pairs.iloc[0]
    assert pair["r_pearson"] == pytest.approx(np.corrcoef(r.T)[0, 1])
    assert pair["r_spearman"] == pytest.approx(spearmanr(*r.to_numpy().T).statistic)


def test_three_cohorts_have_each_pair_and_all_and_the_genes_of_two_or_more():
    comparison = compare_models(make_cohorts(["TCGA", "CPTAC", "Tempus"]), rule="strict")
    assert comparison.overlaps["n_lists"].tolist() == [2, 2, 2, 3]
    validated = comparison.validated.set_index("gene")
    everywhere = comparison.overlaps["genes"].iloc[-1].split(";")
    assert sorted(validated.index[validated["in_all"]]) == everywhere
    well = {name: set(one.gene[one.well_predicted]) for name, one in comparison.selections.items()}
    times = {gene: sum(gene in genes for genes in well.values()) for gene in set.union(*well.values())}
    assert validated["n_cohorts"].to_dict() == {gene: n for gene, n in times.items() if n > 1}
    assert validated["n_cohorts"].is_monotonic_decreasing


def test_the_lowest_r_is_among_the_cohorts_in_which_the_gene_is_well_predicted():
    row = compare_models(make_cohorts(["a", "b", "c"])).validated.iloc[-1]
    well = [row[f"r_{name}"] for name in "abc" if row[f"well_predicted_{name}"]]
    assert len(well) == row["n_cohorts"] == 2 and row["lowest_r"] == min(well)


def test_a_cohort_without_well_predicted_genes_shares_none():
    cohorts = make_cohorts() | {"null": make_cohort_of("null", 5, accuracy=[-0.5] * 40)}
    comparison = compare_models(cohorts)
    overlaps = comparison.overlaps.set_index("lists")
    assert overlaps.loc["TCGA & null", ["overlap", "p", "genes"]].tolist() == [0, 1.0, ""]
    assert not comparison.validated["in_all"].any()


def test_levels_overlap_apart():
    comparison = compare_models(make_cohorts(cohorts=2), by="cohort")
    assert comparison.overlaps["level"].tolist() == ["A", "B"]
    assert set(comparison.validated["level"]) == {"A", "B"}


def test_a_few_shared_patients_are_named_and_do_not_make_models_of_cohorts():
    one, other = make_cohorts().values()
    obs = pd.concat([one.obs[:12], other.obs[12:]])
    measured = np.concatenate([one.measured[:12], other.measured[12:]])
    comparison = compare_models(
        {"TCGA": one, "CPTAC": dataclasses.replace(other, obs=obs, measured=measured)}
    )
    assert comparison.samples == "different" and comparison.pairs["n_shared"].tolist() == [12]
    assert any(note.startswith("12 patients are in both TCGA and CPTAC") for note in comparison.notes)
    assert len(comparison.cohorts) == 1 and comparison.validated.empty and comparison.overlaps.empty
    asked = {"TCGA": one, "CPTAC": dataclasses.replace(other, obs=obs, measured=measured)}
    assert not compare_models(asked, samples="different").validated.empty


def test_cohorts_that_number_their_patients_alike_are_told_apart_by_what_was_measured():
    one, other = (make_predictions(n=60, genes=20, seed=seed) for seed in (0, 1))
    comparison = compare_models({"a": one, "b": other})
    assert comparison.samples == "different"
    assert any("unrelated measured values" in note for note in comparison.notes)
    assert comparison.pairs["n_shared"].tolist() == [0]


def test_barcodes_are_of_the_same_patients_whatever_was_measured():
    one, other = (make_predictions(n=60, genes=20, seed=seed) for seed in (0, 1))
    barcodes = [f"TCGA-A1-A{i:03d}" for i in range(60)]
    one, other = (
        dataclasses.replace(made, obs=made.obs.assign(patient_id=barcodes)) for made in (one, other)
    )
    comparison = compare_models({"a": one, "b": other})
    assert comparison.samples == "same" and comparison.validated.empty
    assert comparison.pairs["n_shared"].tolist() == [60]
    assert any("by their barcodes, but measured values are unrelated" in note for note in comparison.notes)


def test_the_genes_that_tell_patients_apart_are_from_the_whole_file():
    one, other = (make_predictions(n=20, genes=4200, seed=seed) for seed in (0, 1))
    measured = one.measured.copy()
    measured[:, :2000] = other.measured[
        :, :2000
    ]  # as where a file begins with genes that are hardly measured
    again = dataclasses.replace(one, measured=measured)
    assert compare_models({"a": one, "b": again}, rule="strict").samples == "same"


@pytest.mark.parametrize("rule", ["paper", "strict"])
def test_patients_of_the_same_names_are_compared_as_patients_whatever_their_slides_are_called(rule):
    one, other = (make_predictions(n=60, genes=20, slides=2, seed=seed) for seed in (0, 1))
    other = with_other_slides(other)
    comparison = compare_models({"a": one, "b": other}, rule=rule)
    assert comparison.samples == "different" and "z_a_b" not in comparison.genes
    assert any(
        note.startswith("60 patients of a and b have the same names, but unrelated")
        for note in comparison.notes
    )


def test_other_slides_of_the_same_patients_are_tested_if_patients_are_the_units():
    made = make_predictions(n=40)
    models = {"a": made, "b": with_other_slides(made)}
    strict, paper = (compare_models(models, rule=rule) for rule in ("strict", "paper"))
    assert strict.samples == paper.samples == "same"
    assert "z_a_b" in strict.genes and "z_a_b" not in paper.genes  # no slide is in both


def test_a_user_may_say_which_samples_files_have():
    one, other = (make_predictions(n=60, genes=20, seed=seed) for seed in (0, 1))
    forced = compare_models({"a": one, "b": other}, samples="same")
    assert forced.samples == "same" and any("as was asked" in note for note in forced.notes)
    apart = compare_models({"a": one, "b": one}, samples="different")
    assert apart.samples == "different" and "z_a_b" not in apart.genes
    with pytest.raises(InputError, match="0 patients in both, but models of the same patients need 4"):
        compare_models(make_cohorts(), samples="same")
    with pytest.raises(InputError, match="'sane' is not a valid samples"):
        compare_models({"a": one, "b": one}, samples="sane")


def with_other_slides(predictions):
    slides = [f"{slide}-other" for slide in predictions.obs.index]
    return dataclasses.replace(predictions, obs=predictions.obs.set_axis(slides, axis=0))


def test_two_models_in_two_cohorts_are_mixed():
    cohorts = make_cohorts()
    again = dataclasses.replace(cohorts["TCGA"], predicted=cohorts["TCGA"].predicted[:, ::-1].copy())
    comparison = compare_models(cohorts | {"ridge": again})
    assert comparison.samples == "mixed" and comparison.of_cohorts
    assert comparison.pairs["samples"].tolist() == ["different", "same", "different"]
    assert comparison.pairs["n_better_a"].isna().tolist() == [True, False, True]
    assert "z_TCGA_ridge" in comparison.genes
    assert str(comparison).startswith("Models and cohorts compared") and "None" not in str(comparison)


def test_models_of_one_cohort_neither_overlap_nor_validate_each_other():
    cohorts = make_cohorts()
    again = dataclasses.replace(cohorts["TCGA"], predicted=2 * cohorts["TCGA"].predicted)
    comparison = compare_models({"TCGA": cohorts["TCGA"], "ridge": again, "CPTAC": cohorts["CPTAC"]})
    assert comparison.cohorts == (("TCGA", "ridge"), ("CPTAC",))
    assert comparison.overlaps["lists"].tolist() == ["TCGA & CPTAC", "ridge & CPTAC"]
    alone = compare_models(cohorts).validated
    assert comparison.validated["gene"].tolist() == alone["gene"].tolist()
    assert (
        comparison.validated["n_cohorts"].tolist() == [2] * len(alone)
        and comparison.validated["in_all"].all()
    )


def test_all_cohorts_together_take_one_model_of_each():
    cohorts = make_cohorts(["a", "b", "c"])
    overlaps = compare_models(cohorts | {"a2": cohorts["a"]}).overlaps
    assert overlaps.loc[overlaps["n_lists"] == 3, "lists"].tolist() == ["a & b & c", "a2 & b & c"]


def with_fold_means(name, seed):
    """A cohort whose networks differ in their mean, so that r over all folds is lower than within."""
    made = make_cohort_of(name, seed)
    shift = 3.0 * made.obs["fold"].to_numpy()[:, None]
    return dataclasses.replace(made, predicted=made.predicted + shift, ensemble="held-out")


def without_folds(made):
    return dataclasses.replace(made, obs=made.obs.drop(columns="fold"), ensemble="held-out")


@pytest.mark.parametrize("order", [("cv", "ext"), ("ext", "cv")])
def test_a_cross_validated_cohort_is_compared_with_an_ensemble_by_r_within_folds(order):
    made = {"cv": with_fold_means("cv", 0), "ext": without_folds(make_cohort_of("ext", 1))}
    comparison = compare_models({name: made[name] for name in order}, rule="strict")
    tables = {name: one.table for name, one in comparison.selections.items()}
    medians = {"cv": tables["cv"]["r_folds"].median(), "ext": tables["ext"]["r"].median()}
    assert medians["cv"] > tables["cv"]["r"].median() + 0.1
    pair = comparison.pairs.iloc[0]
    assert [pair["median_r_a"], pair["median_r_b"]] == [medians[name] for name in order]
    assert [pair["correlation_a"], pair["correlation_b"]] == [{"cv": "r_folds", "ext": "r"}[x] for x in order]
    assert comparison.models["predicted_by"].tolist() == [
        {"cv": "held-out", "ext": "ensemble"}[x] for x in order
    ]
    assert comparison.models.set_index("model").loc["cv", "r_folds_median"] == medians["cv"]
    assert any("cv: beside cohorts without folds, compared by r within folds" in x for x in comparison.notes)
    (note,) = [note for note in comparison.notes if "A mean of networks has a higher r than one" in note]
    assert "cv: held-out (" in note and "ext: ensemble (" in note
    assert "correlation_a" in str(comparison) and "r_folds_median" in str(comparison)


def test_genes_that_validate_have_their_lowest_r_by_the_same_correlations():
    cohorts = {"cv": make_cohort_of("cv", 0), "ext": without_folds(make_cohort_of("ext", 1))}
    row = compare_models(cohorts).validated.iloc[-1]
    assert row["lowest_r"] == min(row["r_folds_cv"], row["r_ext"]) and row["r_cv"] != row["r_folds_cv"]


def test_cohorts_that_both_have_folds_are_compared_by_r_over_all_slides():
    comparison = compare_models({"a": with_fold_means("a", 0), "b": make_cohort_of("b", 1)})
    assert comparison.pairs[["correlation_a", "correlation_b"]].to_numpy().tolist() == [["r", "r"]]


def test_no_level_in_two_cohorts_is_an_empty_table():
    table = pd.DataFrame({"model": ["a", "b"], "level": ["x", "y"], "gene": "G", "well_predicted": True})
    assert cohort_overlaps(table).empty


def test_a_note_says_that_folds_are_too_small_to_have_an_r_of_their_own():
    small = make_cohort_of("cv", 0)
    small = dataclasses.replace(small, obs=small.obs.assign(fold=np.arange(60) // 3))
    comparison = compare_models({"cv": small, "ext": without_folds(make_cohort_of("ext", 1))}, rule="strict")
    assert comparison.pairs[["correlation_a", "correlation_b"]].iloc[0].tolist() == ["r", "r"]
    assert any(
        note.startswith("cv: beside cohorts without folds, but no fold has 4") for note in comparison.notes
    )
    usual = compare_models({"cv": with_fold_means("cv", 0), "ext": without_folds(make_cohort_of("ext", 1))})
    assert not any("pooled over folds" in note for note in usual.notes)
