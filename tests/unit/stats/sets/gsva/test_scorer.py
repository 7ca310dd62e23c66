"""The input of GSVA and its notes: sets, samples, losses, a frozen reference."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest

from sequoia_stats.errors import InputError
from sequoia_stats.io import write_cohort
from sequoia_stats.sets.collections import GeneSets, load
from sequoia_stats.sets.gsva import Gsva
from tests.build.cohorts import make_cohort
from tests.build.gsva import SETS, make_counts, make_table


def with_value(value, sample="S3", gene="G4"):
    table = make_table()
    table.loc[sample, gene] = value
    return table


def reasons(flow):
    return dict(zip(flow["step"], flow["reason"], strict=True))


# --- sets ----------------------------------------------------------------------------------------------------------


def test_a_column_per_set_in_their_order_and_a_row_per_sample():
    scores = Gsva(SETS).fit_transform(make_table())
    assert list(scores.columns) == ["one", "few", "many"]
    assert (list(scores.index[:2]), scores.index.name) == (["S1", "S2"], "sample_id")


def test_a_gene_counts_once_in_a_set():
    twice = Gsva({"set": ["G1", "G4", "G1", "G5"]}).fit_transform(make_table())
    once = Gsva({"set": ["G1", "G4", "G5"]}).fit_transform(make_table())
    pd.testing.assert_frame_equal(twice, once, check_exact=True)


def test_sizes_are_those_among_the_ranked_genes():
    sets = {"a": ["G1", "G2", "X"], "b": ["G1", "G2", "G3"], "c": ["G1", "G2", "G3", "G4"]}
    model = Gsva(sets, min_size=3, max_size=3)
    assert list(model.fit_transform(make_table())) == ["b"]
    assert "1 with fewer than 3 genes in the universe, 1 with more than 3" in model.flow_["reason"].iloc[-1]


def test_sets_come_from_bundles_files_and_several_of_them(tmp_path):
    (tmp_path / "own.gmt").write_text("MINE\t\tGREB1\tGATA3\n")
    table = make_table(genes=3).set_axis(["GREB1", "GATA3", "KRT5"], axis=1)
    scores = Gsva(["hallmark", tmp_path / "own.gmt"]).fit_transform(table)
    assert list(scores)[-1] == "MINE"
    assert "HALLMARK_ESTROGEN_RESPONSE_EARLY" in scores


def test_sets_of_one_name_in_two_collections_are_refused():
    two = [GeneSets("a", {"S": ("G1",)}), GeneSets("b", {"S": ("G2",)})]
    with pytest.raises(InputError, match="1 set is in two collections: S"):
        Gsva(two).fit(make_table())


def test_former_names_are_counted_and_used_when_requested():
    table = make_table(genes=3).set_axis(["NDC80", "G2", "G3"], axis=1)
    model = Gsva({"set": ["KNTC2", "G2"]})
    strict = model.fit_transform(table)
    assert "1 more would be found under a former name (KNTC2 → NDC80)" in model.flow_["reason"].iloc[0]
    assert not strict.equals(Gsva({"set": ["KNTC2", "G2"]}, aliases=True).fit_transform(table))


def test_a_set_of_every_gene_is_reported():
    model = Gsva({"all": [f"G{j}" for j in range(1, 21)]}).fit(make_table())
    assert reasons(model.flow_)["sets: of every gene"].startswith(
        "1 with every gene, whose score is always 1: all"
    )


def test_the_notice_of_a_collection_goes_with_its_scores():
    kegg = load("kegg")
    table = make_table().set_axis(kegg.genes[:20], axis=1)
    assert "Kanehisa" in Gsva("kegg").fit(table).sets_.notice


# --- samples and genes ---------------------------------------------------------------------------------------------


def test_constant_genes_are_dropped_and_counted():
    table = make_table().assign(G5=1.0, G7=0.1)
    model = Gsva(SETS)
    scores = model.fit_transform(table)
    pd.testing.assert_frame_equal(scores, Gsva(SETS).fit_transform(table.drop(columns=["G5", "G7"])))
    assert model.flow_.iloc[0].tolist() == ["genes: that vary", 20, 18, "constant over the samples: G5, G7"]
    assert scores.attrs["genes"] == 18


def test_columns_of_one_name_are_averaged_and_counted():
    table = pd.concat([make_table(), make_table(genes=1, seed=4)], axis=1)
    model = Gsva(SETS)
    averaged = make_table().assign(G1=(table["G1"].sum(axis=1)) / 2)
    pd.testing.assert_frame_equal(model.fit_transform(table), Gsva(SETS).fit_transform(averaged))
    assert "1 symbol was duplicated" in reasons(model.flow_)["genes: one column each"]


def test_a_missing_value_in_one_of_two_columns_is_an_error_too():
    table = pd.concat([make_table(), make_table(genes=1, seed=4)], axis=1)
    table.iloc[2, -1] = np.nan
    with pytest.raises(InputError, match="1 value missing or infinite"):
        Gsva(SETS).fit(table)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused_with_sample_and_gene(value):
    with pytest.raises(InputError, match="first in sample S3, gene G4"):
        Gsva(SETS).fit(with_value(value))


def test_infinities_that_cancel_are_refused():
    table = with_value(np.inf)
    table.loc["S5", "G9"] = -np.inf
    with pytest.raises(InputError, match="2 values missing or infinite"):
        Gsva(SETS).fit(table)


def test_values_are_taken_as_they_are_from_every_kind_of_source(tmp_path):
    cohort = make_cohort(n=12, events=5, genes=10)
    write_cohort(cohort, tmp_path / "c.h5ad")
    want = Gsva(SETS).fit_transform(cohort.expression)
    for source in (cohort, cohort.adata, tmp_path / "c.h5ad"):
        pd.testing.assert_frame_equal(Gsva(SETS).fit_transform(source), want, check_exact=True)


def test_slides_of_a_patient_stay_apart():
    table = make_table(n=6)
    obs = pd.DataFrame({"patient_id": ["P1", "P1", "P2", "P2", "P3", "P3"]}, table.index)
    scores = Gsva(SETS).fit_transform(
        anndata.AnnData(table.to_numpy(), obs, pd.DataFrame(index=table.columns))
    )
    pd.testing.assert_frame_equal(scores, Gsva(SETS).fit_transform(table), check_exact=True)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (make_table(n=3), "3 samples given"),
        (make_table() * 0, "0 of 20 genes vary"),
        (make_table().iloc[:, :0], "0 of 0 genes vary"),
        (make_table(genes=2).assign(G2=1), "1 of 2 genes vary"),
        (make_table().T, "the samples have names of genes"),
        (make_table().rename(columns={"G2": "1-Mar"}), r"1-Mar \(gene 2, MARCHF1\)"),
        (make_table().set_axis(["S1"] * 12, axis=0), "1 sample name is duplicated"),
        (make_table().assign(G4="high"), "values that are not numbers"),
        (make_table().add_prefix("ENSG"), "no gene of sets .4 sets."),
    ],
)
def test_tables_that_cannot_be_scored_are_refused(table, words):
    with pytest.raises(InputError, match=words):
        Gsva(SETS).fit_transform(table)


def test_counts_may_not_be_negative():
    with pytest.raises(InputError, match="negative values found, but kcdf poisson is for counts"):
        Gsva(SETS, kcdf="poisson").fit(make_table())


def test_counts_that_are_not_whole_are_counted():
    model = Gsva(SETS, kcdf="poisson").fit(make_counts().astype(float).replace(0, 0.5) + 0.25)
    assert reasons(model.flow_)["values: counts"].startswith("240 counts not whole")


# --- choices -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"kcdf": "Gauss"}, r"'Gauss' is not a valid kcdf\n  fix: use gaussian, poisson, none"),
        ({"kernel": "fast"}, r"'fast' is not a valid kernel\n  fix: use table, exact"),
        ({"engine": "python"}, r"'python' is not a valid engine\n  fix: use native, gseapy, r"),
        ({"tau": -1}, "tau must be 0 or more, but is -1"),
        ({"tau": np.nan}, "but is nan"),
        ({"min_size": 0}, "min_size must be a whole number, 1 or more"),
        ({"min_size": 5, "max_size": 4}, "no set can have 5 to 4 genes"),
        ({"engine": "r", "kernel": "exact"}, "the engine r has no exact kernel"),
        ({"kcdf": "none", "kernel": "exact"}, "kcdf none has no exact kernel, only gaussian has"),
        ({"kcdf": "poisson", "kernel": "exact"}, "kcdf poisson has no exact kernel"),
        ({"min_size": 7}, "no set of allowed size"),
        ({"jobs": 0}, "jobs must be a whole number, 1 or more"),
    ],
)
def test_choices_that_there_are_not_are_refused(options, words):
    with pytest.raises(InputError, match=words):
        Gsva(SETS, **options).fit_transform(make_table())


def test_words_are_refused_before_files_are_read():
    with pytest.raises(InputError, match="not a valid kcdf"):
        Gsva("nowhere.gmt", kcdf="x").fit("nowhere.csv")


# --- frozen --------------------------------------------------------------------------------------------------------


def test_a_new_sample_is_scored_without_the_others():
    model, new = Gsva(SETS).fit(make_table()), make_table(n=5, seed=3)
    together = model.transform(new)
    pd.testing.assert_frame_equal(model.transform(new.iloc[[4]]), together.iloc[[4]], check_exact=True)


def test_genes_are_matched_by_name_and_others_counted():
    model, new = Gsva(SETS).fit(make_table()), make_table(n=3, seed=3)
    more = new.assign(EXTRA=1.0).iloc[:, ::-1]
    scores = model.transform(more)
    pd.testing.assert_frame_equal(scores, model.transform(new), check_exact=True)
    assert scores.attrs["flow"] == [
        ("genes: of the new samples", 21, 20, "the others are not in the reference")
    ]


def test_missing_genes_are_refused_by_name():
    model = Gsva(SETS).fit(make_table())
    with pytest.raises(InputError, match="2 of 20 genes of the reference are missing: G3, G9"):
        model.transform(make_table(n=3).drop(columns=["G3", "G9"]))


def test_dropping_missing_genes_is_a_reference_without_them():
    table, new = make_table(), make_table(n=3, seed=3).drop(columns=["G2", "G9"])
    got = Gsva(SETS).fit(table).transform(new, missing="drop")
    want = Gsva(SETS).fit(table[new.columns]).transform(new)
    pd.testing.assert_frame_equal(got, want, check_exact=True)
    assert got.attrs["flow"][0] == (
        "genes: of the reference", 20, 18, "2 missing from table and left out: G2, G9",
    )  # fmt: skip


def test_a_missing_gene_may_have_a_former_name():
    table = make_table(genes=3).set_axis(["NDC80", "G2", "G3"], axis=1)
    model = Gsva({"set": ["NDC80"]}, aliases=True).fit(table)
    scores = model.transform(table.rename(columns={"NDC80": "KNTC2"}))
    pd.testing.assert_frame_equal(scores, model.transform(table), check_exact=True)


@pytest.mark.parametrize("missing", ["drop", "refuse"])
def test_samples_of_another_kind_are_refused(missing):
    model = Gsva(SETS).fit(make_table())
    with pytest.raises(InputError, match="20 of 20 genes of the reference are missing"):
        model.transform(make_table().add_prefix("x"), missing=missing)


def test_a_new_value_that_is_missing_is_refused_only_where_it_counts():
    model = Gsva(SETS).fit(make_table())
    assert len(model.transform(make_table().assign(EXTRA=np.nan))) == 12
    with pytest.raises(InputError, match="first in sample S3, gene G4"):
        model.transform(with_value(np.nan))


@pytest.mark.parametrize("order", ["C", "F"])
def test_the_training_values_are_a_copy(order):
    made = make_table()
    table = pd.DataFrame(np.array(made, order=order), made.index, made.columns)
    model = Gsva(SETS).fit(table)
    before = model.transform(make_table(n=2, seed=1))
    table.iloc[:, :] = 0
    pd.testing.assert_frame_equal(model.transform(make_table(n=2, seed=1)), before, check_exact=True)


def test_without_a_fit_there_is_nothing_to_score_against():
    with pytest.raises(InputError, match="has not been fitted"):
        Gsva(SETS).transform(make_table())


# --- other engines -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["fit", "save"])
def test_other_engines_have_no_frozen_reference(method, tmp_path):
    model = Gsva(SETS, engine="gseapy")
    model.fit_transform(make_table())
    with pytest.raises(InputError, match="the engine gseapy has no frozen reference"):
        model.fit(make_table()) if method == "fit" else model.save(tmp_path / "r.h5")


@pytest.mark.parametrize(("kcdf", "near"), [("gaussian", 0.05), ("poisson", 0.05), ("none", 0.2)])
def test_gseapy_comes_near_and_orders_ties_in_another_way(kcdf, near):
    table = (make_counts if kcdf == "poisson" else make_table)(n=20, genes=41)
    model = Gsva({"few": SETS["few"], "many": SETS["many"]}, kcdf=kcdf, engine="gseapy")
    theirs = model.fit_transform(table)
    ours = Gsva({"few": SETS["few"], "many": SETS["many"]}, kcdf=kcdf).fit_transform(table)
    assert (theirs.shape, list(theirs), list(theirs.index)) == (ours.shape, list(ours), list(ours.index))
    assert np.abs(theirs - ours).mean().max() < near
    assert set(model.versions_) == {"gseapy"}


def test_the_program_is_named_that_computed_the_scores():
    assert set(Gsva(SETS).fit(make_table()).versions_) == {"sequoia-histology", "numba", "numpy"}


def test_new_samples_may_name_genes_otherwise_than_the_reference_was_fitted():
    """A cohort gets approved symbols when it is converted; the reference may still have the former ones."""
    table = make_table(genes=3).set_axis(["KNTC2", "G2", "G3"], axis=1)
    model, new = Gsva({"set": ["KNTC2"]}).fit(table), table.rename(columns={"KNTC2": "NDC80"})
    with pytest.raises(InputError, match="1 of 3 genes of the reference is missing") as error:
        model.transform(new)
    assert error.value.fix == "--aliases finds them under other names"
    scores = model.transform(new, aliases=True)
    pd.testing.assert_frame_equal(scores, model.transform(table), check_exact=True)
    assert ("genes: under another name", 3, 3, "1 found under an alias") in scores.attrs["flow"]
