"""What `risk` shows of an epoch while it runs."""

from __future__ import annotations

import math

import pytest

from sequoia_model.cli.risk import _tell


@pytest.mark.parametrize(
    ("val", "shown"),
    [
        ((2.5, 0.75), "loss 1.5000 train, 2.5000 val, C 0.750"),
        ((2.5, math.nan), "loss 1.5000 train, 2.5000 val"),
        ((math.nan, math.nan), "loss 1.5000 train"),
    ],
)
def test_what_is_not_known_is_not_shown(capsys, val, shown):
    _tell({"fold": 0, "repeat": 1, "epoch": 2, "train_loss": 1.5, "val_loss": val[0], "val_c": val[1]})
    assert capsys.readouterr().err.endswith(f"fold 0, repeat 1, epoch 2: {shown}")
