"""Patients with expression, outcome and covariates."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sequoia_base.flow import Flow
from sequoia_stats.errors import InputError, counted, listing
from sequoia_stats.types._matrices import dense, in_memory
from sequoia_stats.types.covariate_statements import declared, note_readings
from sequoia_stats.types.covariates import MOST_CODES, Reading, is_number, read_covariates
from sequoia_stats.types.durations import without_own_unit
from sequoia_stats.types.outcome import Outcome

if TYPE_CHECKING:
    from anndata import AnnData

#: The unit of a gene if the file does not state one.
UNIT_UNKNOWN = "not stated"
_OUTCOME_COLUMNS = ("time", "event")
#: The key of ``uns`` with the readings; its names are the covariates whose type is known.
_READINGS = "covariates"
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
        Same index. Each column gets its type here: numeric covariates are float64, categorical ones a Categorical of
        texts (`covariates.read_covariate`). Canonical names are ``pam50, er, pr, her2, age``; receptors are 0/1.
    flow : DataFrame
        Ledger of losses: ``step, n_before, n_after, reason``.
    units : Series
        Unit of every gene: "RSEM", "z-score", "log2 ...", or "not stated".
    name, source, licence, note : str
        Provenance; `note` is a sentence for captions ("sub-cohort of N of M patients, ...").
    readings : mapping of str to Reading
        What was taken as missing, by covariate.

    Raises
    ------
    InputError
        If patients, genes or covariates are duplicated, lengths or labels differ, or expression is not numeric.
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
    readings: Mapping[str, Reading] = field(default_factory=dict)

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
        named = self.outcome.patients
        if named is not None and not named.astype(str).equals(expression.index):
            raise InputError(
                "outcome and expression must name the same patients in the same order",
                where=f"outcome: {listing(named, 3)}; expression: {listing(expression.index, 3)}",
                fix="reindex the outcome's table by the patients of the expression",
            )
        covariates = self.covariates
        if not isinstance(covariates, pd.DataFrame):
            raise InputError(
                f"covariates are a table with a row per patient, not a {type(covariates).__name__}",
                fix="pass a DataFrame: pd.DataFrame({'name': values}, index=expression.index)",
            )
        covariates = covariates.reindex(expression.index) if covariates.empty else covariates
        if not covariates.index.astype(str).equals(expression.index):
            raise InputError("covariates and expression must name the same patients in the same order")
        covariates, found = read_covariates(
            covariates.set_axis(expression.index, axis=0).set_axis(covariates.columns.map(str), axis=1)
        )
        kept = {name: reading for name, reading in self.readings.items() if name in covariates}
        held = found | {name: reading.within(covariates[name].isna()) for name, reading in kept.items()}
        readings = {name: reading for name, reading in held.items() if reading != Reading()}
        units = self.units.reindex(expression.columns).fillna(UNIT_UNKNOWN).astype(object).rename("unit")
        object.__setattr__(self, "expression", expression)
        object.__setattr__(self, "outcome", replace(self.outcome, patients=expression.index))
        object.__setattr__(self, "covariates", covariates)
        object.__setattr__(self, "readings", readings)
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

    def declare(self, *, categorical: Collection[str] = (), missing: Collection[str] = ()) -> Cohort:
        """The same cohort, with more said about its covariates.

        Parameters
        ----------
        categorical : collection of str
            Covariates whose numbers are codes of levels.
        missing : collection of str
            Texts and numbers that mean a missing value.

        Raises
        ------
        InputError
            If there is no such covariate.
        """
        if not categorical and not missing:
            return self
        covariates, readings = declared(
            self.covariates, self.readings, categorical=categorical, missing=missing
        )
        return replace(self, covariates=covariates, readings=readings)

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
                _READINGS: json.dumps(
                    {name: asdict(self.readings.get(name, Reading())) for name in map(str, self.covariates)}
                ),
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
        adata = in_memory(adata, "cohort")
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
        known = _read_readings(adata.uns.get(_READINGS))
        obs = adata.obs.drop(columns=list(_OUTCOME_COLUMNS))
        flow = Flow.of(adata.uns.get("flow"))
        covariates, readings = _covariates_of(obs, known, flow)
        texts: dict[str, Any] = {key: str(adata.uns[key]) for key in _TEXTS if key in adata.uns}
        return cls(
            expression=pd.DataFrame(dense(adata.X, "AnnData, X"), adata.obs_names, adata.var_names),
            outcome=Outcome(
                without_own_unit(plain(adata.obs["time"])), adata.obs["event"].to_numpy(), endpoint
            ),
            covariates=covariates,
            readings=readings,
            flow=flow.to_frame(),
            units=adata.var["unit"].astype(object) if "unit" in adata.var else pd.Series(dtype=object),
            **texts,
        )


def _covariates_of(
    obs: pd.DataFrame, known: Mapping[str, Reading], flow: Flow
) -> tuple[pd.DataFrame, dict[str, Reading]]:
    """The covariates in the obs of an AnnData; those in `known` have their type already."""
    others = [name for name in obs if name not in known]
    typed, readings = read_covariates(obs[others].apply(as_texts), origin="anndata")
    note_readings(flow, typed, readings, {})
    return obs.drop(columns=others).join(typed)[list(obs)], {**known, **readings}


def as_cohort(data: Cohort | AnnData) -> Cohort:
    """Accept a `Cohort` or an AnnData that holds one."""
    return data if isinstance(data, Cohort) else Cohort.from_adata(data)


def as_texts(column: pd.Series) -> pd.Series:
    """A column of obs with texts where AnnData made a Categorical of them, and where it holds lists or tables.

    AnnData turns every column of texts into a Categorical with sorted levels when it is written. Such a column may hold
    numbers with texts among them; but if all levels are numbers and few, somebody made categories of them.
    """
    dtype = column.dtype
    if pd.api.types.is_object_dtype(dtype):
        return column.map(lambda value: value if pd.api.types.is_scalar(value) else str(value))
    if (
        not isinstance(dtype, pd.CategoricalDtype)
        or dtype.ordered
        or dtype.categories.inferred_type != "string"
    ):
        return column
    from natsort import natsorted  # which anndata sorts by

    levels = dtype.categories.tolist()
    mixed = len(levels) > MOST_CODES or not all(map(is_number, levels))
    return column.astype(object) if mixed and levels in (sorted(levels), natsorted(levels)) else column


def _read_readings(text: object) -> dict[str, Reading]:
    """The readings in ``uns``; none if they cannot be read, as in older files."""
    try:
        return {
            str(name): Reading(
                about["missing"], {k: tuple(rows) for k, rows in about["unread"].items()}, about["note"]
            )
            for name, about in json.loads(str(text)).items()
        }
    except (ValueError, AttributeError, KeyError, TypeError):
        return {}


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
