"""Tables over draws of semi-synthetic patients (analyses/risk_tables.py, calibrate_risk.py)."""

import numpy as np
import pandas as pd
import pytest

from tests.build.results import scripts_of_analyses

with scripts_of_analyses():
    import risk_tables as tables


def make_draws():
    rows = [
        (draw, truth, route, c, ratio, p)
        for truth in ("expression", "none")
        for route in ("oracle", "image")
        for draw, (c, ratio, p) in enumerate([(0.5, 1.0, 0.5), (0.6, 2.0, 0.01), (0.7, 4.0, 0.04)])
    ]
    return pd.DataFrame(rows, columns=["draw", "truth", "route", "c_index", "hr_per_sd", "logrank_p"])


def make_logs(tmp_path):
    """Two draws of two folds: strict keeps the first or the second epoch, paper the third."""
    for draw in range(2):
        folder = tmp_path / f"draw_{draw}" / "none"
        folder.mkdir(parents=True)
        rows = [
            (fold, epoch, 0.5, 0.5 + 0.1 * draw + 0.01 * epoch, epoch <= fold)
            for fold in range(2)
            for epoch in range(3)
        ]
        log = pd.DataFrame(rows, columns=["fold", "epoch", "val_c", "test_c", "saved"])
        log.to_csv(folder / "log_strict.csv", index=False)
        log.assign(saved=log["epoch"] == 2).to_csv(folder / "log_paper.csv", index=False)
    return [tmp_path / f"draw_{draw}" for draw in range(2)]


def test_a_row_is_the_mean_and_standard_error_over_draws():
    row = tables.by_route(make_draws()).iloc[1]
    assert (row["truth"], row["route"], row["draws"]) == ("expression", "image", 3)
    assert row["c_mean"] == pytest.approx(0.6)
    assert row["c_se"] == pytest.approx(0.1 / np.sqrt(3))
    assert row["from_half"] == pytest.approx(np.sqrt(3))


def test_hazard_ratios_are_averaged_on_the_log_scale():
    assert tables.by_route(make_draws())["hr_mean"].tolist() == pytest.approx([2.0] * 4)


def test_significant_is_the_share_of_draws_below_5_percent():
    assert tables.by_route(make_draws())["significant"].tolist() == pytest.approx([2 / 3] * 4)


def test_the_order_of_draws_changes_nothing():
    draws = make_draws()
    mixed = draws.sample(frac=1, random_state=1)
    keys = ["truth", "route"]
    first, again = (tables.by_route(each).sort_values(keys, ignore_index=True) for each in (draws, mixed))
    pd.testing.assert_frame_equal(first, again)


def test_an_epoch_has_the_mean_over_folds_and_draws(tmp_path):
    table = tables.by_epoch(tables.read_logs(make_logs(tmp_path)))
    assert table["recipe"].tolist() == ["strict"] * 3 + ["paper"] * 3
    assert table["epoch"].tolist() == [1, 2, 3] * 2
    assert table["c_mean"].tolist() == pytest.approx([0.55, 0.56, 0.57] * 2)
    assert table["c_se"].tolist() == pytest.approx([0.05] * 6)


def test_kept_counts_the_networks_that_end_at_the_epoch(tmp_path):
    table = tables.by_epoch(tables.read_logs(make_logs(tmp_path)))
    assert table["kept"].tolist() == [2, 2, 0, 0, 0, 4]
    assert table["networks"].tolist() == [4] * 6
