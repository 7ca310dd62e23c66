"""Audits of runs, predictions and old results."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest

from sequoia_model.errors import InputError
from sequoia_model.leakage import audit
from sequoia_model.splits import draw, published
from tests.build.pickles import make_results, make_split, slide, write_pickle

SPLITS = draw([f"P{i:02d}" for i in range(20)], n_folds=4, val=0.2)


def write_predictions(path, folds, n=20):
    """Predictions of a slide of each patient, by the given folds."""
    obs = pd.DataFrame({"patient_id": [f"P{i:02d}" for i in range(n)]}, [f"S{i:02d}" for i in range(n)])
    obs["fold"] = pd.array(folds, dtype="Int64")
    anndata.AnnData(np.zeros((n, 2), dtype=np.float32), obs).write_h5ad(path)
    return path


def held_out():
    return [SPLITS.test_fold(patient) for patient in SPLITS.roles.index]


def test_a_run_whose_folds_predict_their_test_patients_has_no_leaks(tmp_path):
    SPLITS.save(tmp_path / "splits.csv")
    write_predictions(tmp_path / "predictions.h5ad", held_out())
    found = audit(tmp_path)
    assert found.leaks == ()
    assert (found.kind, found.n_folds, found.n_patients, found.notes) == ("run", 4, 20, ())


def test_predictions_by_a_fold_that_knew_the_patient_are_found(tmp_path):
    SPLITS.save(tmp_path / "splits.csv")
    folds = held_out()
    trained = next(k for k in range(4) if SPLITS.roles.loc["P03", f"fold_{k}"] == "train")
    stopped = next((i, k) for i in range(4, 20) for k in range(4) if SPLITS.roles.iloc[i, k] == "val")
    folds[3], folds[stopped[0]] = trained, stopped[1]
    write_predictions(tmp_path / "predictions.h5ad", folds)
    found = {(leak.kind, leak.fold, leak.items) for leak in audit(tmp_path).leaks}
    assert found == {
        ("predicted_by_training_fold", trained, ("S03",)),
        ("predicted_by_validation_fold", stopped[1], (f"S{stopped[0]:02d}",)),
    }


def test_what_a_run_lacks_is_noted(tmp_path):
    SPLITS.save(tmp_path / "splits.csv")
    assert audit(tmp_path).notes == ("there is no predictions.h5ad, so only the splits are looked at",)


def test_a_patient_tested_by_several_folds_of_old_results_is_a_leak(tmp_path):
    split = make_split(1)
    split["wsi_file_name"] = np.array([slide(10), slide(0, extra=2)])
    found = audit(write_pickle(tmp_path, make_results(make_split(0), split)))
    assert [(leak.kind, leak.items) for leak in found.leaks] == [
        ("patient_tested_by_several_folds", ("TCGA-AA-0000",))
    ]
    assert found.kind == "results"


def test_a_slide_tested_by_several_folds_is_named_although_it_cannot_be_converted(tmp_path):
    split = make_split(1)
    split["wsi_file_name"] = np.array([slide(10), slide(0)])
    found = audit(write_pickle(tmp_path, make_results(make_split(0), split)))
    assert [leak.kind for leak in found.leaks] == [
        "patient_tested_by_several_folds",
        "slide_tested_by_several_folds",
    ]
    assert found.leaks[1].items == (slide(0),)


def test_results_alone_do_not_say_whether_there_are_leaks(tmp_path):
    found = audit(write_pickle(tmp_path, make_results()))
    assert found.leaks == () and found.looked_at == ("repeats",)
    assert "no leaks" not in str(found)
    assert "whom the folds trained on (give --splits)" in str(found)


def test_slides_of_nobody_do_not_say_whether_there_are_leaks(tmp_path):
    (tmp_path / "s.csv").write_text("train,test\nP1_s1,P1_s2\nP2_s1,\n")
    found = audit(tmp_path / "s.csv")
    assert found.looked_at == () and "no leaks" not in str(found)
    assert "nothing says the patient of any slide (give --patients)" in str(found)
    known = audit(tmp_path / "s.csv", patients={"P1_s1": "P1", "P1_s2": "P1", "P2_s1": "P2"})
    assert known.looked_at == ("sides",) and known.leaks[0].items == ("P1",)


# --- predictions beside the splits of their networks -----------------------------------------------------------------


def test_predictions_beside_their_splits_have_no_leaks(tmp_path):
    found = audit(write_predictions(tmp_path / "p.h5ad", held_out()), splits=SPLITS)
    assert found.leaks == () and found.looked_at == ("sides", "predictors", "repeats")
    assert "no leaks" in str(found) and found.kind == "predictions"


def test_predictions_of_folds_that_are_shifted_by_one_are_paired_wrongly(tmp_path):
    splits = draw([f"P{i:02d}" for i in range(60)], n_folds=4)
    splits.save(tmp_path / "s.csv")
    folds = [(splits.test_fold(patient) + 1) % 4 for patient in splits.roles.index]
    found = audit(write_predictions(tmp_path / "p.h5ad", folds, n=60), splits=tmp_path / "s.csv")
    wrong = [leak for leak in found.leaks if leak.kind == "folds_paired_wrongly"]
    assert [leak.fold for leak in wrong] == [0, 1, 2, 3]
    assert (
        "of the patients it predicted; its training part leaves out the predicted part of fold 1"
        in wrong[0].what
    )
    assert {leak.fold for leak in found.leaks if leak.kind == "predicted_by_training_fold"} == {0, 1, 2, 3}


def one_column(path, first):
    """The splits as a file with the number of the fold that tests each patient."""
    rows = [f"{patient},{fold + first}" for patient, fold in zip(SPLITS.roles.index, held_out(), strict=True)]
    path.write_text("\n".join(["patient_id,fold", *rows]) + "\n")
    return path


def from_one(path):
    """The splits with a column per fold, of which the first is ``fold_1``."""
    titles = {f"fold_{k}": f"fold_{k + 1}" for k in range(4)}
    SPLITS.to_frame().rename(columns=titles).to_csv(path, index=False)
    return path


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("write", [from_one, lambda path: one_column(path, 1)])
def test_folds_counted_from_one_are_those_of_predictions_that_count_so_too(tmp_path, write, first):
    predicted = write_predictions(tmp_path / "p.h5ad", [fold + first for fold in held_out()])
    found = audit(predicted, splits=write(tmp_path / "s.csv"))
    assert found.leaks == () and found.n_folds == 4
    assert any("counts folds from 1" in note for note in found.notes)
    assert any("no fold 0 predicted" in note for note in found.notes) == (first == 1)


@pytest.mark.parametrize("first", [0, 1])
def test_folds_counted_from_one_that_are_paired_wrongly_are_found(tmp_path, first):
    folds = [(fold + 1) % 4 + first for fold in held_out()]
    found = audit(write_predictions(tmp_path / "p.h5ad", folds), splits=one_column(tmp_path / "s.csv", 1))
    assert {leak.fold for leak in found.leaks if leak.kind == "predicted_by_training_fold"} == {0, 1, 2, 3}


def test_a_run_whose_files_both_count_folds_from_one_has_no_leaks(tmp_path):
    from_one(tmp_path / "splits.csv")
    write_predictions(tmp_path / "predictions.h5ad", [fold + 1 for fold in held_out()])
    assert audit(tmp_path).leaks == ()


def test_old_results_are_compared_with_published_folds(tmp_path):
    names = [[f"{p}-01Z-00-DX1" for p in published("GBM").patients(k, "test")] for k in (1, 0)]
    parts = [make_split(k, n=len(names[k]), wsi_file_name=np.array(names[k])) for k in (0, 1)]
    found = audit(write_pickle(tmp_path, make_results(*parts)), splits="published:GBM")
    wrong = [leak for leak in found.leaks if leak.kind == "folds_paired_wrongly"]
    assert [leak.fold for leak in wrong] == [0, 1]
    parts.reverse()
    assert audit(write_pickle(tmp_path, make_results(*parts)), splits="published:GBM").leaks == ()


@pytest.mark.parametrize(
    ("splits", "words"),
    [
        ("published:GBM", "none of the predicted patients is in the splits"),
        (draw([f"P{i:02d}" for i in range(20)], n_folds=2), "the splits have no fold 2, 3, which predicted"),
    ],
)
def test_splits_of_other_networks_are_refused(tmp_path, splits, words):
    with pytest.raises(InputError, match=words):
        audit(write_predictions(tmp_path / "p.h5ad", held_out()), splits=splits)


def test_splits_beside_splits_are_refused(tmp_path):
    SPLITS.save(tmp_path / "s.csv")
    with pytest.raises(InputError, match="says itself whom the folds trained on"):
        audit(tmp_path / "s.csv", splits=SPLITS)


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (lambda f: write_predictions(f / "p.h5ad", [None] * 20), "no prediction says which fold made it"),
        (lambda f: write_pickle(f, make_split(0), name="p.pkl"), "do not say which fold tested whom"),
    ],
)
def test_predictions_of_no_fold_are_refused(tmp_path, write, words):
    with pytest.raises(InputError, match=words):
        audit(write(tmp_path))


def test_some_predictions_without_a_fold_are_noted(tmp_path):
    found = audit(write_predictions(tmp_path / "p.h5ad", [0, 1] * 9 + [None, None]))
    assert found.kind == "predictions" and found.n_patients == 18
    assert any("2 of 20 slides have no fold" in note for note in found.notes)
