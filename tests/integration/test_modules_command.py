"""``modules``: what it writes, what it says, and what it refuses."""

from __future__ import annotations

import json

import anndata
import numpy as np
import pandas as pd
import pytest

import sequoia_stats as sq
from sequoia_base.maps import read_map, write_map
from tests.build.commands import left_in, sequoia
from tests.build.maps import make_gene_map, make_heads, make_map, make_places
from tests.build.truth import make_spots_adata

pytestmark = pytest.mark.slow

SETS = {"A": [f"A{i}" for i in range(6)], "B": [f"B{i}" for i in range(6)]}
GENES = [*SETS["A"], *SETS["B"], *(f"O{i}" for i in range(10))]
GMT = "".join("\t".join([name, "", *genes]) + "\n" for name, genes in SETS.items())
FILES = [
    "clustermap.png", "clustermap.svg", "clusters.csv", "gene_correlations.csv", "module_scores.csv", "modules.csv",
    "subtypes.csv", "subtypes.png", "subtypes.svg", "summary.json",
]  # fmt: skip


def write_made(folder, slide="S1", seed=0, genes=GENES):
    """A map of genes on 30 tiles, and the modules as a GMT file."""
    values = np.random.default_rng(seed).normal(size=(30, len(genes))).astype(np.float32)
    made = make_gene_map(values, genes, places=make_places(6, 5, ()), slide=slide)
    write_map(made, folder / f"{slide}.map.h5ad", genes=genes)
    (folder / "sets.gmt").write_text(GMT)
    return folder / f"{slide}.map.h5ad"


def command(folder, *maps, modules="sets.gmt", out="out"):
    return ["modules", *(folder / name for name in maps), "--modules", folder / modules, "-o", folder / out]


def test_the_files_hold_the_result_of_the_function(capsys, tmp_path):
    paths = [write_made(tmp_path, "S1", 1), write_made(tmp_path, "S2", 2)]
    answer = sequoia(
        capsys, *command(tmp_path, "S1.map.h5ad", "S2.map.h5ad"), "--random", "50", "--seed", "4"
    )
    assert answer.code == 0, answer.err
    assert left_in(tmp_path / "out") == FILES
    want = sq.gene_modules([read_map(path) for path in paths], tmp_path / "sets.gmt", n_random=50, seed=4)
    read = {name: pd.read_csv(tmp_path / "out" / name, keep_default_na=False, na_values={"margin": [""]})
            for name in ("modules.csv", "subtypes.csv", "module_scores.csv", "clusters.csv")}  # fmt: skip
    pd.testing.assert_frame_equal(read["modules.csv"], want.table)
    pd.testing.assert_frame_equal(read["subtypes.csv"], want.subtypes())
    pd.testing.assert_frame_equal(read["module_scores.csv"], want.scores())
    pd.testing.assert_frame_equal(read["clusters.csv"], want.genes)
    r = pd.read_csv(tmp_path / "out" / "gene_correlations.csv", index_col="gene")
    assert list(r.index) == list(r.columns) == list(want.genes.gene)
    np.testing.assert_allclose(r, want.correlations.loc[r.index, r.index])


def test_json_is_the_summary_that_is_written(capsys, tmp_path):
    write_made(tmp_path)
    answer = sequoia(capsys, *command(tmp_path, "S1.map.h5ad"), "--random", "9", "--json")
    written = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert {**answer.json, "output": ""} == {**written, "output": ""}
    assert [one["slide"] for one in written["slides"]] == ["S1"]
    assert sum(written["slides"][0]["subtypes"].values()) == 30


def test_missing_genes_are_said(capsys, tmp_path):
    write_made(tmp_path, genes=GENES[1:])
    answer = sequoia(capsys, *command(tmp_path, "S1.map.h5ad"), "--random", "9")
    assert answer.code == 0, answer.err
    assert "1 of 6 genes of A are not in the maps: A0" in answer.err
    assert "random sets are drawn from 21 genes, of which 11 are of the modules" in answer.err


