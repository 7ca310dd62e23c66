"""Bad input of ``gsva`` is one table: what is wrong, the command that reads it, and the words of its error."""

from __future__ import annotations

import numpy as np
import pytest

from tests.build.cohorts import make_predictions
from tests.build.commands import left_in, sequoia, write_adata, write_made_cohort
from tests.build.gsva import SETS, make_counts, make_table

GMT = "".join("\t".join([name, "", *genes]) + "\n" for name, genes in SETS.items())


def table(frame, *options, gmt=GMT, name="x.csv"):
    """`gsva` on a table and a GMT file."""

    def build(folder):
        frame.to_csv(folder / name, index_label="id")
        (folder / "sets.gmt").write_text(gmt)
        return ["gsva", folder / name, "--sets", folder / "sets.gmt", *options, "-o", folder / "out.csv"]

    return build


def text(content, *options):
    """`gsva` on the text of a table."""

    def build(folder):
        command = table(make_table(), *options)(folder)
        (folder / "x.csv").write_text(content)
        return command

    return build


def adata(frame, *options):
    """`gsva` on AnnData."""

    def build(folder):
        command = table(make_table(), *options)(folder)
        write_adata(folder / "x.h5ad", frame)
        return [command[0], folder / "x.h5ad", *command[2:]]

    return build


def against(frame, *options, reference=None):
    """`gsva` against a reference; or against a file of other content that a function writes."""

    def build(folder):
        from sequoia_stats.sets.gsva import Gsva

        Gsva({name: genes for name, genes in SETS.items() if name != "gone"}).fit(make_table()).save(
            folder / "r.h5"
        )
        if reference is not None:
            reference(folder / "r.h5")
        frame.to_csv(folder / "x.csv", index_label="id")
        return ["gsva", folder / "x.csv", "--reference", folder / "r.h5", *options, "-o", folder / "out.csv"]

    return build


def arguments(*words):
    """Words as they are; HERE is the folder."""
    return lambda folder: [str(word).replace("HERE", str(folder)) for word in words]


def with_value(value):
    made = make_table()
    made.loc["S3", "G4"] = value
    return made


def cut(path):
    path.write_bytes(path.read_bytes()[:3000])


