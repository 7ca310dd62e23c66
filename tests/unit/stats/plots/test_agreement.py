import numpy as np
import pandas as pd
import pytest

from sequoia_stats.errors import InputError
from sequoia_stats.plots import pathway_correlations
from tests.build.drawn import beyond_the_edge, collection, lines, overlapping


def make_agreement(levels=3, collections=("hallmark", "kegg"), seed=0):
    generator = np.random.default_rng(seed)
    rows = [
        (f"L{i}", name, f"S{j}", generator.uniform(-0.2, 0.9))
        for i in range(levels)
        for name in collections
        for j in range(30)
    ]
    return pd.DataFrame(rows, columns=["level", "collection", "set", "r"])


@pytest.mark.parametrize(("key", "name"), [("hallmark", "Hallmark"), ("kegg", "KEGG")])
def test_points_and_median_are_those_of_level_and_collection(key, name):
    table = make_agreement()
    figure = pathway_correlations(table)
    r = table.query("level == 'L1' and collection == @key")["r"]
    points = collection(figure.axes[0], f"sets-{name}-L1").get_offsets()
    assert points[:, 1].tolist() == r.tolist()
    assert lines(figure)[f"median-{name}-L1"].get_ydata()[0] == r.median()


def test_points_stay_beside_their_box():
    axes = pathway_correlations(make_agreement()).axes[0]
    x = [collection(axes, f"sets-{name}-L0").get_offsets()[:, 0] for name in ("Hallmark", "KEGG")]
    assert x[0].max() < x[1].min()


def test_levels_are_in_the_order_of_the_table_and_collections_have_a_key():
    figure = pathway_correlations(make_agreement())
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["L0", "L1", "L2"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["Hallmark", "KEGG"]


def test_a_collection_of_ones_own_keeps_its_name():
    figure = pathway_correlations(make_agreement(collections=("mine", "kegg")))
    assert figure.legends[0].get_texts()[0].get_text() == "mine"


def test_one_collection_needs_no_key():
    assert not pathway_correlations(make_agreement(collections=("kegg",))).legends


@pytest.mark.parametrize("levels", [1, 4, 16])
@pytest.mark.parametrize("collections", [("hallmark",), ("hallmark", "gobp", "kegg", "c8")])
def test_nothing_overlaps_or_leaves_the_figure(levels, collections):
    figure = pathway_correlations(make_agreement(levels, collections), title="A heading")
    assert not overlapping(figure)
    assert not beyond_the_edge(figure)


def test_no_set_is_a_sentence():
    assert "no gene sets to draw" in pathway_correlations(make_agreement()[:0]).texts[1].get_text()


def test_a_missing_column_is_named():
    with pytest.raises(InputError, match="has no column collection"):
        pathway_correlations(make_agreement().drop(columns="collection"))
