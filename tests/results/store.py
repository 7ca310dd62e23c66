"""The stored results. ``python -m tests.results.store [CASE...]`` rewrites those of the named cases, or of all.

Results of files of version 0.1 (`OLD_FILES`) are only written if named.
"""

from __future__ import annotations

import gzip
import json
import sys
import tempfile
from pathlib import Path

import numpy as np

from tests.results.cases import CASES
from tests.results.old_files import OLD_FILES
from tests.results.reading import Values
from tests.results.running import results_of

FOLDER = Path(__file__).parents[1] / "data" / "results"
_DTYPES = {"b": bool, "i": np.int64, "f": np.float64, "U": str}


def stored(name: str) -> Values:
    """The results of a case as they are stored."""
    content = json.loads(gzip.decompress(_path(name).read_bytes()))
    return {
        key: np.array(part["values"], dtype=_DTYPES[part["kind"]]).reshape(part["shape"])
        for key, part in content.items()
    }


def store(name: str, values: Values) -> None:
    """Write the results of a case; numbers keep all their digits, and the same results give the same bytes."""
    content = {
        key: {"kind": kind_of(value), "shape": list(value.shape), "values": value.ravel().tolist()}
        for key, value in values.items()
    }
    FOLDER.mkdir(exist_ok=True)
    _path(name).write_bytes(gzip.compress(json.dumps(content, indent=0).encode(), mtime=0))


def kind_of(value: np.ndarray) -> str:
    """Booleans, whole numbers, numbers or texts."""
    return {"u": "i"}.get(value.dtype.kind, value.dtype.kind)


def _path(name: str) -> Path:
    return FOLDER / f"{name}.json.gz"


def main(names: list[str]) -> None:
    """Write the results of cases."""
    for case in CASES:
        if case.name in names or not names:
            with tempfile.TemporaryDirectory() as folder:
                store(case.name, results_of(case, Path(folder)))
            print(case.name, _path(case.name).stat().st_size)
    for name, read in OLD_FILES.items():
        if name in names:
            store(name, read())


if __name__ == "__main__":
    main(sys.argv[1:])
