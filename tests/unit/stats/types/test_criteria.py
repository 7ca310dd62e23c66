"""The criteria of well-predicted genes: what meets them, and that every rule uses criteria that figures can name."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sequoia_stats.selection import RULES
from sequoia_stats.types.criteria import CRITERIA, PAPER, meets, meets_all, needs_untrained

GENES = pd.DataFrame(
    {
        "r": [0.5, 0.5, -0.5, np.nan],
        "p": [0.01, 0.05, 0.01, 0.01],
        "r_untrained": [0.1, 0.6, -0.6, 0.1],
    }
)


@pytest.mark.parametrize(
    ("criterion", "expected"),
    [
        ("r>0", [True, True, False, False]),
        ("p<0.05", [True, False, True, True]),
        ("r>r_untrained", [True, False, True, False]),
    ],
)
def test_a_limit_is_excluded_and_a_missing_value_meets_nothing(criterion, expected):
    assert meets(GENES, criterion).tolist() == expected


def test_all_criteria_must_be_met():
    assert meets_all(GENES, ("r>0", "p<0.05")).tolist() == [True, False, False, False]


@pytest.mark.parametrize("rule", RULES)
def test_every_criterion_of_a_rule_has_a_label(rule):
    assert set(RULES[rule].criteria) <= set(CRITERIA)


def test_only_r_and_its_p_can_be_judged_without_an_untrained_network():
    assert [criterion for criterion in PAPER if not needs_untrained(criterion)] == ["r>0", "p<0.05"]
