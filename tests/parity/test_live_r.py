"""The stored values are what R gives today: `r/make_references.R` runs again and its tables are compared."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pandas as pd
import pytest

from tests.parity.reference import HERE, assert_matches, read_table, require_stored_versions

ROOT = HERE.parents[1]
METHODS = sorted(path.stem for path in (ROOT / "r" / "references").glob("*.R"))
KEYS = ["fold", "step", "gene"]
TEXTS = ["warning", "cohort", "beta", "version"]


def comparable(path: Path) -> pd.DataFrame:
    """The numbers of a table; sparse coefficients are keyed by fold, step and gene."""
    table = read_table(path).reset_index()
    keys = [key for key in KEYS if key in table] if "gene" in table else [table.columns[0]]
    table = table.drop(columns=TEXTS, errors="ignore")
    words = [name for name in table.columns.difference(keys) if table[name].dtype == object]
    return table.set_index([*keys, *words])


def assert_same_tables(got: Path, want: Path) -> None:
    assert sorted(path.name for path in got.iterdir()) == sorted(path.name for path in want.iterdir())
    for path in sorted(want.iterdir()):
        a, b = comparable(got / path.name), comparable(path)
        rows = a.index.union(b.index)
        assert_matches(a.reindex(rows, fill_value=0), b.reindex(rows, fill_value=0), rtol=1e-6, atol=1e-8)


@pytest.mark.slow
@pytest.mark.needs_r
@pytest.mark.parametrize("method", METHODS)
def test_rerun_of_the_scripts_gives_the_stored_values(method, tmp_path):
    require_stored_versions(method)
    command = ["Rscript", "--vanilla", str(ROOT / "r" / "make_references.R"), str(tmp_path), method]
    subprocess.run(command, check=True, capture_output=True)
    assert_same_tables(tmp_path / method / "expected", HERE / method / "expected")
