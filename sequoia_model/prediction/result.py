"""The outcome of the slides: recorded during the prediction, and reported at the end to people and scripts."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sequoia_base.conformal import SEEN_IN_TRAINING, IntervalPlan, IntervalSummary
from sequoia_base.flow import Flow
from sequoia_base.results import Result
from sequoia_model.errors import Failure, SequoiaError, counted, listing, none_left, part
from sequoia_model.prediction.held_out import NetworkChoice
from sequoia_model.prediction.plan import Plan, PlannedSlide, known_names
from sequoia_model.targets.network_input import PUBLISHED_MPP, PUBLISHED_SIDE, InputNotes, notes_warnings
from sequoia_model.types.units import NOT_STATED, contradiction, is_expression, measured_doubt


@dataclass(frozen=True, eq=False)
class PredictionRun(Result):
    """What `predict` did.

    Parameters
    ----------
    output : str
        The predictions file.
    n_slides, n_patients, n_genes : int
        Number of slides, patients and genes in it.
    failed : tuple of Failure
        Slides that are not in it.
    ensemble : {"held-out", "all"}
        How networks were chosen.
    folds : tuple of int
        Folds of the networks that were given.
    n_held_out : int
        Slides predicted only by the held-out fold of their patient.
    n_few_tiles : int
        Slides with fewer distinct tiles than clusters.
    n_measured : int, optional
        Slides with measured expression; None if none was given.
    n_untrained : int
        Predictions by untrained networks for each slide.
    n_negative : int
        Predicted values below 0.
    encoder : str
        The encoder of the features.
    encoder_asserted : bool
        Whether the user named it for at least one file, or for the weights.
    units : str
        Units of predicted values, as the weights state them; "not stated" also if the values cannot have them.
    flow : DataFrame
        Ledger of what was lost: ``step, n_before, n_after, reason``.
    warnings : tuple of str
        What the user should know, counted.
    intervals : IntervalSummary, optional
        What is known about the intervals, if they were made.
    """

    output: str
    n_slides: int
    n_patients: int
    n_genes: int
    failed: tuple[Failure, ...]
    ensemble: str
    folds: tuple[int, ...]
    n_held_out: int
    n_few_tiles: int
    n_measured: int | None
    n_untrained: int
    n_negative: int
    encoder: str
    encoder_asserted: bool
    units: str
    flow: pd.DataFrame
    warnings: tuple[str, ...]
    intervals: IntervalSummary | None = None

    @property
    def note(self) -> str:
        """Which networks predicted the slides, in one sentence."""
        n, rest = len(self.folds), self.n_slides - self.n_held_out
        mean = f"the mean of {n} folds" if n > 1 else f"one network (fold {self.folds[0]})"
        held_out = f"{self.n_held_out} by the held-out fold of their patient"
        words = [held_out] * bool(self.n_held_out) + [f"{rest} by {mean}"] * bool(rest)
        return f"slides: {', '.join(words)}"

    def to_dict(self) -> dict[str, Any]:
        """Plain Python values, ready for JSON; each failed slide also has its reason in one line."""
        failed = [
            {"slide": failure.item, "file": failure.file, "reason": failure.reason}
            | {"what": failure.what, "where": failure.where, "fix": failure.fix}
            for failure in self.failed
        ]
        return super().to_dict() | {"failed": failed}

    def __str__(self) -> str:
        who = f"{counted(self.n_slides, 'slide')} of {counted(self.n_patients, 'patient')}"
        unit = "in a unit that is not stated" if self.units == NOT_STATED else self.units
        size = f"{who} × {counted(self.n_genes, 'gene')}, {unit}"
        named = ", named by the user" if self.encoder_asserted else ""
        lines = [size, f"  {self.note}", f"  features of {self.encoder}{named}"]
        if self.n_measured is not None:
            lines.append(f"  measured expression for {counted(self.n_measured, 'slide')}")
        if self.n_untrained:
            lines.append(f"  {counted(self.n_untrained, 'untrained prediction')} for each slide")
        if self.n_few_tiles:
            lines.append(f"  {counted(self.n_few_tiles, 'slide')} with fewer distinct tiles than clusters")
        if self.n_negative and is_expression(self.units):
            n = self.n_slides * self.n_genes
            lines.append(
                f"  {self.n_negative} of {n} values are below 0, unlike measured values: "
                "the networks' outputs have no lower bound, and they are kept as they are"
            )
        if self.intervals is not None:
            lines += [f"  {line}" for line in str(self.intervals).splitlines()]
        if self.failed:
            lines.append(f"  {counted(len(self.failed), 'slide')} failed")
        return "\n".join(lines)


@dataclass
class RunRecord:
    """The outcome of every slide of a plan so far.

    Parameters
    ----------
    plan : Plan
        What was decided.
    failed : list of Failure
        Slides that have no predictions; at first, those that could not be embedded.
    flow : Flow
        What was lost before there were features.
    contradictory : set of str
        Slides whose rows of the measured expression differ from each other.
    done : list of tuple of PlannedSlide and InputNotes
        In the order of the rows of the predictions file.
    n_negative : int
        Predicted values below 0.
    smallest, largest : float
        The range of the predicted values.
    measured_range : tuple of float
        The smallest and the largest of the measured values.
    """

    plan: Plan
    failed: list[Failure] = field(default_factory=list)
    flow: Flow = field(default_factory=Flow)
    contradictory: set[str] = field(default_factory=set)
    done: list[tuple[PlannedSlide, InputNotes]] = field(default_factory=list)
    n_negative: int = 0
    smallest: float = math.inf
    largest: float = -math.inf
    measured_range: tuple[float, float] = (math.inf, -math.inf)

    def fail(self, slide: PlannedSlide, error: SequoiaError) -> None:
        """Record a slide that has no predictions, and why."""
        self.failed.append(Failure.of(slide.name, slide.file, error))

    def refuse_nothing(self) -> None:
        """Stop if no slide could be predicted."""
        if not self.done:
            raise none_left(self.failed[-len(self.plan.slides) :], "predicted")

    def interval_plan(self) -> IntervalPlan:
        """Which calibration slides serve the slides that are predicted.

        Raises
        ------
        InputError
            If there are too few calibration patients, or networks.
        """
        plan, calibration = self.plan, self.plan.calibration
        assert calibration is not None
        patients, folds = [], []
        for slide, _ in self.done:
            choice = _choice(slide)
            patients.append(calibration.name_of(known_names(slide.patient.name, slide.name, plan.weights)))
            folds.append(SEEN_IN_TRAINING if choice.fold is None and choice.seen else choice.fold)
        cohorts = [slide.cohort or notes.cohort for slide, notes in self.done]
        return calibration.plan(patients, folds, cohorts, plan.weights.folds)

    def result(
        self, output: str | Path, n_untrained: int, intervals: IntervalSummary | None = None
    ) -> PredictionRun:
        """Counts, warnings and the flow."""
        plan, notes = self.plan, [notes for _, notes in self.done]
        measured = [slide for slide, _ in self.done if slide.rows and slide.name not in self.contradictory]
        n_measured = None if plan.measured is None else len(measured)
        return PredictionRun(
            output=str(output),
            n_slides=len(self.done),
            n_patients=len({slide.patient.name for slide, _ in self.done}),
            n_genes=len(plan.genes),
            failed=tuple(self.failed),
            ensemble=plan.ensemble,
            folds=plan.weights.folds,
            n_held_out=sum(_choice(slide).fold is not None for slide, _ in self.done),
            n_few_tiles=sum(bool(note.cluster_note) for note in notes),
            n_measured=n_measured,
            n_untrained=n_untrained,
            n_negative=self.n_negative,
            encoder=plan.spec.encoder,
            encoder_asserted=plan.weights.encoder is None or any(note.encoder_given for note in notes),
            units=self._units(),
            flow=self._whole_flow(n_measured).to_frame(),
            warnings=(
                *self._seen(),
                *plan.warnings(),
                *self._warnings(),
                *self._unit_warning(),
                *self._doubt(),
            ),
            intervals=intervals,
        )

    def notes(self) -> tuple[str, ...]:
        """The warnings about weights, features and units, without those about the patients."""
        return (*self.plan.notes(), *self._warnings(), *self._unit_warning())

    def obs(self) -> pd.DataFrame:
        """A row per slide, in the order of the files."""
        choices = [_choice(slide) for slide, _ in self.done]
        index = pd.Index([slide.name for slide, _ in self.done], dtype=object)
        obs = pd.DataFrame(
            {
                "patient_id": [slide.patient.name for slide, _ in self.done],
                "fold": pd.array([choice.fold for choice in choices], dtype="Int64"),
                "n_folds": np.array([len(choice.networks) for choice in choices], dtype=np.int64),
                "n_tiles": pd.array([notes.n_tiles for _, notes in self.done], dtype="Int64"),
            },
            index=index,
        )
        cohorts = [slide.cohort or notes.cohort for slide, notes in self.done]
        if any(cohorts):
            obs["cohort"] = pd.Series(cohorts, index, dtype=object).replace("", None)
        return obs

    def _whole_flow(self, n_measured: int | None) -> Flow:
        flow, n, n_planned = self.flow.copy(), len(self.done), len(self.plan.slides)
        if n < n_planned:
            names = [failure.item for failure in self.failed[n - n_planned :]]
            flow.add("slides: predicted", n_planned, n, f"{len(names)} failed: {listing(names, 3)}")
        if n_measured is not None and n_measured < n:
            reason = "the others have no measured expression, and NaN for it"
            flow.add("slides: measured", n, n_measured, reason)
        return flow

    def _warnings(self) -> list[str]:
        spec, done = self.plan.spec, self.done
        known = notes_warnings([(slide.name, notes) for slide, notes in done], spec)
        published = f"{PUBLISHED_SIDE:g} µm at {PUBLISHED_MPP:g} µm/px"
        groups = [
            (
                [
                    f"{slide.name} ({notes.tile_scale})"
                    for slide, notes in done
                    if notes.tile_scale and self.plan.weights.cancer
                ],
                "have",
                f"tiles of another size, scale or overlap than the published networks were trained on, {published}",
            ),
            (
                [slide.name for slide, notes in done if notes.no_scale and self.plan.weights.cancer],
                "have",
                f"features that do not say how many µm wide their tiles are; the published networks take {published}",
            ),
            (
                [slide.name for slide, _ in done if slide.name in self.contradictory],
                "have",
                "several measurements that differ, so none of them is used",
            ),
        ]
        return known + [
            f"{part(len(some), len(done), 'slide', verb)} {what}: {listing(some, 3)}"
            for some, verb, what in groups
            if some
        ]

    def _units(self) -> str:
        return NOT_STATED if self._unit_warning() else self.plan.weights.units

    def _unit_warning(self) -> list[str]:
        """A warning if the weights do not state their units, or cannot have those that they state."""
        units = self.plan.weights.units
        way_out = '"units" in the sequoia.json of the weights states it'
        if units == NOT_STATED:
            return [f"the weights do not state the unit of expression that they predict; {way_out}"]
        n = len(self.done) * len(self.plan.genes)
        doubt = contradiction(units, self.smallest, self.largest, self.n_negative / max(n, 1))
        return (
            [f"{doubt}: the weights were trained on expression in another unit; {way_out}"] if doubt else []
        )

    def _doubt(self) -> list[str]:
        """A warning if the measured values cannot be in their unit, or else in that of the weights."""
        table = self.plan.measured
        if table is None:
            return []
        units, wrong = table.units, f"the unit in {table.path.name} is wrong"
        if units == NOT_STATED:
            units, wrong = (
                self.plan.weights.units,
                f"{table.path.name} is in another unit than the weights predict",
            )
        harm = "errors are not those of the predictions, and a few slides may decide r"
        doubt = measured_doubt(units, *self.measured_range, wrong=wrong, harm=harm)
        return [doubt] if doubt else []

    def _seen(self) -> list[str]:
        seen = {slide.patient.name for slide, _ in self.done if _choice(slide).seen}
        n = len({slide.patient.name for slide, _ in self.done})
        warning = (
            f"{part(len(seen), n, 'patient', 'were')} used to train networks that predict here: such predictions look "
            "better than those of new patients and do not show how good the networks are"
        )
        return [warning] if seen else []


def provenance(run: PredictionRun, plan: Plan, device: str) -> dict[str, Any]:
    """The content of uns: nothing that differs from run to run."""
    weights = plan.weights
    intervals = {}
    if run.intervals is not None and plan.calibration is not None:
        intervals = {"intervals": run.intervals.to_uns() | {"calibration": plan.calibration.path.name}}
    return intervals | {
        "name": weights.source.removeprefix("hub:").rstrip("/").rpartition("/")[2],
        "note": run.note,
        "flow": Flow.of(run.flow).to_columns(),
        "units": run.units,
        "warnings": _texts(run.warnings),
        "encoder": run.encoder,
        "encoder_asserted": run.encoder_asserted,
        "weights": {
            "source": weights.source,
            "folds": np.array(weights.folds, dtype=np.int64),
            "digests": _texts(weights.digests),
            "splits": weights.splits.name if weights.splits else "",
        },
        "ensemble": run.ensemble,
        "n_negative": run.n_negative,
        "seed": plan.spec.seed,
        "device": device,
        "versions": {name: version(name) for name in ("sequoia-histology", "torch", "numpy")},
    }


def _choice(slide: PlannedSlide) -> NetworkChoice:
    assert isinstance(slide.choice, NetworkChoice)  # the others failed earlier
    return slide.choice


def _texts(words: Iterable[str]) -> np.ndarray:
    return np.array(list(words), dtype=object)
