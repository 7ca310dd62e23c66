"""The TileMLP: its published output, and tiles that must never be among the best."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from sequoia_model.errors import InputError
from sequoia_model.nets import TileMLP

GOLDEN = Path(__file__).parents[3] / "data" / "golden"


def make_network(seed: int = 0, shift: float = 0.0, **choices: object) -> TileMLP:
    """Four genes of 6-d tiles; `shift` moves all scores."""
    torch.manual_seed(seed)
    network = TileMLP(
        **({"input_dim": 6, "num_outputs": 4, "layers": (5,), "ks": (1, 3, 8)} | choices)
    ).eval()
    network.get_submodule("conv1").bias.data += shift
    return network.double()


def make_tiles(slides: int = 2, tiles: int = 10, seed: int = 1) -> Tensor:
    """Normal tiles."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(slides, tiles, 6, generator=generator, dtype=torch.float64)


def padded(x: Tensor, rows: int = 7, value: float = 0.0) -> tuple[Tensor, Tensor]:
    """`x` with rows behind its tiles, and the mask that says which are tiles."""
    mask = torch.arange(x.shape[1] + rows) < x.shape[1]
    return torch.cat([x, torch.full((len(x), rows, 6), value)], dim=1), mask.expand(len(x), -1)


def test_the_published_toy_gives_its_published_output():
    io = load_file(GOLDEN / "io.safetensors")
    network = TileMLP(input_dim=32, num_outputs=40, layers=[16, 16], ks=[1, 2, 5, 10, 20, 50, 100]).eval()
    network.load_published(load_file(GOLDEN / "he2rna_toy.safetensors"))
    with torch.inference_mode():
        torch.testing.assert_close(network(io["x"]), io["y_he2rna"], atol=1e-5, rtol=0)


def test_a_gene_is_the_mean_over_k_of_the_means_of_its_k_best_tiles():
    network, x = make_network(), make_tiles()
    ranked = network.scores(x).sort(dim=1, descending=True).values
    wanted = (ranked[:, 0] + ranked[:, :3].mean(dim=1) + ranked[:, :8].mean(dim=1)) / 3
    torch.testing.assert_close(network(x), wanted, atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("shift", [-50, 0, 50])
@pytest.mark.parametrize("value", [0.0, 1e3, -1e3])
def test_padding_changes_nothing_whatever_its_score_and_the_sign_of_all_scores(shift, value):
    network, x = make_network(shift=shift), make_tiles()
    rows, mask = padded(x, value=value)
    torch.testing.assert_close(network(rows, mask), network(x), atol=1e-12, rtol=1e-12)


def test_padding_that_is_not_said_to_be_padding_can_win():
    network, x = make_network(shift=-50), make_tiles()
    assert not torch.allclose(network(padded(x, value=1e3)[0]), network(x))


def test_slides_of_a_batch_may_differ_in_their_number_of_tiles():
    network, x = make_network(), make_tiles()
    rows, mask = x.clone(), torch.ones(2, 10, dtype=torch.bool)
    rows[1, 4:], mask[1, 4:] = 9, False
    torch.testing.assert_close(network(rows, mask)[1:], network(x[1:, :4]), atol=1e-12, rtol=1e-12)
    torch.testing.assert_close(network(rows, mask)[:1], network(x[:1]), atol=1e-12, rtol=1e-12)


def test_fewer_tiles_than_k_are_all_taken():
    network, x = make_network(ks=(8,)), make_tiles(tiles=3)
    torch.testing.assert_close(network(x), network.scores(x).mean(dim=1), atol=1e-12, rtol=1e-12)


def test_gradients_come_from_tiles_alone():
    network, (rows, mask) = make_network(shift=-50), padded(make_tiles())
    rows.requires_grad_()
    network(rows, mask).sum().backward()
    assert torch.isfinite(rows.grad).all()
    assert (rows.grad[:, 10:] == 0).all() and (rows.grad[:, :10] != 0).any()


def test_tiles_may_change_places():
    network, x = make_network(), make_tiles()
    torch.testing.assert_close(network(x.flip(1)), network(x), atol=1e-12, rtol=1e-12)


def test_training_draws_one_k_at_a_time():
    network, x = make_network(dropout=0.0), make_tiles(slides=1)
    ranked = network.scores(x).sort(dim=1, descending=True).values
    singles = {round(ranked[0, :k, 0].mean().item(), 9) for k in (1, 3, 8)}
    network.train()
    drawn = {round(network(x)[0, 0].item(), 9) for _ in range(60)}
    assert drawn == singles


def test_a_slide_without_a_tile_is_refused():
    with pytest.raises(InputError, match="a slide has no tile"):
        make_network()(make_tiles(), torch.tensor([[True] * 10, [False] * 10]))


def test_tiles_of_another_dimension_are_refused():
    with pytest.raises(InputError, match=r"must have the shape \(slides, tiles, 6\)"):
        make_network()(torch.zeros(2, 10, 5))


def test_padding_that_is_nan_reaches_no_gradient():
    network = TileMLP(input_dim=3, num_outputs=2, layers=(4,), ks=(1, 2)).eval()
    x = torch.full((1, 4, 3), torch.nan)
    x[:, :2] = torch.ones(2, 3)
    network(x, torch.tensor([[True, True, False, False]])).sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in network.parameters())


# --- the shortcuts: no sort where none is needed ------------------------------------------------------------------


def plainly(network: TileMLP, x: Tensor) -> Tensor:
    """The network with all tiles sorted for every k, and the k of a training step drawn after dropout."""
    ranked = network.scores(x).sort(dim=1, descending=True).values
    drawn = [network.ks[torch.randint(len(network.ks), (1,))]] if network.training else network.ks
    return torch.stack([ranked[:, :k].mean(dim=1) for k in drawn]).mean(dim=0)


def output_and_gradients(network: TileMLP, x: Tensor, *, plain: bool = False) -> list[Tensor]:
    """Of ten steps with the same draws: the outputs, and the gradients of the sum of their squares."""
    network.zero_grad()
    torch.manual_seed(4)
    outputs = torch.stack([plainly(network, x) if plain else network(x) for _ in range(10)])
    outputs.square().sum().backward()
    return [outputs.detach(), *(parameter.grad.clone() for parameter in network.parameters())]


@pytest.mark.parametrize("ks", [(1,), (8,), (10,), (12,), (1, 3, 8), (1, 3, 8, 10, 12), (10, 12)])
@pytest.mark.parametrize("training", [True, False])
def test_values_and_gradients_are_those_of_tiles_that_are_all_sorted(ks, training):
    network, x = make_network(ks=ks, dropout=0.3).train(training), make_tiles()
    torch.testing.assert_close(
        output_and_gradients(network, x), output_and_gradients(network, x, plain=True), atol=1e-12, rtol=1e-10
    )


def test_a_step_with_padding_draws_and_learns_as_one_without():
    network, x = make_network(ks=(1, 3, 8, 12), dropout=0.0).train(), make_tiles()
    rows, mask = padded(x)
    torch.manual_seed(4)
    wanted = torch.stack([network(x) for _ in range(10)])
    torch.manual_seed(4)
    torch.testing.assert_close(torch.stack([network(rows, mask) for _ in range(10)]), wanted)


def test_a_mask_without_padding_changes_nothing():
    network, x = make_network(), make_tiles()
    assert torch.equal(network(x, torch.ones(2, 10, dtype=torch.bool)), network(x))


def test_slides_without_rows_are_refused():
    with pytest.raises(InputError, match="a slide has no tile"):
        make_network()(make_tiles(tiles=0))
