"""The heads file: every gene's row of the last layer, in all folds."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import h5py
import numpy as np
import pytest
import torch

from sequoia_model.errors import InputError
from sequoia_model.nets import SummaryTransformer, TileMLP, TileTransformer
from sequoia_model.weights.heads import read_heads, write_heads

GENES = ("ESR1", "GATA3", "MKI67")


def make_networks(folds=(0, 1), **sizes):
    """Transformers of three genes."""
    torch.manual_seed(0)
    words = {"input_dim": 4, "num_outputs": 3, "num_clusters": 5, "depth": 1, "nheads": 1, "dimensions_f": 2}
    return {fold: SummaryTransformer(**(words | sizes)).eval() for fold in folds}


def written(path, networks=None):
    write_heads(path, make_networks() if networks is None else networks, GENES)
    return path


@pytest.fixture
def file(tmp_path):
    return written(tmp_path / "heads.h5")


def test_a_gene_is_a_row_of_the_last_layer_in_each_fold(file):
    weight, bias = read_heads(file).gene("GATA3")
    heads = [network.linear_head[1] for network in make_networks().values()]
    np.testing.assert_array_equal(weight, np.stack([head.weight[1].detach() for head in heads]))
    np.testing.assert_array_equal(bias, np.array([head.bias[1].item() for head in heads], dtype=np.float32))
    assert weight.shape == (2, 4) and weight.dtype == np.float32


def test_latent_vectors_times_heads_are_the_predictions(file):
    network, latents = make_networks()[1], []
    network.linear_head[1].register_forward_pre_hook(lambda _, inputs: latents.append(inputs[0]))
    with torch.inference_mode():
        predicted = network(torch.ones(2, 5, 4)).numpy()
    weight, bias = read_heads(file).fold(1)
    np.testing.assert_allclose(latents[0].numpy() @ weight.T + bias, predicted, atol=1e-6)


def test_the_file_says_genes_folds_length_and_hashes(file):
    heads = read_heads(file)
    weight, bias = heads.fold(0)
    assert (heads.genes, heads.folds, heads.dim) == (GENES, (0, 1), 4)
    assert heads.hashes[0] == hashlib.sha256(weight.tobytes() + bias.tobytes()).hexdigest()
    assert heads.hashes[0] != heads.hashes[1]


def test_the_layout_is_the_one_that_the_format_names(file):
    with h5py.File(file) as opened:
        assert {name: part.shape for name, part in opened.items()} == {
            "weight": (2, 3, 4), "bias": (2, 3), "gene": (3,), "fold": (2,), "hash": (2,)
        }  # fmt: skip
        assert opened["weight"].dtype == opened["bias"].dtype == np.float32


def test_folds_are_in_their_order_and_may_have_gaps(tmp_path):
    heads = read_heads(written(tmp_path / "heads.h5", make_networks((3, 1))))
    assert heads.folds == (1, 3)
    assert torch.equal(torch.from_numpy(heads.fold(3)[0]), make_networks((3, 1))[3].linear_head[1].weight)


def test_the_same_networks_give_the_same_bytes(tmp_path):
    files = [written(tmp_path / name) for name in ("a.h5", "b.h5")]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_the_other_transformer_has_heads_as_well(tmp_path):
    torch.manual_seed(0)
    network = TileTransformer(num_outputs=3, dim=4, depth=1, heads=1, mlp_dim=4, dim_head=2, num_clusters=5)
    heads = read_heads(written(tmp_path / "heads.h5", {0: network}))
    assert torch.equal(torch.from_numpy(heads.fold(0)[1]), network.linear_head[1].bias)


@pytest.mark.parametrize(
    ("networks", "words"),
    [
        ({}, "no networks"),
        ({0: TileMLP(input_dim=4, num_outputs=3)}, "fold 0 is a tile_mlp, which has no linear head"),
        (make_networks(num_outputs=2), "3 gene names, but the networks predict 2"),
        (make_networks((0,)) | make_networks((1,), input_dim=6), r"differ in their shapes: fold 0, \(3, 4\)"),
    ],
)
def test_networks_without_heads_that_fit_are_refused(tmp_path, networks, words):
    with pytest.raises(InputError, match=words):
        written(tmp_path / "heads.h5", networks)
    assert list(tmp_path.iterdir()) == []


def test_a_gene_or_fold_that_is_not_there_is_refused(file):
    with pytest.raises(InputError, match="do not predict TP53"):
        read_heads(file).gene("TP53")
    with pytest.raises(InputError, match="there is no fold 2") as error:
        read_heads(file).fold(2)
    assert "it has 0, 1" in error.value.fix


def test_numbers_that_were_changed_do_not_have_their_hash(file):
    with h5py.File(file, "r+") as opened:
        opened["weight"][1, 2, 0] += 1
    read_heads(file).fold(0)
    with pytest.raises(InputError, match="fold 1 does not have its hash"):
        read_heads(file).fold(1)


def test_a_file_of_something_else_is_refused(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as opened:
        opened["weight"] = np.zeros((2, 3))
    with pytest.raises(InputError, match="does not hold heads: it has no weight"):
        read_heads(tmp_path / "other.h5")
    (tmp_path / "text.h5").write_text("heads")
    with pytest.raises(InputError, match="not HDF5, truncated or damaged") as error:
        read_heads(tmp_path / "text.h5")
    assert "text.h5" in error.value.where
    with pytest.raises(InputError, match="does not exist"):
        read_heads(tmp_path / "absent.h5")


def test_parts_that_do_not_fit_are_refused(file):
    with h5py.File(file, "r+") as opened:
        del opened["gene"]
        opened["gene"] = ["ESR1", "GATA3"]
    with pytest.raises(InputError, match=r"shape \(2, 3, 4\) and bias \(2, 3\), for 2 folds and 2 genes"):
        read_heads(file)


def test_a_cut_file_is_refused(file):
    file.write_bytes(file.read_bytes()[:900])
    with pytest.raises(InputError, match="truncated or damaged"):
        read_heads(file)


def test_a_full_disk_is_an_error_and_leaves_nothing(tmp_path, monkeypatch):
    def full(sink, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sequoia_base.sink.Sink._put", full)
    with pytest.raises(InputError, match="cannot be written: No space left on device"):
        written(tmp_path / "heads.h5")
    assert list(tmp_path.iterdir()) == []


def test_reading_needs_no_torch(file):
    code = (
        "import sys; from sequoia_model.weights.heads import read_heads; "
        f"read_heads({str(file)!r}).gene('ESR1'); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
