import numpy as np
import pytest

from sequoia_stats.plots import kaplan_meier, risk_groups
from sequoia_stats.survival import kaplan_meier_curve
from tests.build.cohorts import make_outcome
from tests.build.drawn import beyond_the_edge, lines, overlapping, texts, words
from tests.build.plotted import make_validation


@pytest.mark.parametrize("group", ["low", "high"])
def test_a_curve_is_the_kaplan_meier_frame(group):
    validation = make_validation()
    line = lines(kaplan_meier(validation))[f"curve-{group}"]
    frame = validation.curves[group].frame
    np.testing.assert_array_equal(line.get_xydata(), frame[["time", "survival"]])
    assert line.get_drawstyle() == "steps-post"


@pytest.mark.parametrize("group", ["low", "high"])
def test_the_band_spans_the_interval(group):
    validation = make_validation()
    axes = kaplan_meier(validation).axes[0]
    band = next(item for item in axes.collections if item.get_gid() == f"band-{group}")
    heights = band.get_paths()[0].vertices[:, 1]
    frame = validation.curves[group].frame.dropna()
    assert set(frame["low"]) | set(frame["high"]) <= set(heights)


@pytest.mark.parametrize("group", ["low", "high"])
def test_a_tick_marks_a_censored_patient(group):
    validation = make_validation()
    frame = validation.curves[group].frame
    drawn = lines(kaplan_meier(validation))[f"censored-{group}"].get_xdata()
    np.testing.assert_array_equal(drawn, frame.loc[frame["censored"] > 0, "time"])


@pytest.mark.parametrize("group", ["low", "high"])
def test_numbers_at_risk_are_under_their_ticks(group):
    validation = make_validation()
    figure = kaplan_meier(validation)
    ticks = figure.axes[0].get_xticks()
    drawn = texts(figure, f"at-risk-{group}")
    assert [text.get_position()[0] for text in drawn] == list(ticks)
    assert [int(text.get_text()) for text in drawn] == validation.curves[group].at_risk(ticks).tolist()


def test_header_names_endpoint_cohort_and_statistics():
    validation = make_validation()
    shown = words(kaplan_meier(validation))
    assert "Relapse-free survival (RFS), Made" in shown
    assert f"Hazard ratio per SD {validation.unadjusted.hr:.2f} (" in shown
    assert f"C {validation.c_index:.2f} ({validation.c_low:.2f}–{validation.c_high:.2f})" in shown
    assert f"log-rank p = {validation.cuts['frozen'].logrank_p:#.2g}" in shown


def test_a_null_model_is_one_curve_and_a_sentence():
    validation = make_validation(genes=0)
    figure = kaplan_meier(validation)
    assert [gid for gid in lines(figure) if gid.startswith("curve")] == ["curve-all"]
    assert "The signature has no genes" in words(figure)


def test_a_cut_that_no_score_reaches_is_reported():
    figure = kaplan_meier(make_validation(cutoff=1e9))
    assert "all patients are in one group" in words(figure)


def test_nothing_overlaps_in_the_figure():
    figure = kaplan_meier(make_validation(n=956, events=125))
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in figure.findobj(match=_is_written)]
    pairs = [(i, j) for i in range(len(boxes)) for j in range(i) if boxes[i].overlaps(boxes[j])]
    assert not pairs
    assert all(figure.bbox.containsx(box.x0) and figure.bbox.containsx(box.x1) for box in boxes)


def _is_written(artist):
    from matplotlib.text import Text

    return isinstance(artist, Text) and artist.get_visible() and bool(artist.get_text().strip())


def three_groups(n=400):
    outcome = make_outcome(n=n, events=n // 3, endpoint="OS")
    group = np.resize(["low", "high", "uncertain"], n)
    return {
        name: kaplan_meier_curve(outcome[group == name], label=name) for name in ("low", "high", "uncertain")
    }


def test_each_risk_group_is_a_curve_with_its_own_numbers_at_risk():
    curves = three_groups()
    figure = risk_groups(curves, "Overall survival", "log-rank p = 0.5", endpoint="OS")
    drawn = lines(figure)["curve-uncertain"]
    np.testing.assert_array_equal(drawn.get_xydata(), curves["uncertain"].frame[["time", "survival"]])
    assert texts(figure, "at-risk-uncertain")[0].get_text() == str(curves["uncertain"].n)


def test_nothing_overlaps_beside_the_name_of_the_third_group():
    figure = risk_groups(three_groups(4000), "Overall survival", "a", "b", "c", endpoint="OS")
    assert overlapping(figure) == [] and beyond_the_edge(figure) == []
