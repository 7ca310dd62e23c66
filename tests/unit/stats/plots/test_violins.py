import numpy as np
import pandas as pd
import pytest

from sequoia_stats.compare import Distribution, distribution
from sequoia_stats.plots import correlation_violins
from tests.build.cohorts import make_selection
from tests.build.drawn import beyond_the_edge, collection, overlapping, patches, words


def make_distribution(models=("A", "B"), levels=3, top=None, well=500):
    sizes = [80 + 10 * i for i in range(levels)]
    counts = [well + i for i in range(levels)]
    selections = {model: make_selection(sizes, counts, seed=i) for i, model in enumerate(models)}
    return distribution(selections, top=top)


@pytest.mark.parametrize(("model", "level"), [("A", "C1"), ("B", "C3")])
def test_bars_and_their_numbers_are_the_counts(model, level):
    drawn = make_distribution()
    axes = correlation_violins(drawn).axes[0]
    row = drawn.summary.query("model == @model and level == @level").iloc[0]
    bar = patches(axes, f"bar-{model}-{level}")[f"bar-{model}-{level}"]
    assert bar.get_height() == row["n_well_predicted"]
    (number,) = [text for text in axes.texts if np.isclose(text.xy[0], bar.get_x() + bar.get_width() / 2)]
    assert number.get_text() == f"{row['n_well_predicted']:,}"


def test_a_violin_spans_its_correlations_and_holds_their_quartiles():
    drawn = make_distribution(top=200)
    axes = correlation_violins(drawn).axes[1]
    r = drawn.values.query("model == 'B' and level == 'C2'")["r"]
    heights = collection(axes, "violin-B-C2").get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == (r.min(), r.max())
    (median,) = [line for line in axes.lines if line.get_gid() == "median-B-C2"]
    assert median.get_ydata()[0] == drawn.summary.query("model == 'B' and level == 'C2'")["r_median"].item()


def test_levels_are_in_their_order_with_the_models_within():
    axes = correlation_violins(make_distribution()).axes[1]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["C1", "C2", "C3"]
    centres = [
        collection(axes, f"violin-{model}-{level}").get_paths()[0].vertices[:, 0].mean()
        for level in ("C1", "C2", "C3")
        for model in "AB"
    ]
    assert (np.diff(centres) > 0.1).all()


def test_models_of_one_level_take_its_place():
    axes = correlation_violins(make_distribution(levels=1)).axes[1]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["A", "B"]


def test_models_have_a_key_with_their_colours():
    figure = correlation_violins(make_distribution())
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["A", "B"]
    colours = [handle.get_facecolor() for handle in legend.legend_handles]
    bars = patches(figure.axes[0], "bar-")
    assert colours == [bars["bar-A-C1"].get_facecolor(), bars["bar-B-C1"].get_facecolor()]


@pytest.mark.parametrize(
    ("top", "label"), [(None, "Pearson r, all genes"), (1000, "Pearson r, top 1,000 genes")]
)
def test_the_axis_says_which_genes(top, label):
    assert correlation_violins(make_distribution(top=top)).axes[1].get_ylabel() == label


def test_no_well_predicted_gene_is_a_bar_of_0():
    drawn = make_distribution()
    drawn.summary["n_well_predicted"] = 0
    assert patches(correlation_violins(drawn).axes[0], "bar-")["bar-A-C1"].get_height() == 0


def test_no_gene_is_a_sentence():
    drawn = make_distribution()
    empty = Distribution(drawn.summary[:0], None, drawn.values[:0])
    assert "no genes to draw" in correlation_violins(empty).texts[1].get_text()


@pytest.mark.parametrize("models", ["A", "AB", "ABC"])
@pytest.mark.parametrize("levels", [1, 4, 16])
def test_nothing_overlaps_or_leaves_the_figure(models, levels):
    figure = correlation_violins(make_distribution(models, levels, top=50, well=11000), title="A heading")
    assert not overlapping(figure)
    assert not beyond_the_edge(figure)


def test_long_names_fit():
    names = ["A model whose name is long", "Anothermodelwhosenamehasnoblank", "C"]
    figure = correlation_violins(make_distribution(names, levels=1, top=50))
    assert not overlapping(figure)
    assert not beyond_the_edge(figure)
    assert "Well-predicted genes" in words(figure)


def test_few_violins_fit_a_single_column_and_more_take_two():
    widths = [correlation_violins(make_distribution("AB", n, top=20)).get_size_inches()[0] for n in (4, 5)]
    assert widths == pytest.approx([89 / 25.4, 183 / 25.4])


def test_the_frames_are_not_changed():
    drawn = make_distribution(levels=1)
    before = drawn.values.copy(), drawn.summary.copy()
    correlation_violins(drawn)
    pd.testing.assert_frame_equal(drawn.values, before[0])
    pd.testing.assert_frame_equal(drawn.summary, before[1])
