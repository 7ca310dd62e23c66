from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from sequoia_stats.errors import InputError
from sequoia_stats.plots import risk_comparison, survival_by_risk
from sequoia_stats.risk import compare_risks
from tests.build.drawn import beyond_the_edge, lines, overlapping, words
from tests.build.risks import make_risks


def compared(*names, endpoint="PFI", **options):
    made = make_risks()
    models = {name: made.good if i == 0 else made.noise for i, name in enumerate(names or ("good", "noise"))}
    return compare_risks(
        models,
        made.outcome,
        clinical=made.clinical,
        adjust=["age"],
        endpoint=endpoint,
        bootstrap=20,
        **options,
    )


def all_lines(figure):
    return {line.get_gid(): line for axes in figure.axes for line in axes.lines if line.get_gid()}


@pytest.mark.parametrize(
    ("gid", "table", "column"),
    [
        ("c-index", "comparison", "c_index"),
        ("hazard-ratios", "comparison", "hr_per_sd"),
        ("differences", "pairs", "c_difference"),
    ],
)
def test_points_are_the_numbers_of_the_table(gid, table, column):
    result = compared()
    drawn = all_lines(risk_comparison(result))[gid].get_xdata()
    np.testing.assert_array_equal(drawn, getattr(result, table)[column])


@pytest.mark.parametrize(
    "names", [("good", "noise"), ("a-signature-of-120-genes-from-brca", "vis.uni-large.v2"), ("x",)]
)
def test_nothing_overlaps(names):
    figure = risk_comparison(compared(*names))
    assert overlapping(figure) == [] and beyond_the_edge(figure) == []


def test_one_score_has_no_differences():
    made = make_risks()
    figure = risk_comparison(compare_risks({"good": made.good}, made.outcome, bootstrap=5))
    assert len(figure.axes) == 2


def test_a_score_without_hazard_ratio_is_drawn_with_its_c():
    made = make_risks()
    same = made.good.frame.assign(risk_score=0.0)
    figure = risk_comparison(compare_risks({"same": same, "good": made.good}, made.outcome, bootstrap=5))
    assert np.isnan(all_lines(figure)["hazard-ratios"].get_xdata()[0])


@pytest.mark.parametrize("group", ["low", "high"])
def test_curves_are_those_of_the_groups_of_the_score(group):
    result = compared()
    drawn = lines(survival_by_risk(result, "noise"))[f"curve-{group}"].get_xydata()
    np.testing.assert_array_equal(drawn, result.curves["noise"][group].frame[["time", "survival"]])


def test_the_header_holds_size_test_and_ratio():
    result = compared()
    shown = words(survival_by_risk(result, "good"))
    row = result.comparison.iloc[0]
    assert "PFI, good" in shown and "120 patients, 60 events" in shown
    assert f"within folds: p = {row['logrank_p']:#.2g}" in shown or "× 10" in shown
    assert f"Hazard ratio per SD {row['hr_per_sd']:.2f} (" in shown


def test_a_score_that_is_not_there_is_refused():
    with pytest.raises(InputError, match="no score 'x'"):
        survival_by_risk(compared(), "x")


def test_a_group_of_uncertain_patients_keeps_its_name():
    made = make_risks()
    frame = made.good.frame.assign(group="uncertain")
    figure = survival_by_risk(compare_risks({"good": frame}, made.outcome, bootstrap=5), "good")
    assert next(iter(lines(figure))) == "curve-uncertain"
    assert "All patients are uncertain" in words(figure) and "not defined" not in words(figure)


def test_a_long_name_of_a_score_fits_into_the_title():
    made, name = (
        make_risks(),
        "a name of a score that is much longer than any figure of one column could hold",
    )
    figure = survival_by_risk(compare_risks({name: made.good.frame}, made.outcome, bootstrap=5), name)
    assert figure.texts[0].get_window_extent().x1 < figure.bbox.x1 and "…" in figure.texts[0].get_text()


def test_ticks_of_tiny_differences_do_not_overlap():
    made = make_risks()
    other = made.good.frame.assign(risk_score=made.good.frame["risk_score"] + 1e-9)
    figure = risk_comparison(compare_risks({"one": made.good, "two": other}, made.outcome, bootstrap=5))
    figure.canvas.draw()
    ends = [one.get_window_extent() for one in figure.axes[-1].get_xticklabels()]
    assert all(left.x1 < right.x0 for left, right in pairwise(ends))


def test_a_single_group_is_drawn_as_all_patients():
    made = make_risks()
    frame = made.good.frame.assign(group="low")
    result = compare_risks({"good": pd.DataFrame(frame)}, made.outcome, bootstrap=5)
    assert next(iter(lines(survival_by_risk(result, "good")))) == "curve-all"
