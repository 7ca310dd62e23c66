"""Concordance in random folds beside that in folds that keep sites apart, of the same model and patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sequoia_base.flow import Flow
from sequoia_stats.errors import InputError, counted, listing, part
from sequoia_stats.risk._clinical_model import Clinical
from sequoia_stats.risk._concordances import Bootstrap
from sequoia_stats.risk._measures import ComparedPatients
from sequoia_stats.risk._score_files import RiskScores, refuse_other_outcome, refuse_spellings
from sequoia_stats.risk._sites import (
    UNKNOWN_SITE,
    folds_of_whole_sites,
    sites_of,
    split_patients,
    words_on_sites,
)
from sequoia_stats.risk._standard import StandardScores, standardise
from sequoia_stats.survival import harrell_c

_RANDOM, _SITE_PRESERVED = "random", "site-preserved"
_COLUMNS = ["score", "folds", "n", "events", "c_index", "low", "high", "difference"]


@dataclass(frozen=True, eq=False)
class Sites:
    """What the comparison in site-preserved folds needs besides the scores.

    Parameters
    ----------
    given : Series, optional
        The site by patient_id; without it, that of TCGA barcodes.
    outcome_file : str
        Where the outcome is from, for errors.
    flow : Flow
        The ledger; a line is added for each file of scores from site-preserved folds.
    draws : Bootstrap
        How intervals are drawn.
    """

    given: pd.Series | None
    outcome_file: str
    flow: Flow
    draws: Bootstrap


def beside_random(
    models: Sequence[RiskScores],
    standard: Sequence[StandardScores],
    preserved: Sequence[RiskScores],
    clinical: Clinical | None,
    patients: ComparedPatients,
    sites: Sites,
) -> tuple[pd.DataFrame, list[str]]:
    """C in random folds beside C in folds that keep sites apart, and how far the given folds do.

    Parameters
    ----------
    models, standard : sequence of RiskScores and of StandardScores
        The scores that are compared.
    preserved : sequence of RiskScores
        Scores of models of the same names from site-preserved folds.
    clinical : Clinical, optional
        The clinical-only model; it is fitted again in folds of whole sites, if sites are known.
    patients : ComparedPatients
        The patients that are compared.
    sites : Sites
        Where sites are from.

    Returns
    -------
    table : DataFrame
        ``score, folds, n, events, c_index, low, high, difference``: two rows per score; the difference is that to the
        random folds.
    notes : list of str
        What to know of the folds.

    Raises
    ------
    InputError
        If scores from site-preserved folds have no such folds, another name or outcome, or no patient in common.
    """
    by_name = {model.name: model for model in standard}
    table, rows = (
        pd.DataFrame({"time": patients.outcome.time, "event": patients.outcome.event}, patients.ids),
        [],
    )
    for name, other in _matched(models, preserved).items():
        refuse_spellings(other, patients.ids, sites.outcome_file)
        shared = patients.ids.intersection(other.frame.index, sort=False)
        refuse_other_outcome(other, table.loc[shared], sites.outcome_file)
        rows += _two_rows(by_name[name], other, patients, sites.draws)
        n, kept = len(patients.ids), int(other.frame.loc[shared, "fold"].notna().sum())
        sites.flow.add(
            f"site-preserved folds: {name}", n, kept, f"{n - kept} have no score of {other.where} in a fold"
        )
    site, notes = sites_of(patients.ids, sites.given)
    if site is None:
        return pd.DataFrame(rows, columns=_COLUMNS), notes
    folds = patients.strata
    if folds is not None:
        notes.append(words_on_sites(site, folds))
    for other in preserved:
        own = other.folds.dropna() if other.folds is not None else pd.Series(dtype="Int64")
        _refuse_torn_sites(other, site, own[own.index.isin(site.index)])
    if clinical is not None:
        rows_of_clinical, said = _clinical_rows(clinical, site, sites.draws)
        rows += rows_of_clinical
        notes += said
    return pd.DataFrame(rows, columns=_COLUMNS), notes


def _clinical_rows(
    clinical: Clinical, site: pd.Series, draws: Bootstrap
) -> tuple[list[dict[str, object]], list[str]]:
    """The clinical-only model in folds of whole sites beside that in the folds of the comparison."""
    known = clinical.patients
    own = site[known.ids]
    if not split_patients(own, clinical.folds):
        return [], ["the folds that are compared keep sites apart already: nothing is shown beside them"]
    if own.nunique() < 2:
        return [], ["all patients are of one site: there are no folds that keep sites apart"]
    folds = folds_of_whole_sites(own, known.outcome.event, int(clinical.folds.nunique()), draws.seed)
    note = f"site-preserved folds of the clinical-only model: {counted(int(folds.nunique()), 'fold')} of whole sites"
    return _two_rows(clinical.model, clinical.in_folds(folds), known, draws), [note]


def _refuse_torn_sites(model: RiskScores, site: pd.Series, folds: pd.Series) -> None:
    """Refuse scores from folds that do not keep sites apart; patients of unknown site may be anywhere."""
    known = site[folds.index]
    n_folds = folds[known != UNKNOWN_SITE].groupby(known).nunique()
    torn = n_folds.index[n_folds > 1]
    if len(torn):
        raise InputError(
            f"these folds do not keep sites apart: {part(len(torn), len(n_folds), 'site', 'are')} in several folds",
            where=f"{model.where}: {listing(torn)}",
            fix="train in folds that keep sites whole, or leave --site-preserved out",
        )


def _matched(models: Sequence[RiskScores], others: Sequence[RiskScores]) -> dict[str, RiskScores]:
    """Scores from site-preserved folds by the name of the model that they belong to."""
    known = [model.name for model in models]
    for other in others:
        if other.name not in known:
            raise InputError(
                f"scores from site-preserved folds are called {other.name!r}, as none of the scores that are compared",
                where=f"{other.where}; the scores are {listing(known)}",
                fix=f"give both files of a model the same name: {known[0]}={other.where}",
            )
        if other.folds is None:
            raise InputError("scores from site-preserved folds have no fold", where=other.where)
    return {other.name: other for other in others}


def _two_rows(
    random: StandardScores, preserved: RiskScores, patients: ComparedPatients, draws: Bootstrap
) -> list[dict[str, object]]:
    """C of one model in random and in site-preserved folds, over the patients that both scored.

    Both count pairs within their own folds, but where the random folds are no strata: there all pairs are counted.
    """
    assert preserved.folds is not None
    tested = preserved.folds.dropna().index
    both = patients.ids[patients.ids.isin(tested)]
    if both.empty:
        raise InputError(
            f"no patient that is compared has a score of {preserved.name} from site-preserved folds",
            where=preserved.where,
        )
    kept, other = patients.where(pd.Series(patients.ids.isin(both))), preserved.of(both)
    common = {"score": random.name, "n": kept.outcome.n, "events": kept.outcome.n_events}
    at_random = _c_index(kept, random.scores[both], kept.strata, draws)
    apart = _c_index(kept, standardise(other).scores, None if kept.strata is None else other.folds, draws)
    difference = apart["c_index"] - at_random["c_index"]
    return [
        {**common, "folds": _RANDOM, **at_random, "difference": np.nan},
        {**common, "folds": _SITE_PRESERVED, **apart, "difference": difference},
    ]


def _c_index(
    patients: ComparedPatients, scores: pd.Series, strata: pd.Series | None, draws: Bootstrap
) -> dict[str, float]:
    """C with its interval; the same draws of patients for any scores and folds."""
    found = harrell_c(patients.outcome, scores, strata=strata, bootstrap=draws.draws, seed=draws.seed)
    return {"c_index": found.c_index, "low": found.low, "high": found.high}
