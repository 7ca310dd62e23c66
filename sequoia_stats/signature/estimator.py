"""The estimator of a LASSO Cox signature: candidates, transform, path, cross-validation, frozen signature."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from sequoia_stats.coxpath.cross_validation import (
    CrossValidation,
    Progress,
    check_foldids,
    cross_validate,
    stratified_folds,
)
from sequoia_stats.coxpath.engines import CoxPath, PathSettings, get_engine
from sequoia_stats.errors import InputError, listing
from sequoia_stats.signature.signature import Signature, weighted_sum
from sequoia_stats.signature.transforms import check_units, fit_transform, within_cohort
from sequoia_stats.survival.partial_likelihood import cox_score
from sequoia_stats.types import genes as symbols
from sequoia_stats.types.cohort import Cohort, as_cohort
from sequoia_stats.types.outcome import Outcome

if TYPE_CHECKING:
    from anndata import AnnData

#: Fewest patients with an event that a fit accepts.
MIN_EVENTS = 2
#: Expression values, over all paths, that take about as long to fit as worker processes take to start.
_WORTH_PROCESSES = 2_000_000
_LAMBDA_RULES = ("min", "1se")


class LassoCoxSignature:
    """LASSO Cox regression on transformed gene expression, with the penalty chosen by cross-validation.

    Parameters
    ----------
    engine : str
        What fits the path; "glmnet" is R's.
    alpha : float
        1 for the LASSO, below for the elastic net.
    folds, repeats : int
        Folds of a draw, and number of draws, whose curves are averaged. Folds are stratified by event.
    foldid : mapping or Series, optional
        Fold (1, 2, ...) of every patient, in place of a draw.
    seed : int
        Seed of the draws.
    lambda_ : "min", "1se" or float
        The penalty: smallest mean deviance, largest within one standard error of it, or a value (no
        cross-validation then).
    lambda_min_ratio : float, optional
        Smallest penalty of the path as a share of the largest; None is the engine's own default.
    genes : sequence of str, optional
        Candidate genes; None takes all.
    transform : {"rank", "zscore", "log2", "none"}
        Per gene, within the training cohort.
    n_jobs : int, optional
        Worker processes for the folds; None takes one per core where the work is worth their start. The result
        does not depend on it.
    progress : callable, optional
        ``progress(iterator, total)`` wraps the iterator over finished folds.

    Attributes
    ----------
    signature_ : Signature
    path_ : CoxPath
        On all patients, per unit of transformed expression.
    cv_ : CrossValidation or None
    genes_ : Index
        Genes that entered the fit; ``coefficients`` of the path are in this order.
    kkt_residual_ : float
        Largest violation of the optimality conditions of the chosen solution, relative to its penalty.
    flow_ : DataFrame
        The cohort's ledger, continued: candidates, genes that are constant or have missing values.

    Examples
    --------
    >>> import sequoia_stats as sq
    >>> tcga = sq.datasets.load_tcga_brca(endpoint="PFI")  # doctest: +SKIP
    >>> signature = sq.LassoCoxSignature(seed=7).fit(tcga).signature_  # doctest: +SKIP
    """

    signature_: Signature
    path_: CoxPath
    cv_: CrossValidation | None
    genes_: pd.Index
    kkt_residual_: float
    flow_: pd.DataFrame

    def __init__(
        self,
        *,
        engine: str = "glmnet",
        alpha: float = 1.0,
        folds: int = 5,
        repeats: int = 1,
        foldid: Mapping[str, int] | pd.Series | None = None,
        seed: int = 0,
        lambda_: str | float = "min",
        lambda_min_ratio: float | None = None,
        genes: Sequence[str] | None = None,
        transform: str = "rank",
        n_jobs: int | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.engine = engine
        self.alpha = alpha
        self.folds = folds
        self.repeats = repeats
        self.foldid = foldid
        self.seed = seed
        self.lambda_ = lambda_
        self.lambda_min_ratio = lambda_min_ratio
        self.genes = genes
        self.transform = transform
        self.n_jobs = n_jobs
        self.progress = progress

    def fit(self, cohort: Cohort | AnnData) -> Self:
        """Fit the signature to a cohort.

        Parameters
        ----------
        cohort : Cohort or AnnData
            Training patients.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If no usable gene is left, events or patients are too few, or a parameter is out of its range.
        RUnavailableError
            If the engine needs R and R cannot be used.
        """
        cohort = as_cohort(cohort)
        settings = self._settings()
        _check_events(cohort)
        expression, self.flow_ = self._candidates(cohort)
        check_units(self.transform, expression, cohort.units)
        foldids = self._foldids(cohort) if isinstance(self.lambda_, str) else None
        x = within_cohort(self.transform, expression.to_numpy())
        if not np.isfinite(x).all():
            raise InputError(f"the {self.transform} transform gives values that are not finite")
        self.genes_ = expression.columns
        if foldids is not None:
            self.path_, self.cv_ = cross_validate(
                x,
                cohort.outcome,
                foldids,
                settings,
                engine=self.engine,
                n_jobs=self.n_jobs or _workers(x, foldids),
                progress=self.progress,
            )
            chosen = self.cv_.index_min if self.lambda_ == "min" else self.cv_.index_1se
        else:
            self.path_ = self._path_to(float(self.lambda_), x, cohort.outcome, settings)
            self.cv_, chosen = None, self.path_.lambdas.size - 1
        coefficients, penalty = self.path_.coefficients[chosen], float(self.path_.lambdas[chosen])
        self.kkt_residual_ = kkt_residual(x, cohort.outcome, coefficients, penalty, self.alpha)
        self.signature_ = self._freeze(cohort, expression, x, coefficients, penalty)
        return self

    def _settings(self) -> PathSettings:
        get_engine(self.engine)  # a name that does not exist is refused before any work
        if isinstance(self.lambda_, str) and self.lambda_ not in _LAMBDA_RULES:
            raise InputError(f"there is no rule {self.lambda_!r} for lambda", fix="use min, 1se or a number")
        if not isinstance(self.lambda_, str) and not (np.isfinite(self.lambda_) and self.lambda_ > 0):
            raise InputError(f"lambda is {self.lambda_}, and must be positive")
        return PathSettings(alpha=self.alpha, lambda_min_ratio=self.lambda_min_ratio)

    def _candidates(self, cohort: Cohort) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Expression of the genes that can enter a fit, and the ledger with what was left out."""
        before, expression = cohort, cohort.expression
        if self.genes is not None:
            positions = symbols.match(dict.fromkeys(self.genes), expression.columns)
            expression = expression.iloc[:, np.unique(positions[positions >= 0])]
            absent = [gene for gene, at in zip(dict.fromkeys(self.genes), positions, strict=True) if at < 0]
            reason = f"among the {len(positions)} candidates"
            reason += f"; not in the cohort: {listing(absent)}" if absent else ""
            cohort = cohort.with_step("genes: candidates", len(before.genes), expression.shape[1], reason)
        values = expression.to_numpy()
        has_nan = ~np.isfinite(values).all(axis=0)
        constant = ~has_nan & (values == values[:1]).all(axis=0)
        n = expression.shape[1]
        for name, bad in (("missing values", has_nan), ("a single value", constant)):
            if lost := int(bad.sum()):
                cohort = cohort.with_step(f"genes: {name}", n, n - lost, listing(expression.columns[bad]))
                n -= lost
        usable = expression.loc[:, ~(has_nan | constant)]
        if usable.shape[1] < 2:
            raise InputError(
                f"{usable.shape[1]} usable candidate genes are left in {cohort.name}, and a path needs two: of "
                f"{expression.shape[1]}, {int(constant.sum())} are constant and {int(has_nan.sum())} have missing "
                "values",
                where=listing(expression.columns[has_nan | constant]),
                fix="check the gene names, and that genes are in columns",
            )
        return usable, cohort.flow

    def _foldids(self, cohort: Cohort) -> NDArray[np.int64]:
        event = cohort.outcome.event
        if self.foldid is None:
            return stratified_folds(event, self.folds, self.repeats, self.seed)
        given = pd.Series(self.foldid)
        repeated = given.index[given.index.duplicated()]
        absent = cohort.patients.difference(given.index)
        if len(repeated) or len(absent):
            raise InputError(
                f"the folds name {len(repeated)} patients twice and lack {len(absent)} of {cohort.n}",
                where=listing([*repeated, *absent]),
            )
        foldids = given.reindex(cohort.patients).to_numpy(np.int64)[None, :]
        check_foldids(foldids, event)
        return foldids

    def _path_to(
        self, penalty: float, x: NDArray[np.float64], outcome: Outcome, settings: PathSettings
    ) -> CoxPath:
        """A path from the largest useful penalty down to the one asked for, so that it is fitted warm."""
        score = cox_score(x / x.std(axis=0), np.zeros(len(x)), outcome)
        largest = float(np.abs(score).max()) / len(x) / self.alpha
        steps = np.geomspace(max(largest, penalty), penalty, 50) if largest > penalty else np.array([penalty])
        settings = replace(settings, lambda_min_ratio=None, lambdas=tuple(steps))
        return get_engine(self.engine).path(x, outcome, settings)

    def _freeze(
        self,
        cohort: Cohort,
        expression: pd.DataFrame,
        x: NDArray[np.float64],
        coefficients: NDArray[np.float64],
        penalty: float,
    ) -> Signature:
        chosen = np.flatnonzero(coefficients)
        weights = coefficients[chosen]
        training = {
            "cohort": cohort.name,
            "note": cohort.note,
            "source": cohort.source,
            "sha256": cohort.sha256(),
            "n": cohort.n,
            "n_events": cohort.n_events,
            "n_candidates": x.shape[1],
        }
        selection: dict[str, Any] = {
            "rule": self.lambda_ if isinstance(self.lambda_, str) else "value",
            "lambda": penalty,
            "alpha": float(self.alpha),
            "lambda_min_ratio": None if self.cv_ is None else self.lambda_min_ratio,
            "kkt_residual": self.kkt_residual_,
            "cross_validation": None if self.cv_ is None else self.cv_.to_dict(),
        }
        return Signature(
            genes=tuple(expression.columns[chosen]),
            coefficients=tuple(weights.tolist()),
            transform=fit_transform(self.transform, expression.to_numpy()[:, chosen]),
            cutoff=float(np.median(weighted_sum(x[:, chosen], weights))),
            endpoint=cohort.outcome.endpoint,
            training=training,
            selection=selection,
            engine=self.engine,
            versions=dict(get_engine(self.engine).versions()),
            seed=self.seed,
        )


