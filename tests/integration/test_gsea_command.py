"""``sequoia-stats gsea``, as scripts rely on it."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer

from sequoia_stats.cli.app import app
from sequoia_stats.sets import gsea
from sequoia_stats.sets.collections import read_gmt
from sequoia_stats.sets.gsea import preranked
from tests.build.commands import finished, left_in, process, sequoia

pytestmark = pytest.mark.slow

COLUMNS = ["set", "size", "es", "nes", "p", "p_bh", "leading_edge"]
GENES = [f"G{i:02d}" for i in range(60)]
QUICK = ["--permutations", "50", "--threads", "1"]


@pytest.fixture
def files(tmp_path):
    """A table as `genes` writes it, with two constant genes, and a GMT file."""
    r = np.linspace(0.9, -0.3, 60).round(4)
    r[[30, 40]] = 0.0
    table = pd.DataFrame({"gene": GENES, "n": 40, "r": r, "p": 0.5, "z": r[::-1], "failed": ""})
    table.to_csv(tmp_path / "genes.csv", index=False)
    (tmp_path / "sets.gmt").write_text(
        "\t".join(["TOP", "", *GENES[:7]])
        + "\n"
        + "\t".join(["BOTTOM", "", *GENES[-7:], "NOT_MEASURED"])
        + "\n"
    )
    return [tmp_path / "genes.csv", "--sets", tmp_path / "sets.gmt", "-o", tmp_path / "gsea.csv", *QUICK]


def written(path):
    return pd.read_csv(path, keep_default_na=False, float_precision="round_trip")


def test_the_command_has_the_options_of_the_contract():
    found = {
        option
        for parameter in typer.main.get_command(app).commands["gsea"].params
        for option in parameter.opts
    }
    options = [
        "--sets",
        "--output",
        "-o",
        "--rank",
        "--by",
        "--permutations",
        "--seed",
        "--min-size",
        "--max-size",
    ]
    assert {*options, "--aliases", "--jobs", "--threads", "--force", "--json"} <= found


def test_by_default_there_is_a_thread_per_core_that_the_process_may_use(capsys, monkeypatch, files):
    seen = []
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2}, raising=False)
    monkeypatch.setattr(
        gsea, "preranked", lambda *given, jobs, **options: seen.append(jobs) or preranked(*given, **options)
    )
    assert sequoia(capsys, "gsea", *files[: -len(QUICK)], "--permutations", "50").code == 0
    assert seen == [3]


def test_what_genes_wrote_is_ranked_by_r(capsys, tmp_path, files):
    answer = sequoia(capsys, "gsea", *files)
    table = written(tmp_path / "gsea.csv")
    ranks = pd.read_csv(tmp_path / "genes.csv", index_col="gene")["r"]
    want = preranked(ranks, read_gmt(tmp_path / "sets.gmt"), permutations=50)
    assert answer.code == 0
    assert list(table.columns) == COLUMNS
    pd.testing.assert_frame_equal(table, want, check_exact=True)
    assert set(table["leading_edge"]) == {";".join(GENES[:7]), ";".join(reversed(GENES[-7:]))}


def test_ties_losses_and_the_place_are_told_on_stderr_only(capsys, tmp_path, files):
    answer = sequoia(capsys, "gsea", *files)
    assert "2 with the score of another gene (2 with 0)" in answer.err
    assert "1 not in the universe of 60" in answer.err
    assert answer.err.splitlines()[-1] == f"written to {tmp_path / 'gsea.csv'}"
    assert answer.out.splitlines() == ["2 of 2 sets have p_bh < 0.05"]


def test_json_is_one_object(capsys, tmp_path, files):
    answer = sequoia(capsys, "gsea", *files, "--json")
    assert answer.json | {"flow": []} == {
        "output": str(tmp_path / "gsea.csv"), "rank": "r", "genes": 60, "sets": 2, "significant": 2, "flow": [],
        "notices": [],
    }  # fmt: skip
    assert len(answer.json["flow"]) == 2


def test_another_column_may_rank_the_genes(capsys, tmp_path, files):
    sequoia(capsys, "gsea", *files, "--rank", "z")
    table = written(tmp_path / "gsea.csv").set_index("set")
    assert table["es"]["BOTTOM"] == pytest.approx(1.0)


def test_levels_are_ranked_apart(capsys, tmp_path, files):
    table = pd.read_csv(tmp_path / "genes.csv")
    other = table.assign(r=table["r"].to_numpy()[::-1])
    both = pd.concat([table.assign(cancer="LUAD"), other.assign(cancer="BRCA")])
    both.to_csv(tmp_path / "genes.csv", index=False)
    answer = sequoia(capsys, "gsea", *files, "--by", "cancer", "--json")
    got = written(tmp_path / "gsea.csv")
    assert list(got.columns) == ["cancer", *COLUMNS]
    assert (
        got.set_index(["cancer", "set"]).es["LUAD", "TOP"]
        == got.set_index(["cancer", "set"]).es["BRCA", "BOTTOM"]
    )
    assert answer.json["genes"] == {"LUAD": 60, "BRCA": 60}
    assert answer.json["flow"][0]["step"].startswith("LUAD: ")


def test_the_seed_gives_the_same_bytes_and_another_seed_other_ones(capsys, tmp_path, files):
    sequoia(capsys, "gsea", *files)
    first = (tmp_path / "gsea.csv").read_bytes()
    sequoia(capsys, "gsea", *files, "--force", "--threads", "2")
    again = (tmp_path / "gsea.csv").read_bytes()
    sequoia(capsys, "gsea", *files, "--force", "--seed", "1")
    assert first == again != (tmp_path / "gsea.csv").read_bytes()


def test_nothing_but_the_table_is_left_behind(capsys, tmp_path, files, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = left_in(tmp_path)
    assert sequoia(capsys, "gsea", *files).code == 0
    assert left_in(tmp_path) == sorted([*before, "gsea.csv"])


# --- interrupted while gseapy works --------------------------------------------------------------------------------


@pytest.fixture
def in_gseapy(tmp_path):
    """A command that would take a minute, and the process in which gseapy works for it."""
    genes, rng = [f"G{i}" for i in range(3000)], np.random.default_rng(0)
    pd.DataFrame({"gene": genes, "r": np.linspace(0.9, -0.3, 3000)}).to_csv(tmp_path / "g.csv", index=False)
    sets = ["\t".join([f"S{i}", "", *rng.choice(genes, 50, replace=False)]) for i in range(100)]
    (tmp_path / "s.gmt").write_text("\n".join(sets) + "\n")
    started = process(
        "gsea", tmp_path / "g.csv", "--sets", tmp_path / "s.gmt", "-o", tmp_path / "out.csv",
        "--permutations", 20_000, "--threads", 1,
    )  # fmt: skip
    try:
        yield started, wait_until(lambda: child_in_gseapy(started.pid))
    finally:
        started.kill()
        started.communicate()


def child_in_gseapy(pid):
    """The child of a process, after it has computed in gseapy's library for a second."""
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        if "/gseapy/" in Path(f"/proc/{child}/maps").read_text():
            busy = cpu_seconds(child)
            time.sleep(1)
            return int(child) if cpu_seconds(child) > max(busy, 2.0) else None
    return None


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wait_until(look, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.05)
    raise TimeoutError


