"""A cache of the hub that takes the place of the user's."""

from __future__ import annotations

import pytest
from huggingface_hub import constants


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Empty, with no way out."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path
