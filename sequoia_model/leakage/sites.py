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
from sequoia_base.results import Result
from sequoia_model.errors import InputError, counted, listing
from sequoia_model.leakage._discriminant import Discriminant
from sequoia_model.leakage._patient_table import Patients, PatientTable
from sequoia_model.leakage.slide_means import SlideMeans, read_slide_means
from sequoia_model.patients import PATIENT_COLUMNS, written_as
from sequoia_model.splits import draw

_LIMITS = {"n_folds": whole(2), "permutations": whole(0), "seed": whole(0)}


@dataclass(frozen=True, eq=False)
class SiteSignal(Result):
    """How well the mean features of patients tell their site.

    Parameters
    ----------
    encoder : str
        Whose features they are; "not stated" if nobody says so.
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
        Mean accuracy over permutations; NaN without any.
    p : float
        Share of permutations, and the real labels, that reach the accuracy; NaN without permutations.
    permutations : int
        How often sites were shuffled, within folds.
    seed : int
        Random seed of the folds and permutations.
    per_site : DataFrame
        ``site``, ``n_patients``, ``accuracy``, ``most_named`` (what its patients were most often told to be from).
    flow : DataFrame
        The ledger: ``step``, ``n_before``, ``n_after``, ``reason``.
    """

    encoder: str
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
    keeps its sites: under the null hypothesis the shuffled labels are as likely as the real ones.

    Parameters
    ----------
    features : path, sequence of path, or SlideMeans
        Feature files, or folders of them.
    patients : path or mapping of str to str, optional
        Slide to patient, or a table with a column of patients, and perhaps of slides and sites.
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
        If a file cannot be read, sites are not known, or fewer than two have enough patients.

    References
    ----------
    Howard, F. M. et al. Nat. Commun. 12, 4423 (2021); de Jong, E. D. et al. Current pathology foundation models are
    unrobust to medical center differences. arXiv:2501.18055 (2025).
    """
    check_limits({"n_folds": n_folds, "permutations": permutations, "seed": seed}, _LIMITS)
    table = PatientTable.of(patients)
    site_of = _sites(table, site, patients)
    means = (
        features
        if isinstance(features, SlideMeans)
        else read_slide_means(features, encoder=encoder, jobs=jobs, progress=progress)
    )
    flow = Flow()
    x, owners, labels = _per_patient(means, table, site_of, n_folds, flow)
    if not np.ptp(x, axis=0).any():
        raise InputError("the mean features of all patients are the same", fix="compute the features again")
    names, code = np.unique(labels.astype(str), return_inverse=True)
    splits = draw(owners, n_folds=n_folds, val=0, seed=seed, cohorts=dict(zip(owners, labels, strict=True)))
    fold = np.array([splits.test_fold(owner) for owner in owners])
    parts = [(Discriminant.of(x[fold != k], x[fold == k]), fold != k, fold == k) for k in range(n_folds)]
    told = _told(parts, code, len(names))
    accuracy = float((told == code).mean())
    null = _null(parts, code, fold, len(names), permutations, seed)
    per_site = _by_site(names, code, told)
    return SiteSignal(
        encoder=means.encoder,
        n_slides=int(flow.to_frame()["n_after"].iloc[1]),
        n_patients=len(owners),
        n_sites=len(names),
        n_folds=n_folds,
        accuracy=accuracy,
        balanced_accuracy=float(per_site["accuracy"].mean()),
        majority_share=float(np.bincount(code).max() / len(code)),
        null_accuracy=float(null.mean()) if permutations else float("nan"),
        p=float((1 + (null >= accuracy - 1e-12).sum()) / (1 + permutations))
        if permutations
        else float("nan"),
        permutations=permutations,
        seed=seed,
        per_site=per_site,
        flow=flow.to_frame(),
    )


def _sites(table: PatientTable, site: str | None, source: object) -> Callable[[str], str]:
    """The site of a patient, "" if it is not known."""
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
    title = site or next((t for t in table.columns if t.lower() in PATIENT_COLUMNS["site"]), None)
    if title is None:
        return lambda patient: tissue_source_site(patient) or ""
    column: Mapping[str, str] = table.columns[title]
    return lambda patient: column.get(patient, "")


def _per_patient(
    means: SlideMeans, table: PatientTable, site_of: Callable[[str], str], n_folds: int, flow: Flow
) -> tuple[NDArray[np.float64], list[str], NDArray[np.object_]]:
    """Mean features by patient, the patients and their sites; those that cannot be used are counted."""
    table.refuse_other_slides(means.slides, "the features")
    patient = [table.patient(slide) or slide for slide in means.slides]
    site = {owner: site_of(owner) for owner in patient}
    known = [owner for owner in site if site[owner]]
    n_slides, n_left = len(patient), sum(bool(site[owner]) for owner in patient)
    flow.add("slides: features", n_slides, n_slides, f"encoder: {means.encoder}")
    flow.add(
        "slides: site",
        n_slides,
        n_left,
        "the site of every patient is known" if n_left == n_slides else "nobody says the site of the others",
    )
    sizes = pd.Series([site[owner] for owner in known], dtype=object).value_counts()
    large = set(sizes.index[sizes >= n_folds])
    kept = sorted(owner for owner in known if site[owner] in large)
    small = len(sizes) - len(large)
    flow.add(
        "patients: sites",
        len(known),
        len(kept),
        f"{counted(small, 'site')} with fewer than {n_folds} patients",
    )
    if len(large) < 2:
        raise InputError(
            f"{counted(len(large), 'site has', 'sites have')} {n_folds} patients or more, but two are needed",
            where=f"{counted(len(sizes), 'site')} of {counted(len(known), 'patient')} with a known site"
            + (f": {listing(f'{name} ({n})' for name, n in sizes.items())}" if len(sizes) else ""),
            fix="use fewer --folds, or say the sites: --patients CSV --site COLUMN",
        )
    rows: dict[str, list[int]] = {}
    for i, owner in enumerate(patient):
        rows.setdefault(owner, []).append(i)
    x = np.stack([means.means[rows[owner]].mean(axis=0, dtype=np.float64) for owner in kept])
    return x, kept, np.array([site[owner] for owner in kept], dtype=object)


_Part = tuple[Discriminant, NDArray[np.bool_], NDArray[np.bool_]]


def _told(parts: list[_Part], code: NDArray[np.intp], n_sites: int) -> NDArray[np.intp]:
    """The site that each patient is told to be from."""
    told = np.empty(len(code), dtype=np.intp)
    for discriminant, train, test in parts:
        told[test] = discriminant.classify(code[train], n_sites)
    return told


def _null(
    parts: list[_Part], code: NDArray[np.intp], fold: NDArray, n_sites: int, permutations: int, seed: int
) -> NDArray[np.float64]:
    """Accuracies with sites shuffled within folds."""
    generator, found = np.random.default_rng(seed), np.empty(permutations)
    places = [np.flatnonzero(fold == k) for k in range(len(parts))]
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
