import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sequoia_stats.compare import mann_whitney, signed_rank
from sequoia_stats.errors import InputError

# quarters, so that values and differences tie and their sums have no rounding
SAMPLES = arrays(np.int64, st.integers(1, 60), elements=st.integers(-8, 8)).map(lambda values: values / 4)


@st.composite
def pairs(draw):
    x = draw(SAMPLES)
    return x, draw(arrays(np.int64, len(x), elements=st.integers(-8, 8))) / 4


@given(SAMPLES, SAMPLES)
def test_superiority_is_the_share_of_pairs_that_x_wins(x, y):
    wins = (x[:, None] > y).mean() + 0.5 * (x[:, None] == y).mean()
    assert mann_whitney(x, y).superiority == pytest.approx(wins)


@given(SAMPLES, SAMPLES)
def test_exchanging_the_samples_turns_the_effect_and_keeps_p(x, y):
    one, other = mann_whitney(x, y), mann_whitney(y, x)
    assert one.rank_biserial == pytest.approx(-other.rank_biserial, abs=1e-12)
    assert one.p == pytest.approx(other.p)


@given(pairs())
def test_hodges_lehmann_is_the_median_of_all_pairwise_means(xy):
    x, y = xy
    d = x - y
    means = (d[:, None] + d)[np.triu_indices(len(d))] / 2
    assert signed_rank(x, y).hodges_lehmann == pytest.approx(np.median(means), abs=1e-12)


@given(pairs())
def test_exchanging_the_pairs_turns_every_effect_and_keeps_p(xy):
    one, other = signed_rank(*xy), signed_rank(*xy[::-1])
    assert one.p == pytest.approx(other.p)
    for effect in ("rank_biserial", "hodges_lehmann", "median_difference"):
        assert getattr(one, effect) == pytest.approx(-getattr(other, effect), abs=1e-12)


@given(pairs())
def test_a_matched_rank_biserial_lies_between_minus_1_and_1(xy):
    assert -1 <= signed_rank(*xy).rank_biserial <= 1


def test_equal_samples_have_p_1_and_no_effect():
    apart, paired = mann_whitney([1.0] * 60, [1.0] * 70), signed_rank([0.5] * 60, [0.5] * 60)
    assert (apart.p, apart.superiority, apart.rank_biserial) == (1.0, 0.5, 0.0)
    assert (paired.p, paired.rank_biserial, paired.n_zero) == (1.0, 0.0, 60)


def test_small_samples_without_ties_are_exact():
    x, y = np.arange(49.0), np.arange(49.0) + 0.3
    assert mann_whitney(x, y).exact
    assert not mann_whitney(np.arange(50.0), y).exact
    assert not mann_whitney([*x[:-1], x[0]], y).exact


def test_pairs_without_a_difference_are_counted_and_have_no_rank():
    test = signed_rank([1, 2, 3, 4], [1, 0, 0, 0])
    assert (test.n, test.n_zero, test.statistic, test.rank_biserial) == (4, 1, 6.0, 1.0)


@pytest.mark.parametrize("test", [mann_whitney, signed_rank])
@pytest.mark.parametrize(
    ("x", "y", "message"), [([], [], "no values"), ([1.0, np.nan], [1.0, 2.0], "1 of 2 values is missing")]
)
def test_what_cannot_be_ranked_is_refused(test, x, y, message):
    with pytest.raises(InputError, match=message):
        test(x, y)


def test_unequal_lengths_are_no_pairs():
    with pytest.raises(InputError, match="2 and 3 values cannot be paired"):
        signed_rank([1, 2], [1, 2, 3])
