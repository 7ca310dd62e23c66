"""`sequoia-stats genes`: the columns and exit codes that scripts rely on, for every kind of input."""

from __future__ import annotations

import dataclasses

import anndata
import numpy as np
import pandas as pd
import pytest

from sequoia_stats import well_predicted
from tests.build.cohorts import make_predictions
from tests.build.commands import left_in, sequoia

CONTRACT = {
    *("gene", "n", "r", "p", "r_untrained", "r_between", "z", "p_dependent", "p_dependent_bh"),
    *("rmse", "rmse_untrained", "nrmse", "well_predicted", "failed"),
}
ENDINGS = ["csv", "tsv", "csv.gz", "parquet", "h5ad"]
MIXED = [0.9, 0.8, 0.7, 0.6, 0.2, 0.1, 0, 0, 0, -0.2, -0.4, -0.8]
#: What read_csv needs so that texts stay texts and numbers keep their digits.
EXACT = {"float_precision": "round_trip", "keep_default_na": False, "na_values": {"nrmse": ""}}


def write_predictions(path, **made):
    """Predictions and their file."""
    predictions = make_predictions(**{"n": 40, "accuracy": MIXED} | made)
    predictions.adata.write_h5ad(path)
    return predictions


def write_matrices(folder, ending, *, turned=False, **made):
    """Predictions as matrices of one format; returns the arguments that name them."""
    predictions = make_predictions(**{"n": 40, "accuracy": MIXED} | made)
    names = ["p", "m", *(f"u{i}" for i in range(len(predictions.untrained)))]
    matrices = (predictions.predicted, predictions.measured, *predictions.untrained)
    for name, matrix in zip(names, matrices, strict=True):
        frame = pd.DataFrame(matrix, predictions.obs.index.rename(None), predictions.genes.rename(None))
        frame = frame.T if turned else frame
        path = folder / f"{name}.{ending}"
        if ending == "parquet":
            frame.to_parquet(path)
        elif ending == "h5ad":
            obs, var = (pd.DataFrame(index=axis) for axis in (frame.index, frame.columns))
            anndata.AnnData(frame.to_numpy(), obs, var).write_h5ad(path)
        else:
            frame.to_csv(path, sep="\t" if ending == "tsv" else ",")
    p, m, *us = (folder / f"{name}.{ending}" for name in names)
    rest = [word for u in us for word in ("--untrained", u)]
    return predictions, [p, "--measured", m, *rest, *(["--genes-in", "rows"] if turned else [])]


def test_the_table_has_a_row_per_gene_and_the_columns_of_the_contract(capsys, tmp_path):
    write_predictions(tmp_path / "p.h5ad")
    answer = sequoia(capsys, "genes", tmp_path / "p.h5ad", "-o", tmp_path / "genes.csv")
    assert answer.code == 0, answer.err
    table = pd.read_csv(tmp_path / "genes.csv")
    assert set(table.columns) >= CONTRACT
    assert table["gene"].tolist() == [f"G{j + 1}" for j in range(12)]
    assert table["well_predicted"].dtype == bool and table["well_predicted"].tolist()[:3] == [True] * 3
    assert table["failed"].isna().tolist() == table["well_predicted"].tolist()


@pytest.mark.parametrize(
    "options", [[], ["--rule", "strict"], ["--rule", "published-code", "--by", "cohort"]]
)
def test_the_numbers_are_those_of_the_function_to_the_last_digit(capsys, tmp_path, options):
    made = write_predictions(tmp_path / "p.h5ad", slides=2, cohorts=2)
    sequoia(capsys, "genes", tmp_path / "p.h5ad", "-o", tmp_path / "genes.csv", *options)
    keywords = dict(zip([o[2:] for o in options[::2]], options[1::2], strict=True))
    expected = well_predicted(made, **keywords).table
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "genes.csv", **EXACT), expected, check_exact=True)


@pytest.mark.parametrize(
    ("ending", "turned"),
    [*((ending, False) for ending in ENDINGS), *((ending, True) for ending in ENDINGS if ending != "h5ad")],
)
def test_matrices_give_the_table_of_the_predictions_file(capsys, tmp_path, ending, turned):
    made, files = write_matrices(tmp_path, ending, turned=turned, n_untrained=2)
    answer = sequoia(capsys, "genes", *files, "-o", tmp_path / "genes.csv")
    assert answer.code == 0, answer.err
    table, expected = pd.read_csv(tmp_path / "genes.csv"), well_predicted(made).table
    columns = sorted(CONTRACT - {"failed"})
    pd.testing.assert_frame_equal(table[columns], expected[columns], rtol=1e-12)


