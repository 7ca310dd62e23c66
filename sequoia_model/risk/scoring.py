"""The risk of other patients by the networks of a finished run, on one scale for all folds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.arguments import ProgressBar, check_limits, whole
from sequoia_base.atomic import refuse_existing
from sequoia_base.flow import Flow
from sequoia_base.outcomes import read_fold_scales, scales_beside, write_fold_scales, write_risk_table
from sequoia_base.results import Result
from sequoia_model.errors import Failure, InputError, counted, listing, none_left
from sequoia_model.prediction.held_out import NetworkChoice
from sequoia_model.prediction.plan import PlannedSlide, make_plan
from sequoia_model.risk._run_files import RISKS, risk_record
from sequoia_model.risk.fit import RiskPart, predict_risk
from sequoia_model.training.data import MeansSource, find_features
from sequoia_model.weights.loading import Weights, load_weights


@dataclass(frozen=True)
class ScoredPatients(Result):
    """What `score_risk` did.

    Parameters
    ----------
    output : str
        The file of scores.
    n_slides, n_patients, n_held_out : int
        Slides that were scored, their patients, and those of them who took part in the run.
    scores : DataFrame
        Index = patient_id; ``risk_score``, and ``fold`` if somebody took part in the run: who held the patient out.
    failed : tuple of Failure
        Slides that could not be scored.
    flow : DataFrame
        Ledger of what was lost: ``step, n_before, n_after, reason``.
    warnings : tuple of str
        What the user should know, counted.
    """

    output: str
    n_slides: int
    n_patients: int
    n_held_out: int
    scores: pd.DataFrame = field(metadata={"show": False})
    failed: tuple[Failure, ...]
    flow: pd.DataFrame
    warnings: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """A row per patient."""
        return self.scores

    def __str__(self) -> str:
        known = f", {self.n_held_out} of them by the fold that held them out" if self.n_held_out else ""
        return f"{counted(self.n_patients, 'patient')} scored from {counted(self.n_slides, 'slide')}{known}"


def score_risk(
    features: str | Path | Iterable[str | Path],
    run: str | Path,
    output: str | Path,
    *,
    encoder: str | None = None,
    patients: str | Path | None = None,
    jobs: int = 1,
    cache: str | Path | None = None,
    force: bool = False,
    progress: ProgressBar | None = None,
) -> ScoredPatients:
    """Score patients by the networks of a run of `train_risk`.

    The risk that a network tells is centred and divided by mean and SD of its own training patients. A new patient gets
    the mean over all networks. One who took part in the run gets the score of the network that held the patient out.

    Parameters
    ----------
    features : path, or iterable of path
        Feature files, and folders that are searched with their subfolders.
    run : path
        The run folder, finished.
    output : path
        A CSV: ``patient_id, risk_score``, and ``fold`` if a patient took part in the run. A higher score means an
        earlier event. The scale of the scores in each fold is then written beside it (`scales_beside`).
    encoder : str, optional
        The encoder of the features, if the files do not name it.
    patients : path, optional
        A table of slides and their patients; by default TCGA barcodes, or else the names of the slides.
    jobs : int, default 1
        Number of threads that read; does not change the result.
    cache : path, optional
        The folder that keeps cluster means.
    force : bool, default False
        Whether to replace an existing output.
    progress : callable, optional
        Wraps the files that are read, as a progress bar does.

    Raises
    ------
    InputError
        If the folder is not a finished run, features are of another encoder, no patient can be scored, or the output
        exists or lies in the run folder.
    """
    check_limits({"jobs": jobs}, {"jobs": whole(1)})
    settings = risk_record(Path(run)).settings_of_finished()
    weights = load_weights(run)
    scales = read_fold_scales(scales_beside(Path(run, RISKS)))
    flow = Flow()
    files = find_features(features, flow)
    _refuse_output_of_run(Path(output), Path(run))
    for path in (Path(output), scales_beside(output)):
        refuse_existing(path, force=force, inputs=[*files.values(), patients])
    plan = make_plan(
        list(files.values()), weights, encoder=encoder, patients=patients, ensemble="only held-out"
    )
    usable = {slide.name: slide for slide in plan.slides if isinstance(slide.choice, NetworkChoice)}
    refused = [
        Failure.of(slide.name, slide.file, slide.choice)
        for slide in plan.slides
        if not isinstance(slide.choice, NetworkChoice)
    ]
    if not usable:
        raise none_left(refused, "scored")
    source = MeansSource(
        {slide: files[slide] for slide in usable}, cache, encoder=encoder,
        n_clusters=weights.n_clusters, seed=settings["seed"],
    )  # fmt: skip
    if weights.encoder not in (None, source.spec.encoder) or source.spec.input_dim != weights.input_dim:
        raise InputError(
            f"the networks take {weights.input_dim} features of {weights.encoder}, but these are "
            f"{source.spec.input_dim} of {source.spec.encoder}",
            where=str(run),
        )
    read = source.read(list(usable), jobs=jobs, progress=progress)
    failed = [*refused, *read.failed]
    if failed:
        lost = listing((failure.item for failure in failed), 3)
        flow.add("slides: scored", len(plan.slides), len(read.slides), f"{len(failed)} failed: {lost}")
    slides = [usable[name] for name in read.slides]
    table = _scores(slides, read.means, weights, scales, str(settings["fusion"]))
    if "fold" in table:
        write_fold_scales(_in_sds(scales), scales_beside(output))
    else:
        scales_beside(output).unlink(missing_ok=True)  # of other scores, which these replace
    write_risk_table(table, output)
    flat = [fold for fold in weights.folds if scales.loc[fold, "sd"] == 0]
    return ScoredPatients(
        str(output), len(slides), len(table), int(table["fold"].notna().sum()) if "fold" in table else 0, table,
        tuple(failed), flow.to_frame(), (*plan.warnings(), *_flat_warning(flat)),
    )  # fmt: skip


def _refuse_output_of_run(output: Path, run: Path) -> None:
    """Refuse an output in the run folder, whose files are inputs."""
    if output.resolve().is_relative_to(run.resolve()):
        raise InputError(
            "the output lies in the run folder that is read", where=str(output), fix="give another place: -o"
        )


def _in_sds(scales: pd.DataFrame) -> pd.DataFrame:
    """The scale of scores that are in SDs of their training patients; 0 where all of these have one score."""
    sd = scales["sd"].where(scales["sd"] > 0)
    cutoff = ((scales["cutoff"] - scales["mean"]) / sd).fillna(0.0)
    return scales.assign(mean=0.0, sd=sd.notna().astype(float), cutoff=cutoff)


def _scores(
    slides: Sequence[PlannedSlide],
    means: NDArray[np.float32],
    weights: Weights,
    scales: pd.DataFrame,
    fusion: str,
) -> pd.DataFrame:
    """A row per patient: the mean over the networks that may tell, each in SDs of its training patients."""
    owner = np.array([slide.patient.name for slide in slides], dtype=object)
    names = sorted(set(owner))
    rows = tuple(np.flatnonzero(owner == name) for name in names)
    choices = [_choice_of([slides[row] for row in some.tolist()]) for some in rows]
    part = RiskPart(means, rows, np.ones(len(names)), np.zeros(len(names), dtype=bool), fusion)
    told = np.zeros((len(names), len(weights.folds)))
    for column, (network, fold) in enumerate(zip(weights.networks, weights.folds, strict=True)):
        scale = scales.loc[fold]
        if scale["sd"] > 0:
            told[:, column] = (predict_risk(network, part) - scale["mean"]) / scale["sd"]
    index = pd.Index(names, name="patient_id")
    score = [one[list(choice.networks)].mean() for one, choice in zip(told, choices, strict=True)]
    table = pd.DataFrame({"risk_score": score}, index=index)
    folds = pd.Series([choice.fold for choice in choices], index, dtype="Int64")
    return table if folds.isna().all() else table.assign(fold=folds)


def _choice_of(slides: Sequence[PlannedSlide]) -> NetworkChoice:
    """The networks of a patient: those of the slides, which are the same unless a slide alone was in training."""
    choices = [slide.choice for slide in slides if isinstance(slide.choice, NetworkChoice)]
    return min(choices, key=lambda choice: len(choice.networks))


def _flat_warning(folds: Sequence[int]) -> list[str]:
    """A warning if a network gave its training patients one risk: it then counts as 0 for all."""
    return [f"fold {listing(folds)}: one risk for all training patients, so it counts as 0"] if folds else []
