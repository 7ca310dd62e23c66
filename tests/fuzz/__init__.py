"""Damaged files of every format: each ends with a result or a clear refusal, never with a crash.

`make fuzz` runs every format for a minute (``ARGS="pickle geojson --seconds 20 --seed 7"`` selects), and keeps the
files that fail in ``build/fuzz``. `tests/integration/test_fuzz.py` runs a few of each.
"""
