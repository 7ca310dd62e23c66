"""Bad input of ``risk compare``: files that are wrong, and the words of the error; nothing is left behind.

A builder gets an empty folder, writes its files there and returns the arguments of the command. A user's bug becomes
a row.
"""

from __future__ import annotations

import pandas as pd
import pytest

from tests.build.commands import left_in, sequoia
from tests.build.risks import make_risks, write_risks


def compare(*options, change=None, name="good.csv"):
    """`risk compare` of two good files, of which one is changed as a table."""

    def build(folder):
        files = write_risks(folder, make_risks(n=60, events=30))
        if change:
            table = pd.read_csv(folder / name, dtype=str)
            change(table).to_csv(folder / name, index=False)
        clinical = ["--clinical", folder / "clinical.csv"] if "--adjust" in options else []
        return [*files, "--outcome", folder / "outcome.csv", *clinical, *options, "-o", folder / "out"]

    return build


def with_values(**columns):
    """A table with other values in its third row (row 4 of the file)."""

    def change(table):
        for column, value in columns.items():
            table.loc[2, column] = value
        return table

    return change


def repeated(table):
    return pd.concat([table, table.iloc[[4]]])


def other_patients(table):
    return table.assign(patient_id="X" + table["patient_id"])


def small_letters(table):
    return table.assign(patient_id=table["patient_id"].str.lower())


def one_event(table):
    return table.assign(event=["1", *["0"] * (len(table) - 1)])


def of_one_stem(folder):
    arguments = compare()(folder)
    (folder / "b").mkdir()
    (folder / "b" / "good.csv").write_text((folder / "good.csv").read_text())
    return [folder / "b" / "good.csv", *arguments]


def of_another_endpoint(folder):
    arguments = compare()(folder)
    outcome = pd.read_csv(folder / "outcome.csv")
    own = pd.read_csv(folder / "good.csv").merge(outcome.assign(time=outcome["time"] + 1), on="patient_id")
    own.to_csv(folder / "good.csv", index=False)
    return arguments


def without_a_scale(folder):
    arguments = compare()(folder)
    table = pd.read_csv(folder / "noise.folds.csv")
    table.iloc[1:].to_csv(folder / "noise.folds.csv", index=False)
    return arguments


def scale_without_folds(folder):
    arguments = compare()(folder)
    pd.read_csv(folder / "noise.csv").drop(columns="fold").to_csv(folder / "noise.csv", index=False)
    return arguments


def named(*names, adjust=False):
    """Files of scores with these names."""

    def build(folder):
        first, second, *rest = compare(*(["--adjust", "age"] if adjust else []))(folder)
        given = [f"{name}={path}" for name, path in zip(names, (first, second), strict=False)]
        return [*given, *rest]

    return build


def of_one_name(folder):
    arguments = compare()(folder)
    return [*arguments, *(["--site-preserved", f"good={folder / 'noise.csv'}"] * 2)]


def of_one_fold(folder):
    arguments = compare("--adjust", "age")(folder)
    for name in ("good", "noise"):
        pd.read_csv(folder / f"{name}.csv").assign(fold=0).to_csv(folder / f"{name}.csv", index=False)
    return arguments


def called_clinical(folder):
    arguments = compare("--adjust", "age")(folder)
    (folder / "good.csv").rename(folder / "clinical_.csv")
    (folder / "clinical.csv").rename(folder / "table.csv")
    (folder / "clinical_.csv").rename(folder / "clinical.csv")
    return [
        folder / "clinical.csv",
        "--outcome",
        folder / "outcome.csv",
        "--clinical",
        folder / "table.csv",
        *arguments[-4:],
    ]


def site_preserved_of_nobody(folder):
    arguments = compare()(folder)
    (folder / "b").mkdir()
    (folder / "b" / "third.csv").write_text((folder / "good.csv").read_text())
    return [*arguments, "--site-preserved", folder / "b" / "third.csv"]


def foreign_folder(folder):
    (folder / "out").mkdir()
    (folder / "out" / "thesis.tex").write_text("years of work")
    return [*compare()(folder), "--force"]


def there_already(folder):
    (folder / "out").mkdir()
    return compare()(folder)


