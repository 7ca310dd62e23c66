"""What a map says about itself."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

#: The schema of map files.
SCHEMA = "sequoia-map-1"
#: Everything that a map says about itself in ``uns["map"]``, and what stands there where nothing is known.
ABOUT: Mapping[str, Any] = MappingProxyType(
    {
        "schema": SCHEMA,
        "slide": "",
        "patient_id": "",
        "source": "windows",
        "weights": "",
        "digests": [],
        "seed": -1,
        "folds": [],
        "ensemble": "all",
        "held_out": -1,
        "seen": False,
        "architecture": "",
        "encoder": "",
        "units": "",
        "window": 0,
        "stride": 0,
        "origins": "",
        "holes": "",
        "n_windows": 0,
        "precision": "",
        "tile_um": 0.0,
        "tile_px": 0.0,
        "slide_mpp": 0.0,
        "slide_width": 0,
        "slide_height": 0,
        "heads": "",
        "heads_hash": [],
        "genes_hash": "",
        "notes": [],
        "versions": {},
    }
)
