"""Which tiles of a slide are chosen: exactly the expected ones, on slides with known tissue."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequoia_model.errors import InputError
from sequoia_model.slide import Slide, open_slide
from sequoia_model.tiles import TILE_RULES, TileBatch, TileOptions, find_candidates, read_tiles, tile_grid
from sequoia_model.types.grid import TileGrid
from tests.build.slides import TILE, make_picture, write_image, write_slide

BOX = (256, 128, 768, 512)  # columns 2 to 5 and rows 1 to 3 of 8 × 6 places
INSIDE = list(itertools.product(range(2, 6), range(1, 4)))

#: A tile with 90% tissue, except its corner, and one with a third, including its corner (columns, rows).
MOSTLY, CORNER = (2, 1), (5, 3)
SHIFTED = [
    (2 * TILE + 12, 1 * TILE, 3 * TILE, 2 * TILE),
    (5 * TILE - 70, 3 * TILE - 70, 5 * TILE + 80, 3 * TILE + 70),
]


def grid_of(path: Path, picture: np.ndarray | None = None, *, choice: dict | None = None, **made) -> TileGrid:
    with open_slide(write_slide(path / "a.tif", picture, **made)) as slide:
        return tile_grid(slide, TileOptions(jobs=2, **(choice or {})))


def places(grid: TileGrid) -> set[tuple[int, int]]:
    """Column and row of each tile."""
    return {(x // grid.side, y // grid.side) for x, y in grid.coords.tolist()}


@pytest.fixture(scope="module")
def large(tmp_path_factory) -> Iterator[Slide]:
    """200 places, 144 of them tissue."""
    path = tmp_path_factory.mktemp("slides") / "large.tif"
    write_slide(path, size=(20 * TILE, 10 * TILE), tissue=[(TILE, TILE, 19 * TILE, 9 * TILE)], mpp=1.0)
    with open_slide(path) as slide:
        yield slide


@pytest.mark.parametrize("levels", [(1,), (1, 4), (1, 2, 8)], ids=["one level", "two", "three"])
@pytest.mark.parametrize(("mpp", "side"), [(0.5, 256), (0.25, 512)])
def test_the_tiles_are_exactly_those_of_the_tissue(tmp_path, mpp, side, levels):
    grid = grid_of(tmp_path, mpp=mpp, levels=levels, tissue=[BOX])
    assert grid.coords.tolist() == sorted(([x * side, y * side] for x, y in INSIDE), key=lambda xy: xy[::-1])
    assert (grid.side, grid.n_places, grid.left_out["background"]) == (side, 48, 36)


@pytest.mark.parametrize("levels", [(1, 4), (1, 8), (1, 2, 16)])
def test_the_published_rule_keeps_tiles_whose_corner_is_tissue(tmp_path, levels):
    box = (250, 122, 768, 512)
    assert places(grid_of(tmp_path, levels=levels, tissue=[box], choice={"rule": "published-code"})) == set(
        INSIDE
    )


@pytest.mark.parametrize("mpp", [0.5, 0.25, 1.0])
def test_the_rules_differ_in_the_share_and_in_the_corner(tmp_path, mpp):
    with open_slide(write_slide(tmp_path / "a.tif", mpp=mpp, tissue=SHIFTED)) as slide:
        paper, published = (places(tile_grid(slide, TileOptions(rule=rule))) for rule in TILE_RULES)
    assert MOSTLY in paper and MOSTLY not in published
    assert CORNER in published and CORNER not in paper


@pytest.mark.parametrize(("missing", "kept"), [(16, True), (32, False)])
def test_the_paper_wants_four_fifths_of_a_tile(tmp_path, missing, kept):
    grid = grid_of(tmp_path, tissue=[(256 + missing, 128, 768, 512)])
    assert ((2, 2) in places(grid)) == kept


def test_tissue_at_the_border_fills_whole_tiles_only(tmp_path):
    grid = grid_of(tmp_path, size=(1000, 700), tissue=[(512, 384, 1000, 700)])
    assert places(grid) == set(itertools.product(range(4, 7), range(3, 5)))
    assert grid.n_places == 7 * 5


def test_both_of_two_sections_are_found(tmp_path):
    grid = grid_of(tmp_path, size=(1280, 768), tissue=[(128, 128, 512, 640), (768, 256, 1152, 512)])
    assert places(grid) == {
        *itertools.product(range(1, 4), range(1, 5)),
        *itertools.product(range(6, 9), range(2, 4)),
    }


def test_a_tile_without_contrast_is_left_out(tmp_path):
    picture = make_picture(tissue=[BOX])
    picture[256:512, 512:768] = (214, 130, 180)
    grid = grid_of(tmp_path, picture)
    assert places(grid) == set(INSIDE) - {(2, 1)}
    assert grid.left_out == {"background": 36, "low contrast": 1, "not drawn": 0}


def test_a_tile_with_little_tissue_of_its_own_is_left_out(tmp_path):
    picture = make_picture(tissue=[BOX])
    picture[512 + 30 : 768, 768:1024] = picture[512:768, 768 + 30 : 1024] = (243, 242, 244)
    picture[512 : 512 + 60, 768 : 768 + 60] = make_picture(tissue=[BOX])[512 : 512 + 60, 768 : 768 + 60]
    grid = grid_of(tmp_path, picture, choice={"rule": "published-code"})
    assert grid.left_out["little tissue"] == 1 and (3, 2) not in places(grid)


@given(
    st.lists(st.tuples(*[st.integers(0, 700)] * 4), max_size=4),
    st.sampled_from(TILE_RULES),
    st.integers(1, 30),
)
@settings(max_examples=25)
def test_places_are_chosen_or_counted(tmp_path_factory, boxes, rule, most):
    boxes = [(x, y, x + width, y + height) for x, y, width, height in [*boxes, (0, 0, 300, 300)]]
    picture = make_picture((896, 640), boxes, mpp=1.0)
    with open_slide(write_image(tmp_path_factory.mktemp("slides") / "a.png", picture), mpp=1.0) as slide:
        grid = tile_grid(slide, TileOptions(rule=rule, max_tiles=most))
    assert len(grid) + sum(grid.left_out.values()) == grid.n_places == 35
    assert 1 <= len(grid) <= most


def test_as_many_tiles_as_requested_are_drawn(large):
    grid = tile_grid(large, TileOptions(max_tiles=40))
    assert len(grid) == 40
    assert grid.left_out == {"background": 56, "low contrast": 0, "not drawn": 104}
    assert places(grid) < set(itertools.product(range(1, 19), range(1, 9)))


def test_all_tiles_are_used_where_no_number_is_given(large):
    assert len(tile_grid(large, TileOptions(max_tiles=None))) == 144


def test_the_same_seed_draws_the_same_tiles(large):
    first, second = (tile_grid(large, TileOptions(max_tiles=40, seed=3)) for _ in range(2))
    assert first.coords.tobytes() == second.coords.tobytes()


def test_another_seed_draws_other_tiles(large):
    assert places(tile_grid(large, TileOptions(max_tiles=40, seed=3))) != places(
        tile_grid(large, TileOptions(max_tiles=40, seed=4))
    )


def test_drawn_tiles_are_spread_over_the_slide(large):
    columns = [x for x, _ in places(tile_grid(large, TileOptions(max_tiles=40)))]
    assert min(columns) < 5 and max(columns) > 14


def batches_of(slide: Slide, batch: int = 16, transform=None, **options) -> list[TileBatch]:
    read: list[TileBatch] = []
    find_candidates(slide, TileOptions(**options)).read(read.append, batch=batch, transform=transform)
    return read


@pytest.mark.parametrize("jobs", [1, 2, 7])
def test_batches_do_not_depend_on_the_number_of_threads(large, jobs):
    wanted, got = batches_of(large, max_tiles=50, jobs=3), batches_of(large, max_tiles=50, jobs=jobs)
    assert [batch.coords.tolist() for batch in got] == [batch.coords.tolist() for batch in wanted]
    assert b"".join(b.pixels.tobytes() for b in got) == b"".join(b.pixels.tobytes() for b in wanted)


@pytest.mark.parametrize("rule", TILE_RULES)
def test_batches_hold_the_tiles_of_the_grid(large, rule):
    read: list[TileBatch] = []
    choice = find_candidates(large, TileOptions(rule=rule, max_tiles=50)).read(read.append, batch=16)
    assert [len(batch) for batch in read] == [16, 16, 16, 2]
    assert sorted(map(tuple, corners(read))) == sorted(map(tuple, choice.grid.coords.tolist()))
    wanted = tile_grid(large, TileOptions(rule=rule, max_tiles=50)).coords
    np.testing.assert_array_equal(choice.grid.coords, wanted)


def corners(batches: Iterable) -> list[list[int]]:
    return [corner for batch in batches for corner in batch.coords.tolist()]


def test_neighbours_are_read_one_after_another(large):
    read = corners(batches_of(large, max_tiles=40))
    assert read == sorted(read, key=lambda corner: corner[::-1])


def test_tiles_that_fail_are_replaced_by_the_next_drawn(tmp_path):
    picture = make_picture((20 * TILE, 10 * TILE), [(0, 0, 20 * TILE, 10 * TILE)], mpp=1.0)
    picture[:, : 10 * 128] = (214, 130, 180)
    grid = grid_of(tmp_path, picture, mpp=1.0, choice={"max_tiles": 60})
    assert len(grid) == 60 and min(x for x, _ in places(grid)) >= 10
    assert grid.left_out["low contrast"] > 30 and grid.left_out["not drawn"] > 0


def test_pixels_are_those_of_the_slide(large):
    [batch] = batches_of(large, max_tiles=5)
    x, y = batch.coords[3].tolist()
    np.testing.assert_array_equal(batch.pixels[3], large.read(x, y, 128, 256))
    assert batch.pixels.shape == (5, 256, 256, 3) and batch.pixels.dtype == np.uint8


def test_tiles_are_transformed_after_the_tests(large):
    [batch] = batches_of(large, max_tiles=5, transform=lambda tile: tile[::32, ::32])
    assert batch.pixels.shape == (5, 8, 8, 3)


def test_candidates_can_be_read_again(large):
    candidates = find_candidates(large, TileOptions(max_tiles=40))
    first, second = candidates.examine(), candidates.examine()
    assert first.grid.coords.tolist() == second.grid.coords.tolist()
    assert first.tried.tolist() == second.tried.tolist()


def test_the_candidates_that_were_tried_are_known_in_their_order(large):
    candidates = find_candidates(large, TileOptions(max_tiles=40))
    choice = candidates.examine()
    assert sorted(choice.tried.tolist()) == sorted(choice.grid.coords.tolist())  # all pass here
    more = find_candidates(large, TileOptions(max_tiles=60)).examine()
    assert more.tried[:40].tolist() == choice.tried.tolist()


@pytest.fixture(scope="module")
def patchy(tmp_path_factory) -> Iterator[Slide]:
    """200 places of tissue; every third column has no contrast."""
    picture = make_picture((20 * TILE, 10 * TILE), [(0, 0, 20 * TILE, 10 * TILE)], mpp=1.0)
    for x in range(0, 20 * 128, 3 * 128):
        picture[:, x : x + 128] = (214, 130, 180)
    with open_slide(write_slide(tmp_path_factory.mktemp("slides") / "p.tif", picture, mpp=1.0)) as slide:
        yield slide


@pytest.mark.parametrize(("few", "many"), [(30, None), (30, 90), (30, 180), (150, None), (1, 2)])
def test_a_choice_that_is_continued_ends_as_one_that_was_not(patchy, few, many):
    first = find_candidates(patchy, TileOptions(max_tiles=few)).examine()
    candidates = find_candidates(patchy, TileOptions(max_tiles=many))
    earlier = candidates.recall(first.grid.coords, first.tried, first.grid.left_out)
    read: list[TileBatch] = []
    done, wanted = candidates.read(read.append, earlier=earlier), candidates.examine()
    assert done.grid.coords.tolist() == wanted.grid.coords.tolist()
    assert done.grid.left_out == wanted.grid.left_out
    assert sorted(done.tried.tolist()) == sorted(wanted.tried.tolist())
    assert len(corners(read)) == len(wanted.grid) - len(first.grid)


def test_a_choice_of_other_candidates_cannot_be_continued(patchy):
    first = find_candidates(patchy, TileOptions(max_tiles=30)).examine()
    coords, tried, left_out = first.grid.coords, first.tried, first.grid.left_out
    candidates, otherwise = find_candidates(patchy), find_candidates(patchy, TileOptions(seed=1))
    assert otherwise.recall(coords, tried, left_out) is None
    assert candidates.recall(coords, tried[:-1], left_out) is None
    assert candidates.recall(coords + 1, tried + 1, left_out) is None
    assert candidates.recall(coords, tried, {**left_out, "low contrast": 0}) is None


@pytest.mark.parametrize("few", [1, 30, 100])
def test_what_was_tried_follows_from_what_was_left_out(patchy, few):
    first = find_candidates(patchy, TileOptions(max_tiles=few)).examine()
    coords, left_out = first.grid.coords, first.grid.left_out
    found = find_candidates(patchy).recall(coords, None, left_out)
    assert sorted(found.tried.tolist()) == sorted(first.tried.tolist())
    assert found.grid.left_out == left_out
    assert find_candidates(patchy, TileOptions(seed=1)).recall(coords, None, left_out) is None
    assert find_candidates(patchy).recall(coords, None, {**left_out, "low contrast": 500}) is None


def test_tiles_in_another_order_or_twice_cannot_be_continued(patchy):
    first = find_candidates(patchy, TileOptions(max_tiles=30)).examine()
    coords, candidates = first.grid.coords, find_candidates(patchy)
    assert candidates.recall(coords[::-1], first.tried, first.grid.left_out) is None
    repeated = np.concatenate([coords[:1], coords[:-1]])
    assert candidates.recall(repeated, first.tried, first.grid.left_out) is None


def test_reasons_are_counted_where_no_tile_is_left(tmp_path):
    picture = np.full((1024, 1024, 3), 255, dtype=np.uint8)
    picture[:512, :512] = (214, 130, 180)
    with pytest.raises(InputError, match="16 places left out, 12 as background, 4 as low contrast"):
        grid_of(tmp_path, picture)


def test_a_known_grid_is_read_in_its_order(large):
    grid = tile_grid(large, TileOptions(max_tiles=20))
    batches = list(read_tiles(large, grid, batch=8, transform=lambda tile: tile[:4, :4]))
    assert [batch.pixels.shape for batch in batches] == [(8, 4, 4, 3), (8, 4, 4, 3), (4, 4, 4, 3)]
    assert corners(batches) == grid.coords.tolist()


def test_the_grid_of_another_slide_is_refused(large, tmp_path):
    grid = grid_of(tmp_path)
    with pytest.raises(
        InputError, match="from a slide of 2048 × 1536 pixels, but this slide has 2560 × 1280"
    ):
        next(read_tiles(large, grid))


@pytest.mark.parametrize("rule", TILE_RULES)
@pytest.mark.parametrize(
    "colour", [(255, 255, 255), (0, 0, 0), (128, 128, 128)], ids=["white", "black", "grey"]
)
def test_a_slide_of_one_colour_has_no_tile(tmp_path, rule, colour):
    picture = np.full((1024, 1024, 3), colour, dtype=np.uint8)
    with pytest.raises(
        InputError, match="no tile of the slide holds tissue: 16 places left out, all as background"
    ) as error:
        grid_of(tmp_path, picture, choice={"rule": rule})
    assert error.value.where.endswith("a.tif")


@pytest.mark.parametrize("rule", TILE_RULES)
def test_a_slide_smaller_than_a_tile_says_so(tmp_path, rule):
    path = write_image(tmp_path / "a.png", make_picture((20, 20), [(0, 0, 20, 20)]))
    with (
        open_slide(path, mpp=0.5) as slide,
        pytest.raises(InputError, match="smaller than a tile: 40 × 40 pixels, and a tile is 256"),
    ):
        tile_grid(slide, TileOptions(rule=rule))


@pytest.mark.parametrize("rule", TILE_RULES)
def test_an_annotation_takes_the_place_of_the_mask(large, tmp_path, rule):
    drawn = tmp_path / "drawn.geojson"
    drawn.write_text('{"type": "Polygon", "coordinates": [[[250, 250], [650, 250], [650, 650], [250, 650]]]}')
    grid = tile_grid(large, TileOptions(rule=rule), annotation=drawn)
    assert {(2, 2), (3, 3), (4, 4)} <= places(grid)
    assert grid.left_out["outside the annotation"] + len(grid) == 200


def test_an_annotation_that_holds_no_tile_says_so(large, tmp_path):
    drawn = tmp_path / "drawn.geojson"
    drawn.write_text('{"type": "Polygon", "coordinates": [[[250, 250], [280, 250], [280, 280]]]}')
    with pytest.raises(
        InputError, match="no tile lies in the annotation: 200 places left out, all as outside"
    ):
        tile_grid(large, annotation=drawn)


def test_a_slide_may_be_given_by_its_file(large):
    options = TileOptions(max_tiles=20)
    for path in (large.path, str(large.path)):
        np.testing.assert_array_equal(tile_grid(path, options).coords, tile_grid(large, options).coords)


def test_a_mask_that_was_made_is_used(large):
    mask = find_candidates(large).mask
    assert find_candidates(large, TileOptions(rule="published-code"), mask=mask).mask is mask


def test_batches_of_no_tiles_are_refused(large):
    with pytest.raises(InputError, match="batch_size must be 1 or more, but is 0"):
        find_candidates(large).read(len, batch=0)
    with pytest.raises(InputError, match="batch_size must be 1 or more, but is 0"):
        next(read_tiles(large, tile_grid(large, TileOptions(max_tiles=1)), batch=0))
