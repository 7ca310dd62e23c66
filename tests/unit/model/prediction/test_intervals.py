"""`predict` with intervals: what calibrates them, whom they promise something, and what is refused."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest

from sequoia_base.conformal import IntervalOptions, conformal_radius
from sequoia_model.errors import InputError
from sequoia_model.prediction import predict
from sequoia_model.splits import draw
from sequoia_model.weights.loading import load_weights
from sequoia_stats.conformal import gene_coverage, gene_intervals
from sequoia_stats.types.predictions import Predictions
from tests.build.calibration import write_calibration
from tests.build.features import write_ours
from tests.build.weights import run_folder

TRAINED = tuple(f"P{i:02}" for i in range(30))
NEW = ("N1", "N2", "N3", "N4", "N5")


def calibration(path, patients=TRAINED, folds=None, **layers):
    """Predictions of the patients by the folds that held them out, unless other folds are given."""
    splits = draw(TRAINED, n_folds=3, val=0)
    held = [splits.test_fold(patient) for patient in patients] if folds is None else folds
    return write_calibration(path, patients, held, **layers)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A finished run of three folds, and features of two of its patients and of five new ones."""
    made = tmp_path_factory.mktemp("run")
    run_folder(made / "brca", TRAINED)
    calibration(made / "brca" / "predictions.h5ad")
    for i, slide in enumerate((*TRAINED[:2], *NEW)):
        write_ours(made / "features" / f"{slide}.h5", tiles=120, dim=32, seed=i)
    table = pd.DataFrame({"slide": [*TRAINED, *NEW], "patient_id": [*TRAINED, *NEW]})
    table["site"] = ["H1", "H2"] * 17 + ["H3"]
    table.to_csv(made / "patients.csv", index=False)
    return made


def run(folder, output, weights="brca", **options):
    """`predict` with intervals, and what it wrote."""
    options = {"patients": folder / "patients.csv", "intervals": IntervalOptions()} | options
    return predict([folder / "features"], folder / weights, output=output, **options), anndata.read_h5ad(
        output
    )


def write_measured(path, patients, values):
    obs = pd.DataFrame({"patient_id": list(patients)}, index=list(patients))
    anndata.AnnData(
        values, obs, pd.DataFrame(index=[f"G{i + 1}" for i in range(values.shape[1])])
    ).write_h5ad(path)
    return path


def test_new_patients_get_the_residuals_of_all_folds(tmp_path, folder):
    done, adata = run(folder, tmp_path / "p.h5ad")
    known = anndata.read_h5ad(folder / "brca" / "predictions.h5ad")
    radius = conformal_radius(np.abs(known.layers["measured"] - known.X), 0.9)
    new = adata[list(NEW)]
    np.testing.assert_allclose(new.layers["upper"] - new.X, np.tile(radius, (5, 1)), rtol=1e-4)
    np.testing.assert_allclose(new.X - new.layers["lower"], np.tile(radius, (5, 1)), rtol=1e-4)
    assert done.intervals.n_new == 5


def test_patients_of_the_training_get_the_other_folds_and_no_guarantee(tmp_path, folder):
    done, adata = run(folder, tmp_path / "p.h5ad")
    known = anndata.read_h5ad(folder / "brca" / "predictions.h5ad")
    others = known.obs["fold"] != known.obs.loc["P00", "fold"]
    radius = conformal_radius(np.abs(known.layers["measured"] - known.X)[others], 0.9)
    one = adata["P00"]
    np.testing.assert_allclose((one.layers["upper"] - one.X)[0], radius, rtol=1e-4)
    assert adata.obs["interval"].tolist() == ["new patient"] * 5 + ["no guarantee"] * 2
    assert "2 slides of cross-validated patients, from the other folds: no guarantee" in str(done)


@pytest.mark.parametrize("options", [{}, {"normalised": True}, {"weighted": True}])
def test_both_packages_make_the_same_intervals(tmp_path, folder, options):
    _, adata = run(folder, tmp_path / "p.h5ad", intervals=IntervalOptions(**options))
    known = Predictions.from_adata(anndata.read_h5ad(folder / "brca" / "predictions.h5ad"))
    found = gene_intervals(known, adata, **options)
    np.testing.assert_allclose(found.upper, adata.layers["upper"], rtol=1e-5)
    np.testing.assert_allclose(found.lower, adata.layers["lower"], rtol=1e-5)


def test_the_other_package_reads_the_intervals(tmp_path, folder):
    values = 6 + np.random.default_rng(1).normal(size=(5, 40)).astype(np.float32)
    done, adata = run(folder, tmp_path / "p.h5ad", measured=write_measured(tmp_path / "m.h5ad", NEW, values))
    assert gene_coverage(adata).mean == pytest.approx(done.intervals.coverage.mean)
    assert adata.uns["intervals"]["level"] == 0.9
    assert adata.uns["intervals"]["calibration"] == "predictions.h5ad"


