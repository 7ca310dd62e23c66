"""The line of a fold, as commands print it."""

from __future__ import annotations

import pytest

from sequoia_model.training.result import FoldRun, fold_lines


@pytest.mark.parametrize(
    ("epochs", "words"), [(1, "1 epoch, kept epoch 0 (1 epoch)"), (4, "4 epochs, kept epoch 0 (4 epochs)")]
)
def test_one_epoch_is_told_as_one(epochs, words):
    stop = words.partition("(")[2].rstrip(")")
    (line,) = fold_lines([FoldRun(0, "done", 9, 3, 6, epochs, 0, stop)], [])
    assert line == f"  fold 0: 9 train, 3 validate, 6 tested; {words}"
