"""Bad input of `genes`: a file that is wrong, and the words of its error.

A builder gets an empty folder, writes its files there and returns the arguments of the command; outputs are called
``out.*``. A user's bug becomes a row.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.build.cohorts import make_predictions
from tests.build.commands import left_in, sequoia

SYMBOLS = [
    "ESR1",
    "PGR",
    "ERBB2",
    "MKI67",
    "AURKA",
    "BIRC5",
    "CCNB1",
    "MYBL2",
    "GRB7",
    "SCUBE2",
    "BAG1",
    "CD68",
]


def frames(**made):
    """Predicted, measured and untrained matrices, with symbols for genes."""
    made = make_predictions(**{"n": 12} | made)
    matrices = (made.predicted, made.measured, made.untrained[0])
    return [pd.DataFrame(matrix, made.obs.index.rename(None), SYMBOLS) for matrix in matrices]


def tables(*options, p=lambda f: f, m=lambda f: f, u=lambda f: f, **made):
    """`genes` of three tables, each changed by a function; None leaves out the file."""

    def build(folder):
        for name, change, frame in zip("pmu", (p, m, u), frames(**made), strict=True):
            content = None if change is None else change(frame)
            if content is not None:
                text = content if isinstance(content, str) else content.to_csv()
                (folder / f"{name}.csv").write_text(text)
        files = [folder / "p.csv", "--measured", folder / "m.csv", "--untrained", folder / "u.csv"]
        return ["genes", *files, *options, "-o", folder / "out.csv"]

    return build


def h5ad(change=lambda a: None, *options, rows=slice(None), **made):
    """`genes` of a predictions file whose AnnData was changed."""

    def build(folder):
        adata = make_predictions(**{"n": 12} | made).adata[rows].copy()
        change(adata)
        adata.write_h5ad(folder / "p.h5ad")
        return ["genes", folder / "p.h5ad", *options, "-o", folder / "out.csv"]

    return build


def content(data, name="p.h5ad"):
    """`genes` of any bytes."""

    def build(folder):
        (folder / name).write_bytes(data)
        return ["genes", folder / name, "-o", folder / "out.csv"]

    return build


def arguments(*words):
    """Words as they are; HERE is the folder."""
    return lambda folder: [str(word).replace("HERE", str(folder)) for word in words]


def put(layer, value, at=(3, 1)):
    """Another value in X or a layer."""

    def change(adata):
        (adata.X if layer == "X" else adata.layers[layer])[at] = value

    return change


def cell(value, row="P3", column="PGR"):
    """Another value in a table."""

    def change(frame):
        frame = frame.astype(object)
        frame.loc[row, column] = value
        return frame

    return change


def flat(*layers):
    def change(adata):
        for layer in layers:
            put(layer, 1.0, slice(None))(adata)

    return change


def drop(layer):
    return lambda adata: adata.layers.pop(layer)


def renamed(**names):
    return lambda adata: setattr(adata, "var_names", [names.get(gene, gene) for gene in adata.var_names])


def obs(**columns):
    return lambda adata: [adata.obs.__setitem__(name, values) for name, values in columns.items()]


def turned(frame):
    return frame.T


def first_3(frame):
    return frame.iloc[:3]


MATRICES = {
    "samples of other names": (
        tables(m=lambda f: f.add_prefix("TCGA-", axis=0)),
        ["the samples differ: 12 of 12", "P1, P2, P3", "TCGA-P1", "m.csv"],
    ),
    "a sample too few": (tables(u=lambda f: f.iloc[1:]), ["the samples differ: 1 of 12", "P1", "u.csv"]),
    "genes of other names": (
        tables(m=lambda f: f.add_prefix("ENSG")),
        ["no gene of the predictions", "ESR1, PGR, ERBB2", "ENSGESR1", "m.csv"],
    ),
    "one with genes as rows": (tables(m=turned), ["--genes-in rows", "m.csv"]),
    "all with genes as rows": (
        tables(p=turned, m=turned, u=turned),
        ["the names of genes: ESR1, PGR, ERBB2", "p.csv", "--genes-in rows"],
    ),
    "genes as columns, rows said": (
        tables("--genes-in", "rows"),
        ["have the names of genes", "p.csv", "--genes-in columns"],
    ),
    "a title that says rows": (
        tables(p=lambda f: f.T.rename_axis("symbol")),
        ["called 'symbol'", "p.csv", "--genes-in rows"],
    ),
    "a gene twice": (
        tables(m=lambda f: f.set_axis(["PGR", *SYMBOLS[1:]], axis=1)),
        ["1 gene name is duplicated: PGR", "m.csv"],
    ),
    "a sample twice": (
        tables(p=lambda f: f.rename(index={"P2": "P1"})),
        ["1 sample is duplicated: P1", "p.csv", "give every sample an id of its own"],
    ),
    "1-Mar": (
        tables(p=lambda f: f.rename(columns={"PGR": "1-Mar", "BAG1": "2-Sep"})),
        ["2 gene names are dates", "1-Mar (gene 2, MARCHF1)", "2-Sep (gene 11, SEPTIN2)", "p.csv"],
    ),
    "1-Mar among the measured": (
        tables(m=lambda f: f.rename(columns={"PGR": "1-Mar"})),
        ["1 gene name is a date", "1-Mar", "m.csv"],
    ),
    "a date as newer spreadsheets write it": (
        tables(p=lambda f: f.rename(columns={"PGR": "2024-03-01"})),
        ["1 gene name is a date", "2024-03-01", "p.csv"],
    ),
    "NA in the predictions": (
        tables(p=cell("NA")),
        ["1 value is NaN or infinite", "slide P3, gene PGR", "p.csv"],
    ),
    "NA in the untrained": (tables(u=cell("NA")), ["1 value is NaN or infinite", "slide P3, gene PGR"]),
    "inf in the predictions": (tables(p=cell("inf")), ["1 value is infinite", "p.csv", "column 'PGR'"]),
    "inf in the measured": (tables(m=cell("-inf")), ["1 value is infinite", "m.csv", "column 'PGR'"]),
    "text in a cell": (tables(m=cell("low")), ["'low' is not a number", "m.csv, row 4 (P3), column 'PGR'"]),
    "all predictions constant": (
        tables(p=lambda f: f * 0),
        ["all 12 genes are constant (predicted)", "p.csv"],
    ),
    "all measured constant": (tables(m=lambda f: f * 0 + 1), ["all 12 genes are constant (measured)"]),
    "3 samples": (tables(p=first_3, m=first_3, u=first_3), ["3 slides are too few", "p.csv"]),
    "nothing measured": (
        tables(m=cell("NA", slice(None), SYMBOLS)),
        ["all 12 genes are constant (measured)"],
    ),
    "no table": (tables(m=None), ["the file does not exist", "m.csv"]),
    "an empty table": (tables(m=lambda f: ""), ["the file is empty", "m.csv"]),
    "a header alone": (tables(u=lambda f: f.iloc[:0]), ["a header and no rows", "u.csv"]),
    "predictions alone": (
        lambda folder: tables()(folder)[:2] + ["-o", folder / "out.csv"],
        ["no measured expression", "p.csv", "--measured"],
    ),
    "patients that are not listed": (
        lambda folder: [*with_patients(folder, "slide,patient_id\nP1,A\n")],
        ["11 of 12 samples are not in the table of patients", "s.csv"],
    ),
    "patients listed twice": (
        lambda folder: [*with_patients(folder, "slide,patient_id\nP1,A\nP1,B\n")],
        ["duplicated: P1", "s.csv"],
    ),
}


def with_patients(folder, text):
    command = tables()(folder)
    (folder / "s.csv").write_text(text)
    return [*command, "--patients", folder / "s.csv"]


FILES = {
    "NaN in the predictions": (
        h5ad(put("X", np.nan)),
        ["1 value is NaN or infinite", "slide P4, gene G2", "p.h5ad"],
    ),
    "Inf in the predictions": (h5ad(put("X", np.inf)), ["1 value is NaN or infinite", "slide P4, gene G2"]),
    "NaN in the untrained": (
        h5ad(put("untrained", np.nan)),
        ["1 value is NaN or infinite", "untrained 0", "slide P4, gene G2"],
    ),
    "Inf in the measured": (
        h5ad(put("measured", np.inf)),
        ["1 value is infinite", "measured", "slide P4, gene G2", "p.h5ad"],
    ),
    "all predictions constant": (h5ad(flat("X")), ["all 12 genes are constant (predicted)", "p.h5ad"]),
    "all measured constant": (h5ad(flat("measured")), ["all 12 genes are constant (measured)"]),
    "all of both constant": (h5ad(flat("X", "measured")), ["(predicted and measured)"]),
    "3 samples": (h5ad(rows=slice(3)), ["3 slides are too few", "p.h5ad"]),
    "3 patients": (h5ad(lambda a: None, "--rule", "strict", n=3, slides=2), ["3 patients are too few"]),
    "no measured layer": (
        h5ad(drop("measured")),
        ["the layer 'measured' is missing", "its layers are untrained", "p.h5ad", "--measured"],
    ),
    "no untrained layer": (
        h5ad(drop("untrained")),
        ["'paper' needs an untrained network", "p.h5ad", "--untrained", "--rule strict"],
    ),
    "no untrained layer, published-code": (
        h5ad(drop("untrained"), "--rule", "published-code"),
        ["'published-code' needs an untrained network", "--rule strict"],
    ),
    "a gene twice": (h5ad(renamed(G2="G1")), ["1 gene name is duplicated: G1", "p.h5ad"]),
    "1-Mar": (h5ad(renamed(G2="1-Mar")), ["1 gene name is a date", "1-Mar (gene 2, MARCHF1)", "p.h5ad"]),
    "Mar-01": (h5ad(renamed(G2="Mar-01")), ["1 gene name is a date", "Mar-01 (gene 2"]),
    "a slide twice": (
        h5ad(lambda a: setattr(a, "obs_names", ["P1", "P1", *a.obs_names[2:]])),
        ["1 slide name is duplicated: P1", "p.h5ad"],
    ),
    "slides of nobody": (
        h5ad(obs(patient_id=[None, *["P"] * 11])),
        ["1 slide has no patient_id", "P1", "p.h5ad"],
    ),
    "a column that is not there": (
        h5ad(lambda a: None, "--by", "cancer"),
        ["no column 'cancer'", "patient_id, fold, cohort", "p.h5ad", "--by"],
    ),
    "a column with holes": (
        h5ad(obs(cancer=["BRCA"] * 10 + [None] * 2), "--by", "cancer"),
        ["2 of 12 slides have no cancer", "P11, P12", "p.h5ad"],
    ),
    "a level of 3 slides": (
        h5ad(obs(cancer=["BRCA"] * 9 + ["GBM"] * 3), "--by", "cancer"),
        ["3 slides are too few", "cancer GBM", "p.h5ad"],
    ),
    "strata that are not there": (
        h5ad(lambda a: None, "--within", "er"),
        ["no column 'er'", "patient_id, fold, cohort", "p.h5ad", "--within", "--patients"],
    ),
    "clinical variables that are not there": (
        h5ad(lambda a: None, "--beyond", "fold,er,grade"),
        ["no column 'er', 'grade'", "p.h5ad", "--beyond"],
    ),
    "a number for strata": (
        h5ad(obs(ki67=np.linspace(0, 1, 12)), "--within", "ki67"),
        ["ki67 is a number with 12 values", "--beyond ki67", "p.h5ad"],
    ),
    "strata of one slide": (
        h5ad(obs(block=[f"b{i}" for i in range(12)]), "--within", "block"),
        ["no stratum of block has 4", "12 strata", "p.h5ad"],
    ),
    "as many levels as patients": (
        h5ad(obs(site=[f"s{i}" for i in range(12)]), "--beyond", "site"),
        ["site has 12 levels among 12 patients", "leave site out", "p.h5ad"],
    ),
    "a variable nobody has": (
        h5ad(obs(er=["NA"] * 12), "--beyond", "er"),
        ["er is missing for all 12 patients", "p.h5ad"],
    ),
    "a text among numbers": (
        h5ad(obs(age=[*map(str, range(40, 51)), ">89"]), "--beyond", "age"),
        ["'>89'", "age", "P12", "p.h5ad"],
    ),
    "a layer that is not there": (
        lambda folder: [f"{word}:ridge" if str(word).endswith("p.h5ad") else word for word in h5ad()(folder)],
        ["no layer 'ridge'", "untrained", "p.h5ad"],
    ),
    "levels in a column of results": (
        h5ad(obs(gene=["a"] * 12), "--by", "gene"),
        ["is called 'gene'", "rename"],
    ),
    "measured twice": (
        lambda folder: [*h5ad()(folder), "--measured", folder / "p.h5ad"],
        ["given twice", "leave --measured out"],
    ),
    "rows of h5ad": (h5ad(lambda a: None, "--genes-in", "rows"), ["AnnData always has its genes in columns"]),
    "junk": (content(b"junk" * 99), ["not a readable h5ad", "p.h5ad"]),
    "no bytes": (content(b""), ["not a readable h5ad", "p.h5ad"]),
    "junk in parquet": (content(b"junk" * 99, "p.parquet"), ["not a readable parquet", "p.parquet"]),
    "a folder": (arguments("genes", "HERE", "-o", "HERE/out.csv"), ["a folder was given"]),
    "nothing there": (arguments("genes", "HERE/p.h5ad", "-o", "HERE/out.csv"), ["does not exist", "p.h5ad"]),
}


def onto_old(folder):
    command = h5ad()(folder)
    (folder / "out.csv").write_text("old")
    return command


OPTIONS = {
    "a rule": (h5ad(lambda a: None, "--rule", "papr"), ["'papr'", "paper, published-code, strict"]),
    "a method": (h5ad(lambda a: None, "--method", "stieger"), ["'stieger'", "steiger, williams"]),
    "units": (
        h5ad(lambda a: None, "--units", "samples"),
        ["'samples'", "patients, slides, cluster-bootstrap"],
    ),
    "a side": (tables("--genes-in", "diagonals"), ["'diagonals'", "columns|rows"]),
    "few replicates": (
        h5ad(lambda a: None, "--units", "cluster-bootstrap", "--bootstrap", "9"),
        ["bootstrap must be a whole number, 100 or more"],
    ),
    "a method of the bootstrap": (
        h5ad(lambda a: None, "--units", "cluster-bootstrap", "--method", "meng"),
        ["the cluster bootstrap", "--method"],
    ),
    "a negative seed": (h5ad(lambda a: None, "--seed", "-1"), ["--seed"]),
    "an empty stratum": (h5ad(lambda a: None, "--within", "er,"), ["--within", "empty name", "'er,'"]),
    "an option": (h5ad(lambda a: None, "--colour", "red"), ["--colour"]),
    "an output that exists": (onto_old, ["the output already exists", "out.csv", "--force"]),
    "an output in no folder": (
        lambda folder: [*h5ad()(folder)[:-1], folder / "no" / "out.csv"],
        ["folder of the output does not exist"],
    ),
    "no output": (lambda folder: h5ad()(folder)[:-2], ["--output"]),
    "no input": (arguments("genes", "-o", "HERE/out.csv"), ["P"]),
}

TABLE = [
    pytest.param(build, words, id=f"{title}: {name}")
    for title, rows in {"matrices": MATRICES, "file": FILES, "option": OPTIONS}.items()
    for name, (build, words) in rows.items()
]


@pytest.mark.parametrize(("build", "words"), TABLE)
def test_bad_input_ends_with_2_and_says_what_and_where(capsys, tmp_path, build, words):
    command = build(tmp_path)
    before = left_in(tmp_path)
    answer = sequoia(capsys, *command)
    assert answer.code == 2, answer.err
    assert [word for word in words if word not in answer.err] == [], answer.err
    assert "Traceback" not in answer.err
    assert answer.out == ""
    assert left_in(tmp_path) == before


def test_an_error_under_json_is_one_object(capsys, tmp_path):
    answer = sequoia(capsys, *h5ad(put("X", np.nan), "--json")(tmp_path))
    assert answer.code == 2
    assert set(answer.json["error"]) == {"what", "where", "fix"}
