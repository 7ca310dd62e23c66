"""``compare``: its files, columns and words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import typer

from sequoia_stats import compare_models
from sequoia_stats.cli.app import app
from tests.build.cohorts import make_predictions
from tests.build.commands import left_in, sequoia

pytestmark = pytest.mark.slow

FILES = ["comparison.csv", "criteria.png", "criteria.svg", "genes.csv", "models.csv"]
FILES += ["r_all.png", "r_all.svg", "r_top.png", "r_top.svg"]
PAIR = {
    "model_a",
    "model_b",
    "level",
    "n_genes",
    "median_r_a",
    "median_r_b",
    "u",
    "p_mann_whitney",
    "superiority",
}
PAIR |= {
    "rank_biserial",
    "v",
    "n_equal",
    "p_wilcoxon",
    "rank_biserial_paired",
    "hodges_lehmann",
    "median_difference",
}
PAIR |= {"top", "top_median_a", "top_median_b", "top_u", "p_top", "well_predicted_a", "well_predicted_b"}
PAIR |= {"well_predicted_both", "p_overlap"}
MODEL = {
    "model",
    "level",
    "n",
    "n_genes",
    "n_well_predicted",
    "r_mean",
    "r_q05",
    "r_q25",
    "r_median",
    "r_q75",
    "r_q95",
}
MODEL |= {"top_mean"}


@pytest.fixture
def models(tmp_path):
    """Two files, a.h5ad and b.h5ad, with two cohorts each."""
    made = {
        name: make_predictions(n=50, genes=30, accuracy=list(np.linspace(0, best, 30)), cohorts=2, name=name)
        for name, best in (("a", 0.9), ("b", 0.6))
    }
    for name, predictions in made.items():
        predictions.adata.write_h5ad(tmp_path / f"{name}.h5ad")
    return made, [tmp_path / "a.h5ad", tmp_path / "b.h5ad"]


def test_the_command_has_the_options_of_the_contract():
    found = typer.main.get_command(app).commands["compare"]
    options = {option for parameter in found.params for option in parameter.opts}
    assert {
        "--output",
        "-o",
        "--rule",
        "--method",
        "--by",
        "--top",
        "--names",
        "--force",
        "--json",
    } <= options


def test_a_folder_holds_tables_and_figures(capsys, models, tmp_path):
    _, files = models
    answer = sequoia(capsys, "compare", *files, "-o", tmp_path / "out")
    assert answer.code == 0, answer.err
    assert left_in(tmp_path / "out") == FILES
    assert "Models compared by the rule paper" in answer.out
    assert f"written to {tmp_path / 'out'}" in answer.err


def test_the_tables_are_those_of_the_function(capsys, models, tmp_path):
    made, files = models
    sequoia(capsys, "compare", *files, "-o", tmp_path / "out", "--by", "cohort", "--top", 5)
    want = compare_models(made, by="cohort", top=5)
    for name, table in (("comparison", want.pairs), ("models", want.models), ("genes", want.genes)):
        got = pd.read_csv(tmp_path / "out" / f"{name}.csv", float_precision="round_trip")
        pd.testing.assert_frame_equal(got, table, check_dtype=False, check_exact=True)


def test_the_columns_are_those_of_the_contract(capsys, models, tmp_path):
    _, files = models
    sequoia(capsys, "compare", *files, "-o", tmp_path / "out")
    tables = {
        name: pd.read_csv(tmp_path / "out" / f"{name}.csv") for name in ("comparison", "models", "genes")
    }
    assert set(tables["comparison"].columns) == PAIR
    assert set(tables["models"].columns) >= MODEL | {"r>0", "p<0.05"}
    assert tables["genes"].columns.tolist() == [
        "gene",
        "level",
        "r_a",
        "well_predicted_a",
        "r_b",
        "well_predicted_b",
    ]


def test_json_is_one_object_with_the_tables_and_notes(capsys, models, tmp_path):
    _, files = models
    content = sequoia(capsys, "compare", *files, "-o", tmp_path / "out", "--json").json
    assert set(content) == {"output", "rule", "top", "pairs", "models", "notes", "flow"}
    assert set(content["flow"]) == {"a", "b"}
    assert set(content["pairs"][0]) == PAIR
    assert [row["model"] for row in content["models"]] == ["a", "b"]


def test_models_take_the_names_that_are_given(capsys, models, tmp_path):
    _, files = models
    content = sequoia(
        capsys, "compare", *files, "-o", tmp_path / "out", "--names", "SEQUOIA, HE2RNA", "--json"
    ).json
    assert [row["model"] for row in content["models"]] == ["SEQUOIA", "HE2RNA"]


def test_the_rule_is_the_one_requested(capsys, models, tmp_path):
    _, files = models
    content = sequoia(capsys, "compare", *files, "-o", tmp_path / "out", "--rule", "strict", "--json").json
    assert content["rule"] == "strict"
    assert "p_bh<0.05" in content["models"][0]


def test_different_slides_are_said_on_stderr(capsys, models, tmp_path):
    made, files = models
    made["b"].rows(np.arange(40)).adata.write_h5ad(files[1])
    answer = sequoia(capsys, "compare", *files, "-o", tmp_path / "out")
    assert "a and b were judged on different slides (50 and 40, with 40 in common)" in answer.err


def test_the_same_input_gives_the_same_bytes(capsys, models, tmp_path):
    _, files = models
    for name in ("one", "two"):
        sequoia(capsys, "compare", *files, "-o", tmp_path / name)
    one, two = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "two")
    )
    assert one == two


def test_a_folder_of_its_own_is_replaced_with_force(capsys, models, tmp_path):
    _, files = models
    sequoia(capsys, "compare", *files, "-o", tmp_path / "out")
    (tmp_path / "out" / "genes.csv").write_text("old")
    assert sequoia(capsys, "compare", *files, "-o", tmp_path / "out").code == 2
    assert sequoia(capsys, "compare", *files, "-o", tmp_path / "out", "--force").code == 0
    assert (tmp_path / "out" / "genes.csv").read_text() != "old"
