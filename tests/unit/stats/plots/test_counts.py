import numpy as np
import pandas as pd
import pytest

from sequoia_stats.compare import against_sample_size, downsample
from sequoia_stats.errors import InputError
from sequoia_stats.plots import counts_against_size, criterion_counts, downsampled_counts
from sequoia_stats.selection import RULES, well_predicted
from tests.build.cohorts import make_predictions, make_selection
from tests.build.drawn import beyond_the_edge, lines, overlapping, texts, words


def make_counts(levels=2):
    criteria = ["tested", *RULES["paper"].criteria]
    rows = [(f"L{i}", name, 20000 // (j + 1)) for i in range(levels) for j, name in enumerate(criteria)]
    return pd.DataFrame(rows, columns=["level", "criterion", "n_left"])


# --- criteria ------------------------------------------------------------------------------------------------------


def test_every_level_has_a_panel_with_its_bars_and_numbers():
    counts = well_predicted(make_predictions(n=60, cohorts=2), by="cohort").counts
    figure = criterion_counts(counts)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["A", "B"]
    bars = [patch.get_width() for patch in figure.axes[1].patches if patch.get_gid() == "left"]
    want = counts.loc[counts["level"] == "B", "n_left"].tolist()
    assert bars == want
    numbers = [text.get_text() for text in figure.axes[1].texts if text.get_gid() == "number"]
    assert numbers == [f"{number:,}" for number in want]


def test_criteria_are_written_in_words():
    written = [text.get_text() for text in texts(criterion_counts(make_counts()), "criterion")]
    assert written[:3] == ["Tested", "r > 0", "p < 0.05"]
    assert "p of difference (BH) < 0.2" in written


@pytest.mark.parametrize("rule", RULES)
def test_no_criterion_of_a_rule_is_left_as_a_code(rule):
    counts = make_counts(1).iloc[:1]
    rows = [counts, *[counts.assign(criterion=criterion) for criterion in RULES[rule].criteria]]
    written = " ".join(text.get_text() for text in texts(criterion_counts(pd.concat(rows)), "criterion"))
    assert "_" not in written


@pytest.mark.parametrize("levels", [1, 3, 16])
def test_nothing_overlaps_or_leaves_the_panels(levels):
    figure = criterion_counts(make_counts(levels), title="A heading")
    assert not overlapping(figure)
    assert not beyond_the_edge(figure)


def test_no_level_is_a_sentence():
    assert "no levels to draw" in criterion_counts(make_counts()[:0]).texts[1].get_text()


def test_a_missing_column_is_named():
    with pytest.raises(InputError, match="has no column n_left"):
        criterion_counts(make_counts().drop(columns="n_left"))


# --- samples -------------------------------------------------------------------------------------------------------


def make_sizes(levels=16, seed=3):
    generator = np.random.default_rng(seed)
    n = generator.integers(80, 1100, levels)
    return against_sample_size(make_selection(n, np.maximum(n // 3, 1)), "cancer")


def test_points_are_the_levels():
    sizes = make_sizes()
    points = lines(counts_against_size(sizes))["levels"].get_xydata()
    np.testing.assert_array_equal(points, sizes.table[["n", "n_well_predicted"]])


def test_both_correlations_are_written():
    sizes = make_sizes()
    assert f"Spearman {sizes.spearman:.2f}, p" in words(counts_against_size(sizes))


def test_every_level_is_named_once_and_apart():
    figure = counts_against_size(make_sizes(8))
    assert sorted(text.get_text() for text in texts(figure, "level")) == [f"C{i}" for i in range(1, 9)]
    assert not overlapping(figure)
    assert not beyond_the_edge(figure)


def test_names_of_neighbours_do_not_cover_each_other():
    sizes = against_sample_size(make_selection([400, 420, 410, 430], [100, 101, 104, 103]), "cancer")
    assert not overlapping(counts_against_size(sizes))


def test_two_levels_have_no_correlation_to_write():
    assert "Spearman" not in words(counts_against_size(make_sizes(2)))


# --- fewer patients ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", ["A", "B"])
def test_draws_and_their_medians_are_those_of_the_frame(level):
    result = downsample(make_predictions(n=80, genes=30, cohorts=2), repeats=3, by="cohort")
    drawn = lines(downsampled_counts(result))
    for gid, frame, column in (
        ("draws", result.table, "n_well_predicted"),
        ("medians", result.summary, "median"),
    ):
        rows = frame[frame["level"] == level]
        want = np.column_stack([100 * rows["fraction"], rows[column]])
        np.testing.assert_allclose(drawn[f"{gid}-{level}"].get_xydata(), want)


def test_several_levels_are_named_at_the_end_of_their_lines():
    result = downsample(make_predictions(n=80, genes=30, cohorts=2), repeats=2, by="cohort")
    figure = downsampled_counts(result, title="Fewer patients")
    assert sorted(text.get_text() for text in texts(figure, "level")) == ["A", "B"]
    assert not overlapping(figure)
    assert not beyond_the_edge(figure)


def test_one_level_needs_no_name():
    assert not texts(downsampled_counts(downsample(make_predictions(n=40), repeats=2)), "level")
