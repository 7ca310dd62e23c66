"""When training saves a network and when it stops, on curves invented for one question each."""

from __future__ import annotations

import pytest

from sequoia_model.errors import InputError
from sequoia_model.training.recipes import RECIPES, Stopping, recipe_named

#: A falling MSE for some epochs, then a flat one.
FALLING = [1.0, 0.9, 0.8]


def walk(recipe: str, mses: list[float], rs: list[float]) -> tuple[list[int], int | None, str]:
    """The epochs that are saved, the epoch after which training stops, and why."""
    stopping, saved = Stopping(RECIPES[recipe]), []
    for epoch, (mse, r) in enumerate(zip(mses, rs, strict=True)):
        verdict = stopping.step(mse, r)
        if verdict.save:
            saved.append(epoch)
        if verdict.stop:
            return saved, epoch, verdict.stop
    return saved, None, ""


# Each row: a question that the paper leaves open, the curves, and per recipe what is saved and when training stops.
# The best MSE is that of epoch 2 unless a row says otherwise, so phase 2 begins after epoch 22.
CASES = {
    "the correlation was stale for 20 epochs when phase 2 began: all stop there": (
        FALLING + [0.85] * 60,
        [0.1, 0.2, 0.3] + [0.2] * 60,
        {"paper": ([0, 1, 2], 22), "published-code": ([0, 1, 2], 22), "strict": ([0, 1, 2], 22)},
    ),
    "it was stale for longer: only the code, which asks for exactly 20, misses it": (
        FALLING + [0.85] * 60,
        [0.1, 0.3, 0.2] + [0.2] * 60,
        {"paper": ([0, 1, 2], 22), "published-code": ([0, 1, 2], None), "strict": ([0, 1], 21)},
    ),
    "a correlation in phase 2 that is the best of all epochs is saved": (
        FALLING + [0.85] * 60,
        [0.1, 0.2, 0.3] + [0.2] * 9 + [0.35] + [0.2] * 12 + [0.4] + [0.2] * 37,
        {"paper": ([0, 1, 2, 25], 45), "published-code": ([0, 1, 2, 25], 45), "strict": ([0, 1, 2, 12, 25], 45)},
    ),
    "better than the saved network's, but not the best of all epochs: the phases have lost the best": (
        FALLING + [0.85] * 60,
        [0.1, 0.2, 0.3] + [0.2] * 9 + [0.5] + [0.2] * 12 + [0.4] + [0.2] * 37,
        {"paper": ([0, 1, 2], 32), "published-code": ([0, 1, 2], 32), "strict": ([0, 1, 2, 12], 32)},
    ),
    "an MSE above the margin stops at once, or after 20 epochs, in which the code still saves": (
        FALLING + [0.85] * 20 + [1.31] * 40,
        [0.1 + 0.001 * epoch for epoch in range(63)],
        {
            "paper": ([0, 1, 2], 23),
            "published-code": ([0, 1, 2, *range(23, 43)], 42),
            "strict": (list(range(63)), None),
        },
    ),
    "an MSE that improves in phase 2 is not saved, but moves the margin": (
        FALLING + [0.85] * 20 + [0.3] + [0.85] * 30,
        [0.1, 0.2, 0.3] + [0.2] * 18 + [0.31] + [0.2] * 32,
        {"paper": ([0, 1, 2], 24), "published-code": ([0, 1, 2], 41), "strict": ([0, 1, 2, 21], 41)},
    ),
    "correlations below 0 count, except in the code": (
        FALLING + [0.85] * 60,
        [-0.5, -0.4, -0.3] + [-0.4] * 18 + [-0.2] + [-0.4] * 3 + [-0.1] + [-0.4] * 37,
        {"paper": ([0, 1, 2, 25], 45), "published-code": ([0, 1, 2], None), "strict": ([0, 1, 2, 21, 25], 45)},
    ),
    "no best MSE is lost while phase 1 lasts; strict does not look at it": (
        [1 - 0.01 * epoch for epoch in range(50)],
        [0.5] * 50,
        {"paper": (list(range(50)), None), "published-code": (list(range(50)), None), "strict": ([0], 20)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("question", CASES)
def test_each_recipe_answers_each_open_question_as_it_says(question: str, recipe: str) -> None:
    mses, rs, expected = CASES[question]
    assert walk(recipe, mses, rs)[:2] == expected[recipe]


def test_the_reason_of_the_end_is_said() -> None:
    assert walk("paper", FALLING + [0.85] * 30, [0.3] * 33)[2] == "no better correlation for 22 epochs"
    rising = [0.1 + 0.001 * epoch for epoch in range(63)]
    assert walk("paper", FALLING + [0.85] * 20 + [1.31] * 40, rising)[2] == "MSE 0.5 or more above the best"


def test_an_undefined_correlation_never_counts_as_better() -> None:
    assert walk("paper", FALLING + [0.85] * 30, [float("nan")] * 33)[:2] == ([0, 1, 2], 22)


def test_an_undefined_correlation_does_not_hide_the_best_one() -> None:
    rs = [0.1, 0.2, 0.5, float("nan")] + [0.4] * 40
    assert walk("paper", FALLING + [0.85] * 41, rs)[:2] == ([0, 1, 2], 22)
    assert walk("paper", FALLING + [0.85] * 41, rs[:23] + [0.45] + rs[24:])[0] == [0, 1, 2]


def test_an_unknown_recipe_is_refused_with_the_choices() -> None:
    with pytest.raises(InputError, match="'papre' is not a valid recipe"):
        recipe_named("papre")
