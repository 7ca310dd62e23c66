"""From the tiles of a slide to a bag: batches, order, what is said of it."""

from __future__ import annotations

import numpy as np
import pytest

from sequoia_model.clusters import cluster_means
from sequoia_model.embedding import embed
from sequoia_model.embedding.batching import embed_batches
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
    with pytest.raises(InputError, match="batches of 0 tiles"):
        embed(path, encoder=TinyEncoder(), batch_size=0)


def batches(closed, *corners):
    try:
        for corner in corners:
            yield TileBatch(np.array([corner]), np.zeros((1, 4, 4, 3), dtype=np.uint8))
    finally:
        closed.append(True)


def test_tiles_come_by_y_then_x_whatever_the_order_of_reading():
    made = embed_batches(batches([], (5, 9), (1, 9), (7, 2)), TinyEncoder(), most=5)
    assert made.coords.tolist() == [[7, 2], [1, 9], [5, 9]] and made.features.shape == (3, 12)


def test_rows_follow_their_tiles():
    encoder = TinyEncoder()
    encoder.__class__ = type("Counting", (TinyEncoder,), {"__call__": count})
    made = embed_batches(batches([], (5, 9), (1, 9), (7, 2)), encoder, most=3)
    assert made.features[:, 0].tolist() == [3, 2, 1]


def count(self, batch):
    self.batches.append(batch.shape)
    return np.full((1, 2), len(self.batches), dtype=np.float32)


def test_threads_that_read_are_stopped_by_an_error_of_the_encoder():
    closed = []
    with pytest.raises(ZeroDivisionError):
        embed_batches(batches(closed, (0, 0), (1, 0)), lambda batch: 1 // 0, most=2)
    assert closed == [True]


def test_tiles_are_counted_as_they_are_done(path):
    counted = []
    embed_batches(batches([], (0, 0), (1, 0)), TinyEncoder(), 2, counted.append)
    assert counted == [1, 1]


def test_no_tiles_are_an_error():
    with pytest.raises(InputError, match="no tiles"):
        embed_batches(batches([]), TinyEncoder(), most=0)
