"""Commands run as by a user, in this process or in a separate one, and the files they are given."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import anndata
import numpy as np
import pandas as pd

from sequoia_stats.cli.app import run
from sequoia_stats.io import write_cohort
from sequoia_stats.types.cohort import Cohort
from tests.build.cohorts import make_cohort, make_signature
from tests.build.processes import start

#: What `cohort convert` needs to know about the tables of `tests.build.studies.write_tidy`.
SAID = ["--id-column", "patient", "--time-column", "months", "--event-column", "status"]
SAID += ["--time-unit", "months", "--endpoint", "RFS"]
#: Genes and coefficients of the signature that `write_signature` writes.
COEFFICIENTS = {"G1": 0.8, "G2": -0.4}


class Answer(NamedTuple):
    """The result of a command: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """All of stdout as one JSON object."""
        content = json.loads(self.out, parse_constant=_refuse)
        assert isinstance(content, dict)
        return content


def _refuse(word: str) -> None:
    raise AssertionError(f"{word} is not JSON")


def sequoia(capsys: Any, *arguments: object) -> Answer:
    """Run a command in this process."""
    capsys.readouterr()
    code = run([str(argument) for argument in arguments])
    return Answer(code, *capsys.readouterr())


def sequoia_model(capsys: Any, *arguments: object) -> Answer:
    """Run a command of the model in this process."""
    from sequoia_model.cli.app import run as run_model

    capsys.readouterr()
    code = run_model([str(argument) for argument in arguments])
    return Answer(code, *capsys.readouterr())


def process(*arguments: object, **environment: str) -> subprocess.Popen[str]:
    """Start a command in a separate process, as the shell does."""
    code = "from sequoia_stats.cli.app import main; main()"
    return start(code, *arguments, env=os.environ | environment, cwd=Path(__file__).parents[2])


def finished(started: subprocess.Popen[str]) -> Answer:
    """Wait for a process."""
    out, err = started.communicate(timeout=120)
    return Answer(started.returncode, out, err)


def wait_for_reader(pipe: Path, seconds: float = 60) -> int:
    """The writing end of a named pipe, once it has been opened for reading."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        time.sleep(0.05)
    raise TimeoutError(f"nobody reads {pipe}")


def write_made_cohort(path: Path, **options: Any) -> Cohort:
    """A cohort with two planted genes, and its file."""
    cohort = make_cohort(**{"n": 60, "events": 40, "genes": 12, "planted": {"G1": 1.0, "G2": -0.8}} | options)
    write_cohort(cohort, path)
    return cohort


def write_signature(
    path: Path,
    coefficients: Mapping[str, float] = COEFFICIENTS,
    transform: str = "rank",
    trained_on: Sequence[str] | None = (),
) -> Path:
    """A signature made without a fit; see `make_signature`."""
    make_signature(make_cohort(n=60, genes=12, seed=3), coefficients, transform, trained_on).save(path)
    return path


def write_adata(path: Path, expression: pd.DataFrame, **obs: object) -> Path:
    """AnnData as any user might have it: rows × genes, and columns of obs."""
    table = pd.DataFrame(obs, index=expression.index.astype(str).rename(None))
    var = pd.DataFrame(index=expression.columns.astype(str))
    anndata.AnnData(expression.to_numpy(np.float64), table, var).write_h5ad(path)
    return path


def left_in(folder: Path) -> list[str]:
    """Names of everything in a folder, including hidden files."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
