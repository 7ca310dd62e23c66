"""How well features tell the site that a slide comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.arguments import ProgressBar, check_limits, whole
from sequoia_base.flow import Flow
from sequoia_base.names import tissue_source_site
from sequoia_base.patient_tables import PATIENT_COLUMNS
from sequoia_base.results import Result
from sequoia_model.errors import InputError, counted, listing, part
from sequoia_model.leakage._discriminant import Discriminant
from sequoia_model.leakage._patient_table import Patients, PatientTable
from sequoia_model.leakage.slide_means import SlideMeans, read_slide_means
from sequoia_model.patients import written_as
from sequoia_model.splits import draw, published_cancer_of

_LIMITS = {"n_folds": whole(2), "permutations": whole(0), "seed": whole(0)}


@dataclass(frozen=True, eq=False)
class SiteSignal(Result):
    """How well the mean features of patients tell their site.

    Parameters
    ----------
    encoder : str
        Whose features they are; "not stated" if nobody says so.
    mean_of : str
        What was averaged in every slide: "tiles", or "cluster means".
    n_slides, n_patients, n_sites : int
        What was classified.
    n_folds : int
        Folds of the cross-validation; a patient is in one.
    accuracy : float
        Share of patients whose site was told, each by a classifier that had not seen the patient.
    balanced_accuracy : float
        Mean over sites of the share told.
    majority_share : float
        Share of patients of the largest site: the accuracy of always naming it.
    null_accuracy : float
        Mean accuracy over permutations; NaN without any, and where each cohort has one site.
    p : float
        Share of permutations, and the real labels, that reach the accuracy; NaN where `null_accuracy` is.
    permutations : int
        How often sites were shuffled, within folds and cohorts.
    seed : int
        Random seed of the folds and permutations.
    n_cohorts : int
        Cohorts of the patients as far as they are known: by the table, or by the published folds.
    notes : tuple of str
        What a reader must know.
    per_site : DataFrame
        ``site``, ``n_patients``, ``accuracy``, ``most_named`` (what its patients were most often told to be from).
    flow : DataFrame
        The ledger: ``step``, ``n_before``, ``n_after``, ``reason``.
    """

    encoder: str
    mean_of: str
    n_slides: int
    n_patients: int
    n_sites: int
    n_folds: int
    accuracy: float
    balanced_accuracy: float
    majority_share: float
    null_accuracy: float
    p: float
    permutations: int
    seed: int
    n_cohorts: int
    notes: tuple[str, ...]
    per_site: pd.DataFrame = field(metadata={"show": False})
    flow: pd.DataFrame = field(metadata={"show": False})


def site_signal(
    features: str | Path | Sequence[str | Path] | SlideMeans,
    *,
    patients: Patients | None = None,
    site: str | None = None,
    encoder: str | None = None,
    n_folds: int = 5,
    permutations: int = 199,
    seed: int = 0,
    jobs: int | None = 1,
    progress: ProgressBar | None = None,
) -> SiteSignal:
    """How well the mean features of patients tell their site, by cross-validation.

    The features of a patient are the mean over his or her slides. In each fold the training patients give up to 128
    principal components (at most a quarter of their number), scaled to unit variance; a linear discriminant analysis
    with a shrinkage of 0.1 then names the site of the others. Sites are permuted within folds, so that every fold
    keeps its sites: under the null hypothesis the shuffled labels are as likely as the real ones. Where patients are
    of several known cohorts, sites are permuted within these as well: features tell an organ from another, and with it
    the sites of TCGA, each of which has one cancer; p asks for what they tell beyond that. If each cohort has one
    site, nothing can be shuffled, and there is no p.

    Parameters
    ----------
    features : path, sequence of path, or SlideMeans
        Feature files, or folders of them.
    patients : path or mapping of str to str, optional
        Slide to patient, or a table with a column of patients, and perhaps of slides, cohorts and sites.
    site : str, optional
        The column of the table that holds the site, of one value per patient. By default ``site`` or
        ``tissue_source_site``, else the site in TCGA barcodes.
    encoder : str, optional
        The encoder, if the files do not name it.
    n_folds : int
        Number of folds; sites with fewer patients are left out.
    permutations : int
        Number of permutations; with 0 there is no p.
    seed : int
        Random seed, 0 or more.
    jobs : int, optional
        Number of threads that read features; one per core if it is None.
    progress : callable, optional
        ``progress(items, total)`` wraps the feature files.

    Raises
    ------
    InputError
        If a file cannot be read, nobody's site is known, or fewer than two have enough patients.

    References
    ----------
    Howard, F. M. et al. Nat. Commun. 12, 4423 (2021); de Jong, E. D. et al. Current pathology foundation models are
    unrobust to medical center differences. arXiv:2501.18055 (2025).
    """
    check_limits({"n_folds": n_folds, "permutations": permutations, "seed": seed}, _LIMITS)
    table = PatientTable.of(patients)
    site_of, whence = _sites(table, site, patients)
    means = (
        features
        if isinstance(features, SlideMeans)
        else read_slide_means(features, encoder=encoder, jobs=jobs, progress=progress)
    )
    flow = Flow()
    x, owners, labels, n_slides = _per_patient(means, table, site_of, whence, n_folds, flow)
    if not np.ptp(x, axis=0).any():
        raise InputError("the mean features of all patients are the same", fix="compute the features again")
    names, code = np.unique(labels.astype(str), return_inverse=True)
    splits = draw(owners, n_folds=n_folds, val=0, seed=seed, cohorts=dict(zip(owners, labels, strict=True)))
    fold = np.array([splits.test_fold(owner) for owner in owners])
    parts = [(Discriminant.of(x[fold != k], x[fold == k]), fold != k, fold == k) for k in range(n_folds)]
    told = _told(parts, code, len(names))
    accuracy = float((told == code).mean())
    cohort = _cohorts(table, owners)
    _, stratum = np.unique([f"{k} {one}" for k, one in zip(fold, cohort, strict=True)], return_inverse=True)
    alone = _alone(code, stratum)
    done = 0 if alone.all() else permutations
    null = _null(parts, code, stratum, len(names), done, seed)
    per_site = _by_site(names, code, told)
    return SiteSignal(
        encoder=means.encoder,
        mean_of=means.mean_of,
        n_slides=n_slides,
        n_patients=len(owners),
        n_sites=len(names),
        n_folds=n_folds,
        accuracy=accuracy,
        balanced_accuracy=float(per_site["accuracy"].mean()),
        majority_share=float(np.bincount(code).max() / len(code)),
        null_accuracy=float(null.mean()) if done else float("nan"),
        p=float((1 + (null >= accuracy - 1e-12).sum()) / (1 + done)) if done else float("nan"),
        permutations=done,
        seed=seed,
        n_cohorts=len(set(cohort) - {""}),
        notes=_notes(cohort, int(alone.sum())),
        per_site=per_site,
        flow=flow.to_frame(),
    )


def _sites(table: PatientTable, site: str | None, source: object) -> tuple[Callable[[str], str], str]:
    """The site of a patient, "" if it is not known; and who says so."""
    if site is not None and source is None:
        raise InputError(f"there is no table with the column {site!r}", fix="give --patients CSV")
    if site is not None and site not in table.columns:
        several = site in table.several
        raise InputError(
            f"patients have several values in the column {site!r}"
            if several
            else f"there is no column {site!r}",
            where=f"{source}; its columns are {listing(table.columns) or 'none but those of slides and patients'}",
            fix="write one value for each patient"
            if several
            else written_as(site, table.columns) or "name the column that holds the site",
        )
    title = site or _titled(table, "site")
    if title is None:
        return (lambda patient: tissue_source_site(patient) or ""), "TCGA barcodes"
    column: Mapping[str, str] = table.columns[title]
    return (lambda patient: column.get(patient, "")), f"{source}, column {title!r}"


def _titled(table: PatientTable, what: str) -> str | None:
    """The title of the column of sites or cohorts, if the table has one."""
    return next((title for title in table.columns if title.lower() in PATIENT_COLUMNS[what]), None)


def _cohorts(table: PatientTable, owners: list[str]) -> list[str]:
    """The cohort of each patient, "" if neither the table nor the published folds say it."""
    title = _titled(table, "cohort")
    said: Mapping[str, str] = table.columns[title] if title else {}
    return [said.get(owner) or published_cancer_of(owner) or "" for owner in owners]


def _alone(code: NDArray[np.intp], stratum: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Whether a patient's stratum has one site, so that shuffling changes nothing there."""
    n_sites = np.bincount(np.unique(np.stack([stratum, code]), axis=1)[0])
    return n_sites[stratum] == 1


