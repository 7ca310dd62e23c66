"""The page on the files of audits names everything that they hold."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from sequoia_model.leakage import Audit, Leak, SiteSignal
from sequoia_model.leakage._associations import _COLUMNS
from sequoia_model.leakage._duplicates import PAIR_COLUMNS

PAGE = (Path(__file__).parents[4] / "docs" / "audit.md").read_text()


@pytest.mark.parametrize(
    "names",
    [
        [field.name for kind in (Audit, Leak, SiteSignal) for field in fields(kind)],
        _COLUMNS,
        PAIR_COLUMNS,
        ["sides", "predictors", "repeats", "site", "most_named"],
    ],
)
def test_the_page_names_every_key(names):
    assert [name for name in names if f"`{name}`" not in PAGE] == []
