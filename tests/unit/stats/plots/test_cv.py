import numpy as np
import pandas as pd
import pytest

from sequoia_stats.coxpath import CrossValidation
from sequoia_stats.plots import cv_curve
from tests.build.drawn import lines


def make_cross_validation(index_min=20, index_1se=16):
    lambdas = np.geomspace(0.1, 0.005, 30)
    mean = 12 + 0.01 * (np.arange(30) - index_min) ** 2
    genes = {"n_genes_min": [0, 4], "n_genes_1se": [0, 0]}
    draws = pd.DataFrame({"draw": [1, 2], "lambda_min": 0.1, "lambda_1se": 0.1, **genes})
    return CrossValidation(
        lambdas, mean, np.full(30, 0.2), np.arange(30), index_min, index_1se, draws, n_folds=5
    )


def test_the_curve_is_the_deviance_against_minus_log_lambda():
    cv = make_cross_validation()
    line = lines(cv_curve(cv))["deviance"]
    np.testing.assert_array_equal(line.get_xydata(), np.column_stack([-np.log(cv.lambdas), cv.mean]))


def test_bars_are_one_standard_error_to_both_sides():
    cv = make_cross_validation()
    segments = np.array(cv_curve(cv).axes[0].collections[0].get_segments())
    np.testing.assert_allclose(segments[:, :, 1], np.column_stack([cv.mean - cv.se, cv.mean + cv.se]))


@pytest.mark.parametrize(("name", "index"), [("lambda.min", 20), ("lambda.1se", 16)])
def test_a_penalty_is_marked_with_its_number_of_genes(name, index):
    cv = make_cross_validation()
    line = lines(cv_curve(cv))[name]
    assert line.get_xdata()[0] == -np.log(cv.lambdas[index])
    assert line.get_label() == f"{name}: {cv.n_nonzero[index]} genes"


def test_one_line_where_both_penalties_are_the_same():
    drawn = lines(cv_curve(make_cross_validation(index_min=0, index_1se=0)))
    assert drawn["lambda.min = lambda.1se"].get_label().endswith(": 0 genes")


def test_genes_are_above_their_penalty():
    cv = make_cross_validation()
    figure = cv_curve(cv)
    top = figure.axes[0].child_axes[0]
    labels = [int(label.get_text()) for label in top.get_xticklabels()]
    np.testing.assert_array_equal(top.get_xticks(), -np.log(cv.lambdas)[labels])


def test_the_view_ends_two_standard_errors_above_the_minimum():
    cv = make_cross_validation()
    axes = cv_curve(cv).axes[0]
    x = -np.log(cv.lambdas)
    start, end = axes.get_xlim()
    seen = (x >= start) & (x <= end)
    np.testing.assert_array_equal(seen, cv.mean <= cv.mean.min() + 2 * cv.se[0])


def test_a_frame_draws_the_same_curve():
    cv = make_cross_validation()
    line = lines(cv_curve(cv.to_frame(), lambda_min=cv.lambda_min))["deviance"]
    np.testing.assert_array_equal(line.get_ydata(), cv.mean)
