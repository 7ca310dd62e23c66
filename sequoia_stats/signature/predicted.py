"""What becomes of a signature on predicted expression: its genes one by one, its score, and its hazard ratio."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.results import Result
from sequoia_stats.errors import InputError, counted, part
from sequoia_stats.io import read_expression
from sequoia_stats.selection import well_predicted
from sequoia_stats.signature.fold_scores import FoldScores, whole_folds
from sequoia_stats.signature.folds import FoldSignatures
from sequoia_stats.signature.patient_outcomes import fold_strata, matched_outcome
from sequoia_stats.signature.reference import ScaleReference
from sequoia_stats.signature.scoring import RiskScore
from sequoia_stats.signature.signature import Signature
from sequoia_stats.survival import cox_regression
from sequoia_stats.types.cohort import storable
from sequoia_stats.types.genes import match
from sequoia_stats.types.outcome import Outcome
from sequoia_stats.types.predictions import Predictions

if TYPE_CHECKING:
    from sequoia_stats.types.expression import Expression

_HAZARDS = ["score", "n", "n_events", "hr_per_sd", "low", "high", "p"]


@dataclass(frozen=True, eq=False)
class PredictedSignature(Result):
    """A signature on predicted expression beside the same on measured expression.

    Parameters
    ----------
    genes : DataFrame
        A row per gene of the signature, the largest share first: ``gene, coefficient``, its ``share`` of
        Σ|coefficient|, for signatures of folds ``n_folds`` that chose it, and ``r, p, well_predicted`` of its
        predictions. Of signatures of folds, coefficient and share are means over the folds that chose any gene, with 0
        for a fold without this one.
    rule : str
        What makes a gene well predicted; see `sequoia_stats.selection.well_predicted`.
    n_genes, n_predicted, n_well_predicted : int
        Genes of the signature, those that are predicted and measured, and those that are well predicted.
    share_well_predicted : float
        The share of Σ|coefficient| that well-predicted genes carry.
    pairs : DataFrame
        Index = patient id; ``predicted, measured`` scores of the patients who have both, and ``fold`` where it is
        known. Scores of signatures of folds are in SDs from the mean of the training patients of the fold, each within
        its own kind of expression.
    measured_folds : DataFrame or None
        The scale of the measured scores of each fold, as in `FoldScores`; None for one signature.
    n : int
        Number of these patients.
    r, r2 : float
        Correlation of predicted and measured score, and its square: the share of the variance of the measured score
        that the predicted one explains. NaN if a score is the same for all.
    hazard_ratios : DataFrame
        See `hazard_table`; without rows if no outcome was given.
    notes : tuple of str
        What to know before reading the numbers.
    """

    genes: pd.DataFrame = field(metadata={"show": False})
    rule: str
    n_genes: int
    n_predicted: int
    n_well_predicted: int
    share_well_predicted: float
    pairs: pd.DataFrame = field(metadata={"show": False})
    measured_folds: pd.DataFrame | None = field(metadata={"show": False})
    n: int
    r: float
    r2: float
    hazard_ratios: pd.DataFrame
    notes: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """The table of genes."""
        return self.genes

    def __str__(self) -> str:
        lines = [
            f"Predicted genes: {self.n_predicted} of the {counted(self.n_genes, 'gene')} of the signature can be "
            f"judged, {self.n_well_predicted} well predicted (rule {self.rule}), with {self.share_well_predicted:.1%} "
            "of Σ|coefficient|"
        ]
        if self.r == self.r:
            lines.append(
                f"Predicted score: it explains {self.r2:.1%} of the variance of the measured one (r = {self.r:.3f}, "
                f"{counted(self.n, 'patient')})"
            )
        lines += [*hazard_lines(self.hazard_ratios), *(f"  note: {note}" for note in self.notes)]
        return "\n".join(lines)


def compare_with_measured(
    signature: Signature | FoldSignatures,
    predictions: Predictions,
    scored: RiskScore | FoldScores,
    *,
    outcome: pd.DataFrame | None = None,
    rule: str = "strict",
    reference: ScaleReference | None = None,
) -> PredictedSignature:
    """Judge a signature on predictions by the measured expression of the same patients.

    Parameters
    ----------
    signature : Signature or FoldSignatures
        The signature.
    predictions : Predictions
        Predicted and measured expression.
    scored : RiskScore or FoldScores
        The scores of the predicted expression.
    outcome : DataFrame, optional
        Index = patient id; ``time`` (months) and ``event``: hazard ratios of both scores on the same patients.
    rule : {"strict", "paper", "published-code"}
        What makes a gene well predicted, among all genes of the predictions.
    reference : ScaleReference, optional
        The scale of the measured score if a reference gives that of the predicted one; see `measured_reference`.

    Raises
    ------
    InputError
        If the predictions share no gene with the signature, too few patients have all of them measured, the rule cannot
        be applied, or the outcome is that of other patients.

    Notes
    -----
    The measured score is computed as the predicted one, from measured expression alone: the transform takes its
    parameters from these patients, or from those of the same group, or for signatures of folds from the training
    patients of each. Patients of a fold whose signature has no gene are in no pair.
    """
    genes, notes, r = _gene_table(signature, predictions, rule), [], np.nan
    measured: RiskScore | FoldScores | None = None
    try:
        measured = measured_scores(signature, predictions, scored, reference)
    except InputError as error:  # what is known of the genes is worth as much without it
        notes.append(f"there is no measured score: {error.what}")
    pairs = pd.DataFrame({"predicted": comparable(scored)})
    if measured is not None:
        pairs["measured"] = comparable(measured)
        if len(lost := pairs.index[pairs["measured"].isna()]):
            who = part(len(lost), len(pairs), "patient", "have")
            notes.append(f"{who} no measured score, since a gene of the signature was not measured")
        pairs = pairs.dropna()
        pairs, said = with_genes(pairs, scored)
        notes += said
        if pairs.nunique().min() > 1:
            r = float(np.corrcoef(pairs["predicted"], pairs["measured"])[0, 1])
        else:
            notes.append("a score is the same for all patients, so nothing can be correlated")
    folds = (
        scored.fold if isinstance(scored, FoldScores) else whole_folds(measured_expression(predictions, []))
    )
    if folds is not None:
        pairs["fold"] = folds.reindex(pairs.index)
    well = genes["well_predicted"]
    return PredictedSignature(
        genes=genes,
        rule=rule,
        n_genes=len(genes),
        n_predicted=int(genes["r"].notna().sum()),
        n_well_predicted=int(well.sum()),
        share_well_predicted=float(genes["share"][well].sum()),
        pairs=pairs if measured is not None else pairs[:0].assign(measured=np.nan),
        measured_folds=measured.folds if isinstance(measured, FoldScores) else None,
        n=len(pairs) if measured is not None else 0,
        r=r,
        r2=r**2,
        hazard_ratios=pd.DataFrame(columns=_HAZARDS) if outcome is None else hazard_table(pairs, outcome),
        notes=tuple(notes),
    )


def measured_scores(
    signature: Signature | FoldSignatures,
    predictions: Predictions,
    scored: RiskScore | FoldScores,
    reference: ScaleReference | None = None,
) -> RiskScore | FoldScores:
    """Scores of the measured expression, of the patients in whom no gene of the signature is missing.

    Parameters
    ----------
    signature : Signature or FoldSignatures
        The signature.
    predictions : Predictions
        Predicted and measured expression.
    scored : RiskScore or FoldScores
        The scores of the predicted expression, whose scale tells that of the measured one.
    reference : ScaleReference, optional
        The scale of the measured score if a reference gives that of the predicted one; see `measured_reference`.

    Raises
    ------
    InputError
        If these are too few; if a reference without measured expression gave the scale; as `Signature.risk_score`.
    """
    kept = _measured_in_all(signature, predictions)
    if isinstance(signature, FoldSignatures) or isinstance(scored, FoldScores):
        return signature.risk_score(kept)
    options: dict[str, Any] = {}
    if scored.reference is not None:
        if reference is None:
            raise InputError(
                f"the reference {scored.reference.cohort} puts predicted expression on its scale, but does not hold "
                "measured expression of enough patients to do the same for measured scores",
                fix="give --reference predictions with measured expression, such as those of a training run",
            )
        options["reference"] = reference
    elif scored.groups is not None:
        options["scale_within"] = scored.groups
    else:
        options["scale"] = scored.scale
    # it is a truth to compare with, not a result
    return signature.risk_score(kept, allow_overlap=True, **options)


def measured_reference(signature: Signature, predictions: Predictions) -> ScaleReference:
    """The scale of measured scores where predictions are the reference of predicted ones: their measured expression.

    Raises
    ------
    InputError
        As `ScaleReference.fit`.
    """
    kept = _measured_in_all(signature, predictions)
    return ScaleReference.fit(kept, signature.genes, signature.transform.name)


def _measured_in_all(signature: Signature | FoldSignatures, predictions: Predictions) -> Expression:
    """Measured expression of the patients in whom no gene of the signature is missing."""
    expression = measured_expression(predictions, [gene for one in _models(signature) for gene in one.genes])
    complete = expression.values.notna().all(axis=1).to_numpy()
    return replace(expression, values=expression.values[complete], covariates=expression.covariates[complete])


def with_genes(frame: pd.DataFrame, scored: RiskScore | FoldScores) -> tuple[pd.DataFrame, list[str]]:
    """The rows of patients whose signature has genes, and what to say of the others."""
    if not isinstance(scored, FoldScores):
        return frame, []
    empty = scored.empty.reindex(frame.index).to_numpy(bool)
    if not empty.any() or empty.all():
        return frame, []
    who = part(int(empty.sum()), len(empty), "patient", "are")
    return frame[~empty], [f"{who} left out of r and hazard ratios: the signature of their fold has no gene"]


def comparable(scored: RiskScore | FoldScores) -> pd.Series:
    """Scores by patient id on one scale: those of folds in SDs from the mean of the training patients."""
    return scored.standardised if isinstance(scored, FoldScores) else scored.scores


def hazard_table(scores: pd.DataFrame, outcome: pd.DataFrame) -> pd.DataFrame:
    """Hazard ratio of each score per SD, on the same patients.

    Parameters
    ----------
    scores : DataFrame
        Index = patient id; a column per score and, if the scores are cross-validated, ``fold`` (Int64), within which
        patients are compared. Patients of no fold are compared among themselves.
    outcome : DataFrame
        Index = patient id; ``time`` (months) and ``event``. Ids are compared as they are written, and as the TCGA
        patient of a sample's barcode; a patient without outcome is left out.

    Returns
    -------
    DataFrame
        A row per score: ``score, n, n_events, hr_per_sd, low, high, p`` (95% interval and p of Wald; Cox model with
        Efron's ties). A score that is the same for all has no hazard ratio.

    Raises
    ------
    InputError
        If no patient has an outcome, or fewer than two events are left.
    """
    there, known = matched_outcome(scores.index, outcome)
    strata = fold_strata(scores[there])
    rows = [
        _hazard(name, scores[name].to_numpy(np.float64)[there], known, strata)
        for name in scores.columns
        if name != "fold"
    ]
    return pd.DataFrame(rows, columns=_HAZARDS)


def hazard_lines(table: pd.DataFrame) -> list[str]:
    """The table as it is printed; nothing without rows."""
    if table.empty:
        return []
    text = table.to_string(index=False, na_rep="–", float_format="{:.4g}".format)
    return ["Hazard ratio per SD:", *(f"  {line}" for line in text.splitlines())]


def _hazard(
    name: str, score: NDArray[np.float64], outcome: Outcome, strata: NDArray[Any] | None
) -> tuple[Any, ...]:
    if len(score) < 2 or not (sd := score.std(ddof=1)) > 0:
        return (name, outcome.n, outcome.n_events, *[np.nan] * 4)
    fit = cox_regression(outcome, pd.DataFrame({name: score / sd}), strata=strata)
    term = fit.frame.iloc[0]
    return name, fit.n, fit.n_events, term["hr"], term["low"], term["high"], term["p"]


def _gene_table(signature: Signature | FoldSignatures, predictions: Predictions, rule: str) -> pd.DataFrame:
    """The genes of the signature with what they weigh, and how well each is predicted."""
    models = [one for one in _models(signature) if not one.is_null] or _models(signature)
    columns = [pd.Series(one.coefficients, list(one.genes), dtype=np.float64) for one in models]
    weights = pd.concat(columns, axis=1).fillna(0.0)
    shares = weights.abs() / weights.abs().sum()
    table = pd.DataFrame({"coefficient": weights.mean(axis=1), "share": shares.mean(axis=1)})
    if isinstance(signature, FoldSignatures):
        table["n_folds"] = (weights != 0).sum(axis=1)
    places = match(weights.index, predictions.genes)
    judged = well_predicted(predictions, rule=rule).table[["r", "p", "well_predicted"]]
    judged = judged.reindex(places).set_axis(weights.index, axis=0)
    table = table.assign(r=judged["r"], p=judged["p"], well_predicted=judged["well_predicted"].eq(True))
    return table.sort_values("share", ascending=False, kind="stable").rename_axis("gene").reset_index()


def _models(signature: Signature | FoldSignatures) -> tuple[Signature, ...]:
    return signature.signatures if isinstance(signature, FoldSignatures) else (signature,)


def measured_expression(predictions: Predictions, genes: list[str]) -> Expression:
    """Measured expression of some genes, a row per patient, with what else is known of the patients."""
    import anndata

    places = match(genes, predictions.genes)
    places = np.unique(places[places >= 0])
    adata = anndata.AnnData(
        predictions.measured[:, places],
        predictions.obs.rename_axis(None).apply(storable),
        pd.DataFrame(index=predictions.genes[places]),
        {"name": f"the measured expression of {predictions.name}"},
    )
    return read_expression(adata)
