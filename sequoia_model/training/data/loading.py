"""Training data: cluster means and measured expression of slides, each read once."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.apart import begin
from sequoia_base.arguments import ProgressBar, check_limits, whole
from sequoia_base.flow import Flow
from sequoia_base.gene_names import examine
from sequoia_base.names import patient_of
from sequoia_model.clusters import N_CLUSTERS
from sequoia_model.errors import Failure, InputError, counted, listing, part
from sequoia_model.patients import known_patients
from sequoia_model.targets.measured import Measured, open_measured
from sequoia_model.targets.network_input import notes_warnings
from sequoia_model.targets.slide_patients import SlidePatient, patient_warnings, patients_of_slides
from sequoia_model.training.data._complete import RULE, complete, constant, packed
from sequoia_model.training.data._means import ClusteredSlides, MeansSource, find_features
from sequoia_model.types.units import NOT_STATED, measured_contradiction, measured_doubt
from sequoia_model.weights.gene_lists import read_genes


@dataclass(frozen=True, eq=False, repr=False)
class TrainingData:
    """Slides that have both features and measured expression, and no missing value.

    Parameters
    ----------
    slides : tuple of str
        Names of the slides, sorted.
    patients, cohorts : array of shape (slides,), str
        Patient and cohort of each slide; a cohort is "" if nothing names it.
    files : tuple of Path
        The feature file of each slide.
    means : array of shape (slides, clusters, d), float32
        Cluster means: a read-only memory map, which processes share.
    expression : array of shape (slides, genes), float32
        Measured expression, read-only, without NaN.
    genes : tuple of str
        Names of the genes.
    encoder : str
        The encoder of the features.
    units : str
        Unit of the expression, as its file states it; "not stated" also if the values cannot have it.
    flow : DataFrame
        Ledger of what was lost: ``step, n_before, n_after, reason``.
    warnings : tuple of str
        What the user should know, counted.
    failed : tuple of Failure
        Slides whose features could not be used.
    digest : str
        SHA-256 of slides, patients, genes, means and expression.
    tile_um : float, optional
        Side of a tile in µm, if all feature files say it and agree.
    """

    slides: tuple[str, ...]
    patients: NDArray[np.object_]
    cohorts: NDArray[np.object_]
    files: tuple[Path, ...]
    means: NDArray[np.float32]
    expression: NDArray[np.float32]
    genes: tuple[str, ...]
    encoder: str
    units: str
    flow: pd.DataFrame
    warnings: tuple[str, ...]
    failed: tuple[Failure, ...]
    digest: str
    tile_um: float | None = None

    def __repr__(self) -> str:
        n, k, d = self.means.shape
        who = f"{counted(n, 'slide')} of {counted(len(set(self.patients)), 'patient')}"
        return f"<TrainingData {who}: {k} × {d} by {self.encoder}, {counted(len(self.genes), 'gene')}, {self.units}>"


def load_training_data(
    features: str | Path | Iterable[str | Path],
    measured: str | Path,
    *,
    encoder: str | None = None,
    genes: str | Path | Sequence[str] | None = None,
    patients: str | Path | Mapping[str, str] | None = None,
    n_clusters: int = N_CLUSTERS,
    seed: int = 0,
    cache: str | Path | None = None,
    jobs: int = 1,
    progress: ProgressBar | None = None,
) -> TrainingData:
    """Read the features and the measured expression of slides.

    Expression is read once into one array. Cluster means are read, or computed, once for each content of a feature
    file, and kept in a folder; a call whose files have not changed reads none of them. Slides without expression,
    slides whose measurements differ, and files that cannot be used are left out and counted. If values are missing,
    the slide or gene with the largest share of them is left out first (`complete`). Genes that have one value only are
    kept, with a warning.

    Parameters
    ----------
    features : path, or iterable of path
        Feature files, and folders that are searched with their subfolders.
    measured : path
        Measured expression, as `open_measured` reads it.
    encoder : str, optional
        The encoder of the features, if files name none or several.
    genes : path or sequence of str, optional
        The genes, or a file as for `read_genes`; by default all that were measured.
    patients : path or mapping of str to str, optional
        Patient of each slide; by default its TCGA barcode, else the patient that `measured` names.
    n_clusters : int, default 100
        Number of cluster means of a slide.
    seed : int, default 0
        Random seed of the clustering.
    cache : path, optional
        The folder for cluster means; by default one in ``XDG_CACHE_HOME``.
    jobs : int, default 1
        Number of threads that read; does not change the result.
    progress : callable, optional
        Wraps an iterable of known length, as a progress bar does: the files that are read.

    Returns
    -------
    TrainingData

    Raises
    ------
    InputError
        If an argument or the expression cannot be used, there are two files of one slide or features of two encoders,
        or no slide or gene is left.
    """
    check_limits(
        {"n_clusters": n_clusters, "seed": seed, "jobs": jobs},
        {"n_clusters": whole(1), "seed": whole(0), "jobs": whole(1)},
    )
    flow = Flow()
    files = find_features(features, flow)
    begin()  # the process that reads features, while tables are read here
    wanted = read_genes(genes) if isinstance(genes, str | Path) else genes
    table = open_measured(measured, wanted, names=_names(files, patients))
    names = _genes(table, wanted, flow)
    people, rows = _matched(files, table, patients, flow)
    source = MeansSource(
        {slide: files[slide] for slide in rows}, cache, encoder=encoder, n_clusters=n_clusters, seed=seed
    )
    slides, values, names = _expression(table, rows, names, flow)
    read = source.read(slides, jobs=jobs, progress=progress)
    values, same = _joined(slides, values, read, flow, table)
    units, doubts = _units(table, values)
    owners = [people[slide] for slide in read.slides]
    cohorts = [
        str(table.cohorts[rows[slide][0]]) or notes.cohort
        for slide, notes in zip(read.slides, read.notes, strict=True)
    ]
    kinds = examine(names)
    return TrainingData(
        slides=read.slides,
        patients=_texts(owner.name for owner in owners),
        cohorts=_texts(cohorts),
        files=tuple(files[slide] for slide in read.slides),
        means=read.means,
        expression=values,
        genes=names,
        encoder=source.spec.encoder,
        units=units,
        flow=flow.to_frame(),
        warnings=(
            *patient_warnings(read.slides, owners),
            *notes_warnings(list(zip(read.slides, read.notes, strict=True)), source.spec),
            *read.scale_warnings(),
            *doubts,
            *_constant_warning(names, same),
            *([f"genes are not named by symbols: {kinds}"] if kinds.are_identifiers else []),
        ),
        failed=read.failed,
        digest=_digest(read.slides, owners, names, read.digest, values),
        tile_um=read.tile_um(),
    )


def _names(files: Iterable[str], patients: str | Path | Mapping[str, str] | None) -> set[str]:
    """The slides, and their patients as far as they are known before the expression is opened."""
    said = known_patients(patients) or {}
    owners = (said.get(slide) or patient_of(slide) for slide in files)
    return {*files, *(owner for owner in owners if owner)}


def _genes(table: Measured, wanted: Sequence[str] | None, flow: Flow) -> tuple[str, ...]:
    """The genes that were measured, in the order of the list or of the file."""
    if wanted is None:
        return tuple(table.columns)
    repeated = [gene for gene, n in Counter(wanted).items() if n > 1]
    if repeated:
        raise InputError(f"{counted(len(repeated), 'gene is', 'genes are')} named twice: {listing(repeated)}")
    names = tuple(gene for gene in wanted if gene in table.columns)
    lost = [gene for gene in wanted if gene not in table.columns]
    if lost:
        flow.add("genes: measured", len(wanted), len(names), f"not in {table.path.name}: {listing(lost, 3)}")
    return names


def _matched(
    files: Mapping[str, Path],
    table: Measured,
    patients: str | Path | Mapping[str, str] | None,
    flow: Flow,
) -> tuple[dict[str, SlidePatient], dict[str, tuple[int, ...]]]:
    """The patient of each slide, and the rows of those that have expression."""
    owners = dict(zip(files, patients_of_slides(list(files), patients, table), strict=True))
    found = table.match(list(files), [owner.name for owner in owners.values()])
    rows = {slide: numbers for slide, numbers in zip(files, found, strict=True) if numbers}
    lost = [slide for slide in files if slide not in rows]
    if lost:
        flow.add("slides: measured", len(files), len(rows), f"no measured expression: {listing(lost, 3)}")
    used = {row for numbers in rows.values() for row in numbers}
    unused = [table.slides[row] or table.patients[row] for row in range(len(table.slides)) if row not in used]
    if unused:
        n = len(table.slides)
        flow.add("measured rows: used", n, n - len(unused), f"no feature file: {listing(unused, 3)}")
    return owners, rows


def _expression(
    table: Measured, rows: Mapping[str, Sequence[int]], names: tuple[str, ...], flow: Flow
) -> tuple[list[str], NDArray[np.float32], tuple[str, ...]]:
    """The slides that have one measurement without missing values, their values, and the genes that have them."""
    slides = list(rows)
    values = np.full((len(slides), len(names)), np.nan, dtype=np.float32)
    differ = np.zeros(len(slides), dtype=bool)
    for slide, line in table.values(list(rows.values()), names):
        if line is None:
            differ[slide] = True
        else:
            values[slide] = line
    every = np.ones(len(names), dtype=bool)
    if differ.any():
        lost = [slide for slide, one in zip(slides, differ, strict=True) if one]
        reason = f"several measurements that differ: {listing(lost, 3)}"
        flow.add("slides: one measurement", len(slides), len(slides) - len(lost), reason)
        values = packed(values, ~differ, every)
        slides = [slide for slide in slides if slide not in set(lost)]
    kept, columns = complete(values)
    for what, all_names, good in (("slides", slides, kept), ("genes", names, columns)):
        if not good.all():
            lost = [name for name, fine in zip(all_names, good, strict=True) if not fine]
            reason = f"missing values ({RULE}): {listing(lost, 3)}"
            flow.add(f"{what}: complete", len(good), int(good.sum()), reason)
    if not (kept.any() and columns.any()):
        raise InputError(
            "no slide has measured expression that can be used",
            where=f"{table.path}; {flow}",
            fix="check the missing values, or rows of one patient that differ",
        )
    values = packed(values, kept, columns)
    _constant(values, table)
    slides = [slide for slide, fine in zip(slides, kept, strict=True) if fine]
    return slides, values, tuple(gene for gene, fine in zip(names, columns, strict=True) if fine)


def _constant(values: NDArray[np.float32], table: Measured) -> NDArray[np.bool_]:
    """Which genes have one value only; an error if all have."""
    same = constant(values)
    if same.all():
        raise InputError(
            f"every gene has the same value for {counted(len(values), 'slide')}, so there is nothing to learn",
            where=str(table.path),
            fix="training needs slides of several patients",
        )
    return same


def _joined(
    slides: Sequence[str], values: NDArray[np.float32], read: ClusteredSlides, flow: Flow, table: Measured
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The values of the slides whose features could be used, and which genes have one value in all of them."""
    if read.failed:
        lost = listing((failure.item for failure in read.failed), 3)
        flow.add("slides: features", len(slides), len(read.slides), f"{len(read.failed)} failed: {lost}")
    there = set(read.slides)
    kept = np.array([slide in there for slide in slides])
    values = packed(values, kept, np.ones(values.shape[1], dtype=bool))
    same = _constant(values, table)
    values.flags.writeable = False
    return values, same


