import dataclasses

import numpy as np
import pandas as pd
import pytest

from sequoia_stats import well_predicted
from sequoia_stats.compare import by_subgroup, overlap
from sequoia_stats.errors import InputError
from tests.build.cohorts import make_predictions


def with_status(predictions, values):
    return dataclasses.replace(predictions, obs=predictions.obs.assign(er=values))


def test_a_subgroup_is_judged_as_if_it_were_alone():
    data = with_status(make_predictions(n=60, genes=20), [1.0, 0.0] * 30)
    result = by_subgroup(data, "er", names={1.0: "ER+", 0.0: "ER-"})
    alone = well_predicted(data.rows(data.obs["er"] == 1))
    pd.testing.assert_frame_equal(result.selections["ER+"].table, alone.table)
    assert result.table["level"].tolist() == ["all", "ER+", "ER-"]
    assert result.table["n_well_predicted"].tolist()[1] == alone.well_predicted.sum()


def test_what_only_differs_between_subgroups_is_predicted_in_all_patients_alone():
    data = make_predictions(n=80, genes=10, accuracy=0.0)
    shift = np.repeat([0.0, 3.0], 40)[:, None]
    data = dataclasses.replace(data, measured=data.measured + shift, predicted=data.predicted + shift)
    result = by_subgroup(with_status(data, ["no"] * 40 + ["yes"] * 40), "er", rule="strict")
    table = result.table.set_index("level")
    assert table.loc["all", "n_well_predicted"] == 10
    assert table.loc[["no", "yes"], "n_well_predicted"].tolist() == [0, 0]


def test_slides_without_a_subgroup_are_left_out_everywhere_and_counted():
    data = with_status(make_predictions(n=60, genes=20), ["a", "b", None] * 20)
    result = by_subgroup(data, "er")
    assert result.table["n"].tolist() == [40, 20, 20]
    assert result.notes[0] == "made: 20 of 60 slides left out because er is missing"


def test_the_genes_that_subgroups_share_are_their_overlap():
    data = with_status(make_predictions(n=80, genes=20, accuracy=0.8), ["a", "b"] * 40)
    result = by_subgroup(data, "er")
    lists = {name: one.gene[one.well_predicted] for name, one in result.selections.items() if name != "all"}
    pd.testing.assert_frame_equal(result.shared, overlap(lists, data.genes))


def test_without_well_predicted_genes_nothing_is_shared():
    data = with_status(make_predictions(n=40, genes=3, accuracy=-0.5), ["a", "b"] * 20)
    assert by_subgroup(data, "er").shared.empty


@pytest.mark.parametrize(
    ("rule", "judged"), [("paper", ["all", "a", "b", "c"]), ("strict", ["all", "a", "b"])]
)
def test_a_subgroup_of_few_units_is_not_judged_and_said(rule, judged):
    data = with_status(make_predictions(n=40, slides=2), [*["a"] * 34, *["b"] * 40, *["c"] * 6])
    result = by_subgroup(data, "er", rule=rule)
    assert result.table["level"].tolist() == judged
    said = "made: subgroups of er with fewer than 4 samples are not judged: c (3)"
    assert (said in result.notes) == (rule == "strict")
    assert all(note.startswith("made") and "all, a" not in note for note in result.notes)


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        (["a"] * 40, {}, r"er does not have two subgroups with 4 samples or more: a \(40\)"),
        (["a", "all"] * 20, {}, "a subgroup is called 'all'"),
        ([1, 2] * 20, {"names": {1: "ER+"}}, "values of er have no name: 2"),
        (["a", *["b"] * 39], {}, r"er does not have two subgroups.*a \(1\), b \(39\)"),
        ([None] * 40, {}, "er is missing for all slides"),
    ],
)
def test_subgroups_that_cannot_be_judged_are_refused(values, options, message):
    with pytest.raises(InputError, match=message):
        by_subgroup(with_status(make_predictions(), values), "er", **options)


def test_a_column_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(InputError, match=r"no column 'er'.*\n.*patient_id"):
        by_subgroup(make_predictions(), "er")


def test_unknown_and_undecided_receptors_are_no_subgroup():
    words = ["Positive", "Negative"] * 12 + ["Unknown", "Equivocal", "NA", "not performed"] * 4
    result = by_subgroup(with_status(make_predictions(n=40), words), "er")
    assert result.table["level"].tolist() == ["all", "Negative", "Positive"]
    assert result.table["n"].tolist() == [24, 12, 12]
    assert "made: 16 of 40 slides left out because er is missing" in result.notes
