"""Associations of folds equal stats::chisq.test and stats::kruskal.test."""

from __future__ import annotations

import pandas as pd

from sequoia_model.leakage._associations import associations
from tests.parity.reference import assert_matches, inputs, reference

COLUMNS = ["statistic", "df", "p"]


def test_associations_equal_those_of_r():
    want = reference("fold_association/tests")[COLUMNS]
    found = []
    for case in want.index:
        table = inputs(f"fold_association/{case}")
        values = {case: table["value"].astype(str).to_dict()}
        found.append(associations(table["fold"].to_dict(), values).set_index("column")[COLUMNS])
    assert_matches(pd.concat(found).rename_axis("case"), want, rtol=1e-10)
