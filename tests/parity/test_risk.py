"""`compare_risks` of cross-validated scores equals R: standardised, stratified by fold, beside a clinical model."""

from __future__ import annotations

from functools import cache

import pandas as pd

from sequoia_stats.risk import RiskComparison, RiskScores, compare_risks
from tests.parity.reference import assert_matches, inputs, reference


@cache
def compared() -> RiskComparison:
    """The two scores of the inputs, and the clinical model of subtype and receptor."""
    patients, folds = inputs("risk/patients"), inputs("risk/folds")
    models = {
        name: RiskScores(
            name,
            patients[[name, "fold"]].rename(columns={name: "risk_score"}).astype({"fold": "Int64"}),
            folds[folds["model"] == name].set_index("fold"),
        )
        for name in ("genes", "image")
    }
    clinical = patients[["pam50", "er"]]
    return compare_risks(
        models, patients[["time", "event"]], clinical=clinical, adjust=["pam50", "er"], bootstrap=1
    )


def test_concordance_hazard_ratios_and_logrank_tests_equal_r():
    want = reference("risk/comparison")
    got = compared().comparison.set_index("score")[want.columns]
    assert_matches(got, want, rtol=1e-7)


def test_what_a_score_adds_to_clinical_data_equals_r():
    want = reference("risk/gain")
    got = compared().gain.set_index("score")[want.columns]
    assert_matches(got, want, rtol=1e-7)


def test_adjusted_models_equal_r():
    want = reference("risk/adjusted")
    terms = compared().adjusted
    in_r = terms["term"].replace({"risk score per SD": "z"}).str.replace(": ", "", regex=False)
    got = terms.set_index(terms["score"] + "_" + in_r)[want.columns]
    assert_matches(pd.DataFrame(got).sort_index(), want.sort_index(), rtol=1e-7)
