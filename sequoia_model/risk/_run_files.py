"""The files of a run folder of `risk` beside those of the folds: what stands there first, and what they add up to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sequoia_base.atomic import write_text
from sequoia_base.flow import Flow
from sequoia_base.outcomes import scales_beside, write_fold_scales, write_risk_table
from sequoia_model.errors import listing
from sequoia_model.leakage import Audit
from sequoia_model.risk._one_fold import FoldRisks, risk_file
from sequoia_model.risk._work import RiskWork
from sequoia_model.risk.data import RiskData
from sequoia_model.risk.result import RiskRun
from sequoia_model.risk.summary import HeldOutRisks, RiskSummary, summarise_risks
from sequoia_model.splits import Splits
from sequoia_model.training.fold_work import LOG_TABLE
from sequoia_model.training.pages import with_audit
from sequoia_model.training.result import FoldRun
from sequoia_model.training.run_record import SUMMARY, FolderRecord, recorded_folds, untold_patients
from sequoia_model.types.units import LOG_HAZARD
from sequoia_model.weights._layouts import digest
from sequoia_model.weights.side_file import write_side_file
from sequoia_model.weights.tensors import SAFETENSORS

RISKS, BASELINES, STAMP = "risk.csv", "baselines.csv", "stamp"
#: The output of the networks, as the side file calls it.
_OUTPUT = "risk_score"


def risk_record(output: Path) -> FolderRecord:
    """The record of a run of `risk`."""
    made = (RISKS, scales_beside(RISKS).name, BASELINES, STAMP, LOG_TABLE)
    return FolderRecord(output, "sequoia-risk-1", "features, outcome or patients", made)


def describe_risk(output: Path, data: RiskData, splits: Splits) -> None:
    """Write the side file of a run folder: the networks' output, and whom each fold has seen."""
    write_side_file(
        output, encoder=data.encoder, genes=[_OUTPUT], units=LOG_HAZARD, splits=splits,
        slides=untold_patients(data.slides, data.patients),
    )  # fmt: skip


def assemble_risk(work: RiskWork, runs: Sequence[FoldRun], flow: Flow, audited: Audit) -> RiskRun:
    """Join the folds if all are done: risks, their scale, baselines, log, summary and the record of the run.

    Parameters
    ----------
    work : RiskWork
        What the folds learnt from, and how.
    runs : sequence of FoldRun
        The outcome of those that were asked for.
    flow : Flow
        What was lost before.
    audited : Audit
        The audit of the splits.
    """
    data, done = work.data, work.done()
    missing = tuple(fold.fold for fold in work.rows if fold.fold not in done)
    summary, alike = (None, []) if missing else _join(work, list(done.values()), flow, audited)
    return RiskRun(
        str(work.job.output), **_sizes(work), encoder=data.encoder, folds=tuple(runs), missing=missing, audit=audited,
        summary=summary, failed=data.failed, flow=flow.to_frame(), warnings=(*data.warnings, *alike),
    )  # fmt: skip


def _sizes(work: RiskWork) -> dict[str, int]:
    """How many slides, patients and events take part; given splits may lack some."""
    data = work.data
    parts = [part for fold in work.rows for part in (fold.train, fold.val, fold.test)]
    patients = np.unique(np.concatenate(parts))
    return {
        "n_slides": len(data.slide_rows(patients)),
        "n_patients": len(patients),
        "n_events": int(data.event[patients].sum()),
    }


def _join(
    work: RiskWork, runs: Sequence[FoldRun], flow: Flow, audited: Audit
) -> tuple[RiskSummary, list[str]]:
    output, data = work.job.output, work.data
    parts = {fold.fold: FoldRisks.load(output / risk_file(fold.fold)) for fold in work.rows}
    rows = np.concatenate([part.rows for part in parts.values()])
    folds = np.repeat(list(parts), [len(part.rows) for part in parts.values()])
    risks = {
        name: np.concatenate([part.risks[name] for part in parts.values()])
        for name in next(iter(parts.values())).risks
    }
    log = pd.DataFrame([{"fold": run.fold, **row} for run in runs for row in run.log])
    log[["val_c", "test_c"]] = log[["val_c", "test_c"]].astype(np.float64)
    summary = summarise_risks(HeldOutRisks(folds, data.tied_time[rows], data.event[rows], risks, log))
    table = pd.DataFrame(
        {
            "risk_score": risks.pop("network"),
            "fold": folds,
            "time": data.time[rows],
            "event": data.event[rows],
        },
        index=pd.Index(data.names[rows], name="patient_id"),
    )
    write_risk_table(table, output / RISKS)
    write_fold_scales(_scales(parts), scales_beside(output / RISKS))
    baselines = pd.DataFrame({"fold": folds, **risks}, index=table.index)
    write_text(output / BASELINES, baselines.to_csv(lineterminator="\n"))
    _write_for_stamp(output / STAMP, table)
    work.write_log()
    write_text(output / SUMMARY, with_audit(summary.to_markdown(), audited))
    digests = [digest(output / f"fold_{fold.fold}" / SAFETENSORS) for fold in work.rows]
    alike = _alike(parts)
    risk_record(output).finish(
        work.job.settings,
        **_sizes(work),
        folds=recorded_folds(runs, digests),
        summary=summary,
        audit=audited.to_dict(),
        flow=flow.to_frame(),
        warnings=[*data.warnings, *alike],
    )
    return summary, alike


def _scales(parts: Mapping[int, FoldRisks]) -> pd.DataFrame:
    """The scale of the risks in each fold: of its training patients, by the network that they trained."""
    rows: list[dict[str, Any]] = [
        {
            "n_train": len(part.trained),
            "mean": part.trained.mean(),
            "sd": part.trained.std(ddof=1),
            "cutoff": np.median(part.trained),
        }
        for part in parts.values()
    ]
    return pd.DataFrame(rows, index=pd.Index(list(parts), name="fold"))


def _alike(parts: Mapping[int, FoldRisks]) -> list[str]:
    """A warning if a network tells all its training patients the same risk, which then has no scale."""
    flat = [fold for fold, part in parts.items() if np.ptp(part.trained) == 0]
    which = "the network gives" if len(flat) == 1 else "the networks give"
    return [f"fold {listing(flat)}: {which} all training patients the same risk"] if flat else []


def _write_for_stamp(folder: Path, table: pd.DataFrame) -> None:
    """Write a file per fold that STAMP's statistics of survival read.

    They take any number of CSVs, look up the columns of time and status that the user names, and read the risk from
    ``pred_score``, or in older versions from ``pred_risk``; more means an earlier event.
    """
    for fold, some in table.groupby("fold"):
        place = folder / f"split-{fold}"
        place.mkdir(parents=True, exist_ok=True)
        columns = pd.DataFrame(
            {
                "time": some["time"],
                "event": some["event"].astype(int),
                "pred_score": some["risk_score"],
                "pred_risk": some["risk_score"],
            }
        )
        text = columns.to_csv(index_label="PATIENT", lineterminator="\n")
        write_text(place / "patient-preds.csv", text)
