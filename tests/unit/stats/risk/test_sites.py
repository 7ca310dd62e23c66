"""Sites: how far folds keep them apart, and concordance in folds that do."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequoia_stats.errors import InputError
from sequoia_stats.risk import RiskScores, compare_risks
from sequoia_stats.risk._sites import folds_of_whole_sites, sites_of, split_patients, words_on_sites
from sequoia_stats.survival import harrell_c
from sequoia_stats.types.outcome import Outcome
from tests.build.risks import in_folds, make_risks
from tests.unit.stats.risk.test_compare import with_clinical

PATIENTS = pd.Index([f"P{i}" for i in range(12)])


def in_whole_sites(made):
    """The good score from folds of whole sites."""
    sites = pd.Series(made.outcome.index.str[5:7], made.outcome.index)
    return in_folds("good", made.truth.to_numpy(), pd.factorize(sites)[0] % 3, made.outcome.index)


@given(st.lists(st.sampled_from("abcdef"), min_size=12, max_size=12), st.integers(2, 5), st.integers(0, 3))
def test_folds_of_whole_sites_split_none_and_leave_none_empty(sites, n_folds, seed):
    site = pd.Series(sites, PATIENTS)
    if site.nunique() < 2:
        return
    folds = folds_of_whole_sites(site, np.zeros(12, dtype=bool), n_folds, seed)
    assert split_patients(site, folds) == 0
    assert folds.nunique() == min(n_folds, site.nunique())


def test_folds_of_whole_sites_do_not_depend_on_the_order_of_patients():
    site = pd.Series(list("aabbccddeeff"), PATIENTS)
    event = pd.Series(np.arange(12) % 3 == 0, PATIENTS)
    order = np.random.default_rng(0).permutation(12)
    one = folds_of_whole_sites(site, event.to_numpy(), 3, 1)
    other = folds_of_whole_sites(site.iloc[order], event.iloc[order].to_numpy(), 3, 1)
    pd.testing.assert_series_equal(one, other.loc[one.index])


def test_a_single_site_has_no_folds():
    with pytest.raises(InputError, match="one site"):
        folds_of_whole_sites(pd.Series("a", PATIENTS), np.zeros(12, dtype=bool), 3, 0)


def test_patients_with_one_of_their_site_in_another_fold_are_counted():
    site = pd.Series(list("aaabbbcccddd"), PATIENTS)
    folds = pd.Series([0, 0, 1, 1, 1, 1, 2, 2, 2, 0, 0, 0], PATIENTS)
    assert split_patients(site, folds) == 3
    assert words_on_sites(site, folds).startswith(
        "the folds keep 3 of 4 sites whole: 3 of 12 patients have one"
    )


def test_sites_are_those_of_barcodes_and_unknown_ones_are_one_further_site():
    sites, notes = sites_of(pd.Index(["TCGA-A1-A0SB", "P2", "P3"]), None)
    assert sites.tolist() == ["A1", "unknown", "unknown"]
    assert notes == ["2 of 3 patients have no known site, and count as one further site"]


def test_names_that_are_no_barcodes_have_no_site():
    assert sites_of(PATIENTS, None) == (None, [])


def test_scores_from_site_preserved_folds_are_shown_beside():
    made = make_risks()
    result = compare_risks(
        {"good": made.good}, made.outcome, site_preserved={"good": in_whole_sites(made)}, bootstrap=20
    )
    table = result.site_preserved.set_index("folds")
    outcome = Outcome(made.outcome["time"], made.outcome["event"].to_numpy(), "event")
    apart = in_whole_sites(made).frame
    want = harrell_c(outcome, apart["risk_score"], strata=apart["fold"]).c_index
    assert table.loc["site-preserved", "c_index"] == pytest.approx(want)
    assert table.loc["random", "c_index"] == pytest.approx(result.comparison["c_index"][0])
    difference = table.loc["site-preserved", "c_index"] - table.loc["random", "c_index"]
    assert table.loc["site-preserved", "difference"] == pytest.approx(difference)


def test_patients_without_a_score_in_site_preserved_folds_are_counted():
    made = make_risks()
    fewer = in_whole_sites(made)
    fewer = RiskScores("good", fewer.frame.iloc[20:], fewer.training)
    result = compare_risks({"good": made.good}, made.outcome, site_preserved={"good": fewer}, bootstrap=2)
    assert set(result.site_preserved["n"]) == {100}
    line = result.flow.set_index("step").loc["site-preserved folds: good"]
    assert line.tolist() == [120, 100, "20 have no score of good in a fold"]


def test_the_clinical_model_is_shown_in_both_kinds_of_folds():
    result = with_clinical(make_risks())
    assert result.site_preserved[["score", "folds"]].to_numpy().tolist() == [
        ["clinical", "random"],
        ["clinical", "site-preserved"],
    ]
    assert any("have one of their site in another fold" in note for note in result.notes)


def test_folds_that_keep_sites_apart_are_said_and_have_nothing_beside_them():
    made = make_risks()
    result = with_clinical(made, in_whole_sites(made))
    assert result.site_preserved.empty
    assert any("the folds keep 6 sites apart" in note for note in result.notes)


def test_a_column_of_sites_is_taken_before_barcodes():
    made = make_risks()
    clinical = made.clinical.assign(hospital=np.arange(120) % 4 + 1)
    result = compare_risks({"good": made.good}, made.outcome, clinical=clinical, site="hospital", bootstrap=2)
    assert any("of 4 sites whole" in note for note in result.notes)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (in_whole_sites(make_risks()), "none of the scores that are compared"),
        (RiskScores("good", make_risks().good.frame.drop(columns="fold")), "have no fold"),
        (RiskScores("good", make_risks().good.frame.add_prefix("X", axis=0)), "no patient that is compared"),
        (RiskScores("good", in_whole_sites(make_risks()).frame.rename(index=str.lower)), "write differently"),
        (make_risks().good, "6 of 6 sites are in several folds"),
    ],
)
def test_site_preserved_scores_that_do_not_fit_are_refused(other, words):
    made = make_risks()
    name = "other" if "none of" in words else "good"
    with pytest.raises(InputError, match=words):
        compare_risks({"good": made.good}, made.outcome, site_preserved={name: other}, bootstrap=2)


def test_folds_of_whole_sites_are_even_in_patients_first():
    sites = pd.Series(list("aaaabbbbccdd"), PATIENTS)
    folds = folds_of_whole_sites(sites, (sites == "b").to_numpy(), 2, 0)
    assert sorted(folds.value_counts()) == [6, 6]
