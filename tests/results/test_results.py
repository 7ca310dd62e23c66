"""The arrays, columns and numbers of every command equal the stored ones (`tests.results.store`)."""

from __future__ import annotations

import numpy as np
import pytest

from tests.results.cases import CASES, EXACT, Tolerance
from tests.results.old_files import OLD_FILES
from tests.results.reading import Values
from tests.results.running import results_of
from tests.results.store import kind_of, stored

pytestmark = pytest.mark.slow

PARAMETERS = [pytest.param(case, id=case.name, marks=case.marks) for case in CASES]


def assert_same(
    found: Values, wanted: Values, where: str, tolerance: Tolerance, apart: str | None = None
) -> None:
    """Every stored key exists with its values, but for those that contain `apart`; there may be others."""
    missing = [key for key in wanted if key not in found]
    assert missing == [], f"{where}: missing are {missing}"
    differences = [
        f"{where}: {key}: {difference}"
        for key, value in wanted.items()
        if not (apart and apart in key)
        if (difference := difference_between(found[key], value, tolerance))
    ]
    assert differences == [], "\n".join(differences)


def difference_between(found: np.ndarray, wanted: np.ndarray, tolerance: Tolerance) -> str:
    """What differs, with the worst element; nothing if nothing differs."""
    if kind_of(found) != kind_of(wanted):
        return f"of kind {kind_of(found)}, stored is {kind_of(wanted)}"
    if found.shape != wanted.shape:
        return f"of shape {found.shape}, stored is {wanted.shape}"
    if kind_of(wanted) != "f":
        excess = (found != wanted).astype(float)
    else:
        excess = excess_of(found.astype(float), wanted, tolerance)
    if not (excess > 0).any():
        return ""
    worst = np.unravel_index(np.argmax(excess), excess.shape)
    place, n = [int(i) for i in worst], int((excess > 0).sum())
    return f"{n} of {wanted.size} differ; worst at {place}: {found[worst]!r}, stored is {wanted[worst]!r}"


def excess_of(found: np.ndarray, wanted: np.ndarray, tolerance: Tolerance) -> np.ndarray:
    """By how much numbers exceed the allowed difference; NaN equals NaN, and infinity infinity."""
    same = (found == wanted) | (np.isnan(found) & np.isnan(wanted))
    with np.errstate(invalid="ignore"):
        excess = np.abs(found - wanted) - tolerance.atol - tolerance.rtol * np.abs(wanted)
    return np.where(same, 0.0, np.nan_to_num(excess, nan=np.inf, posinf=np.inf))


@pytest.mark.parametrize("case", PARAMETERS)
def test_the_results_of_a_command_are_those_that_are_stored(case, tmp_path):
    assert_same(results_of(case, tmp_path), stored(case.name), case.name, case.tolerance, case.apart)


@pytest.mark.parametrize("name", OLD_FILES)
def test_files_of_version_0_1_are_read_with_the_numbers_that_are_stored(name):
    assert_same(OLD_FILES[name](), stored(name), name, EXACT)


# --- the comparison itself -------------------------------------------------------------------------------------------

NUMBERS = np.array([1.0, np.nan, np.inf])


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({}, "case: missing are ['x']"),
        ({"x": NUMBERS[:2]}, r"case: x: of shape (2,), stored is (3,)"),
        ({"x": np.array([1, 2, 3])}, "case: x: of kind i, stored is f"),
        ({"x": np.array([1.0, 0.0, np.inf])}, "case: x: 1 of 3 differ; worst at [1]: np.float64(0.0)"),
        ({"x": np.array([1.0, np.nan, 5.0])}, "worst at [2]"),
        ({"x": np.array([1.0 + 1e-9, np.nan, np.inf])}, "worst at [0]"),
    ],
)
def test_a_difference_is_reported_with_its_place(found, message):
    with pytest.raises(AssertionError) as error:
        assert_same(found, {"x": NUMBERS}, "case", EXACT)
    assert message in str(error.value)


def test_rounding_and_further_keys_are_no_difference():
    found = {"x": np.array([1.0 + 1e-15, np.nan, np.inf]), "y": np.array("new")}
    assert_same(found, {"x": NUMBERS}, "case", Tolerance(rtol=1e-12))


def test_texts_and_whole_numbers_are_compared_exactly():
    assert difference_between(np.array(["a", "b"]), np.array(["a", "c"]), Tolerance(rtol=1.0)) != ""
    assert difference_between(np.array([3]), np.array([4]), Tolerance(rtol=1.0)) != ""
