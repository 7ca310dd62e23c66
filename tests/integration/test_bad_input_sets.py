"""Bad input for `ora` and `gsea` is one table: files that are wrong, and the words of the error.

A builder writes files into an empty folder and returns the arguments of the command; the output is ``out.csv``.
"""

from __future__ import annotations

import gzip

import pytest

from tests.build.commands import left_in, sequoia

GENES = [f"G{i}" for i in range(1, 31)]
UNIVERSE = "\n".join(GENES) + "\n"
SETS = "\t".join(["S1", "one", *GENES[:8]]) + "\n" + "\t".join(["S2", "two", *GENES[5:20]]) + "\n"
SCORES = "gene,n,r\n" + "".join(f"{gene},40,{30 - i}\n" for i, gene in enumerate(GENES))


def put(folder, name, content):
    if content is not None:
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def ora(*options, genes="G1\nG2\nG7\n", universe=UNIVERSE, sets=SETS, also=(), gmt="sets.gmt"):
    """`ora` of a list; None leaves out a file."""

    def build(folder):
        for name, content in (("list.txt", genes), ("universe.txt", universe), (gmt, sets), *also):
            put(folder, name, content)
        files = [
            folder / "list.txt",
            *(folder / name for name, _ in also),
            "--universe",
            folder / "universe.txt",
        ]
        chosen = options if "--sets" in options else ["--sets", folder / gmt, *options]
        return ["ora", *files, *chosen, "-o", folder / "out.csv"]

    return build


def gsea(*options, scores=SCORES, sets=SETS):
    """`gsea` of a table of scores."""

    def build(folder):
        put(folder, "genes.csv", scores)
        put(folder, "sets.gmt", sets)
        command = ["gsea", folder / "genes.csv", "--sets", folder / "sets.gmt", "--permutations", "10"]
        return [*command, *options, "-o", folder / "out.csv"]

    return build


def as_scores(change):
    """The table of scores with a text replaced."""
    return SCORES.replace(*change)


BAD = {
    # sets
    "an empty GMT": (ora(sets=""), ["the file is empty", "sets.gmt"]),
    "a GMT with spaces for tabs": (ora(sets=SETS.replace("\t", " ")), ["spaces instead of tabs", "sets.gmt, row 1"]),
    "a GMT with commas": (ora(sets=SETS.replace("\t", ",")), ["commas instead of tabs", "sets.gmt, row 1"]),
    "a GMT with spaces between genes": (ora(sets=SETS.replace("\tG2\t", "\tG2 ")), ["'G2 G3'", "S1"]),
    "a set without genes": (ora(sets=SETS + "S3\tthree\n"), ["the set S3 has no genes", "row 3"]),
    "a set that occurs twice": (ora(sets=SETS + SETS), ["the set S1 is duplicated", "row 3"]),
    "a GMT with a date": (ora(sets=SETS + "S3\tx\tG1\tSep-07\n"), ["Sep-07", "set S3", "SEPTIN7"]),
    "a binary GMT": (ora(sets=bytes(range(256))), ["binary", "sets.gmt"]),
    "a GMX": (ora(gmt="sets.gmx"), ["each column is a set", "sets.gmx", "turn rows into columns"]),
    "a GMT called gz that is not": (ora(gmt="sets.gmt.gz"), ["not compressed", "sets.gmt.gz"]),
    "a truncated GMT": (
        ora(sets=gzip.compress(SETS.encode())[:-9], gmt="sets.gmt.gz"), ["truncated or damaged", "sets.gmt.gz"]
    ),
    "a collection that is not there": (ora("--sets", "halmark"), ["'halmark'", "hallmark|gobp|kegg|c8"]),
    "a folder for a GMT": (ora("--sets", "."), ["a folder was given"]),
    "the same collection twice": (
        ora("--sets", "hallmark", "--sets", "hallmark"), ["two collections are called hallmark"]
    ),
    "all sets outside the universe": (
        ora("--sets", "hallmark"), ["no gene of hallmark (50 sets) is in the universe of 30", "G1"]
    ),
    "no set of allowed size": (ora("--min-size", "20"), ["no set of allowed size", "2 with fewer than 20 genes"]),
    "limits that leave no size": (ora("--min-size", "9", "--max-size", "3"), ["no set can have 9 to 3 genes"]),
    "a smallest size of 0": (ora("--min-size", "0"), ["--min-size"]),
    # lists
    "all genes outside the universe": (
        ora(genes="ENSG01\nENSG02\n"), ["no gene of the list 'list' is in the universe of 30", "ENSG01"]
    ),
    "a list of probes": (
        ora(genes="1007_s_at\n1053_at\n"),
        ["no gene of the list 'list'", "one kind on both sides", "of the list, 2 of 2 names are Affymetrix probe ids"],
    ),
    "a list of lower case": (ora(genes="g1\ng2\n"), ["no gene of the list 'list'", "matched exactly"]),
    "an empty list": (ora(genes=""), ["the file is empty", "list.txt"]),
    "a list of a title": (ora(genes="gene\n"), ["is empty", "list.txt"]),
    "a list that is not there": (ora(genes=None), ["does not exist", "list.txt"]),
    "a list with a date": (ora(genes="G1\n2-Sep\n"), ["2-Sep (gene 2, SEPTIN2)", "list list", "list.txt"]),
    "a list with a date of slashes": (ora(genes="G1\n01/03/2020\n"), ["01/03/2020 (gene 2, symbol unknown)"]),
    "a list in one line": (ora(genes="G1,G2,G3\n"), ["a row has 3 fields", "list.txt, row 1", "one gene per line"]),
    "a list in columns": (ora(genes="G1\tG2\nG3\tG4\n"), ["a row has 2 fields", "list.txt, row 1"]),
    "lists without a header": (ora(genes="a,G1\nb,G2\n"), ["a row has 2 fields", "column gene"]),
    "a level without a well-predicted gene": (
        ora(also=[("g.csv", "cancer,gene,well_predicted\nA,G1,False\nB,G1,True\n")]),
        ["1 of 2 levels has no well-predicted gene: A", "g.csv, column 'cancer'", "leave the level out"],
    ),
    "one level in two tables": (
        ora(also=[(f"{i}.csv", "cancer,gene,well_predicted\nA,G1,True\n") for i in (1, 2)]),
        ["two lists are called 'A'", "1.csv", "2.csv", "rename it in one of the tables"],
    ),
    "a table of genes for a list": (ora(genes=SCORES), ["a table of genes with 3 columns", "columns list and gene"]),
    "two lists of one name": (ora(also=[("list.csv", "G3\n")]), ["two lists are called 'list'", "list.csv"]),
    "one of two lists outside": (
        ora(also=[("more.csv", "list,gene\na,G1\nb,X1\n")]), ["no gene of the list 'b'"]
    ),
    "a list without a gene": (ora(also=[("more.csv", "list,gene\na,G1\nb,\n")]), ["1 row has no gene", "more.csv"]),
    # universe
    "a universe that is not there": (ora(universe=None), ["does not exist", "universe.txt"]),
    "an empty universe": (ora(universe="\n"), ["the file is empty", "universe.txt"]),
    "a universe in one line": (ora(universe=";".join(GENES)), ["a row has 30 fields", "universe.txt, row 1"]),
    "a universe with a date": (ora(universe=UNIVERSE + "1-Mar\n"), ["1-Mar (gene 31, MARCHF1)", "universe.txt"]),
    # scores
    "no column of scores": (gsea("--rank", "rho"), ["the column 'rho' is not in the table", "--rank", "gene, n, r"]),
    "no column of genes": (gsea(scores=as_scores(("gene,", "name,"))), ["the column 'gene' is not in the table"]),
    "a missing score": (
        gsea(scores=as_scores((",25\n", ",\n"))), ["1 row has no score", "rows 7", "--drop-missing"]
    ),
    "a score of NaN": (gsea(scores=as_scores((",25\n", ",nan\n"))), ["1 row has no score", "genes.csv"]),
    "an infinite score": (gsea(scores=as_scores((",25\n", ",inf\n"))), ["1 score is not a finite number", "rows 7"]),
    "a score of text": (gsea(scores=as_scores((",25\n", ",high\n"))), ["1 score is not a finite number", "'r'"]),
    "a gene that occurs twice": (gsea(scores=SCORES + "G4,40,1\n"), ["1 gene is duplicated: G4", "--by"]),
    "a date among the genes": (gsea(scores=as_scores(("G3,", "1-Dec,"))), ["1-Dec", "DELEC1", "genes.csv"]),
    "scores that are all equal": (gsea("--rank", "n"), ["30 genes cannot be ranked", "genes.csv"]),
    "no level column": (gsea("--by", "cancer"), ["the column 'cancer' is not in the table"]),
    "all sets outside the ranking": (
        gsea(sets="S1\t\tX1\tX2\n"), ["no gene of sets (1 set) is in the universe of 30", "X1"]
    ),
    "sets of every gene only": (gsea(sets="\t".join(["S", "", *GENES]) + "\n"), ["1 with every gene"]),
    "an empty table of scores": (gsea(scores=""), ["the file is empty", "genes.csv"]),
    "no permutations": (gsea("--permutations", "0"), ["--permutations"]),
    "a negative seed": (gsea("--seed", "-1"), ["--seed"]),
}  # fmt: skip


