"""Well-predicted genes: the table against a loop over genes, the rules, the units, and what holds for any data."""

from __future__ import annotations

import math
import tracemalloc
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sequoia_stats.errors import InputError
from sequoia_stats.selection import RULES, _levels, well_predicted
from sequoia_stats.types.predictions import Predictions
from tests.build.cohorts import make_predictions
from tests.build.results import scripts_of_analyses

with scripts_of_analyses():
    from null_calibration import null_simulation, summary, unrelated_predictions

MIXED = [0.9, 0.7, 0.5, 0.3, 0.2, 0.1, 0, 0, 0, -0.2, -0.4, -0.8]
COLUMNS = [
    *("gene", "n", "r", "p", "p_bh", "r_folds", "r_untrained", "r_between", "r_difference_low"),
    *("r_difference_high", "z", "p_dependent", "p_dependent_bh", "rmse", "rmse_untrained", "mae"),
    *("explained_variance", "iqr", "nrmse", "nrmse_minmax", "well_predicted", "failed"),
]


# --- the same, one gene after the other ----------------------------------------------------------------------------


def steiger(a, b, r, n):
    mean = (a + b) / 2
    s = (r * (1 - 2 * mean**2) - 0.5 * mean**2 * (1 - 2 * mean**2 - r**2)) / (1 - mean**2) ** 2
    return (math.atanh(a) - math.atanh(b)) * math.sqrt(n - 3) / math.sqrt(2 - 2 * s)


def williams(a, b, r, n):
    determinant = 1 - a * a - b * b - r * r + 2 * a * b * r
    spread = 2 * determinant * (n - 1) / (n - 3) + ((a + b) / 2) ** 2 * (1 - r) ** 3
    return (a - b) * math.sqrt((n - 1) * (1 + r) / spread)


def fisher(values, weights=None):
    return math.tanh(np.average(np.arctanh(values), weights=weights))


def one_gene(predictions, j, rule):
    """All statistics of a gene except those that need the other genes."""
    x = predictions.measured[:, j].astype(float)
    there = ~np.isnan(x)
    x, y = x[there], predictions.predicted[there, j].astype(float)
    null = [matrix[there, j].astype(float) for matrix in predictions.untrained]
    n, (r, p) = len(x), stats.pearsonr(x, y)
    r13, r23 = (fisher([stats.pearsonr(v, u)[0] for u in null]) for v in (x, y))
    if rule == "published-code":
        z = williams(r, r13, r23, n)
        p_dependent = stats.t.sf(abs(z), n - 3)
    else:
        z = steiger(r, r13, r23, n)
        p_dependent = stats.norm.sf(z) if rule == "strict" else 2 * stats.norm.sf(abs(z))
    fold = predictions.obs["fold"].to_numpy()[there]
    folds = [fold == f for f in np.unique(fold)]
    iqr = np.subtract(*np.quantile(x, [0.75, 0.25]))
    rmse = math.sqrt(np.mean((x - y) ** 2))
    return {
        "gene": predictions.genes[j], "n": n, "r": r, "p": p, "r_untrained": r13, "r_between": r23,
        "r_folds": fisher([stats.pearsonr(x[f], y[f])[0] for f in folds], [f.sum() - 3 for f in folds]),
        "z": z, "p_dependent": p_dependent, "rmse": rmse,
        "rmse_untrained": math.sqrt(np.mean([(x - u) ** 2 for u in null])),
        "mae": np.mean(abs(x - y)), "explained_variance": 1 - np.var(x - y) / np.var(x),
        "iqr": iqr, "nrmse": rmse / iqr,
    }  # fmt: skip