def test_coverage_is_counted_in_new_patients_alone(tmp_path, folder):
    _, adata = run(folder, tmp_path / "p.h5ad")
    inside = np.vstack([adata[list(NEW)].X, adata[list(TRAINED[:2])].X + 100])
    measured = write_measured(tmp_path / "m.h5ad", [*NEW, *TRAINED[:2]], inside)
    done, _ = run(folder, tmp_path / "q.h5ad", measured=measured)
    assert done.intervals.coverage.mean == 1
    assert done.intervals.coverage.n_patients == 5
    assert "coverage of 5 measured patients, 0.9 promised: 1.000 on average over 40 genes" in str(done)


def test_cv_plus_takes_the_network_of_each_residual(tmp_path, folder):
    _, adata = run(folder, tmp_path / "p.h5ad", intervals=IntervalOptions(method="cv+"))
    weights = load_weights(folder / "brca")
    known = Predictions.from_adata(anndata.read_h5ad(folder / "brca" / "predictions.h5ad"))
    single = {}
    for fold in weights.folds:
        predict(
            [folder / "features"],
            folder / "brca" / f"fold_{fold}",
            output=tmp_path / f"{fold}.h5ad",
            ensemble="all",
        )
        single[fold] = anndata.read_h5ad(tmp_path / f"{fold}.h5ad").X
    found = gene_intervals(known, adata, method="cv+", by_network=single)
    np.testing.assert_allclose(found.upper, adata.layers["upper"], rtol=1e-4)
    np.testing.assert_allclose(found.lower, adata.layers["lower"], rtol=1e-4)


def test_batches_change_nothing_with_cv_plus(tmp_path, folder):
    options = IntervalOptions(method="cv+")
    _, one = run(folder, tmp_path / "p.h5ad", intervals=options, batch_size=2)
    _, other = run(folder, tmp_path / "q.h5ad", intervals=options)
    np.testing.assert_allclose(one.layers["upper"], other.layers["upper"], rtol=1e-4)


def test_within_a_column_of_the_table_of_patients(tmp_path, folder):
    done, adata = run(folder, tmp_path / "p.h5ad", intervals=IntervalOptions(within="site"))
    known = anndata.read_h5ad(folder / "brca" / "predictions.h5ad")
    residuals = np.abs(known.layers["measured"] - known.X)
    radius = [
        conformal_radius(residuals[rows], 0.9) for rows in (slice(0, None, 2), slice(1, None, 2), slice(None))
    ]
    new = adata[["N1", "N2", "N5"]]
    np.testing.assert_allclose(new.layers["upper"] - new.X, radius, rtol=1e-4)
    assert "H3 (0 patients)" in str(done)


def test_a_gene_that_the_calibration_lacks_has_the_whole_line(tmp_path, folder):
    known = anndata.read_h5ad(folder / "brca" / "predictions.h5ad")
    known[:, [5, 3, 0, *range(6, 40)]].copy().write_h5ad(tmp_path / "c.h5ad")
    done, adata = run(folder, tmp_path / "p.h5ad", calibration=tmp_path / "c.h5ad")
    _, whole = run(folder, tmp_path / "q.h5ad")
    assert np.isposinf(adata.layers["upper"][:, [1, 2, 4]]).all()
    kept = [0, 3, *range(5, 40)]
    np.testing.assert_array_equal(adata.layers["upper"][:, kept], whole.layers["upper"][:, kept])
    assert "the interval of 3 genes is the whole line in all slides" in str(done) and "G2, G3, G5" in str(
        done
    )


@pytest.mark.parametrize("options", [{}, {"method": "cv+"}, {"normalised": True}, {"weighted": True}])
def test_blocks_of_genes_change_nothing(tmp_path, folder, monkeypatch, options):
    known = anndata.read_h5ad(folder / "brca" / "predictions.h5ad")
    known[:, [5, 3, 0, *range(6, 40)]].copy().write_h5ad(tmp_path / "c.h5ad")
    about = {"intervals": IntervalOptions(**options), "calibration": tmp_path / "c.h5ad"}
    _, whole = run(folder, tmp_path / "p.h5ad", **about)
    monkeypatch.setattr("sequoia_base.conformal.blocks._VALUES", 60)  # two genes a block
    _, blocks = run(folder, tmp_path / "q.h5ad", **about)
    np.testing.assert_allclose(blocks.layers["upper"], whole.layers["upper"], rtol=1e-5)
    np.testing.assert_allclose(blocks.layers["lower"], whole.layers["lower"], rtol=1e-5)


def test_new_patients_alone_can_calibrate(tmp_path, folder):
    people = [f"X{i}" for i in range(20)]
    path = calibration(tmp_path / "c.h5ad", people, folds=[None] * 20)
    done, _ = run(folder, tmp_path / "p.h5ad", calibration=path)
    assert done.intervals.n_patients == 20


def refused(folder, tmp_path, weights="brca", **options):
    """The error of `predict`, which must leave nothing behind."""
    with pytest.raises(InputError) as caught:
        run(folder, tmp_path / "p.h5ad", weights, **options)
    assert not (tmp_path / "p.h5ad").exists()
    return str(caught.value)


