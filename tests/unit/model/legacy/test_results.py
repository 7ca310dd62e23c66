"""Old results: what is read, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sequoia_model.errors import InputError
from sequoia_model.legacy import read_results
from tests.build.pickles import GENES, make_results, make_split, slide, write_pickle

# --- what is read --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_results_become_predictions(tmp_path, protocol):
    content = make_results(make_split(0, prefix="rna_"), make_split(1, prefix="rna_"))
    adata = read_results(write_pickle(tmp_path, content, protocol))
    assert adata.var_names.tolist() == GENES
    assert adata.obs_names.tolist() == [slide(0), slide(1), slide(10), slide(11)]
    assert adata.obs["patient_id"].tolist() == [
        "TCGA-AA-0000",
        "TCGA-AA-0001",
        "TCGA-AA-0010",
        "TCGA-AA-0011",
    ]
    assert adata.obs["fold"].tolist() == [0, 0, 1, 1]
    assert adata.obs["cohort"].unique().tolist() == ["TCGA-BRCA"]
    np.testing.assert_array_equal(adata.X[2:], content["split_1"]["preds"])
    np.testing.assert_array_equal(adata.layers["measured"][:2], content["split_0"]["real"].astype(np.float32))
    np.testing.assert_array_equal(adata.layers["untrained"][2:], content["split_1"]["random"])
    assert not adata.layers["std"].any()
    assert adata.uns["warnings"].tolist() == []


def test_one_split_alone_has_no_number(tmp_path):
    adata = read_results(write_pickle(tmp_path, make_split(0, random=None) | {"random": None}))
    assert adata.obs["fold"].isna().all()
    assert "untrained" not in adata.layers
    assert "does not say which fold" in adata.uns["warnings"][0]


def test_splits_are_in_the_order_of_their_numbers(tmp_path):
    splits = {f"split_{i}": make_split(i, n=1) for i in (10, 9, *range(9))}
    assert read_results(write_pickle(tmp_path, splits)).obs["fold"].tolist() == list(range(11))


def test_slides_lose_their_endings_and_a_table_names_their_patients(tmp_path):
    content = make_results(make_split(0, wsi_file_name=["S1.svs", b"S2"]))
    adata = read_results(write_pickle(tmp_path, content), {"S1.svs": "P1", "S2": "P1"})
    assert adata.obs["patient_id"].to_dict() == {"S1": "P1", "S2": "P1"}


@pytest.mark.parametrize("names", [pd.Index, pd.Series, pd.array])
def test_names_may_be_held_as_pandas_holds_them(tmp_path, names):
    split = make_split(0)
    held = {key: names(split[key]) for key in ("genes", "wsi_file_name", "tcga_project")}
    adata = read_results(write_pickle(tmp_path, {"split_0": split | held, "genes": names(GENES)}))
    assert (adata.var_names.tolist(), adata.obs_names.tolist()) == (GENES, [slide(0), slide(1)])
    assert adata.obs["cohort"].tolist() == ["TCGA-BRCA"] * 2


def test_a_missing_measurement_is_kept(tmp_path):
    real = np.array([[1.0, np.nan, 2.0]] * 2)
    adata = read_results(write_pickle(tmp_path, make_results(make_split(0, real=real))))
    assert np.isnan(adata.layers["measured"][:, 1]).all()


WARNINGS = {
    "other keys": (make_results(make_split(0, labels=1), baseline=[1]), "not read: labels, baseline"),
    "a lost split": ({"split_0": make_split(0), "split_3": make_split(1)}, "2 splits are missing: split_1, split_2"),
    "untrained in one": (make_results(make_split(0), make_split(1, random=None)), "random is in 1 of 2 splits"),
    "projects in one": (make_results(make_split(0), make_split(1, tcga_project=None)), "tcga_project is in 1 of 2"),
    "slides of nobody": (
        make_results(make_split(0, wsi_file_name=["S1", slide(2)])),
        "1 of 2 slides has no patient, so each counts as its own patient: S1",
    ),
    "a patient in two folds": (
        make_results(make_split(0), make_split(1, wsi_file_name=[slide(0, 2), slide(9)])),
        "1 patient has slides in several folds",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("content", "words"), WARNINGS.values(), ids=WARNINGS)
def test_what_is_left_out_or_doubtful_is_reported(tmp_path, content, words):
    warnings = read_results(write_pickle(tmp_path, content)).uns["warnings"]
    assert len(warnings) == 1
    assert words in warnings[0]


# --- what does not fit ---------------------------------------------------------------------------------------------

NAN = np.array([[1, 2, 3], [4, np.nan, 6.0]])
BAD = {
    "a number": (1, ["which holds an int"]),
    "a list": ([1, 2], ["does not hold cross-validation results", "which holds a list"]),
    "an array": (np.zeros(3), ["does not hold cross-validation results", "an array of float64"]),
    "nothing": ({}, ["does not hold cross-validation results", "a dictionary of nothing"]),
    "other keys": ({"fold_0": {}, "genes": []}, ["a dictionary of fold_0, genes", "split_0"]),
    "a split that is a number": ({"split_0": 3}, ["does not hold cross-validation results"]),
    "no predictions": (make_results(make_split(0, preds=None)), ["split_0 lacks preds", "real, random"]),
    "no slides": (make_results(make_split(0), make_split(1, wsi_file_name=None)), ["split_1 lacks wsi_file_name"]),
    "no slide": (make_results(make_split(0, n=0)), ["split_0 has no slides"]),
    "no genes": ({"split_0": make_split(0, genes=None)}, ["the key 'genes' is missing"]),
    "other genes": (make_results(make_split(0, genes=GENES[::-1])), ["lists of genes differ", "split_0, genes"]),
    "fewer genes": (make_results(genes=GENES[:2]), ["lists of genes differ: one has 2 genes, the other 3"]),
    "a gene twice": (
        {"split_0": make_split(0, genes=["A", "A", "B"])},
        ["1 gene is duplicated: A", "split_0, genes"],
    ),
    "genes that are numbers": (make_results(genes=[1, 2, 3]), ["not a list of names", "genes"]),
    "an empty gene": (make_results(genes=["A", " ", "B"]), ["1 name is empty", "number 2"]),
    "half a character": (make_results(genes=["A", "\ud800", "B"]), ["a name is not text"]),
    "a byte of zero": (make_results(genes=["A", "B\0", "C"]), ["1 name is empty or not text", "number 2"]),
    "bytes that are not text": (make_results(genes=[b"\xff"]), ["a name is not text"]),
    "another shape": (
        make_results(make_split(0), make_split(1, real=np.zeros((3, 3)))),
        ["the shape is 3 × 3, but there are 2 slides × 3 genes", "split_1, real"],
    ),
    "one dimension": (make_results(make_split(0, preds=np.zeros(6))), ["the shape is 6,", "split_0, preds"]),
    "projects of others": (make_results(make_split(0, tcga_project=["A"])), ["1 project for 2 slides", "split_0"]),
    "NaN predictions": (
        make_results(make_split(0, preds=NAN)),
        ["1 value is NaN or infinite", f"split_0, preds, first at slide {slide(1)}, gene TP53"],
    ),
    "NaN untrained": (make_results(make_split(0, random=NAN)), ["1 value is NaN or infinite", "split_0, random"]),
    "beyond float32": (make_results(make_split(0, preds=np.full((2, 3), 1e39))), ["6 values are NaN or infinite"]),
    "infinite measurements": (
        make_results(make_split(0, real=np.full((2, 3), np.inf))),
        ["6 values are infinite", "split_0, real"],
    ),
    "texts for numbers": (make_results(make_split(0, preds=np.full((2, 3), "a"))), ["must be numbers", "of <U1"]),
    "lists for arrays": (make_results(make_split(0, preds=[[1.0]])), ["must be numbers, but is a list"]),
    "a slide twice in a split": (
        make_results(make_split(0, wsi_file_name=[slide(0), slide(0) + ".svs"])),
        ["1 slide is duplicated", f"{slide(0)} (split_0, split_0)"],
    ),
    "a slide in two splits": (make_results(make_split(0), make_split(0)), ["2 slides are", "(split_0, split_1)"]),
}  # fmt: skip


@pytest.mark.parametrize(("content", "words"), BAD.values(), ids=BAD)
def test_results_that_do_not_fit_are_refused_with_split_and_key(tmp_path, content, words):
    with pytest.raises(InputError) as raised:
        read_results(write_pickle(tmp_path, content))
    assert [word for word in [*words, "test_results.pkl"] if word not in str(raised.value)] == []


def test_patients_of_other_slides_are_refused(tmp_path):
    with pytest.raises(InputError, match="none of the 4 slides is in the given list of patients"):
        read_results(write_pickle(tmp_path, make_results()), {"S1": "P1"})


# --- predictions of another cohort -----------------------------------------------------------------------------------


def make_tables(n=5, **changes):
    """The means over all folds as the published code leaves them."""
    generator = np.random.default_rng(3)
    slides = [slide(i) for i in range(n)]
    drawn = {
        name: pd.DataFrame(generator.normal(size=(n, 3)).astype(np.float32), slides, GENES)
        for name in ("pred", "random")
    }
    return {name: value for name, value in (drawn | changes).items() if value is not None}


def test_predictions_of_another_cohort_are_converted(tmp_path):
    tables = make_tables()
    adata = read_results(write_pickle(tmp_path, tables))
    np.testing.assert_array_equal(adata.X, tables["pred"].to_numpy())
    np.testing.assert_array_equal(adata.layers["untrained"], tables["random"].to_numpy())
    assert set(adata.layers) == {"untrained"} and adata.var_names.tolist() == GENES
    assert adata.obs["fold"].isna().all() and adata.obs["n_folds"].isna().all()
    assert "means of the networks of all folds" in adata.uns["note"]


def test_tables_in_another_order_are_matched_by_name(tmp_path):
    tables = make_tables()
    turned = {"pred": tables["pred"], "random": tables["random"].iloc[::-1, ::-1]}
    adata = read_results(write_pickle(tmp_path, turned))
    np.testing.assert_array_equal(adata.layers["untrained"], tables["random"].to_numpy())


@pytest.mark.parametrize("named", [True, False])
def test_splits_may_hold_tables(tmp_path, named):
    part = make_split(0)
    preds = pd.DataFrame(part["preds"])
    if named:
        preds = (
            preds.set_axis([f"{name}.svs" for name in part["wsi_file_name"]])
            .set_axis(GENES, axis=1)
            .iloc[::-1, ::-1]
        )
    adata = read_results(write_pickle(tmp_path, make_results(make_split(0, preds=preds))))
    np.testing.assert_array_equal(adata.X, part["preds"])


def test_a_table_of_other_genes_in_a_split_is_refused(tmp_path):
    preds = pd.DataFrame(make_split(0)["preds"], [slide(0), slide(1)], ["A1BG", "TP53", "X"])
    with pytest.raises(InputError, match="the genes are not those of wsi_file_name and genes") as raised:
        read_results(write_pickle(tmp_path, make_results(make_split(0, preds=preds))))
    assert "split_0, preds: X, ESR1" in raised.value.where


def test_predictions_without_untrained_ones_are_converted(tmp_path):
    assert not read_results(write_pickle(tmp_path, make_tables(random=None))).layers


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"random": make_tables(4)["random"]}, "the slides are not those of pred: 4 here, 5 there"),
        ({"random": [1.0]}, "this must be a table, but is a list"),
        ({"random": make_tables()["random"].rename(columns={"TP53": "X"})}, "the genes are not those of pred"),
        ({"pred": make_tables()["pred"].T}, "the columns are slides and the rows are genes"),
        ({"pred": [make_tables()["pred"]] * 2}, "which holds a dictionary of pred, random; pred is a list of 2 tables"),
        ({"pred": make_tables()["pred"] * np.nan}, "NaN or infinite"),
        ({"pred": pd.DataFrame(np.ones((2, 2)), ["a", "a"], ["A", "B"]), "random": None}, "1 slide is duplicated"),
        ({"pred": pd.DataFrame(np.ones((2, 2)), ["a", "b"], ["A", "A"]), "random": None}, "1 gene is duplicated"),
        ({"pred": pd.DataFrame(np.ones((2, 2))), "random": None}, "list of names: it holds 0(.|\n)*columns .genes"),
    ],
)  # fmt: skip
def test_predictions_of_another_cohort_that_cannot_be_used_are_refused(tmp_path, changes, words):
    with pytest.raises(InputError, match=words):
        read_results(write_pickle(tmp_path, make_tables(**changes)))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda pred: pred.abs() + 100, "not possible"),
        (lambda pred: pred - 20, "predictions fall to -2"),
        (lambda pred: pred - pred.to_numpy().mean(), "of the predictions are below 0"),
    ],
    ids=["TPM", "log2 of shares", "z-scores"],
)
def test_values_that_cannot_be_log_expression_do_not_get_its_unit(tmp_path, change, words):
    adata = read_results(write_pickle(tmp_path, make_tables(pred=change(make_tables()["pred"]))))
    assert adata.uns["units"] == "not stated" and words in adata.uns["warnings"][-1]


def test_a_few_values_below_0_keep_the_unit(tmp_path):
    pred = make_tables()["pred"].abs()
    pred.iloc[0] *= -1
    adata = read_results(write_pickle(tmp_path, make_tables(pred=pred)))
    assert (adata.uns["units"], adata.uns["n_negative"]) == ("log2(FPKM-UQ+1)", 3)
