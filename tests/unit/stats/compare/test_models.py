import dataclasses

import numpy as np
import pandas as pd
import pytest

from sequoia_stats import compare_models, well_predicted
from sequoia_stats.association import benjamini_hochberg, dependent_correlation_test, pearson
from sequoia_stats.compare import mann_whitney, signed_rank
from sequoia_stats.errors import InputError
from tests.build.cohorts import make_predictions

ACCURACY = list(np.linspace(0, 0.9, 40))


def make_models(**options):
    """Two models of the same slides: A as good as its genes allow, B the same with less accuracy."""
    common = {"n": 60, "genes": 40} | options
    good = make_predictions(accuracy=ACCURACY, name="A", **common)
    return {"A": good, "B": make_predictions(accuracy=[0.7 * r for r in ACCURACY], name="B", **common)}


def test_the_statistics_of_a_pair_are_those_of_its_correlations():
    comparison = compare_models(make_models(), top=10)
    pair = comparison.pairs.iloc[0]
    r_a, r_b = (comparison.selections[model].table["r"] for model in "AB")
    apart, paired = mann_whitney(r_a, r_b), signed_rank(r_a, r_b)
    assert (pair["u"], pair["p_mann_whitney"], pair["superiority"]) == (
        apart.statistic,
        apart.p,
        apart.superiority,
    )
    assert (pair["v"], pair["p_wilcoxon"], pair["hodges_lehmann"]) == (
        paired.statistic,
        paired.p,
        paired.hodges_lehmann,
    )
    assert pair["median_r_a"] == r_a.median()


def test_the_best_genes_are_each_models_own():
    comparison = compare_models(make_models(), top=10)
    pair = comparison.pairs.iloc[0]
    best = [comparison.selections[model].table["r"].nlargest(10) for model in "AB"]
    assert (pair["top_median_a"], pair["top_median_b"]) == (best[0].median(), best[1].median())
    assert pair["p_top"] == mann_whitney(*best).p
    assert comparison.models["top_mean"].tolist() == pytest.approx([r.mean() for r in best])


def test_fewer_genes_than_requested_are_all_taken():
    assert compare_models(make_models(), top=1000).pairs["top"].tolist() == [40]


def test_counts_of_well_predicted_genes_match_the_selections():
    comparison = compare_models(make_models())
    a, b = (comparison.selections[model].well_predicted for model in "AB")
    pair = comparison.pairs.iloc[0]
    assert [pair[f"well_predicted_{side}"] for side in ("a", "b", "both")] == [
        a.sum(),
        b.sum(),
        (a & b).sum(),
    ]
    assert comparison.models["n_well_predicted"].tolist() == [a.sum(), b.sum()]


def test_the_table_of_models_has_the_counts_after_each_criterion():
    comparison = compare_models(make_models())
    counts = comparison.selections["A"].counts.set_index("criterion")["n_left"]
    row = comparison.models.set_index("model").loc["A"]
    assert row["n_genes"] == counts["tested"]
    assert {name: row[name] for name in counts.index[1:]} == counts[1:].to_dict()


def test_genes_are_side_by_side():
    comparison = compare_models(make_models())
    table = comparison.selections["B"].table
    assert comparison.genes.columns.tolist() == [
        *("gene", "level", "r_A", "r_folds_A", "well_predicted_A", "r_B", "r_folds_B", "well_predicted_B"),
        *("z_A_B", "p_bh_A_B"),
    ]
    assert comparison.genes["r_B"].tolist() == table["r"].tolist()


def test_three_models_make_three_pairs():
    models = make_models() | {"C": make_predictions(n=60, genes=40, seed=2)}
    pairs = compare_models(models).pairs
    assert list(zip(pairs["model_a"], pairs["model_b"], strict=True)) == [("A", "B"), ("A", "C"), ("B", "C")]


def test_levels_are_compared_apart():
    comparison = compare_models(make_models(cohorts=2), by="cohort")
    assert comparison.pairs["level"].tolist() == ["A", "B"]
    level = comparison.selections["A"].table.query("cohort == 'B'")["r"]
    assert comparison.pairs["median_r_a"].tolist()[1] == level.median()
    assert len(comparison.genes) == 80


def test_exchanging_two_models_turns_the_effects_and_keeps_p():
    models = make_models()
    one = compare_models(models).pairs.iloc[0]
    other = compare_models({"B": models["B"], "A": models["A"]}).pairs.iloc[0]
    for effect in ("rank_biserial", "rank_biserial_paired", "hodges_lehmann", "median_difference"):
        assert one[effect] == pytest.approx(-other[effect])
    for p in ("p_mann_whitney", "p_wilcoxon", "p_top", "p_overlap"):
        assert one[p] == pytest.approx(other[p])


