"""Bad input of ``compare``: files that are wrong, and the words of the error; nothing is left behind.

A builder gets an empty folder, writes its files there and returns the arguments of the command. A user's bug becomes
a row.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from tests.build.cohorts import make_predictions
from tests.build.commands import left_in, sequoia


def write(path, change=None, **made):
    """Predictions as a file, changed as AnnData; or text."""
    path.parent.mkdir(exist_ok=True)
    adata = make_predictions(**{"n": 30, "genes": 8} | made).adata
    if change:
        change(adata)
    adata.write_h5ad(path)
    return path


def compare(*options, change=None, **made):
    """`compare` of a good file and of one that is changed or made differently."""

    def build(folder):
        files = [write(folder / "a.h5ad"), write(folder / "b.h5ad", change, **made)]
        return ["compare", *files, *options, "-o", folder / "out"]

    return build


def same_stem(folder):
    return ["compare", write(folder / "x" / "p.h5ad"), write(folder / "y" / "p.h5ad"), "-o", folder / "out"]


def one_file(folder):
    return ["compare", write(folder / "a.h5ad"), "-o", folder / "out"]


def unfinished_run(folder):
    (folder / "run").mkdir()
    return ["compare", write(folder / "a.h5ad"), folder / "run", "-o", folder / "out"]


def twice(folder):
    file = write(folder / "a.h5ad")
    return ["compare", file, folder / "." / "a.h5ad", "-o", folder / "out"]


def missing(folder):
    return ["compare", write(folder / "a.h5ad"), folder / "b.h5ad", "-o", folder / "out"]


def text(folder):
    (folder / "b.h5ad").write_text("no AnnData")
    return ["compare", write(folder / "a.h5ad"), folder / "b.h5ad", "-o", folder / "out"]


def foreign_folder(folder):
    (folder / "out").mkdir()
    (folder / "out" / "thesis.tex").write_text("years of work")
    return [*compare()(folder), "--force"]


def no_common_gene(folder):
    other = dataclasses.replace(make_predictions(n=30, genes=8), genes=pd.Index([f"X{i}" for i in range(8)]))
    other.adata.write_h5ad(folder / "b.h5ad")
    return ["compare", write(folder / "a.h5ad"), folder / "b.h5ad", "-o", folder / "out"]


def other_levels(folder):
    return [
        "compare",
        write(folder / "a.h5ad"),
        write(folder / "b.h5ad"),
        "--by",
        "cancer",
        "-o",
        folder / "out",
    ]


def three_slides(folder):
    make_predictions(n=30, genes=8).adata[:3].write_h5ad(folder / "b.h5ad")
    return ["compare", write(folder / "a.h5ad"), folder / "b.h5ad", "-o", folder / "out"]


def other_layer(folder):
    return ["compare", write(folder / "a.h5ad"), f"{folder / 'a.h5ad'}:ridge", "-o", folder / "out"]


def layer_twice(folder):
    file = f"{write(folder / 'a.h5ad')}:untrained"
    return ["compare", file, file, "-o", folder / "out"]


def other_patients(folder):
    (folder / "s.csv").write_text("patient,er\nX,pos\n")
    return compare("--subgroups", "er", "--patients", folder / "s.csv")(folder)


def _nan(adata):
    adata.X[3, 2] = np.nan


def _no_measured(adata):
    del adata.layers["measured"]


def _constant(adata):
    adata.X[:] = 5.0


def _date(adata):
    adata.var_names = ["1-Mar", *adata.var_names[1:]]


BAD = {
    "one file": (one_file, ["two or more files"]),
    "a run without predictions": (
        unfinished_run,
        ["a folder was given, which has no predictions.h5ad", "run"],
    ),
    "samples misspelt": (compare("--samples", "sane"), ["'sane' is not a valid samples"]),
    "a file twice": (twice, ["given twice", "a.h5ad"]),
    "two files of the same stem": (same_stem, ["several models are called p", "--names"]),
    "too few names": (compare("--names", "a"), ["2 files need 2 names", "--names"]),
    "an empty name": (compare("--names", "a,"), ["2 files need 2 names"]),
    "a name twice": (compare("--names", "a,a"), ["several models are called a"]),
    "a file that is not there": (missing, ["b.h5ad"]),
    "a file of another kind": (text, ["b.h5ad"]),
    "a folder with other files": (foreign_folder, ["also holds thesis.tex"]),
    "no gene in common": (no_common_gene, ["no gene in common", "G1", "X0"]),
    "no such column": (other_levels, ["no column 'cancer'", "patient_id"]),
    "no top": (compare("--top", "0"), ["top must be a whole number, 1 or more"]),
    "an unknown rule": (compare("--rule", "papr"), ["'papr'", "paper, published-code, strict"]),
    "an unknown method": (compare("--method", "pearson"), ["'pearson'", "steiger"]),
    "an unknown unit": (compare("--units", "tiles"), ["'tiles'", "patients"]),
    "no untrained network": (
        compare("--rule", "paper", n_untrained=0),
        ["b has no layer 'untrained'", "--rule strict"],
    ),
    "a layer that is not there": (other_layer, ["no layer 'ridge'", "a.h5ad", "untrained"]),
    "a layer twice": (layer_twice, ["given twice", "a.h5ad"]),
    "no such column of subgroups": (compare("--subgroups", "er"), ["no column 'er'", "a.h5ad", "patient_id"]),
    "subgroups that are too small": (
        compare("--subgroups", "patient_id"),
        ["does not have two subgroups with 4 samples", "a.h5ad"],
    ),
    "patients of other files": (
        other_patients,
        ["30 of 30 samples are not in the table of patients", "s.csv"],
    ),
    "no measured layer": (compare(change=_no_measured), ["b.h5ad", "measured"]),
    "NaN in a prediction": (compare(change=_nan), ["b.h5ad", "NaN", "G3"]),
    "a date for a gene": (compare(change=_date), ["b.h5ad", "1-Mar"]),
    "all genes constant": (compare(change=_constant), ["b.h5ad", "constant"]),
    "3 slides": (three_slides, ["b.h5ad", "3 slides are too few"]),
}


@pytest.mark.parametrize(("build", "said"), BAD.values(), ids=BAD)
def test_bad_input_is_reported_and_leaves_nothing(capsys, tmp_path, build, said):
    command = build(tmp_path)
    before = left_in(tmp_path)
    answer = sequoia(capsys, *command)
    assert answer.code == 2, answer.out
    assert [word for word in said if word not in answer.err] == []
    assert "Traceback" not in answer.err
    assert left_in(tmp_path) == before


def test_an_error_under_json_is_one_object(capsys, tmp_path):
    answer = sequoia(capsys, *one_file(tmp_path), "--json")
    assert answer.code == 2
    assert set(answer.json["error"]) == {"what", "where", "fix"}
