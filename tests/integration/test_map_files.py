"""Maps: one package writes them, the other reads them, and anyone can with h5py."""

from __future__ import annotations

import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest

from sequoia_base.maps import read_map
from sequoia_stats.signature import Signature
from sequoia_stats.signature.transforms import Transform
from tests.build.commands import left_in, sequoia, sequoia_model
from tests.build.maps import make_heads
from tests.build.sections import write_run, write_section

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run folder, the map of a section by it, and a file of gene sets."""
    from sequoia_model.cli.app import run

    made = tmp_path_factory.mktemp("maps")
    write_run(made / "run")
    write_section(made / "S1.h5")
    arguments = [
        "map",
        made / "S1.h5",
        "--weights",
        made / "run",
        "-o",
        made / "S1.map.h5ad",
        "--genes",
        "G1,G2",
    ]
    assert run([str(argument) for argument in arguments]) == 0
    (made / "sets.gmt").write_text("A\t\t" + "\t".join(f"G{i}" for i in range(1, 9)) + "\n")
    return made


def test_the_statistics_score_a_signature_on_a_map_of_the_model(folder):
    made = read_map(folder / "S1.map.h5ad")
    parameters = [{"mean": 1.0, "sd": 2.0}, {"mean": -1.0, "sd": 0.5}]
    signature = Signature(
        ("G3", "G7"), (2.0, -1.0), Transform("zscore", parameters), 0.0, "OS", {}, {}, "glmnet", {}, 0
    )
    expected = 2 * (made.gene("G3") - 1) / 2 - (made.gene("G7") + 1) / 0.5
    np.testing.assert_allclose(made.score(signature), expected, atol=1e-4)


def test_a_gene_is_read_with_h5py_alone(folder):
    with h5py.File(folder / "S1.map.h5ad") as map_file, h5py.File(folder / "run" / "heads.h5") as heads:
        row, folds = list(heads["gene"].asstr()[()]).index("G5"), heads["fold"][()].tolist()
        gene = np.mean(
            [
                map_file[f"obsm/latent_{k}"] @ heads["weight"][i, row] + heads["bias"][i, row]
                for i, k in enumerate(folds)
            ],
            axis=0,
        )
    np.testing.assert_allclose(gene, read_map(folder / "S1.map.h5ad").gene("G5"), atol=1e-5)


def test_stored_genes_are_those_of_the_latent_vectors(folder):
    found = read_map(folder / "S1.map.h5ad")
    assert found.stored_genes == ("G1", "G2") and len(found.gene_names) == 40
    np.testing.assert_allclose(found.values.columns(["G2"])[:, 0], found.gene("G2"), atol=1e-5)
    np.testing.assert_allclose(found.values.spreads(["G2"])[:, 0], found.std("G2"), atol=1e-5)


def test_reading_a_map_needs_no_torch(folder):
    code = (
        "import sys; from sequoia_base.maps import read_map; "
        f"read_map({str(folder / 'S1.map.h5ad')!r}).gene('G4'); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def other_schema(path):
    with h5py.File(path, "r+") as file:
        attributes = dict(file["uns/map/schema"].attrs)
        del file["uns/map/schema"]
        file["uns/map/schema"] = "sequoia-map-9"
        file["uns/map/schema"].attrs.update(attributes)


def without_heads(path):
    with h5py.File(path, "r+") as file:
        for place in ("X", "layers/std"):
            del file[place]
    (path.parent / "run" / "heads.h5").unlink()


def other_heads(path):
    make_heads(path.parent / "run" / "heads.h5", [f"G{i}" for i in range(1, 41)], dim=32)


def predictions(path):
    with h5py.File(path, "w") as file:
        file["layers/measured"] = np.zeros((3, 3))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (other_schema, ["the map has the schema 'sequoia-map-9'", "sequoia-map-1", "S1.map.h5ad"]),
        (without_heads, ["the map has no genes: the heads are not there", "heads.h5", "--heads FILE"]),
        (other_heads, ["the heads are those of other networks", "--heads"]),
        (predictions, ["the file is not a map", "predictions", "S1.map.h5ad"]),
        (lambda path: path.write_bytes(path.read_bytes()[:3000]), ["truncated, damaged or of another kind"]),
        (lambda path: path.unlink(), ["the file does not exist"]),
    ],
)
def test_a_map_that_cannot_be_used_ends_the_command_and_leaves_nothing(
    capsys, tmp_path, folder, damage, words
):
    shutil.copytree(folder / "run", tmp_path / "run")
    shutil.copy(folder / "S1.map.h5ad", tmp_path)
    damage(tmp_path / "S1.map.h5ad")
    before = left_in(tmp_path)
    answer = sequoia(
        capsys, "modules", tmp_path / "S1.map.h5ad", "--modules", folder / "sets.gmt", "-o", tmp_path / "out"
    )
    assert answer.code == 2 and "Traceback" not in answer.err
    assert [word for word in words if word not in answer.err] == []
    assert left_in(tmp_path) == before


def test_absent_genes_of_a_list_are_counted(capsys, tmp_path, folder):
    (tmp_path / "list.txt").write_text("G1\nTP53\nG2\nCDX2\n")
    answer = sequoia_model(
        capsys, "map", folder / "S1.h5", "--weights", folder / "run", "-o", tmp_path / "S1.map.h5ad",
        "--genes", tmp_path / "list.txt",
    )  # fmt: skip
    assert answer.code == 2 and "2 of 4 genes" in answer.err
    assert [word for word in ("TP53", "CDX2", "list.txt") if word not in answer.err] == []
    assert left_in(tmp_path) == ["list.txt"]
