"""A PCA in front of a network: it projects, it ships with the weights, and the training leaves it as it is."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from sequoia_model.errors import InputError
from sequoia_model.nets import SummaryTransformer, TileMLP, TileTransformer, build
from sequoia_model.nets.slide_network import SlideNetwork
from sequoia_model.weights.loading import load_weights, save_weights, untrained
from tests.build.weights import TOY, toy

D, K = 12, 5
ARCHITECTURES = [SummaryTransformer, TileTransformer, TileMLP]


def make_network(kind: type[SlideNetwork] = SummaryTransformer, seed: int = 0) -> SlideNetwork:
    """A network of 3 genes that takes 5 cluster means of length 4."""
    sizes = {
        SummaryTransformer: {"input_dim": 4, "depth": 1, "nheads": 2, "dimensions_f": 3},
        TileTransformer: {"dim": 4, "depth": 1, "heads": 2, "mlp_dim": 6, "dim_head": 3},
        TileMLP: {"input_dim": 4, "layers": [6], "ks": [1, 3]},
    }
    torch.manual_seed(seed)
    return kind(num_outputs=3, num_clusters=K, **sizes[kind]).eval()


def make_pca(dim: int = D, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """A mean, and four directions."""
    generator = np.random.default_rng(seed)
    return generator.normal(size=dim), np.linalg.qr(generator.normal(size=(dim, 4)))[0]


def make_slides(n: int = 2) -> torch.Tensor:
    """Cluster means of length D."""
    return torch.randn(n, K, D, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_a_network_behind_a_pca_predicts_from_the_projected_features(kind):
    (mean, components), x = make_pca(), make_slides()
    projected = torch.tensor((x.numpy() - mean) @ components, dtype=torch.float32)
    network = make_network(kind).with_pca(mean, components)
    torch.testing.assert_close(network(x), make_network(kind)(projected), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_it_takes_features_of_the_length_of_the_pca(kind):
    network = make_network(kind).with_pca(*make_pca())
    assert network.input_dim == D and network.num_outputs == 3
    with pytest.raises(InputError, match=rf"must have the shape .*{D}\), but have \(1, 5, 4\)"):
        network(torch.zeros(1, K, 4))


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_it_is_written_and_read_with_the_weights(tmp_path, kind):
    network = make_network(kind).with_pca(*make_pca())
    save_weights(network, tmp_path / "w", config={"note": "small"})
    again = load_weights(tmp_path / "w")
    assert torch.equal(again.networks[0](make_slides()), network(make_slides()))
    assert again.input_dim == D and again.networks[0].config["pca"] == {"input_dim": D}
    save_weights(again.networks[0], tmp_path / "b")
    for name in ("config.json", "model.safetensors"):
        assert (tmp_path / "b" / name).read_bytes() == (tmp_path / "w" / name).read_bytes()


def test_it_is_two_more_tensors_beside_those_of_the_published_layout(tmp_path):
    network = make_network()
    before = set(network.published_state())
    save_weights(network.with_pca(*make_pca()), tmp_path / "w")
    tensors = load_file(tmp_path / "w" / "model.safetensors")
    assert set(tensors) - before == {"pca.mean", "pca.components"} and before < set(tensors)
    assert (tensors["pca.mean"].shape, tensors["pca.components"].shape) == ((D,), (D, 4))


def test_it_is_nothing_that_learns():
    network = make_network()
    n = sum(parameter.numel() for parameter in network.parameters())
    network.with_pca(*make_pca()).train()(make_slides()).sum().backward()
    assert sum(parameter.numel() for parameter in network.parameters()) == n
    assert network.pca is not None and network.pca.mean.grad is None


def test_untrained_networks_keep_the_pca_of_the_trained_one(tmp_path):
    save_weights(make_network().with_pca(*make_pca()), tmp_path / "w")
    weights = load_weights(tmp_path / "w")
    (fresh,) = untrained(weights, 0)
    assert torch.equal(fresh.pca.components, weights.networks[0].pca.components)
    assert fresh.input_dim == D and not torch.equal(fresh.pos_emb1D, weights.networks[0].pos_emb1D)


def test_a_pca_in_front_changes_no_parameter_that_is_drawn(tmp_path):
    save_weights(make_network(), tmp_path / "plain")
    save_weights(make_network().with_pca(*make_pca()), tmp_path / "with")
    (plain,), (behind,) = (untrained(load_weights(tmp_path / name), 0) for name in ("plain", "with"))
    assert torch.equal(plain.pos_emb1D, behind.pos_emb1D)


def test_folds_with_and_without_a_pca_are_no_ensemble(tmp_path):
    save_weights(make_network(), tmp_path / "fold_0")
    save_weights(make_network().with_pca(*make_pca()), tmp_path / "fold_1")
    with pytest.raises(InputError, match=r"the folds differ: pca.mean is absent in fold 0, but \(12,\) in"):
        load_weights(tmp_path)


def test_a_network_without_one_has_none_and_says_nothing_of_it():
    network = make_network()
    assert network.pca is None and "pca" not in network.config
    assert not any(name.startswith("pca") for name in network.published_state())


@pytest.mark.parametrize(
    ("mean", "components", "words"),
    [
        (np.zeros(D), np.zeros((D, 3)), "has 3 components, but the network takes 4"),
        (np.zeros(D - 1), np.zeros((D, 4)), r"needs a mean of shape"),
        (np.zeros(D), np.full((D, 4), np.nan), "NaN or infinite"),
    ],
)
def test_a_pca_that_does_not_fit_is_refused(mean, components, words):
    with pytest.raises(InputError, match=words):
        make_network().with_pca(mean, components)


@pytest.mark.parametrize("pca", [7, {}, {"input_dim": 0}, {"input_dim": "12"}, {"input_dim": 12, "dim": 4}])
def test_an_entry_that_describes_no_pca_is_refused(pca):
    config = {"input_dim": 4, "num_outputs": 3, "num_clusters": K, "pca": pca}
    with pytest.raises(InputError, match=r"pca must be .*input_dim"):
        build(config, "config.json")


def test_a_pca_cannot_have_more_components_than_the_features_are_long():
    config = {"input_dim": 4, "num_outputs": 3, "pca": {"input_dim": 3}}
    with pytest.raises(InputError, match="of length 3 cannot have 4 components"):
        build(config, "config.json")


@pytest.mark.parametrize("name", ["pca.mean", "pca.components"])
def test_weights_that_lack_a_part_of_the_pca_are_refused(tmp_path, name):
    from safetensors.torch import save_file

    save_weights(make_network().with_pca(*make_pca()), tmp_path / "w")
    tensors = load_file(tmp_path / "w" / "model.safetensors")
    del tensors[name]
    save_file(tensors, tmp_path / "w" / "model.safetensors")
    with pytest.raises(InputError, match=f"1 missing: {name}"):
        load_weights(tmp_path / "w")


def test_a_configuration_that_contradicts_the_pca_is_not_written(tmp_path):
    with pytest.raises(InputError, match="contradicts the network"):
        save_weights(make_network(), tmp_path / "w", config={"pca": {"input_dim": D}})


def test_published_weights_are_written_as_the_same_bytes(tmp_path):
    save_weights(load_weights(toy(tmp_path / "mine")).networks[0], tmp_path / "again")
    for name in ("config.json", "model.safetensors"):
        assert (tmp_path / "again" / name).read_bytes() == (TOY / name).read_bytes()
    assert "pca" not in json.loads((TOY / "config.json").read_text())
