"""The heatmap and the dot plot, which choose and name their sets in the same way."""

import numpy as np
import pandas as pd
import pytest

from sequoia_stats.errors import InputError
from sequoia_stats.plots import enrichment_dots, enrichment_heatmap
from tests.build.drawn import beyond_the_edge, collection, overlapping, texts, written

BOTH = pytest.mark.parametrize("draw", [enrichment_heatmap, enrichment_dots])


def make_table(sets=8, lists=3, seed=0):
    """Over-representation of simulated sets; the first list has a p of 0 in one, the last sets are not enriched."""
    generator = np.random.default_rng(seed)
    rows = [
        (f"L{j}", f"HALLMARK_SET_{i}", int(generator.integers(1, 90)), 100, 10 ** -generator.uniform(2, 12))
        for j in range(lists)
        for i in range(sets)
    ]
    table = pd.DataFrame(rows, columns=["list", "set", "overlap", "set_size", "p_bh"])
    table.loc[table["set"].isin(["HALLMARK_SET_6", "HALLMARK_SET_7"]), "p_bh"] = 0.4
    table.loc[(table["set"] == "HALLMARK_SET_0") & (table["list"] != "L0"), "p_bh"] = 0.2
    table.loc[0, "p_bh"] = 0.0
    return table


def make_merged():
    """Two groups of sets."""
    rows = [
        (name, group, f"HALLMARK_SET_{group}", n, 0.001 * group)
        for name in ("L0", "L1", "L2")
        for group, n in ((1, 4), (2, 1))
    ]
    return pd.DataFrame(rows, columns=["list", "group", "representative", "n_sets", "p_bh"])


def labels(figure):
    return [label.get_text() for label in figure.axes[0].get_yticklabels()]


def value(table, name, list_, column):
    return table.query("set == @name and list == @list_")[column].item()


@BOTH
def test_rows_are_the_enriched_sets_those_of_most_lists_first(draw):
    shown = labels(draw(make_table()))
    assert len(shown) == 6
    assert shown[-1] == "Set 0"  # enriched in one list only
    assert not {"Set 6", "Set 7"} & set(shown)


@BOTH
def test_only_the_first_of_many_sets_are_drawn_and_the_title_says_so(draw):
    figure = draw(make_table(), most=4)
    assert len(labels(figure)) == 4
    assert "4 of 6 sets with adjusted p < 0.05" in figure.texts[0].get_text()


def test_cells_hold_the_counts_and_the_strength():
    table = make_table()
    figure = enrichment_heatmap(table)
    strength = collection(figure.axes[0], "strength").get_array()
    counts = np.reshape([int(text.get_text()) for text in texts(figure, "count")], strength.shape)
    for i, name in enumerate(labels(figure)):
        own = table[table["set"] == "HALLMARK_" + name.upper().replace(" ", "_")]
        assert counts[i].tolist() == own["overlap"].tolist()
        enriched = (own["p_bh"] < 0.05).to_numpy()
        assert (~np.ma.getmaskarray(strength[i])).tolist() == enriched.tolist()
        with np.errstate(divide="ignore"):
            np.testing.assert_allclose(
                strength[i][enriched], np.minimum(-np.log10(own["p_bh"][enriched]), 20)
            )


def test_dots_have_the_share_as_area_and_the_strength_as_colour():
    table = make_table()
    figure = enrichment_dots(table)
    dots = collection(figure.axes[0], "enriched")
    rows = table[table["p_bh"] < 0.05]
    share = sorted(rows["overlap"] / rows["set_size"])
    sizes = np.sort(dots.get_sizes())
    np.testing.assert_allclose(sizes / sizes[-1], np.array(share) / share[-1])
    with np.errstate(divide="ignore"):
        want = np.minimum(-np.log10(rows["p_bh"]), 20)
    np.testing.assert_allclose(np.sort(dots.get_array()), np.sort(want))


def test_dots_that_are_not_enriched_have_no_colour():
    figure = enrichment_dots(make_table())
    pale = collection(figure.axes[0], "not-enriched")
    assert len(pale.get_offsets()) == 2
    assert pale.get_facecolor().tolist() == [[1, 1, 1, 1]]


@BOTH
def test_lists_are_in_the_order_of_the_table(draw):
    figure = draw(make_table())
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["L0", "L1", "L2"]


@BOTH
def test_groups_of_similar_sets_are_drawn_in_their_place(draw):
    figure = draw(make_table(), merged=make_merged())
    assert labels(figure) == ["Set 1 (+3)", "Set 2"]
    assert "Groups of sets with average adjusted p < 0.05" in figure.texts[0].get_text()


def test_a_group_has_the_average_p_and_the_genes_of_its_representative():
    table, merged = make_table(), make_merged()
    figure = enrichment_heatmap(table, merged=merged)
    strength = collection(figure.axes[0], "strength").get_array()
    np.testing.assert_allclose(strength[0], 3)
    first = [int(text.get_text()) for text in texts(figure, "count")][:3]
    assert first == [value(table, "HALLMARK_SET_1", name, "overlap") for name in ("L0", "L1", "L2")]


@BOTH
def test_no_group_is_a_sentence(draw):
    figure = draw(make_table(), merged=make_merged()[:0])
    assert "No set has an adjusted p < 0.05" in figure.texts[1].get_text()


@BOTH
def test_groups_fit_as_well(draw):
    figure = draw(make_table(lists=1), merged=make_merged()[:2])
    assert not overlapping(figure)
    assert not beyond_the_edge(figure)


@BOTH
def test_nothing_enriched_is_a_sentence(draw):
    figure = draw(make_table().assign(p_bh=0.5))
    assert "No set has an adjusted p < 0.05" in figure.texts[1].get_text()


@BOTH
def test_a_list_without_a_row_for_a_set_has_an_empty_cell(draw):
    table = make_table().drop(index=1)
    assert len(labels(draw(table))) == 6


@BOTH
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.drop(columns="p_bh"), "has no column p_bh"),
        (lambda table: pd.concat([table, table[:1]]), "several rows for a set"),
    ],
)
def test_a_table_of_another_kind_is_refused(draw, change, message):
    with pytest.raises(InputError, match=message):
        draw(change(make_table()))


@BOTH
@pytest.mark.parametrize(("sets", "lists"), [(8, 1), (40, 3), (40, 16), (12, 33)])
def test_nothing_overlaps_or_leaves_the_figure(draw, sets, lists):
    figure = draw(make_table(sets, lists), title="A heading")
    assert not overlapping(figure)
    assert not beyond_the_edge(figure)


@BOTH
def test_long_names_of_sets_and_lists_fit(draw):
    table = make_table()
    table["set"] = (
        "GO_POSITIVE_REGULATION_OF_" + table["set"] + "_IN_RESPONSE_TO_SOMETHING_WITH_A_VERY_LONG_NAME"
    )
    table["list"] = table["list"] + " of a cohort with a long name"
    figure = draw(table)
    assert not beyond_the_edge(figure)
    assert len({text.get_text() for text in written(figure)} & set(labels(figure))) == 6
