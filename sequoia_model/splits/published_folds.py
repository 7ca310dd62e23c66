"""The folds that the published networks were trained on."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import pandas as pd

from sequoia_base.splits import Splits
from sequoia_model.errors import InputError, listing


def published_cancers() -> tuple[str, ...]:
    """The TCGA abbreviations of the cancer types with published splits, in alphabetical order.

    Examples
    --------
    >>> published_cancers()[:3]
    ('BLCA', 'BRCA', 'COAD')
    """
    return tuple(_table()["cancer"].unique())


def published(cancer: str) -> Splits:
    """The five published folds of a cancer type: about 72% train, 8% val, 20% test; each patient is tested once.

    Parameters
    ----------
    cancer : str
        "BRCA", "brca" or "TCGA-BRCA".

    Raises
    ------
    InputError
        If there are no published splits of this cancer.

    References
    ----------
    gevaertlab/sequoia-pub (MIT licence), converted; see ``sequoia_model/data/SOURCES.md``.

    Examples
    --------
    >>> published("GBM")
    <Splits published GBM: 102 patients, 5 folds>
    """
    word = cancer.strip().upper().replace("_", "-").removeprefix("TCGA-")
    if word not in published_cancers():
        raise InputError(
            f"there are no published splits of {cancer!r}",
            fix=f"choose from {listing(published_cancers(), 16)}",
        )
    table = _table()
    rows = table[table["cancer"] == word].set_index("patient_id")
    return Splits(rows.drop(columns="cancer"), rows["cancer"], name=f"published {word}")


def published_cancer_of(patient: str) -> str | None:
    """The cancer type whose published splits hold a patient; None if none does.

    Examples
    --------
    >>> published_cancer_of("TCGA-3C-AALI")
    'BRCA'
    """
    return _cancers().get(patient)


@cache
def _cancers() -> dict[str, str]:
    return dict(zip(_table()["patient_id"], _table()["cancer"], strict=True))


@cache
def _table() -> pd.DataFrame:
    with files("sequoia_model").joinpath("data/published_splits.csv.gz").open("rb") as file:
        return pd.read_csv(file, compression="gzip", dtype=str)
