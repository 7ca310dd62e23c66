"""Times that differ by rounding alone are one time."""

from __future__ import annotations

import numpy as np
import pytest

from sequoia_base.tied_times import tied_times


def test_a_sum_of_tenths_is_its_product():
    time = np.array([0.1 + 0.2, 0.3, 5.0])
    assert tied_times(time).tolist() == [0.3, 0.3, 5.0]


def test_a_chain_of_small_gaps_takes_its_smallest_time():
    time = np.array([1 + 2e-8, 1.0, 1 + 1e-8])
    assert tied_times(time).tolist() == [1.0, 1.0, 1.0]


def test_a_gap_counts_as_a_share_of_the_mean_of_distinct_times():
    near = np.array([10.0, 10 + 1e-7])
    assert len(set(tied_times(near))) == 1
    assert len(set(tied_times(np.append(near, 0.1)[:2] - 9.5))) == 2


@pytest.mark.parametrize("time", [[], [1.0], [3.0, 1.0, 2.0]])
def test_times_that_are_apart_stay_as_they_are(time):
    assert tied_times(np.array(time, dtype=float)).tolist() == time
