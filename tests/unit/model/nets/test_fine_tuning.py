"""Starting from a trained network: what is copied, what stays random, and what is kept as it is in training."""

from __future__ import annotations

import pytest
import torch

from sequoia_model.errors import InputError
from sequoia_model.nets import SummaryTransformer, TileMLP, TileTransformer, freeze, transfer
from sequoia_model.nets.slide_network import SlideNetwork

GENES = ("A", "B", "C")
BODY = {
    SummaryTransformer: {"input_dim": 4, "depth": 2, "nheads": 2, "dimensions_f": 3, "num_clusters": 5},
    TileTransformer: {"dim": 4, "depth": 2, "heads": 2, "mlp_dim": 6, "dim_head": 3, "num_clusters": 5},
    TileMLP: {"input_dim": 4, "layers": [6], "ks": [1, 3]},
}
KINDS = list(BODY)


def make_network(
    kind: type[SlideNetwork] = SummaryTransformer, seed: int = 0, n: int = 3, **sizes
) -> SlideNetwork:
    torch.manual_seed(seed)
    return kind(num_outputs=n, **(BODY[kind] | sizes)).eval()


def head(network: SlideNetwork) -> torch.Tensor:
    """Weight and bias of the last layer, a row per gene."""
    weight, bias = (network.published_state()[name] for name in network.head_names)
    return torch.cat([weight.flatten(1), bias[:, None]], dim=1)


# --- transfer -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("as_tensors", [True, False])
def test_a_network_of_the_same_genes_becomes_the_source(kind, as_tensors):
    network, source = make_network(kind, 1), make_network(kind, 2)
    given = source.published_state() if as_tensors else source
    loaded, fresh = transfer(network, given, genes=GENES, from_genes=GENES)
    x = torch.randn(2, 5, 4)
    assert torch.equal(network(x), source(x))
    assert fresh == () and set(loaded) == set(network.published_state())


@pytest.mark.parametrize("kind", KINDS)
def test_genes_in_common_are_copied_by_name_and_the_others_stay_random(kind):
    network, before, source = make_network(kind, 1), make_network(kind, 1), make_network(kind, 2, n=4)
    loaded, fresh = transfer(network, source, genes=GENES, from_genes=("C", "X", "A", "Y"))
    wanted = torch.stack([head(source)[2], head(before)[1], head(source)[0]])
    assert torch.equal(head(network), wanted)
    assert set(fresh) == set(network.head_names) and set(network.head_names) < set(loaded)


@pytest.mark.parametrize("kind", KINDS)
def test_without_genes_in_common_only_the_body_is_copied(kind):
    network, before, source = make_network(kind, 1), make_network(kind, 1), make_network(kind, 2, n=4)
    loaded, fresh = transfer(network, source, genes=GENES, from_genes=("V", "W", "X", "Y"))
    own, theirs = network.published_state(), source.published_state()
    assert torch.equal(head(network), head(before)) and set(fresh) == set(network.head_names)
    assert all(torch.equal(own[name], theirs[name]) for name in loaded) and set(loaded).isdisjoint(fresh)


def test_without_names_the_last_layer_is_copied_if_it_has_as_many_genes():
    source = make_network(seed=2)
    same, other = make_network(seed=1), make_network(seed=1, n=4)
    assert transfer(same, source).fresh == () and torch.equal(head(same), head(source))
    assert set(transfer(other, source, from_genes=GENES).fresh) == set(other.head_names)


def test_the_source_is_not_changed_and_shares_no_memory():
    network, source = make_network(seed=1), make_network(seed=2)
    before = {name: tensor.clone() for name, tensor in source.published_state().items()}
    transfer(network, source)
    network.pos_emb1D.data += 1
    assert all(torch.equal(tensor, before[name]) for name, tensor in source.published_state().items())


def test_a_pca_comes_with_its_network():
    pca = torch.randn(7), torch.randn(7, 4)
    network, source, x = make_network(seed=1), make_network(seed=2).with_pca(*pca), torch.randn(2, 5, 7)
    transfer(network, source)
    assert torch.equal(network(x), source(x)) and network.input_dim == 7
    with pytest.raises(InputError, match=r"pca\.mean is missing"):
        transfer(network, make_network(seed=2))