BAD = {
    # values
    "a missing value": (
        table(with_value(np.nan)),
        ["1 value missing or infinite", "sample S3, gene G4", "x.csv"],
    ),
    "an infinite value": (table(with_value(np.inf)), ["infinite", "row 4", "'G4'", "x.csv"]),
    "a missing value in AnnData": (adata(with_value(np.nan)), ["sample S3, gene G4", "x.h5ad"]),
    "an infinite value in AnnData": (adata(with_value(-np.inf)), ["infinite", "S3, gene G4", "x.h5ad"]),
    "a word": (
        text(make_table().to_csv(index_label="id").replace("-", "low", 1)),
        ["is not a number", "row"],
    ),
    "all genes constant": (table(make_table() * 0 + 4), ["0 of 20 genes vary", "x.csv"]),
    "3 samples": (table(make_table(n=3)), ["3 samples given", "4 or more", "x.csv"]),
    "negative counts": (table(make_table(), "--kcdf", "poisson"), ["negative", "--kcdf gaussian", "x.csv"]),
    # names
    "genes as rows": (table(make_table().T), ["the samples have names of genes", "--genes-in rows"]),
    "columns said to be rows": (
        table(make_table(), "--genes-in", "rows"),
        ["the samples have names of genes", "--genes-in rows (or columns)"],
    ),
    "genes in no place": (table(make_table(), "--genes-in", "left"), ["in columns or in rows, not 'left'"]),
    "a date for a gene": (
        table(make_table().rename(columns={"G2": "1-Mar"})),
        ["1-Mar", "MARCHF1", "x.csv"],
    ),
    "a sample twice": (
        text(make_table().to_csv(index_label="id").replace("S2,", "S1,")),
        ["1 sample is duplicated: S1", "x.csv, column 'id', rows 2, 3", "an id of its own"],
    ),
    # sets
    "no sets": (arguments("gsva", "metabric", "-o", "HERE/out.csv"), ["no gene sets are given", "--sets"]),
    "sets that are not there": (
        arguments("gsva", "metabric", "--sets", "reactome", "-o", "HERE/out.csv"),
        ["'reactome' is neither a bundled collection nor a file", "hallmark|gobp|kegg|c8"],
    ),
    "an empty GMT": (table(make_table(), gmt=""), ["the file is empty", "sets.gmt"]),
    "a GMT with spaces": (
        table(make_table(), gmt=GMT.replace("\t", " ")),
        ["spaces instead of tabs", "sets.gmt, row 1"],
    ),
    "a set twice": (
        table(make_table(), gmt=GMT * 2),
        ["the set one is duplicated", "sets.gmt, row 5"],
    ),
    "all sets outside the table": (
        table(make_table().add_prefix("ENSG")),
        ["no gene of sets (4 sets)", "ENSGG1", "x.csv"],
    ),
    "no set of allowed size": (
        table(make_table(), "--min-size", 9),
        ["no set of allowed size", "--min-size"],
    ),
    "one collection twice": (
        arguments("gsva", "metabric", "--sets", "kegg", "--sets", "kegg", "-o", "HERE/out.csv"),
        ["two collections are called kegg"],
    ),
    # choices
    "an unknown kcdf": (
        table(make_table(), "--kcdf", "normal"),
        ["'normal' is not a valid kcdf", "gaussian, poisson, none"],
    ),
    "an unknown kernel": (
        table(make_table(), "--kernel", "erf"),
        ["'erf' is not a valid kernel", "table, exact"],
    ),
    "an unknown engine": (
        table(make_table(), "--engine", "java"),
        ["'java' is not a valid engine", "native, gseapy, r"],
    ),
    "a negative tau": (table(make_table(), "--tau", "-1"), ["tau must be 0 or more, but is -1"]),
    "a tau that is not a number": (
        table(make_table(), "--tau", "nan"),
        ["tau must be 0 or more, but is nan"],
    ),
    "sizes that cross": (
        table(make_table(), "--min-size", 5, "--max-size", 4),
        ["no set can have 5 to 4 genes"],
    ),
    "no threads": (table(make_table(), "--threads", 0), ["--jobs"]),
    "an exact kernel of R": (
        table(make_table(), "--engine", "r", "--kernel", "exact"),
        ["the engine r has no exact kernel"],
    ),
    "an exact kernel of counts": (
        table(make_counts(), "--kcdf", "poisson", "--kernel", "exact"),
        ["kcdf poisson has no exact kernel", "leave out --kernel"],
    ),
    "an exact kernel of ranks": (
        table(make_table(), "--kcdf", "none", "--kernel", "exact"),
        ["kcdf none has no exact kernel", "leave out --kernel"],
    ),
    # sources
    "nothing there": (
        arguments("gsva", "HERE/x.csv", "--sets", "kegg", "-o", "HERE/out.csv"),
        ["does not exist", "x.csv"],
    ),
    "a folder": (arguments("gsva", "HERE", "--sets", "kegg", "-o", "HERE/out.csv"), ["a folder was given"]),
    "a bundled cohort that is not there": (
        arguments("gsva", "tcga-brca:RFS", "--sets", "kegg", "-o", "HERE/out.csv"),
        ["no bundled cohort 'tcga-brca:RFS'"],
    ),
    "a layer of a table": (table(make_table(), "--layer", "measured"), ["a table has no layers", "x.csv"]),
    "a layer that is not there": (adata(make_table(), "--layer", "raw"), ["no layer 'raw'", "x.h5ad"]),
    "an output that cannot be": (
        arguments("gsva", "metabric", "--sets", "kegg", "-o", "HERE/none/out.csv"),
        ["the folder of the output does not exist"],
    ),
    # references
    "a reference that is not one": (
        against(make_table(), reference=lambda path: path.write_text("sample_id,a\n")),
        ["not a GSVA reference", "r.h5", "--save-reference"],
    ),
    "a cohort as reference": (
        against(make_table(), reference=lambda path: write_made_cohort(path)),
        ["not a GSVA reference", "another kind of HDF5", "r.h5"],
    ),
    "a truncated reference": (against(make_table(), reference=cut), ["damaged", "r.h5"]),
    "a reference that is not there": (
        arguments("gsva", "metabric", "--reference", "HERE/r.h5", "-o", "HERE/out.csv"),
        ["does not exist", "r.h5"],
    ),
    "genes of the reference missing": (
        against(make_table().drop(columns=["G3", "G9"])),
        ["2 of 20 genes of the reference are missing: G3, G9", "--missing-genes drop", "x.csv"],
    ),
    "no gene of the reference": (
        against(make_table().add_prefix("x"), "--missing-genes", "drop"),
        ["20 of 20 genes of the reference are missing"],
    ),
    "genes as rows against a reference": (
        against(make_table().T),
        ["the samples have names of genes", "--genes-in rows"],
    ),
    "a new value that is missing": (against(with_value(np.nan)), ["sample S3, gene G4", "x.csv"]),
    "other settings than the reference's": (
        against(make_table(), "--kcdf", "none", "--tau", 2),
        ["--kcdf, --tau would change the sets or options of the reference", "r.h5"],
    ),
    "other sets than the reference's": (
        against(make_table(), "--sets", "kegg"),
        ["--sets would change the sets or options"],
    ),
    "another engine than the reference's": (
        against(make_table(), "--engine", "r"),
        ["--engine would change"],
    ),
    "two references": (
        against(make_table(), "--save-reference", "out.h5"),
        ["--save-reference and --reference cannot be combined"],
    ),
    "a reference of another engine": (
        table(make_table(), "--engine", "gseapy", "--save-reference", "out.h5"),
        ["the engine gseapy has no frozen reference"],
    ),
    "an unknown word for missing genes": (
        against(make_table(), "--missing-genes", "keep"),
        ["'keep' is not a valid --missing-genes", "refuse, drop"],
    ),
    "missing genes of no reference": (
        table(make_table(), "--missing-genes", "drop"),
        ["--missing-genes can only be used with --reference"],
    ),
}


