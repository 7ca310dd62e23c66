"""Predictions from files: matched by sample and gene, every loss counted, every mismatch refused."""

from __future__ import annotations

import dataclasses

import anndata
import numpy as np
import pandas as pd
import pytest

from sequoia_stats.errors import InputError
from sequoia_stats.io import read_predictions
from sequoia_stats.io.predictions import model_name
from tests.build.cohorts import make_predictions

ENDINGS = ["csv", "tsv", "csv.gz", "parquet", "h5ad"]


def frames(made):
    """The matrices of predictions as frames: predicted, measured, untrained."""
    matrices = (made.predicted, made.measured, *made.untrained)
    return [pd.DataFrame(m, made.obs.index.rename(None), made.genes.rename(None)) for m in matrices]


def write(folder, frame, name):
    """One matrix in the format of its ending."""
    path = folder / name
    if name.endswith(".parquet"):
        frame.to_parquet(path)
    elif name.endswith(".h5ad"):
        var = pd.DataFrame(index=frame.columns)
        anndata.AnnData(frame.to_numpy(), pd.DataFrame(index=frame.index), var).write_h5ad(path)
    else:
        frame.to_csv(path, sep="\t" if name.endswith(".tsv") else ",")
    return path


def assert_same(found, made):
    """The same numbers for the same slides and genes, in any order."""
    rows = found.obs.index.get_indexer(made.obs.index)
    columns = found.genes.get_indexer(made.genes)
    for before, after in zip(
        (made.predicted, made.measured, *made.untrained),
        (found.predicted, found.measured, *found.untrained),
        strict=True,
    ):
        np.testing.assert_array_equal(after[rows[:, None], columns], before)


def test_a_predictions_file_is_read(tmp_path):
    made = make_predictions(slides=2, n_untrained=2)
    made.adata.write_h5ad(tmp_path / "p.h5ad")
    found = read_predictions(tmp_path / "p.h5ad")
    assert_same(found, made)
    assert found.name == "made" and list(found.patients) == list(made.patients)


def test_a_predictions_file_without_a_name_has_that_of_the_file(tmp_path):
    adata = make_predictions().adata
    del adata.uns["name"]
    adata.write_h5ad(tmp_path / "brca.h5ad")
    assert read_predictions(tmp_path / "brca.h5ad").name == "brca"


def test_objects_are_accepted_as_well():
    made = make_predictions()
    assert read_predictions(made) is made
    assert_same(read_predictions(made.adata), made)


@pytest.mark.parametrize("ending", ENDINGS)
def test_matrices_of_any_format_are_matched_by_sample_and_gene(tmp_path, ending):
    made = make_predictions(n_untrained=2, n=8)
    predicted, measured, *untrained = frames(made)
    p = write(tmp_path, predicted.iloc[:, ::-1], f"p.{ending}")
    m = write(tmp_path, measured.sample(frac=1, random_state=1), f"m.{ending}")
    us = [write(tmp_path, u.iloc[::-1, ::-1], f"u{i}.{ending}") for i, u in enumerate(untrained)]
    found = read_predictions(p, measured=m, untrained=us)
    assert_same(found, made)
    assert list(found.obs.index) == list(predicted.index)


def test_genes_may_be_in_rows(tmp_path):
    made = make_predictions(n=8)
    p, m, u = (write(tmp_path, f.T, f"{i}.csv") for i, f in enumerate(frames(made)))
    assert_same(read_predictions(p, measured=m, untrained=u, genes_in="rows"), made)


def test_single_precision_stays_so(tmp_path):
    made = make_predictions(n=8, dtype=np.float32, n_untrained=0)
    p, m = (write(tmp_path, f, f"{i}.parquet") for i, f in enumerate(frames(made)))
    assert read_predictions(p, measured=m).predicted.dtype == np.float32


def test_an_untrained_matrix_joins_those_of_the_file(tmp_path):
    made = make_predictions(n=8, n_untrained=2)
    frame = write(tmp_path, frames(made)[-1], "u.csv")
    found = read_predictions(made, untrained=frame)
    assert len(found.untrained) == 3
    np.testing.assert_array_equal(found.untrained[2], made.untrained[1])


