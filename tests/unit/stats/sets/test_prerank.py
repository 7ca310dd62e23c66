"""gseapy in another process: the same numbers, no second run of the caller, and errors that are reported."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sequoia_stats.errors import SequoiaError
from sequoia_stats.sets import _prerank
from sequoia_stats.sets.collections import GeneSets
from sequoia_stats.sets.gsea import preranked

pytestmark = pytest.mark.slow

RANKS = pd.Series(np.linspace(1, -0.8, 60).round(1), [f"G{i:02d}" for i in range(60)])
SETS = GeneSets("x", {"top": tuple(RANKS.index[:8]), "spread": tuple(RANKS.index[::6])})
SCRIPT = """
import numpy as np, pandas as pd
from sequoia_stats.sets import _prerank
from sequoia_stats.sets.collections import GeneSets
from sequoia_stats.sets.gsea import preranked
print("begun")
_prerank.QUICK = 0
ranks = pd.Series(np.linspace(1, -1, 40), [f"G{i}" for i in range(40)])
print(preranked(ranks, GeneSets("x", {"top": tuple(ranks.index[:6])}), permutations=5).loc[0, "leading_edge"])
"""


@pytest.fixture
def apart(monkeypatch):
    """Use another process, however little there is to do."""
    monkeypatch.setattr(_prerank, "QUICK", 0)


def test_a_process_of_its_own_gives_the_same_table(monkeypatch, capfd):
    here = preranked(RANKS, SETS, permutations=50, seed=2)
    monkeypatch.setattr(_prerank, "QUICK", 0)
    monkeypatch.setattr(_prerank, "_prerank", None)
    there = preranked(RANKS, SETS, permutations=50, seed=2)
    pd.testing.assert_frame_equal(here, there, check_exact=True)
    assert tuple(capfd.readouterr()) == ("", "")


def test_a_script_without_a_main_guard_runs_once_whatever_lies_in_its_folder(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "gseapy.py").write_text("raise SystemExit('not this one')")
    done = subprocess.run(
        [sys.executable, tmp_path / "script.py"], capture_output=True, text=True, cwd=tmp_path / "work",
        env=os.environ | {"PYTHONPATH": str(Path(_prerank.__file__).parents[2])},
    )  # fmt: skip
    assert done.stdout.split() == ["begun", "G0;G1;G2;G3;G4;G5"], done.stderr


def test_a_process_that_dies_is_an_error_with_advice(apart, monkeypatch):
    monkeypatch.setattr(_prerank, "_prerank_elsewhere", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    with pytest.raises(SequoiaError, match="the process that ran gseapy died") as caught:
        preranked(RANKS, SETS, permutations=5)
    assert "memory" in caught.value.fix


def test_an_error_in_the_other_process_arrives_here(apart, monkeypatch):
    def torn(*_):
        raise ValueError("torn")

    monkeypatch.setattr(_prerank, "_prerank_elsewhere", torn)
    with pytest.raises(ValueError, match="torn"):
        preranked(RANKS, SETS, permutations=5)


def test_an_interrupt_in_the_caller_ends_the_process(apart, monkeypatch):
    workers = []

    class Interrupted(_prerank.ProcessPoolExecutor):
        def submit(self, *_):
            workers.append(super().submit(os.getpid).result())
            raise KeyboardInterrupt

    monkeypatch.setattr(_prerank, "ProcessPoolExecutor", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        preranked(RANKS, SETS, permutations=5)
    assert not is_running(workers[0])


def is_running(pid):
    """Whether a process is there and is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