def test_selections_give_the_same_as_their_predictions():
    models = make_models()
    selections = {name: well_predicted(model) for name, model in models.items()}
    got, want = (compare_models(sources).pairs for sources in (selections, models))
    of_patients = ["samples", "n_shared", "n_better_a", "n_better_b"]  # selections do not name their patients
    of_patients += ["median_r_difference_low", "median_r_difference_high"]
    pd.testing.assert_frame_equal(got.drop(columns=of_patients), want.drop(columns=of_patients))
    assert got["samples"].tolist() == [""] and got[of_patients[1:]].isna().all(axis=None)


def test_genes_that_one_model_lacks_are_left_out_and_reported():
    models = make_models()
    models["B"] = _with_genes(models["B"], [f"G{i}" for i in range(3, 43)])
    comparison = compare_models(models)
    assert comparison.pairs["n_genes"].tolist() == [38]
    assert "2 of 40 genes of A are not in all models: G1, G2" in comparison.notes
    alone = comparison.genes.set_index("gene").loc["G41"]
    assert np.isnan(alone["r_A"]) and alone["well_predicted_A"] is pd.NA and alone["r_B"] == alone["r_B"]


def test_different_slides_are_reported():
    models = make_models()
    models["B"] = models["B"].rows(np.arange(50))
    notes = compare_models(models).notes
    assert notes[0].startswith("A and B were judged on different slides (60 and 50, with 50 in common)")


def test_different_measurements_of_the_same_slides_are_reported():
    models = make_models()
    models["B"] = dataclasses.replace(models["B"], measured=models["B"].measured + 0.5)
    assert (
        "A and B were judged against different measured values for the same slides"
        in compare_models(models).notes
    )


def test_the_order_of_slides_and_genes_is_no_difference():
    models = make_models()
    turned = models["B"].rows(np.arange(60)[::-1])
    models["B"] = dataclasses.replace(
        turned,
        predicted=turned.predicted[:, ::-1],
        measured=turned.measured[:, ::-1],
        untrained=tuple(matrix[:, ::-1] for matrix in turned.untrained),
        genes=turned.genes[::-1],
    )
    assert not [note for note in compare_models(models).notes if "judged" in note]


def test_notes_of_every_model_begin_with_its_name_and_none_is_merged_away():
    made = make_models()
    models = {name.lower(): dataclasses.replace(one, name="predictions") for name, one in made.items()}
    measured = {name: one.measured.copy() for name, one in models.items()}
    for matrix in measured.values():
        matrix[0, 0] = np.nan
    models = {name: dataclasses.replace(one, measured=measured[name]) for name, one in models.items()}
    notes = compare_models(models, rule="strict").notes
    assert [note.split(" gene")[0] for note in notes] == [
        "a, b: the null comes from a single untrained network; several seeds would make it more stable",
        "a: 1",
        "b: 1",
    ]


def test_all_models_are_judged_by_the_same_criteria():
    models = make_models()
    models["B"] = dataclasses.replace(models["B"], untrained=())
    comparison = compare_models(models, rule="strict")
    assert comparison.criteria == ("r>0", "p_bh<0.05")
    alone = well_predicted(dataclasses.replace(models["A"], untrained=()), rule="strict").well_predicted
    assert comparison.selections["A"].well_predicted.tolist() == alone.tolist()
    assert comparison.notes[0].startswith(
        "B has no untrained network, so those of the other files are not used"
    )
    first = str(comparison).splitlines()[0]
    assert first == "Models compared by the rule strict: r>0, p_bh<0.05, without untrained networks"


def test_selections_that_were_judged_by_other_criteria_are_refused():
    models = make_models()
    found = {"A": models["A"], "B": dataclasses.replace(models["B"], untrained=())}
    with pytest.raises(InputError, match=r"different criteria\n.*B: r>0 and p_bh<0.05"):
        compare_models(
            {name: well_predicted(one, rule="strict") for name, one in found.items()}, rule="strict"
        )


def test_a_remark_about_one_model_names_it():
    models = make_models()
    measured = models["B"].measured.copy()
    measured[0, 0] = np.nan
    models["B"] = dataclasses.replace(models["B"], measured=measured)
    assert any(note.startswith("B: ") and "not measured" in note for note in compare_models(models).notes)


def test_a_level_that_one_model_lacks_is_left_out_and_reported():
    models = make_models(cohorts=2)
    models["B"] = models["B"].rows(models["B"].obs["cohort"] == "A")
    comparison = compare_models(models, by="cohort")
    assert comparison.pairs["level"].tolist() == ["A"]
    assert "1 of 2 levels of A is not in all models: B" in comparison.notes


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        ("A", {}, "two or more models"),
        ("AB", {"top": 0}, "top must be a whole number, 1 or more"),
        ("AB", {"rule": "papr"}, "'papr' is not a valid rule"),
    ],
)
def test_what_cannot_be_compared_is_refused(names, options, message):
    models = make_models()
    with pytest.raises(InputError, match=message):
        compare_models({name: models[name] for name in names}, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rule": "strict"}, "judged by the rule paper"),
        ({"by": "cohort"}, "by the rule paper without levels"),
    ],
)
def test_selections_that_were_made_otherwise_are_refused(options, message):
    selections = {name: well_predicted(model) for name, model in make_models().items()}
    with pytest.raises(InputError, match=message):
        compare_models(selections, **options)


