"""Cohorts in h5ad files, and in AnnData objects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sequoia_base.apart import h5ad as apart_h5ad
from sequoia_base.atomic import new_file
from sequoia_base.flow import Flow
from sequoia_stats.errors import InputError, counted, listing
from sequoia_stats.io._assemble import Endpoint, assemble, known_values
from sequoia_stats.io._options import CATEGORICAL, EVENT_VALUE, IDENTIFIERS, MISSING_WORDS
from sequoia_stats.io._tables import check_ids
from sequoia_stats.io._time_and_event import make_outcome, parse_event, parse_time
from sequoia_stats.types._matrices import decoded, dense, in_memory
from sequoia_stats.types.cohort import UNIT_UNKNOWN, Cohort, as_texts, plain
from sequoia_stats.types.genes import as_given, check_identifiers, note_identifiers, resolve, standardise

if TYPE_CHECKING:
    from anndata import AnnData

H5AD_OPTIONS = (EVENT_VALUE, CATEGORICAL, IDENTIFIERS, MISSING_WORDS)
#: The key of ``uns`` that marks a cohort of ours, whose symbols are resolved.
_MARK = "sequoia_cohort"


def recognises(path: Path) -> bool:
    """Whether the name of `path` is that of an h5ad file."""
    return path.suffix.lower() == ".h5ad" and not path.is_dir()


def read_adata(path: str | Path) -> AnnData:
    """The AnnData in a file.

    Raises
    ------
    InputError
        If the file is missing or cannot be read.
    """
    return apart_h5ad.read(path)


def read_cohort_h5ad(
    path: str | Path,
    *,
    endpoint: str | None = None,
    event_value: str | Sequence[str] | None = None,
    identifiers: str = "symbols",
    missing: Sequence[str] = (),
    categorical: Sequence[str] = (),
    drop_invalid: bool = False,
) -> Cohort:
    """Read a cohort from an h5ad file: obs holds ``time`` in months and ``event``, uns the ``endpoint``.

    Parameters
    ----------
    path : path
        A file from `write_cohort`, or any other in this layout.
    endpoint : str, optional
        Needed if ``uns`` does not name it; must agree if it does.
    event_value : str or sequence of str, optional
        The values of ``event`` that mean the event, if codes are not 0/1.
    identifiers : {"symbols", "as-they-are"}
        Names of genes, unless they are those of a cohort already; see `genes.name_genes`.
    missing : sequence of str, optional
        Texts that mean a missing value, besides those of `sequoia_base.missing.is_missing`.
    categorical : sequence of str, optional
        Covariates whose numbers are codes of levels.
    drop_invalid : bool, default False
        Drop patients without a usable outcome rather than stop.
    """
    return cohort_from_adata(
        read_adata(path), str(path), endpoint=endpoint, event_value=event_value, identifiers=identifiers,
        missing=missing, categorical=categorical, drop_invalid=drop_invalid,
    )  # fmt: skip


def cohort_from_adata(
    adata: AnnData,
    where: str = "AnnData",
    *,
    endpoint: str | None = None,
    event_value: str | Sequence[str] | None = None,
    identifiers: str = "symbols",
    missing: Sequence[str] = (),
    categorical: Sequence[str] = (),
    drop_invalid: bool = False,
) -> Cohort:
    """A cohort from AnnData; genes are named by `identifiers` unless the object came from a `Cohort`.

    Raises
    ------
    InputError
        If time, event or the endpoint is missing or cannot be used, `endpoint` is not that of the object, or genes do
        not have symbols.
    """
    adata = in_memory(adata, "cohort")
    check_patients(adata, where)
    absent = [column for column in ("time", "event") if column not in adata.obs]
    if absent:
        raise InputError(
            f"the outcome is missing: obs lacks {listing(absent)}",
            where=where,
            fix="obs needs time (months) and event (1 = event)",
        )
    event_value = _without_bytes(event_value)
    stated = str(decoded(adata.uns.get("endpoint", "")))
    same_endpoint(stated, endpoint, where)
    if not (stated or endpoint):
        raise InputError("the endpoint is not named", where=where, fix="name it with --endpoint")
    if _MARK in adata.uns:
        cohort = _own(adata, where, event_value, missing, drop_invalid)
        return cohort.declare(categorical=categorical, missing=missing)
    approved = check_identifiers(adata.var_names, where, identifiers)
    frame, units, flow = expression_of(adata, where, approved=approved)
    note_identifiers(frame.columns, flow)
    obs = adata.obs.apply(lambda column: (plain if column.name in ("time", "event") else as_texts)(column))
    return assemble(
        frame, obs, pd.Series(adata.obs_names, adata.obs_names, dtype=object),
        Endpoint(stated or str(endpoint), "time", "event", "months", event_value),
        where=where, flow=flow, drop_invalid=drop_invalid, missing=missing, categorical=categorical,
        origin="anndata", units=units, name=Path(where).stem, source=Path(where).name,
    )  # fmt: skip


def _without_bytes(event_value: Any) -> Any:
    """Values of the event with texts in place of bytes, as in the column."""
    several = isinstance(event_value, Iterable) and not isinstance(event_value, str | bytes)
    return [decoded(value) for value in event_value] if several else decoded(event_value)


def _own(
    adata: AnnData,
    where: str,
    event_value: str | Sequence[str] | None,
    missing: Sequence[str],
    drop_invalid: bool,
) -> Cohort:
    """A file of `write_cohort`, which may have been changed since."""
    expression_of(adata, where)
    flow = Flow()
    if missing:
        adata = adata.copy()
        outcome_columns = adata.obs[["time", "event"]].apply(plain)
        adata.obs[["time", "event"]] = known_values(outcome_columns, "time", "event", missing, flow)
    obs = adata.obs[["time", "event"]].astype(object).rename_axis("patient")
    time = parse_time(obs["time"], "months", f"{where}, obs column 'time'")
    endpoint = str(adata.uns.get("endpoint", ""))
    event, note = parse_event(obs["event"], f"{where}, obs column 'event'", event_value, endpoint=endpoint)
    if note:
        flow.add("outcome: event", len(event), len(event), note)
    outcome, patients = make_outcome(
        time, event, endpoint, where=f"{where}, obs columns 'time' and 'event'",
        drop_invalid=drop_invalid, flow=flow,
    )  # fmt: skip
    kept = adata[adata.obs_names.isin(patients)].copy()
    kept.obs["time"], kept.obs["event"] = outcome.time, outcome.event
    try:
        cohort = Cohort.from_adata(kept)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"the cohort file is damaged: {error!r}", where=where) from None
    for step in flow:
        cohort = cohort.with_step(*step)
    return cohort


def same_endpoint(stated: str, wanted: str | None, where: str) -> None:
    """Refuse an endpoint that is not the one of the cohort."""
    if wanted and stated and wanted != stated:
        raise InputError(
            f"the cohort's endpoint is {stated}, not {wanted}", where=where, fix="leave --endpoint out"
        )


def check_patients(adata: AnnData, where: str) -> None:
    """Refuse an object in which a patient has no name or is duplicated."""
    check_ids(pd.Series(adata.obs_names, adata.obs_names, dtype=object), f"{where}, obs")


def expression_of(
    adata: AnnData, where: str, *, approved: bool = True, layer: str | None = None
) -> tuple[pd.DataFrame, pd.Series, Flow]:
    """X or a layer with approved symbols or with names as given, the units of the genes, and what changed.

    Names of obs may repeat.
    """
    if layer is not None and layer not in adata.layers:
        raise InputError(
            f"there is no layer {layer!r}",
            where=f"{where}; its layers are {listing(adata.layers) or 'none'}",
            fix="name one of them with --layer, or leave --layer out to read X",
        )
    matrix = dense(adata.X if layer is None else adata.layers[layer], f"{where}, {layer or 'X'}")
    if (infinite := np.isinf(matrix)).any():
        row, column = divmod(int(infinite.argmax()), matrix.shape[1])
        raise InputError(
            f"{counted(int(infinite.sum()), 'value is', 'values are')} infinite",
            where=f"{where}, {layer or 'X'}: first at {adata.obs_names[row]}, gene {adata.var_names[column]}",
        )
    frame = pd.DataFrame(matrix, adata.obs_names.astype(object), adata.var_names)
    units = (
        adata.var["unit"].astype(object) if "unit" in adata.var else pd.Series(UNIT_UNKNOWN, adata.var_names)
    )
    if _MARK in adata.uns:
        return frame, units, Flow()
    symbols = resolve(adata.var_names).symbols if approved else adata.var_names.str.strip()
    units = units.set_axis(symbols)
    frame, flow = standardise(frame) if approved else as_given(frame, where)
    return frame, units[~units.index.duplicated()].reindex(frame.columns), flow


def write_cohort(cohort: Cohort, path: str | Path) -> None:
    """Write a cohort as h5ad, whole or not at all.

    Raises
    ------
    InputError
        If the folder does not exist or cannot be written to.
    """
    try:
        with new_file(path) as temporary:
            cohort.adata.write_h5ad(temporary)
    except (OSError, UnicodeEncodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"the file cannot be written: {reason}", where=str(path)) from None
