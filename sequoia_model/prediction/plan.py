"""What is decided about every slide before any feature file is read, or any slide is embedded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sequoia_base.conformal import IntervalOptions
from sequoia_base.names import bare_slide, patient_of
from sequoia_model.errors import InputError, counted, listing, part
from sequoia_model.prediction.held_out import NetworkChoice, choose_networks
from sequoia_model.prediction.intervals import Calibration, open_calibration
from sequoia_model.splits import published, published_cancer_of
from sequoia_model.targets.measured import Measured, open_measured
from sequoia_model.targets.network_input import InputSpec
from sequoia_model.targets.slide_patients import SlidePatient, patient_warnings, patients_of_slides
from sequoia_model.types.units import LOG_HAZARD, NOT_STATED, same_unit
from sequoia_model.weights.gene_lists import published_genes, read_genes
from sequoia_model.weights.loading import Weights


@dataclass(frozen=True)
class PlannedSlide:
    """A slide that is to be predicted.

    Parameters
    ----------
    name : str
        Name of the slide, different for each.
    file : path
        Its feature file; before embedding, the slide itself.
    patient : SlidePatient
        Whose slide it is.
    choice : NetworkChoice or InputError
        Which networks predict it, or why none may.
    rows : tuple of int
        Its rows of the measured expression.
    cohort : str
        Its cohort, as the measured expression names it.
    """

    name: str
    file: Path
    patient: SlidePatient
    choice: NetworkChoice | InputError
    rows: tuple[int, ...] = ()
    cohort: str = ""


@dataclass(frozen=True, eq=False)
class Plan:
    """Everything that is decided before a prediction.

    Parameters
    ----------
    slides : tuple of PlannedSlide
        In the order of their rows in the predictions file.
    weights : Weights
        The networks.
    genes : tuple of str
        In the order of the networks' outputs.
    spec : InputSpec
        What the networks take.
    ensemble : {"held-out", "only held-out", "all"}
        How networks are chosen for patients of the splits, as in `choose_networks`.
    measured : Measured, optional
        Measured expression.
    calibration : Calibration, optional
        What calibrates intervals, if they are made.
    """

    slides: tuple[PlannedSlide, ...]
    weights: Weights
    genes: tuple[str, ...]
    spec: InputSpec
    ensemble: str = "held-out"
    measured: Measured | None = None
    calibration: Calibration | None = None

    def with_files(self, files: Mapping[str, Path]) -> Plan:
        """The plan for the slides that have a feature file, by name; the others are left out."""
        kept = [replace(slide, file=files[slide.name]) for slide in self.slides if slide.name in files]
        return replace(self, slides=tuple(kept))

    def warnings(self) -> list[str]:
        """What the user should know before anything is predicted, counted over the slides of the plan."""
        return [*self.weights.notes, *self._of_slides(), *self._namesakes(), *self._published_patients()]

    def notes(self) -> list[str]:
        """As `warnings`, without what is said of the patients."""
        return [*self.weights.notes, *self._published_patients()]

    def _of_slides(self) -> list[str]:
        slides = self.slides
        people = patient_warnings([slide.name for slide in slides], [slide.patient for slide in slides])
        groups = []
        if self.weights.splits is not None and not self.weights.slides:
            unknown = [slide.name for slide in slides if not slide.patient.known]
            seen = "one of a patient in training must be named with --patients"
            groups += [(unknown, len(slides), "slide", "are", f"taken as new to the networks; {seen}")]
        if self.measured is not None:
            genes = [gene for gene in self.genes if gene not in self.measured.columns]
            unmeasured = [slide.name for slide in slides if not slide.rows]
            groups += [
                (genes, len(self.genes), "gene", "have", "no measured expression"),
                (unmeasured, len(slides), "slide", "have", "no measured expression"),
            ]
        return people + [
            f"{part(len(some), n, noun, verb)} {what}: {listing(some, 3)}"
            for some, n, noun, verb, what in groups
            if some
        ]

    @property
    def namesakes(self) -> set[str]:
        """Patients with names of patients in training, where no slide shows that they are the same.

        Barcodes of TCGA name one patient everywhere; "P001" does not.
        """
        weights = self.weights
        if weights.splits is None or not weights.slides:
            return set()
        trained = weights.splits.roles.index
        same = {weights.slides.get(slide.name) for slide in self.slides}
        return {
            name
            for slide in self.slides
            for name in known_names(slide.patient.name, slide.name, weights)
            if name in trained and name not in same and patient_of(name) is None
        }

    def _namesakes(self) -> list[str]:
        """A warning about the `namesakes`."""
        if not (found := self.namesakes):
            return []
        n = len({slide.patient.name for slide in self.slides})
        how = "by all networks" if self.ensemble == "all" else "by the fold that held the name out"
        way_out = "--ensemble all, or " if self.ensemble == "held-out" else ""
        return [
            f"{part(len(found), n, 'patient', 'have')} the name of a patient in training, but none of their slides was "
            f"in training: {listing(sorted(found), 3)}. They are predicted {how}; if they are other patients, use "
            f"{way_out}other names with --patients"
        ]

    def _published_patients(self) -> list[str]:
        """A warning about patients in the published splits, if the weights do not say whether they are published."""
        known = [
            slide.name
            for slide in self.slides
            if any(map(published_cancer_of, known_names(slide.patient.name, slide.name, self.weights)))
        ]
        if not known or self.weights.cancer is not None or self.weights.splits is not None:
            return []
        return [
            f"{part(len(known), len(self.slides), 'slide', 'are')} of patients in the published splits, but the "
            "weights do not say whether they are the published ones. If they are, give their folder its published name "
            '(sequoia-brca), or name the "cancer" in its sequoia.json, so that no patient is predicted by a network '
            "that was trained on it"
        ]


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
    intervals: IntervalOptions | None = None,
    calibration: str | Path | None = None,
) -> Plan:
    """Decide encoder, genes, patients, networks and measured rows of every slide, and the calibration of intervals.

    Parameters
    ----------
    files : sequence of path
        Feature files, or slides that are still to be embedded; one for each name.
    weights : Weights
        The networks.
    encoder, genes, patients, measured, ensemble, seed, intervals, calibration
        As in `predict`; `ensemble` as in `choose_networks`.

    Raises
    ------
    InputError
        If they contradict each other or the weights, or something that they name is missing.
    """
    spec = InputSpec.of(weights, encoder, seed)
    names = output_genes(weights, genes)
    slides = [bare_slide(path.name) for path in files]
    people = [patient_of(slide) or slide for slide in slides]
    table = None if measured is None else open_measured(measured, names, names=[*slides, *people])
    if table is not None:
        _refuse_other_unit(table, weights)
    owners = [
        _of_training(owner, weights.slides.get(slide))
        for owner, slide in zip(patients_of_slides(slides, patients, table), slides, strict=True)
    ]
    rows = [()] * len(slides) if table is None else table.match(slides, [owner.name for owner in owners])
    splits = weights.splits
    if splits is None and weights.cancer is not None:
        splits = published(weights.cancer)
    if intervals is None and calibration is not None:
        raise InputError("a calibration is given, but no intervals are asked for", fix="--intervals 0.9")
    calibrated = None
    if intervals is not None:
        calibrated = open_calibration(
            intervals, weights, names, calibration=calibration, splits=splits, patients=patients
        )
    planned = []
    for file, slide, owner, found in zip(files, slides, owners, rows, strict=True):
        choice: NetworkChoice | InputError
        try:
            names_of = known_names(owner.name, slide, weights)
            choice = choose_networks(names_of, weights.folds, splits, ensemble, weights.seen)
        except InputError as error:
            choice = error
        cohort = table.cohorts[found[0]] if table is not None and found else ""
        planned.append(PlannedSlide(slide, file, owner, choice, found, cohort))
    return Plan(tuple(planned), weights, names, spec, ensemble, table, calibrated)


def refuse_risk(weights: Weights) -> None:
    """Refuse networks whose output is the risk of a patient, where genes are to be predicted.

    Parameters
    ----------
    weights : Weights
        The networks.

    Raises
    ------
    InputError
        If their unit is that of a risk.
    """
    if weights.units == LOG_HAZARD:
        raise InputError(
            "these networks predict the risk of a patient, and no genes",
            where=weights.source,
            fix="sequoia-model risk FEATURES --weights RUN -o scores.csv",
        )


def has_gene_names(weights: Weights) -> bool:
    """Whether the genes of the outputs are known without being given."""
    return bool(weights.genes) or weights.n_genes == len(published_genes())


def output_genes(
    weights: Weights, given: str | Path | Sequence[str] | None = None, *, option: str = "--genes"
) -> tuple[str, ...]:
    """The genes of a network's outputs, in their order.

    Parameters
    ----------
    weights : Weights
        The networks; gene names in their side file take precedence.
    given : path or sequence of str, optional
        A list, or a file as for `read_genes`. Without one, 20,820 outputs are the published genes.
    option : str
        The option that names them, for messages.

    Raises
    ------
    InputError
        If there are no names, a name is duplicated, their number is not that of the outputs, or they are not those of
        the weights.
    """
    where = str(given) if isinstance(given, str | Path) else weights.source
    names = read_genes(given) if isinstance(given, str | Path) else given and tuple(given)
    if names and weights.genes and tuple(names) != weights.genes:
        raise InputError(
            "the weights name their genes, and the list that was given differs",
            where=where,
            fix=f"leave out {option}",
        )
    names = weights.genes or names or (published_genes() if has_gene_names(weights) else None)
    if not names:
        raise InputError(
            f"the {weights.n_genes} genes that the networks predict have no names",
            where=weights.source,
            fix=f"{option} FILE, one name per line in the order of the outputs",
        )
    repeated = (
        sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    )
    if repeated:
        what = (
            f"{counted(len(repeated), 'gene name is', 'gene names are')} duplicated: {listing(repeated, 5)}"
        )
        raise InputError(what, where=where)
    if len(names) != weights.n_genes:
        raise InputError(
            f"there are {counted(len(names), 'gene name')}, but the networks predict {weights.n_genes:,}",
            where=where,
        )
    return tuple(names)


def _refuse_other_unit(table: Measured, weights: Weights) -> None:
    """Refuse measured expression in another unit than that of the predictions, if both state theirs."""
    if NOT_STATED not in (table.units, weights.units) and not same_unit(table.units, weights.units):
        raise InputError(
            f"the measured expression is in {table.units}, but the weights predict {weights.units}",
            where=f"{table.path}; {weights.source}",
            fix=f"give it in {weights.units}; if a unit is stated wrongly, correct it "
            '(uns["units"] of the AnnData, "units" in the sequoia.json of the weights)',
        )


def _of_training(owner: SlidePatient, name: str | None) -> SlidePatient:
    """The patient of a slide; if nothing names one, the one whose slide it was in training."""
    return owner if owner.known or name is None else replace(owner, name=name, known=True)


def known_names(owner: str, slide: str, weights: Weights) -> tuple[str, ...]:
    """Names that a slide's patient may have in splits: as given, the barcodes in it and in the slide's, in training."""
    names = (owner, patient_of(owner), patient_of(slide), weights.slides.get(slide))
    return tuple(dict.fromkeys(name for name in names if name))
