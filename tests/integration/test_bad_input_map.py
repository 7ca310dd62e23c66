"""Bad input of `map`: what is wrong, and the words of the error.

A builder gets an empty folder, writes its files there and returns the arguments of the command. A user's bug becomes a
row.
"""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from sequoia_model.feature_files import read
from sequoia_model.types.bag import EncoderId
from sequoia_model.weights.heads import write_heads
from sequoia_model.weights.loading import load_weights, untrained
from tests.build.commands import left_in, sequoia_model
from tests.build.features import make_features, make_geometry, write_clam, write_sequoia, write_trident
from tests.build.networks import write_folds, write_genes, write_wide_folds
from tests.build.sections import PATIENTS, write_mlps, write_run, write_section
from tests.build.slides import write_image
from tests.build.windows import make_tissue

COORDS = (make_tissue(14, 13, 12)[:, ::-1] * 256).astype(np.int64)


def command(folder, *options, weights=write_run, features="S1.h5", output="out.map.h5ad", **said):
    """`map` of the features, after weights are written."""
    if not (folder / "run").exists():
        weights(folder / "run", **said)
    words = ["map", folder / features, "--weights", folder / "run", "-o", folder / output]
    return [*words, *(str(word).replace("HERE", str(folder)) for word in options)]


def given(*options, change=lambda folder: None, **made):
    """A good section, further options, and a change to the files that are there."""

    def build(folder):
        write_section(folder / "S1.h5")
        built = command(folder, *options, **made)
        change(folder)
        return built

    return build


def section(*options, said=None, **fields):
    """A section whose bag has other fields."""

    def build(folder):
        write_section(folder / "S1.h5", **fields)
        return command(folder, *options, **(said or {}))

    return build


def bad(write, *options):
    """Features that a function writes."""

    def build(folder):
        write(folder / "S1.h5")
        return command(folder, *options)

    return build


def two_slides(path):
    one = make_features(170, 32)
    write_section(path, features=np.concatenate([one, one + 1]), coords=np.concatenate([COORDS, COORDS]))


def text(name, content):
    return lambda folder: (folder / name).write_text(content)


def heads_beside(folder):
    (folder / "run" / "heads.h5").unlink()
    shutil.move(wrong_heads(folder), folder / "heads.h5")


def wrong_heads(folder):
    """Heads of networks that are not those of the run."""
    weights = load_weights(folder / "run")
    networks = dict(zip(weights.folds, untrained(weights, 0), strict=True))
    write_heads(folder / "wrong.h5", networks, weights.genes)
    return folder / "wrong.h5"


def of_risk(path, **_):
    write_run(path, units="log hazard")


def no_square(path, **_):
    """Networks that take 50 clusters, which are no square."""
    write_wide_folds(path, dim=32, encoder="uni", units="log2(TPM+1)")
    for place in path.iterdir():
        words = json.loads((place / "config.json").read_text()) | {"num_clusters": 50}
        state = load_file(place / "model.safetensors")
        state["pos_emb1D"] = state["pos_emb1D"][:50].clone()
        save_file(state, place / "model.safetensors", {"format": "pt"})
        (place / "config.json").write_text(json.dumps(words))