def by_loop(predictions, rule):
    """The table of one level, and the criteria written out."""
    table = pd.DataFrame([one_gene(predictions, j, rule) for j in range(len(predictions.genes))])
    for column in ("p", "p_dependent"):
        table[f"{column}_bh"] = stats.false_discovery_control(table[column])
    table["nrmse_minmax"] = (table.nrmse - table.nrmse.min()) / (table.nrmse.max() - table.nrmse.min())
    strict = rule == "strict"
    criteria = {
        "r>0": table.r > 0,
        ("p_bh<0.05" if strict else "p<0.05"): (table.p_bh if strict else table.p) < 0.05,
        "r>r_untrained": table.r > table.r_untrained,
        **({} if strict else {"p_dependent<0.05": table.p_dependent < 0.05}),
        ("p_dependent_bh<0.05" if strict else "p_dependent_bh<0.2"): table.p_dependent_bh
        < (0.05 if strict else 0.2),
        "rmse<rmse_untrained": table.rmse < table.rmse_untrained,
    }
    failed = [next((c for c, met in criteria.items() if not met[j]), "") for j in range(len(table))]
    return table.assign(failed=failed, well_predicted=[not f for f in failed]), list(criteria)


def with_holes(made):
    """Measurements of some slides missing, in the first genes."""
    measured = made.measured.copy()
    measured[::7, 0], measured[3:20:4, 1] = np.nan, np.nan
    return replace(made, measured=measured)


def rivalled(made):
    """An untrained network that predicts some genes well."""
    return replace(made, untrained=(made.measured[:, ::-1] * 0.9 + 0.5,))


