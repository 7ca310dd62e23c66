import numpy as np
import pytest

from sequoia_stats.conformal import share_decided
from sequoia_stats.errors import InputError
from sequoia_stats.plots import abstention_curves
from tests.build.drawn import beyond_the_edge, lines, overlapping, words
from tests.build.scores import make_scores


def make_table(r=0.7, n=300):
    scores = make_scores(n, r)
    return share_decided(scores, scores, 0.0)


@pytest.mark.parametrize("column", ["share", "expected"])
def test_shares_are_drawn_in_percent_by_level(column):
    table = make_table()
    drawn = lines(abstention_curves({"a": table}))[f"{column}-a"].get_xydata()
    np.testing.assert_allclose(drawn, 100 * table[["level", column]])


def test_errors_are_in_the_second_panel_where_somebody_was_judged():
    table = make_table(r=0.4)
    judged = table[table["n_measured"] > 0]
    assert len(judged) < len(table)
    drawn = {line.get_gid(): line for line in abstention_curves({"a": table}).axes[1].lines}
    np.testing.assert_allclose(drawn["error-a"].get_xydata(), 100 * judged[["level", "error"]])


def test_the_share_that_may_miss_is_beside_the_errors():
    drawn = {line.get_gid(): line for line in abstention_curves({"a": make_table()}).axes[1].lines}
    np.testing.assert_allclose(drawn["missing"].get_xydata().sum(axis=1), 100)


def test_scores_are_named_and_nothing_overlaps():
    figure = abstention_curves(
        {"Measured genes": make_table(0.9), "Image network": make_table(0.5)}, title="Decided"
    )
    assert "Measured genes" in words(figure) and "Image network" in words(figure)
    assert not overlapping(figure) and not beyond_the_edge(figure)


def test_without_levels_the_figure_says_so():
    figure = abstention_curves({"a": make_table().iloc[:0]})
    assert "no levels" in figure.texts[-1].get_text()


def test_a_table_without_errors_is_refused():
    with pytest.raises(InputError, match="the table of shares has no column error"):
        abstention_curves({"a": make_table().drop(columns="error")})