CASES = {
    "a file of scores that does not exist": (
        lambda f: [f / "no.csv", *compare()(f)],
        ["does not exist", "no.csv"],
    ),
    "two scores of a patient": (compare(change=repeated), ["more than one row", "good.csv", "TCGA-E0-0004"]),
    "a score that is infinite": (
        compare(change=with_values(risk_score="inf")),
        ["risk_score", "good.csv", "row 4", "TCGA-C0-0002"],
    ),
    "a fold that is no whole number": (
        compare(change=with_values(fold="1.5")),
        ["fold", "row 4", "TCGA-C0-0002"],
    ),
    "folds of two files that differ": (
        compare(change=with_values(fold="9"), name="noise.csv"),
        ["no scale for 1 fold", "noise.folds.csv", "9"],
    ),
    "a patient in another fold": (
        compare(change=lambda t: t.assign(fold=t["fold"].where(t.index > 0, "2")), name="noise.csv"),
        ["different folds", "1 of 60 patients is in another one", "TCGA-A0-0000", "noise.csv"],
    ),
    "a group that nobody knows": (
        compare(change=lambda t: t.assign(group="middle")),
        ["'middle'", "good.csv"],
    ),
    "two files of one stem": (of_one_stem, ["several files are called good", "name of its own: signature="]),
    "scores of another endpoint": (
        of_another_endpoint,
        ["another outcome", "good.csv", "outcome.csv", "TCGA-A0-0000"],
    ),
    "a fold without its scale": (without_a_scale, ["no scale for 1 fold", "noise.folds.csv"]),
    "scales of scores without folds": (scale_without_folds, ["have no fold", "noise.csv"]),
    "an outcome of other patients": (
        compare(change=other_patients, name="outcome.csv"),
        ["no patient of good has an outcome", "XTCGA-A0-0000"],
    ),
    "an outcome with ids in small letters": (
        compare(change=lambda t: pd.concat([small_letters(t.iloc[:9]), t.iloc[9:]]), name="outcome.csv"),
        ["write differently", "tcga-a0-0000"],
    ),
    "two outcomes of a patient": (
        compare(change=repeated, name="outcome.csv"),
        ["more than one row", "outcome.csv"],
    ),
    "a time of 0": (
        compare(change=with_values(time="0"), name="outcome.csv"),
        ["time", "row 4", "TCGA-C0-0002"],
    ),
    "an event that is missing": (
        compare(change=with_values(event=""), name="outcome.csv"),
        ["event", "missing", "row 4", "TCGA-C0-0002"],
    ),
    "a single event": (
        compare(change=one_event, name="outcome.csv"),
        ["1 event", "but 2 or more", "outcome.csv"],
    ),
    "a list of covariates without a name": (compare("--adjust", ","), ["names no covariate"]),
    "scores with a time but no event": (
        compare(change=lambda t: t.assign(time="5")),
        ["a column 'time', but no 'event'", "good.csv"],
    ),
    "a covariate that is not there": (compare("--adjust", "grade"), ["no covariate grade", "age, stage"]),
    "a covariate that is the same for all": (
        compare("--adjust", "age", change=lambda t: t.assign(age="60"), name="clinical.csv"),
        ["same for all 60 patients", "clinical.csv"],
    ),
    "clinical data of other patients": (
        compare("--adjust", "age", change=other_patients, name="clinical.csv"),
        ["no patient that is compared is in the clinical table", "clinical.csv"],
    ),
    "a patient with two rows of clinical data": (
        compare("--adjust", "age", change=repeated, name="clinical.csv"),
        ["duplicated", "clinical.csv", "TCGA-E0-0004"],
    ),
    "a score called as the clinical model": (called_clinical, ["called 'clinical'", "rename"]),
    **{
        f"a score called {' and '.join(names)}": (
            named(*names),
            [f"called {names[0]!r}", "another name: risk="],
        )
        for names in [("time",), ("event",), ("fold",), ("patient_id",), ("a", "a_group"), ("A", "a")]
    },
    "a score called as the groups of the clinical model": (
        named("clinical_group", adjust=True),
        ["called 'clinical_group'"],
    ),
    "one name for two site-preserved files": (of_one_name, ["several files are called good", "image=/"]),
    "patients of one fold, and a clinical model": (of_one_fold, ["all 60 patients are in one fold"]),
    "site-preserved scores of another model": (site_preserved_of_nobody, ["'third'", "good, noise"]),
    "a folder with files of others": (foreign_folder, ["thesis.tex", "lost"]),
    "a folder that exists": (there_already, ["already exists", "--force"]),
}


@pytest.mark.parametrize(("build", "words"), CASES.values(), ids=CASES)
def test_bad_input_is_named_and_nothing_is_written(build, words, tmp_path, capsys):
    arguments = build(tmp_path)
    before = left_in(tmp_path)
    answer = sequoia(capsys, "risk", "compare", *arguments)
    assert answer.code == 2
    assert "Traceback" not in answer.err and answer.out == ""
    assert [word for word in words if word not in answer.err] == []
    assert left_in(tmp_path) == before
