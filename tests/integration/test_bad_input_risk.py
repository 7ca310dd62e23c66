"""Bad input of `risk`: what is wrong, and the words of the error.

A builder gets an empty folder, writes its files there and returns the arguments of the command; the run folder is
called ``run``. A user's bug becomes a row.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sequoia_model.splits import draw
from tests.build.commands import sequoia_model
from tests.build.risk import write_risk_set

pytestmark = pytest.mark.slow

PATIENTS = [f"P{i:02}" for i in range(18)]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def command(folder, *more, drawn=("--folds", 3, "--val", 0.2)):
    """`risk` of the set in a folder."""
    words = ["risk", folder / "features", "--outcome", folder / "outcome.csv", "-o", folder / "run"]
    words += [
        "--patients",
        folder / "patients.csv",
        "--architecture",
        "tile_mlp",
        "--epochs",
        2,
        "--repeats",
        1,
    ]
    return [*words, *drawn, *(str(word).replace("HERE", str(folder)) for word in more)]


def options(*words):
    """A good set, and further options."""

    def build(folder):
        write_risk_set(folder, n=18, events=0.7)
        return command(folder, *words)

    return build


def outcome(change, *words):
    """An outcome, changed."""

    def build(folder):
        write_risk_set(folder, n=18, events=0.7)
        table = pd.read_csv(folder / "outcome.csv")
        change(table).to_csv(folder / "outcome.csv", index=False)
        return command(folder, *words)

    return build


def few_events(part, n):
    """Given splits, of whose fold 1 a part has only n events, and all other patients do."""

    def build(folder):
        write_risk_set(folder, n=18)
        made = draw(PATIENTS, n_folds=3, val=0.2)
        made.save(folder / "splits.csv")
        table = pd.read_csv(folder / "outcome.csv").set_index("patient_id").assign(event=1)
        table.loc[made.patients(1, part)[n:], "event"] = 0
        table.to_csv(folder / "outcome.csv")
        return command(folder, "--splits", folder / "splits.csv", drawn=())

    return build


def leaking(folder):
    write_risk_set(folder, n=18)
    (folder / "leak").mkdir()
    for fold, test in enumerate((["P00", "P01"], ["P02", "P03"])):
        rows = zip(PATIENTS[2:10], [*test, *[""] * 6], ["P10", "P11", *[""] * 6], strict=True)
        table = pd.DataFrame(rows, columns=["train", "test", "val"])
        table.to_csv(folder / "leak" / f"splits_{fold}.csv")
    return command(folder, "--splits", folder / "leak", drawn=())


def first(column, value):
    """The table with another first value."""
    return lambda table: table.assign(**{column: [value, *table[column][1:]]})


def one_event(table):
    return table.assign(event=np.arange(len(table)) == 4).astype({"event": int})


ROWS = {
    "recipe": (options("--recipe", "published-code"), "'published-code' is not a valid recipe"),
    "ties": (options("--ties", "exact"), "'exact' is not a valid ties"),
    "fusion": (options("--fusion", "mean"), "'mean' is not a valid fusion"),
    "repeats": (options("--repeats", 0), "repeats must be a whole number, 1 or more"),
    "batches of one": (options("--batch-size", 1), "batch_size must be a whole number, 2 or more"),
    "no such fold": (options("--fold", 3), "there is no fold 3: the folds are 0 to 2"),
    "small without dimensions": (options("--size", "small"), "128 principal components cannot be fitted"),
    "events missing": (outcome(first("event", np.nan)), "P00"),
    "an event that is no 0 or 1": (outcome(first("event", 2)), "P00"),
    "no column of events": (outcome(lambda table: table.drop(columns="event")), "patient_id, time, event"),
    "a further column": (outcome(lambda table: table.assign(age=60)), "patient_id, time, event"),
    "time 0": (outcome(first("time", 0)), "P00"),
    "two outcomes of one patient": (
        outcome(lambda table: pd.concat([table, table.iloc[[3]].assign(time=4.5)])), "P03"
    ),
    "an outcome of other patients": (
        outcome(lambda table: table.assign(patient_id="X" + table["patient_id"])),
        "none of the 21 slides is of a patient with an outcome",
    ),
    "no event": (outcome(lambda table: table.assign(event=0)), "none of the 18 patients with slides has the event"),
    "one event": (outcome(one_event), "event"),
    "one event in a test part": (few_events("test", 1), "the test part of fold 1 has 1 event in 6 patients"),
    "one event in a train part": (few_events("train", 1), "the train part of fold 1 has 1 event in 9 patients"),
    "no event in a val part": (few_events("val", 0), "the val part of fold 1 has 0 events in 3 patients"),
    "all events at one time": (
        outcome(lambda table: table.assign(time=4.0, event=1)), "has an event before the time of another one"
    ),
    "more folds than events can be spread over": (
        options("--folds", 12), "event cannot be balanced: 2 levels in 18 patients and 12 folds"
    ),
    "splits that leak": (leaking, "P02, P03"),
    "folds of given splits": (
        lambda folder: [
            *few_events("val", 2)(folder), "--folds", 3
        ],
        "--folds cannot be used with given splits",
    ),
    "no outcome": (
        lambda folder: [word for word in options()(folder) if word not in ("--outcome", folder / "outcome.csv")],
        "there is no outcome to learn from",
    ),
    "weights that are no run": (
        lambda folder: [*options()(folder)[:2], "--weights", folder, "-o", folder / "run"],
        "there is no run in the folder",
    ),
    "an outcome that does not exist": (
        lambda folder: [*options()(folder), "--outcome", folder / "none.csv"], "none.csv"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("build", "words"), ROWS.values(), ids=ROWS)
def test_bad_input_is_refused_by_name_and_leaves_nothing_behind(capsys, tmp_path, build, words):
    answer = sequoia_model(capsys, *build(tmp_path))
    assert answer.code == 2, answer
    assert words in answer.err and "Traceback" not in answer.err and "internal error" not in answer.err
    assert not (tmp_path / "run").exists()
