"""An empty cache of the hub in place of the user's."""

from __future__ import annotations

import pytest
from huggingface_hub import constants


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Empty and offline."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path
