"""Patients of the published splits get the network that has not seen them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from sequoia_base.names import patient_of
from sequoia_model.errors import InputError
from sequoia_model.prediction.held_out import NetworkChoice, choose_networks
from sequoia_model.splits import Splits, published

FOLDS = (0, 1, 2, 3, 4)
LIST = Path(__file__).parents[3] / "data" / "published_test_slides.csv.gz"


def choose(patient, folds=FOLDS, ensemble="held-out"):
    return choose_networks((patient,), folds, published("BRCA"), ensemble)


def test_a_published_patient_gets_its_held_out_fold_alone():
    assert choose("TCGA-3C-AALI") == NetworkChoice((2,), fold=2)


def test_a_new_patient_gets_all():
    assert choose("TCGA-XX-0000") == NetworkChoice((0, 1, 2, 3, 4))


def test_a_patient_of_another_cancer_is_new():
    assert published("BLCA").test_fold("TCGA-2F-A9KO") == 3
    assert choose("TCGA-2F-A9KO") == NetworkChoice((0, 1, 2, 3, 4))


@pytest.mark.slow
def test_every_slide_of_the_published_list_gets_the_fold_that_is_listed():
    table = pd.read_csv(LIST)
    table = table[table["cancer"] == "BRCA"]
    folds = [choose(patient_of(slide)).fold for slide in table["slide_id"]]
    assert folds == table["fold"].tolist()


def test_networks_are_found_by_their_fold_not_their_place():
    assert choose("TCGA-3C-AALI", folds=(4, 2, 0)) == NetworkChoice((1,), fold=2)


def test_without_splits_nobody_is_known():
    assert choose_networks(("TCGA-3C-AALI",), FOLDS, None) == NetworkChoice((0, 1, 2, 3, 4))


def test_any_name_of_the_patient_counts():
    assert choose_networks(("hospital-7", "TCGA-3C-AALI"), FOLDS, published("BRCA")).fold == 2


def test_all_says_that_the_patient_was_seen():
    assert choose("TCGA-3C-AALI", ensemble="all") == NetworkChoice((0, 1, 2, 3, 4), seen=True)
    assert choose("TCGA-XX-0000", ensemble="all") == NetworkChoice((0, 1, 2, 3, 4))


def test_all_of_the_held_out_network_alone_has_not_seen_the_patient():
    assert choose("TCGA-3C-AALI", folds=(2,), ensemble="all") == NetworkChoice((0,))


def test_a_single_network_that_was_trained_on_the_patient_is_refused():
    with pytest.raises(InputError, match="held out by fold 2 of published BRCA, and fold 0 was") as error:
        choose("TCGA-3C-AALI", folds=(0,))
    assert "--ensemble all" in error.value.fix


def test_a_patient_that_no_fold_holds_out_is_refused():
    roles = pd.DataFrame({"fold_0": ["train", "test"], "fold_1": ["train", "test"]}, index=["P1", "P2"])
    with pytest.raises(InputError, match="held out by no fold"):
        choose_networks(("P1",), (0, 1), Splits(roles))


def test_a_slide_of_two_patients_whom_different_folds_hold_out_is_refused():
    with pytest.raises(InputError, match="TCGA-3C-AALJ, TCGA-3C-AALI, who are held out by different folds"):
        choose_networks(("TCGA-3C-AALJ", "TCGA-3C-AALI"), FOLDS, published("BRCA"))
