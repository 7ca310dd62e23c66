"""Risk scores of cross-validated signatures, each on the scale of the training patients of its fold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.flow import Flow
from sequoia_base.results import Result
from sequoia_base.splits import Splits
from sequoia_stats.errors import InputError, counted, listing, part
from sequoia_stats.signature._range import MIN_PATIENTS
from sequoia_stats.signature.fold_roles import TRAINS, in_fold, refuse_other_spelling, roles_of
from sequoia_stats.signature.overlap import OVERLAP_UNKNOWN, seen_in_training
from sequoia_stats.signature.reference import ScaleReference
from sequoia_stats.signature.scoring import RiskScore, compute_scores, risk_groups
from sequoia_stats.signature.signature import Signature
from sequoia_stats.types.expression import Expression
from sequoia_stats.types.genes import match

GROUPS = ("high", "low", "uncertain")
_COLUMNS = ["fold", "n_train", "mean", "sd", "cutoff"]


@dataclass(frozen=True, eq=False)
class FoldScores(Result):
    """Risk scores of patients, each by the signature that has not seen this patient.

    Parameters
    ----------
    frame : DataFrame
        A row per patient: ``patient_id, risk_score, group`` ("high" or "low"; "uncertain" too once intervals have
        decided), ``fold`` (Int64). The scores of a fold have a scale of their own. Patients of no fold have the mean
        over folds of the standardised scores, and no fold; `standardised` brings all on one scale.
    folds : DataFrame
        The scale of each fold: ``fold, n_train, mean, sd`` (divisor n − 1) ``, cutoff`` (median) of the scores of its
        training patients, by the same signature; empty if nobody of the splits is among the patients.
    n_genes : tuple of int
        Number of genes of the signature of each fold.
    genes_missing : tuple of tuple of str
        Genes of the signature of each fold that the patients lack.
    weight_lost : tuple of float
        Their share of Σ|coefficient|, 0 to 1.
    flow : DataFrame
        Ledger of the scoring: patients who are in the splits, but tested by no fold, are left out.
    notes : tuple of str
        What to know before reading the scores.
    cutoff : float
        Cut-off of patients of no fold: the mean over folds of the standardised cut-offs.
    """

    frame: pd.DataFrame = field(metadata={"show": False})
    folds: pd.DataFrame
    n_genes: tuple[int, ...]
    genes_missing: tuple[tuple[str, ...], ...]
    weight_lost: tuple[float, ...]
    flow: pd.DataFrame
    notes: tuple[str, ...] = ()
    cutoff: float = field(default=0.0, metadata={"show": False})

    @property
    def fold(self) -> pd.Series:
        """The fold that tests each patient, by patient id; missing for patients of no fold."""
        return self.frame.set_index("patient_id")["fold"]

    @property
    def standardised(self) -> pd.Series:
        """The scores in SDs from the mean of the training patients of the fold, by patient id."""
        scores = self.frame["risk_score"].to_numpy(copy=True)
        folds = self.frame["fold"].to_numpy(np.float64, na_value=np.nan)
        for fold, _, mean, sd, _ in self.folds.itertuples(index=False):
            scores[folds == fold] = _standardise(scores[folds == fold], mean, sd)
        return pd.Series(scores, pd.Index(self.frame["patient_id"]), name="risk_score")

    @property
    def empty(self) -> pd.Series:
        """Whether the signature that scores the patient has no gene, by patient id; false for patients of no fold."""
        empty = [fold for fold, n in enumerate(self.n_genes) if n == 0]
        return self.fold.isin(empty)

    def to_frame(self) -> pd.DataFrame:
        """The scores, a row per patient."""
        return self.frame

    def to_dict(self) -> dict[str, Any]:
        """Plain values: numbers of patients, the scale of each fold, missing genes by fold, ledger and notes."""
        counts = self.frame["group"].value_counts()
        new = int(self.frame["fold"].isna().sum())
        shown = {
            "n": len(self.frame),
            "n_high": int(counts.get("high", 0)),
            "n_low": int(counts.get("low", 0)),
        }
        return {**shown, "n_in_no_fold": new, **super().to_dict()}

    def __str__(self) -> str:
        shown = self.to_dict()
        groups = [f"{n} {group}" for group in GROUPS if (n := int((self.frame["group"] == group).sum()))]
        lines = [
            f"Scores of {counted(shown['n'], 'patient')} ({', '.join(groups)}) by signatures that have not seen them"
        ]
        if len(self.folds):
            tested = self.frame["fold"].value_counts()
            table = (self.folds.round(6) + 0).assign(  # no -1e-17 and no -0
                n_tested=[int(tested.get(fold, 0)) for fold in self.folds["fold"]],
                n_genes=self.n_genes,
                weight_lost=[f"{lost:.1%}" for lost in self.weight_lost],
            )
            text = table.to_string(index=False, float_format="{:.4g}".format)
            lines += ["  training patients of each fold:", *(f"    {line}" for line in text.splitlines())]
        if shown["n_in_no_fold"] and len(self.folds):
            lines.append(
                f"  {part(shown['n_in_no_fold'], shown['n'], 'patient', 'are')} in no fold: mean of the standardised "
                "scores of all folds"
            )
        if missing := sorted({gene for genes in self.genes_missing for gene in genes}):
            lines.append(f"  missing genes: {listing(missing)}")
        lines += [f"  {line}" for line in str(Flow.of(self.flow)).splitlines()]
        return "\n".join([*lines, *(f"  note: {note}" for note in self.notes)])


def score_folds(
    signatures: Sequence[Signature], splits: Splits, expression: Expression, max_weight_lost: float
) -> FoldScores:
    """Score patients by the signatures of the folds; `FoldSignatures.risk_score` documents it."""
    patients = expression.values.index
    if not len(patients):
        raise InputError("there are no patients to score", where=expression.name)
    roles = roles_of(patients, splits)
    known, tested = (roles != "").any(axis=1).to_numpy(), (roles == "test").to_numpy()
    refuse_other_spelling(patients[~known], expression.name, splits)
    _refuse_other_folds(expression, tested, splits)
    scored = tested.any(axis=1) | ~known
    narrow = _genes_of(signatures, expression)
    parts = [
        _score_part(signature, fold, narrow, roles[f"fold_{fold}"], known, max_weight_lost)
        for fold, signature in enumerate(signatures)
    ]
    raw = np.column_stack([one.scores for one in parts])
    scale = pd.DataFrame([one.scale for one in parts], columns=_COLUMNS)
    mean, sd, cutoff = scale[["mean", "sd", "cutoff"]].to_numpy().T
    fold = tested.argmax(axis=1)
    scores = np.where(known, raw[np.arange(len(raw)), fold], _standardise(raw, mean, sd).mean(axis=1))
    of_new = float(_standardise(cutoff, mean, sd).mean())
    cutoffs = np.where(known, cutoff[fold], of_new)
    frame = pd.DataFrame(
        {
            "patient_id": patients,
            "risk_score": scores,
            "group": risk_groups(scores, cutoffs),
            "fold": pd.Series(fold, dtype="Int64").mask(~known),
        }
    )
    return FoldScores(
        frame=frame[scored].reset_index(drop=True),
        folds=scale if known.any() else scale[:0],
        n_genes=tuple(len(signature.genes) for signature in signatures),
        genes_missing=tuple(one.risk.genes_missing for one in parts),
        weight_lost=tuple(one.risk.weight_lost for one in parts),
        flow=_ledger(roles.index, scored),
        notes=_notes(signatures, known),
        cutoff=of_new,
    )


class _Part(NamedTuple):
    """The scores of all patients by the signature of one fold (NaN for those it does not score), and their scale."""

    risk: RiskScore
    scores: NDArray[np.float64]
    scale: tuple[int, int, float, float, float]


def _score_part(
    signature: Signature,
    fold: int,
    expression: Expression,
    roles: pd.Series,
    known: NDArray[np.bool_],
    max_weight_lost: float,
) -> _Part:
    """Patients whom a fold tests, or who are in no fold, on the scale of those who train in it.

    If nobody is in the splits, all are scored on their own scale, which takes the place of that of the training.
    """
    with in_fold(fold):
        trains = roles.isin(TRAINS).to_numpy()
        wanted = (roles == "test").to_numpy() | ~known
        _refuse_seen(signature, expression, wanted)
        own = trains if known.any() else wanted
        _refuse_few(expression, own, whose="training patients" if known.any() else "patients")
        reference = None
        if known.any() and signature.transform.depends_on_cohort and not signature.is_null:
            training = replace(_rows(expression, trains), name="of the training patients")
            reference = ScaleReference.fit(training, signature.genes, signature.transform.name)
        there = trains | wanted
        risk = compute_scores(
            signature,
            _rows(expression, there),
            reference=reference,
            max_weight_lost=max_weight_lost,
            allow_overlap=True,  # the training patients themselves give the scale
        )
        scores = np.full(len(roles), np.nan)
        scores[there] = risk.scores
        of_own = scores[own]
        cutoff = float(np.median(of_own)) if known.any() else signature.cutoff
        return _Part(
            risk, scores, (fold, len(of_own), float(of_own.mean()), float(of_own.std(ddof=1)), cutoff)
        )


def whole_folds(expression: Expression) -> pd.Series | None:
    """The fold of each patient, as the file of the expression states it; None if it states none.

    Returns
    -------
    Series of Int64 or None
        Missing where a patient has no fold.

    Raises
    ------
    InputError
        If a fold is not a whole number, 0 or more.
    """
    if "fold" not in expression.covariates or expression.covariates["fold"].isna().all():
        return None
    given = expression.covariates["fold"]
    numbers = pd.to_numeric(given, errors="coerce").astype(np.float64)
    odd = given.notna() & ~((numbers >= 0) & (numbers % 1 == 0))
    if odd.any():
        raise InputError(
            f"{part(int(odd.sum()), len(odd), 'fold', 'are')} not a whole number, 0 or more: "
            f"{listing(given[odd].unique(), 3)}",
            where=f"{expression.name}, obs column 'fold': {listing(given.index[odd], 3)}",
            fix="number the folds 0, 1, ..., or give the column another name if it is something else",
        )
    return numbers.astype("Int64")


def _refuse_other_folds(expression: Expression, tested: NDArray[np.bool_], splits: Splits) -> None:
    """Refuse predictions whose folds are not those of the splits."""
    own = whole_folds(expression)
    if own is None:
        return
    ours, theirs = own.to_numpy(np.float64, na_value=np.nan), tested.argmax(axis=1)
    both = tested.any(axis=1) & ~np.isnan(ours)
    differ = np.flatnonzero(both & (ours != theirs))
    if differ.size:
        names = own.index.to_numpy()
        named = (f"{names[i]} ({ours[i]:.0f} and {theirs[i]})" for i in differ)
        raise InputError(
            f"the folds of two files differ: {part(differ.size, int(both.sum()), 'patient', 'have')} another fold in "
            f"{expression.name} than in the splits",
            where=f"{expression.name} and {splits.name}: {listing(named, 5)}",
            fix="fit the signatures with the splits of the networks that made these predictions",
        )


def _refuse_seen(signature: Signature, expression: Expression, wanted: NDArray[np.bool_]) -> None:
    """Refuse a signature that was trained on patients whom it should score, against what the splits say."""
    patients = expression.values.index[wanted]
    seen = seen_in_training(signature, patients)
    if seen is not None and seen.any():
        raise InputError(
            f"the signature was trained on {int(seen.sum())} of the {counted(len(patients), 'patient')} whom it should "
            "score",
            where=f"{expression.name}: {listing(patients[seen], 5)}",
            fix="fit the folds again with these splits: signature fit --splits",
        )


def _refuse_few(expression: Expression, own: NDArray[np.bool_], whose: str) -> None:
    """Refuse too few patients to give a scale."""
    if (n := int(own.sum())) < MIN_PATIENTS:
        raise InputError(
            f"{expression.name} has {n} {whose}, but at least {MIN_PATIENTS} are needed for the scale of the scores",
            where=expression.name,
            fix="score all patients of the splits together, as in the predictions.h5ad of a training run",
        )


def _genes_of(signatures: Sequence[Signature], expression: Expression) -> Expression:
    """The expression of the genes of all signatures alone, unless it has none of them, which is refused later."""
    genes = sorted({gene for signature in signatures for gene in signature.genes})
    columns = match(genes, expression.genes)
    columns = columns[columns >= 0]
    return replace(expression, values=expression.values.iloc[:, columns]) if columns.size else expression


def _rows(expression: Expression, chosen: NDArray[np.bool_]) -> Expression:
    return replace(expression, values=expression.values[chosen], covariates=expression.covariates[chosen])


def _standardise(
    scores: NDArray[np.float64], mean: float | NDArray[np.float64], sd: float | NDArray[np.float64]
) -> NDArray[np.float64]:
    """(scores − mean) / SD; 0 where the SD is, as in a fold whose signature chose no gene."""
    return np.divide(scores - mean, sd, out=np.zeros_like(scores), where=np.asarray(sd) > 0)


def _ledger(patients: pd.Index, scored: NDArray[np.bool_]) -> pd.DataFrame:
    """A line for the patients whom no signature may score, if there are any."""
    flow = Flow()
    if not scored.all():
        reason = f"in the splits, but tested by no fold: {listing(patients[~scored], 3)}"
        flow.add("patients: scored", len(scored), int(scored.sum()), reason)
    return flow.to_frame()


def _notes(signatures: Sequence[Signature], known: NDArray[np.bool_]) -> tuple[str, ...]:
    notes = []
    if not known.any():
        notes.append(
            f"nobody is in the splits: a score is the mean of those of {counted(len(signatures), 'signature')}, each "
            "standardised within these patients"
        )
    if empty := [fold for fold, signature in enumerate(signatures) if signature.is_null]:
        notes.append(f"no gene was chosen in fold {listing(empty)}: all its patients have a risk score of 0")
    if any("patients" not in signature.training for signature in signatures):
        notes.append(OVERLAP_UNKNOWN)
    return tuple(notes)
