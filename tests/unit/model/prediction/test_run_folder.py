"""`predict` with the folder of a training run: whoever is in its splits is predicted by the fold that held them out."""

from __future__ import annotations

import re

import anndata
import numpy as np
import pandas as pd
import pytest

from sequoia_model.errors import InputError
from sequoia_model.prediction import ensemble, predict
from sequoia_model.splits import draw
from sequoia_model.targets.network_input import InputSpec, load_input
from sequoia_model.weights.loading import load_weights
from tests.build.features import write_ours
from tests.build.weights import run_folder, side_file

TRAINED = ("P0", "P1", "P2", "P3", "P4", "P5")
SLIDES = {f"{patient}_a": patient for patient in TRAINED}
NEW = ("N1", "N2")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run of three folds, and the features of its six patients and of two new ones."""
    made = tmp_path_factory.mktemp("run")
    run_folder(made / "brca", TRAINED)
    for i, slide in enumerate((*SLIDES, *NEW)):
        write_ours(made / "features" / f"{slide}.h5", tiles=120, dim=32, seed=i)
    return made


@pytest.fixture(scope="module")
def weights(folder):
    return load_weights(folder / "brca")


def run(folder, output, weights, **options):
    """`predict`, and what it wrote."""
    options = {"patients": SLIDES} | options
    return predict([folder / "features"], weights, output=output, **options), anndata.read_h5ad(output)


def means(folder, slide):
    return load_input(folder / "features" / f"{slide}.h5", InputSpec(32, 100, "uni")).means[None]


def write_measured(path, units=None, genes=("G1", "G40", "G7"), patients=TRAINED, scale=1):
    """Measured expression of the patients."""
    values = scale * np.arange(len(patients) * len(genes), dtype=np.float32).reshape(len(patients), -1)
    obs = pd.DataFrame({"patient_id": list(patients)}, index=list(patients))
    adata = anndata.AnnData(values, obs, pd.DataFrame(index=list(genes)))
    if units is not None:
        adata.uns["units"] = units
    adata.write_h5ad(path)
    return path


def test_each_patient_is_predicted_by_the_fold_that_held_the_patient_out(tmp_path, folder, weights):
    done, adata = run(folder, tmp_path / "p.h5ad", weights)
    roles = draw(TRAINED, n_folds=3, val=0).roles
    folds = [int(np.flatnonzero(roles.loc[patient] == "test")[0]) for patient in SLIDES.values()]
    assert adata.obs.loc[list(SLIDES), "fold"].tolist() == folds and set(folds) == {0, 1, 2}
    expected = [
        ensemble(means(folder, s), [weights.networks[k]])[0][0] for s, k in zip(SLIDES, folds, strict=True)
    ]
    np.testing.assert_allclose(adata[list(SLIDES)].X, expected, atol=1e-4)
    assert done.n_held_out == 6


def test_new_patients_are_predicted_by_all_folds(tmp_path, folder, weights):
    _, adata = run(folder, tmp_path / "p.h5ad", weights)
    wanted = ensemble(means(folder, "N1"), weights.networks)[0][0]
    np.testing.assert_allclose(adata["N1"].X[0], wanted, atol=1e-4)
    assert adata.obs.loc[list(NEW), "n_folds"].tolist() == [3, 3]


def test_all_folds_can_be_asked_for_with_a_warning(tmp_path, folder, weights):
    done, adata = run(folder, tmp_path / "p.h5ad", weights, ensemble="all")
    assert (adata.obs["n_folds"] == 3).all() and done.n_held_out == 0
    assert done.warnings[0].startswith("6 of 8 patients were used to train")


def test_one_fold_predicts_its_own_test_patients_and_refuses_those_it_was_trained_on(tmp_path, folder):
    done, adata = run(folder, tmp_path / "p.h5ad", folder / "brca" / "fold_1")
    assert adata.obs["fold"].dropna().tolist() == [1, 1] and len(done.failed) == 4
    assert "of the splits of brca, and fold 1 was trained on it" in done.failed[0].reason


def test_the_file_names_the_splits_the_unit_and_the_encoder(tmp_path, folder, weights):
    _, adata = run(folder, tmp_path / "p.h5ad", weights)
    assert adata.uns["weights"]["splits"] == "the splits of brca"
    assert (adata.uns["units"], adata.uns["encoder"], adata.uns["name"]) == ("log2(TPM+1)", "uni", "brca")


def test_slides_without_a_patient_are_new_and_the_warning_says_so(tmp_path, folder, weights):
    done, adata = run(folder, tmp_path / "p.h5ad", weights, patients=None)
    assert adata.obs["fold"].isna().all()
    assert done.warnings[1] == (
        "8 of 8 slides are taken as new to the networks; one of a patient in training must be named with --patients: "
        "N1, N2, P0_a and 5 more"
    )


def test_the_run_knows_its_own_slides_whatever_the_patient_is_called_now(tmp_path, folder):
    run_folder(tmp_path / "brca", TRAINED, slides=SLIDES)
    done, adata = run(folder, tmp_path / "p.h5ad", tmp_path / "brca", patients=None)
    assert done.n_held_out == 6 and adata.obs.loc["P3_a", "patient_id"] == "P3"
    others = {slide: f"hospital-{i}" for i, slide in enumerate((*SLIDES, *NEW))}
    done, adata = run(folder, tmp_path / "q.h5ad", tmp_path / "brca", patients=others)
    assert done.n_held_out == 6 and adata.obs.loc["P3_a", "patient_id"] == "hospital-3"


def test_patients_who_only_share_the_name_of_one_in_training_are_held_out_with_a_warning(tmp_path, folder):
    trained_on = {f"{patient}_x": patient for patient in TRAINED} | {"P2_a": "P2"}
    run_folder(tmp_path / "brca", TRAINED, slides=trained_on)
    done, _ = run(folder, tmp_path / "p.h5ad", tmp_path / "brca")
    assert done.n_held_out == 6
    assert (
        "5 of 8 patients have the name of a patient in training, but none of their slides was in training: P0, P1, P3 "
        "and 2 more. They are predicted by the fold that held the name out; if they are other patients, use --ensemble "
        "all, or other names with --patients"
    ) in done.warnings
    done, _ = run(folder, tmp_path / "q.h5ad", tmp_path / "brca", ensemble="all")
    assert any("They are predicted by all networks; if" in warning for warning in done.warnings)


def test_patients_whose_slides_were_in_training_or_who_have_barcodes_are_no_namesakes(
    tmp_path, folder, weights
):
    names = ["TCGA-3C-AALI", "TCGA-3C-AALJ", "TCGA-5T-A9QA", "P3", "P4", "P5"]
    slides = {"other": "TCGA-3C-AALI", **{f"{patient}_a": patient for patient in names[3:]}}
    run_folder(tmp_path / "brca", names, slides=slides)
    patients = dict(zip(SLIDES, names, strict=True))
    done, _ = run(folder, tmp_path / "p.h5ad", tmp_path / "brca", patients=patients)
    assert done.n_held_out == 6
    assert not any("the name of a patient in training" in warning for warning in done.warnings)


def test_published_names_of_patients_need_no_warning_if_the_run_has_its_splits(tmp_path, folder):
    names = ["TCGA-3C-AALI", "TCGA-3C-AALJ", "TCGA-5T-A9QA"]
    run_folder(tmp_path / "brca", names)
    patients = dict(zip(SLIDES, names, strict=False))
    done, _ = run(folder, tmp_path / "p.h5ad", tmp_path / "brca", patients=patients)
    assert done.n_held_out == 3 and not any("published" in warning for warning in done.warnings)


# --- an external cohort -------------------------------------------------------------------------------------------


def test_genes_that_were_not_measured_are_counted_and_nan(tmp_path, folder, weights):
    path = write_measured(tmp_path / "m.h5ad", "log2(TPM + 1)")
    done, adata = run(folder, tmp_path / "p.h5ad", weights, measured=path)
    measured = adata[list(SLIDES)].to_df("measured")
    np.testing.assert_array_equal(measured[["G1", "G40", "G7"]].to_numpy().ravel(), np.arange(18))
    assert measured.drop(columns=["G1", "G40", "G7"]).isna().all(axis=None) and done.n_measured == 6
    assert any("37 of 40 genes have no measured expression" in warning for warning in done.warnings)


def test_measured_expression_in_another_unit_is_refused_with_both(tmp_path, folder, weights):
    path = write_measured(tmp_path / "m.h5ad", "log2(FPKM-UQ+1)")
    with pytest.raises(
        InputError, match=r"is in log2\(FPKM-UQ\+1\), but the weights predict log2\(TPM\+1\)"
    ) as error:
        run(folder, tmp_path / "p.h5ad", weights, measured=path)
    assert str(path) in error.value.where and str(folder / "brca") in error.value.where
    assert not (tmp_path / "p.h5ad").exists()


@pytest.mark.parametrize(
    ("units", "weights_units", "words"),
    [
        (
            "log2(FPKM-UQ+1)",
            "log2(FPKM-UQ+1)",
            r"is not possible in log2\(FPKM-UQ\+1\): the unit in m.h5ad is wrong",
        ),
        (
            None,
            "log2(FPKM-UQ+1)",
            r"is not possible in log2\(FPKM-UQ\+1\): m.h5ad is in another unit than the weights",
        ),
        (None, "log2(TPM+1)", "as without a logarithm: errors are not those of the predictions"),
    ],
)
def test_measured_values_without_a_logarithm_are_warned_of(tmp_path, folder, units, weights_units, words):
    run_folder(tmp_path / "brca", TRAINED, units=weights_units)
    path = write_measured(tmp_path / "m.h5ad", units, scale=1000)
    done, _ = run(folder, tmp_path / "p.h5ad", tmp_path / "brca", measured=path)
    assert any(re.match(f"measured values reach 1.7e.04, .*{words}", warning) for warning in done.warnings)
    path = write_measured(tmp_path / "n.h5ad", units)
    done, _ = run(folder, tmp_path / "q.h5ad", tmp_path / "brca", measured=path)
    assert not any(warning.startswith("measured values") for warning in done.warnings)


def test_a_unit_that_one_side_does_not_state_contradicts_nothing(tmp_path, folder, weights):
    path = write_measured(tmp_path / "m.h5ad")
    assert run(folder, tmp_path / "p.h5ad", weights, measured=path)[0].n_measured == 6
    run_folder(tmp_path / "brca", TRAINED)
    side_file(tmp_path / "brca", encoder="uni", genes="genes.csv", splits="splits.csv")
    path = write_measured(tmp_path / "n.h5ad", "log2(FPKM-UQ+1)")
    assert run(folder, tmp_path / "q.h5ad", tmp_path / "brca", measured=path)[0].n_measured == 6
