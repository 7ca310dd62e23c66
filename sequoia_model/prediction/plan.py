"""What is decided about every slide before a feature file is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sequoia_base.names import patient_of
from sequoia_model.errors import InputError, listing
from sequoia_model.feature_files import slide_name
from sequoia_model.prediction.gene_names import output_genes
from sequoia_model.prediction.held_out import Choice, choose_networks
from sequoia_model.splits import published, published_cancer_of
from sequoia_model.targets.inputs import Needs, needs_of
from sequoia_model.targets.measured import open_measured
from sequoia_model.targets.measured_table import MeasuredTable
from sequoia_model.targets.slide_patients import patients_of_slides
from sequoia_model.weights.loading import Weights


@dataclass(frozen=True)
class Task:
    """A slide to predict.

    Parameters
    ----------
    position : int
        Among all slides.
    path : path
        Its feature file.
    slide, patient : str
    choice : Choice or InputError
        Which networks predict it, or why none may.
    rows : tuple of int
        Its rows of the measured expression.
    cohort : str
        As the measured expression names it.
    """

    position: int
    path: Path
    slide: str
    patient: str
    choice: Choice | InputError
    rows: tuple[int, ...] = ()
    cohort: str = ""


@dataclass(frozen=True)
class Plan:
    """All slides, in the order of their rows.

    Parameters
    ----------
    tasks : tuple of Task
    genes : tuple of str
        In the order of the networks' outputs.
    needs : Needs
        What features have to be.
    table : MeasuredTable, optional
    warnings : tuple of str
    """

    tasks: tuple[Task, ...]
    genes: tuple[str, ...]
    needs: Needs
    table: MeasuredTable | None
    warnings: tuple[str, ...]


def make_plan(
    files: Sequence[Path],
    weights: Weights,
    *,
    encoder: str | None = None,
    genes: str | Path | Sequence[str] | None = None,
    patients: str | Path | Mapping[str, str] | None = None,
    measured: str | Path | None = None,
    ensemble: str = "held-out",
    seed: int = 0,
) -> Plan:
    """Decide encoder, genes, patients, networks and measured rows of every slide.

    Parameters are those of `predict`, of which this is the first part.

    Raises
    ------
    InputError
        If they contradict each other or the weights, or something that they name is missing.
    """
    needs = needs_of(weights, encoder, seed)
    names = output_genes(weights, genes)
    slides = [slide_name(path) for path in files]
    table = None if measured is None else open_measured(measured, names)
    owners, warnings = patients_of_slides(slides, patients, table)
    rows = [()] * len(slides) if table is None else table.match(slides, owners)
    splits = None if weights.cancer is None else published(weights.cancer)
    tasks = []
    for i, (path, slide, owner, found) in enumerate(zip(files, slides, owners, rows, strict=True)):
        called = _names(owner, slide)
        choice: Choice | InputError
        try:
            choice = choose_networks(called, weights.folds, splits, ensemble)
        except InputError as error:
            choice = error
        cohort = table.cohorts[found[0]] if table is not None and found else ""
        tasks.append(Task(i, path, slide, owner, choice, tuple(found), cohort))
    if table is not None:
        warnings += _about_measured(table, names, tasks)
    warnings += _about_splits(weights, tasks)
    return Plan(tuple(tasks), names, needs, table, (*weights.notes, *warnings))


def _names(owner: str, slide: str) -> tuple[str, ...]:
    """What a slide's patient may be called in splits: as given, and by the barcode in that name and in the slide's."""
    names = (owner, patient_of(owner), patient_of(slide))
    return tuple(dict.fromkeys(name for name in names if name))


def _about_splits(weights: Weights, tasks: Sequence[Task]) -> list[str]:
    """Patients of the published splits, where nothing says that the weights are the published ones."""
    if weights.cancer is not None:
        return []
    known = [t.slide for t in tasks if any(map(published_cancer_of, _names(t.patient, t.slide)))]
    warning = (
        f"{len(known)} of {len(tasks)} slides are of patients in the published splits, and the weights do not say "
        "that they are published ones: if they are, call their folder as they were published (sequoia-brca), or "
        'name the "cancer" in its sequoia.json, so that nobody is predicted by a network that has seen them'
    )
    return [warning] if known else []


def _about_measured(table: MeasuredTable, genes: Sequence[str], tasks: Sequence[Task]) -> list[str]:
    """Genes and slides that the measured expression lacks."""
    warnings = []
    for what, all_, absent in (
        ("genes", genes, [gene for gene in genes if gene not in table.columns]),
        ("slides", tasks, [task.slide for task in tasks if not task.rows]),
    ):
        if absent:
            warnings.append(
                f"{len(absent)} of {len(all_)} {what} have no measured expression: {listing(absent, 3)}"
            )
    return warnings