def _notes(cohort: list[str], n_alone: int) -> tuple[str, ...]:
    """What several cohorts mean for the result; and who has the same site in every permutation."""
    known, lost = sorted(set(cohort) - {""}), cohort.count("")
    if len(set(cohort)) < 2:
        return ()
    notes = []
    nothing = n_alone == len(cohort)
    if len(known) > 1:
        within = "" if nothing else "; p and the null accuracy are within cohorts"
        notes.append(
            f"the patients are of {len(known)} cohorts ({listing(known, 4)}"
            + (f"; of {lost} it is not known" if lost else "")
            + f"): sites are also told by the organ, so the accuracy is not that of telling hospitals{within}"
        )
    if nothing:
        notes.append("each cohort has one site, so no site can be shuffled within cohorts: there is no p")
    elif n_alone:
        n = part(n_alone, len(cohort), "patient", "have")
        notes.append(
            f"{n} no patient of another site in the same cohort and fold: permutations leave them alone"
        )
    return tuple(notes)


def _per_patient(
    means: SlideMeans,
    table: PatientTable,
    site_of: Callable[[str], str],
    whence: str,
    n_folds: int,
    flow: Flow,
) -> tuple[NDArray[np.float64], list[str], NDArray[np.object_], int]:
    """Mean features by patient, the patients, their sites and the number of slides; those left out are counted."""
    table.refuse_other_slides(means.slides, "the features")
    patient = [table.patient(slide) or slide for slide in means.slides]
    site = {owner: site_of(owner) for owner in patient}
    known = [owner for owner in site if site[owner]]
    n_slides, n_left = len(patient), sum(bool(site[owner]) for owner in patient)
    flow.add("slides: features", n_slides, n_slides, f"encoder: {means.encoder}; mean of {means.mean_of}")
    flow.add(
        "slides: site",
        n_slides,
        n_left,
        "the site of every patient is known"
        if n_left == n_slides
        else f"nobody says the site of the others: {listing([o for o in site if not site[o]], 3)}",
    )
    sizes = pd.Series([site[owner] for owner in known], dtype=object).value_counts()
    large = set(sizes.index[sizes >= n_folds])
    _refuse_few(sizes, large, list(site), whence, n_folds)
    kept = sorted(owner for owner in known if site[owner] in large)
    small = len(sizes) - len(large)
    flow.add(
        "patients: sites",
        len(known),
        len(kept),
        f"{counted(small, 'site')} with fewer than {n_folds} patients",
    )
    rows: dict[str, list[int]] = {}
    for i, owner in enumerate(patient):
        rows.setdefault(owner, []).append(i)
    x = np.stack([means.means[rows[owner]].mean(axis=0, dtype=np.float64) for owner in kept])
    labels = np.array([site[owner] for owner in kept], dtype=object)
    return x, kept, labels, sum(len(rows[owner]) for owner in kept)


