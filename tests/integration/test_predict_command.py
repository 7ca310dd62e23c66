"""`sequoia-model predict`: what scripts rely on, and what is left if it does not finish."""

from __future__ import annotations

import os
import resource
import signal
import time

import anndata
import numpy as np
import pandas as pd
import pytest

from tests.build.calibration import write_calibration
from tests.build.commands import Answer, left_in, sequoia_model
from tests.build.features import write_ours
from tests.build.networks import BRCA_SLIDES, TOY_GENES, write_folds, write_genes
from tests.build.processes import start
from tests.build.weights import run_folder

pytestmark = pytest.mark.slow

JSON_KEYS = {
    *(
        "output",
        "n_slides",
        "n_patients",
        "n_genes",
        "failed",
        "ensemble",
        "folds",
        "n_held_out",
        "n_few_tiles",
    ),
    *(
        "n_measured",
        "n_untrained",
        "n_negative",
        "encoder",
        "encoder_asserted",
        "units",
        "flow",
        "warnings",
        "intervals",
    ),
}


@pytest.fixture
def folder(tmp_path):
    """Weights, names of their genes, and a nested folder of features: a published slide and two of one patient."""
    write_folds(tmp_path / "weights")
    write_genes(tmp_path / "genes.txt")
    for i, name in enumerate((f"cohort/{BRCA_SLIDES[2]}", "a/S1", "a/S2")):
        write_ours(tmp_path / "features" / f"{name}.h5", tiles=130, dim=32, seed=i)
    (tmp_path / "patients.csv").write_text("slide,patient_id\nS1,P1\nS2,P1\n")
    return tmp_path


def words(folder, *options, output="out.h5ad"):
    """The command with everything that it needs."""
    weights, genes = ("--weights", folder / "weights"), ("--genes", folder / "genes.txt")
    return ["predict", folder / "features", *weights, *genes, "-o", folder / output, *options]


def predict(capsys, folder, *options, output="out.h5ad"):
    return sequoia_model(capsys, *words(folder, *options, output=output))


def test_features_become_predictions(capsys, folder):
    answer = predict(capsys, folder, "--patients", folder / "patients.csv", "--untrained", 2)
    assert answer.code == 0, answer.err
    adata = anndata.read_h5ad(folder / "out.h5ad")
    assert adata.obs_names.tolist() == ["S1", "S2", BRCA_SLIDES[2]]
    assert adata.obs["patient_id"].tolist() == ["P1", "P1", "TCGA-3C-AALI"]
    assert adata.obs["fold"].tolist()[2] == 2 and adata.obs["n_folds"].tolist() == [5, 5, 1]
    assert set(adata.layers) == {"std", "untrained", "untrained_1"}
    assert adata.shape == (3, 40) and adata.X.dtype == np.float32


def test_the_result_is_told_to_people(capsys, folder):
    answer = predict(capsys, folder)
    assert "3 slides of 3 patients × 40 genes, in a unit that is not stated" in answer.out
    assert "1 by the held-out fold of their patient, 2 by the mean of 5 folds" in answer.out
    assert (
        "of the predictions are below 0, but no measured value in log2(FPKM-UQ+1) is" in answer.err
    )  # of toys
    assert "warning: 2 of 3 slides have no patient" in answer.err
    assert f"written to {folder / 'out.h5ad'}" in answer.err


def test_and_to_scripts(capsys, folder):
    content = predict(capsys, folder, "--json").json
    assert set(content) == JSON_KEYS
    assert content["units"] == "not stated" and content["n_held_out"] == 1
    assert content["failed"] == [] and content["n_measured"] is None


def test_slides_that_fail_are_listed_and_the_rest_is_done(capsys, folder):
    (folder / "features" / "empty.h5").write_bytes(b"")
    write_ours(folder / "features" / "narrow.h5", tiles=130, dim=16)
    answer = predict(capsys, folder, "--json")
    assert answer.code == 3
    assert {slide["slide"]: slide["reason"] for slide in answer.json["failed"]} == {
        "empty": "the file is empty: it has 0 bytes",
        "narrow": "the features have 16 columns, but the networks take 32",
    }
    assert f"failed: {folder / 'features' / 'empty.h5'}: the file is empty" in answer.err
    assert anndata.read_h5ad(folder / "out.h5ad").n_obs == 3


def test_a_slide_that_a_single_network_has_seen_fails_with_the_way_out(capsys, folder):
    answer = predict(capsys, folder, "--weights", folder / "weights" / "sequoia-brca-0")
    assert answer.code == 3
    assert "held out by fold 2 of published BRCA, and fold 0 was trained on it" in answer.err
    assert "--ensemble all" in answer.err
    again = predict(
        capsys, folder, "--weights", folder / "weights" / "sequoia-brca-0", "--ensemble", "all", "--force"
    )
    assert again.code == 0
    assert "warning: 1 of 3 patients was used to train" in again.err


