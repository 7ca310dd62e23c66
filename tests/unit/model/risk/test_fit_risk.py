"""One network learns risk: against a plain loop, resumed after any epoch, with several slides, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from sequoia_model.errors import InputError
from sequoia_model.nets import SummaryTransformer, TileMLP, TileTransformer
from sequoia_model.nets.slide_network import SlideNetwork
from sequoia_model.risk.concordance import concordance
from sequoia_model.risk.fit import RiskPart, fit_risk, predict_risk, random_batches
from sequoia_model.risk.options import RiskOptions
from sequoia_model.risk.partial_likelihood import cox_loss
from sequoia_model.training.checkpoints import Checkpoints
from sequoia_model.training.epochs import Fitted

CLUSTERS, DIM = 6, 8
CPU = torch.device("cpu")

NETWORKS: dict[str, Callable[[], SlideNetwork]] = {
    "summary_transformer": lambda: SummaryTransformer(
        input_dim=DIM, num_outputs=1, num_clusters=CLUSTERS, depth=1, nheads=2, dimensions_f=4, dimensions_s=4,
        dimensions_c=4,
    ),
    "tile_transformer": lambda: TileTransformer(
        num_outputs=1, dim=DIM, depth=1, heads=2, mlp_dim=16, dim_head=4, num_clusters=CLUSTERS
    ),
    "tile_mlp": lambda: TileMLP(input_dim=DIM, num_outputs=1, layers=(8,), ks=(1, 2, 6), num_clusters=CLUSTERS),
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


def make_part(n: int = 50, *, slides: int = 1, seed: int = 0, fusion: str = "late") -> RiskPart:
    """Patients whose hazard depends on their mean features, each with up to this many slides."""
    drawn = np.random.default_rng(seed)
    count = drawn.integers(1, slides + 1, n)
    owner = np.repeat(np.arange(n), count)
    hidden = drawn.normal(size=(n, DIM))
    x = hidden[owner][:, None] + drawn.normal(size=(len(owner), CLUSTERS, DIM))
    time = drawn.exponential(np.exp(-hidden[:, 0])).round(1) + 0.1
    rows = tuple(np.flatnonzero(owner == patient) for patient in range(n))
    return RiskPart(x.astype(np.float32), rows, time, drawn.random(n) < 0.7, fusion)


def some_of(part: RiskPart, start: int, end: int) -> RiskPart:
    """Patients in these places."""
    return replace(
        part, slides=part.slides[start:end], time=part.time[start:end], event=part.event[start:end]
    )


def run(
    folder: Path, network: SlideNetwork, part: RiskPart | None = None, *, val: bool = True, **asked: Any
) -> Fitted:
    """Train on the first 40 patients, and validate on the others."""
    part = make_part() if part is None else part
    about = {name: asked.pop(name) for name in ("fold", "repeat", "test", "on_epoch") if name in asked}
    checkpoints = Checkpoints(folder, "a", every=asked.pop("every", 20.0))
    options = RiskOptions(**{"batch_size": 8, "epochs": 3} | asked)
    return fit_risk(
        network, some_of(part, 0, 40), some_of(part, 40, 50) if val else None, options, checkpoints=checkpoints,
        device=CPU, **about,
    )  # fmt: skip


def parameters(network: nn.Module) -> np.ndarray:
    """All parameters in one vector."""
    return torch.cat([p.detach().flatten() for p in network.parameters()]).numpy()


def plain_loop(network: SlideNetwork, seeds: tuple[int, ...], ties: str) -> list[float]:
    """Three epochs on the first 40 patients, written down as plainly as possible."""
    part = make_part()
    x, optimizer = torch.from_numpy(part.inputs), torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)
    losses = []
    for epoch in range(3):
        entropy = np.random.SeedSequence([*seeds, epoch])
        torch.manual_seed(int(entropy.generate_state(1, np.uint64)[0]))
        order = np.random.default_rng(entropy).permutation(40)
        network.train()
        total = 0.0
        for start in range(0, 40, 8):
            some = order[start : start + 8]
            loss = cox_loss(network(x[some]), part.time[some], part.event[some], ties=ties)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * part.event[some].sum()
        losses.append(total / part.event[:40].sum())
    return losses


@pytest.mark.parametrize("architecture", NETWORKS)
@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_three_epochs_equal_a_plain_loop(tmp_path: Path, architecture: str, ties: str) -> None:
    ours, theirs = make_network(architecture), make_network(architecture)
    fitted = run(tmp_path, ours, recipe="paper", ties=ties, seed=5, repeat=2, fold=3)
    losses = plain_loop(theirs, (5, 2, 3), ties)
    np.testing.assert_allclose([row["train_loss"] for row in fitted.log], losses, rtol=1e-12)
    np.testing.assert_array_equal(parameters(ours), parameters(theirs))


@pytest.mark.parametrize("other", [{"seed": 1}, {"repeat": 1}, {"fold": 1}])
def test_seed_repeat_and_fold_each_give_another_order(tmp_path: Path, other: dict[str, int]) -> None:
    one, two = run(tmp_path / "a", make_network()), run(tmp_path / "b", make_network(), **other)
    assert one.log[0]["train_loss"] != two.log[0]["train_loss"]


def test_validation_is_loss_and_c_of_the_whole_part(tmp_path: Path) -> None:
    network, part = make_network(), some_of(make_part(), 40, 50)
    row = run(tmp_path, network, epochs=1).log[0]
    risk = predict_risk(network, part)
    assert row["val_loss"] == float(cox_loss(torch.from_numpy(risk), part.time, part.event))
    assert row["val_c"] == concordance(part.time, part.event, risk)


def test_parts_are_looked_at_in_float32_though_training_is_in_bfloat16(tmp_path: Path) -> None:
    network, part = make_network(), make_part()
    val = some_of(part, 40, 50)
    row = run(tmp_path, network, epochs=1, precision="bfloat16", test=val).log[0]
    risk = predict_risk(network, val)
    assert row["val_loss"] == float(cox_loss(torch.from_numpy(risk), val.time, val.event))
    assert row["val_c"] == row["test_c"] == concordance(val.time, val.event, risk)


def test_strict_keeps_the_epoch_with_the_best_validation_loss(tmp_path: Path) -> None:
    kept, until = make_network(), make_network()
    fitted = run(tmp_path / "a", kept, epochs=50, lr=0.03)
    run(tmp_path / "b", until, epochs=fitted.kept_epoch + 1, lr=0.03, recipe="paper")
    assert fitted.kept_epoch == int(np.argmin([row["val_loss"] for row in fitted.log]))
    assert fitted.stop == "no better validation loss for 10 epochs"
    assert fitted.epochs == fitted.kept_epoch + 11
    np.testing.assert_array_equal(parameters(kept), parameters(until))


def test_the_paper_takes_the_last_epoch(tmp_path: Path) -> None:
    fitted = run(tmp_path, make_network(), epochs=20, lr=0.03, recipe="paper")
    assert (fitted.epochs, fitted.kept_epoch, fitted.stop) == (20, 19, "20 epochs")


def test_without_validation_training_lasts_for_all_epochs(tmp_path: Path) -> None:
    fitted = run(tmp_path, make_network(), val=False, epochs=4)
    assert (fitted.epochs, fitted.kept_epoch, fitted.stop) == (4, 3, "4 epochs")
    assert np.isnan(fitted.log[0]["val_loss"]) and not fitted.log[0]["saved"]


def test_patients_who_are_watched_decide_nothing(tmp_path: Path) -> None:
    alone, watched, test = make_network(), make_network(), make_part(seed=7)
    one = run(tmp_path / "a", alone, epochs=5)
    two = run(tmp_path / "b", watched, epochs=5, test=test)
    np.testing.assert_array_equal(parameters(alone), parameters(watched))
    assert np.isnan(one.log[0]["test_c"])
    at_kept = two.log[two.kept_epoch]["test_c"]
    assert at_kept == concordance(test.time, test.event, predict_risk(watched, test))


class KilledError(Exception):
    """Stands for the end of the process."""


def killed_after(epochs: int) -> Callable[[Any], None]:
    """A hook that ends training when the row of an epoch is told."""

    def hook(row: Any) -> None:
        if row["epoch"] + 1 == epochs:
            raise KilledError

    return hook


@pytest.mark.parametrize(
    ("architecture", "recipe", "epochs"),
    [
        ("summary_transformer", "strict", 1),
        ("summary_transformer", "paper", 9),
        ("tile_transformer", "strict", 4),
        ("tile_mlp", "strict", 9),
    ],
)
def test_training_resumed_after_any_epoch_gives_the_same_bytes(
    tmp_path: Path, architecture: str, recipe: str, epochs: int
) -> None:
    whole, resumed = make_network(architecture), make_network(architecture)
    asked = {"epochs": 11, "lr": 0.03, "recipe": recipe, "every": 0.0, "stratified": True}
    first = run(tmp_path / "a", whole, **asked)
    with pytest.raises(KilledError):
        run(tmp_path / "b", make_network(architecture), on_epoch=killed_after(epochs), **asked)
    second = run(tmp_path / "b", resumed, **asked)
    assert second.resumed_at == (epochs - 1 or None)
    np.testing.assert_array_equal(parameters(whole), parameters(resumed))
    strip = [[{**row, "seconds": 0} for row in fitted.log] for fitted in (first, second)]
    np.testing.assert_equal(*strip)


def test_late_fusion_is_the_mean_of_the_risks_of_the_slides() -> None:
    network, part = make_network().eval(), make_part(slides=3)
    with torch.inference_mode():
        by_slide = network(torch.from_numpy(part.inputs)).numpy()[:, 0]
    want = [by_slide[rows].mean() for rows in part.slides]
    np.testing.assert_allclose(predict_risk(network, part), want, rtol=1e-5)


def test_early_fusion_is_the_risk_of_the_mean_of_the_slides() -> None:
    network, part = make_network().eval(), make_part(slides=3, fusion="early")
    means = np.stack([part.inputs[rows].mean(axis=0) for rows in part.slides])
    with torch.inference_mode():
        want = network(torch.from_numpy(means)).numpy()[:, 0]
    np.testing.assert_allclose(predict_risk(network, part), want, rtol=1e-5)


@pytest.mark.parametrize("fusion", ["early", "late"])
def test_a_slide_that_is_there_twice_changes_nothing(fusion: str) -> None:
    network, part = make_network().eval(), make_part(fusion=fusion)
    twice = replace(part, slides=tuple(np.repeat(rows, 2) for rows in part.slides))
    np.testing.assert_allclose(predict_risk(network, twice), predict_risk(network, part), rtol=1e-5)


@pytest.mark.parametrize("fusion", ["early", "late"])
def test_the_gradient_reaches_all_slides(tmp_path: Path, fusion: str) -> None:
    network, start = make_network(), make_network()
    run(tmp_path, network, make_part(slides=3, fusion=fusion))
    moved = [not torch.equal(*pair) for pair in zip(network.parameters(), start.parameters(), strict=True)]
    assert all(moved)


@given(st.integers(1, 200), st.integers(2, 70), st.floats(0, 1), st.integers(0, 5), st.booleans())
def test_every_patient_comes_exactly_once(
    n: int, size: int, share: float, seed: int, stratified: bool
) -> None:
    drawn = np.random.default_rng(seed)
    batches = list(random_batches(drawn.random(n) < share, size, drawn, stratified=stratified))
    assert sorted(np.concatenate(batches).tolist()) == list(range(n))
    assert {len(batch) for batch in batches[:-1]} <= {size}


@given(st.integers(1, 200), st.integers(2, 70), st.floats(0, 1), st.integers(0, 5))
def test_stratified_batches_have_their_share_of_events(n: int, size: int, share: float, seed: int) -> None:
    drawn = np.random.default_rng(seed)
    event = drawn.random(n) < share
    off = [
        abs(event[batch].sum() - len(batch) * event.mean())
        for batch in random_batches(event, size, drawn, stratified=True)
    ]
    assert max(off) < 1


def test_stratified_batches_mix_patients_anew() -> None:
    event, drawn = np.arange(60) < 20, np.random.default_rng(0)
    one, other = (next(random_batches(event, 15, drawn, stratified=True)) for _ in range(2))
    assert set(one) != set(other)
    assert set(one[event[one]]) != set(other[event[other]])


def one_step(some: np.ndarray, part: RiskPart) -> np.ndarray:
    """The parameters after one step on these patients alone."""
    network = make_network().train()
    optimizer = torch.optim.Adam(network.parameters(), lr=0.1, fused=True)
    cox_loss(network(torch.from_numpy(part.inputs[some])), part.time[some], part.event[some]).backward()
    optimizer.step()
    return parameters(network)


@pytest.mark.parametrize(("size", "events"), [(8, [9]), (39, [0, 39])])
def test_batches_without_events_or_of_one_patient_give_no_step(
    tmp_path: Path, size: int, events: list[int]
) -> None:
    order = np.random.default_rng(np.random.SeedSequence([0, 0, 0, 0])).permutation(40)
    part = replace(make_part(), event=np.isin(np.arange(50), order[events]))
    network = make_network()
    run(tmp_path, network, part, val=False, epochs=1, batch_size=size, lr=0.1)
    stepped = order[:39] if size == 39 else order[8:16]
    np.testing.assert_array_equal(parameters(network), one_step(stepped, part))


def test_a_part_without_events_is_refused(tmp_path: Path) -> None:
    part = make_part()
    for name, where in (("train", slice(0, 40)), ("val", slice(40, 50))):
        event = part.event.copy()
        event[where] = False
        with pytest.raises(InputError, match=f"no patient of the {name} part has an event") as refused:
            run(tmp_path, make_network(), replace(part, event=event), fold=2)
        assert refused.value.where == f"fold 2: {40 if name == 'train' else 10} patients"


def test_a_loss_that_is_not_finite_names_repeat_fold_and_epoch(tmp_path: Path) -> None:
    part = make_part()
    part.inputs[7] = np.inf
    with pytest.raises(InputError, match="the loss is nan") as refused:
        run(tmp_path, make_network(), part, fold=2, repeat=1)
    assert refused.value.where == "repeat 1, fold 2, epoch 0"


def test_a_network_finds_a_hazard_that_depends_on_the_features(tmp_path: Path) -> None:
    network, part, new = make_network("tile_mlp"), make_part(300), make_part(300, seed=0)
    train, val = some_of(part, 0, 150), some_of(part, 150, 200)
    fit_risk(
        network,
        train,
        val,
        RiskOptions(batch_size=32, lr=0.01),
        checkpoints=Checkpoints(tmp_path, ""),
        device=CPU,
    )
    test = some_of(new, 200, 300)
    assert concordance(test.time, test.event, predict_risk(network, test)) > 0.65


def test_log_hazards_are_float64_sums_of_a_float32_network() -> None:
    network, part = make_network().eval(), make_part(slides=3)
    some = np.array([4, 2])
    told = part.log_hazards(some, CPU, network)
    assert told.dtype == torch.float64 and told.shape == (2,)
    np.testing.assert_allclose(told.detach().numpy(), predict_risk(network, part)[some], rtol=1e-6)