def _refuse_few(sizes: pd.Series, large: set[str], owners: list[str], whence: str, n_folds: int) -> None:
    """Refuse what has no two sites to tell apart, by its cause."""
    if sizes.empty:
        raise InputError(
            f"the site of none of the {counted(len(owners), 'patient')} is known",
            where=f"{whence}; patients of the features: {listing(owners, 3)}",
            fix="say the sites: --patients CSV --site COLUMN; patients are matched by name",
        )
    of = f"{counted(len(sizes), 'site')} of {counted(int(sizes.sum()), 'patient')} with a known site"
    where = f"{whence}: {of}: {listing(f'{name} ({n})' for name, n in sizes.items())}"
    if len(sizes) == 1:
        raise InputError(
            "all patients are of one site, so there is nothing to tell apart",
            where=where,
            fix="give features of several sites, or name another column with --site",
        )
    if len(large) < 2:
        second = int(sizes.iloc[1])
        raise InputError(
            f"{counted(len(large), 'site has', 'sites have')} {n_folds} patients or more, but two are needed",
            where=where,
            fix=f"use --folds {second}"
            if second >= 2
            else "give more patients of each site, or a column of fewer sites",
        )


_Part = tuple[Discriminant, NDArray[np.bool_], NDArray[np.bool_]]


def _told(parts: list[_Part], code: NDArray[np.intp], n_sites: int) -> NDArray[np.intp]:
    """The site that each patient is told to be from."""
    told = np.empty(len(code), dtype=np.intp)
    for discriminant, train, test in parts:
        told[test] = discriminant.classify(code[train], n_sites)
    return told


def _null(
    parts: list[_Part], code: NDArray[np.intp], stratum: NDArray, n_sites: int, permutations: int, seed: int
) -> NDArray[np.float64]:
    """Accuracies with sites shuffled within strata."""
    generator, found = np.random.default_rng(seed), np.empty(permutations)
    places = [np.flatnonzero(stratum == k) for k in range(stratum.max() + 1)]
    for i in range(permutations):
        shuffled = code.copy()
        for place in places:
            shuffled[place] = code[generator.permutation(place)]
        found[i] = (_told(parts, shuffled, n_sites) == shuffled).mean()
    return found


def _by_site(names: NDArray, code: NDArray[np.intp], told: NDArray[np.intp]) -> pd.DataFrame:
    rows = []
    for i, name in enumerate(names):
        here = told[code == i]
        most = int(np.bincount(here, minlength=len(names)).argmax())
        rows.append((str(name), len(here), float((here == i).mean()), str(names[most])))
    return pd.DataFrame(rows, columns=["site", "n_patients", "accuracy", "most_named"])
