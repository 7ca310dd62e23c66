"""Intervals of predicted genes: around every gene of new slides, with their coverage."""

from __future__ import annotations

from dataclasses import replace

import anndata
import numpy as np
import pandas as pd
import pytest

from sequoia_base.conformal import conformal_radius
from sequoia_stats.conformal import gene_coverage, gene_intervals
from sequoia_stats.errors import InputError
from sequoia_stats.types.predictions import Predictions


def make_calibration(n=60, genes=5, seed=0):
    """Out-of-fold predictions of n patients in five folds."""
    drawn = np.random.default_rng(seed)
    predicted = drawn.normal(6, 1, size=(n, genes))
    obs = pd.DataFrame(
        {
            "patient_id": [f"P{i}" for i in range(n)],
            "fold": np.arange(n) % 5,
            "site": np.repeat(["A", "B"], n // 2),
        },
        index=[f"S{i}" for i in range(n)],
    )
    measured = predicted + drawn.normal(size=(n, genes))
    return Predictions(predicted, measured, obs, pd.Index([f"G{i}" for i in range(genes)]))


def make_new(n=8, genes=("G0", "G1", "G2", "G3", "G4"), seed=1, **obs):
    """Predictions of n new slides."""
    drawn = np.random.default_rng(seed)
    frame = pd.DataFrame({"patient_id": [f"N{i}" for i in range(n)]} | obs, index=[f"T{i}" for i in range(n)])
    x = drawn.normal(6, 1, size=(n, len(genes))).astype(np.float32)
    return anndata.AnnData(x, frame, pd.DataFrame(index=list(genes)))


def with_measured(adata, noise, seed=2):
    adata.layers["measured"] = adata.X + noise * np.random.default_rng(seed).normal(size=adata.shape)
    return adata


def test_genes_are_matched_by_name_and_one_without_calibration_has_the_whole_line():
    known, new = make_calibration(), make_new(genes=("G3", "XIST", "G0"))
    found = gene_intervals(known, new)
    radius = conformal_radius(np.abs(known.measured - known.predicted), 0.9)
    np.testing.assert_allclose(
        found.upper[:, [0, 2]] - new.X[:, [0, 2]], np.tile(radius[[3, 0]], (8, 1)), rtol=1e-5
    )
    assert np.isposinf(found.upper[:, 1]).all() and np.isneginf(found.lower[:, 1]).all()
    assert found.summary.n_whole_line == 1 and "XIST" in str(found)


def test_the_printed_form_promises_what_can_be_promised():
    text = str(
        gene_intervals(make_calibration(), make_new(fold=[0, None, None, None, None, None, None, None]))
    )
    assert (
        "7 slides of new patients: promised on average over genes, for patients of the same population"
        in text
    )
    assert "1 slide of cross-validated patients, from the other folds: no guarantee" in text


def test_blocks_of_genes_change_nothing(monkeypatch):
    known, new = make_calibration(), make_new()
    whole = [gene_intervals(known, new, weighted=weighted) for weighted in (False, True)]
    monkeypatch.setattr("sequoia_base.conformal.blocks._VALUES", 120)
    blocks = [gene_intervals(known, new, weighted=weighted) for weighted in (False, True)]
    for one, other in zip(whole, blocks, strict=True):
        np.testing.assert_allclose(one.lower, other.lower, rtol=1e-5)
        np.testing.assert_allclose(one.upper, other.upper, rtol=1e-5)


def test_weights_print_the_effective_number_of_patients():
    found = gene_intervals(make_calibration(), make_new(), weighted=True)
    assert 1 < found.summary.effective_patients <= 60
    assert f"{found.summary.effective_patients:.1f} effective under weights" in str(found)


def test_within_a_column_of_both():
    known = make_calibration()
    found = gene_intervals(known, make_new(site=["A", "B"] * 4), within="site")
    residuals = np.abs(known.measured - known.predicted)
    width = (found.upper - found.lower)[:2] / 2
    np.testing.assert_allclose(
        width, [conformal_radius(residuals[:30], 0.9), conformal_radius(residuals[30:], 0.9)], rtol=1e-4
    )


def test_cv_plus_takes_the_predictions_of_each_network():
    known, new = make_calibration(), make_new()
    by_network = {fold: new.X + 0.1 * fold for fold in range(5)}
    found = gene_intervals(known, new, method="cv+", by_network=by_network)
    plain = gene_intervals(known, new)
    middle = (found.upper + found.lower) / 2 - new.X
    assert abs(middle.mean() - 0.2) < 0.05
    assert (found.upper - found.lower > 0.8 * (plain.upper - plain.lower)).all()


def test_coverage_of_measured_slides_is_counted():
    found = gene_intervals(make_calibration(), with_measured(make_new(200), 1.0)).summary.coverage
    assert found.n_patients == 200 and found.n_genes == 5
    assert found.mean == pytest.approx(0.9, abs=0.06)
    assert gene_intervals(make_calibration(), with_measured(make_new(200), 3.0)).summary.coverage.mean < 0.6


def test_patients_with_several_slides_count_once_in_the_coverage():
    new = with_measured(make_new(6, patient_id=["N0"] * 5 + ["N1"]), 0.0)
    new.layers["measured"][5] += 100
    assert gene_intervals(make_calibration(), new).summary.coverage.mean == pytest.approx(0.5)


def test_cross_validated_patients_are_not_in_the_coverage():
    new = with_measured(make_new(6, patient_id=["P0", "P1", "P2", "N0", "N1", "N2"]), 0.0)
    new.layers["measured"][:3] += 100
    assert gene_intervals(make_calibration(), new).summary.coverage.mean == 1


def test_layers_are_read_back_and_their_coverage_is_the_same():
    new = with_measured(make_new(200), 1.0)
    found = gene_intervals(make_calibration(), new)
    again = gene_coverage(Predictions.from_adata(found.add_to(new)))
    assert again.level == 0.9
    assert again.mean == found.summary.coverage.mean
    np.testing.assert_array_equal(again.genes, found.summary.coverage.genes)


def test_intervals_follow_the_rows_of_predictions():
    new = with_measured(make_new(20), 1.0)
    read = Predictions.from_adata(gene_intervals(make_calibration(), new).add_to(new))
    np.testing.assert_array_equal(read.rows([3, 1, 0, 7]).intervals.upper, read.intervals.upper[[3, 1, 0, 7]])
    again = Predictions.from_adata(read.adata)
    np.testing.assert_array_equal(again.intervals.lower, read.intervals.lower)
    assert read.per_patient().intervals.lower.shape == (20, 5)


def test_bounds_without_a_level_are_refused():
    new = with_measured(make_new(20), 1.0)
    adata = gene_intervals(make_calibration(), new).add_to(new)
    del adata.uns["intervals"]
    with pytest.raises(InputError, match="nothing states the level"):
        Predictions.from_adata(adata)


def test_predictions_without_intervals_have_no_coverage():
    with pytest.raises(InputError, match="have no intervals"):
        gene_coverage(make_calibration())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"level": 90}, "level must be a number between 0 and 1"),
        ({"method": "jackknife"}, "'jackknife' is not a valid method"),
        ({"within": "grade"}, "have no column 'grade'"),
        ({"method": "cv+"}, "cv\\+ needs the network"),
        ({"by_network": {0: np.ones((3, 3))}}, "the predictions of fold 0 have the shape"),
    ],
)
def test_options_that_cannot_be_used_are_refused(options, words):
    with pytest.raises(InputError, match=words):
        gene_intervals(make_calibration(), make_new(), **options)


def test_if_every_gene_is_measured_in_too_few_patients_nothing_is_returned():
    known = make_calibration()
    measured = known.measured.copy()
    measured[:55] = np.nan
    with pytest.raises(InputError, match="with 5 calibration patients every interval"):
        gene_intervals(replace(known, measured=measured), make_new())
