"""``compare``: its files, columns and words."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
import typer

from sequoia_stats import compare_models
from sequoia_stats.cli.app import app
from sequoia_stats.compare import by_subgroup
from tests.build.cohorts import make_predictions
from tests.build.commands import left_in, sequoia

pytestmark = pytest.mark.slow

FILES = ["comparison.csv", "criteria.png", "criteria.svg", "genes.csv", "models.csv"]
FILES += ["r_all.png", "r_all.svg", "r_top.png", "r_top.svg", "summary.md"]
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
PAIR |= {"well_predicted_both", "p_overlap", "samples", "n_shared", "r_pearson", "r_spearman"}
PAIR |= {"n_better_a", "n_better_b", "median_r_difference_low", "median_r_difference_high"}
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
PAIR |= {"correlation_a", "correlation_b"}
MODEL |= {"top_mean", "r_folds_median", "predicted_by"}


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
        "r_folds_a",
        "well_predicted_a",
        "r_b",
        "r_folds_b",
        "well_predicted_b",
        "z_a_b",
        "p_bh_a_b",
    ]


def test_json_is_one_object_with_the_tables_and_notes(capsys, models, tmp_path):
    _, files = models
    content = sequoia(capsys, "compare", *files, "-o", tmp_path / "out", "--json").json
    assert set(content) == {
        "output",
        "samples",
        "rule",
        "criteria",
        "top",
        "pairs",
        "models",
        "notes",
        "flow",
    }
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


# --- cohorts, layers and subgroups -----------------------------------------------------------------------------------


@pytest.fixture
def cohorts(tmp_path):
    """Two files of different patients, with 30 genes in common."""
    made = {}
    for seed, name in enumerate(("tcga", "external")):
        one = make_predictions(n=60, genes=34, accuracy=list(np.linspace(0, 0.9, 34)), seed=seed, name=name)
        ids = [f"{name}-{patient}" for patient in one.patients]
        genes = [f"G{i + 4 * seed}" for i in range(34)]
        obs = one.obs.assign(patient_id=ids, er=["pos", "neg"] * 30).set_axis(ids, axis=0)
        made[name] = dataclasses.replace(one, obs=obs, genes=pd.Index(genes))
        made[name].adata.write_h5ad(tmp_path / f"{name}.h5ad")
    return made, [tmp_path / "tcga.h5ad", tmp_path / "external.h5ad"]


def test_cohorts_have_their_overlap_and_the_genes_that_validate(capsys, cohorts, tmp_path):
    made, files = cohorts
    answer = sequoia(capsys, "compare", *files, "-o", tmp_path / "out")
    assert answer.code == 0, answer.err
    assert left_in(tmp_path / "out") == sorted(
        [*FILES, "overlap.csv", "overlap.png", "overlap.svg", "validated.csv"]
    )
    want = compare_models(made)
    for name, table in (("overlap", want.overlaps), ("validated", want.validated)):
        got = pd.read_csv(tmp_path / "out" / f"{name}.csv", float_precision="round_trip")
        pd.testing.assert_frame_equal(got, table, check_dtype=False, check_exact=True)
    assert "Cohorts compared" in answer.out
    assert "tcga (60) and external (60) have different patients" in answer.err


def test_the_summary_says_what_was_compared(capsys, cohorts, tmp_path):
    made, files = cohorts
    sequoia(capsys, "compare", *files, "-o", tmp_path / "out")
    text = (tmp_path / "out" / "summary.md").read_text()
    n = len(compare_models(made).validated)
    assert text.startswith("# Cohorts compared: tcga, external\n\nAll are judged by the rule paper: r>0")
    for sentence in (
        "tcga and external have 30 genes in common",
        f"lists {n} genes well predicted in both",
        "among 30 genes tested in both",
        "4 of 34 genes of tcga are not in all models",
        "`overlap`: well-predicted genes that cohorts share",
    ):
        assert sentence in text


def test_json_of_cohorts_counts_the_genes_that_validate(capsys, cohorts, tmp_path):
    made, files = cohorts
    content = sequoia(capsys, "compare", *files, "-o", tmp_path / "out", "--json").json
    assert content["samples"] == "different"
    assert content["n_validated"] == len(compare_models(made).validated)
    assert content["overlaps"][0]["lists"] == "tcga & external"


def test_cohorts_without_an_untrained_network_are_judged_by_strict(capsys, cohorts, tmp_path):
    made, files = cohorts
    dataclasses.replace(made["external"], untrained=()).adata.write_h5ad(files[1])
    answer = sequoia(capsys, "compare", *files, "-o", tmp_path / "out", "--json")
    assert answer.code == 0 and answer.json["rule"] == "strict"
    assert "external: there is no untrained network" in answer.err


def test_a_network_is_compared_with_a_layer_of_its_file_gene_by_gene(capsys, tmp_path):
    made, worse = (make_predictions(n=80, genes=20, accuracy=r) for r in (0.9, 0.1))
    adata = made.adata
    adata.layers["ridge"] = worse.predicted
    adata.write_h5ad(tmp_path / "predictions.h5ad")
    files = [tmp_path / "predictions.h5ad", f"{tmp_path / 'predictions.h5ad'}:ridge"]
    answer = sequoia(capsys, "compare", *files, "-o", tmp_path / "out", "--json")
    assert answer.code == 0, answer.err
    (pair,) = answer.json["pairs"]
    assert (pair["model_a"], pair["model_b"], pair["samples"]) == ("predictions", "ridge", "same")
    assert (pair["n_better_a"], pair["n_better_b"]) == (20, 0)
    assert (
        "on the same samples 20 genes are better in predictions"
        in (tmp_path / "out" / "summary.md").read_text()
    )


def test_subgroups_are_those_of_the_function_for_each_file(capsys, cohorts, tmp_path):
    made, files = cohorts
    answer = sequoia(capsys, "compare", *files, "--subgroups", "er", "-o", tmp_path / "out")
    assert answer.code == 0, answer.err
    got = pd.read_csv(tmp_path / "out" / "subgroups.csv", float_precision="round_trip")
    want = by_subgroup(made["external"], "er")
    own = got[got["model"] == "external"].drop(columns="model").rename(columns={"subgroup": "level"})
    pd.testing.assert_frame_equal(own.reset_index(drop=True), want.table, check_exact=True)
    genes = pd.read_csv(tmp_path / "out" / "subgroup_genes.csv")
    assert len(genes) == 2 * 3 * 34
    assert "## external, by er" in (tmp_path / "out" / "summary.md").read_text()


def test_subgroups_may_come_from_a_table_of_patients(capsys, cohorts, tmp_path):
    made, files = cohorts
    obs = pd.concat([one.obs for one in made.values()])
    table = pd.DataFrame({"grade": ["1", "2", "3"] * 40}, obs["patient_id"])
    table.rename_axis("patient").to_csv(tmp_path / "clinical.csv")
    words = ["--subgroups", "grade", "--patients", tmp_path / "clinical.csv", "--json"]
    content = sequoia(capsys, "compare", *files, *words, "-o", tmp_path / "out").json
    levels = [row["subgroup"] for row in content["subgroups"] if row["model"] == "tcga"]
    assert levels == ["all", "1", "2", "3"]


def test_one_table_of_patients_is_not_read_for_others_of_the_same_names(capsys, tmp_path):
    files = [tmp_path / "a.h5ad", tmp_path / "b.h5ad"]
    for seed, file in enumerate(files):
        make_predictions(n=20, genes=8, seed=seed).adata.write_h5ad(file)
    table = pd.DataFrame({"patient": [f"P{i + 1}" for i in range(20)], "grade": ["1", "2"] * 10})
    table.to_csv(tmp_path / "clinical.csv", index=False)
    words = ["--subgroups", "grade", "--patients", tmp_path / "clinical.csv", "-o", tmp_path / "out"]
    answer = sequoia(capsys, "compare", *files, *words)
    assert answer.code == 2 and "one table of patients cannot be of both" in answer.err
    assert "clinical.csv: P1, P2, P3" in answer.err and not (tmp_path / "out").exists()
    assert sequoia(capsys, "compare", *files, *words, "--samples", "same").code == 0
