"""Bad input for `spatial evaluate` and `spatial compare` is one table: what is wrong, and the words of the error.

A builder writes files into an empty folder and returns the arguments of the command; the output is ``out``.
"""

from __future__ import annotations

import json

import anndata
import numpy as np
import pytest

from tests.build.commands import left_in, sequoia
from tests.build.judged import write_judged

TRUTH = ["--mpp", "0.5", "--pitch", "100", "--spot-um", "55"]
#: A tissue that is not symmetric, and one without its lower right quarter.
HALF = [(i, j) for i in range(12) for j in range(12) if j > i and i > 1]


def evaluate(*options, truth_options=TRUTH, change=None, maps=1, truths=1, **made):
    """`spatial evaluate`; `change` alters the AnnData of the truth."""

    def build(folder):
        map_file, truth_file = write_judged(folder, **made)
        if change is not None:
            spots = change(anndata.read_h5ad(truth_file))
            spots.write_h5ad(truth_file)
        given = ["--truth", truth_file] * truths
        return [
            "spatial",
            "evaluate",
            *[map_file] * maps,
            *given,
            *truth_options,
            *options,
            "-o",
            folder / "out",
        ]

    return build


def compare(*options, n=2, other="S2"):
    """`spatial compare` of maps of two slides."""

    def build(folder):
        map_file, truth_file = write_judged(folder)
        second, _ = write_judged(folder / "more", name=other, seed=1)
        maps = [map_file, second, second][:n]
        return ["spatial", "compare", *maps, "--truth", truth_file, *TRUTH, *options, "-o", folder / "out"]

    return build


def with_file(name, content, *options):
    """`spatial evaluate` with one more file in the folder, which an option names."""

    def build(folder):
        command = evaluate()(folder)
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content)
        return [
            *command,
            *(folder / option if option == name.split("/")[0] else option for option in options),
        ]

    return build


def ranked_on(*slides):
    """`spatial evaluate` of S1 with genes ranked on folders of earlier judgements of these slides."""

    def build(folder):
        command = evaluate()(folder)
        for i, slide in enumerate(slides):
            (folder / f"before{i}").mkdir()
            (folder / f"before{i}" / "genes.csv").write_text("gene,r,variance\nG1,0.5,1\n")
            (folder / f"before{i}" / "summary.json").write_text(json.dumps({"slide": slide} if slide else {}))
        return [
            *command,
            *(word for i in range(len(slides)) for word in ("--ranked-on", folder / f"before{i}")),
        ]

    return build


def altered(change, *options):
    """`spatial evaluate` of a map whose file was changed."""

    def build(folder):
        command = evaluate(*options)(folder)
        map_file = folder / "S1.map.h5ad"
        made = anndata.read_h5ad(map_file)
        (change(made) or made).write_h5ad(map_file)
        return command

    return build


def called(*slides):
    """`spatial evaluate` of several maps of slides with these names."""

    def build(folder):
        words = []
        for i, slide in enumerate(slides):
            map_file, truth_file = write_judged(folder, name=f"M{i}")
            made = anndata.read_h5ad(map_file)
            made.uns["map"]["slide"] = slide
            made.write_h5ad(map_file)
            words += [map_file, "--truth", truth_file]
        return ["spatial", "evaluate", *words, *TRUTH, "-o", folder / "out"]

    return build


def zeros(spots):
    spots.X = 0 * spots.X
    return spots


def of_schema(made):
    made.uns["map"]["schema"] = "sequoia-map-2"


def with_nan(made):
    made.X[5, 2] = np.nan


def placed(change):
    """A change of the coordinates of a truth."""

    def changed(spots):
        spots.obsm["spatial"] = change(np.array(spots.obsm["spatial"]))
        return spots

    return changed


def renamed(spots):
    spots.var_names = [f"X{name}" for name in spots.var_names]
    return spots


