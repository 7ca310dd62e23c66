"""``sequoia-stats ora``, as scripts rely on it."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
import typer

from sequoia_stats import ora
from sequoia_stats.cli.app import app
from sequoia_stats.sets.collections import load, read_gmt, write_gmt
from tests.build.cohorts import make_cohort, make_signature
from tests.build.commands import left_in, sequoia

COLUMNS = ["list", "set", "overlap", "set_size", "list_size", "universe", "p", "p_bh", "genes"]
HYPOXIA = load("hallmark")["HALLMARK_HYPOXIA"]


@pytest.fixture
def files(tmp_path):
    """A universe (every gene of Hallmark but one, and one more), and two lists."""
    universe = [gene for gene in load("hallmark").genes if gene != HYPOXIA[0]] + ["EXTRA"]
    (tmp_path / "universe.txt").write_text("\n".join(universe))
    (tmp_path / "low oxygen.txt").write_text("\n".join(HYPOXIA[:50]))
    (tmp_path / "two.csv").write_text("list,gene\nfirst,EXTRA\nfirst,TP53\nsecond,TP53\n")
    return [tmp_path / "low oxygen.txt", tmp_path / "two.csv", "--universe", tmp_path / "universe.txt"]


def written(path):
    return pd.read_csv(path, keep_default_na=False, float_precision="round_trip")


def test_the_command_has_the_options_of_the_contract():
    found = {
        option
        for parameter in typer.main.get_command(app).commands["ora"].params
        for option in parameter.opts
    }
    options = [
        "--universe",
        "--sets",
        "--output",
        "-o",
        "--min-size",
        "--max-size",
        "--aliases",
        "--force",
        "--json",
    ]
    assert set(options) <= found


def test_the_table_has_a_row_for_every_list_and_set(capsys, tmp_path, files):
    answer = sequoia(capsys, "ora", *files, "--sets", "hallmark", "-o", tmp_path / "ora.csv")
    table = written(tmp_path / "ora.csv")
    assert answer.code == 0
    assert list(table.columns) == COLUMNS
    assert table["list"].value_counts().to_dict() == {"low oxygen": 50, "first": 50, "second": 50}
    top = table.iloc[0]
    assert top[["list", "set", "overlap", "set_size", "list_size", "universe"]].tolist() == [
        "low oxygen", "HALLMARK_HYPOXIA", 49, 199, 49, 4384
    ]  # fmt: skip
    assert top["genes"] == ";".join(sorted(HYPOXIA[1:50]))


def test_the_numbers_are_those_of_the_function_to_the_last_digit(capsys, tmp_path, files):
    sequoia(
        capsys,
        "ora",
        *files,
        "--sets",
        "kegg",
        "-o",
        tmp_path / "ora.csv",
        "--min-size",
        "20",
        "--max-size",
        "90",
    )
    universe = (tmp_path / "universe.txt").read_text().split("\n")
    lists = {"low oxygen": HYPOXIA[:50], "first": ["EXTRA", "TP53"], "second": ["TP53"]}
    want = ora.hypergeometric(lists, load("kegg"), universe=universe, min_size=20, max_size=90)
    pd.testing.assert_frame_equal(written(tmp_path / "ora.csv"), want, check_exact=True)


def test_genes_outside_the_universe_are_dropped_and_counted(capsys, tmp_path, files):
    answer = sequoia(capsys, "ora", *files, "--sets", "hallmark", "-o", tmp_path / "ora.csv")
    (line,) = (line for line in answer.err.splitlines() if "list low oxygen" in line)
    words = f"list low oxygen: genes in the universe 50 → 49 1 outside the universe ({HYPOXIA[0]})"
    assert line.split() == words.split()
    assert answer.out.splitlines()[0].startswith("low oxygen: ")


def test_json_is_one_object_with_the_counts_and_the_ledger(capsys, tmp_path, files):
    output = tmp_path / "ora.csv"
    answer = sequoia(capsys, "ora", *files, "--sets", "hallmark", "-o", output, "--json")
    assert set(answer.json) == {"output", "universe", "lists", "flow", "notices"}
    assert (answer.json["output"], answer.json["universe"]) == (str(output), 4384)
    significant = (written(output).groupby("list", sort=False)["p_bh"].min() < 0.05).tolist()
    assert [row["significant"] > 0 for row in answer.json["lists"]] == significant
    assert answer.json["lists"][0] | {"significant": 0} == {
        "list": "low oxygen", "collection": "hallmark", "genes": 49, "sets": 50, "significant": 0
    }  # fmt: skip
    assert {"step", "n_before", "n_after", "reason"} == set(answer.json["flow"][0])


def test_the_notice_of_kegg_is_in_the_json_too(capsys, tmp_path, files):
    answer = sequoia(capsys, "ora", *files, "--sets", "kegg", "-o", tmp_path / "ora.csv", "--json")
    assert len(answer.json["notices"]) == 1 and answer.json["notices"][0] in answer.err


def test_several_collections_are_in_one_table_with_their_notices(capsys, tmp_path, files):
    write_gmt(load("hallmark"), tmp_path / "mine.gmt.gz")
    sets = ["--sets", "kegg", "--sets", tmp_path / "mine.gmt.gz"]
    answer = sequoia(capsys, "ora", *files, *sets, "-o", tmp_path / "ora.csv")
    table = written(tmp_path / "ora.csv")
    assert list(table.columns) == [*COLUMNS, "collection"]
    assert table["collection"].unique().tolist() == ["kegg", "mine"]
    assert "© Kanehisa Laboratories" in answer.err


def test_missing_descriptions_are_reported(capsys, tmp_path, files):
    (tmp_path / "s.gmt").write_text("A\tTP53\tESR1\tPGR\nB\tESR1\tTP53\tPGR\n")
    command = ["ora", *files, "--min-size", "1", "--sets", tmp_path / "s.gmt", "-o", tmp_path / "ora.csv"]
    answer = sequoia(capsys, *command)
    assert answer.code == 0
    assert "s.gmt: the second column" in answer.err
    assert "contains gene names (TP53, ESR1): is the description missing?" in answer.err


def test_former_names_count_where_asked(capsys, tmp_path):
    (tmp_path / "u.txt").write_text("\n".join(["NDC80", "NUF2", *(f"G{i}" for i in range(9))]))
    (tmp_path / "l.txt").write_text("KNTC2\nG1\n")
    (tmp_path / "s.gmt").write_text("S\t\tKNTC2\tCDCA1\n")
    command = ["ora", tmp_path / "l.txt", "--universe", tmp_path / "u.txt", "--sets", tmp_path / "s.gmt"]
    command += ["--min-size", "1", "-o", tmp_path / "ora.csv"]
    refused, found = sequoia(capsys, *command), sequoia(capsys, *command, "--aliases")
    assert (refused.code, found.code) == (2, 0)
    assert "--aliases" in refused.err
    assert written(tmp_path / "ora.csv")["genes"].tolist() == ["NDC80"]


def test_a_table_of_genes_may_be_the_universe(capsys, tmp_path, files):
    (tmp_path / "genes.csv").write_text(
        "gene,r\n" + "".join(f"{gene},0.5\n" for gene in load("hallmark").genes)
    )
    answer = sequoia(
        capsys,
        "ora",
        files[0],
        "--universe",
        tmp_path / "genes.csv",
        "--sets",
        "hallmark",
        "-o",
        tmp_path / "ora.csv",
    )
    assert answer.code == 0
    assert written(tmp_path / "ora.csv")["universe"].unique().tolist() == [4384]


def test_an_output_that_exists_is_kept_unless_forced(capsys, tmp_path, files):
    (tmp_path / "ora.csv").write_text("mine")
    before = left_in(tmp_path)
    command = ["ora", *files, "--sets", "hallmark", "-o", tmp_path / "ora.csv"]
    assert sequoia(capsys, *command).code == 2
    assert (tmp_path / "ora.csv").read_text() == "mine"
    assert sequoia(capsys, *command, "--force").code == 0
    assert left_in(tmp_path) == before


def test_two_runs_give_the_same_bytes(capsys, tmp_path, files):
    for name in ("a.csv", "b.csv"):
        sequoia(capsys, "ora", *files, "--sets", "hallmark", "-o", tmp_path / name)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def write_signature(path, candidates, genes=("G1", "G3")):
    """A signature of these genes, whose candidates are given or, as in version 0.1, unknown."""
    signature = make_signature(make_cohort(), dict.fromkeys(genes, 1.0))
    training = {word: value for word, value in signature.training.items() if word != "candidates"}
    if candidates is not None:
        training |= {"candidates": list(candidates), "n_candidates": len(candidates)}
    replace(signature, training=training).save(path)
    return path


def test_the_universe_of_a_signature_are_its_candidates(capsys, tmp_path):
    path = write_signature(tmp_path / "sig.json", ["G1", "G2", "G3", "G4", "G9"])
    (tmp_path / "sets.gmt").write_text("S\t\tG1\tG2\tX\nT\t\tG3\tG4\tG9\n")
    command = ["ora", path, "--sets", tmp_path / "sets.gmt", "--min-size", 1, "-o", tmp_path / "ora.csv"]
    assert sequoia(capsys, *command).code == 0
    sets = read_gmt(tmp_path / "sets.gmt")
    wanted = ora.hypergeometric(
        {"sig": ["G1", "G3"]}, sets, universe=["G1", "G2", "G3", "G4", "G9"], min_size=1
    )
    pd.testing.assert_frame_equal(written(tmp_path / "ora.csv"), wanted, check_dtype=False)


def test_the_universe_that_is_told_is_the_one_that_was_tested(capsys, tmp_path):
    (tmp_path / "list.txt").write_text("G1\nNA\n")
    (tmp_path / "all.txt").write_text("HGNC symbol\nG1\nG2\nG3\nNA\n")
    (tmp_path / "sets.gmt").write_text("S\t\tG1\tG2\n")
    command = [
        "ora",
        tmp_path / "list.txt",
        "--universe",
        tmp_path / "all.txt",
        "--sets",
        tmp_path / "sets.gmt",
    ]
    answer = sequoia(capsys, *command, "--min-size", 1, "-o", tmp_path / "ora.csv", "--json")
    assert answer.json["universe"] == 3 == written(tmp_path / "ora.csv")["universe"][0]


def test_a_given_universe_takes_precedence_over_candidates(capsys, tmp_path, files):
    path = write_signature(tmp_path / "sig.json", None)
    (tmp_path / "sets.gmt").write_text("S\t\tG1\tG2\n")
    (tmp_path / "all.txt").write_text("G1\nG2\nG3\n")
    answer = sequoia(
        capsys, "ora", path, "--universe", tmp_path / "all.txt", "--sets", tmp_path / "sets.gmt",
        "--min-size", 1, "-o", tmp_path / "ora.csv", "--json",
    )  # fmt: skip
    assert answer.code == 0 and answer.json["universe"] == 3


@pytest.mark.parametrize(
    ("others", "words"),
    [
        ([None], ["only signatures that name their candidate genes", "--universe FILE"]),
        ([["G1", "G2"], ["G1", "G3"]], ["different candidate genes", "one by one"]),
        ([["G1", "G2"], "list.txt"], ["only signatures that name their candidate genes"]),
    ],
)
def test_lists_without_a_common_universe_need_one(capsys, tmp_path, others, words):
    (tmp_path / "list.txt").write_text("G1\n")
    lists = [
        tmp_path / other if isinstance(other, str) else write_signature(tmp_path / f"{i}.json", other)
        for i, other in enumerate(others)
    ]
    answer = sequoia(capsys, "ora", *lists, "--sets", "hallmark", "-o", tmp_path / "ora.csv")
    assert answer.code == 2 and not (tmp_path / "ora.csv").exists()
    assert [word for word in words if word not in answer.err] == []
