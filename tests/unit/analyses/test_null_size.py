"""The size of the nulls of maps; a small version of the study."""

from __future__ import annotations

import numpy as np
import pytest

from tests.build.results import scripts_of_analyses
from tests.build.spatial import rectangle, tissue

with scripts_of_analyses():
    from null_size import null_sizes, unrelated_fields


def test_the_nulls_hold_their_size_where_the_naive_test_does_not():
    table = null_sizes({"small": tissue(14, 14)}, smooth=[1.5], fields=400)
    assert table["shift"].between(0.02, 0.08).all()
    assert table["spectral"].between(0.02, 0.08).all()
    assert (table["naive"] > 0.15).all()


def test_fields_are_unrelated_and_as_smooth_at_the_border_as_inside():
    places = rectangle(9, 9)
    a, b = unrelated_fields(places, 2.0, 2000, np.random.default_rng(0))
    assert np.mean(a * b) / np.mean(a * a) == pytest.approx(0, abs=0.02)
    spread = a.std(axis=0).reshape(9, 9)
    assert spread[0].mean() == pytest.approx(spread[4].mean(), rel=0.05)


def test_a_row_has_draws_of_its_own():
    both = {"one": rectangle(8, 8), "two": rectangle(8, 8)}
    table = null_sizes(both, smooth=[1.0], fields=50)
    assert table["naive"].nunique() + table["shift"].nunique() + table["spectral"].nunique() > 3
