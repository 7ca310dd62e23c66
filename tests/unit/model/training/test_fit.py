"""One network learns: against a plain loop, resumed after an end at any epoch, and on losses that are not finite."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from sequoia_model.errors import InputError
from sequoia_model.nets import SummaryTransformer, TileMLP, TileTransformer
from sequoia_model.nets.slide_network import SlideNetwork
from sequoia_model.training.checkpoints import Checkpoints
from sequoia_model.training.epochs import Fitted
from sequoia_model.training.fit import FitOptions, fit, gene_layer, predict
from sequoia_model.training.parts import FoldPart
from sequoia_model.training.recipes import RECIPES

N, CLUSTERS, DIM, GENES = 40, 6, 8, 5
TRAIN, VAL = np.arange(30), np.arange(30, 40)

NETWORKS: dict[str, Callable[[], SlideNetwork]] = {
    "summary_transformer": lambda: SummaryTransformer(
        input_dim=DIM, num_outputs=GENES, num_clusters=CLUSTERS, depth=1, nheads=2, dimensions_f=4, dimensions_s=4,
        dimensions_c=4,
    ),
    "tile_transformer": lambda: TileTransformer(
        num_outputs=GENES, dim=DIM, depth=1, heads=2, mlp_dim=16, dim_head=4, num_clusters=CLUSTERS
    ),
    "tile_mlp": lambda: TileMLP(input_dim=DIM, num_outputs=GENES, layers=(8,), ks=(1, 2, 6), num_clusters=CLUSTERS),
}  # fmt: skip


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small networks take longer with several threads, which wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def make_network(architecture: str = "summary_transformer") -> SlideNetwork:
    """A small network with the same parameters each time."""
    torch.manual_seed(3)
    return NETWORKS[architecture]()


def make_data(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Slides whose genes depend on their mean features."""
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(N, CLUSTERS, DIM)) + generator.normal(size=(N, 1, DIM))
    y = 5 + x.mean(axis=1) @ generator.normal(size=(DIM, GENES)) + generator.normal(size=(N, GENES))
    return x.astype(np.float32), y.astype(np.float32)


def run(folder: Path, network: SlideNetwork, *, val: bool = True, key: str = "a", **options: Any) -> Fitted:
    """Train on the made data."""
    x, y = options.pop("data", None) or make_data()
    known, told = options.pop("known_genes", None), options.pop("on_epoch", None)
    checkpoints = Checkpoints(folder, key, every=options.pop("every", 20.0))
    chosen = FitOptions(RECIPES[options.pop("recipe", "paper")], **{"batch_size": 8, "epochs": 3} | options)
    return fit(
        network, FoldPart(x, y, TRAIN), FoldPart(x, y, VAL) if val else None, chosen, checkpoints=checkpoints,
        device=torch.device("cpu"), known_genes=known, on_epoch=told,
    )  # fmt: skip


def parameters(network: nn.Module) -> np.ndarray:
    """All parameters in one vector."""
    return torch.cat([p.detach().flatten() for p in network.parameters()]).numpy()