def kkt_residual(
    x: NDArray[np.float64], outcome: Outcome, coefficients: ArrayLike, penalty: float, alpha: float = 1.0
) -> float:
    """Largest violation of the optimality conditions of a penalised Cox model, as a share of λ.

    On columns scaled by their 1/n standard deviation, with g = score / n: g = λ (α sign b + (1 − α) b) for genes
    with b ≠ 0, and |g| ≤ λ α for the others (Simon et al. 2011).

    Parameters
    ----------
    x : array of shape (n, p)
    outcome : Outcome
    coefficients : array of shape (p,)
        Per unit of x.
    penalty, alpha : float

    Returns
    -------
    float
        0 at the exact optimum.
    """
    sd = x.std(axis=0)
    scaled = np.asarray(coefficients) * sd
    gradient = cox_score(x, x @ np.asarray(coefficients), outcome) / sd / len(x)
    active = np.abs(gradient - penalty * (alpha * np.sign(scaled) + (1 - alpha) * scaled))
    inactive = np.maximum(np.abs(gradient) - penalty * alpha, 0)
    return float(np.where(scaled != 0, active, inactive).max() / penalty)


def _workers(x: NDArray[np.float64], foldids: NDArray[np.int64]) -> int:
    """One process per core, or none beside this one where the paths take less time than processes to start."""
    n_paths = 1 + sum(np.unique(row).size for row in foldids)
    return (os.cpu_count() or 1) if x.size * n_paths > _WORTH_PROCESSES else 1


def _check_events(cohort: Cohort) -> None:
    if cohort.n_events < MIN_EVENTS:
        raise InputError(
            f"{cohort.name} has {cohort.n_events} events among {cohort.n} patients; at least {MIN_EVENTS} are needed",
            fix="check the event column and its coding",
        )