MADE = {
    "one untrained network": lambda: make_predictions(n=50, accuracy=MIXED, seed=1),
    "several": lambda: make_predictions(n=50, accuracy=MIXED, n_untrained=4, seed=2),
    "float32": lambda: make_predictions(n=50, accuracy=MIXED, seed=3, dtype=np.float32),
    "missing measurements": lambda: with_holes(make_predictions(n=60, accuracy=MIXED, n_untrained=2, seed=4)),
    "a good untrained network": lambda: rivalled(make_predictions(n=50, accuracy=MIXED, seed=5)),
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_the_table_is_that_of_a_loop_over_genes(make, rule):
    made = make()
    table = well_predicted(made, rule=rule).table
    expected, _ = by_loop(made, rule)
    assert table["failed"].tolist() == expected["failed"].tolist()
    columns = [c for c in COLUMNS if not c.startswith("r_difference")]
    pd.testing.assert_frame_equal(table[columns], expected[columns], check_dtype=False, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("rule", RULES)
def test_levels_are_judged_as_if_they_were_alone(rule):
    made = make_predictions(n=90, accuracy=MIXED, cohorts=2, seed=6)
    selection = well_predicted(made, rule=rule, by="cohort")
    assert list(selection.table.columns) == ["cohort", *COLUMNS]
    for level, part in selection.table.groupby("cohort"):
        alone = by_loop(made.rows((made.obs["cohort"] == level).to_numpy()), rule)[0]
        assert part["failed"].tolist() == alone["failed"].tolist()
        np.testing.assert_allclose(part["p_dependent_bh"], alone["p_dependent_bh"], rtol=1e-9)


@pytest.mark.parametrize("rule", RULES)
def test_the_counts_are_of_genes_that_meet_every_criterion_so_far(rule):
    made = rivalled(make_predictions(n=50, accuracy=MIXED, seed=5))
    counts = well_predicted(made, rule=rule).counts
    expected, criteria = by_loop(made, rule)
    left = [int((~expected["failed"].isin(criteria[: i + 1])).sum()) for i in range(len(criteria))]
    assert counts["criterion"].tolist() == ["tested", *criteria]
    assert counts["n_left"].tolist() == [12, *left]
    assert left[0] < 12 and left[-1] > 0


def test_every_criterion_of_the_paper_can_be_the_one_that_fails():
    n, rng = 200, np.random.default_rng(0)
    made = make_predictions(n=n, genes=6, accuracy=[0.7, -0.3, 0.5, 0.5, 0.5, 0.7], seed=3)
    truth, predicted, untrained = made.measured, made.predicted.copy(), rng.normal(size=(n, 6))
    predicted[:, 2] = 0.1 * stats.zscore(truth[:, 2]) + rng.normal(size=n)  # hardly correlated
    untrained[:, 3] = truth[:, 3] + rng.normal(size=n)  # as good
    untrained[:, 4] = predicted[:, 4] + 0.1 * rng.normal(size=n)  # nearly as good
    predicted[:, 5] += 50  # far off
    table = well_predicted(replace(made, predicted=predicted, untrained=(untrained,))).table
    failing = ["", "r>0", "p<0.05", "r>r_untrained", "p_dependent<0.05", "rmse<rmse_untrained"]
    assert table["failed"].tolist() == failing


def test_zou_bounds_the_difference():
    table = well_predicted(make_predictions(accuracy=MIXED)).table
    difference = table["r"] - table["r_untrained"]
    assert (table["r_difference_low"] < difference).all() and (difference < table["r_difference_high"]).all()


@pytest.mark.parametrize("method", ["steiger", "williams", "dunn-clark", "hotelling", "meng"])
def test_another_test_can_be_requested(method):
    made = make_predictions(accuracy=MIXED)
    selection = well_predicted(made, method=method)
    same = well_predicted(made).table
    assert selection.method == method
    np.testing.assert_allclose(selection.table["z"], same["z"], rtol=0.4)
    assert (selection.table["z"].to_numpy() == same["z"].to_numpy()).all() == (method == "steiger")


# --- constant genes, holes, no untrained network -------------------------------------------------------------------


def with_constant(made, *, predicted=(), measured=(), untrained=()):
    """Genes at these positions constant in one of the matrices."""

    def flat(matrix, at):
        return np.where(np.isin(np.arange(matrix.shape[1]), at), 1.0, matrix)

    return replace(
        made,
        predicted=flat(made.predicted, predicted),
        measured=flat(made.measured, measured),
        untrained=tuple(flat(matrix, untrained) for matrix in made.untrained),
    )


@pytest.mark.parametrize("rule", RULES)
def test_a_constant_gene_stays_a_row_with_r_0_and_p_1(rule):
    made = with_constant(make_predictions(accuracy=0.8, n_untrained=2), predicted=[0], measured=[1])
    table = well_predicted(made, rule=rule).table
    assert len(table) == 12
    for column, value in {"r": 0, "p": 1, "z": 0, "p_dependent": 1, "p_bh": 1, "failed": "r>0"}.items():
        assert table[column][:2].tolist() == [value, value]
    assert table["well_predicted"][2:].all()


def test_constant_genes_count_in_the_adjustment():
    made = make_predictions(accuracy=MIXED)
    fewer = well_predicted(replace(made, **first_genes(made, 6))).table
    table = well_predicted(with_constant(made, measured=range(6, 12))).table
    adjusted = stats.false_discovery_control([*fewer["p_dependent"], *[1.0] * 6])
    np.testing.assert_allclose(table["p_dependent_bh"], adjusted, rtol=1e-12)


def first_genes(made, k):
    return {
        "predicted": made.predicted[:, :k],
        "measured": made.measured[:, :k],
        "untrained": tuple(matrix[:, :k] for matrix in made.untrained),
        "genes": made.genes[:k],
    }


def test_a_constant_untrained_network_is_a_null_of_0_but_none_at_all_to_the_published_code():
    made = with_constant(make_predictions(accuracy=0.8), untrained=[0])
    paper, code = (well_predicted(made, rule=rule).table for rule in ("paper", "published-code"))
    assert paper["r_untrained"][0] == 0 and paper["failed"][0] == ""
    assert code["p_dependent"][0] == 1 and code["failed"][0] == "p_dependent<0.05"


def test_constant_genes_and_those_without_a_scale_are_named():
    made = with_constant(make_predictions(accuracy=0.8), predicted=[0], measured=[1])
    note = well_predicted(made).note
    assert "2 genes with r 0 and p 1 (constant or rarely measured): G1, G2" in note
    assert "1 gene with an interquartile range of 0, and so without nrmse: G2" in note
    assert np.isnan(well_predicted(made).table["nrmse"][1])


def test_a_gene_that_was_never_measured_is_a_row_that_fails():
    made = make_predictions(accuracy=0.8)
    measured = made.measured.copy()
    measured[:, 0], measured[2:, 1] = np.nan, np.nan
    table = well_predicted(replace(made, measured=measured)).table
    assert table["n"].tolist()[:3] == [0, 2, 40]
    assert table[["r", "p", "p_dependent"]].to_numpy()[:2].tolist() == [[0, 1, 1]] * 2
    assert table["failed"].tolist()[:3] == ["r>0", "r>0", ""]


def test_without_an_untrained_network_its_columns_are_empty_and_strict_judges_the_rest():
    selection = well_predicted(make_predictions(accuracy=MIXED, n_untrained=0), rule="strict")
    empty = ["r_untrained", "r_between", "r_difference_low", "z", "p_dependent", "p_dependent_bh"]
    assert selection.table[[*empty, "rmse_untrained"]].isna().all(axis=None)
    assert selection.counts["criterion"].tolist() == ["tested", "r>0", "p_bh<0.05"]
    assert selection.counts["n_left"].iloc[-1] == selection.well_predicted.sum() > 0
    assert "no untrained network, so genes are judged only by r>0 and p_bh<0.05" in selection.note


@pytest.mark.parametrize("rule", ["paper", "published-code"])
def test_the_paper_refuses_predictions_without_an_untrained_network(rule):
    with pytest.raises(InputError, match=r"untrained network, and there is none(?s:.*)--rule strict"):
        well_predicted(make_predictions(n_untrained=0), rule=rule)


def test_only_strict_reports_that_one_untrained_network_is_few():
    made = make_predictions()
    assert "a single untrained network" in well_predicted(made, rule="strict").note
    assert "single untrained network" not in well_predicted(made).note
    assert "single untrained" not in well_predicted(make_predictions(n_untrained=2), rule="strict").note


def test_an_untrained_network_without_variation_is_reported():
    made = make_predictions(n_untrained=2)
    still = np.ones_like(made.untrained[0]) * np.arange(len(made.genes))
    one, two = replace(made, untrained=(still,)), replace(made, untrained=(made.untrained[0], still))
    assert (
        "The untrained network predicts the same value of a gene for all slides" in well_predicted(one).note
    )
    assert "1 of 2 untrained networks predict the same value" in well_predicted(two).note
    assert "the same value" not in well_predicted(made).note


def test_a_note_keeps_the_name_of_a_level_as_it_is():
    selection = well_predicted(with_constant(replace(make_predictions(), name="mA"), predicted=[0]))
    assert "mA: 1 gene with r 0" in selection.note
    assert "MA" not in selection.note


@pytest.mark.parametrize("fold", [{}, {"fold": np.nan}])
def test_without_folds_their_column_is_empty_and_no_note_is_about_them(fold):
    made = make_predictions()
    selection = well_predicted(replace(made, obs=made.obs.drop(columns="fold").assign(**fold)))
    assert selection.table["r_folds"].isna().all()
    assert "fold" not in selection.note


def test_small_folds_and_slides_without_one_are_left_out_of_r_folds_and_counted():
    made = make_predictions(n=44)
    fold = np.array([0.0] * 20 + [1.0] * 20 + [2.0] * 3 + [np.nan])
    selection = well_predicted(replace(made, obs=made.obs.assign(fold=fold)))
    x, y = made.measured[:, 0], made.predicted[:, 0]
    expected = fisher([stats.pearsonr(x[:20], y[:20])[0], stats.pearsonr(x[20:40], y[20:40])[0]])
    assert selection.table["r_folds"][0] == pytest.approx(expected, rel=1e-12)
    assert (
        "leaves out 1 of 44 rows without a fold" in selection.note
        and "1 fold with fewer than 4" in selection.note
    )


def test_predicting_the_mean_of_the_fold_is_worth_nothing_within_folds():
    made = make_predictions(n=50, genes=3, seed=4)
    fold = made.obs["fold"].to_numpy()
    sums = np.array([made.measured[fold != f].mean(axis=0) for f in range(5)])  # of the training folds
    table = well_predicted(replace(made, predicted=sums[fold])).table
    assert (table["r"] < 0).all()
    assert (table["r_folds"] == 0).all()


# --- units ---------------------------------------------------------------------------------------------------------


def test_strict_averages_slides_and_the_paper_does_not():
    made = make_predictions(n=30, slides=3)
    assert set(well_predicted(made).table["n"]) == {90}
    assert set(well_predicted(made, rule="strict").table["n"]) == {30}
    assert well_predicted(made).units == "slides"
    assert "treated as independent" in well_predicted(made).note


def test_patients_are_what_averaged_slides_give():
    made = make_predictions(n=30, slides=3, accuracy=MIXED)
    table = well_predicted(made, units="patients").table
    pd.testing.assert_frame_equal(table, well_predicted(made.per_patient()).table)


def test_patients_of_a_level_are_what_averaged_slides_of_the_level_give():
    whole = make_predictions(n=60, slides=3, accuracy=MIXED, n_untrained=2, cohorts=2, dtype=np.float32)
    made = with_holes(whole.rows(np.flatnonzero(np.isin(np.arange(whole.n) % 9, [0, 1, 2, 4, 5, 7]))))
    assert set(made.patients.value_counts()) == {1, 2, 3}
    table = well_predicted(made, rule="strict", by="cohort").table
    for level, part in made.groups("cohort"):
        expected = well_predicted(part.per_patient(), rule="strict").table
        found = table[table["cohort"] == level].drop(columns="cohort").reset_index(drop=True)
        pd.testing.assert_frame_equal(found, expected, check_exact=True)


def test_values_too_large_among_averaged_slides_are_placed():
    made = make_predictions(slides=2)
    predicted = made.predicted.copy()
    predicted[:4, 1] = 1e200
    with pytest.raises(InputError, match=r"too large(?s:.*)made, columns 2 of genes G1 to G12"):
        well_predicted(replace(made, predicted=predicted), rule="strict")


def copied(made, copies):
    """Every slide repeated as given by `copies`."""
    rows = np.repeat(np.arange(made.n), copies)
    names = [f"{slide} {i}" for i, slide in enumerate(made.obs.index[rows])]
    return Predictions(
        made.predicted[rows],
        made.measured[rows],
        made.obs.iloc[rows].set_axis(names, axis=0),
        made.genes,
        tuple(matrix[rows] for matrix in made.untrained),
    )


@settings(max_examples=20)
@given(st.data())
def test_duplicated_slides_do_not_lower_p_values_of_patients(data):
    made = make_predictions(n=12, accuracy=MIXED, seed=data.draw(st.integers(0, 50)))
    copies = data.draw(st.lists(st.integers(1, 4), min_size=12, max_size=12))
    once, often = (well_predicted(m, rule="strict").table for m in (made, copied(made, copies)))
    for column in ("n", "r", "p", "p_dependent", "p_dependent_bh", "rmse"):
        np.testing.assert_allclose(often[column], once[column], rtol=1e-9, atol=1e-13)


def test_duplicated_slides_do_not_lower_p_values_of_the_cluster_bootstrap():
    made = make_predictions(n=25, accuracy=MIXED)
    options = {"rule": "strict", "units": "cluster-bootstrap", "bootstrap": 200}
    once, often = (well_predicted(m, **options).table for m in (made, copied(made, [3] * 25)))
    np.testing.assert_allclose(often["p"], once["p"], rtol=1e-6)
    np.testing.assert_allclose(often["p_dependent"], once["p_dependent"], rtol=1e-6)


def z_by_both(made):
    """z of the cluster bootstrap and of Steiger's test, if every slide is a patient."""
    drawn = well_predicted(made, rule="strict", units="cluster-bootstrap", bootstrap=600)
    assert drawn.method == drawn.units == "cluster-bootstrap"
    return drawn.table, well_predicted(made, rule="strict").table


def test_the_cluster_bootstrap_agrees_with_steiger_where_slides_are_independent():
    made = make_predictions(n=300, accuracy=np.linspace(0, 0.3, 12), seed=8)
    drawn, exact = z_by_both(made)
    np.testing.assert_allclose(drawn["z"], exact["z"], rtol=0.2, atol=0.2)
    for bound in ("r_difference_low", "r_difference_high"):
        np.testing.assert_allclose(drawn[bound], exact[bound], atol=0.05)


def test_the_cluster_bootstrap_sees_that_an_average_of_networks_varies_less():
    made = make_predictions(n=300, accuracy=0.3, n_untrained=5, seed=8)
    drawn, exact = z_by_both(made)
    ratio = (drawn["z"] / exact["z"]).mean()
    assert ratio == pytest.approx(math.sqrt(2 / (1 + 1 / 5)), rel=0.1)  # variances 1 + 1 and 1 + 1/5


def test_the_cluster_bootstrap_takes_a_seed_and_keeps_to_it():
    made = make_predictions(n=20, slides=2)
    options = {"rule": "strict", "units": "cluster-bootstrap", "bootstrap": 100}
    a, b, c = (well_predicted(made, **options, seed=seed).table["p"] for seed in (1, 1, 2))
    assert (a == b).all() and (a != c).all()


# --- for any data --------------------------------------------------------------------------------------------------


@settings(max_examples=20)
@given(st.permutations(range(24)), st.sampled_from([*RULES, "cluster-bootstrap"]))
def test_the_order_of_samples_does_not_matter(order, rule):
    made = make_predictions(n=12, slides=2, accuracy=MIXED, n_untrained=2, cohorts=2)
    options = {"by": "cohort", "rule": rule}
    if rule == "cluster-bootstrap":
        options |= {"rule": "strict", "units": rule, "bootstrap": 100}
    before, after = (well_predicted(m, **options).table for m in (made, made.rows(np.array(order))))
    pd.testing.assert_frame_equal(before, after, rtol=1e-8, atol=1e-10)


@settings(max_examples=20)
@given(st.permutations(range(12)))
def test_the_order_of_genes_does_not_matter(order):
    made = make_predictions(accuracy=MIXED)
    turned = Predictions(
        made.predicted[:, order],
        made.measured[:, order],
        made.obs,
        made.genes[order],
        (made.untrained[0][:, order],),
    )
    before, after = (well_predicted(m).table.set_index("gene") for m in (made, turned))
    pd.testing.assert_frame_equal(before, after.loc[before.index], rtol=1e-12)


@settings(max_examples=20)
@given(st.floats(-50, 50), st.floats(0.01, 100))
def test_correlations_do_not_depend_on_scale_or_offset(offset, scale):
    made = make_predictions(accuracy=MIXED)
    moved = replace(made, predicted=offset + scale * made.predicted)
    before, after = (well_predicted(m).table for m in (made, moved))
    for column in ("r", "p", "r_folds", "z", "p_dependent_bh"):
        np.testing.assert_allclose(after[column], before[column], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_number_of_threads_changes_nothing(threads):
    made = make_predictions(n=30, genes=700, accuracy=0.3, n_untrained=2)
    pd.testing.assert_frame_equal(
        well_predicted(made, jobs=threads).table, well_predicted(made).table, check_exact=True
    )


# --- with nothing to find -----------------------------------------------------------------------------------------


def made_null(rng):
    """Two slides for each of 30 patients, and predictions of other patients."""
    made = make_predictions(n=30, genes=30)
    measured = pd.DataFrame(made.measured, made.obs.index, made.genes)
    return unrelated_predictions(measured, rng, slides=2)


@pytest.mark.slow
def test_where_nothing_is_to_be_found_strict_finds_what_its_level_says():
    (strict,) = summary(null_simulation(made_null, rules=["strict"])).to_dict("records")
    assert strict["simulations"] == 200
    assert strict["any_found"] <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 200)
    assert strict["p"] == pytest.approx(0.05, abs=0.015)
    assert strict["p_dependent"] == pytest.approx(0.05, abs=0.015)


def test_where_nothing_is_to_be_found_slides_as_units_find_more_than_their_level_says():
    (paper,) = summary(null_simulation(made_null, rules=["paper"], simulations=40)).to_dict("records")
    assert paper["p"] > 0.1 and paper["any_found"] > 0.2


# --- what is refused -----------------------------------------------------------------------------------------------

REFUSED = {
    "a rule": (
        {"rule": "papr"},
        r"'papr' is not a valid rule(?s:.*)paper, published-code, strict",
    ),
    "a method": (
        {"method": "stieger"},
        r"'stieger' is not a valid method(?s:.*)steiger, williams",
    ),
    "units": (
        {"units": "samples"},
        r"'samples' is not a valid units(?s:.*)patients, slides, cluster-bootstrap",
    ),
    "a method beside the bootstrap": (
        {"units": "cluster-bootstrap", "method": "meng"},
        "the cluster bootstrap has its own test",
    ),
    "few replicates": (
        {"units": "cluster-bootstrap", "bootstrap": 99},
        "bootstrap must be a whole number, 100 or more",
    ),
    "a column called as a result": ({"by": "r"}, "called 'r', like a column of the result"),
}


@pytest.mark.parametrize(("options", "words"), REFUSED.values(), ids=REFUSED)
def test_options_that_do_not_exist_are_refused_with_those_that_do(options, words):
    with pytest.raises(InputError, match=words):
        well_predicted(make_predictions(), **options)


def test_three_patients_are_too_few_to_draw_from():
    with pytest.raises(InputError, match="3 patients cannot be resampled"):
        well_predicted(make_predictions(n=3, slides=4), units="cluster-bootstrap")


# --- the result ----------------------------------------------------------------------------------------------------


def test_the_result_prints_its_counts_and_turns_into_plain_values():
    selection = well_predicted(make_predictions(accuracy=0.9, cohorts=2), by="cohort", rule="strict")
    assert selection.to_frame() is selection.table
    assert str(selection).startswith(
        "Well-predicted genes by the rule strict (steiger, greater; units: patients)"
    )
    assert str(selection).splitlines()[-1].split() == ["B", *["12"] * 6]
    content = selection.to_dict()
    assert content["counts"][0] == {"level": "A", "criterion": "tested", "n_left": 12}
    assert "table" not in content and content["by"] == "cohort"


def test_genes_and_verdict_are_columns():
    selection = well_predicted(make_predictions(accuracy=MIXED))
    assert selection.gene[selection.well_predicted].tolist()[0] == "G1"


def test_a_path_or_anndata_is_accepted(tmp_path):
    made = make_predictions(accuracy=MIXED)
    made.adata.write_h5ad(tmp_path / "p.h5ad")
    table = well_predicted(made).table
    pd.testing.assert_frame_equal(well_predicted(tmp_path / "p.h5ad").table, table)
    pd.testing.assert_frame_equal(well_predicted(made.adata).table, table)


# --- blocks of genes -----------------------------------------------------------------------------------------------

UNITS_AND_LEVELS = [
    {"rule": "strict"},
    {"rule": "paper", "by": "cohort"},
    {"rule": "strict", "by": "cohort"},
    {"rule": "paper", "units": "cluster-bootstrap", "bootstrap": 100, "by": "cohort"},
]


@pytest.mark.parametrize("block", [1, 5, 23])
@pytest.mark.parametrize("options", UNITS_AND_LEVELS, ids=str)
def test_how_genes_are_cut_into_blocks_changes_nothing(options, block, monkeypatch):
    made = make_predictions(n=30, slides=2, genes=24, accuracy=0.5, n_untrained=9, cohorts=2, folds=3)
    made = with_constant(with_holes(made), predicted=range(6))  # no gene of the first block varies
    whole = well_predicted(made, **options)
    monkeypatch.setattr(_levels, "BLOCK", block)
    cut = well_predicted(made, **options)
    pd.testing.assert_frame_equal(cut.table, whole.table, check_exact=True)
    assert cut.notes == whole.notes


@pytest.mark.parametrize("matrix", ["predicted", "measured"])
def test_a_level_without_a_gene_that_varies_is_refused_whatever_the_blocks(matrix, monkeypatch):
    made = make_predictions(n=30, cohorts=2)
    values = getattr(made, matrix).copy()
    values[(made.obs["cohort"] == "B").to_numpy()] = 1.0
    monkeypatch.setattr(_levels, "BLOCK", 5)
    with pytest.raises(InputError, match=rf"all 12 genes are constant \({matrix}\)(?s:.*)made, cohort B"):
        well_predicted(replace(made, **{matrix: values}), by="cohort")


@pytest.mark.parametrize("options", UNITS_AND_LEVELS, ids=str)
def test_memory_stays_under_half_the_input_beyond_it(options):
    made = make_predictions(n=300, slides=2, genes=6000, cohorts=2, dtype=np.float32)
    made = made.rows(np.flatnonzero(np.arange(made.n) % 4 < 3))  # one or two slides per patient
    well_predicted(make_predictions(n=20, slides=2, cohorts=2), **options)  # compiles
    tracemalloc.start()
    well_predicted(made, **options, jobs=2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.5 * sum(m.nbytes for m in (made.predicted, made.measured, *made.untrained))
