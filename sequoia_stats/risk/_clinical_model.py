"""The clinical-only model, cross-validated, and what a risk score adds to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sequoia_base.flow import Flow
from sequoia_stats.coxpath import stratified_folds
from sequoia_stats.errors import InputError, counted, listing
from sequoia_stats.risk._concordances import Bootstrap
from sequoia_stats.risk._measures import PER_SD, ComparedPatients, adjusted, stacked
from sequoia_stats.risk._score_files import RiskScores
from sequoia_stats.risk._standard import StandardScores, standardise
from sequoia_stats.survival import CoxFit, cox_regression
from sequoia_stats.survival.design import independent_terms

#: Name of the model of the covariates alone.
CLINICAL = "clinical"
#: Number of folds that are drawn.
MOST_FOLDS = 5
_FEWEST_FOLDS = 3
_CHANCE = 0.5
_GAIN = [
    "score",
    "n",
    "events",
    "c_clinical",
    "c_both",
    "c_difference",
    "low",
    "high",
    "p",
    "chi2",
    "df",
    "p_lr",
]


@dataclass(frozen=True, eq=False)
class Clinical:
    """The clinical covariates of the patients who have them all, and the model of these alone.

    Parameters
    ----------
    covariates : DataFrame
        Typed covariates.
    design : DataFrame
        The same as numbers.
    patients : ComparedPatients
        The patients.
    folds : Series
        The folds in which models are cross-validated.
    model : StandardScores
        The clinical-only model.
    """

    covariates: pd.DataFrame
    design: pd.DataFrame
    patients: ComparedPatients
    folds: pd.Series
    model: StandardScores

    def in_folds(self, folds: pd.Series) -> RiskScores:
        """The clinical-only model, cross-validated in other folds, within which nothing is stratified."""
        return cross_validated(CLINICAL, self.design, ComparedPatients(self.patients.outcome, None), folds)[0]


def clinical_model(
    covariates: pd.DataFrame, patients: ComparedPatients, where: str, flow: Flow, seed: int
) -> tuple[Clinical, list[str]]:
    """The patients with all covariates, and a Cox model of these, cross-validated.

    Parameters
    ----------
    covariates : DataFrame
        Typed covariates of any patients; index = patient_id.
    patients : ComparedPatients
        The patients that are compared. Their strata are the folds; if they have none, folds are drawn.
    where : str
        The clinical table, for errors.
    flow : Flow
        The ledger; a line is added.
    seed : int
        Random seed of folds that are drawn.

    Returns
    -------
    Clinical
    notes : list of str
        What to know of it.

    Raises
    ------
    InputError
        If no patient has all covariates, or one cannot be used.
    """
    if not patients.ids.isin(covariates.index).any():
        raise InputError(
            "no patient that is compared is in the clinical table",
            where=f"{where}: {listing(covariates.index, 3)}; compared: {listing(patients.ids, 3)}",
            fix="write the ids in the same way in both",
        )
    own = covariates.reindex(patients.ids)
    absent = [f"{name} ({n})" for name, n in own.isna().sum().items() if n]
    complete = own.notna().all(axis=1)
    n, kept = len(own), int(complete.sum())
    reason = f"missing: {listing(absent)}" if absent else "all have every covariate"
    flow.add("patients: clinical model", n, kept, reason)
    try:  # on all patients, for what cannot be used in any fold
        design = cox_regression(patients.outcome, own, strata=patients.strata).design.matrix
    except InputError as error:
        error.where = f"{where}: {error.where}" if error.where else where
        raise
    known, notes = patients.where(complete), []
    if kept < n:
        notes.append(
            f"the clinical-only model, adjusted models and all that is compared with them are of the {kept} of {n} "
            "patients with every covariate"
        )
    if known.strata is None:
        folds = drawn_folds(known, seed)
        notes.append(
            f"the scores have no folds: the clinical-only model is cross-validated in {folds.nunique()} folds drawn at "
            f"random (seed {seed}), and its C counts all pairs, as that of the scores"
        )
    else:
        folds = known.strata
    scores, said = cross_validated(CLINICAL, design, known, folds)
    return Clinical(own[complete], design, known, folds, standardise(scores)), [*notes, *said]


def gain_over(
    clinical: Clinical, models: Sequence[StandardScores], draws: Bootstrap
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, list[str]]:
    """Each score beside the covariates, and what it adds to them.

    Parameters
    ----------
    clinical : Clinical
        The clinical-only model.
    models : sequence of StandardScores
        The scores, of all patients that are compared.
    draws : Bootstrap
        How intervals are drawn; one set of draws for all models.

    Returns
    -------
    adjusted : DataFrame
        ``score, term, n, events, hr, low, high, p``: the terms of the Cox model of score and covariates.
    hazards : DataFrame
        The test of proportional hazards of these models.
    gain : DataFrame
        ``score, n, events, c_clinical, c_both, c_difference, low, high, p`` of the cross-validated models, and ``chi2,
        df, p_lr`` of the likelihood ratio test.
    notes : list of str
        What to know of the models.
    """
    patients, terms, hazards, tests, both, notes = clinical.patients, [], [], [], [], []
    for model in (one.of(patients.ids) for one in models):
        found, tested, test = adjusted(model, clinical.covariates, patients)
        design = clinical.design.assign(**{PER_SD: model.scores})
        scores, said = cross_validated(f"{CLINICAL} + {model.name}", design, patients, clinical.folds)
        both.append(standardise(scores))
        terms.append(found)
        hazards.append(tested)
        tests.append({"score": model.name, **test})
        notes += said
    c, pairs = draws.concordance([*both, clinical.model], patients)
    c_index = c.set_index("score")["c_index"]
    added = pairs[pairs["b"] == CLINICAL].set_index("a").drop(columns="b")
    if c_index[CLINICAL] < _CHANCE:
        notes.append(
            f"the clinical-only model is no better than chance (C {c_index[CLINICAL]:.2f}), so that a gain over it "
            "says little: see the likelihood ratio test"
        )
    gain = pd.DataFrame(tests, index=[model.name for model in both]).join(added)
    gain = gain.assign(
        n=patients.outcome.n,
        events=patients.outcome.n_events,
        c_clinical=c_index[CLINICAL],
        c_both=c_index[gain.index],
    )
    return stacked(terms), stacked(hazards), gain[_GAIN].reset_index(drop=True), notes


def drawn_folds(patients: ComparedPatients, seed: int) -> pd.Series:
    """Folds drawn at random, with events spread evenly over them: five, or as many as there are events.

    Raises
    ------
    InputError
        If there are fewer than three events.
    """
    n_events = patients.outcome.n_events
    if n_events < _FEWEST_FOLDS:
        raise InputError(
            f"{counted(n_events, 'event')} cannot be divided into {_FEWEST_FOLDS} folds to test a clinical model",
            fix="give more patients, or leave --adjust out",
        )
    folds = stratified_folds(patients.outcome.event, min(MOST_FOLDS, n_events), seed=seed)[0]
    return pd.Series(folds, patients.ids, dtype="Int64")


def cross_validated(
    name: str, design: pd.DataFrame, patients: ComparedPatients, folds: pd.Series
) -> tuple[RiskScores, list[str]]:
    """Score the patients of each fold by a Cox model that is fitted to those of the other folds.

    Parameters
    ----------
    name : str
        What the model is called.
    design : DataFrame of shape (patients, terms)
        Numbers; a term that is the same for all training patients of a fold, or a combination of those before it, is
        left out there. So patients of a level that no training patient has count as the reference.
    patients : ComparedPatients
        The patients. If they have strata, the models are stratified by them.
    folds : Series
        The fold that tests each patient.

    Returns
    -------
    scores : RiskScores
        The linear predictors, with the scale of the training patients of each fold.
    notes : list of str
        What to know of the models.

    Raises
    ------
    InputError
        If there is one fold, or the patients outside a fold have fewer than two events or covariates without a
        difference.
    """
    if folds.nunique() < 2:
        raise InputError(
            f"all {counted(len(folds), 'patient')} are in one fold, so there are none to train the {name} model on",
            fix="give scores of several folds, or leave --adjust out",
        )
    risk = pd.Series(np.nan, patients.ids)
    scales, notes = {}, []
    for fold in sorted(folds.unique()):
        trains = folds != fold
        fit, said = _fit(name, design[trains], patients.where(trains), fold)
        notes += said
        coef = fit.frame.set_index("term")["coef"].fillna(0.0)
        known = design[list(coef.index)]
        linear = (known - known[trains].mean()).to_numpy() @ coef.to_numpy()
        risk[~trains] = linear[~trains]
        own = linear[trains]
        scales[fold] = (int(trains.sum()), own.mean(), own.std(ddof=1), np.median(own))
    training = pd.DataFrame.from_dict(scales, orient="index", columns=["n_train", "mean", "sd", "cutoff"])
    frame = pd.DataFrame({"risk_score": risk, "fold": folds})
    return RiskScores(name, frame, training.rename_axis("fold"), f"the {name} model"), notes


def _fit(name: str, design: pd.DataFrame, patients: ComparedPatients, fold: int) -> tuple[CoxFit, list[str]]:
    """The model of one fold's training patients, and what to know of it."""
    where = f"the {name} model, trained on {counted(len(design), 'patient')} outside fold {fold}"
    kept = independent_terms(design)
    try:
        if kept.empty:
            raise InputError("no covariate varies", fix="name another covariate")
        fit = cox_regression(patients.outcome, design[kept], strata=patients.strata)
    except InputError as error:
        error.where = f"{where}: {error.where}" if error.where else where
        raise
    lost = design.columns.difference(kept, sort=False)
    constant = [term for term in lost if design[term].nunique() == 1]
    combined = [term for term in lost if term not in constant]
    said = [
        f"{listing(constant)} does not vary, and is left out" if constant else "",
        f"{listing(combined)} is a combination of the other covariates, and is left out" if combined else "",
        fit.note,
    ]
    return fit, [f"{name} model without fold {fold}: {words}" for words in said if words]
