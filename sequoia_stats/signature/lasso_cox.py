"""The estimator of a LASSO Cox signature: candidate genes, transform, path, choice of the penalty, frozen signature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.arguments import Limit, Parameters, ProgressBar, count_jobs, one_of, optional, whole
from sequoia_base.flow import Flow
from sequoia_base.names import written_otherwise
from sequoia_stats.coxpath import (
    FOLD_LIMITS,
    PATH_ENGINES,
    CoxPath,
    CrossValidation,
    PathSettings,
    check_foldids,
    cross_validate,
    kkt_residual,
    largest_penalty,
    path_engine,
    stratified_folds,
)
from sequoia_stats.errors import InputError, counted, listing
from sequoia_stats.signature.overlap import hash_training
from sequoia_stats.signature.scoring import weighted_sum
from sequoia_stats.signature.signature import Signature
from sequoia_stats.signature.transforms import TRANSFORMS, check_units, fit_transform, within_cohort
from sequoia_stats.types import genes as symbols
from sequoia_stats.types.cohort import Cohort, as_cohort

if TYPE_CHECKING:
    from typing import Self

    from anndata import AnnData

#: Fewest patients with an event that a fit or a validation accepts.
MIN_EVENTS = 2
#: Number of expression values, over all paths, whose fit takes about as long as starting processes.
_WORTH_PROCESSES = 2_000_000


def _penalty(value: Any) -> str:
    """The limit of `lambda_`: a rule, or a value."""
    allowed = value in ("min", "1se") if isinstance(value, str) else np.isfinite(value) and value > 0
    return "" if allowed else "min, 1se or a number above 0"


class LassoCoxSignature(Parameters):
    """LASSO Cox regression on transformed gene expression, with the penalty chosen by cross-validation.

    The arguments follow scikit-learn: they are stored as given, `get_params` and `set_params` read and change them,
    and `fit` checks them against ``LIMITS``.

    Parameters
    ----------
    engine : str
        Name of the engine that fits the path; "glmnet" is R's.
    alpha : float
        1 for the LASSO, between 0 and 1 for the elastic net.
    folds : int
        Number of folds, 3 or more. Events are spread evenly over them.
    repeats : int
        How often the folds are drawn; the curves of the draws are averaged.
    foldid : mapping or Series, optional
        Fold (1, 2, ...) of every patient, used instead of folds drawn at random.
    seed : int
        Random seed of the folds, 0 or more.
    lambda_ : "min", "1se" or float
        The penalty: the one with the smallest mean deviance, the largest within one standard error of it, or a
        value, which needs no cross-validation.
    lambda_min_ratio : float, optional
        Smallest penalty of the path as a share of the largest; None leaves the engine's own default.
    genes : sequence of str, optional
        Candidate genes; None takes all.
    transform : {"rank", "zscore", "log2", "none"}
        Transform of each gene, computed within the training cohort.
    jobs : int, optional
        Number of processes that fit the folds; None takes one per core, or a single one if that is faster. The result
        does not depend on it.

    Attributes
    ----------
    signature_ : Signature
        The frozen signature.
    path_ : CoxPath
        The path on all patients, per unit of transformed expression.
    cv_ : CrossValidation or None
        The cross-validation; None if `lambda_` is a value.
    genes_ : Index
        Genes that entered the fit, in the order of the path's ``coefficients``.
    kkt_residual_ : float
        Largest violation of the optimality conditions by the chosen solution, as a share of its penalty.
    flow_ : DataFrame
        The cohort's ledger, continued: candidates, genes that are constant or have missing values.

    Examples
    --------
    >>> import sequoia_stats as sq
    >>> tcga = sq.datasets.load_tcga_brca(endpoint="PFI")  # doctest: +SKIP
    >>> signature = sq.LassoCoxSignature(seed=7).fit(tcga).signature_  # doctest: +SKIP
    """

    LIMITS: ClassVar[Mapping[str, Limit]] = {
        "engine": one_of(PATH_ENGINES),
        **PathSettings.LIMITS,
        **FOLD_LIMITS,
        "seed": whole(0),
        "lambda_": _penalty,
        "transform": one_of(TRANSFORMS),
        "jobs": optional(whole(1)),
    }

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
        jobs: int | None = None,
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
        self.jobs = jobs

    def fit(self, cohort: Cohort | AnnData, *, progress: ProgressBar | None = None) -> Self:
        """Fit the signature to a cohort.

        Parameters
        ----------
        cohort : Cohort or AnnData
            Training patients.
        progress : callable, optional
            ``progress(paths, total)`` wraps the iterator over the paths of the cross-validation.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If a parameter is outside its limit, fewer than two candidate genes are usable, or there are too few
            patients or events.
        RUnavailableError
            If the engine needs R and R cannot be used.
        """
        self.check_parameters()
        cohort = as_cohort(cohort)
        check_events(cohort)
        expression, self.flow_ = self._candidates(cohort)
        check_units(self.transform, expression, cohort.units)
        foldids = self._foldids(cohort) if isinstance(self.lambda_, str) else None
        x = within_cohort(self.transform, expression.to_numpy())
        if not np.isfinite(x).all():
            raise InputError(f"the {self.transform} transform gives values that are not finite")
        self.genes_ = expression.columns
        chosen = self._fit_path(x, cohort, foldids, progress)
        coefficients, penalty = self.path_.coefficients[chosen], float(self.path_.lambdas[chosen])
        self.kkt_residual_ = kkt_residual(x, cohort.outcome, coefficients, penalty, self.alpha)
        self.signature_ = self._freeze(cohort, expression, x, coefficients, penalty)
        return self

    def _fit_path(
        self,
        x: NDArray[np.float64],
        cohort: Cohort,
        foldids: NDArray[np.int64] | None,
        progress: ProgressBar | None,
    ) -> int:
        """Fit the path, with cross-validation if there are folds; returns the position of the chosen penalty."""
        settings = PathSettings(alpha=self.alpha, lambda_min_ratio=self.lambda_min_ratio)
        if foldids is None:
            penalties = tuple(_down_to(float(self.lambda_), largest_penalty(x, cohort.outcome, self.alpha)))
            settings = replace(settings, lambda_min_ratio=None, lambdas=penalties)
            self.path_, self.cv_ = path_engine(self.engine).path(x, cohort.outcome, settings), None
            return self.path_.lambdas.size - 1
        jobs = self.jobs or _processes(x, foldids)
        self.path_, self.cv_ = cross_validate(
            x, cohort.outcome, foldids, settings, engine=self.engine, jobs=jobs, progress=progress
        )
        return self.cv_.index_min if self.lambda_ == "min" else self.cv_.index_1se

    def _candidates(self, cohort: Cohort) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Expression of the genes that can enter a fit, and the ledger with what was left out."""
        expression, flow = cohort.expression, Flow.of(cohort.flow)
        absent: list[str] = []
        if self.genes is not None:
            names = list(dict.fromkeys(self.genes))
            positions = symbols.match(names, expression.columns)
            expression = expression.iloc[:, np.unique(positions[positions >= 0])]
            absent = [gene for gene, at in zip(names, positions, strict=True) if at < 0]
            reason = f"among the {len(names)} candidates"
            reason += f"; not in the cohort: {listing(absent)}" if absent else ""
            flow.add("genes: candidates", len(cohort.genes), expression.shape[1], reason)
        values = expression.to_numpy()
        has_nan = ~np.isfinite(values).all(axis=0)
        constant = ~has_nan & (values == values[:1]).all(axis=0)
        n = expression.shape[1]
        for name, bad in (("missing values", has_nan), ("a single value", constant)):
            if lost := int(bad.sum()):
                flow.add(f"genes: {name}", n, n - lost, listing(expression.columns[bad]))
                n -= lost
        if n < 2:
            empty = "leave out patients with missing values, or give genes with values for all patients"
            alike = "check the gene names, and that genes are in columns"
            if self.genes is not None and not absent:
                alike = "name 2 candidate genes or more"
            if kinds := symbols.other_identifiers(cohort=cohort.genes, candidates=self.genes or ()):
                alike = f"name the genes alike: {kinds}"
            raise InputError(
                f"{cohort.name} has {counted(n, 'usable candidate gene')}, but at least 2 are needed "
                f"({counted(expression.shape[1], 'candidate')}: {int(constant.sum())} constant, "
                f"{int(has_nan.sum())} with missing values)",
                where=listing(expression.columns[has_nan | constant]),
                fix=empty if (has_nan | constant).any() else alike,
            )
        return expression.loc[:, ~(has_nan | constant)], flow.to_frame()

    def _foldids(self, cohort: Cohort) -> NDArray[np.int64]:
        """Fold of each patient, a row per draw: as given, or drawn at random."""
        event = cohort.outcome.event
        if self.foldid is None:
            return stratified_folds(event, self.folds, self.repeats, self.seed)
        given = pd.Series(self.foldid).rename(index=str)
        repeated = given.index[given.index.duplicated()]
        if len(repeated):
            patients = counted(len(repeated), "patient")
            raise InputError(f"there is more than one fold for {patients}", where=listing(repeated))
        absent = cohort.patients.difference(given.index)
        if len(absent):
            fix = "give every patient a fold"
            if alike := written_otherwise(absent, given.index):
                pairs = listing((f"{ours!r} and {theirs!r}" for ours, theirs in alike), 3)
                fix = f"write the ids as in the cohort; in it, and with the folds: {pairs}"
            patients = counted(cohort.n, "patient")
            raise InputError(
                f"there is no fold for {len(absent)} of {patients}", where=listing(absent), fix=fix
            )
        foldids = given.reindex(cohort.patients).to_numpy(np.int64)[None, :]
        check_foldids(foldids, event)
        return foldids

    def _freeze(
        self,
        cohort: Cohort,
        expression: pd.DataFrame,
        x: NDArray[np.float64],
        coefficients: NDArray[np.float64],
        penalty: float,
    ) -> Signature:
        """The signature, with everything that scoring new patients needs and how it was made."""
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
            "candidates": [str(gene) for gene in expression.columns],
            "patients": hash_training(cohort.patients),
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
            versions=dict(path_engine(self.engine).versions()),
            seed=self.seed,
        )


def check_events(cohort: Cohort) -> None:
    """Refuse a cohort with fewer than two events."""
    if cohort.n_events < MIN_EVENTS:
        raise InputError(
            f"{cohort.name} has {counted(cohort.n_events, 'event')} among {counted(cohort.n, 'patient')}, but at "
            f"least {MIN_EVENTS} are needed",
            fix="check the event column and its coding",
        )


def _down_to(penalty: float, largest: float) -> NDArray[np.float64]:
    """Penalties from the largest useful one down to the requested one, which is then fitted from a warm start."""
    return np.geomspace(largest, penalty, 50) if largest > penalty else np.array([penalty])


def _processes(x: NDArray[np.float64], foldids: NDArray[np.int64]) -> int:
    """One process per core, or a single one if the paths take less time than processes take to start."""
    n_paths = 1 + sum(np.unique(row).size for row in foldids)
    return count_jobs(None) if x.size * n_paths > _WORTH_PROCESSES else 1
