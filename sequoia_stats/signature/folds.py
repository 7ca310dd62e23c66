"""One signature per fold, trained without the patients that the fold tests."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sequoia_base.arguments import ProgressBar
from sequoia_base.atomic import new_folder
from sequoia_base.flow import Flow
from sequoia_base.names import tcga_patient
from sequoia_base.results import Result
from sequoia_base.splits import Splits, read_patient_splits
from sequoia_stats.errors import InputError, counted, listing, part
from sequoia_stats.io import read_expression
from sequoia_stats.signature.fold_roles import TRAINS, check_tested, in_fold, refuse_other_spelling, roles_of
from sequoia_stats.signature.fold_scores import FoldScores, score_folds
from sequoia_stats.signature.lasso_cox import LassoCoxSignature, check_events
from sequoia_stats.signature.signature import Signature
from sequoia_stats.types.cohort import Cohort, as_cohort
from sequoia_stats.types.expression import Expression

if TYPE_CHECKING:
    from anndata import AnnData

_SPLITS = "splits.csv"


@dataclass(frozen=True, eq=False)
class FoldSignatures(Result):
    """One signature per fold; each patient is scored by the one that has not seen this patient.

    Parameters
    ----------
    signatures : tuple of Signature
        That of fold 0, of fold 1 and so on, all for one endpoint and with one transform.
    splits : Splits
        Which patients train and which are tested in each fold. A patient is tested in one fold at most.
    flow : DataFrame
        Ledger of the training cohort, down to the patients of the splits: ``step, n_before, n_after, reason``.

    Raises
    ------
    InputError
        If the numbers of signatures and folds differ, endpoints or transforms do, or a patient is tested in several
        folds.
    """

    signatures: tuple[Signature, ...]
    splits: Splits = field(metadata={"show": False})
    flow: pd.DataFrame = field(default_factory=lambda: Flow().to_frame(), metadata={"show": False})

    def __post_init__(self) -> None:
        check_tested(self.splits)
        if len(self.signatures) != self.splits.n_folds:
            raise InputError(
                f"there are {counted(len(self.signatures), 'signature')} for "
                f"{counted(self.splits.n_folds, 'fold')}",
                where=self.splits.name,
            )
        for what, found in (
            ("endpoints", [one.endpoint for one in self.signatures]),
            ("transforms", [one.transform.name for one in self.signatures]),
        ):
            if len(set(found)) > 1:
                raise InputError(
                    f"the signatures of the folds have different {what}: {listing(dict.fromkeys(found))}",
                    where=", ".join(f"fold {fold}: {word}" for fold, word in enumerate(found)),
                    fix="fit all folds at once: signature fit --splits",
                )

    @property
    def endpoint(self) -> str:
        """The endpoint that the signatures were trained to predict."""
        return self.signatures[0].endpoint

    def to_frame(self) -> pd.DataFrame:
        """A row per fold: ``fold, n, n_events, n_candidates, n_genes, lambda, cutoff``."""
        rows = [
            {
                "fold": fold,
                **{name: one.training[name] for name in ("n", "n_events", "n_candidates")},
                "n_genes": len(one.genes),
                "lambda": one.selection["lambda"],
                "cutoff": one.cutoff,
            }
            for fold, one in enumerate(self.signatures)
        ]
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, Any]:
        """The table of folds as plain values, how often each gene was chosen, and what is to know of the splits."""
        folds = self.to_frame().to_dict("records")
        note = self.splits.note
        return {"endpoint": self.endpoint, "folds": folds, "genes": self.times_chosen(), "note": note}

    def times_chosen(self) -> dict[str, int]:
        """In how many folds each gene was chosen, the most frequent first."""
        chosen = pd.Series([gene for one in self.signatures for gene in one.genes], dtype=object)
        return {str(gene): int(n) for gene, n in chosen.value_counts().items()}

    def __str__(self) -> str:
        folds = counted(len(self.signatures), "fold")
        table = self.to_frame().to_string(index=False, float_format="{:.5g}".format)
        often = listing((f"{gene} ({times})" for gene, times in self.times_chosen().items()), 20)
        lines = [
            f"Signatures of {folds} for {self.endpoint}, each trained without the patients that its fold tests",
            *(f"  {line}" for line in table.splitlines()),
            f"  genes, with the number of folds that chose them: {often or 'none'}",
        ]
        return "\n".join([*lines, *([f"  note: {self.splits.note}"] if self.splits.note else [])])

    def save(self, folder: str | Path) -> None:
        """Write ``fold_0.json``, ``fold_1.json``, … and ``splits.csv`` into a new folder, all or none."""
        with new_folder(folder) as place:
            for fold, one in enumerate(self.signatures):
                one.save(place / _file_of(fold))
            self.splits.save(place / _SPLITS)

    @classmethod
    def load(cls, folder: str | Path) -> FoldSignatures:
        """Read a folder written by `save`.

        Raises
        ------
        InputError
            If the folder, its splits or the signature of a fold is missing or damaged, or they do not go together.
        """
        folder = Path(folder)
        if not (folder / _SPLITS).is_file():
            raise InputError(
                f"the folder has no {_SPLITS}" if folder.is_dir() else "there is no such folder",
                where=str(folder),
                fix="give a folder that signature fit --splits wrote",
            )
        splits = read_patient_splits(folder / _SPLITS)
        wanted = [_file_of(fold) for fold in range(splits.n_folds)]
        found = set(files_in(folder)[1:])
        if odd := [*(name for name in wanted if name not in found), *sorted(found - set(wanted))]:
            raise InputError(
                f"the folder does not hold one signature for each of {counted(splits.n_folds, 'fold')}: "
                f"{listing(odd)} {'is missing' if odd[0] in wanted else 'belongs to no fold'}",
                where=str(folder),
                fix="fit the folds again: signature fit --splits",
            )
        try:
            return cls(tuple(Signature.load(folder / name) for name in wanted), splits)
        except InputError as error:
            error.where = error.where if str(folder) in error.where else f"{folder}: {error.where}"
            raise

    def risk_score(
        self, expression: Expression | Cohort | pd.DataFrame | AnnData, *, max_weight_lost: float = 0.5
    ) -> FoldScores:
        """Score each patient by the signature that has not seen this patient.

        Parameters
        ----------
        expression : Expression, Cohort, DataFrame of shape (patients, genes), or AnnData
            The patients, measured or predicted. If these are predictions with the fold of each patient, it must be that
            of the splits.
        max_weight_lost : float
            Largest share of Σ|coefficient| of a signature that may be lost with missing genes.

        Returns
        -------
        FoldScores

        Raises
        ------
        InputError
            If the folds of the patients differ from the splits, there are too few training patients of a fold, a
            signature has seen a patient that it should score, or as `Signature.risk_score`; with the fold.

        Notes
        -----
        The transform of fold k takes its parameters from the patients that train in fold k, as they are in
        `expression`: for predictions of a cross-validated network these were predicted by networks that held them out.
        So do the mean, the SD and the cut-off of the scores. Patients of no fold get the mean over folds of the
        standardised scores. If nobody of the splits is among the patients, each signature scores them on the scale of
        their own cohort.
        """
        return score_folds(self.signatures, self.splits, read_expression(expression), max_weight_lost)


def fit_folds(
    estimator: LassoCoxSignature,
    cohort: Cohort | AnnData,
    splits: Splits | str | Path,
    *,
    progress: ProgressBar | None = None,
) -> FoldSignatures:
    """Fit a signature for each fold, to the patients that train or validate in it.

    The penalty is chosen by cross-validation within these patients, so those of the validation part train as well.

    Parameters
    ----------
    estimator : LassoCoxSignature
        With its parameters; it is fitted once per fold.
    cohort : Cohort or AnnData
        The patients. Those who are in no fold are left out and counted.
    splits : Splits or path
        Which patients train and which are tested in each fold; the folder of a training run stands for its splits.csv.
    progress : callable, optional
        ``progress(folds, total)`` wraps the iterator over the folds.

    Returns
    -------
    FoldSignatures

    Raises
    ------
    InputError
        If the splits have no test part or test a patient in several folds, share no patient with the cohort, or leave
        fewer than two events to train on in a fold; as `LassoCoxSignature.fit`, with the fold.
    """
    estimator.check_parameters()
    cohort = as_cohort(cohort)
    if not isinstance(splits, Splits):
        inside = Path(splits) / _SPLITS
        splits = read_patient_splits(inside if inside.is_file() else splits)
    check_tested(splits)
    roles = roles_of(cohort.patients, splits)
    known = (roles != "").any(axis=1).to_numpy()
    refuse_other_spelling(cohort.patients[~known], cohort.name, splits)
    if not known.any():
        raise InputError(
            f"none of the {counted(cohort.n, 'patient')} of {cohort.name} is in the splits",
            where=f"{cohort.name}: {listing(cohort.patients, 3)}; {splits.name}: {listing(splits.roles.index, 3)}",
            fix="give the splits of these patients",
        )
    flow = Flow.of(cohort.flow)
    flow.add("patients: splits", cohort.n, int(known.sum()), _losses(roles, splits))
    trained = [_training(cohort, roles[f"fold_{fold}"].isin(TRAINS), fold) for fold in range(splits.n_folds)]
    for fold, training in enumerate(trained):
        with in_fold(fold):
            check_events(training)
    folds: Iterable[int] = range(splits.n_folds)
    signatures = []
    for fold in progress(folds, splits.n_folds) if progress else folds:
        with in_fold(fold):
            signatures.append(estimator.fit(trained[fold]).signature_)
    return FoldSignatures(tuple(signatures), splits, flow.to_frame())


def _training(cohort: Cohort, rows: pd.Series, fold: int) -> Cohort:
    """The patients that train in a fold."""
    chosen = np.flatnonzero(rows)
    return replace(
        cohort,
        expression=cohort.expression.iloc[chosen],
        outcome=cohort.outcome[chosen],
        covariates=cohort.covariates.iloc[chosen],
        name=f"{cohort.name}, training part of fold {fold}",
    )


def _losses(roles: pd.DataFrame, splits: Splits) -> str:
    """Who is in no fold, and which patients of the splits the cohort lacks, in words."""
    lost = roles.index[(roles == "").all(axis=1)]
    in_cohort = set(roles.index) | set(map(tcga_patient, map(str, roles.index)))
    lacking = splits.roles.index[~splits.roles.index.isin(in_cohort)]
    said = [f"in no fold: {listing(lost, 3)}"] if len(lost) else []
    if len(lacking):
        said.append(f"{part(len(lacking), len(splits.roles), 'patient', 'are')} in the splits only")
    return "; ".join(said) or "all are in the splits"


def files_in(folder: str | Path) -> tuple[str, ...]:
    """Names of the files that `FoldSignatures.save` writes, whether they are there or not."""
    return _SPLITS, *(path.name for path in Path(folder).glob(_file_of("[0-9]*")))


def _file_of(fold: int | str) -> str:
    return f"fold_{fold}.json"