def plain_loop(network: SlideNetwork, epochs: int, *, seed: int = 0, fold: int = 0) -> list[float]:
    """The training of the paper, written down as plainly as possible."""
    x, y = (torch.from_numpy(values) for values in make_data())
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    losses = []
    for epoch in range(epochs):
        entropy = np.random.SeedSequence([seed, fold, epoch])
        order = np.random.default_rng(entropy).permutation(len(TRAIN))
        torch.manual_seed(int(entropy.generate_state(1, np.uint64)[0]))
        network.train()
        total = 0.0
        for start in range(0, len(TRAIN), 8):
            some = TRAIN[order[start : start + 8]]
            loss = ((network(x[some]) - y[some]) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(some)
        losses.append(total / len(TRAIN))
    return losses


@pytest.mark.parametrize("architecture", NETWORKS)
def test_three_epochs_equal_a_plain_loop(tmp_path: Path, architecture: str) -> None:
    ours, theirs = make_network(architecture), make_network(architecture)
    fitted = run(tmp_path, ours, val=False)
    losses = plain_loop(theirs, 3)
    np.testing.assert_allclose([row["train_mse"] for row in fitted.log], losses, rtol=1e-6)
    np.testing.assert_allclose(parameters(ours), parameters(theirs), atol=1e-6)


def test_validation_is_mse_and_mean_correlation_of_the_whole_part(tmp_path: Path) -> None:
    network = make_network()
    fitted = run(tmp_path, network, epochs=1)
    x, y = make_data()
    predicted = predict(network, x, VAL)
    rs = [np.corrcoef(predicted[:, gene], y[VAL, gene])[0, 1] for gene in range(GENES)]
    assert fitted.log[0]["val_mse"] == pytest.approx(((predicted - y[VAL]) ** 2).mean(), rel=1e-5)
    assert fitted.log[0]["val_r"] == pytest.approx(np.mean(rs), rel=1e-5)


def test_the_published_code_averages_over_batches(tmp_path: Path) -> None:
    network = make_network()
    fitted = run(tmp_path, network, epochs=1, recipe="published-code")
    x, y = make_data()
    batches = [VAL[:8], VAL[8:]]
    errors = [((predict(network, x, some) - y[some]) ** 2).mean() for some in batches]
    rs = [
        np.mean(
            [np.corrcoef(predict(network, x, some)[:, gene], y[some, gene])[0, 1] for gene in range(GENES)]
        )
        for some in batches
    ]
    assert fitted.log[0]["val_mse"] == pytest.approx(np.mean(errors), rel=1e-5)
    assert fitted.log[0]["val_r"] == pytest.approx(np.mean(rs), rel=1e-5)


@pytest.mark.parametrize("recipe", ["paper", "strict"])
def test_the_network_kept_is_that_of_the_saved_epoch(tmp_path: Path, recipe: str) -> None:
    kept = make_network()
    fitted = run(tmp_path / "a", kept, epochs=60, lr=0.05, recipe=recipe)
    until = make_network()
    run(tmp_path / "b", until, epochs=fitted.kept_epoch + 1, lr=0.05, recipe=recipe)
    assert fitted.kept_epoch < fitted.epochs - 1
    np.testing.assert_array_equal(parameters(kept), parameters(until))


def test_the_published_code_keeps_the_last_epoch(tmp_path: Path) -> None:
    fitted = run(tmp_path, make_network(), epochs=50, lr=0.05, recipe="published-code")
    assert fitted.kept_epoch == fitted.epochs - 1


def test_without_validation_training_lasts_for_all_epochs(tmp_path: Path) -> None:
    fitted = run(tmp_path, make_network(), val=False, epochs=4)
    assert (fitted.epochs, fitted.kept_epoch, fitted.stop) == (4, 3, "4 epochs")


def test_strict_begins_at_the_training_mean_and_predicts_in_the_unit_of_the_expression(
    tmp_path: Path,
) -> None:
    network = make_network()
    with torch.no_grad():
        gene_layer(network).weight.zero_()
    run(tmp_path, network, epochs=1, lr=1e-12, recipe="strict")
    x, y = make_data()
    np.testing.assert_allclose(predict(network, x, VAL)[0], y[TRAIN].mean(axis=0), rtol=1e-5)


def test_strict_does_not_depend_on_the_unit_of_a_gene(tmp_path: Path) -> None:
    x, y = make_data()
    scale, shift = np.float32(4.0), np.float32(-3.0)
    one, other = make_network(), make_network()
    run(tmp_path / "a", one, epochs=3, recipe="strict")
    run(tmp_path / "b", other, epochs=3, recipe="strict", data=(x, scale * y + shift))
    np.testing.assert_allclose(scale * predict(one, x, VAL) + shift, predict(other, x, VAL), atol=2e-4)


def test_genes_that_are_known_keep_their_predictions_under_strict(tmp_path: Path) -> None:
    network = make_network()
    x, _ = make_data()
    before = predict(network.eval(), x, VAL)
    run(
        tmp_path, network, epochs=1, lr=1e-12, recipe="strict", known_genes=np.array([True] * 2 + [False] * 3)
    )
    after = predict(network, x, VAL)
    np.testing.assert_allclose(after[:, :2], before[:, :2], atol=1e-5)
    assert np.abs(after[:, 2:] - before[:, 2:]).min() > 0.1


class KilledError(Exception):
    """Stands for the end of the process."""


def killed_after(epochs: int) -> Callable[[Any], None]:
    """A hook that ends training when the row of an epoch is told."""

    def hook(row: Any) -> None:
        if row["epoch"] + 1 == epochs:
            raise KilledError

    return hook


@pytest.mark.parametrize("architecture", NETWORKS)
@pytest.mark.parametrize("recipe", ["paper", "strict", "published-code"])
@pytest.mark.parametrize("epochs", [1, 7, 24])
def test_training_resumed_after_any_epoch_gives_the_same_bytes(
    tmp_path: Path, architecture: str, recipe: str, epochs: int
) -> None:
    whole, resumed = make_network(architecture), make_network(architecture)
    options = {"epochs": 30, "lr": 0.03, "recipe": recipe, "every": 0.0}
    first = run(tmp_path / "a", whole, **options)
    with pytest.raises(KilledError):
        run(tmp_path / "b", make_network(architecture), on_epoch=killed_after(epochs), **options)
    second = run(tmp_path / "b", resumed, **options)
    assert second.resumed_at == (epochs - 1 or None)
    np.testing.assert_array_equal(parameters(whole), parameters(resumed))
    strip = [[{**row, "seconds": 0} for row in fitted.log] for fitted in (first, second)]
    assert strip[0] == strip[1]


def test_checkpoints_that_are_rare_give_the_same_bytes(tmp_path: Path) -> None:
    whole, resumed = make_network(), make_network()
    run(tmp_path / "a", whole, epochs=9)
    with pytest.raises(KilledError):
        run(tmp_path / "b", make_network(), epochs=9, every=1e9, on_epoch=killed_after(7))
    assert run(tmp_path / "b", resumed, epochs=9).resumed_at is None
    np.testing.assert_array_equal(parameters(whole), parameters(resumed))


def test_a_checkpoint_of_other_settings_is_not_used(tmp_path: Path) -> None:
    run(tmp_path, make_network(), epochs=2)
    assert run(tmp_path, make_network(), epochs=3, key="b").resumed_at is None
    assert run(tmp_path, make_network(), epochs=3, key="b").resumed_at == 3


def test_a_damaged_checkpoint_is_not_used(tmp_path: Path) -> None:
    run(tmp_path, make_network(), epochs=2)
    (tmp_path / "state.safetensors").write_bytes(b"\x07")
    assert run(tmp_path, make_network(), epochs=2).resumed_at is None


def test_a_damaged_network_in_a_checkpoint_begins_anew_and_says_so(tmp_path: Path) -> None:
    whole, again = make_network(), make_network()
    run(tmp_path / "a", whole, epochs=4)
    with pytest.raises(KilledError):
        run(tmp_path / "b", make_network(), epochs=4, every=0.0, on_epoch=killed_after(3))
    for network in (tmp_path / "b").glob("network_*.safetensors"):
        network.write_bytes(network.read_bytes()[:100])
    fitted = run(tmp_path / "b", again, epochs=4)
    assert fitted.resumed_at is None and fitted.note == "the checkpoint was damaged, so training began anew"
    np.testing.assert_array_equal(parameters(whole), parameters(again))


def test_another_number_of_threads_is_said(tmp_path: Path) -> None:
    run(tmp_path, make_network(), epochs=2)
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        note = run(tmp_path, make_network(), epochs=3).note
    finally:
        torch.set_num_threads(before)
    assert note == f"begun with {before} threads and resumed with {before + 1}: the last digits may differ"


def test_a_loss_that_is_not_finite_names_fold_and_epoch(tmp_path: Path) -> None:
    x, y = make_data()
    y[7, 2] = np.inf
    with pytest.raises(InputError, match=r"the loss is (inf|nan)") as refused:
        run(tmp_path, make_network(), data=(x, y), fold=2)
    assert refused.value.where == "fold 2, epoch 0"


def test_a_checkpoint_that_cannot_be_written_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="the checkpoint cannot be written") as refused:
        run(tmp_path / "file", make_network())
    assert str(tmp_path / "file") in refused.value.where


def test_frozen_parameters_stay_as_they_are(tmp_path: Path) -> None:
    network = make_network()
    positions = network.get_parameter("pos_emb1D").requires_grad_(False)
    before = positions.detach().clone()
    run(tmp_path, network)
    assert torch.equal(positions, before)


def test_the_seed_of_torch_is_left_alone(tmp_path: Path) -> None:
    network = make_network("tile_mlp")
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    run(tmp_path, network)
    assert torch.equal(torch.rand(3), expected)


def test_bfloat16_learns_nearly_the_same(tmp_path: Path) -> None:
    one, other = make_network(), make_network()
    run(tmp_path / "a", one)
    run(tmp_path / "b", other, precision="bfloat16")
    difference = np.abs(parameters(one) - parameters(other))
    assert 0 < difference.max() < 0.02


def test_options_of_one_run_do_not_leak_into_the_next() -> None:
    options = FitOptions(RECIPES["paper"])
    assert replace(options, epochs=3).epochs == 3 and options.epochs == 200
