"""Figures of modules: the numbers that are drawn are those of the result."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex, to_rgb

import sequoia_stats as sq
from sequoia_stats.errors import InputError
from sequoia_stats.plots import module_clustermap, subtype_maps
from sequoia_stats.spatial.modules import subtype_map
from tests.build.maps import make_gene_map, make_places

MODULES = {"A": ("A0", "A1", "A2"), "B": ("B0", "B1", "A2")}
GENES = ("A0", "A1", "A2", "B0", "B1", "C")


def make_result(slides=1):
    random = np.random.default_rng(0)
    maps = [
        make_gene_map(random.normal(size=(30, 6)), GENES, places=make_places(6, 5, ()), slide=f"S{i}")
        for i in range(slides)
    ]
    return sq.gene_modules(maps, MODULES, min_size=2, n_random=0)


def make_subtypes(n=9, shape="square", slide="S1", modules=("A", "B", "C")):
    scores = np.random.default_rng(1).normal(size=(n, len(modules)))
    scores[2] = np.nan
    centres = 100.0 * np.column_stack([np.arange(n) % 3, np.arange(n) // 3])
    return subtype_map(
        scores,
        modules,
        slide=slide,
        names=[str(i) for i in range(n)],
        centres_um=centres,
        side_um=100,
        shape=shape,
    )


def panels(figure):
    return {axes.get_label(): axes for axes in figure.axes}


def texts(figure, gid=None):
    return [text.get_text() for text in figure.texts if gid is None or text.get_gid() == gid]


# --- clustermap ----------------------------------------------------------------------------------------------------


def test_correlations_are_drawn_in_the_order_of_the_tree():
    result = make_result()
    (image,) = panels(module_clustermap(result))["r"].images
    order = list(result.genes.gene)
    np.testing.assert_allclose(image.get_array(), result.correlations.loc[order, order])
    assert image.get_clim() == (-1, 1)


def test_each_row_has_the_colours_of_its_modules():
    result = make_result()
    figure = module_clustermap(result)
    (image,) = panels(figure)["modules"].images
    coloured = (np.asarray(image.get_array()) < 1).any(axis=2)
    want = [[name in row.split(";") for name in ("A", "B")] for row in result.genes.modules]
    assert coloured.tolist() == want
    boxes = [to_rgb(box.get_facecolor()) for box in figure.get_children() if box.get_gid() == "key"]
    shared = np.asarray(image.get_array())[list(result.genes.gene).index("A2")]
    np.testing.assert_allclose(shared, boxes)
    assert texts(figure, "module") == ["A", "B"]


def test_the_tree_has_a_line_for_each_union_at_its_height():
    result = make_result()
    (lines,) = panels(module_clustermap(result))["tree"].collections
    drawn = sorted(segment[:, 0].max() for segment in lines.get_segments())
    np.testing.assert_allclose(drawn, np.sort(result.tree[:, 2]))


def test_genes_are_labelled_from_top_to_bottom():
    result = make_result()
    axes = panels(module_clustermap(result))["r"]
    assert [label.get_text() for label in axes.get_yticklabels()] == list(result.genes.gene)


def test_the_heading_says_how_many_genes_and_slides():
    assert "Correlation of 5 genes over tiles, mean of 2 slides" in texts(module_clustermap(make_result(2)))
    assert "Correlation of 5 genes over tiles, one slide" in texts(module_clustermap(make_result()))


def test_an_undefined_pair_is_grey():
    result = make_result()
    result.correlations.iloc[0, 1] = np.nan
    (image,) = panels(module_clustermap(result))["r"].images
    assert image.get_array().mask.sum() == 1
    assert to_hex(image.get_cmap().get_bad()) == "#e9e9e9"


# --- subtypes ------------------------------------------------------------------------------------------------------


def faces(figure, slide="S1"):
    (marks,) = panels(figure)[slide].collections
    return [to_hex(face).upper() for face in marks.get_facecolors()]


def test_a_tile_has_the_colour_of_its_module_and_none_is_pale():
    one = make_subtypes()
    colours = {"A": "#0072B2", "B": "#D55E00", "C": "#009E73", "": "#E9E9E9"}
    assert faces(subtype_maps([one])) == [colours[label] for label in one.labels]


def test_tiles_are_squares_around_their_centres_with_y_downwards():
    one = make_subtypes()
    axes = panels(subtype_maps([one]))["S1"]
    corners = np.array([path.vertices[:4] for path in axes.collections[0].get_paths()])
    np.testing.assert_allclose(corners.mean(axis=1), one.centres_um)
    np.testing.assert_allclose(np.ptp(corners, axis=1), 100)
    assert axes.get_ylim()[0] > axes.get_ylim()[1]


def test_spots_are_circles_of_their_diameter():
    one = make_subtypes(shape="circle")
    path = panels(subtype_maps([one]))["S1"].collections[0].get_paths()[4]
    np.testing.assert_allclose(path.get_extents().size, [100, 100])
    assert "8 spots" in texts(subtype_maps([one]))


def test_each_slide_has_a_panel_and_those_left_out_are_counted():
    slides = [make_subtypes(slide=f"S{i}") for i in range(6)]
    figure = subtype_maps(slides, most=5, title="Subtypes")
    assert list(panels(figure)) == [f"S{i}" for i in range(5)]
    assert texts(figure)[:2] == ["Subtypes", "5 of 6 slides"]


def test_the_scale_bar_has_the_length_that_it_says():
    axes = panels(subtype_maps([make_subtypes()]))["S1"]
    (bar,) = axes.lines
    assert f"{np.ptp(bar.get_xdata()):.0f} µm" == axes.texts[0].get_text()


def test_slides_of_different_modules_are_not_drawn_together():
    with pytest.raises(InputError, match="the slides have different modules"):
        subtype_maps([make_subtypes(), make_subtypes(modules=("A", "B"))])
    with pytest.raises(InputError, match="there is no slide to draw"):
        subtype_maps([])


def test_many_modules_have_a_key_of_several_lines():
    names = tuple(f"a module with a long name {i}" for i in range(9))
    figure = subtype_maps([make_subtypes(modules=names)])
    heights = {text.get_position()[1] for text in figure.texts if text.get_gid() == "module"}
    assert texts(figure, "module") == list(names)
    assert len(heights) > 3


def test_a_result_is_not_changed_by_its_figures():
    result = make_result()
    before = result.table.copy()
    module_clustermap(result)
    pd.testing.assert_frame_equal(result.table, before)
