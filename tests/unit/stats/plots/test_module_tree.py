from __future__ import annotations

import pandas as pd

from sequoia_stats.plots import network_parts
from tests.build.drawn import beyond_the_edge, overlapping

COLUMNS = ["network", "depth", "name", "module", "repeats", "parameters", "output"]


def make_tree():
    rows = [
        ("First", 0, "first", "Net", 1, 1220, "b × 9"),
        ("First", 1, "layers", "Layer", 6, 1200, ""),
        ("First", 2, "mix", "Mix", 1, 1000, "b × 4"),
        ("First", 2, "feed forward", "Feed", 1, 200, "b × 4"),
        ("First", 1, "head", "Linear", 1, 20, "b × 9"),
        ("Second", 0, "second", "Net", 1, 0, ""),
        ("Second", 1, "relu", "ReLU", 1, 0, "b × 4"),
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def words(figure, kind):
    return [text.get_text() for axes in figure.axes for text in axes.texts if text.get_gid() == kind]


def boxes(figure, kind):
    return [patch for axes in figure.axes for patch in axes.patches if patch.get_gid() == kind]


def test_every_part_has_a_box_and_its_name():
    figure = network_parts(make_tree())
    assert words(figure, "network") == ["First", "Second"]
    want = ["first", "layers × 6", "mix", "feed forward", "head", "second", "relu"]
    assert words(figure, "name") == want
    assert len(boxes(figure, "container")) == 3
    assert len(boxes(figure, "part")) == 4


def test_a_container_holds_its_parts_whole():
    layers = boxes(network_parts(make_tree()), "container")[1].get_bbox()
    mix = boxes(network_parts(make_tree()), "part")[0].get_bbox()
    assert layers.x0 < mix.x0 < mix.x1 < layers.x1
    assert layers.y0 < mix.y0 < mix.y1 < layers.y1


def test_parts_are_in_the_order_of_the_tree_without_touching():
    first, second, head = boxes(network_parts(make_tree()), "part")[:3]
    assert first.get_bbox().y1 < second.get_bbox().y0
    assert second.get_bbox().y1 < head.get_bbox().y0


def test_parameters_are_written_and_none_is_a_dash():
    written = words(network_parts(make_tree()), "parameters")
    assert written == ["1,220", "1,200", "1,000", "200", "20", "–", "–"]


def test_nothing_overlaps_or_leaves_the_page():
    figure = network_parts(make_tree())
    assert overlapping(figure) == []
    assert beyond_the_edge(figure) == []
