"""Figures of C over draws: the points and lines are those of the tables."""

import numpy as np
import pandas as pd
import pytest

from sequoia_stats import plots
from sequoia_stats.errors import InputError


def make_routes():
    return pd.DataFrame(
        {
            "panel": ["Expression", "Expression", "None", "None"],
            "name": ["Planted risk", "Image network"] * 2,
            "c_mean": [0.68, 0.57, 0.5, 0.49],
            "c_se": [0.01, 0.02, 0.02, 0.01],
        }
    )


def make_epochs():
    return pd.DataFrame(
        {
            "line": ["strict"] * 3 + ["paper"] * 2,
            "epoch": [1, 2, 3, 1, 2],
            "c_mean": [0.51, 0.55, 0.53, 0.5, 0.52],
            "c_se": [0.02, 0.01, 0.02, 0.01, 0.03],
            "kept": [3, 1, 0, 0, 4],
        }
    )


def line(figure, gid):
    return next(one for axes in figure.axes for one in axes.lines if one.get_gid() == gid)


def test_points_are_the_means_with_the_first_route_on_top():
    figure = plots.concordance_by_route(make_routes())
    points = line(figure, "c-Expression")
    np.testing.assert_array_equal(points.get_xdata(), [0.68, 0.57])
    np.testing.assert_array_equal(points.get_ydata(), [0, 1])
    assert figure.axes[0].get_ylim() == (1.5, -0.5)


def test_bars_are_one_standard_error_to_each_side():
    bars = plots.concordance_by_route(make_routes()).axes[0].collections[0].get_segments()
    np.testing.assert_allclose([bar[:, 0] for bar in bars], [[0.67, 0.69], [0.55, 0.59]])


def test_a_dashed_line_marks_the_first_route_of_each_panel():
    figure = plots.concordance_by_route(make_routes())
    found = [one.get_xdata()[0] for axes in figure.axes for one in axes.lines if one.get_gid() == "first"]
    assert found == [0.68, 0.5]


def test_lines_are_the_mean_after_each_epoch():
    found = line(plots.concordance_by_epoch(make_epochs()), "c-strict")
    np.testing.assert_array_equal(found.get_xydata(), [[1, 0.51], [2, 0.55], [3, 0.53]])


def test_points_are_on_the_epochs_that_are_kept():
    axes = plots.concordance_by_epoch(make_epochs()).axes[0]
    kept = next(one for one in axes.collections if one.get_gid() == "kept-strict")
    np.testing.assert_array_equal(kept.get_offsets(), [[1, 0.51], [2, 0.55]])
    assert kept.get_sizes()[0] > kept.get_sizes()[1]


@pytest.mark.parametrize(
    ("draw", "table"),
    [(plots.concordance_by_route, make_routes()), (plots.concordance_by_epoch, make_epochs())],
)
def test_a_table_without_a_column_is_refused(draw, table):
    with pytest.raises(InputError, match="c_se"):
        draw(table.drop(columns="c_se"))


@pytest.mark.parametrize(
    ("draw", "table"),
    [(plots.concordance_by_route, make_routes()), (plots.concordance_by_epoch, make_epochs())],
)
def test_an_empty_table_is_a_figure_that_says_so(draw, table):
    assert "There are no" in " ".join(text.get_text() for text in draw(table.iloc[:0]).texts)
