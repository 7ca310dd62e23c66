"""Figures of judged maps: what is drawn are the percentiles, the medians and the nulls that were given."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sequoia_stats import plots
from sequoia_stats.errors import InputError
from sequoia_stats.spatial import MapPair

RNG = np.random.default_rng(0)


def pair(**fields):
    grids = RNG.uniform(1, 100, (2, 4, 5))
    grids[:, 0, 0] = np.nan
    made = MapPair(
        "S1", "ESR1", grids[0], grids[1], r=0.45, r_null_high=0.31, p_null=0.02, emd=0.031, emd_flat=0.049
    )
    return replace(made, **fields)


def axes_of(figure, label):
    return [axes for axes in figure.axes if axes.get_label() == label]


def texts(figure):
    return [text.get_text() for text in figure.texts]


def test_map_and_truth_are_drawn_on_one_locked_scale():
    drawn = pair()
    figure = plots.map_and_truth([drawn])
    for name in ("predicted", "measured"):
        image = axes_of(figure, name)[0].images[0]
        assert image.get_clim() == (0, 100)
        np.testing.assert_array_equal(np.ma.filled(image.get_array(), np.nan), getattr(drawn, name))
    assert axes_of(figure, "scale")[0].images[0].get_clim() == (0, 100)
    assert axes_of(figure, "image") == []


def test_the_words_hold_r_its_null_and_the_emd_beside_that_of_a_flat_map():
    words = texts(plots.map_and_truth([pair()], title="Maps"))
    assert words[:4] == ["Maps", "ESR1, S1", "r 0.45 (95% of null 0.31, p 0.02)", "EMD 0.031, flat 0.049"]


def test_a_pair_without_a_null_says_so():
    assert "r 0.45 (no null)" in texts(plots.map_and_truth([pair(p_null=np.nan)]))


@pytest.mark.parametrize(("across", "columns"), [(None, 3), (2, 2)])
def test_pairs_stand_side_by_side(across, columns):
    figure = plots.map_and_truth([pair() for _ in range(6)], across=across)
    lefts = {round(axes.get_position().x0, 3) for axes in axes_of(figure, "predicted")}
    assert len(axes_of(figure, "predicted")) == 6 and len(lefts) == columns


def test_the_image_stands_beside():
    image = np.zeros((8, 10, 3), np.uint8)
    figure = plots.map_and_truth([pair(image=image)])
    np.testing.assert_array_equal(axes_of(figure, "image")[0].images[0].get_array(), image)


def medians():
    return pd.DataFrame(
        {"genes": ["all", "top-3"], "ranked_on": ["", "this slide"], "n_genes": [6, 3], "r": [0.1, 0.5],
         "r_null_mean": [0.0, 0.1], "r_null_high": [0.2, 0.3]}
    )  # fmt: skip


def by_gid(axes, gid):
    return next(artist for artist in axes.collections if artist.get_gid() == gid)


def test_medians_are_drawn_beside_their_null_and_grey_within_it():
    axes = plots.medians_against_null(medians()).axes[0]
    assert by_gid(axes, "r").get_offsets().tolist() == [[0.1, 1], [0.5, 0]]
    bars = [segment[:, 0].tolist() for segment in by_gid(axes, "null").get_segments()]
    assert bars == [[0.0, 0.2], [0.1, 0.3]]
    grey, blue = by_gid(axes, "r").get_facecolors()
    assert np.ptp(grey[:3]) < 0.01 and blue[2] > blue[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["all", "top-3, ranked on this slide"]


def test_slides_are_named():
    axes = plots.medians_against_null(medians().assign(slide=["S1", "S2"])).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "S1: all",
        "S2: top-3, ranked on this slide",
    ]


def genes():
    return pd.DataFrame(
        {
            "gene": ["A", "B", "C"],
            "r": [0.5, 0.1, 0.2],
            "r_shift_high": [0.3, 0.2, np.nan],
            "p_shift": [0.01, 0.4, np.nan],
        }
    )


def test_genes_beyond_their_null_are_told_apart():
    figure = plots.genes_against_null(genes())
    assert by_gid(figure.axes[0], "beyond").get_offsets().tolist() == [[0.3, 0.5]]
    assert by_gid(figure.axes[0], "within").get_offsets().tolist() == [[0.2, 0.1]]
    assert "1 of 2 genes have p < .05" in " ".join(texts(figure))


def compared():
    rows = [("A", 0.5, 0.1, 0.01), ("B", 0.1, 0.4, 0.02), ("C", 0.3, 0.2, 0.6), ("D", 0.3, 0.31, np.nan)]
    table = pd.DataFrame(rows, columns=["gene", "r_a", "r_b", "p_difference"])
    return table.assign(difference=table["r_a"] - table["r_b"])


def test_genes_by_which_two_maps_differ_are_told_apart_by_the_nearer_map():
    figure = plots.genes_of_two_maps(compared(), ("network", "ridge"))
    points = {gid: by_gid(figure.axes[0], gid).get_offsets().tolist() for gid in ("a", "b", "alike")}
    assert points == {"a": [[0.1, 0.5]], "b": [[0.4, 0.1]], "alike": [[0.2, 0.3], [0.31, 0.3]]}
    assert [axis.get_label_text() for axis in (figure.axes[0].xaxis, figure.axes[0].yaxis)] == [
        "Pearson r, ridge and truth",
        "Pearson r, network and truth",
    ]
    assert texts(figure)[:2] == [
        "p < .05 under shifts of the truth, of 4 genes:",
        "1 nearer by network (blue), 1 by ridge (orange)",
    ]


def test_two_maps_without_a_null_are_all_alike_and_the_figure_says_so():
    figure = plots.genes_of_two_maps(compared().assign(p_difference=np.nan))
    assert len(by_gid(figure.axes[0], "alike").get_offsets()) == 4
    assert "No shift of the truth is possible" in " ".join(texts(figure))


@pytest.mark.parametrize(
    ("draw", "table"), [(plots.medians_against_null, medians()), (plots.genes_against_null, genes())]
)
def test_a_table_without_a_column_is_refused_and_an_empty_one_says_so(draw, table):
    with pytest.raises(InputError, match="has no column r"):
        draw(table.drop(columns="r"))
    assert "There are no" in " ".join(texts(draw(table[:0]))) or "No shift" in " ".join(
        texts(draw(table[:0]))
    )


def test_a_comparison_without_a_column_is_refused_and_an_empty_one_says_so():
    with pytest.raises(InputError, match="has no column r_b"):
        plots.genes_of_two_maps(compared().drop(columns="r_b"))
    assert "There are no genes to draw." in texts(plots.genes_of_two_maps(compared()[:0]))


def test_no_pairs_are_an_empty_figure():
    assert "There are no maps to draw." in texts(plots.map_and_truth([]))
