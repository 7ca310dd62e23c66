"""The folds of the published networks."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from sequoia_base.names import patient_of
from sequoia_model.errors import InputError
from sequoia_model.splits import published, published_cancers

TEST_SLIDES = Path(__file__).parents[3] / "data" / "published_test_slides.csv.gz"


def test_there_are_16_cancers_of_6922_patients_each_tested_once():
    splits = [published(cancer) for cancer in published_cancers()]
    assert len(splits) == 16
    assert sum(len(split.roles) for split in splits) == 6922
    assert all(split.is_partition for split in splits)


def test_every_slide_of_the_published_list_is_tested_in_its_patients_fold():
    listed = pd.read_csv(TEST_SLIDES)
    fold = {p: s.test_fold(p) for s in map(published, published_cancers()) for p in s.roles.index}
    assert len(listed) == 7524
    assert listed["slide_id"].map(patient_of).equals(listed["patient_id"])
    assert (listed["slide_id"].map(patient_of).map(fold) == listed["fold"]).all()
    assert (
        listed["patient_id"].map(pd.concat([published(c).cohort for c in published_cancers()]))
        == listed["cancer"]
    ).all()


@pytest.mark.parametrize("name", ["BRCA", "brca", "TCGA-BRCA", "tcga_brca", " Brca "])
def test_a_cancer_may_be_written_in_several_ways(name):
    assert len(published(name).roles) == 1059


def test_an_unknown_cancer_is_refused_with_all_that_there_are():
    with pytest.raises(InputError, match="no published splits of 'OV'") as raised:
        published("OV")
    assert [cancer for cancer in published_cancers() if cancer not in raised.value.fix] == []


def test_published_splits_cannot_be_changed_by_accident():
    roles = published("GBM").roles
    roles[:] = "train"
    assert published("GBM").is_partition