@pytest.mark.parametrize(
    "names", [["untrained_1"], ["untrained_1", "untrained_2"], ["untrained", "untrained_3"]]
)
def test_an_untrained_matrix_replaces_no_layer_whatever_its_number(tmp_path, names):
    made = make_predictions(n=8, n_untrained=3)
    adata = make_predictions(n=8, n_untrained=0).adata
    for name, matrix in zip(names, made.untrained, strict=False):
        adata.layers[name] = matrix
    found = read_predictions(adata, untrained=write(tmp_path, frames(made)[-1], "u.csv"))
    expected = [*made.untrained[: len(names)], made.untrained[2]]
    np.testing.assert_array_equal(found.untrained, expected)


def test_the_objects_of_the_caller_are_left_alone(tmp_path):
    made = make_predictions(n=8, n_untrained=0)
    adata = made.adata
    measured = write(tmp_path, frames(made)[1].iloc[:, :5], "m.csv")
    del adata.layers["measured"]
    read_predictions(adata, measured=measured, patients=pd.DataFrame({"site": "a"}, index=made.obs.index))
    assert not adata.layers and adata.n_vars == 12 and "site" not in adata.obs


def test_genes_that_one_matrix_lacks_are_counted(tmp_path):
    predicted, measured, untrained = frames(make_predictions(n=8))
    p = write(tmp_path, predicted, "p.csv")
    m = write(tmp_path, measured.drop(columns=["G1", "G2"]).assign(G99=1.0), "m.csv")
    u = write(tmp_path, untrained.drop(columns=["G12"]), "u.csv")
    found = read_predictions(p, measured=m, untrained=u)
    assert list(found.genes) == [f"G{j}" for j in range(3, 12)]
    flow = found.flow[found.flow["step"].str.startswith("genes")]
    assert flow[["step", "n_before", "n_after"]].to_numpy().tolist() == [
        ["genes: the predictions", 12, 10],
        ["genes: the measured expression", 11, 10],
        ["genes: the predictions", 10, 9],
        ["genes: the predictions of the untrained network", 11, 9],
    ]
    assert "G1, G2" in flow["reason"].iloc[0] and "G99" in flow["reason"].iloc[1]


def test_a_former_name_is_not_used_but_reported(tmp_path):
    predicted, measured, _ = frames(make_predictions(n=8))
    p = write(tmp_path, predicted.rename(columns={"G1": "NDC80"}), "p.csv")
    m = write(tmp_path, measured.rename(columns={"G1": "KNTC2"}), "m.csv")
    found = read_predictions(p, measured=m)
    assert "NDC80" not in found.genes
    assert "1 in both under a former name" in found.flow["reason"].iloc[0]


@pytest.mark.parametrize("ending", ["csv", "h5ad"])
def test_a_table_of_samples_brings_patients_and_other_columns(tmp_path, ending):
    made = make_predictions(n=4, slides=2, cohorts=2)
    predicted, measured, _ = frames(made)
    p, m = write(tmp_path, predicted, f"p.{ending}"), write(tmp_path, measured, f"m.{ending}")
    table = made.obs.sample(frac=1, random_state=1).rename_axis("slide")
    table.loc["other"] = ["P9", 0, "B"]
    table.to_csv(tmp_path / "samples.csv")
    found = read_predictions(p, measured=m, patients=tmp_path / "samples.csv")
    assert list(found.patients) == list(made.patients)
    assert list(found.obs["cohort"]) == list(made.obs["cohort"])
    assert found.flow[["n_before", "n_after"]].to_numpy().tolist() == [[9, 8]]


def test_a_table_of_patients_is_read_as_such_where_a_slide_is_called_like_its_patient():
    made = make_predictions(n=6, slides=2)
    slides = ["P1", *made.obs.index[1:]]
    made = dataclasses.replace(made, obs=made.obs.set_axis(slides, axis=0))
    table = pd.DataFrame({"grade": list("123123")}, [f"P{i + 1}" for i in range(6)])
    found = read_predictions(made, patients=table)
    assert found.obs["grade"].tolist() == list("112233112233")


