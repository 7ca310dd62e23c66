"""The summary of a cross-validation: what wins is said first, and the numbers equal those of the statistics package."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequoia_model.errors import InputError
from sequoia_model.training.summary import CrossValidated, _comparison, summarise
from sequoia_stats.association import fisher_mean, pearson
from sequoia_stats.selection import top_k
from sequoia_stats.types.predictions import Predictions

#: How much of the measured values each method knows.
KNOWN = {"network": 0.6, "ridge": 0.3, "knn": 0.2, "untrained": 0.0}


def make_results(
    n=60, genes=40, n_folds=3, slides_each=1, seed=0, known=None, shift=0.0, ranked_on="validation"
) -> CrossValidated:
    """Genes of rising predictability, methods that know a share of each, and rankings by other patients."""
    rng = np.random.default_rng(seed)
    known = KNOWN | (known or {})
    level, ease = 5 * rng.normal(size=genes), np.linspace(0, 1, genes)
    signal = rng.normal(size=(n, genes))
    patients = np.array([f"P{i // slides_each:03}" for i in range(n)], dtype=object)
    folds = np.arange(n) // slides_each % n_folds
    measured = level + signal
    predicted = {
        name: level + share * ease * signal + 0.4 * rng.normal(size=(n, genes))
        for name, share in known.items()
    }
    predicted["network"] = predicted["network"] + shift
    mean = np.stack([level + 0.1 * rng.normal(size=genes) for _ in range(n_folds)])
    ranking = {name: share * ease + 0.2 * rng.normal(size=(n_folds, genes)) for name, share in known.items()}
    return CrossValidated(
        slides=tuple(f"S{i}" for i in range(n)),
        patients=patients,
        folds=folds,
        genes=tuple(f"G{i}" for i in range(genes)),
        measured=measured.astype(np.float32),
        predicted={
            name: values.astype(np.float32) for name, values in (predicted | {"mean": mean[folds]}).items()
        },
        ranking=ranking | {"mean": np.zeros((n_folds, genes))},
        ranked_on=ranked_on,
    )


def first_sentence(results: CrossValidated, top: int = 10) -> str:
    return summarise(results, top=top).to_markdown().split("\n")[2].split(". ")[0]


def row_of(frame: pd.DataFrame, method: str) -> pd.Series:
    return frame.set_index("method").loc[method]


def test_a_network_that_wins_is_said_to_win():
    want = "The network predicts better than ridge regression, nearest neighbours, the training mean and an untrained"
    assert first_sentence(make_results(n=150)).startswith(want)


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ({"ridge": 0.9}, "Ridge regression predicts better than the network: mean r 0."),
        ({"knn": 0.9}, "Nearest neighbours predict better than the network: mean r 0."),
        (
            {"knn": 0.9, "ridge": 0.8},
            "Nearest neighbours and ridge regression predict better than the network: mean r of nearest neighbours 0.",
        ),
        ({"untrained": 0.9}, "An untrained network predicts better than the network: mean r 0."),
        ({"ridge": 0.62}, "Ridge regression is ahead of the network: mean r 0."),
        ({"knn": 0.66}, "Nearest neighbours are ahead of the network: mean r 0."),
    ],
)
def test_what_is_ahead_of_the_network_is_said_first(known, words):
    assert first_sentence(make_results(known=known)).startswith(words)


def test_a_training_mean_with_a_smaller_error_is_said_first():
    results = make_results(shift=2.0)
    assert first_sentence(results) == (
        "The training mean has a smaller squared error than the network for 100% of the genes"
    )
    both = make_results(shift=2.0, known={"ridge": 0.9})
    assert "; the training mean also has a smaller squared error" in first_sentence(both)
    assert first_sentence(both).startswith("Ridge regression predicts")


def test_a_lead_that_other_patients_could_turn_round_is_not_called_better():
    results = make_results(known={"ridge": 0.62})
    row = row_of(summarise(results, top=10).comparisons, "ridge")
    assert row["low"] < row["difference"] < 0 < row["high"]
    assert "other patients could turn this round" in first_sentence(results)


def test_the_pooled_mean_of_the_best_genes_equals_that_of_the_statistics_package():
    results = make_results(n=70, n_folds=3)
    obs = pd.DataFrame({"patient_id": results.patients, "fold": results.folds}, index=list(results.slides))
    want = top_k(
        Predictions(results.predicted["network"], results.measured, obs, pd.Index(results.genes), ()), k=10
    )
    got = row_of(summarise(results, top=10).methods, "network")
    assert got["top_pooled"] == pytest.approx(want.pooled, rel=1e-10)


def test_the_usual_mean_is_that_of_genes_ranked_on_the_test_part_of_each_fold():
    results = make_results()
    means = []
    for fold in range(3):
        r = pearson(results.measured, results.predicted["network"], rows=results.folds == fold).r
        means.append(np.sort(r)[-10:].mean())
    assert row_of(summarise(results, top=10).methods, "network")["top_usual"] == pytest.approx(
        np.mean(means), rel=1e-10
    )


def test_the_honest_mean_is_that_of_genes_ranked_outside_the_test_part():
    results = make_results()
    means = []
    for fold in range(3):
        rows = results.folds == fold
        best = np.argsort(-results.ranking["network"][fold])[:10]
        means.append(pearson(results.measured, results.predicted["network"], rows=rows).r[best].mean())
    summary = summarise(results, top=10)
    row = row_of(summary.methods, "network")
    assert row["top_honest"] == pytest.approx(np.mean(means), rel=1e-10)
    assert row["optimism"] == pytest.approx(row["top_usual"] - row["top_honest"])
    assert summary.folds.query("method == 'network'")["top_honest"].to_numpy() == pytest.approx(means)


def test_an_untrained_network_looks_good_on_genes_ranked_on_the_test_part_alone():
    row = row_of(summarise(make_results(n=30, n_folds=1, genes=400), top=20).methods, "untrained")
    assert row["top_usual"] > 0.3
    assert abs(row["top_honest"]) < 0.1


def test_folds_count_by_their_size_within_folds():
    results = make_results()
    results.folds = np.repeat([0, 1, 2], [40, 15, 5])
    truth, made = results.measured, results.predicted["network"]
    r = [pearson(truth, made, rows=results.folds == fold).r for fold in range(3)]
    genes = summarise(results, top=10).genes
    np.testing.assert_allclose(genes["r_folds_network"], fisher_mean(r, [37, 12, 2]), atol=1e-10)


def test_scores_by_gene_are_those_of_the_definitions():
    results = make_results(slides_each=2)
    genes = summarise(results, top=10).genes
    truth, made, null = results.measured, results.predicted["ridge"], results.predicted["mean"]
    by_patient = [values.reshape(-1, 2, 40).mean(axis=1) for values in (truth, made)]
    np.testing.assert_allclose(genes["r_pooled_ridge"], pearson(truth, made).r, atol=1e-10)
    np.testing.assert_allclose(genes["r_patients_ridge"], pearson(*by_patient).r, atol=1e-6)
    np.testing.assert_allclose(
        genes["r2_ridge"],
        1 - ((truth - made) ** 2).sum(axis=0) / ((truth - null) ** 2).sum(axis=0),
        rtol=1e-4,
    )
    assert list(genes["gene"]) == list(results.genes)


def test_the_training_mean_has_no_r_within_folds_and_a_high_one_within_slides():
    row = row_of(summarise(make_results(), top=10).methods, "mean")
    assert (row["r_folds_median"], row["r_slides_centred_median"], row["r2_median"]) == (0, 0, 0)
    assert row["r_slides_median"] > 0.9
    assert np.isnan(row["top_honest"])


@settings(max_examples=10, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_slides_and_of_genes_changes_nothing(random):
    results = make_results(n=30, genes=25, slides_each=2)
    slides, genes = random.sample(range(30), 30), random.sample(range(25), 25)
    moved = replace(
        results,
        slides=tuple(results.slides[i] for i in slides),
        patients=results.patients[slides],
        folds=results.folds[slides],
        genes=tuple(results.genes[i] for i in genes),
        measured=results.measured[np.ix_(slides, genes)],
        predicted={name: values[np.ix_(slides, genes)] for name, values in results.predicted.items()},
        ranking={name: values[:, genes] for name, values in results.ranking.items()},
    )
    for name in ("methods", "folds", "comparisons"):
        want, got = (getattr(summarise(part, top=5), name) for part in (results, moved))
        pd.testing.assert_frame_equal(got, want, rtol=1e-6, atol=1e-9)


def test_a_comparison_takes_the_best_genes_of_both_methods():
    results = make_results()
    best = [
        {name: set(np.argsort(-results.ranking[name][fold])[:10]) for name in ("network", "ridge")}
        for fold in range(3)
    ]
    row = row_of(summarise(results, top=10).comparisons, "ridge")
    assert row["n_genes"] == sum(len(one["network"] | one["ridge"]) for one in best)
    assert row_of(summarise(results, top=10).comparisons, "mean")["n_genes"] == 30


def test_the_roles_of_two_methods_may_be_exchanged():
    results = make_results(known={"ridge": 0.5})
    names = {"network": "ridge", "ridge": "network"}
    exchanged = replace(
        results,
        predicted={names.get(name, name): values for name, values in results.predicted.items()},
        ranking={names.get(name, name): values for name, values in results.ranking.items()},
    )
    a, b = (row_of(summarise(part, top=10).comparisons, "ridge") for part in (results, exchanged))
    assert a["difference"] == pytest.approx(-b["difference"])
    assert (a["low"], a["high"]) == pytest.approx((-b["high"], -b["low"]))


def make_part(n=12, genes=5, seed=0):
    rng = np.random.default_rng(seed)
    x, y, z = (rng.normal(size=(n, genes)) + 100 for _ in range(3))
    return _comparison.TestPart(x, x + y - 100, z, np.arange(n) // 2)


def test_a_replicate_is_the_difference_on_slides_that_are_repeated(monkeypatch):
    part = make_part()
    times = np.array([[2.0, 0, 1, 0, 3, 0]])[:, part.patients]
    rows = np.repeat(np.arange(12), times[0].astype(int))
    r = [pearson(part.measured[rows], values[rows]).r for values in (part.first, part.second)]
    got = _comparison._drawn_r(times, part.measured, part.first, part.second)
    assert got == pytest.approx([(r[0] - r[1]).sum()], rel=1e-9)
    errors = [((part.measured[rows] - values[rows]) ** 2).sum(axis=0) for values in (part.first, part.second)]
    np.testing.assert_allclose(
        _comparison._drawn_saving(times, part, slice(None))[0], 1 - errors[0] / errors[1], rtol=1e-9
    )


def test_a_replicate_of_one_patient_has_no_correlation_and_no_missing_value():
    part = make_part()
    part = replace(part, patients=np.arange(12))
    times = np.eye(12)[:1] * 12
    assert _comparison._drawn_r(times, part.measured, part.first, part.second).tolist() == [0]


def test_the_interval_grows_if_slides_are_copies_of_those_of_fewer_patients():
    few = make_part(n=20, seed=3)
    alone, doubled = (replace(few, patients=np.arange(20) // k) for k in (1, 4))
    widths = [_comparison.difference_in_r([part], seed=0) for part in (alone, doubled)]
    assert widths[0].difference == widths[1].difference
    assert widths[0].high - widths[0].low != pytest.approx(widths[1].high - widths[1].low, rel=0.01)


@pytest.mark.slow
def test_the_interval_holds_the_difference_in_about_95_percent_of_cohorts():
    inside = []
    for seed in range(100):
        results = make_results(n=90, genes=20, seed=seed, known={"ridge": 0.6})
        row = row_of(summarise(results, top=20, seed=seed).comparisons, "ridge")
        inside.append(row["low"] <= 0 <= row["high"])
    assert 0.9 <= np.mean(inside) <= 0.99


def test_constant_genes_are_counted_and_left_out():
    results = make_results()
    results.measured[:, :4] = 1.0
    summary, rest = summarise(results, top=10), make_results()
    assert summary.n_constant == 4
    assert any(note.startswith("4 of 40 genes have the same value in all slides") for note in summary.notes)
    part = {name: values[:, 4:] for name, values in rest.predicted.items()}
    ranking = {name: values[:, 4:] for name, values in rest.ranking.items()}
    without = replace(
        rest, genes=rest.genes[4:], measured=rest.measured[:, 4:], predicted=part, ranking=ranking
    )
    pd.testing.assert_frame_equal(summary.methods, summarise(without, top=10).methods)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ({"n": 9}, "3 of 3 folds have fewer than 4 test slides"),
        ({"n": 60, "slides_each": 20}, "folds 0, 1, 2 tested a single patient"),
        ({"n": 12}, "there is no interval of the differences: folds 0, 1, 2 tested fewer than 5 patients"),
        ({"genes": 10}, "there are only 10 genes that vary, so all of them are among the best 10"),
        ({"slides_each": 20}, "there is no r of patients: there are 3 patients"),
        ({}, "every patient has one slide, so r of patients is r of slides"),
    ],
)
def test_what_cannot_be_computed_is_said(made, words):
    summary = summarise(make_results(**made), top=10)
    assert any(words in note for note in summary.notes)
    assert f"- {words[:1].upper()}{words[1:]}" in summary.to_markdown()
    assert "nan" not in summary.to_markdown()


def test_a_gene_that_is_constant_in_one_fold_is_counted():
    results = make_results()
    results.measured[results.folds == 1, 7] = 3.0
    notes = summarise(results, top=10).notes
    assert "1 gene is constant in fold 1, where their r counts as 0" in notes


def test_folds_of_one_patient_each_are_said_beside_the_verdict():
    summary = summarise(make_results(slides_each=20), top=10)
    assert summary.verdict.endswith("so this says nothing about other patients.")
    assert "The network is ahead of ridge regression" in summary.verdict
    assert summary.comparisons[["low", "high"]].isna().all(axis=None)


def test_genes_ranked_on_training_patients_are_said_to_be():
    summary = summarise(make_results(ranked_on="training"), top=10)
    page = summary.to_markdown()
    assert "There are not enough validation slides, so genes were ranked on training slides" in page
    assert "r within folds, ranked on training patients" in page
    assert "due to the choice, or to a poorer ranking by the other patients." in page
    assert set(summary.folds["ranked_on"]) == {"training", ""}  # the training mean has no ranking


def test_folds_that_rank_on_different_patients_are_told_apart():
    summary = summarise(make_results(ranked_on=("validation", "training", "validation")), top=10)
    page = summary.to_markdown()
    assert summary.ranked_on == "both"
    assert "There are not enough validation slides in fold 1, so" in page
    assert "r within folds, ranked on validation or training patients" in page
    assert "among the best of either on validation or training patients" in summary.verdict


@pytest.mark.parametrize(
    ("n", "words"),
    [
        ((30, 31, 40), "is due to the choice and not to the network."),
        ((29, 31, 40), "or to a poorer ranking by the other patients: 29 in the smallest fold."),
        (None, "or to a poorer ranking by the other patients."),
    ],
)
def test_the_difference_is_called_optimism_only_if_enough_patients_rank(n, words):
    assert words in summarise(replace(make_results(), n_ranked_by=n), top=10).to_markdown()


def test_a_fold_without_a_ranking_does_not_count_as_ranked():
    results = make_results()
    results.ranking["network"][1] = 0
    summary = summarise(results, top=10)
    folds = summary.folds.query("method == 'network'").set_index("fold")
    assert folds["ranked_on"].tolist() == ["validation", "", "validation"]
    assert folds["top_honest"].isna().tolist() == [False, True, False]
    rest = folds.loc[[0, 2]]
    row = row_of(summary.methods, "network")
    assert row["optimism"] == pytest.approx((rest["top_usual"] - rest["top_honest"]).mean())
    words = "the network has no ranking of genes outside the test part of fold 1, so its optimism is that of the other"
    assert any(note.startswith(words) for note in summary.notes)


@pytest.mark.parametrize(("genes", "best"), [(300, 30), (60, 10), (1001, 1000)])
def test_of_few_genes_a_tenth_are_the_best(genes, best):
    summary = summarise(make_results(genes=genes))
    assert summary.top == best
    assert row_of(summary.methods, "network")["optimism"] > 0
    assert any(f"the best ones are {best} of them, instead of 1,000" in note for note in summary.notes) == (
        genes <= 1000
    )


def test_the_verdict_says_on_which_genes_methods_are_compared():
    ranked = make_results()
    unranked = replace(ranked, ranking={})
    few = make_results(genes=10)
    assert (
        "on the same genes, those that are among the best of either on" in summarise(ranked, top=10).verdict
    )
    for results in (unranked, few):
        summary = summarise(results, top=10)
        assert (
            "Methods are compared on all genes, by r within folds; the training mean, by" in summary.verdict
        )
        assert set(summary.comparisons["genes"]) == {"all"}
    partly = {name: np.where(np.arange(3)[:, None] == 1, 0.0, r) for name, r in ranked.ranking.items()}
    words = "of either on validation patients, or all without a ranking, by r"
    assert words in summarise(replace(ranked, ranking=partly), top=10).verdict


def test_certainty_is_said_of_each_method_by_itself():
    first = first_sentence(make_results(known={"ridge": 0.9, "knn": 0.66}))
    better, ahead = first.split("; ")
    assert better.startswith("Ridge regression predicts better than the network: mean r 0.")
    assert ahead.startswith("nearest neighbours are ahead of the network: mean r 0.")
    assert "other patients could turn this round" in ahead and "turn" not in better
    verdict = summarise(make_results(n=150, known={"ridge": 0.58}), top=10).verdict
    assert verdict.startswith(
        "The network predicts better than nearest neighbours, the training mean and an untrained network, and is "
        "ahead of ridge regression."
    )


def test_a_small_fold_does_not_take_the_intervals_of_the_others():
    results = make_results()
    results.folds = np.repeat([0, 1, 2], [36, 20, 4])
    summary, others = summarise(results, top=10), results.folds < 2
    assert summary.comparisons[["low", "high"]].notna().all(axis=None)
    assert (
        "methods are compared without fold 2, which tested fewer than 5 patients: too few for an interval"
        in (summary.notes)
    )
    without = replace(
        results,
        slides=results.slides[:56],
        patients=results.patients[others],
        folds=results.folds[others],
        measured=results.measured[others],
        predicted={name: values[others] for name, values in results.predicted.items()},
        ranking={name: r[:2] for name, r in results.ranking.items()},
        ranked_on="validation",
    )
    pd.testing.assert_frame_equal(summary.comparisons, summarise(without, top=10).comparisons)


def test_notes_of_the_fits_are_on_the_page():
    results = replace(make_results(), notes=("fold 0: all genes share one penalty",))
    assert "- Fold 0: all genes share one penalty." in summarise(results, top=10).to_markdown()


def test_several_untrained_networks_are_one_column():
    results = make_results(known={"untrained_1": 0.0, "untrained_2": 0.0})
    summary = summarise(results, top=10)
    assert "| untrained, mean of 3 |" in summary.to_markdown()
    assert "and 3 untrained networks" in summary.verdict
    assert len(summary.methods) == 7


def test_a_method_without_a_ranking_is_compared_on_the_best_genes_of_the_network():
    results = make_results()
    del results.ranking["ridge"]
    summary = summarise(results, top=10)
    assert row_of(summary.comparisons, "ridge")["n_genes"] == 30
    assert np.isnan(row_of(summary.methods, "ridge")["optimism"])


def test_the_same_seed_gives_the_same_page_and_plain_json():
    first, second = (summarise(make_results(), top=10) for _ in range(2))
    assert first.to_markdown() == second.to_markdown()
    assert json.loads(json.dumps(first.to_dict(), allow_nan=False))["verdict"] == first.verdict


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"predicted": {"network": np.ones((60, 40))}}, "no predictions of mean"),
        ({"slides": ()}, "nothing to summarise: 0 slides and 40 genes"),
        ({"ranked_on": "test"}, "'test' is not a valid ranked_on"),
        ({"ranked_on": ("training",)}, "where: ranked_on"),
        ({"n_ranked_by": (3, 4)}, "where: n_ranked_by"),
        ({"folds": np.zeros(59, dtype=int)}, "where: folds"),
        ({"ranking": {"network": np.ones((2, 40))}}, "where: ranking of network"),
        ({"measured": np.where(np.eye(60, 40) > 0, np.nan, 1.0)}, "where: measured: S0, gene G0"),
        ({"ranking": {"network": np.full((3, 40), np.nan)}}, "where: ranking of network: fold 0, gene G0"),
    ],
)
def test_results_that_do_not_fit_together_are_refused(change, words):
    with pytest.raises(InputError, match=words):
        replace(make_results(), **change)


def test_no_gene_that_varies_is_refused():
    results = make_results()
    results.measured[:] = 1.0
    with pytest.raises(InputError, match="every gene has the same value"):
        summarise(results)


@pytest.mark.parametrize("wrong", [{"top": 0}, {"seed": -1}])
def test_numbers_out_of_range_are_refused(wrong):
    with pytest.raises(InputError, match="must be a whole number"):
        summarise(make_results(), **wrong)
