"""Sites that collected the tissue: which patient is of which, whether folds keep them apart, and folds that do."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sequoia_base.names import tissue_source_site
from sequoia_stats.errors import InputError, counted, part
from sequoia_stats.types.covariates import label

#: The site of patients without a known one.
UNKNOWN_SITE = "unknown"


def sites_of(patients: pd.Index, given: pd.Series | None) -> tuple[pd.Series | None, list[str]]:
    """The site of each patient: as given, or the tissue source site of TCGA barcodes; None if sites are not known.

    Parameters
    ----------
    patients : Index
        Their ids.
    given : Series, optional
        The site by patient_id, of any type. Patients without one count as one further site.

    Raises
    ------
    InputError
        If no patient has a site that was given.
    """
    if given is not None:
        known = given.reindex(patients).map(label, na_action="ignore").astype(object)
        if known.isna().all():
            raise InputError(f"no patient has a value of {given.name!r}, the column of sites")
    else:
        known = pd.Series([tissue_source_site(patient) for patient in patients], patients, dtype=object)
        if known.isna().all():
            return None, []
    lost = int(known.isna().sum())
    notes = (
        [f"{part(lost, len(known), 'patient', 'have')} no known site, and count as one further site"]
        if lost
        else []
    )
    return known.fillna(UNKNOWN_SITE), notes


def split_patients(sites: pd.Series, folds: pd.Series) -> int:
    """Number of patients who have one of their site in another fold."""
    return int((folds.groupby(sites).transform("nunique") > 1).sum())


def words_on_sites(sites: pd.Series, folds: pd.Series) -> str:
    """How far folds keep sites apart, in a sentence."""
    n_sites, n_split = sites.nunique(), split_patients(sites, folds)
    if not n_split:
        return f"the folds keep {counted(n_sites, 'site')} apart: no patient has one of their site in another fold"
    n_whole = int((folds.groupby(sites).nunique() == 1).sum())
    return (
        f"the folds keep {n_whole} of {counted(n_sites, 'site')} whole: {part(n_split, len(sites), 'patient', 'have')} "
        "one of their site in another fold, whom the model was trained on"
    )


def folds_of_whole_sites(sites: pd.Series, event: np.ndarray, n_folds: int, seed: int) -> pd.Series:
    """Folds of whole sites: the largest first, each to the fold with the fewest patients, then events, so far.

    Parameters
    ----------
    sites : Series
        The site of each patient; index = patient_id.
    event : array of bool, shape (n,)
        Whether each has the event.
    n_folds : int
        Number of folds; fewer if there are fewer sites.
    seed : int
        Decides between sites of one size.

    Raises
    ------
    InputError
        If there is a single site.
    """
    sizes = (
        pd.DataFrame({"n": 1, "events": np.asarray(event, dtype=np.int64)}, sites.index).groupby(sites).sum()
    )
    if len(sizes) < 2:
        raise InputError("all patients are of one site, so there are no folds that keep sites apart")
    shuffled = sizes.loc[np.random.default_rng(seed).permutation(sorted(sizes.index))]
    filled = np.zeros((min(n_folds, len(sizes)), 2), dtype=np.int64)
    fold_of = {}
    for site, row in shuffled.sort_values(["n", "events"], ascending=False, kind="stable").iterrows():
        fold = np.lexsort((filled[:, 1], filled[:, 0]))[0]
        fold_of[site] = fold
        filled[fold] += row.to_numpy()
    return sites.map(fold_of).astype("Int64")