def test_a_table_of_patients_brings_clinical_columns_to_all_slides_of_a_patient(tmp_path):
    made = make_predictions(n=5, slides=2)
    table = pd.DataFrame({"er": ["neg", "pos", "pos", "neg", "pos"]}, ["P5", "P3", "P2", "P1", "P9"])
    table.rename_axis("patient").to_csv(tmp_path / "clinical.csv")
    found = read_predictions(made, patients=tmp_path / "clinical.csv")
    er = found.obs["er"].fillna("").to_numpy().reshape(5, 2)
    assert er[:, 0].tolist() == er[:, 1].tolist() == ["neg", "pos", "pos", "", "neg"]
    assert found.flow[["n_before", "n_after"]].to_numpy().tolist() == [[5, 4], [5, 4]]
    assert found.flow["reason"].tolist() == ["not in it: P4", "the others have no predictions"]


def test_a_layer_takes_the_place_of_the_predictions(tmp_path):
    made = make_predictions(n=6)
    adata = made.adata
    adata.layers["ridge"] = made.predicted + 1
    adata.write_h5ad(tmp_path / "p.h5ad")
    found = read_predictions(f"{tmp_path / 'p.h5ad'}:ridge")
    np.testing.assert_array_equal(found.predicted, made.predicted + 1)
    np.testing.assert_array_equal(found.measured, made.measured)
    np.testing.assert_array_equal(found.untrained[0], made.untrained[0])
    assert found.name == "made, ridge"


def test_the_folder_of_a_run_stands_for_its_predictions(tmp_path):
    made = make_predictions()
    adata = made.adata
    adata.layers["ridge"] = made.predicted + 1
    (tmp_path / "brca").mkdir()
    adata.write_h5ad(tmp_path / "brca" / "predictions.h5ad")
    np.testing.assert_array_equal(read_predictions(tmp_path / "brca").predicted, made.predicted)
    np.testing.assert_array_equal(
        read_predictions(f"{tmp_path / 'brca'}:ridge").predicted, made.predicted + 1
    )
    assert model_name(tmp_path / "brca") == "brca" and model_name(f"{tmp_path / 'brca'}:ridge") == "ridge"


def test_an_untrained_network_is_not_compared_with_itself(tmp_path):
    made = make_predictions(n_untrained=2)
    made.adata.write_h5ad(tmp_path / "p.h5ad")
    read = read_predictions(f"{tmp_path / 'p.h5ad'}:untrained")
    np.testing.assert_array_equal(read.predicted, made.untrained[0])
    np.testing.assert_array_equal(read.untrained, made.untrained[1:])


def test_layers_that_are_no_predictions_do_not_matter(tmp_path):
    made = make_predictions(n=6)
    adata = made.adata
    adata.layers["ridge"], adata.layers["std"] = made.predicted + 1, np.full(made.predicted.shape, np.nan)
    adata.write_h5ad(tmp_path / "p.h5ad")
    found = read_predictions(tmp_path / "p.h5ad")
    np.testing.assert_array_equal(found.predicted, made.predicted)
    assert len(found.untrained) == 1 and found.flow.empty


# --- refused -------------------------------------------------------------------------------------------------------


def matrices(change_measured=lambda f: f, change_predicted=lambda f: f, options=None):
    """Arguments of `read_predictions` for two tables, one of them changed."""

    def build(folder):
        predicted, measured, _ = frames(make_predictions(n=8))
        p = write(folder, change_predicted(predicted), "p.csv")
        return (p,), {"measured": write(folder, change_measured(measured), "m.csv")} | (options or {})

    return build


def named(genes):
    """Genes with other names."""
    return lambda frame: frame.set_axis(genes, axis=1)


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


def layered(folder, layer):
    """A file with a layer "ridge", and a layer of it."""
    adata = make_predictions(n=6).adata
    adata.layers["ridge"] = adata.X + 1
    adata.write_h5ad(folder / "p.h5ad")
    return f"{folder / 'p.h5ad'}:{layer}"


