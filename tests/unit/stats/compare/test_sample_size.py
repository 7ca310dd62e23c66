import numpy as np
import pytest

from sequoia_stats import well_predicted
from sequoia_stats.compare import against_sample_size, downsample
from sequoia_stats.errors import InputError
from tests.build.cohorts import make_predictions, make_selection

# --- sample size ---------------------------------------------------------------------------------------------------


def test_levels_have_their_samples_and_genes():
    data = make_predictions(n=60, genes=20, cohorts=3)
    result = against_sample_size(data, "cohort")
    counts = well_predicted(data, by="cohort").table.groupby("cohort")["well_predicted"].sum()
    assert result.table["n"].tolist() == [20, 20, 20]
    assert result.table["n_well_predicted"].tolist() == counts.tolist()


def test_more_genes_with_every_sample_are_perfectly_correlated():
    result = against_sample_size(make_selection([100, 200, 400], [10, 20, 40]), "cancer")
    assert result.pearson == pytest.approx(1) and result.spearman == pytest.approx(1)


def test_a_curve_that_rises_has_rank_correlation_1_only():
    result = against_sample_size(make_selection([100, 200, 300, 400], [1, 2, 3, 90]), "cancer")
    assert result.spearman == pytest.approx(1) and result.pearson < 0.9


def test_two_levels_have_no_correlation():
    result = against_sample_size(make_selection([100, 200], [10, 20]), "cancer")
    assert np.isnan([result.spearman, result.spearman_p, result.pearson, result.pearson_p]).all()


def test_a_selection_by_other_levels_is_refused():
    with pytest.raises(InputError, match="levels of cancer, not by cohort"):
        against_sample_size(make_selection([100, 200], [10, 20]), "cohort")


# --- fewer patients ------------------------------------------------------------------------------------------------


def test_a_fraction_takes_that_many_patients_with_all_their_slides():
    table = downsample(make_predictions(n=50, slides=2), repeats=2).table
    drawn = table[table["repeat"] == 1]
    assert drawn["n_patients"].tolist() == [10, 15, 20]
    assert drawn["n"].tolist() == [20, 30, 40]


def test_all_patients_are_beside_the_draws():
    data = make_predictions(n=50)
    whole = downsample(data, repeats=2).table.query("fraction == 1")
    assert whole["n_well_predicted"].tolist() == [well_predicted(data).well_predicted.sum()]


def test_the_summary_is_that_of_the_draws():
    result = downsample(make_predictions(n=50, genes=60), [0.3], repeats=5)
    drawn = result.table.query("fraction == 0.3")["n_well_predicted"]
    row = result.summary.iloc[0]
    assert (row["lowest"], row["median"], row["highest"]) == (drawn.min(), drawn.median(), drawn.max())


def test_the_seed_decides_and_more_fractions_change_no_draw():
    data = make_predictions(n=50, genes=80)
    one, more = (downsample(data, part, repeats=3, seed=4).table for part in ([0.4], [0.2, 0.4]))
    other = downsample(data, [0.4], repeats=3, seed=5).table
    assert one["n_well_predicted"].tolist() == more.query("fraction != 0.2")["n_well_predicted"].tolist()
    assert one["n_well_predicted"].tolist() != other["n_well_predicted"].tolist()


def test_levels_are_drawn_from_apart():
    table = downsample(make_predictions(n=80, cohorts=2), [0.2], repeats=2, by="cohort").table
    assert table["level"].tolist() == ["A", "A", "A", "B", "B", "B"]
    assert table["n_patients"].tolist() == [8, 8, 40, 8, 8, 40]


@pytest.mark.parametrize(
    ("fractions", "options", "message"),
    [
        ([0.0], {}, "between 0 and 1"),
        ([1.0], {}, "between 0 and 1"),
        ([], {}, "between 0 and 1"),
        ([0.5], {"repeats": 0}, "repeats must be a whole number, 1 or more"),
        ([0.05], {}, "5% of 40 patients is 2"),
    ],
)
def test_draws_that_cannot_be_made_are_refused(fractions, options, message):
    with pytest.raises(InputError, match=message):
        downsample(make_predictions(n=40), fractions, **options)
