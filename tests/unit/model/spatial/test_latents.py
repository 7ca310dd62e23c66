"""Latent vectors of windows, and the map that they make."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sequoia_model.spatial.holes import HOLES
from sequoia_model.spatial.latents import window_latents
from sequoia_model.spatial.window_means import tile_means
from sequoia_model.spatial.windows import ORIGINS, windows_of
from tests.build.windows import (
    DIM,
    GENES,
    make_tissue,
    make_transformer,
    map_by_hand,
    tile_values,
    tissues,
    windows_by_hand,
)

TRANSFORMERS = ("summary_transformer", "tile_transformer")


def map_of(network, features, windows, **options):
    """Genes of tiles: the head on the mean latents."""
    latents = window_latents(network, features, windows, **options)
    means, _ = tile_means(latents, windows, len(features))
    weight, bias = (part.detach().numpy() for part in network.linear_head[1].parameters())
    return means @ weight.T + bias


def dense(by_tile, n):
    """NaN for a tile without a value."""
    values = np.full((n, GENES), np.nan)
    for tile, genes in by_tile.items():
        values[tile] = genes
    return values


@settings(deadline=None)
@given(
    tissues(13), st.integers(3, 10), st.integers(1, 10), st.sampled_from(ORIGINS),
    st.sampled_from(TRANSFORMERS), st.sampled_from(tuple(HOLES)), st.booleans(),
)  # fmt: skip
def test_the_map_is_that_of_dictionaries_over_gene_predictions(
    places, size, stride, origins, architecture, rule, pca
):
    network = make_transformer(architecture, size, pca)
    features = tile_values(len(places), network.input_dim)
    windows = windows_of(places, size=size, stride=stride, origins=origins)
    wanted = map_by_hand(network, features, windows_by_hand(places, size, stride, origins), rule)

    got = map_of(network, features, windows, holes=rule)

    np.testing.assert_allclose(got, dense(wanted, len(places)), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("architecture", TRANSFORMERS)
@pytest.mark.parametrize("rule", HOLES)
@pytest.mark.parametrize("pca", [False, True])
def test_the_map_in_float32_is_that_of_dictionaries_to_its_rounding(architecture, rule, pca):
    network = make_transformer(architecture, 10, pca).float()
    places = make_tissue(11, 12, holes=30)
    features = tile_values(len(places), network.input_dim)
    wanted = map_by_hand(network, features, windows_by_hand(places, 10), rule)

    got = map_of(network, features, windows_of(places), holes=rule)

    assert got.dtype == np.float32
    np.testing.assert_allclose(got, dense(wanted, len(places)), rtol=1e-5, atol=1e-5)


def test_the_network_gets_batches_of_windows_of_100_tokens():
    network, places = make_transformer(size=10), make_tissue(12, 12, holes=9)
    shapes, windows = [], windows_of(places)
    taken = network.latent_of_tokens
    network.latent_of_tokens = lambda x: shapes.append(tuple(x.shape)) or taken(x)

    window_latents(network, tile_values(len(places)), windows, slice(0, 7), batch_size=4)

    assert shapes == [(4, 100, DIM), (3, 100, DIM)]


def test_the_tokens_of_a_window_are_its_tiles_in_reading_order():
    network, places = make_transformer(), np.argwhere(np.ones((3, 3)))
    features, seen = tile_values(9), []
    taken = network.latent_of_tokens
    network.latent_of_tokens = lambda x: seen.append(x.clone()) or taken(x)

    window_latents(network, features, windows_of(places, size=3, stride=3))

    np.testing.assert_array_equal(seen[0][0].numpy(), features)


@pytest.mark.parametrize("architecture", TRANSFORMERS)
@pytest.mark.parametrize("stride", [1, 2])
def test_a_tile_depends_on_all_tiles_of_its_windows_and_on_no_other(architecture, stride):
    network, places = make_transformer(architecture), make_tissue()
    windows, features = windows_of(places, size=3, stride=stride), tile_values(len(places))
    before = map_of(network, features, windows)
    shares = (windows.tiles[:, :, None] == np.arange(len(places))).any(axis=1)
    together = shares.T.astype(int) @ shares > 0

    changed = np.array(
        [
            (map_of(network, moved(features, tile), windows) != before).any(axis=1)
            & ~np.isnan(before).any(axis=1)
            for tile in range(len(places))
        ]
    )

    np.testing.assert_array_equal(changed, together)


def moved(features, tile):
    """The features of one tile are others."""
    copy = features.copy()
    copy[tile, 0] += 1  # not all: LayerNorm takes away a constant
    return copy


def test_blocks_of_windows_are_rows_of_all():
    network, places = make_transformer(), make_tissue()
    windows, features = windows_of(places, size=3), torch.from_numpy(tile_values(len(places)))
    rows = np.array([5, 0, 17])

    np.testing.assert_allclose(
        window_latents(network, features, windows, rows),
        window_latents(network, features, windows)[rows],
        rtol=1e-12,
    )


def test_bfloat16_is_near_to_float32():
    network, places = make_transformer().float(), make_tissue()
    windows, features = windows_of(places, size=3), tile_values(len(places))

    got = window_latents(network, features, windows, precision="bfloat16")

    assert got.dtype == np.float32
    wanted = window_latents(network, features, windows)
    np.testing.assert_allclose(got, wanted, atol=0.1)
    assert np.abs(got - wanted).max() > 1e-5


def test_no_windows_have_no_latents_and_no_tile_a_value():
    network, places = make_transformer(), np.array([[0, 0]])
    windows = windows_of(places, size=3)

    assert window_latents(network, tile_values(1), windows).shape == (0, DIM)
    assert np.isnan(map_of(network, tile_values(1), windows)).all()


@pytest.mark.parametrize("architecture", TRANSFORMERS)
def test_the_head_on_the_latent_is_the_prediction(architecture):
    network = make_transformer(architecture)
    x = torch.from_numpy(tile_values(18).reshape(2, 9, DIM))

    assert torch.equal(network.linear_head[1](network.latent(x)), network(x))