REFUSED = {
    "samples that differ": (
        matrices(lambda f: f.rename(index={"P2": "S2"}).iloc[:-1]),
        ["the samples differ", "2 of 8", "1 of 7", "P2, P8", "S2", "m.csv"],
    ),
    "Ensembl ids in place of symbols": (
        matrices(lambda f: f.set_axis([f"ENSG{i:011d}" for i in range(f.shape[1])], axis=1)),
        ["of the other table,", "are Ensembl gene ids, such as ENSG00000000000", "m.csv"],
    ),
    "no gene in common": (
        matrices(lambda f: f.add_prefix("ENSG")),
        ["no gene of the predictions is in the measured expression", "G1, G2, G3", "ENSG", "m.csv"],
    ),
    "one matrix turned": (matrices(lambda f: f.T), ["the samples differ", "m.csv", "--genes-in rows"]),
    "both turned, and symbols show it": (
        matrices(lambda f: named(SYMBOLS)(f).T, lambda f: named(SYMBOLS)(f).T),
        ["the samples have the names of genes: ESR1", "p.csv", "--genes-in rows"],
    ),
    "both turned, and a title shows it": (
        matrices(lambda f: f.T.rename_axis("gene"), lambda f: f.T.rename_axis("gene")),
        ["called 'gene'", "p.csv", "--genes-in rows"],
    ),
    "rows said, columns there": (
        matrices(named(SYMBOLS), named(SYMBOLS), {"genes_in": "rows"}),
        ["have the names of genes", "--genes-in columns"],
    ),
    "a gene twice": (
        matrices(lambda f: f.rename(columns={"G2": "G1"})),
        ["1 gene name is duplicated: G1", "m.csv"],
    ),
    "a sample twice": (
        matrices(lambda f: f.rename(index={"P2": "P1"})),
        ["duplicated: P1", "m.csv"],
    ),
    "a date for a gene": (
        matrices(lambda f: f.rename(columns={"G2": "2-Sep"})),
        ["1 gene name is a date", "2-Sep (gene 2, SEPTIN2)", "m.csv"],
    ),
    "a missing prediction": (
        matrices(change_predicted=lambda f: f.mask(f == f.loc["P3", "G2"])),
        ["1 value is NaN or infinite", "slide P3, gene G2", "p.csv"],
    ),
    "no measured expression": (
        lambda folder: ((write(folder, frames(make_predictions())[0], "p.csv"),), {}),
        ["no measured expression", "p.csv", "--measured"],
    ),
    "measured twice": (
        lambda folder: (
            (make_predictions(n=8),),
            {"measured": write(folder, frames(make_predictions(n=8))[1], "m.csv")},
        ),
        ["given twice", "m.csv", "leave --measured out"],
    ),
    "rows of AnnData": (
        lambda folder: ((make_predictions(),), {"genes_in": "rows"}),
        ["AnnData always has its genes in columns"],
    ),
    "an unknown side": (
        matrices(options={"genes_in": "diagonals"}),
        ["'diagonals'", "--genes-in columns|rows"],
    ),
    "a table that lacks samples": (
        matrices(options={"patients": make_predictions(n=6).obs}),
        ["2 of 8 samples are not in the table of patients", "P7, P8"],
    ),
    "a table with columns that are there": (
        lambda folder: ((make_predictions(slides=2),), {"patients": make_predictions(slides=2).obs}),
        ["already have patient_id, fold, cohort"],
    ),
    "a layer that is not there": (
        lambda folder: ((layered(folder, "rigde"),), {}),
        ["no layer 'rigde'", "p.h5ad", "untrained", "ridge"],
    ),
    "measured expression as predictions": (
        lambda folder: ((layered(folder, "measured"),), {}),
        ["measured expression is no prediction", "p.h5ad"],
    ),
    "nothing there": (
        lambda folder: ((folder / "p.csv",), {"measured": folder / "m.csv"}),
        ["the file does not exist", "p.csv"],
    ),
}


@pytest.mark.parametrize(("build", "words"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_fit_is_refused_by_name(tmp_path, build, words):
    positional, options = build(tmp_path)
    with pytest.raises(InputError) as caught:
        read_predictions(*positional, **options)
    assert [word for word in words if word not in str(caught.value)] == []
