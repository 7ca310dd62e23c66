"""What the scripts of analyses/ pass on to each other."""

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from sequoia_stats import well_predicted
from sequoia_stats.errors import InputError
from tests.build.cohorts import make_predictions
from tests.build.results import SETTINGS, make_sets, scripts_of_analyses

with scripts_of_analyses():
    import _selections
    import draw_genes
    import fig3_pathways


def make_selection(rule="paper", **changes):
    return well_predicted(make_predictions(n=60, genes=30, n_untrained=2, **changes), rule=rule, by="cohort")


@pytest.mark.parametrize("rule", ["paper", "strict"])
def test_a_selection_on_disk_loses_nothing(tmp_path, rule):
    selection = make_selection(rule, slides=2)
    selection.table.loc[0, "gene"] = "NA"
    _selections.save_selection(selection, tmp_path, "one")
    loaded = _selections.load_selection(tmp_path, rule, "one")
    assert_frame_equal(loaded.table, selection.table, check_exact=True)
    assert_frame_equal(loaded.counts, selection.counts)
    assert (loaded.notes, loaded.by, str(loaded)) == (selection.notes, "cohort", str(selection))


def test_rules_are_compared_gene_by_gene():
    selections = {rule: {"one": make_selection(rule, accuracy=0.35)} for rule in ("paper", "strict")}
    paper, strict = (one["one"].well_predicted for one in selections.values())
    row = draw_genes.differences(selections).iloc[0]
    assert (row["both"], row["only_a"], row["only_b"]) == (
        (paper & strict).sum(),
        (paper & ~strict).sum(),
        (strict & ~paper).sum(),
    )
    assert row["only_a"] > 0


def test_a_cohort_without_well_predicted_genes_shares_none():
    found, none = make_selection(accuracy=0.9), make_selection(accuracy=-0.9)
    assert draw_genes.shared({"one": found, "two": none}).empty


def test_sets_that_are_not_tested_in_every_cohort_are_counted_not_merged():
    rows = [("one", "A", 0.01), ("one", "B", 0.01), ("two", "A", 0.5)]
    table = pd.DataFrame(rows, columns=["list", "set", "p_bh"]).assign(p=0.001)
    sets = make_sets()[0]
    about = fig3_pathways.describe(table, pd.DataFrame({"group": [1]}), sets, SETTINGS)
    assert (about["sets_enriched"], about["sets_not_tested_everywhere"]) == (2, 1)
    assert fig3_pathways.enriched_sets(table) & fig3_pathways.tested_everywhere(table) == {"A"}


def test_pathways_without_any_well_predicted_gene_are_refused(tmp_path):
    _selections.save_selection(make_selection(accuracy=-0.9), tmp_path, "one")
    with pytest.raises(InputError, match="no cohort has a gene that is well predicted by the rule paper"):
        fig3_pathways.selections_of(tmp_path, ["one"], "paper")
