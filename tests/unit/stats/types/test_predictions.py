"""Predictions: what the type refuses, its levels, its patients, and its conversion to AnnData and back."""

from __future__ import annotations

from dataclasses import replace

import anndata
import numpy as np
import pandas as pd
import pytest

from sequoia_stats import as_predictions
from sequoia_stats.errors import InputError
from sequoia_stats.types.predictions import Predictions
from tests.build.cohorts import make_predictions


def changed(predictions, **fields):
    """The same predictions with other arguments."""
    given = {name: getattr(predictions, name) for name in Predictions.__dataclass_fields__}
    return Predictions(**given | fields)


def filled(matrix, value, at=(3, 1)):
    """A copy of a matrix with one changed value."""
    matrix = matrix.copy()
    matrix[at] = value
    return matrix


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_matrices_are_kept_as_they_are(dtype):
    made = make_predictions(dtype=dtype)
    again = changed(made)
    assert again.predicted is made.predicted and again.measured is made.measured
    assert again.untrained[0] is made.untrained[0]


def test_whole_numbers_become_float64():
    made = make_predictions()
    assert changed(made, predicted=made.predicted.round().astype(np.int16)).predicted.dtype == np.float64


def test_a_missing_measurement_is_allowed():
    made = make_predictions()
    assert np.isnan(changed(made, measured=filled(made.measured, np.nan)).measured[3, 1])


REFUSED = {
    "NaN in the predictions": (
        lambda p: {"predicted": filled(p.predicted, np.nan)},
        ["1 value is NaN or infinite", "made, predicted", "slide P4, gene G2"],
    ),
    "an infinite prediction": (
        lambda p: {"predicted": filled(p.predicted, -np.inf)},
        ["1 value is NaN or infinite", "slide P4, gene G2"],
    ),
    "NaN in an untrained network": (
        lambda p: {"untrained": (p.untrained[0], filled(p.untrained[0], np.nan))},
        ["1 value is NaN or infinite", "untrained 1", "slide P4, gene G2"],
    ),
    "an infinite measurement beside a missing one": (
        lambda p: {"measured": filled(filled(p.measured, np.nan, (0, 0)), np.inf)},
        ["1 value is infinite", "made, measured", "slide P4, gene G2"],
    ),
    "a shape of its own": (
        lambda p: {"measured": p.measured[:, 1:]},
        ["measured has the shape 40 × 11", "40 slides × 12 genes"],
    ),
    "one axis": (
        lambda p: {"measured": p.measured[0]},
        ["slides × genes is needed, not an array with 1 axis"],
    ),
    "texts": (lambda p: {"predicted": p.predicted.astype(object).astype(str) + "x"}, ["not numbers"]),
    "a gene twice": (
        lambda p: {"genes": ["G1", "G1", *p.genes[2:]]},
        ["1 gene name is duplicated: G1"],
    ),
    "a date for a gene": (
        lambda p: {"genes": ["1-Mar", *p.genes[1:]]},
        ["1 gene name is a date", "1-Mar (gene 1, MARCHF1)"],
    ),
    "a slide twice": (
        lambda p: {"obs": p.obs.set_axis(["P1", *p.obs.index[:-1]], axis=0)},
        ["1 slide name is duplicated: P1"],
    ),
    "a slide of nobody": (
        lambda p: {"obs": p.obs.assign(patient_id=[None, *p.obs["patient_id"][1:]])},
        ["1 slide has no patient_id", "P1"],
    ),
    "constant predictions": (
        lambda p: {"predicted": np.ones_like(p.predicted)},
        ["all 12 genes are constant (predicted)"],
    ),
    "nothing measured": (
        lambda p: {"measured": np.full_like(p.measured, np.nan)},
        ["all 12 genes are constant (measured)"],
    ),
    "no gene that varies in both": (
        lambda p: {
            "predicted": np.where(np.arange(12) < 6, p.predicted, 1.0),
            "measured": np.where(np.arange(12) < 6, 1.0, p.measured),
        },
        ["all 12 genes are constant (predicted or measured)"],
    ),
}


