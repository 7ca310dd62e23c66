"""What fills the holes of windows."""

from __future__ import annotations

import pytest
import torch

from sequoia_model.errors import InputError
from sequoia_model.spatial.holes import fill

FEATURES = torch.tensor([[1.0, 10.0], [3.0, 20.0], [8.0, 60.0]])
TILES = torch.tensor([[-1, 0, -1, 2], [0, 1, 2, 1]])


@pytest.mark.parametrize(
    ("rule", "tokens", "real"),
    [
        ("mean", [[4.5, 35], [1, 10], [4.5, 35], [8, 60]], [False, True, False, True]),
        ("zeros", [[0, 0], [1, 10], [0, 0], [8, 60]], [False, True, False, True]),
        ("packed-zeros", [[1, 10], [8, 60], [0, 0], [0, 0]], [True, True, False, False]),
    ],
)
def test_a_rule_fills_the_holes(rule, tokens, real):
    got, mask = fill(FEATURES, TILES, rule)

    assert got[0].tolist() == tokens
    assert mask[0].tolist() == real
    assert torch.equal(got[1], FEATURES[TILES[1]])


def test_what_stands_for_zeros_can_be_given():
    got, _ = fill(FEATURES, TILES, "zeros", zeros=torch.tensor([7.0, 9.0]))

    assert got[0, 0].tolist() == [7, 9]


def test_another_rule_is_refused():
    with pytest.raises(InputError, match="'median' is not a valid rule for holes"):
        fill(FEATURES, TILES, "median")
