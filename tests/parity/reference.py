"""Stored inputs and R's stored values: ``tests/parity/<method>/{inputs,expected}/<name>.tsv``."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sequoia_stats.types.outcome import Outcome

HERE = Path(__file__).parent
#: Cohorts whose times are equal but for rounding.
NEAR_TIES = ["near_dates", "near_sums", "near_chain", "near_large", "near_tiny"]


def read_table(path: Path) -> pd.DataFrame:
    """A table with its first column as index; every digit of a number counts."""
    frame = pd.read_csv(path, sep="\t", float_precision="round_trip", na_values=["NA"], keep_default_na=False)
    return frame.set_index(frame.columns[0])


def inputs(name: str) -> pd.DataFrame:
    """``inputs("cohorts/ties")`` reads ``cohorts/inputs/ties.tsv``."""
    method, case = name.split("/")
    return read_table(HERE / method / "inputs" / f"{case}.tsv")


def reference(name: str) -> pd.DataFrame:
    """``reference("logrank/tests")`` reads ``logrank/expected/tests.tsv``."""
    method, case = name.split("/")
    return read_table(HERE / method / "expected" / f"{case}.tsv")


def outcome_of(table: pd.DataFrame) -> Outcome:
    """The outcome in the columns time (months) and event."""
    return Outcome(table["time"].to_numpy(np.float64), table["event"].to_numpy(), "event")


def assert_matches(got: pd.DataFrame, want: pd.DataFrame, *, rtol: float, atol: float = 0.0) -> None:
    """Compare two tables with equal rows and columns, in any column order; the worst row is named.

    Missing values match each other, and an infinity matches itself. `atol` is for values that are zero except for
    rounding.
    """
    assert list(got.index) == list(want.index), (
        f"rows differ: {list(got.index)[:5]} and {list(want.index)[:5]}"
    )
    assert set(got.columns) == set(want.columns), (
        f"columns differ: {list(got.columns)} and {list(want.columns)}"
    )
    a = got[want.columns].to_numpy(dtype=np.float64)
    b = want.to_numpy(dtype=np.float64)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    with np.errstate(invalid="ignore"):
        excess = np.where(same, 0.0, np.abs(a - b) / (atol + rtol * np.abs(b) + np.finfo(float).tiny))
    excess = np.where(np.isnan(excess), np.inf, excess)
    if not excess.size or excess.max() <= 1:
        return
    row, column = np.unravel_index(excess.argmax(), excess.shape)
    raise AssertionError(
        f"{int((excess > 1).sum())} of {excess.size} values differ, worst in row {want.index[row]!r}, column "
        f"{want.columns[column]!r}: got {a[row, column]!r}, R has {b[row, column]!r} (rtol {rtol:g}, atol {atol:g})"
    )


def require_stored_versions(method: str) -> None:
    """Skip, naming the versions, if an installed package is outside the range in SPEC.md."""
    named = reference(f"{method}/versions").index
    outside = [
        f"{package} {installed} is not in {low} to below {below}"
        for package, (low, below) in version_ranges().items()
        if package in named
        and not numbers(low) <= numbers(installed := installed_version(package)) < numbers(below)
    ]
    if outside:
        pytest.skip(f"values of {method} were not compared: {'; '.join(outside)} (tests/parity/SPEC.md)")


def version_ranges() -> dict[str, tuple[str, str]]:
    """Rows ``| package | from | below |`` of the table of versions in SPEC.md."""
    text = (HERE / "SPEC.md").read_text(encoding="utf-8").split("## Versions")[1].split("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("|")
    ]
    return {row[0]: (row[1], row[2]) for row in rows[2:]}


@cache
def installed_version(package: str) -> str:
    """Version of R, or of an R package, as Rscript reports it."""
    code = "getRversion()" if package in ("R", "stats") else f"packageVersion('{package}')"
    command = ["Rscript", "--vanilla", "-e", f"cat(as.character({code}))"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def numbers(version: str) -> tuple[int, ...]:
    """``"4.1-9"`` and R's own ``"4.1.9"`` are (4, 1, 9)."""
    return tuple(int(part) for part in re.split(r"[.-]", version))
