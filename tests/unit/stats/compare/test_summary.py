import dataclasses

import numpy as np

from sequoia_stats import compare_models
from sequoia_stats.compare import by_subgroup, comparison_summary
from tests.build.cohorts import make_predictions
from tests.unit.stats.compare.test_cohorts import make_cohorts


def test_the_numbers_of_the_sentences_are_those_of_the_tables():
    comparison = compare_models(make_cohorts(["a", "b", "c"]))
    text = comparison_summary(comparison)
    row = comparison.overlaps.iloc[-1]
    assert (
        f"- a & b & c: {row['overlap']} shared of {' and '.join(row['sizes'].split(';'))}, among 40 genes"
        in text
    )
    n, everywhere = len(comparison.validated), comparison.validated["in_all"].sum()
    assert f"lists {n} genes well predicted in two or more cohorts, {everywhere} of them in all 3" in text
    model = comparison.models.iloc[1]
    assert f"- b: 60 slides, {model['n_well_predicted']} of 40 genes well predicted by the rule paper" in text


def test_models_have_no_sentence_on_cohorts():
    made = make_predictions()
    text = comparison_summary(compare_models({"a": made, "b": made}))
    assert text.startswith("# Models compared: a, b\n\nAll are judged by the rule paper: r>0, p<0.05, ")
    assert "cohort" not in text
    assert "on the same samples 0 genes are better in a, 0 in b" in text


def test_a_mixed_comparison_says_which_models_are_of_one_cohort():
    cohorts = make_cohorts(["net", "ext"])
    text = comparison_summary(compare_models(cohorts | {"ridge": cohorts["net"]}))
    assert text.startswith("# Models and cohorts compared: net, ext, ridge\n")
    assert "in both cohorts (files that share patients count as one: net and ridge; ext)" in text


def test_p_is_never_zero():
    accuracy = [0.95] * 1400 + [0.0] * 1400
    cohorts = make_cohorts(accuracy=accuracy, n=30)
    comparison = compare_models(cohorts, rule="strict")
    assert comparison.overlaps["p"].iloc[0] == 0
    assert "p < 1e-307" in comparison_summary(comparison) and "p = 0\n" not in comparison_summary(comparison)


def test_many_levels_are_cut_and_counted():
    made = make_predictions(n=80, cohorts=15)
    text = comparison_summary(compare_models({"a": made, "b": made}, by="cohort"))
    assert text.count("have 12 genes in common") == 12 and "- 3 more are in the tables" in text


def test_subgroups_have_a_section_and_their_notes():
    made = make_predictions()
    data = dataclasses.replace(made, obs=made.obs.assign(er=np.array(["pos", "neg", "pos", None] * 10)))
    judged = {"a": by_subgroup(data, "er")}
    text = comparison_summary(compare_models({"a": data, "b": made}), judged)
    assert "## a, by er\n\n- all: 30 slides of 30 patients" in text
    assert "- made: 10 of 40 slides left out because er is missing" in text
