"""Options of a run that learns risk: what is refused, and what is completed."""

from __future__ import annotations

import pytest

from sequoia_model.errors import InputError
from sequoia_model.risk.options import RiskOptions


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"recipe": "published-code"}, "'published-code' is not a valid recipe"),
        ({"ties": "exact"}, "'exact' is not a valid ties"),
        ({"fusion": "middle"}, "'middle' is not a valid fusion"),
        ({"batch_size": 1}, "batch_size must be a whole number, 2 or more, but is 1"),
        ({"lr": 0.0}, "lr must be a number above 0 and up to 1, but is 0.0"),
        ({"repeats": 0}, "repeats must be a whole number, 1 or more, but is 0"),
        ({"seed": -1}, "seed must be a whole number, 0 or more, but is -1"),
        ({"architecture": "vit"}, "'vit' is not a valid architecture"),
    ],
)
def test_what_is_not_valid_is_refused(options, words):
    with pytest.raises(InputError) as refused:
        RiskOptions(**options)
    assert words in str(refused.value)


@pytest.mark.parametrize(("device", "precision"), [("cpu", "float32"), ("cuda", "bfloat16")])
def test_completed_options_leave_nothing_open(device, precision):
    settings = RiskOptions().completed(device).settings()
    assert None not in settings.values()
    assert settings["precision"] == precision


def test_what_was_asked_for_stays_when_the_rest_is_completed():
    asked = RiskOptions(architecture="tile_mlp", size="small", precision="float32")
    assert asked.completed("cuda") == asked
