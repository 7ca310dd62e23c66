"""Slides and genes with missing values: the largest share goes first; what is left is moved in place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sequoia_model.training.data._complete import complete, constant, packed


def holes(shape, *places):
    """Zeros with NaN at some places; None stands for all."""
    values = np.zeros(shape, dtype=np.float32)
    for row, column in places:
        values[slice(None) if row is None else row, slice(None) if column is None else column] = np.nan
    return values


def lost(values):
    rows, columns = complete(values)
    return np.flatnonzero(~rows).tolist(), np.flatnonzero(~columns).tolist()


CASES = {
    "nothing missing": (holes((4, 5)), [], []),
    "one value of many slides": (holes((20, 10), (3, 7)), [3], []),
    "one value of many genes": (holes((10, 20), (3, 7)), [], [7]),
    "a slide and a gene alike: the gene": (holes((6, 6), (2, 4)), [], [4]),
    "a slide without values": (holes((6, 8), (2, None)), [2], []),
    "a gene that no slide has": (holes((6, 8), (None, 5)), [], [5]),
    "a slide without values, and a gene that another lacks": (holes((6, 8), (2, None), (3, 5)), [2], [5]),
    "half of a slide costs no gene": (holes((6, 8), (2, slice(4))), [2], []),
    "everything": (holes((3, 3), (None, None)), [], [0, 1, 2]),
}


@pytest.mark.parametrize("case", CASES)
def test_the_largest_share_of_missing_values_is_left_out_first(case):
    values, rows, columns = CASES[case]
    assert lost(values) == (rows, columns)


@given(arrays(bool, st.tuples(st.integers(1, 8), st.integers(1, 8))))
def test_what_is_left_is_complete_and_no_more_is_lost_than_rows_or_columns_with_gaps(missing):
    rows, columns = complete(np.where(missing, np.nan, 0).astype(np.float32))
    assert not missing[np.ix_(rows, columns)].any()
    assert missing[~rows].any(axis=1).all() and missing[:, ~columns].any(axis=0).all()


@given(st.data())
def test_rows_and_columns_are_moved_within_the_memory_of_the_matrix(data):
    shape = data.draw(st.tuples(st.integers(1, 6), st.integers(1, 6)))
    rows, columns = (data.draw(arrays(bool, n)) for n in shape)
    values = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    wanted = values[np.ix_(rows, columns)]
    got = packed(values, rows, columns)
    np.testing.assert_array_equal(got, wanted)
    assert got.size == 0 or np.shares_memory(got, values)


def test_genes_of_one_value_are_found():
    values = np.array([[1, 2, 3], [1, 2, 4], [1, 5, 3]], dtype=np.float32)
    assert constant(values).tolist() == [True, False, False]
    assert constant(values[:1]).all()