def test_an_error_names_the_model():
    models = make_models() | {"C": make_predictions(n=60, genes=40, n_untrained=0)}
    with pytest.raises(InputError, match=r"where: C has no layer"):
        compare_models(models)


def test_models_without_a_common_gene_are_refused():
    models = make_models()
    models["B"] = _with_genes(models["B"], [f"X{i}" for i in range(40)])
    with pytest.raises(InputError, match=r"no gene in common.*\n.*A has G1, G2, G3 and 37 more; B has X0"):
        compare_models(models)


def test_a_comparison_prints_and_turns_into_json():
    comparison = compare_models(make_models(), top=10)
    assert "Models compared by the rule paper" in str(comparison)
    content = comparison.to_dict()
    assert content["pairs"][0]["model_a"] == "A"
    assert "genes" not in content and "selections" not in content


def _with_genes(predictions, genes):
    return dataclasses.replace(predictions, genes=pd.Index(genes))


# --- models of the same patients -----------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["paper", "strict"])
def test_each_gene_is_tested_between_models_of_the_same_samples(rule):
    models = make_models(slides=2)
    comparison = compare_models(models, rule=rule)
    units = {name: one.per_patient() if rule == "strict" else one for name, one in models.items()}
    x, a, b = units["A"].measured, units["A"].predicted, units["B"].predicted
    r = [pearson(*pair).r for pair in ((x, a), (x, b), (a, b))]
    want = dependent_correlation_test(*r, len(x))
    np.testing.assert_allclose(comparison.genes["z_A_B"], want.statistic)
    np.testing.assert_allclose(comparison.genes["p_bh_A_B"], benjamini_hochberg(want.p))
    told = benjamini_hochberg(want.p) < 0.05
    pair = comparison.pairs.iloc[0]
    assert pair["n_better_a"] == (told & (want.statistic > 0)).sum() > 0
    assert pair["n_better_b"] == (told & (want.statistic < 0)).sum()
    assert (pair["samples"], pair["n_shared"], comparison.samples) == ("same", 60, "same")


def test_a_better_model_is_told_from_a_worse_one_and_not_from_itself():
    good, bad = (make_predictions(n=200, genes=8, accuracy=r) for r in (0.9, 0.2))
    pairs = compare_models({"good": good, "bad": bad, "again": good}).pairs
    assert pairs[["n_better_a", "n_better_b"]].to_numpy().tolist() == [[8, 0], [0, 0], [0, 8]]


@pytest.mark.parametrize("slides", [1, 3])
def test_the_interval_of_the_medians_is_that_of_redrawn_patients(slides):
    models = make_models(n=30, slides=slides)
    pair = compare_models(models).pairs.iloc[0]
    codes = np.repeat(np.arange(30), slides)
    drawn = np.random.default_rng(0).multinomial(30, np.full(30, 1 / 30), 200)
    differences = []
    for times in drawn[:, codes]:
        rows = np.repeat(np.arange(len(codes)), times)
        r = [pearson(one.measured[rows], one.predicted[rows]).r for one in models.values()]
        differences.append(np.median(r[0]) - np.median(r[1]))
    ends = pair[["median_r_difference_low", "median_r_difference_high"]].tolist()
    np.testing.assert_allclose(ends, np.quantile(differences, [0.025, 0.975]), rtol=1e-5)
    assert ends[0] < pair["median_r_a"] - pair["median_r_b"] < ends[1]


def test_the_test_of_a_gene_uses_the_samples_that_both_have():
    models = make_models()
    part = {name: one.rows(np.arange(10, 50)) for name, one in models.items()}
    want = compare_models(part).genes["z_A_B"]
    got = compare_models({"A": models["A"], "B": part["B"]}).genes["z_A_B"]
    np.testing.assert_allclose(got, want)


def test_levels_are_tested_apart():
    models = make_models(cohorts=2)
    got = compare_models(models, by="cohort").genes.set_index("level")["z_A_B"]
    alone = {name: one.rows(one.obs["cohort"] == "B") for name, one in models.items()}
    np.testing.assert_allclose(got["B"], compare_models(alone).genes["z_A_B"])


def test_genes_are_not_tested_against_different_measured_values():
    models = make_models()
    models["B"] = dataclasses.replace(models["B"], measured=models["B"].measured + 0.5)
    comparison = compare_models(models)
    assert comparison.pairs["n_better_a"].tolist() == [None]
    assert "z_A_B" not in comparison.genes