def test_an_existing_folder_is_replaced_by_force_alone(capsys, tmp_path):
    write_made(tmp_path)
    done = command(tmp_path, "S1.map.h5ad")
    assert sequoia(capsys, *done, "--random", "9").code == 0
    assert "the output already exists" in sequoia(capsys, *done, "--random", "9").err
    assert sequoia(capsys, *done, "--random", "9", "--force").code == 0
    assert left_in(tmp_path / "out") == FILES


def test_a_folder_with_inputs_is_never_replaced(capsys, tmp_path):
    write_made(tmp_path)
    answer = sequoia(capsys, *command(tmp_path, "S1.map.h5ad", out="."), "--force")
    assert (answer.code, "the output would replace an input" in answer.err) == (2, True), answer.err
    assert left_in(tmp_path) == ["S1.map.h5ad", "sets.gmt"]


def test_latent_maps_find_their_heads_or_are_told(capsys, tmp_path):
    heads = make_heads(tmp_path / "heads.h5", genes=GENES)
    write_map(make_map(heads, places=make_places(6, 5, ())), tmp_path / "S1.map.h5ad")
    (tmp_path / "sets.gmt").write_text(GMT)
    assert sequoia(capsys, *command(tmp_path, "S1.map.h5ad"), "--random", "9").code == 0
    (tmp_path / "heads.h5").rename(tmp_path / "moved.h5")
    alone = sequoia(capsys, *command(tmp_path, "S1.map.h5ad", out="two"), "--random", "9")
    assert (alone.code, "--heads" in alone.err) == (2, True), alone.err
    told = [*command(tmp_path, "S1.map.h5ad", out="two"), "--heads", tmp_path / "moved.h5", "--random", "9"]
    assert sequoia(capsys, *told).code == 0


def test_measured_programmes_are_correlated_with_the_modules(capsys, tmp_path):
    write_made(tmp_path)
    spots = make_spots_adata(5, 6, mpp=0.25, pitch_um=100.0)
    spots.write_h5ad(tmp_path / "spots.h5ad")
    scores = pd.DataFrame({"barcode": spots.obs_names, "p": np.arange(30.0)})
    scores.to_csv(tmp_path / "scores.csv", index=False)
    done = [
        *command(tmp_path, "S1.map.h5ad"),
        "--random",
        "9",
        "--json",
        "--programmes",
        tmp_path / "scores.csv",
    ]
    answer = sequoia(capsys, *done, "--truth", tmp_path / "spots.h5ad", "--mpp", "0.25", "--trust-positions")
    assert answer.code == 0, answer.err
    written = pd.read_csv(tmp_path / "out" / "agreement.csv")
    assert written[["programme", "module"]].to_numpy().tolist() == [["p", "A"], ["p", "B"]]
    assert [row["r"] for row in answer.json["agreement"]] == pytest.approx(written.r.tolist())
    assert (answer.json["truths"][0]["slide"], answer.json["truths"][0]["n_tiles"]) == ("S1", 30)
    assert "tiles: with a spot" in answer.err


def test_the_agreement_is_printed_and_truths_have_the_options_of_evaluate(capsys, tmp_path):
    write_made(tmp_path)
    spots = make_spots_adata(5, 6, mpp=0.25, pitch_um=100.0)
    spots.layers["raw"] = spots.X
    spots.write_h5ad(tmp_path / "spots.h5ad")
    pd.DataFrame({"barcode": spots.obs_names, "p": np.arange(30.0)}).to_csv(tmp_path / "p.csv", index=False)
    options = [
        "--programmes", tmp_path / "p.csv", "--mpp", "0.25", "--coords-unit", "px", "--pitch", "100", "--spot-um", "55",
        "--layer", "raw", "--trust-positions",
    ]  # fmt: skip
    answer = sequoia(
        capsys,
        *command(tmp_path, "S1.map.h5ad"),
        "--random",
        "9",
        "--truth",
        tmp_path / "spots.h5ad",
        *options,
    )
    assert answer.code == 0, answer.err
    assert "S1 beside spots: " in answer.out and "  p: highest with " in answer.out