def _constant_warning(names: Sequence[str], same: NDArray[np.bool_]) -> list[str]:
    """Genes that do not vary are learnt all the same: which genes there are must not depend on test patients."""
    found = [gene for gene, one in zip(names, same, strict=True) if one]
    words = "one value in all slides, so no correlation"
    return [f"{part(len(found), len(names), 'gene', 'have')} {words}: {listing(found, 3)}"] if found else []


def _units(table: Measured, values: NDArray[np.float32]) -> tuple[str, list[str]]:
    """The unit of the expression, and why it may not be what a network should learn."""
    span = float(values.min()), float(values.max())
    wrong = f"the unit in {table.path.name} is wrong"
    doubt = measured_doubt(table.units, *span, wrong=wrong, harm="a few genes would decide the loss")
    units = NOT_STATED if measured_contradiction(table.units, *span) else table.units
    return units, [doubt] if doubt else []


def _digest(
    slides: Sequence[str],
    owners: Sequence[SlidePatient],
    names: Sequence[str],
    means: str,
    values: NDArray[np.float32],
) -> str:
    digest = hashlib.sha256()
    for texts in (slides, [owner.name for owner in owners], names, [means]):
        digest.update("\0".join([str(len(texts)), *texts, ""]).encode("utf-8", "surrogateescape"))
    digest.update(np.ascontiguousarray(values).data)
    return digest.hexdigest()


def _texts(words: Iterable[str]) -> NDArray[np.object_]:
    return np.array(list(words), dtype=object)
