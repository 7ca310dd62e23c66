"""`spatial evaluate` and `spatial compare` as a user runs them."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from sequoia_base.maps import read_map
from sequoia_stats.io import read_truth
from sequoia_stats.spatial import evaluate_map
from sequoia_stats.spatial._gene_statistics import FIRST_COLUMNS
from tests.build.commands import left_in, sequoia
from tests.build.judged import write_judged

#: What the h5ad of a truth does not say, and options that make the runs short.
TRUTH = ["--mpp", "0.5", "--pitch", "100", "--spot-um", "55"]
SHORT = [*TRUTH, "--min-counts", "5"]
ONE = ["genes.csv", "genes.png", "genes.svg", "maps.png", "maps.svg", "medians.csv", "medians.png", "medians.svg",
       "summary.json"]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("judged")
    for seed, name in enumerate(("S1", "S2")):
        write_judged(made, name=name, seed=seed, noise=1.0)
    return made


def evaluate(capsys, folder, output, *options, slides=("S1",)):
    maps = [folder / f"{name}.map.h5ad" for name in slides]
    truths = [word for name in slides for word in ("--truth", folder / f"{name}.h5ad")]
    return sequoia(
        capsys, "spatial", "evaluate", *maps, *truths, "-o", output, *SHORT, "--spectral", "19", *options
    )


def test_one_map_has_its_table_of_genes_figures_and_nulls_in_words(capsys, folder, tmp_path):
    answer = evaluate(capsys, folder, tmp_path / "out")
    assert answer.code == 0 and left_in(tmp_path / "out") == ONE
    genes = pd.read_csv(tmp_path / "out" / "genes.csv")
    assert tuple(genes.columns[: len(FIRST_COLUMNS)]) == FIRST_COLUMNS and len(genes) == 6
    assert answer.out.count("95% quantile") == 3 and "shifts of the truth" in answer.out
    assert "genes: varying" in answer.err


def test_the_table_is_that_of_python(capsys, folder, tmp_path):
    evaluate(capsys, folder, tmp_path / "out", "--seed", "4")
    truth = read_truth(folder / "S1.h5ad", mpp=0.5, pitch=100, spot_um=55)
    found = evaluate_map(read_map(folder / "S1.map.h5ad"), truth, min_counts=5, spectral=19, seed=4)
    written = pd.read_csv(tmp_path / "out" / "genes.csv")
    pd.testing.assert_frame_equal(written, found.genes, rtol=1e-9, check_dtype=False)


def test_json_is_one_object_and_the_summary_says_what_was_held_constant(capsys, folder, tmp_path):
    answer = evaluate(capsys, folder, tmp_path / "out", "--json")
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert answer.json["medians"] == summary["medians"]
    assert summary["partial_given"] == ["log_total_counts"] and summary["rule"] == "strict"
    assert {"r_strict", "r_paper", "emd_strict", "emd_paper"} == set(summary["difference"])


def test_several_maps_have_a_folder_each_and_tables_over_slides(capsys, folder, tmp_path):
    answer = evaluate(capsys, folder, tmp_path / "both", slides=("S1", "S2"))
    assert answer.code == 0 and "2 slides:" in answer.out
    names = [*(f"{slide}/{name}" for slide in ("S1", "S2") for name in ONE), "S1", "S2"]
    names += ["across.csv", "medians.csv", "medians.png", "medians.svg", "slides.csv", "summary.json"]
    assert left_in(tmp_path / "both") == sorted(names)
    slides = pd.read_csv(tmp_path / "both" / "slides.csv")
    assert set(slides["slide"]) == {"S1", "S2"} and "other slides" in set(slides["ranked_on"])


def test_of_several_slides_those_that_fail_are_listed_and_the_others_done(capsys, folder, tmp_path):
    elsewhere, _ = write_judged(
        tmp_path / "far", name="S9", seed=3, absent=[(i, j) for i in range(3, 12) for j in range(12)]
    )
    maps = [folder / "S1.map.h5ad", folder / "no.map.h5ad", elsewhere]
    truths = [word for name in ("S1", "S2", "S2") for word in ("--truth", folder / f"{name}.h5ad")]
    command = ["spatial", "evaluate", *maps, *truths, *SHORT, "--spectral", "0", "-o", tmp_path / "out"]
    answer = sequoia(capsys, *command, "--json")
    assert answer.code == 3
    assert f"failed: no: the file does not exist: {folder / 'no.map.h5ad'}" in answer.err
    assert "failed: S9: only 25% of the spots are on tiles of the map" in answer.err
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert [one["item"] for one in answer.json["failed"]] == ["no", "S9"] and summary[
        "failed"
    ] == answer.json["failed"]
    assert (tmp_path / "out" / "S1" / "genes.csv").is_file() and not (tmp_path / "out" / "S9").exists()
    assert sequoia(capsys, *command, "--force").code == 3


def test_genes_are_ranked_on_the_folder_of_another_slide_as_on_the_slide_itself(capsys, folder, tmp_path):
    evaluate(capsys, folder, tmp_path / "both", "--top", "3", slides=("S1", "S2"))
    evaluate(capsys, folder, tmp_path / "out", "--top", "3", "--ranked-on", tmp_path / "both" / "S2")
    alone, together = (pd.read_csv(tmp_path / name / "medians.csv") for name in ("out", "both/S1"))
    pd.testing.assert_frame_equal(alone, together, rtol=1e-9)


def test_the_same_seed_writes_the_same_bytes(capsys, folder, tmp_path):
    for name in ("one", "two"):
        evaluate(capsys, folder, tmp_path / name, "--seed", "3")
    assert all(
        (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes() for name in ONE
    )


def test_chosen_genes_are_judged_and_drawn_beside_the_image(capsys, folder, tmp_path):
    Image.fromarray(np.zeros((120, 120, 3), np.uint8)).save(tmp_path / "slide.png")
    options = ["--genes", "G1,G4", "--show", "G4", "--thumbnail", tmp_path / "slide.png"]
    assert evaluate(capsys, folder, tmp_path / "out", *options).code == 0
    assert pd.read_csv(tmp_path / "out" / "genes.csv")["gene"].tolist() == ["G1", "G4"]
    drawn = (tmp_path / "out" / "maps.svg").read_text()
    assert "G4, S1" in drawn and "G1, S1" not in drawn and "image" in drawn


def test_the_rule_of_the_paper_can_be_asked_for(capsys, folder, tmp_path):
    evaluate(capsys, folder, tmp_path / "strict")
    evaluate(capsys, folder, tmp_path / "paper", "--rule", "paper")
    strict, paper = (pd.read_csv(tmp_path / name / "genes.csv") for name in ("strict", "paper"))
    np.testing.assert_allclose(paper["emd"], strict["emd_paper"], rtol=1e-9)


def test_an_output_is_replaced_by_force_alone(capsys, folder, tmp_path):
    evaluate(capsys, folder, tmp_path / "out")
    refused = evaluate(capsys, folder, tmp_path / "out")
    assert refused.code == 2 and "already exists" in refused.err
    assert evaluate(capsys, folder, tmp_path / "out", "--force").code == 0


def test_two_maps_are_compared_gene_by_gene(capsys, folder, tmp_path):
    write_judged(tmp_path, name="S1", noise=3.0)
    command = [
        "spatial",
        "compare",
        folder / "S1.map.h5ad",
        tmp_path / "S1.map.h5ad",
        "--truth",
        folder / "S1.h5ad",
    ]
    answer = sequoia(capsys, *command, "-o", tmp_path / "out", "--names", "good,poor", *SHORT)
    assert answer.code == 0 and "good against poor" in answer.out and "shifts of the truth" in answer.out
    assert left_in(tmp_path / "out") == ["genes.csv", "genes.png", "genes.svg", "medians.csv", "summary.json"]
    drawn = (tmp_path / "out" / "genes.svg").read_text()
    assert "good and truth" in drawn and "poor and truth" in drawn
    genes = pd.read_csv(tmp_path / "out" / "genes.csv")
    assert (genes["r_a"] > genes["r_b"]).all() and (
        (genes["p_difference"] > 0) & (genes["p_difference"] <= 1)
    ).all()