def is_gone(pid):
    """Whether a process has ended, or is a zombie that its new parent has not reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_ctrl_c_is_heard_while_gseapy_works_and_leaves_nothing(tmp_path, in_gseapy):
    started, child = in_gseapy
    started.send_signal(signal.SIGINT)
    before = time.monotonic()
    answer = finished(started)
    assert time.monotonic() - before < 20
    assert (answer.code, answer.out) == (130, "")
    assert answer.err.splitlines()[-1] == "interrupted"
    assert is_gone(child)
    assert left_in(tmp_path) == ["g.csv", "s.gmt"]


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_gseapy_ends_with_a_command_that_is_killed(in_gseapy):
    started, child = in_gseapy
    started.kill()
    assert wait_until(lambda: is_gone(child), 20)


def test_a_table_of_deseq2_is_ranked_by_its_statistic(capsys, tmp_path):
    """As R's write.csv writes it: names of rows in a column without a title, NA where there were no counts."""
    rows = [f'"G{i}",{100 - i},{20.5 - i},0.5,{(20.5 - i) * 2},0.01,0.02' for i in range(40)]
    header = '"","baseMean","log2FoldChange","lfcSE","stat","pvalue","padj"'
    text = "\n".join([header, *rows, '"NONE1",0,NA,NA,NA,NA,NA', '"NONE2",0,NA,NA,NA,NA,NA'])
    (tmp_path / "deseq2.csv").write_text(text + "\n")
    (tmp_path / "up.rnk").write_text("".join(f"G{i}\t{(20.5 - i) * 2}\n" for i in range(40)))
    (tmp_path / "s.gmt").write_text("TOP\t\t" + "\t".join(f"G{i}" for i in range(6)) + "\n")
    options = ["--sets", tmp_path / "s.gmt", "--permutations", 50]
    refused = sequoia(capsys, "gsea", tmp_path / "deseq2.csv", *options, "-o", tmp_path / "a.csv")
    assert refused.code == 2 and "2 rows have no score" in refused.err and "--drop-missing" in refused.err
    answer = sequoia(
        capsys,
        "gsea",
        tmp_path / "deseq2.csv",
        *options,
        "--drop-missing",
        "-o",
        tmp_path / "a.csv",
        "--json",
    )
    assert answer.code == 0 and answer.json["rank"] == "stat" and "2 without a score" in answer.err
    assert sequoia(capsys, "gsea", tmp_path / "up.rnk", *options, "-o", tmp_path / "b.csv").code == 0
    assert (tmp_path / "a.csv").read_text() == (tmp_path / "b.csv").read_text()
