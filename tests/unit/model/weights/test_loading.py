"""Weights on disk: what is read, and what is written back."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from sequoia_model.errors import InputError
from sequoia_model.nets import TileMLP
from sequoia_model.weights.gene_lists import published_genes
from sequoia_model.weights.loading import load_weights, save_weights, untrained
from tests.build.weights import GOLDEN, OTHERS, TOY, checkpoints, five, other, side_file, toy, toys

# --- what is read ------------------------------------------------------------------------------------------------


def test_a_folder_with_weights_is_an_ensemble_of_one(tmp_path):
    weights, io = load_weights(toy(tmp_path / "mine")), load_file(GOLDEN / "io.safetensors")
    with torch.inference_mode():
        torch.testing.assert_close(weights.networks[0](io["x"]), io["y_vis"], atol=1e-5, rtol=0)
    assert weights.folds == (0,) and weights.encoder is None and weights.cancer is None
    assert (weights.n_genes, weights.input_dim, weights.n_clusters, weights.n_parameters) == (
        40,
        32,
        100,
        16_616,
    )
    assert not weights.networks[0].training and not weights.notes


@pytest.mark.parametrize(("name", "output"), [("vit_toy", "y_vit"), ("he2rna_toy", "y_he2rna")])
def test_other_architectures_are_named_by_their_configuration(tmp_path, name, output):
    weights, io = load_weights(other(tmp_path / "mine", name)), load_file(GOLDEN / "io.safetensors")
    with torch.inference_mode():
        torch.testing.assert_close(weights.networks[0](io["x"]), io[output], atol=1e-5, rtol=0)
    assert (weights.n_genes, weights.input_dim, weights.n_clusters) == (40, 32, 100)


def test_published_names_of_folders_tell_encoder_cancer_and_folds(tmp_path):
    weights = load_weights(five(tmp_path / "downloads"))
    assert (weights.encoder, weights.cancer, weights.folds) == ("uni", "BRCA", (0, 1, 2, 3, 4))
    assert len(weights.digests) == 5
    assert weights.digests[0] == "ff6fbaf17678495b33a8e6892f5efb9b0652507b69b076bb5df7621c62bac4c9"


def test_a_published_name_tells_the_fold_of_a_single_network(tmp_path):
    weights = load_weights(toy(tmp_path / "sequoia-luad-3"))
    assert (weights.encoder, weights.cancer, weights.folds) == ("uni", "LUAD", (3,))


def test_names_of_cancers_without_published_weights_tell_nothing(tmp_path):
    weights = load_weights(toy(tmp_path / "sequoia-toy-0"))
    assert (weights.encoder, weights.cancer, weights.folds) == (None, None, (0,))


@pytest.mark.parametrize(
    "names", [["fold_0", "fold_1"], ["0", "1"], ["fold0", "fold1"], ["mine-0", "mine-1"]]
)
def test_folders_are_folds_by_the_numbers_at_the_ends_of_their_names(tmp_path, names):
    assert load_weights(toys(tmp_path, *names)).folds == (0, 1)


def test_ten_folds_are_in_the_order_of_their_numbers(tmp_path):
    names = [f"fold_{fold}" for fold in range(11)]
    assert load_weights(toys(tmp_path, *names)).folds == tuple(range(11))


def test_folders_that_hold_no_weights_are_passed_over(tmp_path):
    (toys(tmp_path, "fold_0", "fold_1") / "logs-2024").mkdir()
    assert load_weights(tmp_path).folds == (0, 1)


def test_checkpoints_are_folds_and_their_sizes_are_read_off_their_shapes(tmp_path):
    io = load_file(GOLDEN / "io.safetensors")
    weights = load_weights(checkpoints(tmp_path, "model_best.pt", "model_best_1.pt", "model_best_2.pt"))
    with torch.inference_mode():
        torch.testing.assert_close(weights.networks[2](io["x"]), io["y_vis"], atol=1e-5, rtol=0)
    assert weights.folds == (0, 1, 2)


def test_checkpoints_of_another_architecture_have_their_configuration_beside_them(tmp_path):
    folder = checkpoints(tmp_path, "model_best.pt", content=load_file(GOLDEN / "vit_toy.safetensors"))
    (folder / "config.json").write_text(json.dumps(OTHERS["vit_toy"]))
    assert load_weights(folder).architecture == "tile_transformer"


@pytest.mark.parametrize(
    ("name", "fold"), [("model_best.pt", 0), ("model_best_3.pt", 3), ("mine.pth", 0), ("last.CKPT", 0)]
)
def test_one_checkpoint_alone_is_an_ensemble_of_one(tmp_path, name, fold):
    folder = checkpoints(tmp_path / "mine", "model_best.pt", "model_best_3.pt", "mine.pth", "last.CKPT")
    weights = load_weights(folder / name)
    assert weights.folds == (fold,) and weights.encoder is None and weights.units == "not stated"


def test_one_file_has_its_configuration_and_side_file_beside_it(tmp_path):
    folder = side_file(toy(tmp_path / "mine"), encoder="uni", units="log2(TPM+1)")
    weights = load_weights(folder / "model.safetensors")
    assert (weights.encoder, weights.units, weights.folds) == ("uni", "log2(TPM+1)", (0,))


def test_one_file_of_published_weights_is_that_of_its_fold(tmp_path):
    weights = load_weights(five(tmp_path) / "sequoia-brca-3" / "model.safetensors")
    assert (weights.cancer, weights.folds, weights.units) == ("BRCA", (3,), "log2(FPKM-UQ+1)")
    folder = checkpoints(tmp_path / "sequoia-luad", "model_best_2.pt")
    assert load_weights(folder / "model_best_2.pt").folds == (2,)


@pytest.mark.parametrize(
    "wrap", [lambda s: {"state_dict": s}, lambda s: {f"module.{k}": v for k, v in s.items()}]
)
def test_checkpoints_as_training_code_wraps_them_are_read(tmp_path, wrap):
    state = load_file(TOY / "model.safetensors")
    weights = load_weights(checkpoints(tmp_path / "w", "model_best.pt", content=wrap(state)))
    torch.testing.assert_close(weights.networks[0].published_state()["pos_emb1D"], state["pos_emb1D"])


def test_weights_of_half_precision_are_used_in_float32(tmp_path):
    halves = {name: tensor.half() for name, tensor in load_file(TOY / "model.safetensors").items()}
    save_file(halves, toy(tmp_path / "mine") / "model.safetensors")
    weights, io = load_weights(tmp_path / "mine"), load_file(GOLDEN / "io.safetensors")
    with torch.inference_mode():
        torch.testing.assert_close(weights.networks[0](io["x"]), io["y_vis"], atol=1e-2, rtol=0)


def test_loading_leaves_the_generator_of_torch_as_it_is(tmp_path):
    folder, before = toy(tmp_path / "mine"), torch.get_rng_state()
    load_weights(folder)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_stored_device_does_not_matter(tmp_path):
    weights = load_weights(toy(tmp_path / "mine", device="tpu:7"))
    assert next(weights.networks[0].parameters()).device.type == "cpu"
    assert weights.networks[0].config["device"] == "tpu:7"


def test_weights_print_what_they_are(tmp_path):
    text = repr(load_weights(five(tmp_path)))
    assert "5 × summary_transformer, 16,616 parameters, 40 genes of 32-d features by uni" in text


def test_there_are_20820_published_genes_in_order():
    assert len(published_genes()) == 20_820
    assert published_genes()[:2] == ("A1BG", "A1BG-AS1")


# --- the side file -----------------------------------------------------------------------------------------------


def test_a_side_file_names_encoder_genes_and_a_caveat(tmp_path):
    (tmp_path / "genes.csv").write_text("gene\n" + "\n".join(f"G{i}" for i in range(40)))
    words = {"encoder": "MahmoodLab/UNI2-h", "genes": "genes.csv", "note": "trained on 12 slides"}
    weights = load_weights(side_file(toys(tmp_path, "0", "1"), **words))
    assert weights.encoder == "uni2-h" and weights.cancer is None
    assert weights.genes is not None and weights.genes[39] == "G39"
    assert weights.notes == ("trained on 12 slides",)


def test_a_side_file_overrides_what_names_say(tmp_path):
    weights = load_weights(side_file(five(tmp_path), cancer=None))
    assert (weights.encoder, weights.cancer) == ("uni", None)


def test_a_side_file_lies_beside_the_weights_of_one_fold_as_well(tmp_path):
    side_file(toys(tmp_path, "0", "1") / "1", cancer="brca", encoder="uni")
    assert load_weights(tmp_path).cancer == "BRCA"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"schema": "sequoia-weights-2"}, r"schema is 'sequoia-weights-2'[\s\S]*sequoia-weights-1"),
        ({"encodr": "uni"}, "unknown entries: 'encodr'"),
        ({"encoder": 7}, "encoder is 7 but must be text"),
        ({"cancer": "OVCA"}, "no published splits of the cancer 'OVCA'"),
        ({"genes": "absent.csv"}, r"list of genes does not exist[\s\S]*absent.csv"),
        ({"genes": "genes.csv"}, "names 2 genes, but the networks have 40 outputs"),
    ],
)
def test_a_side_file_that_cannot_be_used_is_refused(tmp_path, words, message):
    (toy(tmp_path / "mine") / "genes.csv").write_text("G1\nG2\n")
    with pytest.raises(InputError, match=message):
        load_weights(side_file(tmp_path / "mine", **words))


def test_side_files_of_folds_that_differ_are_refused(tmp_path):
    toys(tmp_path, "0", "1")
    side_file(tmp_path / "0", encoder="uni")
    side_file(tmp_path / "1", encoder="conch")
    with pytest.raises(InputError, match=r"the folds have different sequoia.json"):
        load_weights(tmp_path)


# --- what is written ---------------------------------------------------------------------------------------------


def test_what_was_read_is_written_back_as_the_same_bytes(tmp_path):
    save_weights(load_weights(TOY).networks[0], tmp_path / "again")
    assert (tmp_path / "again" / "config.json").read_bytes() == (TOY / "config.json").read_bytes()
    assert (tmp_path / "again" / "model.safetensors").read_bytes() == (TOY / "model.safetensors").read_bytes()


def test_the_words_in_the_head_of_the_file_are_written_back(tmp_path):
    save_file(
        load_file(TOY / "model.safetensors"), toy(tmp_path / "a") / "model.safetensors", {"format": "pt"}
    )
    save_weights(load_weights(tmp_path / "a").networks[0], tmp_path / "b")
    assert (tmp_path / "b" / "model.safetensors").read_bytes() == (
        tmp_path / "a" / "model.safetensors"
    ).read_bytes()


@pytest.mark.parametrize("name", sorted(OTHERS))
def test_other_architectures_are_written_with_their_name_and_read_again(tmp_path, name):
    network = load_weights(other(tmp_path / "a", name)).networks[0]
    save_weights(network, tmp_path / "b")
    x, again = torch.ones(1, 100, 32), load_weights(tmp_path / "b").networks[0]
    assert torch.equal(again(x), network(x)) and type(again) is type(network)


def test_new_networks_are_written_as_the_hub_stores_them(tmp_path):
    torch.manual_seed(0)
    network = TileMLP(input_dim=4, num_outputs=3, layers=[2])
    save_weights(network, tmp_path / "new", config={"device": "cpu"})
    with safe_open(tmp_path / "new" / "model.safetensors", "pt") as file:
        assert file.metadata() == {"format": "pt"}
    words = json.loads((tmp_path / "new" / "config.json").read_text())
    assert words["device"] == "cpu" and list(words) == sorted(words)
    assert load_weights(tmp_path / "new").architecture == "tile_mlp"


def test_what_is_written_beside_the_sizes_is_read_again(tmp_path):
    network = load_weights(toy(tmp_path / "mine")).networks[0]
    words = {"note": "trained at home", "cancer": None, "epochs": 12}
    save_weights(network, tmp_path / "new", config=words)
    assert words.items() <= load_weights(tmp_path / "new").networks[0].config.items()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"depth": 7}, "contradicts the network"),
        ({"architecture": "tile_mlp"}, "contradicts the network"),
        ({"note": {1, 2}}, "cannot be written as JSON"),
        ({"n_heads": 4}, "has no 'n_heads'"),
    ],
)
def test_what_could_not_be_read_again_is_not_written(tmp_path, config, message):
    network = load_weights(toy(tmp_path / "mine")).networks[0]
    with pytest.raises(InputError, match=message):
        save_weights(network, tmp_path / "new", config=config)
    assert not (tmp_path / "new").exists()


def test_weights_are_replaced_only_with_force(tmp_path):
    network = load_weights(toy(tmp_path / "mine")).networks[0]
    with pytest.raises(InputError, match="already exists"):
        save_weights(network, tmp_path / "mine")
    save_weights(network, tmp_path / "mine", force=True)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["mine"]


def test_a_folder_with_other_things_is_never_replaced(tmp_path):
    network = load_weights(toy(tmp_path / "mine")).networks[0]
    (tmp_path / "mine" / "thesis.tex").write_text("years")
    with pytest.raises(InputError, match=r"also holds thesis.tex, which would be lost"):
        save_weights(network, tmp_path / "mine", force=True)


# --- untrained networks ------------------------------------------------------------------------------------------


def states(networks: tuple[nn.Module, ...]) -> torch.Tensor:
    """All parameters, one row per network."""
    return torch.stack([torch.cat([p.detach().flatten() for p in n.parameters()]) for n in networks])


def test_untrained_networks_are_the_same_bits_for_the_same_seed(tmp_path):
    weights = load_weights(toys(tmp_path, "0", "1"))
    first, second, third = (states(untrained(weights, seed)) for seed in (3, 3, 4))
    assert torch.equal(first, second)
    assert not torch.equal(first, third)
    assert not torch.equal(first[0], first[1])  # each fold has its own


def test_the_untrained_network_of_a_fold_does_not_depend_on_the_other_folds(tmp_path):
    all_five, alone = load_weights(five(tmp_path)), load_weights(tmp_path / "sequoia-brca-3")
    assert torch.equal(states(untrained(all_five, 0))[3], states(untrained(alone, 0))[0])


def test_untrained_networks_leave_the_generator_of_torch_as_it_is(tmp_path):
    weights, before = load_weights(toy(tmp_path / "mine")), torch.get_rng_state()
    networks = untrained(weights, 0)
    assert torch.equal(torch.get_rng_state(), before)
    assert not networks[0].training and networks[0].sizes == weights.networks[0].sizes


def test_a_checkpoint_of_lightning_is_read(tmp_path):
    state = load_file(TOY / "model.safetensors")
    content = {"state_dict": {f"model.{name}": tensor for name, tensor in state.items()}, "epoch": 3}
    read = load_weights(checkpoints(tmp_path / "w", "model_best.pt", content=content)).networks[0]
    assert all(torch.equal(tensor, state[name]) for name, tensor in read.published_state().items())
