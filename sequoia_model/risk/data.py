"""What networks learn risk from: the features of patients' slides, and the outcome of each patient."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.arguments import ProgressBar, check_limits, whole
from sequoia_base.flow import Flow
from sequoia_base.outcomes import read_outcome_table
from sequoia_base.tied_times import tied_times
from sequoia_model.clusters import N_CLUSTERS
from sequoia_model.errors import Failure, InputError, counted, listing
from sequoia_model.targets.network_input import notes_warnings
from sequoia_model.targets.slide_patients import SlidePatient, patient_warnings, patients_of_slides
from sequoia_model.training.data import MeansSource, find_features


@dataclass(frozen=True, eq=False, repr=False)
class RiskData:
    """Patients who have both an outcome and the features of at least one slide.

    Parameters
    ----------
    slides : tuple of str
        Names of the slides, sorted.
    patients, cohorts : array of shape (slides,), str
        Patient and cohort of each slide; a cohort is "" if nothing names it.
    means : array of shape (slides, clusters, d), float32
        Cluster means: a read-only memory map, which processes share.
    names : array of shape (patients,), str
        The patients, sorted.
    time : array of shape (patients,), float64
        Months to the event or to censoring, as given.
    event : array of shape (patients,), bool
        Whether the event was seen.
    slides_of : tuple of array of int64
        The rows of each patient's slides, one or more.
    encoder : str
        The encoder of the features.
    flow : DataFrame
        Ledger of what was lost: ``step, n_before, n_after, reason``.
    warnings : tuple of str
        What the user should know, counted.
    failed : tuple of Failure
        Slides whose features could not be used.
    digest : str
        SHA-256 of slides, patients, means and outcomes.
    """

    slides: tuple[str, ...]
    patients: NDArray[np.object_]
    cohorts: NDArray[np.object_]
    means: NDArray[np.float32]
    names: NDArray[np.object_]
    time: NDArray[np.float64]
    event: NDArray[np.bool_]
    slides_of: tuple[NDArray[np.int64], ...]
    encoder: str
    flow: pd.DataFrame
    warnings: tuple[str, ...]
    failed: tuple[Failure, ...]
    digest: str

    @property
    def tied_time(self) -> NDArray[np.float64]:
        """`time` without differences that come from rounding: who is tied is decided over all patients."""
        return tied_times(self.time)

    def slide_rows(self, patients: Iterable[int]) -> NDArray[np.int64]:
        """The rows of all slides of some patients, who are given by their rows."""
        return np.concatenate([self.slides_of[row] for row in patients])

    def __repr__(self) -> str:
        n, k, d = self.means.shape
        who = f"{counted(n, 'slide')} of {counted(len(self.names), 'patient')}"
        return f"<RiskData {who}: {k} × {d} by {self.encoder}, {counted(int(self.event.sum()), 'event')}>"


def load_risk_data(
    features: str | Path | Iterable[str | Path],
    outcome: str | Path,
    *,
    encoder: str | None = None,
    patients: str | Path | Mapping[str, str] | None = None,
    n_clusters: int = N_CLUSTERS,
    seed: int = 0,
    cache: str | Path | None = None,
    jobs: int = 1,
    progress: ProgressBar | None = None,
) -> RiskData:
    """Read the features of slides and the outcome of their patients.

    Slides of patients without an outcome, patients without slides, and files that cannot be used are left out and
    counted. Cluster means are kept in a folder, as by `load_training_data`.

    Parameters
    ----------
    features : path, or iterable of path
        Feature files, and folders that are searched with their subfolders.
    outcome : path
        A table that `read_outcome_table` reads: ``patient_id, time, event``.
    encoder : str, optional
        The encoder of the features, if files name none or several.
    patients : path or mapping of str to str, optional
        Patient of each slide; by default its TCGA barcode, or else the name of the slide.
    n_clusters : int, default 100
        Number of cluster means of a slide.
    seed : int, default 0
        Random seed of the clustering.
    cache : path, optional
        The folder for cluster means; by default one in ``XDG_CACHE_HOME``.
    jobs : int, default 1
        Number of threads that read; does not change the result.
    progress : callable, optional
        Wraps the files that are read, as a progress bar does.

    Raises
    ------
    InputError
        If an argument or the outcome cannot be used, there are two files of one slide or features of two encoders, no
        slide is of a patient with an outcome, or no patient has the event.
    """
    check_limits(
        {"n_clusters": n_clusters, "seed": seed, "jobs": jobs},
        {"n_clusters": whole(1), "seed": whole(0), "jobs": whole(1)},
    )
    flow = Flow()
    table = read_outcome_table(outcome)
    files = find_features(features, flow)
    owners = dict(zip(files, patients_of_slides(list(files), patients), strict=True))
    slides = _with_outcome(owners, table, outcome, flow)
    source = MeansSource(
        {slide: files[slide] for slide in slides}, cache, encoder=encoder, n_clusters=n_clusters, seed=seed
    )
    read = source.read(slides, jobs=jobs, progress=progress)
    if read.failed:
        lost = listing((failure.item for failure in read.failed), 3)
        flow.add("slides: features", len(slides), len(read.slides), f"{len(read.failed)} failed: {lost}")
    owner = _texts(owners[slide].name for slide in read.slides)
    names = _texts(sorted(set(owner)))
    _count_lost({owners[slide].name for slide in slides}, names, flow)
    known = table.loc[names.tolist()]
    event = known["event"].to_numpy(dtype=bool)
    if not event.any():
        raise InputError(
            f"none of the {counted(len(names), 'patient')} with slides has the event, so there is no risk to learn",
            where=str(outcome),
            fix="check the column event: 1 if the patient had the event, 0 if not",
        )
    time = known["time"].to_numpy(dtype=np.float64)
    noted = list(zip(read.slides, read.notes, strict=True))
    return RiskData(
        slides=read.slides,
        patients=owner,
        cohorts=_texts(notes.cohort for notes in read.notes),
        means=read.means,
        names=names,
        time=time,
        event=event,
        slides_of=tuple(np.flatnonzero(owner == name) for name in names),
        encoder=source.spec.encoder,
        flow=flow.to_frame(),
        warnings=(
            *patient_warnings(read.slides, [owners[slide] for slide in read.slides]),
            *notes_warnings(noted, source.spec),
            *read.scale_warnings(),
        ),
        failed=read.failed,
        digest=_digest(read.slides, owner, read.digest, time, event),
    )


def _with_outcome(
    owners: Mapping[str, SlidePatient], table: pd.DataFrame, path: str | Path, flow: Flow
) -> list[str]:
    """The slides whose patients have an outcome."""
    slides = [slide for slide, owner in owners.items() if owner.name in table.index]
    people = {owner.name for owner in owners.values()}
    if not slides:
        raise InputError(
            f"none of the {counted(len(owners), 'slide')} is of a patient with an outcome",
            where=f"{path}; there: {listing(table.index, 3)}; patients of slides: {listing(sorted(people), 3)}",
            fix="give the outcome of these patients; --patients says whose the slides are",
        )
    if lost := [slide for slide in owners if slide not in set(slides)]:
        flow.add("slides: outcome", len(owners), len(slides), f"no outcome: {listing(lost, 3)}")
    if lost := [name for name in table.index if name not in people]:
        n = len(table)
        flow.add("patients with outcome: slides", n, n - len(lost), f"no feature file: {listing(lost, 3)}")
    return slides


def _count_lost(before: set[str], names: NDArray[np.object_], flow: Flow) -> None:
    """A line for the patients all of whose slides failed."""
    if lost := sorted(before - set(names)):
        reason = f"no slide with features that can be used: {listing(lost, 3)}"
        flow.add("patients: features", len(before), len(names), reason)


def _digest(
    slides: Sequence[str],
    owner: NDArray[np.object_],
    means: str,
    time: NDArray[np.float64],
    event: NDArray[np.bool_],
) -> str:
    digest = hashlib.sha256()
    for texts in (slides, owner.tolist(), [means]):
        digest.update("\0".join([str(len(texts)), *texts, ""]).encode("utf-8", "surrogateescape"))
    digest.update(time.tobytes() + event.tobytes())
    return digest.hexdigest()


def _texts(words: Iterable[str]) -> NDArray[np.object_]:
    return np.array(list(words), dtype=object)
