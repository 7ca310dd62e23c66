"""Risk scores compared on the same patients: concordance, hazard ratios, risk groups, and what clinical data add."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from sequoia_base.arguments import ProgressBar, check_limits, whole
from sequoia_base.flow import Flow
from sequoia_stats.errors import InputError
from sequoia_stats.io import ClinicalTable, read_clinical
from sequoia_stats.risk._clinical_model import CLINICAL, Clinical, clinical_model, gain_over
from sequoia_stats.risk._concordances import Bootstrap
from sequoia_stats.risk._measures import (
    PER_SD,
    ComparedPatients,
    groups_frame,
    hazard_of,
    logrank_of,
    refuse_few_events,
    stacked,
)
from sequoia_stats.risk._score_files import RiskScores, as_outcome_table, as_scores, shared_patients
from sequoia_stats.risk._site_preserved import Sites, beside_random
from sequoia_stats.risk._standard import StandardScores, standardise
from sequoia_stats.risk.comparison import COMPARISON_COLUMNS, RiskComparison
from sequoia_stats.survival import KaplanMeier, group_curves
from sequoia_stats.types.covariate_statements import declared, texts_of
from sequoia_stats.types.covariates import read_covariates
from sequoia_stats.types.outcome import Outcome

#: Columns of the table of patients that are no score's.
_PATIENT = ("patient_id", "time", "event", "fold")
_Scores = Sequence[str | Path] | Mapping[str, pd.DataFrame | RiskScores]


def compare_risks(
    scores: _Scores,
    outcome: str | Path | pd.DataFrame | Outcome,
    *,
    clinical: str | Path | pd.DataFrame | ClinicalTable | None = None,
    adjust: str | Sequence[str] = (),
    id_column: str | None = None,
    categorical: str | Sequence[str] = (),
    missing: str | Sequence[str] = (),
    site: str | None = None,
    site_preserved: _Scores = (),
    endpoint: str = "event",
    bootstrap: int = 1000,
    seed: int = 0,
    progress: ProgressBar | None = None,
) -> RiskComparison:
    """Compare risk scores of the same patients.

    Scores of cross-validated models have a scale of their own in each fold: they are centred and scaled on the fold's
    training patients, C counts pairs of patients within a fold, Cox models and the log-rank test are stratified by
    fold, and a patient is of high risk above the median of the fold's training patients.

    Parameters
    ----------
    scores : sequence of path, or mapping of str to DataFrame or RiskScores
        Files of scores, each named by its stem; see `RiskScores` for their columns. ``<stem>.folds.csv`` beside a file
        holds the scale of each fold.
    outcome : path, DataFrame or Outcome
        ``patient_id, time`` (months), ``event``.
    clinical : path, DataFrame or ClinicalTable, optional
        Covariates, a row per patient (index patient_id).
    adjust : str or sequence of str
        Covariates of the adjusted models and of the clinical-only model, which is a further row: a Cox model fitted to
        the patients of the other folds. Without folds, they are drawn.
    id_column : str, optional
        The column of patient ids in the file of the clinical table; see `sequoia_stats.io.read_clinical`.
    categorical, missing : str or sequence of str
        Columns of the table whose numbers are codes of levels; texts that mean a missing value.
    site : str, optional
        The column of the clinical table that names the site; by default the tissue source site of TCGA barcodes.
    site_preserved : sequence of path, or mapping
        Scores of the same names from folds that keep sites apart.
    endpoint : str
        What the event is, for figures: OS, PFI, RFS.
    bootstrap : int
        Number of bootstrap draws of patients for intervals of C and of differences; 0 for none.
    seed : int
        Random seed of the bootstrap, and of folds that are drawn.
    progress : callable, optional
        ``progress(items, total)`` wraps the iterator over what takes long.

    Returns
    -------
    RiskComparison

    Raises
    ------
    InputError
        If files have no patient in common, different folds, or another outcome; if a fold has fewer than two events;
        if a covariate cannot be used.
    """
    check_limits({"bootstrap": bootstrap, "seed": seed}, {"bootstrap": whole(0), "seed": whole(0)})
    flow, draws = Flow(), Bootstrap(bootstrap, seed, progress)
    given, where = as_outcome_table(outcome)
    known = _clinical_table(clinical, id_column, categorical, missing)
    wanted = [name for name in texts_of(adjust, "adjust") if name.strip(" ,")]
    if adjust and not wanted:
        raise InputError("adjust (--adjust) names no covariate", fix="name one: --adjust age")
    names, site = _columns(known, wanted, site)
    models, table = shared_patients(as_scores(scores), given, where, flow)
    _refuse_names(models, beside=bool(names))
    patients = _patients(models, table, endpoint, where)
    standard = [standardise(model) for model in models]
    notes = [*_words_on_folds(models), *(note for model in standard for note in model.notes)]
    beside: Clinical | None = None
    rows = [(model, patients) for model in standard]
    if known is not None and names:
        flow.extend(known.flow)
        beside, said = clinical_model(known.covariates[list(names)], patients, known.name, flow, seed)
        rows.append((beside.model, beside.patients))
        notes += said
    frame, hazards, curves, said = _compared(rows)
    c_index, pairs = (
        draws.concordance(standard, patients)
        if beside is None
        else draws.concordance_beside(standard, patients, beside.model, beside.patients)
    )
    notes += said
    terms, gain = pd.DataFrame(), pd.DataFrame()
    if beside is not None:
        terms, of_terms, gain, said = gain_over(beside, standard, draws)
        hazards = stacked([hazards, of_terms])
        notes += said
    sites = Sites(None if site is None or known is None else known.covariates[site], where, flow, draws)
    others = as_scores(site_preserved) if site_preserved else []
    preserved, said = beside_random(models, standard, others, beside, patients, sites)
    return RiskComparison(
        comparison=_with_concordance(frame, c_index),
        pairs=pairs,
        adjusted=terms,
        gain=gain,
        proportional_hazards=hazards,
        site_preserved=preserved,
        groups=groups_frame(curves),
        curves=curves,
        patients=_patients_frame(rows, patients),
        endpoint=endpoint,
        n_folds=None if patients.strata is None else int(patients.strata.nunique()),
        adjust=names,
        bootstrap=bootstrap,
        flow=flow.to_frame(),
        notes=tuple(dict.fromkeys([*notes, *said])),
    )


def _clinical_table(
    source: str | Path | pd.DataFrame | ClinicalTable | None,
    id_column: str | None,
    categorical: str | Sequence[str],
    missing: str | Sequence[str],
) -> ClinicalTable | None:
    """The clinical table; a frame gets types as those of a cohort do."""
    levels, words = texts_of(categorical, "categorical"), texts_of(missing, "missing")
    if source is None:
        if levels or words or id_column:
            raise InputError(
                "there is no clinical table for id_column, categorical and missing",
                fix="give one: --clinical",
            )
        return None
    if isinstance(source, ClinicalTable):
        return source
    if isinstance(source, str | Path):
        return read_clinical(source, id_column=id_column, categorical=levels, missing=words)
    table = source.set_index("patient_id") if "patient_id" in source else source
    covariates, readings = declared(*read_covariates(table), categorical=levels, missing=words)
    return ClinicalTable(covariates.set_axis(table.index.astype(str), axis=0), readings)


def _columns(
    clinical: ClinicalTable | None, adjust: Sequence[str], site: str | None
) -> tuple[tuple[str, ...], str | None]:
    """The columns of covariates and of the site, as the clinical table calls them."""
    if clinical is None:
        if adjust or site:
            option = "adjust (--adjust)" if adjust else "site (--site)"
            raise InputError(f"{option} needs a clinical table", fix="give one: --clinical")
        return (), None
    if not adjust and not site:
        raise InputError(
            "nothing is asked of the clinical table",
            where=clinical.name,
            fix=f"name covariates: --adjust {','.join(map(str, clinical.covariates.columns[:2]))}",
        )
    names = clinical.named(adjust, "adjust (--adjust)")
    if PER_SD in names:
        raise InputError(f"the covariate {PER_SD!r} has the name of the score itself", fix="rename it")
    return names, clinical.named([site], "site (--site)")[0] if site else None


def _refuse_names(models: Sequence[RiskScores], beside: bool) -> None:
    """Refuse names that make two columns of the table of patients, or two figures, the same, whatever the case."""
    others = [CLINICAL, _group(CLINICAL)] if beside else []
    own = [column for model in models for column in (model.name, _group(model.name))]
    taken = Counter(column.casefold() for column in [*_PATIENT, *others, *own])
    for model in models:
        if taken[model.name.casefold()] > 1 or taken[_group(model.name).casefold()] > 1:
            raise InputError(
                f"a score is called {model.name!r}, as another score or a column of the table of patients is",
                where=model.where,
                fix=f"rename the file, or give the score another name: risk={model.where}",
            )


def _patients(
    models: Sequence[RiskScores], table: pd.DataFrame, endpoint: str, where: str
) -> ComparedPatients:
    """The patients that are compared, in the folds of the first model that has some."""
    outcome = Outcome(table["time"].to_numpy(), table["event"].to_numpy(), endpoint, table.index)
    folds = next((model.folds for model in models if model.folds is not None), None)
    patients = ComparedPatients(outcome, None if folds is None else folds.astype("int64"))
    refuse_few_events(patients, where)
    return patients


def _words_on_folds(models: Sequence[RiskScores]) -> list[str]:
    """What to know of scores without folds beside scores with folds."""
    first = next((model.name for model in models if model.folds is not None), None)
    return [
        f"{model.name} has no folds: C, hazard ratio and log-rank test are within those of {first}, but it is scaled "
        "and divided on all patients; if it was cross-validated, its file needs the column fold"
        for model in models
        if first is not None and model.folds is None
    ]


def _compared(
    rows: Sequence[tuple[StandardScores, ComparedPatients]],
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, dict[str, KaplanMeier]], list[str]]:
    """Hazard ratio, test of proportional hazards, log-rank test and curves of each model; and what to know of them."""
    found, hazards, curves, notes = [], [], {}, []
    for model, own in rows:
        hazard, tested, of_hazard = hazard_of(model, own)
        hazards.append(tested)
        p, of_test = logrank_of(model, own)
        found.append(
            {
                "score": model.name,
                "n": own.outcome.n,
                "events": own.outcome.n_events,
                **hazard,
                "logrank_p": p,
            }
        )
        curves[model.name] = group_curves(own.outcome, model.groups)
        notes += [*of_hazard, *of_test]
    return pd.DataFrame(found), stacked(hazards), curves, notes


def _with_concordance(frame: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """The rows of ``comparison.csv``, in the order of its columns."""
    c_index = found.set_axis(["score", "c_index", "c_low", "c_high"], axis=1)
    return frame.merge(c_index, on="score", validate="one_to_one")[list(COMPARISON_COLUMNS)]


def _patients_frame(
    rows: Sequence[tuple[StandardScores, ComparedPatients]], patients: ComparedPatients
) -> pd.DataFrame:
    """What was compared: a row per patient with outcome, fold, and the scores and groups of each model."""
    outcome = patients.outcome
    frame = pd.DataFrame({"time": outcome.time, "event": outcome.event.astype(int)}, patients.ids)
    if patients.strata is not None:
        frame["fold"] = patients.strata
    for model, _ in rows:
        frame[model.name] = model.scores.reindex(frame.index)
        frame[_group(model.name)] = model.groups.reindex(frame.index)
    return frame.rename_axis("patient_id").reset_index()


def _group(name: str) -> str:
    """The column of the risk groups of a score."""
    return f"{name}_group"