@pytest.mark.parametrize(("build", "words"), BAD.values(), ids=BAD)
def test_bad_input_ends_with_2_a_reason_and_nothing_behind(capsys, tmp_path, monkeypatch, build, words):
    command = build(tmp_path)
    monkeypatch.chdir(tmp_path)
    before = left_in(tmp_path)
    answer = sequoia(capsys, *command)
    assert answer.code == 2, answer.err
    assert [word for word in words if word not in answer.err] == [], answer.err
    assert "Traceback" not in answer.err
    assert answer.out == ""
    assert left_in(tmp_path) == before


def test_an_error_under_json_is_one_object(capsys, tmp_path):
    answer = sequoia(capsys, *ora("--json", genes="X1\n")(tmp_path))
    assert answer.code == 2
    assert set(answer.json["error"]) == {"what", "where", "fix"}


@pytest.mark.parametrize(
    "build",
    [
        ora(genes="\ufeffG1\r\nG2\r\n"),
        ora(genes="# my genes\nSymbol\n\nG1\n  G2 \nG1\n"),
        ora(sets="\ufeff" + SETS.replace("\n", "\r\n")),
        ora(sets=gzip.compress(SETS.encode()), gmt="sets.gmt.gz"),
        ora(sets=SETS.replace("\n", "\t\t\n") + "\n\n"),
        ora(universe="gene,r\n" + "".join(f"{gene},1\n" for gene in GENES)),
        ora(universe="gene;r\n" + "".join(f"{gene};0,5\n" for gene in GENES)),
        gsea(scores=SCORES.replace(",", "\t")),
        gsea(scores=SCORES.replace(",", ";")),
    ],
    ids=[
        "windows",
        "comments",
        "mark",
        "gzip",
        "trailing tabs",
        "a table",
        "a table of semicolons",
        "tabs",
        "semicolons",
    ],
)
def test_odd_but_good_input_is_read(capsys, tmp_path, build):
    answer = sequoia(capsys, *build(tmp_path))
    assert answer.code == 0, answer.err