@pytest.mark.parametrize(
    ("network", "source", "words"),
    [
        (make_network(), make_network(TileMLP), "a summary_transformer cannot start from a tile_mlp"),
        (make_network(), {"a": torch.zeros(1)}, "cannot start from weights of another kind"),
        (make_network(), make_network(input_dim=6), "input_dim is 6, not 4"),
        (make_network(), make_network(input_dim=6).published_state(), r"pos_emb1D is \(5, 6\), not \(5, 4\)"),
        (make_network(), make_network(depth=1), "depth is 1, not 2"),
        (make_network(), make_network(depth=1).published_state(), "is missing"),
        (make_network(), make_network(depth=3).published_state(), "is unexpected"),
        (
            make_network(TileTransformer),
            make_network(TileTransformer, heads=3, dim_head=2),
            "heads is 3, not 2",
        ),
    ],
)
def test_another_architecture_or_size_is_refused(network, source, words):
    before = {name: tensor.clone() for name, tensor in network.published_state().items()}
    with pytest.raises(InputError, match=words):
        transfer(network, source)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.published_state().items())


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ({"genes": ("A",)}, "1 gene name, but the network predict"),
        ({"from_genes": ("A",)}, "1 gene name, but the weights"),
    ],
)
def test_names_of_another_number_of_genes_are_refused(names, words):
    with pytest.raises(InputError, match=words):
        transfer(make_network(), make_network(), **({"genes": GENES, "from_genes": GENES} | names))


# --- freeze -------------------------------------------------------------------------------------------------------


def learning(network: SlideNetwork) -> set[str]:
    """Published names of the parameters that still learn."""
    return {
        part
        for name, parameter in network.named_parameters()
        if parameter.requires_grad
        for part in network.published_names(name)
    }


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        (SummaryTransformer, "transformer.layers.0"),
        (SummaryTransformer, "pos_emb1D"),
        (SummaryTransformer, "transformer.layers.1.0.mixers"),
        (TileTransformer, "transformer"),
        (TileTransformer, "linear_head.1.bias"),
        (TileMLP, "conv0"),
    ],
)
def test_what_is_named_is_frozen_and_nothing_else(kind, word):
    network = make_network(kind)
    names = set(network.published_state())
    frozen = freeze(network, [word])
    assert set(frozen) == {name for name in names if name == word or name.startswith(f"{word}.")} != set()
    assert learning(network) == names - set(frozen)


def test_a_module_is_not_one_whose_name_only_begins_alike():
    network = make_network(depth=11)
    freeze(network, ["transformer.layers.1"])
    assert any(name.startswith("transformer.layers.10.") for name in learning(network))
    assert not any(name.startswith("transformer.layers.1.") for name in learning(network))


def test_frozen_parameters_do_not_move_in_a_step():
    network = make_network().train()
    freeze(network, ["transformer", "pos_emb1D"])
    before = {name: tensor.clone() for name, tensor in network.published_state().items()}
    optimizer = torch.optim.Adam([p for p in network.parameters() if p.requires_grad])
    network(torch.randn(2, 5, 4)).square().sum().backward()
    optimizer.step()
    moved = {
        name for name, tensor in network.published_state().items() if not torch.equal(tensor, before[name])
    }
    assert moved == {name for name in before if name.startswith("linear_head")}


def test_a_later_choice_replaces_an_earlier_one():
    network = make_network()
    freeze(network, ["transformer"])
    freeze(network, ["linear_head"])
    assert not any(name.startswith("linear_head") for name in learning(network))
    assert any(name.startswith("transformer") for name in learning(network))


@pytest.mark.parametrize(
    ("names", "words", "fix"),
    [
        (
            ["transformer.layers.7", "pos_emb1D"],
            "no transformer.layers.7 that",
            "transformer.layers.0, transformer.layers.1, ",
        ),
        (["body"], "no body that", "linear_head.0, linear_head.1"),
        (
            ["transformer.layers.0.0.mixers.1"],
            "only some heads of transformer.layers.0.0.f",
            "freeze all of them",
        ),
        (["transformer", "pos_emb1D", "linear_head"], "nothing is left to train", "freeze fewer"),
    ],
)
def test_names_that_cannot_be_frozen_are_refused(names, words, fix):
    network = make_network()
    with pytest.raises(InputError, match=words) as error:
        freeze(network, names)
    assert fix in error.value.fix, error.value.fix
    assert learning(network) == set(network.published_state())
