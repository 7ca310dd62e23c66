import numpy as np
import pandas as pd
import pytest

from sequoia_stats.errors import InputError
from sequoia_stats.plots import forest
from tests.build.drawn import lines, texts

NAN = float("nan")


def make_rows(*, low=0.9):
    """Two cohorts; the last row is a null model."""
    columns = ["group", "label", "n", "n_events", "hr", "low", "high", "p"]
    rows = [
        ("A", "Unadjusted", 956, 125, 1.6, 1.4, 1.85, 3e-11),
        ("A", "Adjusted", 907, 119, 1.3, low, 1.9, 0.16),
        ("B", "Unadjusted", 1200, 101, 1.0, NAN, NAN, NAN),
    ]
    return pd.DataFrame(rows, columns=columns)


def test_points_stand_at_the_hazard_ratios():
    rows = make_rows()
    figure = forest(rows)
    np.testing.assert_array_equal(lines(figure)["hazard-ratios"].get_xdata(), rows["hr"])
    assert figure.axes[0].get_xscale() == "log"


def test_intervals_span_low_to_high_at_the_height_of_their_point():
    rows = make_rows()
    figure = forest(rows)
    segments = figure.axes[0].collections[0].get_segments()
    heights = lines(figure)["hazard-ratios"].get_ydata()
    expected = [[[row.low, y], [row.high, y]] for row, y in zip(rows[:2].itertuples(), heights, strict=False)]
    np.testing.assert_allclose(segments, expected)


def test_a_null_model_is_an_open_mark_without_an_interval():
    figure = forest(make_rows())
    assert lines(figure)["marks-open"].get_xdata().tolist() == [1.0]
    assert texts(figure, "hazard")[2].get_text() == "1.00"
    assert texts(figure, "p")[2].get_text() == "–"


def test_numbers_are_beside_their_point():
    figure = forest(make_rows())
    heights = lines(figure)["hazard-ratios"].get_ydata().tolist()
    for column in ("label", "counts", "hazard", "p"):
        assert [text.get_position()[1] for text in texts(figure, column)] == heights
    assert texts(figure, "counts")[0].get_text() == "125 / 956"
    assert texts(figure, "hazard")[0].get_text() == "1.60 (1.40–1.85)"


def test_a_heading_is_written_once_above_its_group():
    assert [text.get_text() for text in texts(forest(make_rows()), "group")] == ["A", "B"]


def test_an_interval_beyond_the_axis_ends_in_an_arrow():
    figure = forest(make_rows(low=0.001))
    assert lines(figure)["beyond-<"].get_xdata().tolist() == [figure.axes[0].get_xlim()[0]]


@pytest.mark.parametrize("rows", [make_rows()[:0], make_rows().drop(columns="p")])
def test_nothing_to_draw_is_an_error(rows):
    with pytest.raises(InputError, match=r"no rows|no column"):
        forest(rows)
