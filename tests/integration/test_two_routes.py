"""The two routes from a slide to a patient's risk end in one comparison: each command reads what another wrote."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from sequoia_base.outcomes import read_risk_table
from sequoia_stats.io import write_cohort
from sequoia_stats.types.cohort import Cohort
from sequoia_stats.types.outcome import Outcome
from tests.build.commands import sequoia, sequoia_model
from tests.build.folds import make_fold_signatures, make_splits
from tests.build.risk import write_risk_set


@pytest.fixture(autouse=True)
def own_cache_and_one_thread(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def write_signatures(folder, made):
    """Signatures of two genes, of which one shows the planted risk, by fold; and the cohort that they score."""
    table = pd.read_csv(made.outcome, index_col="patient_id")
    noise = np.random.default_rng(0).normal(size=(2, len(table)))
    genes = pd.DataFrame({"G1": made.risk.to_numpy() + noise[0], "G2": noise[1]}, table.index)
    outcome = Outcome(table["time"].to_numpy(), table["event"].to_numpy(), "RFS")
    cohort = Cohort(genes, outcome, name="made")
    splits = make_splits(list(cohort.patients))
    splits.save(folder / "splits.csv")
    make_fold_signatures(cohort, [{"G1": 1.0, "G2": 0.2}] * 3, splits).save(folder / "signatures")
    write_cohort(cohort, folder / "cohort.h5ad")


@pytest.mark.slow
def test_scores_of_signatures_and_of_networks_are_compared_in_the_same_folds(tmp_path, capsys):
    made = write_risk_set(tmp_path, n=45)
    write_signatures(tmp_path, made)
    score = ["signature", "score", "--signatures", tmp_path / "signatures", tmp_path / "cohort.h5ad"]
    assert sequoia(capsys, *score, "-o", tmp_path / "genes.csv").code == 0
    network = [
        "--architecture",
        "tile_mlp",
        "--epochs",
        2,
        "--repeats",
        1,
        "--splits",
        tmp_path / "splits.csv",
    ]
    run = ["risk", made.features, "--outcome", made.outcome, "--patients", made.patients, *network]
    assert sequoia_model(capsys, *run, "-o", tmp_path / "run").code == 0
    files = [tmp_path / "genes.csv", f"image={tmp_path / 'run' / 'risk.csv'}"]
    answer = sequoia(
        capsys, "risk", "compare", *files, "--outcome", made.outcome, "-o", tmp_path / "out", "--json"
    )
    assert answer.code == 0 and answer.json["n_folds"] == 3
    assert [row["score"] for row in answer.json["comparison"]] == ["genes", "image"]
    assert not any("training patients are not known" in note for note in answer.json["notes"])
    shown = pd.read_csv(tmp_path / "out" / "patients.csv", index_col="patient_id")
    written = read_risk_table(tmp_path / "run" / "risk.csv")
    assert shown["fold"].equals(written["fold"].reindex(shown.index).astype("int64"))