@pytest.mark.parametrize(("change", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_judged_is_refused(change, words):
    made = make_predictions()
    with pytest.raises(InputError) as caught:
        changed(made, **change(made))
    assert [word for word in words if word not in str(caught.value)] == []


def test_three_slides_are_too_few():
    with pytest.raises(InputError, match="3 slides are too few"):
        make_predictions().rows([0, 1, 2])


def test_one_constant_gene_is_accepted():
    made = make_predictions()
    assert changed(made, predicted=np.where(np.arange(12) == 0, 1.0, made.predicted)).n == 40


def test_slides_without_patients_are_patients_and_the_ledger_says_so():
    made = make_predictions()
    alone = changed(made, obs=made.obs.drop(columns="patient_id"))
    assert list(alone.patients) == list(alone.obs.index)
    assert alone.flow["reason"].tolist() == ["no patient_id: every slide counts as its own patient"]


# --- patients and levels -------------------------------------------------------------------------------------------


def test_the_slides_of_a_patient_are_averaged():
    made = make_predictions(n=10, slides=3, n_untrained=2)
    patients = made.per_patient()
    assert list(patients.obs.index) == [f"P{i + 1}" for i in range(10)]
    np.testing.assert_allclose(patients.predicted[4], made.predicted[12:15].mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(patients.untrained[1][4], made.untrained[1][12:15].mean(axis=0), rtol=1e-12)


def test_a_missing_measurement_does_not_count_in_the_mean_of_a_patient():
    made = make_predictions(n=10, slides=2)
    measured = made.measured.copy()
    measured[0, 0], measured[[2, 3], 0] = np.nan, np.nan
    patients = changed(made, measured=measured).per_patient()
    assert patients.measured[0, 0] == measured[1, 0]
    assert np.isnan(patients.measured[1, 0])


def test_what_slides_of_a_patient_do_not_share_is_missing_for_the_patient():
    made = make_predictions(n=10, slides=2, cohorts=2)
    fold = made.obs["fold"].to_numpy().copy()
    fold[0] = 4
    patients = changed(made, obs=made.obs.assign(fold=fold)).per_patient()
    assert np.isnan(patients.obs["fold"].iloc[0]) and patients.obs["fold"].iloc[1] == 1
    assert list(patients.obs["cohort"]) == ["A", "B"] * 5


def test_a_patient_with_one_slide_has_its_values():
    made = make_predictions(n=10, slides=2, dtype=np.float32).rows([5, 0, 2, 1, 7, 8, 9])
    patients = made.per_patient()
    assert list(patients.obs.index) == ["P3", "P1", "P2", "P4", "P5"]
    np.testing.assert_array_equal(patients.predicted[[0, 2, 3]], made.predicted[[0, 2, 4]])
    np.testing.assert_allclose(patients.predicted[1], made.predicted[[1, 3]].mean(axis=0), rtol=1e-6)


def test_averaging_is_counted_in_the_ledger():
    step = make_predictions(n=10, slides=2).per_patient().flow.iloc[-1]
    assert (step["n_before"], step["n_after"]) == (20, 10)
    assert "10 patients have several" in step["reason"]


def test_one_slide_a_patient_is_left_alone():
    made = make_predictions()
    patients = made.per_patient()
    assert patients.predicted is made.predicted and patients.flow.empty


def test_three_patients_with_many_slides_are_too_few():
    with pytest.raises(InputError, match="3 patients are too few"):
        make_predictions(n=3, slides=4).per_patient()


def test_levels_come_in_the_order_of_their_names_with_their_slides():
    made = make_predictions(cohorts=3).rows(np.arange(40)[::-1])
    levels = dict(made.groups("cohort"))
    assert list(levels) == ["A", "B", "C"]
    assert sum(part.n for part in levels.values()) == 40
    assert set(levels["B"].obs["cohort"]) == {"B"}


def test_without_a_column_there_is_one_level():
    made = make_predictions()
    assert list(made.groups(None)) == [("made", made)]


def test_a_column_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(InputError, match=r"no column 'tumour'(?s:.*)patient_id, fold, cohort"):
        list(make_predictions().groups("tumour"))


@pytest.mark.parametrize("hole", [None, np.nan, "", " "])
def test_a_column_with_holes_is_refused_and_counted(hole):
    made = make_predictions()
    obs = made.obs.assign(cohort=[hole, hole, *made.obs["cohort"][2:]])
    with pytest.raises(InputError, match=r"2 of 40 slides have no cohort(?s:.*)P1, P2"):
        list(changed(made, obs=obs).groups("cohort"))


def test_a_level_of_three_slides_is_refused_by_its_name():
    made = make_predictions()
    obs = made.obs.assign(cohort=["rare"] * 3 + ["common"] * 37)
    with pytest.raises(InputError, match=r"3 slides are too few(?s:.*)made, cohort rare"):
        list(changed(made, obs=obs).groups("cohort"))


# --- AnnData -------------------------------------------------------------------------------------------------------


def test_predictions_survive_a_file(tmp_path):
    made = make_predictions(n=10, slides=2, n_untrained=3, cohorts=2, dtype=np.float32).per_patient()
    made.adata.write_h5ad(tmp_path / "p.h5ad")
    again = as_predictions(anndata.read_h5ad(tmp_path / "p.h5ad"))
    for before, after in zip(
        (made.predicted, made.measured, *made.untrained),
        (again.predicted, again.measured, *again.untrained),
        strict=True,
    ):
        np.testing.assert_array_equal(before, after)
        assert after.dtype == np.float32
    pd.testing.assert_frame_equal(again.obs, made.obs)
    pd.testing.assert_frame_equal(again.flow, made.flow, check_dtype=False)
    assert (again.name, again.note, list(again.genes)) == (made.name, made.note, list(made.genes))


def test_predictions_are_accepted_as_they_are():
    made = make_predictions()
    assert as_predictions(made) is made


def test_untrained_networks_come_in_the_order_of_their_numbers():
    adata = make_predictions(n_untrained=1).adata
    for i in (10, 2):
        adata.layers[f"untrained_{i}"] = np.full(adata.shape, float(i))
    assert [m[0, 0] for m in as_predictions(adata).untrained[1:]] == [2.0, 10.0]


def test_a_layer_with_a_name_like_untrained_is_left_out_and_counted():
    adata = make_predictions(n_untrained=1).adata
    adata.layers["untrained_std"] = np.ones(adata.shape)
    found = as_predictions(adata)
    assert len(found.untrained) == 1
    assert found.flow[["n_before", "n_after"]].values.tolist() == [[2, 1]]
    assert "untrained_std" in found.flow["reason"].iloc[0]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda a: a.layers.pop("measured"), "the layer 'measured' is missing"),
        (lambda a: setattr(a, "X", None), "no X"),
    ],
)
def test_anndata_without_predictions_or_measurements_is_refused(spoil, words):
    adata = make_predictions().adata
    spoil(adata)
    with pytest.raises(InputError, match=words):
        as_predictions(adata)


