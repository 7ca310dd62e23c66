"""Speed against other implementations, in one process: ``make bench`` prints the table (ARGS="genes" one part)."""

from __future__ import annotations

import sys
from importlib import import_module

PARTS = (
    "signature",
    "concordance",
    "genes",
    "ora",
    "gsva",
    "nets",
    "clusters",
    "predict",
    "intervals",
    "measured",
    "ridge",
    "training_data",
    "training",
    "training_memory",
    "risk",
    "map_files",
    "tile_reading",
    "images",
    "maps",
    "slides",
    "transport",
    "shifts",
)

if __name__ == "__main__":
    for part in sys.argv[1:] or PARTS:
        print(f"--- {part}")
        import_module(f"tests.bench.{part}").bench()
