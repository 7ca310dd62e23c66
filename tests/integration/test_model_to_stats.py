"""One package writes predictions, the other reads them as they are: they only meet in the file."""

from __future__ import annotations

import json

import anndata
import numpy as np
import pandas as pd
import pytest

from tests.build.commands import left_in, sequoia, sequoia_model, write_signature
from tests.build.features import write_ours
from tests.build.networks import BRCA_SLIDES, TOY_GENES, write_folds, write_genes

SLIDES = (*BRCA_SLIDES, *(f"S{i}" for i in range(35)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Features of forty slides, weights, and a reference that has measured all but the last and 39 genes."""
    made = tmp_path_factory.mktemp("hand-over")
    write_folds(made / "weights")
    write_genes(made / "genes.txt")
    generator = np.random.default_rng(0)
    for i, slide in enumerate(SLIDES):
        write_ours(made / "features" / f"{slide}.h5", tiles=130, dim=32, seed=i)
    reference = pd.DataFrame(
        generator.normal(5, 1, size=(40, 39)), columns=[f"rna_{g}" for g in TOY_GENES[:39]]
    )
    reference.insert(0, "tcga_project", ["TCGA-BRCA"] * 5 + ["elsewhere"] * 35)
    reference.insert(
        0, "patient_id", [slide[:12] for slide in SLIDES[:5]] + [f"P{i // 2}" for i in range(35)]
    )
    reference.insert(0, "wsi_file_name", SLIDES)
    reference[:39].to_csv(made / "ref.csv.gz", index=False)
    return made


@pytest.fixture(scope="module")
def predictions(folder):
    """What the command writes."""
    from sequoia_model.cli.app import run

    words = ["predict", folder / "features", "--weights", folder / "weights", "--genes", folder / "genes.txt"]
    words += ["--measured", folder / "ref.csv.gz", "--untrained", 2, "-o", folder / "p.h5ad"]
    assert run([str(word) for word in words]) == 0
    return folder / "p.h5ad"


@pytest.mark.parametrize("rule", ["paper", "published-code", "strict"])
def test_genes_are_judged(capsys, tmp_path, predictions, rule):
    answer = sequoia(capsys, "genes", predictions, "--rule", rule, "-o", tmp_path / "genes.csv", "--json")
    assert answer.code == 0, answer.err
    assert answer.json["n_genes"] == 39 and answer.json["n_slides"] == 40
    assert "40 → 39   the others have no measured value in any slide: G40" in answer.err
    assert answer.json["n_patients"] == 23
    table = pd.read_csv(tmp_path / "genes.csv").set_index("gene")
    assert (table["n"] > 0).all() and "G40" not in table.index


def test_the_correlation_is_that_of_what_both_sides_hold(capsys, tmp_path, predictions):
    sequoia(capsys, "genes", predictions, "-o", tmp_path / "genes.csv")
    adata = anndata.read_h5ad(predictions)
    measured, predicted = adata.layers["measured"][:, 4], adata.X[:, 4]
    there = np.isfinite(measured)
    table = pd.read_csv(tmp_path / "genes.csv").set_index("gene")
    expected = np.corrcoef(measured[there].astype(float), predicted[there].astype(float))[0, 1]
    assert there.sum() == table.loc["G5", "n"] == 39
    np.testing.assert_allclose(table.loc["G5", "r"], expected, rtol=1e-5)


def test_what_was_lost_travels_on(capsys, tmp_path, predictions):
    answer = sequoia(capsys, "genes", predictions, "-o", tmp_path / "genes.csv")
    assert "slides: measured" in answer.err and "40 → 39" in answer.err


def test_by_cohort(capsys, tmp_path, folder, predictions):
    adata = anndata.read_h5ad(predictions)[list(SLIDES[:39])]
    adata.write_h5ad(tmp_path / "p.h5ad")
    answer = sequoia(capsys, "genes", tmp_path / "p.h5ad", "--by", "cohort", "-o", tmp_path / "genes.csv")
    assert answer.code == 0, answer.err
    assert set(pd.read_csv(tmp_path / "genes.csv")["cohort"]) == {"TCGA-BRCA", "elsewhere"}


def test_sets_are_scored(capsys, tmp_path, predictions):
    (tmp_path / "sets.gmt").write_text("one\t\tG1\tG2\tG3\ntwo\t\tG4\tG5\n")
    words = ["gsva", predictions, "--sets", tmp_path / "sets.gmt", "-o", tmp_path / "scores.csv"]
    answer = sequoia(capsys, *words, "--json")
    assert answer.code == 0, answer.err
    assert answer.json["genes"] == 40
    scores = pd.read_csv(tmp_path / "scores.csv", index_col=0)
    assert scores.shape == (40, 2) and sorted(scores.index) == sorted(SLIDES)


def test_a_signature_is_scored(capsys, tmp_path, predictions):
    signature = write_signature(tmp_path / "signature.json")
    answer = sequoia(
        capsys, "signature", "score", signature, predictions, "-o", tmp_path / "risk.csv", "--json"
    )
    assert answer.code == 0, answer.err
    assert answer.json["n"] == 23
    patients = set(pd.read_csv(tmp_path / "risk.csv")["patient_id"])
    assert patients == set(anndata.read_h5ad(predictions).obs["patient_id"])


def test_two_models_are_compared(capsys, tmp_path, folder, predictions):
    words = ["predict", folder / "features", "--weights", folder / "weights", "--genes", folder / "genes.txt"]
    words += ["--measured", folder / "ref.csv.gz", "--untrained", 1, "--ensemble", "all", "--seed", 1]
    assert sequoia_model(capsys, *words, "-o", tmp_path / "q.h5ad").code == 0
    answer = sequoia(
        capsys, "compare", predictions, tmp_path / "q.h5ad", "-o", tmp_path / "compared", "--json"
    )
    assert answer.code == 0, answer.err
    assert json.loads(answer.out)
    assert left_in(tmp_path / "compared")