# --- bad input -----------------------------------------------------------------------------------------------------


def other_schema(folder):
    path = write_made(folder)
    adata = anndata.read_h5ad(path)
    adata.uns["map"]["schema"] = "sequoia-map-9"
    adata.write_h5ad(path)


def no_map(folder):
    anndata.AnnData(np.ones((3, 2))).write_h5ad(folder / "S1.map.h5ad")
    (folder / "sets.gmt").write_text(GMT)


def with_sets(text):
    def build(folder):
        write_made(folder)
        (folder / "sets.gmt").write_text(text)

    return build


BAD = {
    "an unknown collection": (write_made, ["--modules", "naftel"], ["'naftel' is neither", "|neftel, or a GMT file"]),
    "a small module alone": (
        with_sets("A\t\tA0\tA1\n"), [], ["the module lacks 5 genes in the maps", "A 2 of 2", "--min-size below 5"],
    ),
    "no gene found": (
        with_sets("A\t\tX1\tX2\nB\t\tY1\n"), [],
        ["none of 2 modules has 5 genes in the maps, which share 22 genes", "A 0 of 2, B 0 of 1", "--aliases"],
    ),
    "one module": (with_sets(GMT.splitlines()[0]), [], ["only 1 of 1 module has 5 genes"]),
    "a damaged GMT file": (with_sets("A A0 A1 A2\n"), [], ["the line has spaces instead of tabs", "sets.gmt, row 1"]),
    "a set without genes": (with_sets("A\tword\n"), [], ["the set A has no genes", "sets.gmt"]),
    "a map of another schema": (other_schema, [], ["sequoia-map-9", "S1.map.h5ad"]),
    "no map": (no_map, [], ["S1.map.h5ad"]),
    "a map that is not there": (with_sets(GMT), ["S9.map.h5ad"], ["does not exist", "S9.map.h5ad"]),
    "one map twice": (write_made, ["S1.map.h5ad"], ["several maps are of the slide S1", "one map a slide"]),
    "an unknown rule": (write_made, ["--rule", "papier"], ["'papier' is not a valid rule", "strict, paper"]),
    "modules of one gene": (write_made, ["--min-size", "1"], ["--min-size"]),
    "a negative seed": (write_made, ["--seed", "-1"], ["--seed"]),
    "more truths than maps": (
        write_made, ["--truth", "a.tsv", "--truth", "b.tsv"], ["1 map and 2 truths do not make pairs"]
    ),
}  # fmt: skip


@pytest.mark.parametrize(("build", "options", "words"), BAD.values(), ids=BAD)
def test_bad_input_ends_with_2_a_reason_and_nothing_behind(
    capsys, tmp_path, monkeypatch, build, options, words
):
    build(tmp_path)
    monkeypatch.chdir(tmp_path)
    before = left_in(tmp_path)
    answer = sequoia(capsys, *command(tmp_path, "S1.map.h5ad"), *options)
    assert answer.code == 2, answer.err
    assert [word for word in words if word not in answer.err] == [], answer.err
    assert "Traceback" not in answer.err
    assert answer.out == ""
    assert left_in(tmp_path) == before


@pytest.mark.parametrize(
    ("options", "words"),
    [(["--modules", "naftel"], "--sets"), (["--rule", "papier"], "sets.gmt"), (["S1.map.h5ad"], "sets.gmt")],
)
def test_errors_name_no_option_of_others_and_no_file_that_is_right(capsys, tmp_path, options, words):
    write_made(tmp_path)
    maps = [tmp_path / word if word.endswith(".h5ad") else word for word in options]
    answer = sequoia(capsys, *command(tmp_path, "S1.map.h5ad"), *maps)
    assert answer.code == 2
    assert words not in answer.err, answer.err
