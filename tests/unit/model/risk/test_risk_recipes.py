"""Recipes of risk: which epochs are saved, and when training stops."""

from __future__ import annotations

import math

import pytest

from sequoia_model.risk.recipes import RISK_PATIENCE, RISK_RECIPES, LossStopping
from sequoia_model.training.recipes import Verdict


def verdicts(recipe: str, losses: list[float]) -> list[Verdict]:
    """What follows from each epoch."""
    stopping = LossStopping(RISK_RECIPES[recipe])
    return [stopping.step(loss) for loss in losses]


def test_strict_saves_each_new_best_loss_and_no_equal_one():
    saved = [verdict.save for verdict in verdicts("strict", [3.0, 2.0, 2.0, 2.01, 1.99])]
    assert saved == [True, True, False, False, True]


def test_strict_stops_when_no_loss_was_better_for_as_many_epochs_as_it_waits():
    found = verdicts("strict", [2.0, 1.0] + [1.0 + 1e-9] * RISK_PATIENCE)
    assert [verdict.stop for verdict in found[:-1]] == [""] * (RISK_PATIENCE + 1)
    assert found[-1].stop == "no better validation loss for 10 epochs"


def test_a_better_loss_lets_training_go_on():
    almost = [1.0] * (RISK_PATIENCE - 1)
    assert not any(verdict.stop for verdict in verdicts("strict", [1.0, *almost, 0.9, *almost]))


@pytest.mark.parametrize("loss", [1.0, math.inf])
def test_the_paper_neither_saves_nor_stops(loss):
    assert set(verdicts("paper", [loss] * 50)) == {Verdict(1, False)}
