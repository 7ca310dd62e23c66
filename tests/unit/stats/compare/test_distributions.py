import pytest

from sequoia_stats import well_predicted
from sequoia_stats.compare import distribution
from sequoia_stats.errors import InputError
from tests.build.cohorts import make_predictions


def test_a_distribution_has_the_best_genes_of_each_model_and_level():
    made = {
        name: make_predictions(n=60, genes=40, cohorts=2, seed=seed) for name, seed in (("A", 0), ("B", 1))
    }
    selections = {name: well_predicted(model, by="cohort") for name, model in made.items()}
    drawn = distribution(selections, top=5)
    best = selections["B"].table.query("cohort == 'A'")["r"].nlargest(5)
    got = drawn.values.query("model == 'B' and level == 'A'")["r"]
    assert got.tolist() == best.tolist()
    assert len(drawn.values) == 20


def test_the_summary_is_of_the_genes_drawn_and_counts_all():
    selection = well_predicted(make_predictions(n=60, genes=40))
    row = distribution(selection, top=5).summary.iloc[0]
    best = selection.table["r"].nlargest(5)
    assert (row["n_genes"], row["n"], row["r_median"]) == (40, 5, best.median())
    assert row["n_well_predicted"] == selection.well_predicted.sum()


def test_without_a_number_all_genes_are_drawn():
    selection = well_predicted(make_predictions(n=60, genes=40))
    assert sorted(distribution(selection).values["r"]) == sorted(selection.table["r"])


def test_no_gene_to_draw_is_refused():
    with pytest.raises(InputError, match="top must be a whole number, 1 or more"):
        distribution(well_predicted(make_predictions(n=60, genes=40)), top=0)
