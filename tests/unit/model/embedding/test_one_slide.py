"""From the tiles of a slide to a bag: batches, order, notes."""

from __future__ import annotations

import itertools
import threading

import numpy as np
import pytest

from sequoia_model.clusters import cluster_means
from sequoia_model.embedding import embed
from sequoia_model.embedding.one_slide import TileVectors
from sequoia_model.errors import InputError
from sequoia_model.slide import open_slide
from sequoia_model.tiles import TileBatch, TileOptions, tile_grid
from tests.build.runs import TinyEncoder
from tests.build.slides import write_slide


@pytest.fixture
def path(tmp_path):
    return write_slide(tmp_path / "S.tif")


def test_a_slide_becomes_a_bag(path):
    bag = embed(path, encoder=TinyEncoder(), options=TileOptions(seed=3))
    assert (bag.slide, bag.n_tiles, bag.mpp, bag.tile_size, bag.rule, bag.seed) == (
        "S",
        12,
        0.5,
        256,
        "paper",
        3,
    )
    assert bag.encoder.name == "tiny"
    np.testing.assert_array_equal(bag.cluster_features, cluster_means(bag.features, seed=3).means)


def test_each_vector_is_that_of_its_tile(path):
    encoder = TinyEncoder()
    bag = embed(path, encoder=encoder, options=TileOptions(max_tiles=5))
    with open_slide(path) as slide:
        tiles = [encoder.prepare(slide.read(x, y, 256)) for x, y in bag.coords.tolist()]
    np.testing.assert_array_equal(bag.features, encoder(np.stack(tiles)))


def test_the_tiles_of_a_grid_are_those_that_are_embedded(path):
    with open_slide(path) as slide:
        grid = tile_grid(slide, TileOptions(max_tiles=7, seed=2))
        bag = embed(slide, grid, encoder=TinyEncoder())
    np.testing.assert_array_equal(bag.coords, grid.coords)
    drawn = embed(path, encoder=TinyEncoder(), options=TileOptions(max_tiles=7, seed=2))
    np.testing.assert_array_equal(bag.features, drawn.features)


def test_batches_are_as_large_as_the_encoder_says_or_the_user(path):
    by_encoder, by_user = TinyEncoder(batch_size=8), TinyEncoder(batch_size=8)
    embed(path, encoder=by_encoder)
    embed(path, encoder=by_user, batch_size=5)
    assert [shape[0] for shape in by_encoder.batches] == [8, 4]
    assert [shape[0] for shape in by_user.batches] == [5, 5, 2]


def test_a_batch_of_no_tiles_is_refused(path):
    with pytest.raises(InputError, match="batch_size must be 1 or more, but is 0"):
        embed(path, encoder=TinyEncoder(), batch_size=0)


def batch(*corners):
    return TileBatch(np.array(corners), np.zeros((len(corners), 4, 4, 3), dtype=np.uint8))


def vectors_of(encoder, *corners, most=5, **more):
    vectors = TileVectors(encoder, most, **more)
    for corner in corners:
        vectors.add(batch(corner))
    return vectors.in_order()


def test_tiles_come_by_y_then_x_whatever_the_order_of_reading():
    coords, features = vectors_of(TinyEncoder(), (5, 9), (1, 9), (7, 2))
    assert coords.tolist() == [[7, 2], [1, 9], [5, 9]] and features.shape == (3, 12)


def test_rows_follow_their_tiles():
    counted = itertools.count(1)
    _, features = vectors_of(lambda _: np.full((1, 2), next(counted)), (5, 9), (1, 9), (7, 2), most=3)
    assert features[:, 0].tolist() == [3, 2, 1]


def test_tiles_that_were_embedded_before_are_among_the_others():
    before = np.array([[5, 9], [0, 0]]), np.full((2, 12), 7, dtype=np.float32)
    coords, features = vectors_of(TinyEncoder(), (1, 9), earlier=before)
    assert coords.tolist() == [[0, 0], [1, 9], [5, 9]] and features[:, 0].tolist() == [7, 0, 7]


def test_threads_that_read_are_stopped_by_an_error_of_the_encoder(path):
    encoder = TinyEncoder()
    encoder.__class__ = type("Failing", (TinyEncoder,), {"__call__": lambda *_: 1 // 0})
    with open_slide(path) as slide, pytest.raises(ZeroDivisionError) as caught:
        embed(slide, tile_grid(slide), encoder=encoder)
    assert [each for each in threading.enumerate() if each.name.startswith("tiles")] == [], caught


def test_tiles_are_counted_as_they_are_done():
    counted = []
    vectors_of(TinyEncoder(), (0, 0), (1, 0), done=lambda n, waited: counted.append((n, waited)))
    assert counted == [(1, 0.0), (1, 0.0)]


def test_no_tiles_are_an_error():
    with pytest.raises(InputError, match="no tiles"):
        vectors_of(TinyEncoder())


def test_a_bag_holds_the_geometry_of_its_tiles_and_the_candidates_tried(path):
    bag = embed(path, encoder=TinyEncoder(), options=TileOptions(max_tiles=5))
    assert (bag.geometry.side, bag.geometry.slide_size, bag.geometry.n_places) == (256, (2048, 1536), 48)
    assert bag.geometry.left_out == {"background": 36, "low contrast": 0, "not drawn": 7}
    assert sorted(bag.tried.tolist()) == sorted(bag.coords.tolist())
