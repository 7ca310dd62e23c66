"""The command ``risk compare``: its files, what it prints, and what a reader must know."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from sequoia_stats.risk import compare_risks
from tests.build.commands import left_in, sequoia
from tests.build.risks import make_risks, write_risks


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Scores, outcome and clinical data of 120 patients."""
    path = tmp_path_factory.mktemp("risk")
    write_risks(path, make_risks())
    return path


def compare(capsys, folder, output, *options):
    return sequoia(
        capsys, "risk", "compare", folder / "good.csv", folder / "noise.csv", "--outcome",
        folder / "outcome.csv", "--bootstrap", "50", "-o", output, *options,
    )  # fmt: skip


def clinical(folder):
    return ["--clinical", folder / "clinical.csv", "--adjust", "age,stage"]


def test_the_folder_holds_tables_figures_and_all_of_them_as_json(folder, tmp_path, capsys):
    answer = compare(capsys, folder, tmp_path / "out", *clinical(folder), "--endpoint", "PFI")
    assert answer.code == 0
    written = left_in(tmp_path / "out")
    drawn = ["comparison", "km_clinical", "km_good", "km_noise"]
    assert [name for name in written if name.endswith("png")] == [f"{stem}.png" for stem in drawn]
    assert [name for name in written if name.endswith("svg")] == [f"{stem}.svg" for stem in drawn]
    assert [name for name in written if name.endswith("csv")] == [
        *(
            "adjusted.csv",
            "comparison.csv",
            "curves.csv",
            "gain.csv",
            "groups.csv",
            "pairs.csv",
            "patients.csv",
        ),
        *("proportional_hazards.csv", "site_preserved.csv"),
    ]
    content = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert content["endpoint"] == "PFI" and content["n"] == 120
    assert [row["score"] for row in content["comparison"]] == ["good", "noise", "clinical"]


def test_the_files_hold_what_python_computes(folder, tmp_path, capsys):
    compare(capsys, folder, tmp_path / "out")
    files = [folder / "good.csv", folder / "noise.csv"]
    want = compare_risks(files, folder / "outcome.csv", bootstrap=50)
    for stem in ("comparison", "pairs"):
        got = pd.read_csv(tmp_path / "out" / f"{stem}.csv")
        pd.testing.assert_frame_equal(got, getattr(want, stem), check_dtype=False)


def test_the_same_call_gives_the_same_bytes(folder, tmp_path, capsys):
    for name in ("a", "b"):
        compare(capsys, folder, tmp_path / name)
    for name in left_in(tmp_path / "a"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_json_is_the_content_of_the_file(folder, tmp_path, capsys):
    answer = compare(capsys, folder, tmp_path / "out", "--json")
    assert answer.json == json.loads((tmp_path / "out" / "comparison.json").read_text())


def test_what_is_printed_names_scores_gain_and_losses(folder, tmp_path, capsys):
    answer = compare(capsys, folder, tmp_path / "out", *clinical(folder))
    for words in (
        "Risk of 120 patients, 60 events",
        "within 3 folds",
        "Difference of C",
        "What a score adds to age",
    ):
        assert words in answer.out
    assert "patients: outcome" in answer.err and "written to" in answer.err


def test_scores_from_site_preserved_folds_are_shown_beside(folder, tmp_path, capsys):
    apart = tmp_path / "apart"
    apart.mkdir()
    table = pd.read_csv(folder / "good.csv")
    table.assign(fold=table["patient_id"].str[5].map(ord) % 3).to_csv(apart / "good.csv", index=False)
    answer = compare(capsys, folder, tmp_path / "out", "--site-preserved", apart / "good.csv")
    assert answer.code == 0
    shown = pd.read_csv(tmp_path / "out" / "site_preserved.csv")
    assert shown["folds"].tolist() == ["random", "site-preserved"]


def test_a_fold_with_one_event_is_refused(folder, tmp_path, capsys):
    scores, outcome = pd.read_csv(folder / "good.csv"), pd.read_csv(folder / "outcome.csv")
    other = outcome["patient_id"].map(scores.set_index("patient_id")["fold"]) == 1
    last = outcome.loc[other & (outcome["event"] == 1), "time"].idxmin()
    outcome["event"] = outcome["event"].where(~other | (outcome.index == last), 0)
    outcome.to_csv(tmp_path / "outcome.csv", index=False)
    files = [folder / "good.csv", folder / "noise.csv"]
    answer = sequoia(
        capsys, "risk", "compare", *files, "--outcome", tmp_path / "outcome.csv", "-o", tmp_path / "out"
    )
    assert answer.code == 2 and "fold 1: 40 patients with a score have 1 event" in answer.err
    assert not (tmp_path / "out").exists()


def test_files_of_one_stem_can_be_named(folder, tmp_path, capsys):
    (tmp_path / "b").mkdir()
    other = tmp_path / "b" / "good.csv"
    other.write_text((folder / "good.csv").read_text())
    answer = sequoia(
        capsys, "risk", "compare", folder / "good.csv", f"again={other}", "--outcome", folder / "outcome.csv",
        "-o", tmp_path / "out",
    )  # fmt: skip
    assert answer.code == 0
    assert pd.read_csv(tmp_path / "out" / "comparison.csv")["score"].tolist() == ["good", "again"]


def test_force_replaces_a_comparison_of_other_scores(folder, tmp_path, capsys):
    compare(capsys, folder, tmp_path / "out")
    one = [
        "risk",
        "compare",
        folder / "good.csv",
        "--outcome",
        folder / "outcome.csv",
        "-o",
        tmp_path / "out",
    ]
    assert sequoia(capsys, *one, "--force").code == 0
    assert not (tmp_path / "out" / "km_noise.png").exists()


def test_force_replaces_a_folder_of_an_earlier_comparison(folder, tmp_path, capsys):
    compare(capsys, folder, tmp_path / "out")
    assert compare(capsys, folder, tmp_path / "out", *clinical(folder), "--force").code == 0
    assert (tmp_path / "out" / "gain.csv").exists()