def test_counts_after_each_criterion_are_printed_by_level(capsys, tmp_path):
    made = write_predictions(tmp_path / "p.h5ad", cohorts=2)
    answer = sequoia(
        capsys,
        "genes",
        tmp_path / "p.h5ad",
        "-o",
        tmp_path / "genes.csv",
        "--rule",
        "strict",
        "--by",
        "cohort",
    )
    selection = well_predicted(made, rule="strict", by="cohort")
    assert str(selection) in answer.out
    assert answer.out.splitlines()[-1] == f"{selection.well_predicted.sum()} of 24 genes are well predicted"
    assert pd.read_csv(tmp_path / "genes.csv").columns[0] == "cohort"


def test_json_is_one_object_with_counts_notes_and_the_file(capsys, tmp_path):
    made = write_predictions(tmp_path / "p.h5ad", slides=2)
    answer = sequoia(
        capsys, "genes", tmp_path / "p.h5ad", "-o", tmp_path / "genes.csv", "--rule", "strict", "--json"
    )
    selection = well_predicted(made, rule="strict")
    content = answer.json
    assert content["counts"] == selection.counts.to_dict("records")
    assert (content["rule"], content["method"], content["units"]) == ("strict", "steiger", "patients")
    assert (content["n_genes"], content["n_slides"], content["n_patients"]) == (12, 80, 40)
    assert content["n_well_predicted"] == selection.well_predicted.sum()
    assert content["output"] == str(tmp_path / "genes.csv")
    assert content["notes"] == list(selection.notes) != []


def test_notes_and_losses_go_to_stderr(capsys, tmp_path):
    _, files = write_matrices(tmp_path, "csv")
    table = pd.read_csv(tmp_path / "m.csv", index_col=0).drop(columns="G3")
    table.to_csv(tmp_path / "m.csv")
    answer = sequoia(capsys, "genes", *files, "-o", tmp_path / "genes.csv", "--rule", "strict")
    assert "single untrained network" in answer.err and "untrained network" not in answer.out
    assert "1 gene is in the predictions only: G3" in answer.err
    assert "every slide counts as its own patient" in answer.err


def test_a_table_of_patients_makes_them_the_units(capsys, tmp_path):
    made, files = write_matrices(tmp_path, "csv", slides=2, cohorts=2)
    made.obs.to_csv(tmp_path / "samples.csv")
    more = ["--patients", tmp_path / "samples.csv", "--rule", "strict", "--by", "cohort", "--json"]
    answer = sequoia(capsys, "genes", *files, *more, "-o", tmp_path / "genes.csv")
    assert answer.json["n_patients"] == 40
    assert set(pd.read_csv(tmp_path / "genes.csv")["n"]) == {20}


def test_measured_expression_may_be_beside_a_file_of_predictions(capsys, tmp_path):
    made, files = write_matrices(tmp_path, "csv", slides=2)
    adata = made.adata
    del adata.layers["measured"]
    adata.write_h5ad(tmp_path / "p.h5ad")
    answer = sequoia(
        capsys, "genes", tmp_path / "p.h5ad", *files[1:3], "-o", tmp_path / "genes.csv", "--json"
    )
    assert answer.code == 0, answer.err
    assert answer.json["n_patients"] == 40


def test_predictions_without_an_untrained_network_are_judged_by_strict(capsys, tmp_path):
    write_predictions(tmp_path / "p.h5ad", n_untrained=0)
    command = ["genes", tmp_path / "p.h5ad", "-o", tmp_path / "genes.csv"]
    refused = sequoia(capsys, *command)
    assert refused.code == 2 and "--rule strict" in refused.err
    answer = sequoia(capsys, *command, "--rule", "strict")
    assert answer.code == 0 and "no untrained network" in answer.err
    table = pd.read_csv(tmp_path / "genes.csv")
    assert set(table.columns) >= CONTRACT and table["p_dependent"].isna().all()


def test_an_output_is_replaced_by_force_alone(capsys, tmp_path):
    write_predictions(tmp_path / "p.h5ad")
    (tmp_path / "genes.csv").write_text("old")
    command = ["genes", tmp_path / "p.h5ad", "-o", tmp_path / "genes.csv"]
    refused = sequoia(capsys, *command)
    assert refused.code == 2 and "already exists" in refused.err and "--force" in refused.err
    assert (tmp_path / "genes.csv").read_text() == "old"
    assert sequoia(capsys, *command, "--force").code == 0
    assert (tmp_path / "genes.csv").read_text().startswith("gene,n,r,p,")


def test_the_same_seed_gives_the_same_bytes(capsys, tmp_path):
    write_predictions(tmp_path / "p.h5ad", slides=2)
    options = ["--units", "cluster-bootstrap", "--bootstrap", "100", "--seed"]
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        sequoia(capsys, "genes", tmp_path / "p.h5ad", "-o", tmp_path / f"{name}.csv", *options, seed)
    a, b, c = ((tmp_path / f"{name}.csv").read_bytes() for name in "abc")
    assert a == b != c


def test_nothing_but_the_table_is_left(capsys, tmp_path):
    write_predictions(tmp_path / "p.h5ad")
    sequoia(capsys, "genes", tmp_path / "p.h5ad", "-o", tmp_path / "genes.csv")
    assert left_in(tmp_path) == ["genes.csv", "p.h5ad"]


