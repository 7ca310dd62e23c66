"""Mean and spread over networks, and which are run."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from sequoia_model.nets.ensemble import on_device
from sequoia_model.prediction import ensemble


class Constant(nn.Module):
    """Predicts the mean of a slide plus a number, for three genes."""

    def __init__(self, number: float) -> None:
        super().__init__()
        self.number = nn.Parameter(torch.tensor(number))

    def forward(self, x):
        assert len(x), "run without a slide"
        return x.mean(dim=(1, 2))[:, None].repeat(1, 3) + self.number


def make_x(slides: int = 4) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(slides, 100, 8)).astype(np.float32)


def test_mean_and_population_deviation_over_all_networks():
    x, numbers = make_x(), [1.0, 2.0, 6.0]
    mean, spread = ensemble(x, [Constant(number) for number in numbers])
    expected = x.mean(axis=(1, 2))[:, None] + np.mean(numbers)
    np.testing.assert_allclose(mean, np.repeat(expected, 3, axis=1), rtol=1e-6)
    np.testing.assert_allclose(spread, np.full((4, 3), np.std(numbers, ddof=0)), rtol=1e-6)
    assert mean.dtype == spread.dtype == np.float32


def test_one_network_has_no_spread():
    _, spread = ensemble(make_x(), [Constant(0.3)])
    assert (spread == 0).all()


def test_equal_networks_have_no_spread():
    _, spread = ensemble(make_x(200), [Constant(0.1)] * 3)
    assert (spread == 0).all()


def test_large_values_do_not_swamp_the_spread():
    _, spread = ensemble(make_x() * 0, [Constant(4096.0), Constant(4096.25)])
    np.testing.assert_array_equal(spread, 0.125)


def test_each_slide_has_the_networks_that_are_chosen_for_it():
    x = make_x()
    used = np.array([[1, 0, 0], [0, 1, 1], [1, 1, 1], [0, 0, 1]], dtype=bool)
    mean, spread = ensemble(x, [Constant(number) for number in (1.0, 2.0, 6.0)], used=used)
    np.testing.assert_allclose(mean[:, 0] - x.mean(axis=(1, 2)), [1, 4, 3, 6], rtol=1e-5)
    np.testing.assert_allclose(spread[:, 0], [0, 2, np.std([1, 2, 6]), 0], rtol=1e-5)


def test_a_network_that_no_slide_needs_is_not_run():
    used = np.array([[True, False]] * 4)
    mean, _ = ensemble(make_x(), [Constant(1.0), nn.Identity()], used=used)
    assert mean.shape == (4, 3)


def test_a_slide_does_not_see_its_neighbours():
    x, networks = make_x(), [Constant(1.0), Constant(3.0)]
    together, _ = ensemble(x, networks)
    alone, _ = ensemble(x[2:3], networks)
    np.testing.assert_allclose(together[2:3], alone, rtol=1e-6)


def test_networks_are_run_without_gradients():
    class Spy(Constant):
        def forward(self, x):
            assert torch.is_inference_mode_enabled()
            return super().forward(x)

    assert ensemble(make_x(), [Spy(0.0)])[0].shape == (4, 3)


def test_networks_of_the_caller_stay_where_they_are():
    network = Constant(1.0)
    [moved] = on_device([network], torch.device("meta"))
    assert (moved.number.device.type, network.number.device.type) == ("meta", "cpu")
    assert on_device([network], torch.device("cpu"))[0] is network
