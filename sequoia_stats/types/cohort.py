"""Patients with expression, outcome and covariates."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sequoia_base.flow import Flow
from sequoia_stats.errors import InputError, counted, listing
from sequoia_stats.types.durations import without_own_unit
from sequoia_stats.types.outcome import Outcome

if TYPE_CHECKING:
    from anndata import AnnData

#: The unit of a gene if the file does not state one.
UNIT_UNKNOWN = "not stated"
_OUTCOME_COLUMNS = ("time", "event")
_TEXTS = ("name", "source", "licence", "note")


@dataclass(frozen=True, eq=False, repr=False)
class Cohort:
    """Patients with gene expression, a survival outcome and covariates.

    Parameters
    ----------
    expression : DataFrame of shape (patients, genes)
        float64; index = patient id, columns = gene symbol, both unique. NaN is allowed.
    outcome : Outcome
        One entry per patient, in the same order.
    covariates : DataFrame
        Same index. Canonical names are ``pam50, er, pr, her2, age``; receptors are 0/1 with NaN for missing.
    flow : DataFrame
        Ledger of losses: ``step, n_before, n_after, reason``.
    units : Series
        Unit of every gene: "RSEM", "z-score", "log2 ...", or "not stated".
    name, source, licence, note : str
        Provenance; `note` is a sentence for captions ("sub-cohort of N of M patients, ...").

    Raises
    ------
    InputError
        If patients or genes are duplicated, lengths differ, or expression is not numeric.
    """

    expression: pd.DataFrame
    outcome: Outcome
    covariates: pd.DataFrame = field(default_factory=pd.DataFrame)
    flow: pd.DataFrame = field(default_factory=lambda: Flow().to_frame())
    units: pd.Series = field(default_factory=lambda: pd.Series(dtype=object))
    name: str = "cohort"
    source: str = ""
    licence: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        expression = self.expression
        for axis, labels in (("patient", expression.index), ("gene", expression.columns)):
            repeated = labels[labels.duplicated()].unique()
            if len(repeated):
                raise InputError(
                    f"{counted(len(repeated), f'{axis} name is', f'{axis} names are')} duplicated",
                    where=listing(repeated),
                )
        if len(self.outcome) != len(expression):
            raise InputError(
                f"{len(expression)} patients have expression, but {len(self.outcome)} have an outcome"
            )
        try:
            expression = expression.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise InputError("some values of the expression are not numbers", where=str(error)) from None
        expression.index = expression.index.astype(str).rename("patient_id")
        expression.columns = expression.columns.astype(str).rename("gene")
        covariates = self.covariates.reindex(expression.index) if self.covariates.empty else self.covariates
        if not covariates.index.astype(str).equals(expression.index):
            raise InputError("covariates and expression must name the same patients in the same order")
        units = self.units.reindex(expression.columns).fillna(UNIT_UNKNOWN).astype(object).rename("unit")
        object.__setattr__(self, "expression", expression)
        object.__setattr__(self, "covariates", covariates.set_axis(expression.index, axis=0))
        object.__setattr__(self, "flow", self.flow.reset_index(drop=True))
        object.__setattr__(self, "units", units)

    @property
    def n(self) -> int:
        """Number of patients."""
        return len(self.expression)

    @property
    def n_events(self) -> int:
        """Number of events."""
        return self.outcome.n_events

    @property
    def patients(self) -> pd.Index:
        """Patient ids."""
        return self.expression.index

    @property
    def genes(self) -> pd.Index:
        """Gene symbols."""
        return self.expression.columns

    def __repr__(self) -> str:
        outcome = f"{counted(self.n_events, 'event')} ({self.outcome.endpoint})"
        note = f"; {self.note}" if self.note else ""
        size = f"{counted(self.n, 'patient')} × {counted(len(self.genes), 'gene')}"
        return f"<Cohort {self.name}: {size}, {outcome}{note}>"

    def with_step(self, step: str, n_before: int, n_after: int, reason: str) -> Cohort:
        """The same cohort with a further line in its ledger."""
        flow = Flow.of(self.flow)
        flow.add(step, n_before, n_after, reason)
        return replace(self, flow=flow.to_frame())

    def sha256(self) -> str:
        """Hash of sorted patient ids, sorted genes, expression in that order, time and event.

        Independent of the order of patients and genes. Numbers enter as little-endian float64, events as bytes.
        """
        rows = np.argsort(self.patients.to_numpy(dtype=str), kind="stable")
        columns = np.argsort(self.genes.to_numpy(dtype=str), kind="stable")
        digest = hashlib.sha256()
        digest.update("\n".join(self.patients[rows]).encode() + b"\0")
        digest.update("\n".join(self.genes[columns]).encode() + b"\0")
        digest.update(np.ascontiguousarray(self.expression.to_numpy()[np.ix_(rows, columns)], "<f8").data)
        digest.update(np.ascontiguousarray(self.outcome.time[rows], "<f8").data)
        digest.update(np.ascontiguousarray(self.outcome.event[rows], "u1").data)
        return digest.hexdigest()

    @property
    def adata(self) -> AnnData:
        """The cohort as AnnData: obs = time, event and covariates; X = expression; uns = provenance and flow."""
        import anndata

        obs = self.covariates.drop(columns=[c for c in _OUTCOME_COLUMNS if c in self.covariates])
        obs = obs.apply(storable)
        obs.insert(0, "time", self.outcome.time)
        obs.insert(1, "event", self.outcome.event.astype(np.int8))
        return anndata.AnnData(
            X=self.expression.to_numpy(),
            obs=obs,
            var=pd.DataFrame({"unit": self.units.astype(str)}, index=self.genes),
            uns={
                "sequoia_cohort": 1,
                "endpoint": self.outcome.endpoint,
                "flow": Flow.of(self.flow).to_columns(),
                **{key: getattr(self, key) for key in _TEXTS},
            },
        )

    @classmethod
    def from_adata(cls, adata: AnnData, *, endpoint: str | None = None) -> Cohort:
        """Read a cohort from AnnData: obs holds ``time`` (months) and ``event``; uns["endpoint"] its name.

        Parameters
        ----------
        adata : AnnData
            patients × genes.
        endpoint : str, optional
            Needed if ``uns`` does not name it.

        Raises
        ------
        InputError
            If time, event or the endpoint is missing.
        """
        absent = [column for column in _OUTCOME_COLUMNS if column not in adata.obs]
        if absent:
            raise InputError(
                f"the AnnData has no outcome: obs lacks {listing(absent)}",
                fix="obs needs time (months) and event (1 = event)",
            )
        endpoint = endpoint or str(adata.uns.get("endpoint", ""))
        if not endpoint:
            raise InputError(
                "the AnnData does not name its endpoint", fix="set uns['endpoint'], or pass endpoint="
            )
        matrix = adata.X.toarray() if hasattr(adata.X, "toarray") else adata.X
        texts: dict[str, Any] = {key: str(adata.uns[key]) for key in _TEXTS if key in adata.uns}
        return cls(
            expression=pd.DataFrame(np.asarray(matrix, np.float64), adata.obs_names, adata.var_names),
            outcome=Outcome(
                without_own_unit(plain(adata.obs["time"])), adata.obs["event"].to_numpy(), endpoint
            ),
            covariates=adata.obs.drop(columns=list(_OUTCOME_COLUMNS)).apply(plain),
            flow=Flow.of(adata.uns.get("flow")).to_frame(),
            units=adata.var["unit"].astype(object) if "unit" in adata.var else pd.Series(dtype=object),
            **texts,
        )


def as_cohort(data: Cohort | AnnData) -> Cohort:
    """Accept a `Cohort` or an AnnData that holds one."""
    return data if isinstance(data, Cohort) else Cohort.from_adata(data)


def storable(column: pd.Series) -> pd.Series:
    """Numbers stay numbers; everything else becomes a category of texts, and what is missing stays missing."""
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return column
    return column.where(column.isna(), column.astype(str)).astype("category")


def plain(column: pd.Series) -> pd.Series:
    """A column without pandas' own types: categories become texts, nullable numbers floats with NaN."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.astype(object)
    if not isinstance(column.dtype, pd.api.extensions.ExtensionDtype):
        return column
    if not column.isna().any():
        return column.astype(column.dtype.type if pd.api.types.is_numeric_dtype(column) else object)
    return column.astype(object).where(column.notna(), np.nan)