def test_a_constant_gene_is_a_row_and_the_file_has_no_infinity(capsys, tmp_path):
    made = make_predictions(accuracy=MIXED)
    adata = made.adata
    adata.X[:, 0], adata.layers["measured"][:, 1] = 1.0, 2.0
    adata.write_h5ad(tmp_path / "p.h5ad")
    answer = sequoia(capsys, "genes", tmp_path / "p.h5ad", "-o", tmp_path / "genes.csv")
    table = pd.read_csv(tmp_path / "genes.csv")
    assert table.loc[:1, ["r", "p", "p_dependent"]].to_numpy().tolist() == [[0, 1, 1]] * 2
    assert table["failed"].tolist()[:2] == ["r>0", "r>0"]
    assert not np.isinf(table.select_dtypes(float)).any(axis=None)
    assert "2 genes with r 0 and p 1" in answer.err


def test_clinical_columns_of_a_table_of_patients_give_r_within_and_beyond(capsys, tmp_path):
    write_predictions(tmp_path / "p.h5ad", slides=2)
    clinical = pd.DataFrame(
        {"er": ["pos", "neg"] * 20, "age": range(40, 80)}, [f"P{i + 1}" for i in range(40)]
    )
    clinical.drop(["P3", "P40"]).rename_axis("patient").to_csv(tmp_path / "clinical.csv")
    more = [
        "--rule",
        "strict",
        "--within",
        "er",
        "--beyond",
        "er, age",
        "--patients",
        tmp_path / "clinical.csv",
    ]
    answer = sequoia(capsys, "genes", tmp_path / "p.h5ad", *more, "-o", tmp_path / "genes.csv")
    assert answer.code == 0, answer.err
    table = pd.read_csv(tmp_path / "genes.csv")
    new = ["r_within_er", "n_within_er", "p_within_er", "p_within_er_bh", "r_er=neg", "n_er=neg", "r_er=pos"]
    new += ["n_er=pos", *(f"{start}_beyond_er_age" for start in "rnp"), "p_beyond_er_age_bh"]
    assert table.columns[-len(new) - 2 : -2].tolist() == new
    assert set(table["n_within_er"]) == set(table["n_beyond_er_age"]) == {38}
    assert "not in it: P3, P40" in answer.err and "no value of er (2), age (2)" in answer.err
    assert "within er" in answer.out and "n_still_predicted" in answer.out
    assert "n_unadjusted" in answer.out and "None" not in answer.out


def test_columns_of_a_repeated_option_all_count(capsys, tmp_path):
    made = make_predictions(n=40)
    obs = made.obs.assign(er=["pos", "neg"] * 20, pr=["pos", "pos", "neg", "neg"] * 10)
    dataclasses.replace(made, obs=obs).adata.write_h5ad(tmp_path / "p.h5ad")
    words = ["--within", "er", "--within", "pr", "--beyond", "er", "--beyond", "pr"]
    sequoia(capsys, "genes", tmp_path / "p.h5ad", *words, "-o", tmp_path / "genes.csv")
    columns = pd.read_csv(tmp_path / "genes.csv").columns
    assert {"r_within_er", "r_within_pr", "r_beyond_er_pr"} <= set(columns)


def test_json_counts_the_genes_that_are_left_within_strata(capsys, tmp_path):
    made = write_predictions(tmp_path / "p.h5ad", cohorts=2)
    words = ["genes", tmp_path / "p.h5ad", "--within", "cohort", "-o", tmp_path / "genes.csv", "--json"]
    content = sequoia(capsys, *words).json
    assert [row["adjusted"] for row in content["adjusted"]] == ["within cohort", "cohort=A", "cohort=B"]
    want = well_predicted(made, within="cohort").adjusted["n_still_predicted"]
    assert [row["n_still_predicted"] for row in content["adjusted"]] == [want[0], None, None]


def test_a_layer_of_a_run_is_judged_in_place_of_the_network(capsys, tmp_path):
    made = make_predictions(n=40, accuracy=MIXED)
    adata = made.adata
    adata.layers["ridge"], adata.layers["std"] = made.predicted[:, ::-1].copy(), np.abs(made.predicted)
    adata.write_h5ad(tmp_path / "p.h5ad")
    for name, source in (("network", "p.h5ad"), ("ridge", "p.h5ad:ridge")):
        answer = sequoia(capsys, "genes", tmp_path / source, "-o", tmp_path / f"{name}.csv")
        assert answer.code == 0, answer.err
    network, ridge = (pd.read_csv(tmp_path / f"{name}.csv", **EXACT) for name in ("network", "ridge"))
    pd.testing.assert_frame_equal(network, well_predicted(made).table, check_exact=True)
    other = dataclasses.replace(made, predicted=adata.layers["ridge"])
    pd.testing.assert_frame_equal(ridge, well_predicted(other).table, check_exact=True)