def test_measured_expression_is_beside(capsys, folder):
    genes = {f"rna_{gene}": np.arange(2.0) + i for i, gene in enumerate(TOY_GENES[:39])}
    ids = {
        "wsi_file_name": ["S1.svs", "other"],
        "patient_id": ["P7", "TCGA-3C-AALI"],
        "tcga_project": "TCGA-BRCA",
    }
    pd.DataFrame(ids | genes).to_csv(folder / "ref.csv.gz", index=False)
    answer = predict(capsys, folder, "--measured", folder / "ref.csv.gz", "--json")
    adata = anndata.read_h5ad(folder / "out.h5ad")
    assert adata.layers["measured"][[0, 2], 0].tolist() == [0, 1]
    assert np.isnan(adata.layers["measured"][1]).all() and np.isnan(adata.layers["measured"][:, 39]).all()
    assert adata.obs["patient_id"].tolist()[0] == "P7"
    assert answer.json["n_measured"] == 2
    assert "1 of 40 genes has no measured expression: G40" in answer.json["warnings"]


def test_the_same_command_gives_the_same_bytes_with_any_number_of_jobs(capsys, folder):
    predict(capsys, folder, "--jobs", 1, output="a.h5ad")
    predict(capsys, folder, "--jobs", 4, output="b.h5ad")
    assert (folder / "a.h5ad").read_bytes() == (folder / "b.h5ad").read_bytes()


def test_an_output_that_exists_is_replaced_by_force_alone(capsys, folder):
    (folder / "out.h5ad").write_text("old")
    answer = predict(capsys, folder, "--weights", folder / "nothing")
    assert answer.code == 2 and "the output already exists" in answer.err
    assert predict(capsys, folder, "--force").code == 0
    assert anndata.read_h5ad(folder / "out.h5ad").n_obs == 3


def test_an_input_is_not_replaced_even_by_force(capsys, folder):
    adata = anndata.AnnData(np.ones((1, 1)), pd.DataFrame(index=["S1"]), pd.DataFrame(index=["G1"]))
    adata.write_h5ad(folder / "ref.h5ad")
    before = (folder / "ref.h5ad").read_bytes()
    answer = predict(capsys, folder, "--measured", folder / "ref.h5ad", "--force", output="ref.h5ad")
    assert answer.code == 2 and "would replace an input" in answer.err
    assert (folder / "ref.h5ad").read_bytes() == before


SLOW = """
import sys, time, signal
from sequoia_model.targets import network_input
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
means = network_input.cluster_means
def slow(*given, **options):
    if {seconds}:
        print("begun", file=sys.stderr, flush=True)
    time.sleep({seconds})
    return means(*given, **options)
network_input.cluster_means = slow
from sequoia_model.cli.app import main
main()
"""


def start_predict(folder, *options, seconds=0.0, **popen):
    return start(SLOW.format(seconds=seconds), *words(folder, *options), **popen)


def ended(process):
    out, err = process.communicate(timeout=120)
    return Answer(process.returncode, out, err)


def test_ctrl_c_ends_it_before_the_next_slide_and_leaves_nothing(folder):
    before = left_in(folder)
    process = start_predict(folder, "--jobs", 2, seconds=3.0)
    end = time.monotonic() + 60
    while left_in(folder) == before and time.monotonic() < end:
        time.sleep(0.02)
    assert len(left_in(folder)) == len(before) + 1, ended(process).err
    process.send_signal(signal.SIGINT)
    answer = ended(process)
    assert answer.code == 130, answer.err
    assert answer.err.endswith("interrupted\n") and "Traceback" not in answer.err
    assert answer.err.count("begun") <= 2
    assert left_in(folder) == before


@pytest.mark.parametrize("size", [100, 20000])
def test_a_full_disk_is_reported_and_leaves_nothing(folder, size):
    """A limit on the size of files simulates a full disk."""

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    before = left_in(folder)
    answer = ended(start_predict(folder, prepare=limit, env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}))
    assert answer.code == 2, answer.err
    assert "the output cannot be written: File too large" in answer.err
    assert left_in(folder) == before


def test_intervals_are_told_with_their_promise_and_coverage(capsys, folder):
    people = [f"P{i}" for i in range(20)]
    run_folder(folder / "run", people)
    write_calibration(folder / "run" / "predictions.h5ad", people, [i % 3 for i in range(20)])
    write_calibration(folder / "measured.h5ad", ["S1", "S2"], [None, None])
    answer = sequoia_model(
        capsys, "predict", folder / "features" / "a", "--weights", folder / "run", "-o", folder / "out.h5ad",
        "--intervals", "0.8", "--measured", folder / "measured.h5ad",
    )  # fmt: skip
    assert answer.code == 0, answer.err
    assert "0.8 intervals from 20 calibration patients (residuals of all folds)" in answer.out
    assert (
        "2 slides of new patients: promised on average over genes, for patients of the same population"
        in answer.out
    )
    assert "coverage of 2 measured patients, 0.8 promised:" in answer.out
    adata = anndata.read_h5ad(folder / "out.h5ad")
    assert {"lower", "upper"} <= set(adata.layers) and (adata.layers["lower"] < adata.X).all()
    assert adata.uns["intervals"]["level"] == 0.8
