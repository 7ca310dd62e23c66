"""Where outputs go: never over an input, and never in part if the disk is full."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

from tests.build.cohorts import make_predictions
from tests.build.commands import left_in, sequoia

pytestmark = pytest.mark.slow

SETS = "one\t\tG1\tG2\tG3\ntwo\t\tG4\tG5\n"


@pytest.fixture
def folder(tmp_path):
    """One of every kind of input."""
    made = make_predictions(n=20, genes=8)
    made.adata.write_h5ad(tmp_path / "p.h5ad")
    made.adata.write_h5ad(tmp_path / "q.h5ad")
    (tmp_path / "list.txt").write_text("G1\nG2\n")
    (tmp_path / "universe.txt").write_text("\n".join(f"G{i}" for i in range(1, 9)) + "\n")
    (tmp_path / "scores.csv").write_text("gene,r\n" + "".join(f"G{i},{i / 10}\n" for i in range(1, 9)))
    (tmp_path / "sets.gmt").write_text(SETS)
    return tmp_path


COMMANDS = {
    "genes": (["genes", "p.h5ad"], "p.h5ad"),
    "compare": (["compare", "p.h5ad", "q.h5ad"], "."),
    "ora, the list": (["ora", "list.txt", "--universe", "universe.txt", "--sets", "sets.gmt"], "list.txt"),
    "ora, the sets": (["ora", "list.txt", "--universe", "universe.txt", "--sets", "sets.gmt"], "sets.gmt"),
    "gsea": (["gsea", "scores.csv", "--sets", "sets.gmt"], "scores.csv"),
    "gsva": (["gsva", "p.h5ad", "--sets", "sets.gmt"], "p.h5ad"),
    "gsva, the reference": (
        ["gsva", "p.h5ad", "--sets", "sets.gmt", "-o", "scores.out", "--save-reference"], "sets.gmt",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("command", "output"), COMMANDS.values(), ids=COMMANDS)
def test_an_input_is_not_replaced_even_by_force(capsys, folder, monkeypatch, command, output):
    monkeypatch.chdir(folder.parent)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    words = [folder / word if (folder / word).is_file() or "." in word else word for word in command]
    last = [] if "--save-reference" in command else ["-o"]
    answer = sequoia(capsys, *words, *last, folder / output, "--force")
    assert answer.code == 2
    assert "would replace an input" in answer.err
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_a_full_disk_is_reported_and_leaves_nothing(folder):
    """A limit on the size of files simulates a full disk."""

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))

    quiet = "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)"
    code = f"{quiet}; from sequoia_stats.cli.app import main; main()"
    command = [sys.executable, "-c", code, "genes", "p.h5ad", "-o"]
    subprocess.run(
        [*command, "first.csv"], cwd=folder, check=True, capture_output=True
    )  # compiles, and caches it
    before = left_in(folder)
    done = subprocess.run([*command, "out.csv"], cwd=folder, capture_output=True, text=True, preexec_fn=limit)
    assert done.returncode == 2, done.stderr
    assert "cannot be written: File too large" in done.stderr
    assert left_in(folder) == before
