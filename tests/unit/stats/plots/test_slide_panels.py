import numpy as np
import pytest

from sequoia_stats.plots import TiledSlide, tiled_slide


def make_slide(tiles=3, size=(2.0, 1.0)):
    rng = np.random.default_rng(0)
    thumbnail = rng.integers(0, 255, (50, 100, 3), dtype=np.uint8)
    corners = np.array([[0.128, 0.256], [0.512, 0.256], [0.64, 0.384]])
    shown = rng.integers(0, 255, (tiles, 16, 16, 3), dtype=np.uint8)
    return TiledSlide(thumbnail, thumbnail[:25, ::2, 0] > 99, size, corners, 0.128, shown)


def panels(figure):
    return {axes.get_label(): axes for axes in figure.axes}


def test_each_tile_is_a_square_where_it_lies():
    slide = make_slide()
    (squares,) = panels(tiled_slide(slide))["chosen"].collections
    drawn = np.array([path.vertices[:4] for path in squares.get_paths()])
    np.testing.assert_allclose(drawn[:, 0], slide.corners)
    np.testing.assert_allclose(drawn[:, 2], slide.corners + slide.side)


def test_tissue_is_dark_in_the_mask():
    slide = make_slide()
    (image,) = panels(tiled_slide(slide))["mask"].images
    np.testing.assert_array_equal(image.get_array(), ~slide.mask)
    assert image.get_cmap()(0.0)[:3] == (0, 0, 0)


@pytest.mark.parametrize("name", ["slide", "mask", "chosen"])
def test_panels_cover_the_whole_slide_with_y_downwards(name):
    axes = panels(tiled_slide(make_slide()))[name]
    assert list(axes.images[0].get_extent()) == [0, 2, 1, 0]
    assert axes.get_ylim() == (1, 0) and axes.get_xlim() == (0, 2)


def test_tiles_are_shown_as_they_are():
    slide = make_slide()
    shown = [axes for axes in tiled_slide(slide).axes if axes.get_label() == "tile"]
    assert len(shown) == 3
    np.testing.assert_array_equal(shown[1].images[0].get_array(), slide.tiles[1])


def test_numbers_and_sizes_are_reported():
    texts = [text.get_text() for text in tiled_slide(make_slide(), title="A slide").texts]
    assert texts == ["A slide", "2.0 × 1.0 mm", "Tissue mask", "3 tiles of 128 µm", "3 of the tiles"]


def test_the_scale_bar_has_the_length_that_it_says():
    axes = panels(tiled_slide(make_slide()))["slide"]
    (bar,) = axes.lines
    assert np.ptp(bar.get_xdata()) == pytest.approx(0.5) and axes.texts[0].get_text() == "500 µm"


def test_a_slide_without_tiles_to_show_has_no_row_of_them():
    with_tiles, without = tiled_slide(make_slide()), tiled_slide(make_slide(tiles=0))
    assert without.get_size_inches()[1] < with_tiles.get_size_inches()[1]
