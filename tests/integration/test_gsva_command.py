"""``gsva``: what it takes, what it writes, and that it compiles once."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import typer

from sequoia_stats.cli.app import app
from sequoia_stats.datasets import load_metabric
from sequoia_stats.errors import InputError
from sequoia_stats.sets.gsva import Gsva
from tests.build.cohorts import make_predictions
from tests.build.commands import left_in, sequoia, write_adata, write_made_cohort
from tests.build.gsva import SETS, make_counts, make_table

pytestmark = pytest.mark.slow

PRESENT = {name: genes for name, genes in SETS.items() if name != "gone"}
COMPILED = """
import sys
from sequoia_stats.cli.app import run
code = run(sys.argv[1:])
from sequoia_stats.sets.gsva import _kernels as kernels
stats = [value.stats for value in vars(kernels).values() if hasattr(value, "py_func")]
print(code, sum(sum(s.cache_hits.values()) for s in stats), sum(sum(s.cache_misses.values()) for s in stats))
"""


@pytest.fixture
def sets(tmp_path):
    lines = ["\t".join([name, "", *genes]) for name, genes in SETS.items()]
    (tmp_path / "sets.gmt").write_text("\n".join(lines) + "\n")
    return tmp_path / "sets.gmt"


def written(path):
    return pd.read_csv(path, index_col="sample_id", float_precision="round_trip")


def assert_scores(path, want):
    pd.testing.assert_frame_equal(written(path), want.rename_axis(columns=None), check_exact=True)


def test_the_command_has_the_options_of_the_contract():
    parameters = typer.main.get_command(app).commands["gsva"].params
    options = {option for parameter in parameters for option in parameter.opts}
    assert {
        "--output", "-o", "--sets", "--kcdf", "--kernel", "--engine", "--save-reference", "--reference", "--tau",
        "--max-diff", "--abs-ranking", "--min-size", "--max-size", "--genes-in", "--layer", "--aliases", "--jobs",
        "--threads", "--force", "--json",
    } <= options  # fmt: skip


# --- what it takes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["x.csv", "x.tsv", "x.csv.gz", "x.parquet"])
def test_a_table_becomes_a_row_per_sample_and_a_column_per_set(capsys, tmp_path, sets, name):
    table = make_table()
    if name.endswith("parquet"):
        table.to_parquet(tmp_path / name)
    else:
        table.to_csv(tmp_path / name, sep="\t" if ".tsv" in name else ",", index_label="id")
    answer = sequoia(capsys, "gsva", tmp_path / name, "--sets", sets, "-o", tmp_path / "out.csv")
    assert answer.code == 0, answer.err
    assert_scores(tmp_path / "out.csv", Gsva(PRESENT).fit_transform(table))


def test_genes_may_be_in_rows(capsys, tmp_path, sets):
    make_table().T.to_csv(tmp_path / "x.csv")
    command = ["gsva", tmp_path / "x.csv", "--sets", sets, "-o", tmp_path / "out.csv", "--genes-in", "rows"]
    assert sequoia(capsys, *command).code == 0
    assert_scores(tmp_path / "out.csv", Gsva(PRESENT).fit_transform(make_table()))


def test_a_bundled_cohort_is_scored_with_a_bundled_collection(capsys, tmp_path):
    answer = sequoia(capsys, "gsva", "metabric", "--sets", "hallmark", "-o", tmp_path / "out.csv", "--json")
    assert (answer.json["n_samples"], answer.json["n_sets"], answer.json["genes"]) == (200, 50, 2500)
    assert_scores(tmp_path / "out.csv", Gsva("hallmark").fit_transform(load_metabric()))


def test_a_cohort_file_is_scored_without_its_outcome(capsys, tmp_path, sets):
    cohort = write_made_cohort(tmp_path / "c.h5ad")
    assert sequoia(capsys, "gsva", tmp_path / "c.h5ad", "--sets", sets, "-o", tmp_path / "out.csv").code == 0
    assert_scores(tmp_path / "out.csv", Gsva(PRESENT).fit_transform(cohort.expression))


@pytest.mark.parametrize("layer", ["predicted", "measured"])
def test_a_layer_of_predictions_is_scored_slide_by_slide(capsys, tmp_path, sets, layer):
    predictions = make_predictions(n=10, slides=2)
    predictions.adata.write_h5ad(tmp_path / "p.h5ad")
    options = ["--layer", layer] if layer == "measured" else []
    command = ["gsva", tmp_path / "p.h5ad", "--sets", sets, "-o", tmp_path / "out.csv", *options]
    assert sequoia(capsys, *command).code == 0
    table = pd.DataFrame(getattr(predictions, layer), predictions.obs.index, predictions.genes)
    assert_scores(tmp_path / "out.csv", Gsva(PRESENT).fit_transform(table))


def test_names_of_genes_stay_as_they_are(capsys, tmp_path):
    table = make_table(genes=4).set_axis(["KNTC2", "G2", "G3", "G4"], axis=1)
    table.to_csv(tmp_path / "x.csv", index_label="id")
    (tmp_path / "s.gmt").write_text("S\t\tNDC80\tG2\n")
    command = [
        "gsva",
        tmp_path / "x.csv",
        "--sets",
        tmp_path / "s.gmt",
        "-o",
        tmp_path / "out.csv",
        "--force",
    ]
    assert "1 more would be found under a former name (NDC80 → KNTC2)" in sequoia(capsys, *command).err
    assert_scores(tmp_path / "out.csv", Gsva({"S": ["G2"]}).fit_transform(table))
    assert sequoia(capsys, *command, "--aliases").code == 0
    assert_scores(tmp_path / "out.csv", Gsva({"S": ["KNTC2", "G2"]}).fit_transform(table))


def test_every_choice_reaches_the_scores(capsys, tmp_path, sets):
    make_counts().to_csv(tmp_path / "x.csv", index_label="id")
    options = ["--kcdf", "poisson", "--tau", 0.25, "--no-max-diff", "--abs-ranking", "--min-size", 2]
    options += ["--max-size", 4, "--kernel", "table", "--threads", 1]
    command = ["gsva", tmp_path / "x.csv", "--sets", sets, "-o", tmp_path / "out.csv", *options]
    answer = sequoia(capsys, *command, "--json")
    chosen = {"kcdf": "poisson", "tau": 0.25, "max_diff": False, "abs_ranking": True, "min_size": 2}
    chosen |= {"max_size": 4, "kernel": "table"}
    assert chosen.items() <= answer.json["settings"].items()
    assert "--abs-ranking has no effect with --no-max-diff" in answer.err
    assert_scores(tmp_path / "out.csv", Gsva(PRESENT, **chosen).fit_transform(make_counts()))


def test_the_exact_kernel_reaches_the_scores(capsys, tmp_path, sets):
    make_table().to_csv(tmp_path / "x.csv", index_label="id")
    command = ["gsva", tmp_path / "x.csv", "--sets", sets, "-o", tmp_path / "out.csv", "--kernel", "exact"]
    assert sequoia(capsys, *command, "--json").json["settings"]["kernel"] == "exact"
    assert_scores(tmp_path / "out.csv", Gsva(PRESENT, kernel="exact").fit_transform(make_table()))


def test_several_collections_are_side_by_side(capsys, tmp_path, sets):
    make_table().to_csv(tmp_path / "x.csv", index_label="id")
    (tmp_path / "more.gmt").write_text("MORE\t\tG7\tG8\n")
    command = ["gsva", tmp_path / "x.csv", "--sets", sets, "--sets", tmp_path / "more.gmt"]
    assert sequoia(capsys, *command, "-o", tmp_path / "out.csv").code == 0
    assert list(written(tmp_path / "out.csv")) == ["one", "few", "many", "MORE"]


# --- what it says --------------------------------------------------------------------------------------------------


def test_json_has_the_numbers_and_stderr_the_ledger(capsys, tmp_path, sets):
    make_table().assign(G9=1).to_csv(tmp_path / "x.csv", index_label="id")
    answer = sequoia(capsys, "gsva", tmp_path / "x.csv", "--sets", sets, "-o", tmp_path / "out.csv", "--json")
    assert set(answer.json) == {
        "n_samples", "n_sets", "genes", "settings", "versions", "flow", "output", "notices",
    }  # fmt: skip
    assert answer.json["flow"][0]["reason"] == "constant over the samples: G9"
    assert "genes: that vary" in answer.err
    assert answer.err.endswith(f"written to {tmp_path / 'out.csv'}\n")


def test_the_notice_of_kegg_is_printed(capsys, tmp_path):
    command = ["gsva", "metabric", "--sets", "kegg", "-o", tmp_path / "out.csv", "--kcdf", "none"]
    assert "Kanehisa Laboratories" in sequoia(capsys, *command).err


def test_an_output_is_replaced_only_with_force(capsys, tmp_path, sets):
    make_table().to_csv(tmp_path / "x.csv", index_label="id")
    command = ["gsva", tmp_path / "x.csv", "--sets", sets, "-o", tmp_path / "out.csv"]
    assert [sequoia(capsys, *command).code for _ in range(2)] == [0, 2]
    assert sequoia(capsys, *command, "--force").code == 0


# --- a frozen reference --------------------------------------------------------------------------------------------


@pytest.fixture
def reference(capsys, tmp_path, sets):
    make_table().to_csv(tmp_path / "x.csv", index_label="id")
    command = ["gsva", tmp_path / "x.csv", "--sets", sets, "-o", tmp_path / "fit.csv", "--tau", "0.5"]
    assert sequoia(capsys, *command, "--save-reference", tmp_path / "r.h5").code == 0
    return tmp_path / "r.h5"


def test_a_sample_is_scored_alone_against_a_reference(capsys, tmp_path, reference):
    make_table().iloc[[4]].to_csv(tmp_path / "new.csv", index_label="id")
    command = ["gsva", tmp_path / "new.csv", "--reference", reference, "-o", tmp_path / "out.csv"]
    answer = sequoia(capsys, *command, "--json")
    assert (answer.code, answer.json["n_samples"], answer.json["settings"]["tau"]) == (0, 1, 0.5)
    pd.testing.assert_frame_equal(
        written(tmp_path / "out.csv"), written(tmp_path / "fit.csv").iloc[[4]], check_exact=True
    )


def test_options_that_agree_with_a_reference_are_accepted(capsys, tmp_path, reference):
    command = ["gsva", tmp_path / "x.csv", "--reference", reference, "-o", tmp_path / "out.csv"]
    options = ["--tau", 0.5, "--kcdf", "gaussian", "--sets", tmp_path / "sets.gmt"]
    assert sequoia(capsys, *command, *options).code == 0


def test_missing_genes_are_left_out_if_requested(capsys, tmp_path, reference):
    make_table(n=2, seed=1).drop(columns="G3").to_csv(tmp_path / "new.csv", index_label="id")
    command = ["gsva", tmp_path / "new.csv", "--reference", reference, "-o", tmp_path / "out.csv"]
    assert sequoia(capsys, *command).code == 2
    answer = sequoia(capsys, *command, "--missing-genes", "drop", "--json")
    assert answer.json["genes"] == 19
    assert answer.json["flow"][0]["reason"] == "1 missing from new and left out: G3"


# --- engines, and the cache ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["gseapy", pytest.param("r", marks=pytest.mark.needs_r)])
def test_another_engine_is_recorded_with_its_version(capsys, tmp_path, sets, engine):
    make_table(genes=21).to_csv(tmp_path / "x.csv", index_label="id")
    command = ["gsva", tmp_path / "x.csv", "--sets", sets, "-o", tmp_path / "out.csv", "--engine", engine]
    answer = sequoia(capsys, *command, "--json")
    assert set(answer.json["versions"]) == ({"gseapy"} if engine == "gseapy" else {"R", "GSVA"})
    ours = Gsva(PRESENT).fit_transform(make_table(genes=21))
    assert np.abs(written(tmp_path / "out.csv") - ours).mean().max() < (0.1 if engine == "gseapy" else 1e-12)


def test_the_second_call_compiles_nothing(tmp_path, sets):
    make_table().to_csv(tmp_path / "x.csv", index_label="id")
    command = [sys.executable, "-c", COMPILED, "gsva", tmp_path / "x.csv", "--sets", sets, "--force"]
    command += ["-o", tmp_path / "out.csv"]
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    outputs = [
        subprocess.run(
            [str(word) for word in command], env=environment, capture_output=True, text=True, check=True
        )
        for _ in range(2)
    ]
    first, second = (list(map(int, output.stdout.split()[-3:])) for output in outputs)
    assert first[0] == second[0] == 0
    assert first[1] == 0 and first[2] > 0
    assert second[1] > 0 and second[2] == 0


def fail(*_):
    raise InputError("the disk is full")


@pytest.mark.parametrize("before", [{}, {"out.csv": "old scores", "r.h5": "old reference"}])
def test_scores_are_not_written_without_the_reference(capsys, tmp_path, sets, monkeypatch, before):
    make_table().to_csv(tmp_path / "x.csv", index_label="id")
    for name, content in before.items():
        (tmp_path / name).write_text(content)
    monkeypatch.setattr(Gsva, "save", fail)
    command = ["gsva", tmp_path / "x.csv", "--sets", sets, "-o", tmp_path / "out.csv", "--force"]
    assert sequoia(capsys, *command, "--save-reference", tmp_path / "r.h5").code == 2
    assert left_in(tmp_path) == sorted(["sets.gmt", "x.csv", *before])
    assert {name: (tmp_path / name).read_text() for name in before} == before


def test_an_interrupted_or_failed_run_leaves_nothing(capsys, tmp_path, sets):
    write_adata(tmp_path / "x.h5ad", make_table().assign(G3=np.nan))
    before = left_in(tmp_path)
    answer = sequoia(
        capsys, "gsva", tmp_path / "x.h5ad", "--sets", sets, "-o", tmp_path / "out.csv", "--json"
    )
    assert answer.code == 2
    assert "gene G3" in json.loads(answer.out)["error"]["where"]
    assert left_in(tmp_path) == before


def test_a_renamed_cohort_is_scored_against_a_reference_with_former_names(capsys, tmp_path):
    table = make_table(genes=4).set_axis(["KNTC2", "G2", "G3", "G4"], axis=1)
    table.to_csv(tmp_path / "old.csv", index_label="id")
    table.rename(columns={"KNTC2": "NDC80"}).to_csv(tmp_path / "new.csv", index_label="id")
    (tmp_path / "s.gmt").write_text("S\t\tKNTC2\tG2\n")
    made = [
        "--sets",
        tmp_path / "s.gmt",
        "--save-reference",
        tmp_path / "r.h5",
        "-o",
        tmp_path / "old_scores.csv",
    ]
    assert sequoia(capsys, "gsva", tmp_path / "old.csv", *made).code == 0
    command = [
        "gsva",
        tmp_path / "new.csv",
        "--reference",
        tmp_path / "r.h5",
        "-o",
        tmp_path / "new_scores.csv",
    ]
    refused = sequoia(capsys, *command)
    assert refused.code == 2 and "--aliases" in refused.err
    assert sequoia(capsys, *command, "--aliases").code == 0
    assert (tmp_path / "new_scores.csv").read_text() == (tmp_path / "old_scores.csv").read_text()