def test_it_says_what_it_holds():
    assert (
        repr(make_predictions(n=10, slides=2, n_untrained=3))
        == "<Predictions made: 20 slides of 10 patients × 12 genes, 3 untrained networks>"
    )


def test_nullable_folds_read_as_numbers_with_gaps():
    adata = make_predictions().adata
    adata.obs["fold"] = pd.array([0, None] + [1] * (adata.n_obs - 2), dtype="Int64")
    fold = Predictions.from_adata(adata).obs["fold"]
    assert fold.tolist()[2:] == [1] * (adata.n_obs - 2)
    assert np.isnan(fold.iloc[1])


def test_shapes_are_compared_before_names_of_genes_are_judged():
    made = make_predictions(n=10, genes=4)
    with pytest.raises(InputError, match="there are 10 slides × 3 genes"):
        replace(made, genes=pd.Index(["G1", "G1", "1-Mar"]))


def test_genes_that_no_slide_has_measured_are_left_out_and_counted():
    adata = make_predictions().adata
    genes = list(adata.var_names)
    adata.layers["measured"][:, 1] = np.nan
    adata.layers["measured"][0, 2] = np.nan
    read = as_predictions(adata)
    assert list(read.genes) == [genes[0], *genes[2:]]
    np.testing.assert_array_equal(read.predicted, np.delete(adata.X, 1, axis=1))
    np.testing.assert_array_equal(read.untrained[0], np.delete(adata.layers["untrained"], 1, axis=1))
    line = read.flow.iloc[-1]
    assert (line["step"], line["n_before"], line["n_after"]) == (
        "genes: measured",
        len(genes),
        len(genes) - 1,
    )
    assert genes[1] in line["reason"]


def test_predictions_without_any_measurement_are_still_an_error():
    adata = make_predictions().adata
    adata.layers["measured"][:] = np.nan
    with pytest.raises(InputError):
        as_predictions(adata)


@pytest.mark.parametrize(
    ("columns", "ensemble", "by"),
    [
        ({}, "held-out", "held-out"),
        ({}, "", "held-out"),
        ({"fold": np.nan}, "held-out", "ensemble"),
        ({"fold": np.nan, "n_folds": 1}, "all", "one network"),
        ({"fold": [0.0] * 20 + [np.nan] * 20}, "held-out", "both"),
        ({"fold": np.nan}, "", ""),
    ],
)
def test_predictions_tell_which_networks_made_them(columns, ensemble, by):
    made = make_predictions(n=40)
    data = replace(made, obs=made.obs.assign(**columns), ensemble=ensemble)
    assert data.predicted_by == by
    assert Predictions.from_adata(data.adata).ensemble == ensemble