def test_a_single_fold_has_no_calibration(tmp_path, folder):
    text = refused(folder, tmp_path, "brca/fold_1")
    assert "single network" in text and "--calibration FILE" in text


def test_weights_without_predictions_have_no_calibration(tmp_path, folder):
    run_folder(tmp_path / "other", TRAINED)
    (tmp_path / "other" / "predictions.h5ad").unlink()
    text = refused(folder, tmp_path, tmp_path / "other")
    assert "there is no predictions.h5ad" in text and "--calibration FILE" in text


def test_too_few_patients_name_their_number_and_the_largest_level(tmp_path, folder):
    path = calibration(tmp_path / "c.h5ad", TRAINED[:8])
    text = refused(folder, tmp_path, calibration=path)
    assert "with 8 calibration patients every interval at level 0.9 is the whole line" in text
    assert "use a level of at most 0.888" in text


def test_genes_measured_in_too_few_patients_leave_no_file(tmp_path, folder):
    measured = np.full((30, 40), np.nan, dtype=np.float32)
    measured[:8] = 1
    path = calibration(tmp_path / "c.h5ad", measured=measured)
    assert "with 8 calibration patients" in refused(folder, tmp_path, calibration=path)


def test_patients_whom_the_networks_have_seen_do_not_calibrate(tmp_path, folder):
    path = calibration(tmp_path / "c.h5ad", folds=[None] * 30)
    assert "30 of 30 calibration patients were used to train" in refused(folder, tmp_path, calibration=path)


def test_a_calibration_without_measured_values_is_refused(tmp_path, folder):
    adata = anndata.read_h5ad(folder / "brca" / "predictions.h5ad")
    del adata.layers["measured"]
    adata.write_h5ad(tmp_path / "c.h5ad")
    assert "no measured expression" in refused(folder, tmp_path, calibration=tmp_path / "c.h5ad")


def test_a_calibration_of_other_networks_is_refused(tmp_path, folder):
    adata = anndata.read_h5ad(folder / "brca" / "predictions.h5ad")
    adata.uns["weights"] = {"digests": np.array(["0" * 64], dtype=object)}
    adata.write_h5ad(tmp_path / "c.h5ad")
    assert "predicted by other networks" in refused(folder, tmp_path, calibration=tmp_path / "c.h5ad")


def test_a_calibration_without_intervals_is_refused(tmp_path, folder):
    path = folder / "brca" / "predictions.h5ad"
    assert "no intervals are asked for" in refused(folder, tmp_path, calibration=path, intervals=None)


def test_patients_of_the_calibration_alone_are_told_how_many_the_other_folds_have(tmp_path, folder):
    path = calibration(tmp_path / "c.h5ad", TRAINED[:9])
    features = [folder / "features" / f"{name}.h5" for name in TRAINED[:2]]
    with pytest.raises(InputError) as caught:
        predict(
            features, folder / "brca", output=tmp_path / "p.h5ad", calibration=path, intervals=IntervalOptions(),
            patients=folder / "patients.csv",
        )  # fmt: skip
    assert "9 calibration patients" not in caught.value.what and "at most 0.9," not in caught.value.fix


def test_a_column_cohort_of_the_table_of_patients_names_the_groups(tmp_path, folder):
    table = pd.read_csv(folder / "patients.csv").rename(columns={"site": "cohort"})
    table.to_csv(tmp_path / "patients.csv", index=False)
    _, by_site = run(folder, tmp_path / "p.h5ad", intervals=IntervalOptions(within="site"))
    about = {"intervals": IntervalOptions(within="cohort"), "patients": tmp_path / "patients.csv"}
    done, by_cohort = run(folder, tmp_path / "q.h5ad", **about)
    np.testing.assert_array_equal(by_cohort.layers["upper"], by_site.layers["upper"])
    assert "(residuals of all folds), within cohort" in str(done)


def test_networks_that_have_seen_a_patient_are_no_cross_validation(tmp_path, folder):
    done, _ = run(folder, tmp_path / "p.h5ad", ensemble="all")
    assert done.intervals.n_seen == 2 and "2 slides predicted by networks that have seen the patient" in str(
        done
    )
    assert "cross-validated patients" not in str(done)


def test_cv_plus_says_what_it_guarantees(tmp_path, folder):
    done, adata = run(folder, tmp_path / "p.h5ad", intervals=IntervalOptions(method="cv+"))
    assert "0.8 guaranteed for any networks" in str(done)
    assert "0.8 guaranteed for any networks" in adata.uns["intervals"]["note"]


def test_a_run_folder_calibrates_by_its_predictions(tmp_path, folder):
    _, one = run(folder, tmp_path / "p.h5ad", calibration=folder / "brca")
    _, other = run(folder, tmp_path / "q.h5ad")
    np.testing.assert_array_equal(one.layers["upper"], other.layers["upper"])


def test_groups_need_a_table(tmp_path, folder):
    text = refused(folder, tmp_path, intervals=IntervalOptions(within="site"), patients=None)
    assert "no table with the column 'site'" in text
