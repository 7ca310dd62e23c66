"""The shift null: every move by hand, and its exactness on periodic fields."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.stats import pearsonr

from sequoia_stats.errors import InputError
from sequoia_stats.spatial import shift_null
from sequoia_stats.spatial.shifts import PossibleShifts
from tests.build.spatial import percentile_maps, rectangle, tissue

TILES = tissue(9, 7)


def grid(values, places):
    """The values in a box of their own, NaN where there is no tile."""
    found = np.full(np.ptp(places, axis=0) + 1, np.nan)
    found[tuple((places - places.min(axis=0)).T)] = values
    return found


def moved(a, b, places, *, least, turns=4):
    """Turn, r and number of tiles of each possible move, by shifting one padded grid over the other."""
    first = np.pad(grid(a, places), 20, constant_values=np.nan)
    for turn in range(turns):
        second = np.rot90(grid(b, places), turn)
        for down in range(first.shape[0] - second.shape[0] + 1):
            for right in range(first.shape[1] - second.shape[1] + 1):
                under = first[down : down + second.shape[0], right : right + second.shape[1]]
                both = ~np.isnan(under) & ~np.isnan(second)
                if both.sum() >= least * len(a) and (turn, down, right) != (0, 20, 20):
                    yield (
                        (turn, down - 20, right - 20),
                        np.corrcoef(under[both], second[both])[0, 1],
                        both.sum(),
                    )


@pytest.mark.parametrize(("rotations", "least"), [(True, 0.6), (True, 0.3), (False, 0.6)])
def test_the_null_is_that_of_moving_the_truth_by_hand(rotations, least):
    a, b = percentile_maps(2, len(TILES))
    moves, r, overlap = zip(*moved(a, b, TILES, least=least, turns=4 if rotations else 1), strict=True)
    null = shift_null(a, b, TILES, min_overlap=least, rotations=rotations)
    order = np.lexsort(null.moves.T[::-1])
    by_hand = np.lexsort(np.array(moves).T[::-1])
    assert null.moves[order].tolist() == np.array(moves)[by_hand].tolist()
    assert null.overlap[order].tolist() == np.array(overlap)[by_hand].tolist()
    assert null.null_r[order, 0] == pytest.approx(np.array(r)[by_hand], abs=1e-6)


def test_p_is_the_rank_of_r_times_the_root_of_the_overlap():
    a, b = percentile_maps(2, len(TILES), seed=3)
    _, r, overlap = zip(*moved(a, b, TILES, least=0.6), strict=True)
    observed = pearsonr(a, b, alternative="greater")
    statistic = np.array(r) * np.sqrt(np.array(overlap) / len(a))
    as_high = np.sum(statistic >= observed.statistic)
    null = shift_null(a, b, TILES)
    assert null.n_possible == len(r)
    assert null.p == pytest.approx([(as_high + 1) / (len(r) + 1)], abs=1e-12)
    assert null.r_mean == pytest.approx([np.mean(r)], abs=1e-6)
    assert null.r_high == pytest.approx([sorted(statistic)[-((len(r) + 1) // 20)]], abs=1e-6)
    assert null.r == pytest.approx([observed.statistic])
    assert null.p_naive == pytest.approx([observed.pvalue])


@pytest.mark.parametrize("least", [0.5, 0.6, 0.7, 0.8])
def test_r_is_above_the_high_quantile_where_p_is_at_most_one_in_twenty(least):
    a, b = (gaussian_filter(np.random.default_rng(i).normal(size=(300, 9, 9)), (0, 1, 1)) for i in (0, 1))
    null = shift_null(a.reshape(300, 81), b.reshape(300, 81), rectangle(9, 9), min_overlap=least)
    below = null.p <= 0.05
    assert below.any() and not below.all()
    assert (null.r > null.r_high).tolist() == below.tolist()


def test_of_fewer_than_19_moves_the_high_quantile_is_the_highest():
    a, b = percentile_maps(2, 25)
    null = shift_null(a, b, rectangle(5, 5), min_overlap=0.9)
    assert null.n_possible < 19
    assert null.r_high == pytest.approx((null.null_r * np.sqrt(null.overlap / 25)[:, None]).max(axis=0))


@pytest.mark.parametrize("shape", [(8, 8), (6, 9)])
def test_periodic_moves_are_those_of_rolling_the_grid(shape):
    places = rectangle(*shape)
    a, b = percentile_maps(2, len(places))
    null = shift_null(a, b, places, periodic=True)
    turns = {(8, 8): 4, (6, 9): 2}[shape]
    turned = {turn: np.rot90(b.reshape(shape), turn) for turn in null.moves[:, 0].tolist()}
    want = [
        np.corrcoef(a, np.roll(turned[turn], step, axis=(0, 1)).ravel())[0, 1]
        for turn, *step in null.moves.tolist()
    ]
    assert null.n_possible == turns * len(places) - 1
    assert null.null_r[:, 0] == pytest.approx(np.array(want), abs=1e-6)


def test_on_periodic_fields_five_percent_are_below_five_percent():
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((2, 1000, 12, 12))
    fields = gaussian_filter(noise, (0, 0, 2, 2), mode="wrap").reshape(2, 1000, 144)
    null = shift_null(*fields, rectangle(12, 12), periodic=True)
    standard_error = np.sqrt(0.05 * 0.95 / 1000)
    assert np.mean(null.p <= 0.05) == pytest.approx(0.05, abs=2 * standard_error)
    assert np.mean(null.p_naive <= 0.05) > 0.15


def test_genes_do_not_depend_on_each_other():
    a, b = percentile_maps(5, len(TILES)), percentile_maps(5, len(TILES), seed=1)
    together = shift_null(a, b, TILES)
    alone = shift_null(a[3], b[3], TILES)
    assert together.p[3] == alone.p[0]
    assert together.null_r[:, 3] == pytest.approx(alone.null_r[:, 0], abs=1e-6)


def test_moves_that_were_found_once_serve_every_block_of_genes():
    a, b = percentile_maps(5, len(TILES)), percentile_maps(5, len(TILES), seed=1)
    shifts = PossibleShifts(TILES, min_overlap=0.5, rotations=False)
    for block in (slice(0, 2), slice(2, 5)):
        again = shift_null(a[block], b[block], TILES, min_overlap=0.5, rotations=False)
        assert shifts.null(a[block], b[block]).null_r.tolist() == again.null_r.tolist()


def test_blocks_of_genes_and_of_shifts_change_no_number(monkeypatch):
    a, b = percentile_maps(5, len(TILES)), percentile_maps(5, len(TILES), seed=1)
    whole = shift_null(a, b, TILES)
    monkeypatch.setattr("sequoia_stats.spatial.shifts._VALUES", 3 * len(TILES))
    blocks = shift_null(a, b, TILES)
    assert blocks.moves.tolist() == whole.moves.tolist()
    assert blocks.null_r == pytest.approx(whole.null_r, abs=1e-6)
    assert blocks.p.tolist() == whole.p.tolist()


def test_memory_does_not_grow_with_tiles_times_shifts(monkeypatch):
    monkeypatch.setattr("sequoia_stats.spatial.shifts._VALUES", 2**14)
    a, b = percentile_maps(2, 1600)
    tracemalloc.start()
    null = shift_null(a, b, rectangle(40, 40))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1600 * null.n_possible * 4


def test_of_too_many_moves_some_are_drawn_and_this_is_said():
    a, b = percentile_maps(2, len(TILES)), percentile_maps(2, len(TILES), seed=1)
    whole, drawn = shift_null(a, b, TILES), shift_null(a, b, TILES, max_moves=20)
    at = [whole.moves.tolist().index(move) for move in drawn.moves.tolist()]
    assert len(set(at)) == 20 and at == sorted(at)
    assert drawn.null_r == pytest.approx(whole.null_r[at], abs=1e-7)
    assert drawn.overlap.tolist() == whole.overlap[at].tolist()
    as_high = (drawn.null_r * np.sqrt(drawn.overlap / len(TILES))[:, None] >= drawn.r).sum(axis=0)
    assert drawn.p == pytest.approx((as_high + 1) / 21)
    assert drawn.note == f"20 of {whole.n_possible} possible moves of the truth were drawn at random"
    assert whole.note == ""


def test_the_seed_decides_the_moves_that_are_drawn():
    values = percentile_maps(1, len(TILES))
    one, again, other = (shift_null(values, values, TILES, max_moves=20, seed=seed) for seed in (1, 1, 2))
    assert one.moves.tolist() == again.moves.tolist() != other.moves.tolist()


def test_on_periodic_fields_drawn_moves_keep_the_size():
    noise = np.random.default_rng(1).standard_normal((2, 1000, 12, 12))
    fields = gaussian_filter(noise, (0, 0, 2, 2), mode="wrap").reshape(2, 1000, 144)
    null = shift_null(*fields, rectangle(12, 12), periodic=True, max_moves=199)
    assert np.mean(null.p <= 0.05) == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / 1000))


def test_one_truth_beside_many_maps_is_shared():
    a, b = percentile_maps(5, len(TILES)), percentile_maps(1, len(TILES), seed=1)
    assert shift_null(a, b, TILES).p.tolist() == shift_null(a, np.repeat(b, 5, axis=0), TILES).p.tolist()


def test_units_and_the_place_of_the_tissue_do_not_matter():
    a, b = percentile_maps(2, len(TILES))
    here, there = shift_null(a, b, TILES), shift_null(3 * a + 7, 1e6 + 0.1 * b, TILES - 40)
    assert there.p.tolist() == here.p.tolist()
    assert there.null_r == pytest.approx(here.null_r, abs=1e-6)


def test_the_truth_against_itself_is_above_all_its_moves():
    a = percentile_maps(1, len(TILES))
    null = shift_null(a, a, TILES)
    assert null.p == pytest.approx([1 / (null.n_possible + 1)])


def test_a_constant_map_is_as_high_as_all_moves():
    null = shift_null(np.full(len(TILES), 5.0), percentile_maps(1, len(TILES)), TILES)
    assert (null.r[0], null.p[0], null.r_mean[0]) == (0, 1, 0)


@pytest.mark.parametrize("places", [[[0, 0]], [[0, 0], [0, 1]], np.zeros((0, 2))])
def test_too_few_tiles_have_no_null_and_say_so(places):
    values = np.arange(float(len(places)))
    null = shift_null(values, values, places)
    assert null.n_possible == 0 and np.isnan(null.p).all()
    assert null.reason == "no shift leaves 60% of the tiles on tissue"


def test_periodic_tissue_with_holes_is_refused():
    values = np.arange(float(len(TILES)))
    with pytest.raises(InputError, match="do not fill a grid of 9 × 7"):
        shift_null(values, values, TILES, periodic=True)


def test_an_overlap_above_one_is_refused():
    with pytest.raises(InputError, match="min_overlap must be above 0, at most 1"):
        shift_null([1, 2, 3], [1, 2, 3], [[0, 0], [0, 1], [0, 2]], min_overlap=1.5)


def test_a_row_of_the_table_is_a_gene():
    a, b = percentile_maps(4, len(TILES)), percentile_maps(4, len(TILES), seed=1)
    frame = shift_null(a, b, TILES).to_frame()
    assert frame.columns.tolist() == ["r", "r_mean", "r_high", "p", "p_naive", "n_possible"]
    assert len(frame) == 4