@pytest.mark.parametrize(("build", "words"), BAD.values(), ids=BAD)
def test_bad_input_is_refused_in_words_and_leaves_nothing(capsys, tmp_path, monkeypatch, build, words):
    monkeypatch.chdir(tmp_path)
    command = build(tmp_path)
    before = left_in(tmp_path)
    answer = sequoia(capsys, *command)
    assert answer.code == 2
    assert [word for word in words if word not in answer.err] == []
    assert "Traceback" not in answer.err
    assert answer.out == ""
    assert left_in(tmp_path) == before


@pytest.mark.parametrize(
    ("build", "where"),
    [
        (table(make_table(), gmt=""), "HERE/sets.gmt"),
        (table(make_table(), "--sets", "halmark"), None),
        (table(make_table(), "--sets", "HERE/sets.gmt"), None),
        (table(make_table(), "--kcdf", "gaussain"), None),
        (table(make_table(), "--kcdf", "none", "--kernel", "exact"), None),
        (against(make_table(), "--missing-genes", "keep"), None),
    ],
)
def test_the_table_is_not_blamed_for_sets_and_choices(capsys, tmp_path, build, where):
    command = [str(word).replace("HERE", str(tmp_path)) for word in build(tmp_path)]
    answer = sequoia(capsys, *command, "--json")
    assert answer.json["error"]["where"] == (where or "").replace("HERE", str(tmp_path))


def test_a_single_constant_gene_is_no_error(capsys, tmp_path):
    command = table(make_table().assign(G9=1.0))(tmp_path)
    answer = sequoia(capsys, *command)
    assert answer.code == 0
    assert "constant over the samples: G9" in answer.err


def test_counts_that_are_not_whole_are_no_error_and_are_counted(capsys, tmp_path):
    command = table(make_counts() + 0.5, "--kcdf", "poisson")(tmp_path)
    answer = sequoia(capsys, *command)
    assert answer.code == 0
    assert "240 counts not whole" in answer.err


def test_predictions_without_measured_values_are_scored(capsys, tmp_path):
    made = make_predictions(n=10)
    command = table(make_table())(tmp_path)
    made.adata.write_h5ad(tmp_path / "p.h5ad")
    assert sequoia(capsys, command[0], tmp_path / "p.h5ad", *command[2:]).code == 0
