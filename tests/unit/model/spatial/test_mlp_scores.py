"""Maps of a `TileMLP`."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sequoia_model.spatial.mlp_scores import tile_scores, window_scores
from sequoia_model.spatial.windows import windows_of
from tests.build.windows import GENES, make_mlp, make_tissue, tile_values, tissues, windows_by_hand


@settings(deadline=None)
@given(tissues(), st.integers(1, 4), st.integers(1, 3), st.lists(st.integers(1, 20), min_size=1, unique=True))
def test_a_window_has_the_prediction_of_the_network_on_its_tiles(places, size, stride, ks):
    network, features = make_mlp(ks), tile_values(len(places))
    inside = windows_by_hand(places, size, stride)

    got = window_scores(
        network,
        tile_scores(network, features, range(GENES)),
        windows_of(places, size=size, stride=stride),
    )

    wanted = [
        network(torch.from_numpy(features[list(w.values())])[None])[0].tolist() for w in inside.values()
    ]
    np.testing.assert_allclose(got, np.reshape(wanted, (-1, GENES)), rtol=1e-12, atol=1e-12)


def test_padding_is_never_among_the_best_even_if_all_scores_are_below_0():
    network, places = make_mlp(ks=(3,)), make_tissue()
    scores = np.full((len(places), 1), -5.0)

    got = window_scores(network, scores, windows_of(places, size=3))

    np.testing.assert_array_equal(got, -5.0)


def test_chosen_genes_have_the_columns_of_all():
    network, features = make_mlp(), tile_values(20)

    some = tile_scores(network, features, [4, 1])

    np.testing.assert_allclose(some, tile_scores(network, features, range(GENES))[:, [4, 1]], rtol=1e-12)


def test_tile_scores_are_those_of_the_network():
    network, features = make_mlp(), tile_values(5000)
    wanted = network.scores(torch.from_numpy(features)[None])[0].detach().numpy()

    np.testing.assert_allclose(tile_scores(network, features, range(GENES)), wanted, rtol=1e-12)


@pytest.mark.parametrize("rows", [slice(2, 5), np.array([3, 0])])
def test_blocks_of_windows_are_rows_of_all(rows):
    network, places = make_mlp(), make_tissue()
    windows, scores = windows_of(places, size=3), tile_scores(network, tile_values(len(places)), [0, 2])

    np.testing.assert_array_equal(
        window_scores(network, scores, windows, rows), window_scores(network, scores, windows)[rows]
    )