FEATURES = {
    "no features": (lambda f: command(f), ["S1.h5", "does not exist"]),
    "damaged": (bad(lambda p: p.write_bytes(b"\x89HDF\r\n\x1a\n12")), ["S1.h5"]),
    "no geometry": (
        bad(lambda p: write_sequoia(p, 170, 32), "--encoder", "uni"),
        ["S1.h5", "do not say where the tiles lie", "published code of SEQUOIA", "--all-tiles"],
    ),
    "cluster means alone": (
        bad(lambda p: write_section(p, features=None, coords=None, cluster_features=make_features(100, 32))),
        ["S1.h5", "only cluster means", "--all-tiles"],
    ),
    "drawn tiles": (
        section(geometry=make_geometry(side=256.0, slide_mpp=0.5, max_tiles=100)),
        ["S1.h5", "drawn from more", "--all-tiles"],
    ),
    "two slides": (bad(two_slides), ["S1.h5", "340 of 340 tiles", "two slides"]),
    "overlapping tiles": (section(coords=COORDS // 2), ["S1.h5", "parts of another", "128", "256"]),
    "off the lattice": (section(coords=COORDS + (COORDS > 1500) * 70), ["S1.h5", "off the lattice"]),
    "an unknown scale": (
        bad(lambda p: write_clam(p, 170, 32, coords=COORDS), "--encoder", "uni"),
        ["S1.h5", "--slide-mpp"],
    ),
    "tiles outside the slide": (section(coords=COORDS + 256 * 70), ["S1.h5", "outside the slide", "two"]),
    "one tile far away": (
        section(
            coords=np.where(np.arange(170)[:, None] == 169, 256_000_000, COORDS),
            geometry=make_geometry(side=256.0, slide_mpp=0.5, max_tiles=None, slide_size=None),
        ),
        ["S1.h5", "more than any slide", "256000000, 256000000 px"],
    ),
    "another scale": (given("--slide-mpp", 0.3), ["S1.h5", "0.5 µm", "--slide-mpp is 0.3"]),
    "tiles of another size": (
        section(
            geometry=make_geometry(side=256.0, slide_mpp=1.0, max_tiles=None),
            mpp=1.0,
            said={"tile_um": 128.0},
        ),
        ["S1.h5", "the tiles are 256 µm wide", "learnt from tiles of 128 µm"],
    ),
    "another encoder": (
        section(encoder=EncoderId("resnet50")),
        ["S1.h5", "are of resnet50", "those of uni"],
    ),
    "another length": (
        bad(lambda p: write_section(p, features=make_features(170, 16))),
        ["S1.h5", "16 columns", "take 32"],
    ),
    "no encoder": (section(encoder=None), ["S1.h5", "--encoder uni"]),
    "a window larger than the slide": (
        lambda f: (write_section(f / "S1.h5", 5, 6, 0), command(f))[1],
        ["S1", "no window of 10 × 10 tiles", "larger than the slide", "--per-tile"],
    ),
    "sparse tiles": (
        lambda f: (write_section(f / "S1.h5", 20, 20, 380), command(f))[1],
        ["S1", "no window of 10 × 10 tiles", "20 tiles", "--per-tile"],
    ),
    "every second place": (
        section(coords=COORDS * 2),
        ["no window of 10 × 10 tiles", "is 2 times their side", "weights of a tile_mlp"],
    ),
    "an empty section": (bad(lambda p: write_clam(p, 0, 32)), ["S1.h5", "there are none"]),
}

OPTIONS = {
    "a stride of 0": (given("--stride", 0), ["stride"]),
    "a stride past the window": (given("--stride", 11), ["stride 11", "10 × 10", "--stride 1 to 10"]),
    "a stride and a time": (given("--stride", 2, "--budget", "1min"), ["--stride N or --budget TIME"]),
    "no time": (given("--budget", "soon"), ["'soon' is not a valid time", "10min"]),
    "too short a time": (given("--budget", "0.000001s"), ["the map takes about", "the coarsest", "--stride"]),
    "no such origins": (given("--origins", "left"), ["'left' is not a valid --origins", "overhang, published"]),
    "no such rule": (given("--holes", "nan"), ["'nan' is not a valid --holes", "mean"]),
    "no such ensemble": (given("--ensemble", "best"), ["'best' is not a valid --ensemble"]),
    "no such precision": (given("--precision", "int8"), ["'int8' is not a valid --precision", "float32"]),
    "no such device": (given("--device", "tpu"), ["'tpu' is not a valid device"]),
    "tiles alone by a transformer": (given("--per-tile"), ["--per-tile", "summary_transformer", "tile_mlp"]),
    "tiles alone with a stride": (
        given("--per-tile", "--stride", 2, "--genes", "G1", weights=write_mlps),
        ["--per-tile has no windows"],
    ),
    "an mlp without genes": (given(weights=write_mlps), ["not linear at its end", "--genes"]),
    "holes and precision of an mlp": (
        given("--genes", "G1", "--holes", "zeros", "--precision", "float32", weights=write_mlps),
        ["for a tile_mlp --holes, --precision would change nothing"],
    ),
    "origins of tiles alone": (
        given("--genes", "G1", "--per-tile", "--origins", "published", weights=write_mlps),
        ["without windows --origins would change nothing"],
    ),
    "genes of a file without an ending": (
        given("--genes", "list.lst"),
        ["not predicted: list.lst; if list.lst is a file, it does not exist"],
    ),
    "heads of an mlp": (
        given("--genes", "G1", "--heads", "HERE/h.h5", weights=write_mlps),
        ["a tile_mlp has no heads"],
    ),
    "a gene that is not predicted": (
        given("--genes", "G1,ESR1"),
        ["1 of 2 genes is not predicted: ESR1", "run", "genes.csv"],
    ),
    "genes of a file that are not predicted": (
        given("--genes", "HERE/genes.txt", change=lambda f: write_genes(f / "genes.txt", ["G1", "A", "B", "C"])),
        ["3 of 4 genes of", "genes.txt", "are not predicted: A, B, C"],
    ),
    "a gene twice": (given("--genes", "G1,G2,G1"), ["1 gene is named twice: G1"]),
    "no gene": (given("--genes", " , "), ["no gene is named"]),
    "no list of genes": (given("--genes", "HERE/no.txt"), ["list of genes does not exist", "no.txt"]),
    "names of other outputs": (
        given("--gene-names", "HERE/genes.txt", change=lambda f: write_genes(f / "genes.txt", ["A", "B"])),
        ["the weights name their genes", "leave out --gene-names"],
    ),
    "weights without names": (
        given(weights=lambda p, **_: write_folds(p)),
        ["the 40 genes that the networks predict have no names", "--gene-names FILE"],
    ),
    "networks of risk": (given(weights=of_risk), ["predict the risk of a patient", "sequoia-model risk"]),
    "no square of clusters": (given(weights=no_square), ["50 clusters", "no square"]),
    "no weights": (given(change=lambda f: shutil.rmtree(f / "run")), ["run", "does not exist"]),
    "another patient": (
        given("--patients", "HERE/p.csv", change=text("p.csv", "slide,patient_id\nS7,P1\n")),
        ["p.csv", "S1.h5"],
    ),
    "a patient whom no fold held out": (
        given(
            "--patients", "HERE/p.csv", "--weights", "HERE/run/fold_0",
            change=text("p.csv", f"slide,patient_id\nS1,{PATIENTS[1]}\n"),
        ),
        ["P1", "held out by fold", "--ensemble all"],
    ),
    "heads of other networks beside": (given(change=heads_beside), ["heads.h5", "heads of other networks", "--heads"]),
    "heads of other networks": (
        given("--heads", "HERE/wrong.h5", change=wrong_heads),
        ["wrong.h5", "heads of other networks"],
    ),
    "heads that are none": (
        given("--heads", "HERE/h.h5", change=text("h.h5", "heads")),
        ["h.h5", "not HDF5"],
    ),
    "heads of features": (given("--heads", "HERE/S1.h5"), ["S1.h5", "does not hold heads"]),
    "one file for map and squares": (
        given("--genes", "G1", "--geojson", "HERE/out.map.h5ad", "--force"),
        ["out.map.h5ad", "-o and --geojson are the same file"],
    ),
    "one file for map and heads": (
        given("--heads", "HERE/run/../out.map.h5ad"),
        ["out.map.h5ad", "--heads and -o are the same file"],
    ),
    "one file for heads and squares": (
        given("--genes", "G1", "--geojson", "HERE/x.h5", "--heads", "HERE/x.h5"),
        ["x.h5", "--heads and --geojson are the same file"],
    ),
    "squares over the heads of the run": (
        given("--genes", "G1", "--geojson", "HERE/run/heads.h5", "--force"),
        ["heads.h5", "the heads and --geojson are the same file"],
    ),
    "no folder of heads": (given("--heads", "HERE/no/h.h5"), ["folder of the heads does not exist"]),
    "a slide of another size": (
        given("--slide", "HERE/S1.png", change=lambda f: write_image(f / "S1.png")),
        ["S1.png", "not the slide of the features", "20000 × 16000"],
    ),
    "no slide": (given("--slide", "HERE/no.svs"), ["no.svs", "does not exist"]),
    "squares without genes": (given("--geojson", "HERE/out.geojson"), ["--geojson", "--genes"]),
    "an output of another format": (given(output="out.csv"), ["out.csv", "must be an .h5ad file", "NAME.map.h5ad"]),
    "no folder": (given(output="no/out.map.h5ad"), ["folder of the output does not exist"]),
    "an existing output": (
        given(change=text("out.map.h5ad", "mine")),
        ["out.map.h5ad", "already exists", "--force"],
    ),
    "an output that is the input": (given("--force", output="S1.h5ad", features="S1.h5ad",
        change=lambda f: shutil.copy(f / "S1.h5", f / "S1.h5ad")), ["S1.h5ad"]),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("build", "words"), FEATURES.values(), ids=FEATURES)
def test_features_that_cannot_be_mapped_are_refused_and_nothing_is_left(capsys, tmp_path, build, words):
    assert_refused(capsys, tmp_path, build, words)


@pytest.mark.slow
@pytest.mark.parametrize(("build", "words"), OPTIONS.values(), ids=OPTIONS)
def test_options_that_cannot_be_used_are_refused_and_nothing_is_left(capsys, tmp_path, build, words):
    assert_refused(capsys, tmp_path, build, words)


def assert_refused(capsys, folder, build, words):
    """The command exits with 2, says the words without a traceback, and leaves no file."""
    arguments = build(folder)
    before = left_in(folder)
    answer = sequoia_model(capsys, *arguments)
    assert answer.code == 2, answer.err
    assert [word for word in words if word not in answer.err] == []
    assert "Traceback" not in answer.err and "internal error" not in answer.err
    assert left_in(folder) == before


def test_values_that_are_not_finite_are_refused_by_name_and_nothing_is_left(capsys, tmp_path):
    write_section(tmp_path / "S1.h5", features=np.full((170, 32), 1e38, np.float32))
    arguments = command(tmp_path)
    before = left_in(tmp_path)
    answer = sequoia_model(capsys, *arguments)
    assert answer.code == 2 and "170 of 170 tiles are NaN or infinite in fold 0" in answer.err
    assert left_in(tmp_path) == before and read(tmp_path / "S1.h5").n_tiles == 170


def test_features_of_a_trident_file_are_mapped_without_words_about_size(capsys, tmp_path):
    corners = COORDS * 2
    write_trident(
        tmp_path / "S1.h5", features=make_features(170, 32), coords=corners, more={"level0_mpp": 0.25}
    )
    answer = sequoia_model(
        capsys, *command(tmp_path, "--slide-mpp", 0.25, tile_um=128.0, output="S1.map.h5ad")
    )
    assert answer.code == 0, answer.err
