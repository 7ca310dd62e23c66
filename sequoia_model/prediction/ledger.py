"""What became of every slide: kept while they stream through, told at the end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sequoia_model.errors import InputError, listing
from sequoia_model.prediction.held_out import Choice
from sequoia_model.prediction.plan import Plan, Task
from sequoia_model.prediction.summary import FLOW_COLUMNS, Failure, PredictionRun
from sequoia_model.targets.inputs import PUBLISHED_MPP, PUBLISHED_SIDE, About
from sequoia_model.types.units import EXPRESSION
from sequoia_model.weights.loading import Weights


@dataclass(frozen=True)
class Before:
    """What was lost before there were features.

    Parameters
    ----------
    failed : tuple of Failure
        Slides that have none.
    flow : tuple of tuple
        Lines of the flow: step, number before, number after, reason.
    """

    failed: tuple[Failure, ...] = ()
    flow: tuple[tuple[str, int, int, str], ...] = ()


@dataclass
class Ledger:
    """Slides that are done and slides that failed; a few words for each.

    Parameters
    ----------
    plan : Plan
    weights : Weights
    before : Before
    unequal : frozenset of int
        Positions of slides whose rows of the measured expression differ from each other.
    done : list of tuple of Task and About
        In the order of the rows of the predictions file.
    failed : list of Failure
    n_negative : int
        Predicted values below 0.
    """

    plan: Plan
    weights: Weights
    before: Before = Before()
    unequal: frozenset[int] = frozenset()
    done: list[tuple[Task, About]] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)
    n_negative: int = 0

    def fail(self, task: Task, error: InputError) -> None:
        """A slide that has no predictions, and why."""
        where = error.where.removeprefix(str(task.path)).strip(" :")
        if where.startswith("(") and where.endswith(")"):
            where = where[1:-1]
        reason = "; ".join(part for part in (error.what, where, error.fix) if part and part != task.slide)
        self.failed.append(Failure(task.slide, str(task.path), reason))

    def refuse_nothing(self) -> None:
        """Stop where no slide could be predicted."""
        if self.done:
            return
        first, n = self.failed[0], len(self.failed)
        which = "the slide could not" if n == 1 else f"none of the {n} slides could"
        kinds = len({failure.reason for failure in self.failed})
        also = f" (the first of {kinds} different reasons)" if kinds > 1 else ""
        raise InputError(f"{which} be predicted: {first.reason}{also}", where=first.file)

    def summary(self, output: str | Path, ensemble: str, n_untrained: int) -> PredictionRun:
        """Counts, warnings and the flow."""
        measured = [task for task, _ in self.done if task.rows and task.position not in self.unequal]
        n_measured = None if self.plan.table is None else len(measured)
        abouts = [about for _, about in self.done]
        return PredictionRun(
            output=str(output),
            n_slides=len(self.done),
            n_patients=len({task.patient for task, _ in self.done}),
            n_genes=len(self.plan.genes),
            failed=(*self.before.failed, *self.failed),
            ensemble=ensemble,
            folds=self.weights.folds,
            n_held_out=sum(_choice(task).fold is not None for task, _ in self.done),
            n_few_tiles=sum(bool(about.note) for about in abouts),
            n_measured=n_measured,
            n_untrained=n_untrained,
            n_negative=self.n_negative,
            encoder=self.plan.needs.encoder,
            encoder_asserted=self.weights.encoder is None or any(about.asserted for about in abouts),
            units=EXPRESSION,
            flow=self._flow(n_measured),
            warnings=(*self._seen(), *self.plan.warnings, *self._warnings()),
        )

    def obs(self) -> pd.DataFrame:
        """A row a slide, in the order of the files."""
        choices = [_choice(task) for task, _ in self.done]
        index = pd.Index([task.slide for task, _ in self.done], dtype=object)
        obs = pd.DataFrame(
            {
                "patient_id": [task.patient for task, _ in self.done],
                "fold": pd.array([choice.fold for choice in choices], dtype="Int64"),
                "n_folds": np.array([len(choice.networks) for choice in choices], dtype=np.int64),
                "n_tiles": pd.array([about.n_tiles for _, about in self.done], dtype="Int64"),
            },
            index=index,
        )
        cohorts = [task.cohort or about.cohort for task, about in self.done]
        if any(cohorts):
            obs["cohort"] = pd.Series(cohorts, index, dtype=object).replace("", None)
        return obs

    def _flow(self, n_measured: int | None) -> pd.DataFrame:
        lines = list(self.before.flow)
        n = len(self.done)
        if self.failed:
            reason = f"{len(self.failed)} failed: {listing((failure.slide for failure in self.failed), 3)}"
            lines.append(("slides: predicted", len(self.plan.tasks), n, reason))
        if n_measured is not None and n_measured < n:
            reason = "the others have no measured expression, and NaN for it"
            lines.append(("slides: measured", n, n_measured, reason))
        flow = pd.DataFrame(lines, columns=FLOW_COLUMNS)
        return flow.astype({"n_before": np.int64, "n_after": np.int64})

    def _warnings(self) -> list[str]:
        needs, done = self.plan.needs, self.done
        published = f"{PUBLISHED_SIDE:g} µm at {PUBLISHED_MPP:g} µm/px"
        groups = [
            (
                [task.slide for task, about in done if about.asserted],
                f"have no encoder but in the words of the user: {needs.encoder}",
            ),
            (
                [f"{task.slide} ({about.hint})" for task, about in done if about.hint],
                f"are taken for features of {needs.encoder}, and their folder is called after another encoder",
            ),
            (
                [
                    f"{task.slide} ({about.scale})"
                    for task, about in done
                    if about.scale and self.weights.cancer
                ],
                f"have tiles of another size than the published networks were trained on, {published}",
            ),
            (
                [task.slide for task, about in done if about.note],
                f"have fewer distinct tiles than the {needs.n_clusters} clusters, which repeat them",
            ),
            (
                [task.slide for task, _ in done if task.position in self.unequal],
                "have several measurements, which differ, and so count as not measured",
            ),
        ]
        return [
            f"{len(some)} of {len(done)} slides {what}: {listing(some, 3)}" for some, what in groups if some
        ]

    def _seen(self) -> list[str]:
        seen = {task.patient for task, _ in self.done if _choice(task).seen}
        n = len({task.patient for task, _ in self.done})
        warning = (
            f"{len(seen)} of {n} patients were in the training of networks that predict them here: their predictions "
            "look better than those of new patients, and say nothing about how good the networks are"
        )
        return [warning] if seen else []


def provenance(run: PredictionRun, weights: Weights, *, seed: int, device: str) -> dict[str, Any]:
    """What goes into uns; nothing that differs from run to run."""
    return {
        "name": weights.source.removeprefix("hub:").rstrip("/").rpartition("/")[2],
        "note": run.note,
        "flow": {column: run.flow[column].to_numpy() for column in FLOW_COLUMNS},
        "units": run.units,
        "warnings": _texts(run.warnings),
        "encoder": run.encoder,
        "encoder_asserted": run.encoder_asserted,
        "weights": {
            "source": weights.source,
            "folds": np.array(weights.folds, dtype=np.int64),
            "digests": _texts(weights.digests),
        },
        "ensemble": run.ensemble,
        "n_negative": run.n_negative,
        "seed": seed,
        "device": device,
        "versions": {name: version(name) for name in ("sequoia-histology", "torch", "numpy")},
    }


def _choice(task: Task) -> Choice:
    assert isinstance(task.choice, Choice)  # others have failed before
    return task.choice


def _texts(words: Iterable[str]) -> np.ndarray:
    return np.array(list(words), dtype=object)
