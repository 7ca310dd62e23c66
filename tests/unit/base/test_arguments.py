"""Arguments: what a value may be, and what the message says otherwise."""

import pytest

from sequoia_base.arguments import Parameters, check_limits, number, one_of, optional, whole
from sequoia_base.errors import InputError

LIMITS = {
    "seed": whole(0),
    "rule": one_of(("paper", "strict")),
    "share": optional(number("between 0 and 1", lambda share: 0 < share < 1)),
}
GOOD = {"seed": 3, "rule": "paper", "share": None}


class Model(Parameters):
    LIMITS = LIMITS

    def __init__(self, *, seed=0, rule="paper", share=None):
        self.seed, self.rule, self.share = seed, rule, share


def test_values_within_their_limits_pass():
    check_limits(GOOD, LIMITS)
    check_limits({**GOOD, "share": 0.5}, LIMITS)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"seed": -1}, "seed must be a whole number, 0 or more, but is -1"),
        ({"seed": 1.5}, "seed must be a whole number"),
        ({"share": float("nan")}, "share must be between 0 and 1, but is nan"),
        ({"share": 1}, "share must be between 0 and 1, but is 1"),
        ({"rule": "papr"}, "'papr' is not a valid rule"),
    ],
)
def test_a_value_beyond_its_limit_is_refused(bad, message):
    with pytest.raises(InputError, match=message):
        check_limits({**GOOD, **bad}, LIMITS)


def test_a_wrong_word_is_answered_with_the_choices():
    with pytest.raises(InputError) as caught:
        check_limits({**GOOD, "rule": "papr"}, LIMITS)
    assert caught.value.fix == "use paper, strict"


def test_parameters_are_those_of_the_constructor():
    assert Model(seed=4).get_params() == {"seed": 4, "rule": "paper", "share": None}


def test_setting_parameters_returns_the_estimator_itself():
    model = Model()
    assert model.set_params(seed=9) is model and model.seed == 9