BAD = {
    # map and truth
    "a truth in another place": (
        evaluate("--no-swap-xy", change=placed(lambda at: at * 0.3 + [1600, 0]), absent=HALF),
        ["of the spots are on tiles of the map", "map of S1, truth S1", "--trust-positions"],
    ),
    "a truth with x and y exchanged": (
        evaluate("--no-swap-xy", change=placed(lambda at: at[:, ::-1]), absent=HALF),
        ["100% with x and y exchanged", "--swap-xy"],
    ),
    "axes swapped that were right": (
        evaluate("--swap-xy", absent=HALF), ["with x and y exchanged", "leave out --swap-xy"]
    ),
    "a truth of another scale": (
        evaluate(truth_options=["--mpp", "0.7", "--pitch", "140", "--spot-um", "70"]),
        ["0.5 µm per pixel in the map and 0.7 in the truth", "--mpp 0.5"],
    ),
    "a truth without genes of the map": (evaluate(change=renamed), ["none of the 6 genes of the map", "XG0"]),
    "genes that the map lacks": (
        evaluate("--genes", "G1,ESR1,MKI67"), ["2 of 3 genes are not predicted by the map: ESR1, MKI67"]
    ),
    "genes that do not vary": (evaluate("--min-counts", "900"), ["none of 6 genes has 900 distinct raw counts"]),
    "no spot near": (evaluate("--cap-um", "0.001"), ["0 of 144 tiles", "--cap-um"]),
    "a gene to show that was not judged": (
        evaluate("--min-counts", "5", "--show", "ESR1"), ["ESR1 was not judged", "genes.csv"]
    ),
    # several
    "fewer truths than maps": (evaluate(maps=2), ["2 maps and 1 truth do not make pairs", "--truth once"]),
    "one slide twice": (evaluate(maps=2, truths=2), ["several maps are of the slide S1", "spatial compare"]),
    "several slides that all fail": (
        lambda folder: ["spatial", "evaluate", folder / "a.map.h5ad", folder / "b.map.h5ad", "--truth", folder,
                        "--truth", folder, "-o", folder / "out"],
        ["none of the 2 slides could be judged: the file does not exist", "a.map.h5ad"],
    ),
    "sections that are not pairs": (
        evaluate("--section", "a", "--section", "b"), ["1 truth and 2 sections do not make pairs"]
    ),
    "maps of different slides": (compare(), ["the maps are of different slides", "S1 and S2"]),
    "one map to compare": (compare(n=1), ["two maps are compared, but 1 given"]),
    "two maps of one name": (compare("--names", "a,a", other="S1"), ["the two maps need two names"]),
    # options
    "another rule": (evaluate("--rule", "lax"), ["'lax' is not a valid rule", "strict, paper"]),
    "no spots": (evaluate("--nearest", "0"), ["nearest must be a whole number, 1 or more"]),
    "an overlap above 1": (evaluate("--min-overlap", "1.2"), ["min_overlap must be above 0 and at most 1"]),
    "an empty name": (evaluate("--genes", "G1,,G2"), ["--genes has an empty name"]),
    # contents of files
    "an empty section": (evaluate(change=lambda spots: spots[:0].copy()), ["no spots", "S1.h5ad"]),
    "a section without genes": (evaluate(change=lambda spots: spots[:, :0].copy()), ["nothing was counted", "S1.h5ad"]),
    "a section of zeros": (evaluate(change=zeros), ["nothing was counted", "S1.h5ad"]),
    "a map of another schema": (altered(of_schema), ["S1.map.h5ad", "schema"]),
    "a map with a missing value": (
        altered(with_nan), ["1 value of the map is not finite", "S1.map.h5ad, gene G2, tile 0x5"]
    ),
    # names of slides
    "its own genes as those of another slide": (
        ranked_on("S1"), ["genes are to be ranked on other slides, but S1 is judged here", "--ranked-on"]
    ),
    "another slide twice": (ranked_on("S2", "S2"), ["the slide S2 is given twice", "before1"]),
    "a summary without a slide": (ranked_on(""), ["the summary names no slide", "summary.json"]),
    "a slide with a folder in its name": (called("S1", "a/b"), ["'a/b' cannot be the name of a folder", "M1.map.h5ad"]),
    "a slide called as the folder above": (called("S1", ".."), ["'..' cannot be the name of a folder"]),
    "a slide without a name": (called("", "S1"), ["'' cannot be the name of a folder", "M0.map.h5ad"]),
    "a slide called as a table": (called("S1", "across.csv"), ["'across.csv' and the file across.csv would have one"]),
    "slides equal but for case": (called("S1", "s1"), ["'s1' and that of", "M0.map.h5ad would have one name"]),
    # files
    "a folder that is no evaluation": (
        with_file("other/genes.csv", "gene,p\nG1,1\n", "--ranked-on", "other"),
        ["the table has no column r, variance", "genes.csv", "--ranked-on"],
    ),
    "a folder without genes": (evaluate("--ranked-on", "nowhere"), ["does not exist", "nowhere"]),
    "a text for a thumbnail": (
        with_file("slide.png", "text", "--min-counts", "5", "--thumbnail", "slide.png"),
        ["the image cannot be read", "slide.png"],
    ),
    "two thumbnails for a map": (
        evaluate("--thumbnail", "a.png", "--thumbnail", "b.png"), ["1 map and 2 thumbnails do not make pairs"]
    ),
    "a truth for a map": (
        lambda folder: ["spatial", "evaluate", write_judged(folder)[1], "--truth", folder / "S1.h5ad", *TRUTH,
                        "-o", folder / "out"],
        ["S1.h5ad", "map"],
    ),
    "heads that are not there": (evaluate("--heads", "heads.h5"), ["heads.h5", "does not exist"]),
    "a map that is not there": (
        lambda folder: ["spatial", "evaluate", folder / "no.map.h5ad", "--truth", folder, "-o", folder / "out"],
        ["the file does not exist", "no.map.h5ad"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("build", "words"), BAD.values(), ids=BAD)
def test_bad_input_ends_with_2_a_reason_and_nothing_behind(capsys, tmp_path, monkeypatch, build, words):
    command = build(tmp_path)
    monkeypatch.chdir(tmp_path)
    before = left_in(tmp_path)
    answer = sequoia(capsys, *command)
    assert answer.code == 2, answer
    assert not [word for word in words if word not in answer.err], answer.err
    assert "Traceback" not in answer.err and left_in(tmp_path) == before
