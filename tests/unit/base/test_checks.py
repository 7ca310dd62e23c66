from __future__ import annotations

import pytest

from sequoia_base.checks import is_at_least


@pytest.mark.parametrize(
    ("version", "oldest", "enough"),
    [
        ("4.1-6", "4.1", True),
        ("4.1", "4.1.0", True),
        ("4.0.9", "4.1", False),
        ("10.0", "9.9", True),
    ],
)
def test_versions_compare_number_by_number(version, oldest, enough):
    assert is_at_least(version, oldest) is enough
