"""Decimal commas: read where nothing else can be meant, and only in numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sequoia_base.decimals import commas_are_decimal, to_point, with_points


@pytest.mark.parametrize(
    ("texts", "decimal"),
    [
        (["3,5", "4"], True),
        (["0,250", "0,125"], True),
        (["1234,567"], True),
        (["1,201", "1,5e-3"], True),
        ([",5"], True),
        (["1,201", "2,500", "12", "999"], False),
        (["3,5", "4.5"], False),
        (["3,5", ".5"], False),
        (["a, b", "1,2,3", "1, 2"], False),
        (["1\n3,5\n2"], True),
        (["1\n3,5", "2.5\n1"], False),
        ([], False),
    ],
)
def test_commas_are_decimal_where_none_separates_thousands_and_no_point_is_seen(texts, decimal):
    assert commas_are_decimal(texts) is decimal


def test_only_numbers_get_a_point():
    assert to_point("3,5\na, b\n1,2,3\n-4,25e1") == "3.5\na, b\n1,2,3\n-4.25e1"


def test_a_column_without_decimal_commas_is_the_same():
    column = pd.Series(["1,201", np.nan, 5, "x"], dtype=object)
    assert with_points(column) is column
    assert with_points(pd.Series(["1,20", np.nan, 5], dtype=object)).tolist()[::2] == ["1.20", 5]
