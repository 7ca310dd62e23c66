"""Bad input of `train` that is seen while features and expression are read: the words of the error, and exit code 2.

A row changes a folder that has all that the command needs. A user's bug becomes a row.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sequoia_model.types.bag import EncoderId
from tests.build.commands import left_in, sequoia_model
from tests.build.features import write_clam, write_ours

pytestmark = pytest.mark.slow

SLIDES = tuple(f"S{i}" for i in range(6))


def make_table(**columns) -> pd.DataFrame:
    values = {f"rna_G{gene}": np.arange(6) * gene + 0.5 for gene in range(1, 4)}
    return pd.DataFrame(
        {"wsi_file_name": SLIDES, "patient_id": [f"P{i}" for i in range(6)]} | values | columns
    )


def table(**columns):
    return lambda folder: make_table(**columns).to_csv(folder / "measured.csv", index=False)


def each(write):
    """A change to every feature file."""
    return lambda folder: [write(folder / "features" / f"{slide}.h5") for slide in SLIDES]


def two_encoders(folder):
    write_ours(folder / "features" / "S1.h5", encoder=EncoderId("resnet50"))


def twice(folder):
    write_ours(folder / "features" / "more" / "S1.h5")


def transposed(folder):
    turned = make_table().drop(columns="wsi_file_name").set_index("patient_id").T
    turned.rename_axis("gene").to_csv(folder / "measured.csv")


def said(name, text):
    return lambda folder: (folder / name).write_text(text)


ROWS = {
    "features of two encoders": (
        two_encoders, [], ["of 2 encoders", "1 of resnet50", "S1.h5", "5 of uni", "--encoder resnet50|uni"],
    ),
    "features of nobody": (each(lambda path: write_clam(path, dim=8)), [], ["do not name their encoder", "--encoder"]),
    "features of another encoder": (
        lambda folder: None, ["--encoder", "virchow2"], ["none of the 6 slides has features of virchow2", "(uni)"],
    ),
    "two files of one slide": (twice, [], ["two files for the slide S1", "more/S1.h5"]),
    "files of 0 bytes": (
        each(lambda path: path.write_bytes(b"")), [], ["none of the 6 slides could be used", "0 bytes"],
    ),
    "no measured expression": (
        lambda folder: (folder / "measured.csv").unlink(), [], ["does not exist", "measured.csv"],
    ),
    "genes in rows": (transposed, [], ["genes in rows", "measured.csv, columns", "transpose it"]),
    "expression of others": (
        table(wsi_file_name=list("uvwxyz"), patient_id=list("uvwxyz")), [],
        ["none of the 6 slides is in the measured expression", "measured.csv"],
    ),
    "a text among the values": (
        table(rna_G2=["1", "2", "low", "4", "5", "6"]), [], ["'low' is not a number", "row 4, column 'rna_G2'"],
    ),
    "an infinite value": (table(rna_G2=[1, 2, np.inf, 4, 5, 6]), [], ["1 measured value is infinite", "S2, gene G2"]),
    "no value at all": (
        table(**{f"rna_G{gene}": [np.nan] * 6 for gene in (1, 2, 3)}), [], ["no slide has measured expression"],
    ),
    "one value everywhere": (
        table(**{f"rna_G{gene}": [7.0] * 6 for gene in (1, 2, 3)}), [], ["every gene has the same value for 6 slides"],
    ),
    "genes of others": (
        said("genes.txt", "X1\n"), ["--genes", "HERE/genes.txt"], ["none of the 1 genes", "measured.csv"],
    ),
    "patients of others": (
        said("patients.csv", "slide,patient_id\nZ,P\n"), ["--patients", "HERE/patients.csv"],
        ["none of the 6 slides is in the given list of patients", "patients.csv"],
    ),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Six slides of as many patients; the cache of the user is out of reach."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for seed, slide in enumerate(SLIDES):
        write_ours(tmp_path / "features" / f"{slide}.h5", seed=seed)
    table()(tmp_path)
    return tmp_path


@pytest.mark.parametrize("row", ROWS)
def test_bad_input_ends_with_2_and_says_what_and_where(capsys, folder, row):
    change, options, words = ROWS[row]
    change(folder)
    before = left_in(folder)
    command = ["train", folder / "features", "--measured", folder / "measured.csv", "-o", folder / "run"]
    answer = sequoia_model(capsys, *command, *(option.replace("HERE", str(folder)) for option in options))
    assert answer.code == 2, answer.err
    assert [word for word in words if word not in answer.err] == [], answer.err
    assert "Traceback" not in answer.err and answer.out == ""
    assert [path for path in left_in(folder) if path not in before and "cache" not in str(path)] == []
