"""The rank transform equals qnorm of R's average ranks."""

from __future__ import annotations

import pandas as pd
import pytest

from sequoia_stats.signature.transforms import rank_normal
from tests.parity.reference import assert_matches, inputs, reference


@pytest.mark.parametrize("cohort", ["scanb", "tcga"])
def test_rank_normal_scores_equal_qnorm_of_average_ranks(cohort):
    raw = inputs(f"rank_transform/{cohort}")
    got = pd.DataFrame(rank_normal(raw.to_numpy()), raw.index, raw.columns)
    assert_matches(got, reference(f"rank_transform/{cohort}"), rtol=1e-12, atol=1e-15)
