"""The audit of splits, runs and results: leaks, near-duplicates, and what test parts differ in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sequoia_base.arguments import ProgressBar, check_limits, number, whole
from sequoia_base.names import tissue_source_site
from sequoia_base.patient_tables import PATIENT_COLUMNS
from sequoia_base.results import Result
from sequoia_model.errors import InputError, counted, listing, part
from sequoia_model.leakage._associations import associations
from sequoia_model.leakage._duplicates import PAIR_COLUMNS, near_duplicates
from sequoia_model.leakage._overlaps import Leak, find_leaks, names_alike
from sequoia_model.leakage._patient_table import Patients, PatientTable
from sequoia_model.leakage._sides import Given, Sides, read_sides, sides_of
from sequoia_model.leakage.slide_means import SlideMeans, read_slide_means
from sequoia_model.splits import Splits

#: Slides whose mean features have this cosine are nearly the same.
NEAR = 0.999
#: From this share of all pairs on, near-duplicates say that the features hardly vary.
_TOO_MANY = 0.01
#: Pairs that are printed.
_SHOWN = 5
_LIMITS = {
    "near": number("a number above 0 and at most 1", lambda cosine: 0 < cosine <= 1),
    "seed": whole(0),
}
Features = str | Path | SlideMeans


@dataclass(frozen=True, eq=False)
class Audit(Result):
    """What a network could know of the patients it is tested on.

    Parameters
    ----------
    source : str
        The file or folder, or the name of splits in memory.
    kind : str
        What was read: splits, run, predictions or results.
    n_folds, n_patients : int
        Numbers of folds and patients.
    leaks : tuple of Leak
        What makes results worthless; empty if nothing that could be looked at does (`looked_at`).
    looked_at : tuple of str
        What the input allowed to look at: ``sides`` (who is on both sides of a fold: needs lists of training patients,
        and slides whose patients are known), ``predictors`` (whether folds predicted whom they trained on: lists and
        predictions), ``repeats`` (who was predicted by several folds: predictions), ``near_duplicates`` (features),
        ``associations`` (columns or barcodes).
    near_duplicates : DataFrame
        Pairs of slides on different sides of a fold that are nearly the same: ``slide_a``, ``slide_b``, ``patient_a``,
        ``patient_b``, ``same_patient``, ``cosine``, ``folds``. Empty also if no features were given.
    associations : DataFrame
        What test parts differ in: ``column``, ``test``, ``statistic``, ``df``, ``p``, ``cramers_v``, ``n``,
        ``n_levels``, ``n_missing``, ``whole`` (each level lies in one fold).
    notes : tuple of str
        What could not be looked at, and what a reader must know.
    """

    source: str
    kind: str
    n_folds: int
    n_patients: int
    leaks: tuple[Leak, ...]
    looked_at: tuple[str, ...]
    near_duplicates: pd.DataFrame
    associations: pd.DataFrame
    notes: tuple[str, ...] = ()

    @property
    def leaking(self) -> bool:
        """Whether there are leaks."""
        return bool(self.leaks)

    def refuse_leaks(self) -> None:
        """Raise an error if there are leaks.

        Raises
        ------
        InputError
            Naming the first leak, with its patients or slides.
        """
        if self.leaks:
            first, more = self.leaks[0], len(self.leaks) - 1
            raise InputError(
                first.what + (f", and {counted(more, 'more leak')}" if more else ""),
                where=f"{self.source}: {listing(first.items, 4)}",
                fix="put all slides of a patient into one part of a fold; sequoia-model splits audit lists all",
            )

    def _no_leaks(self) -> list[str]:
        """That there are none, as far as one could see."""
        if "sides" in self.looked_at:
            return ["  no leaks"]
        if self.kind in ("splits", "run") and "repeats" not in self.looked_at:
            return [
                "  not known whether there are leaks: nothing says the patient of any slide (give --patients)",
                "  no slide is on two sides of a fold",
            ]
        return [
            "  not known whether there are leaks: the file does not say whom the folds trained on (give --splits)",
            "  no patient is predicted by several folds",
        ]

    def __str__(self) -> str:
        size = f"{counted(self.n_patients, 'patient')}, {counted(self.n_folds, 'fold')}"
        lines = [f"{self.source} ({self.kind}): {size}"]
        lines += [f"  leak: {leak.what}: {listing(leak.items, 4)}" for leak in self.leaks] or self._no_leaks()
        for pair in self.near_duplicates.head(_SHOWN).to_dict("records"):
            lines.append(
                f"  nearly the same: {pair['slide_a']}, {pair['slide_b']} (cosine {pair['cosine']:.5f})"
            )
        if (more := len(self.near_duplicates) - _SHOWN) > 0:
            lines.append(f"  and {counted(more, 'more pair')} on different sides of a fold")
        for row in self.associations.to_dict("records"):
            meant = "; each level is whole in one fold" if row["whole"] else ""
            lost = f", {row['n_missing']} missing" if row["n_missing"] else ""
            of = f"{row['test']}, {counted(int(row['n']), 'patient')}{lost}{meant}"
            lines.append(f"  fold × {row['column']}: p {row['p']:.3g} ({of})")
        return "\n".join([*lines, *(f"  note: {note}" for note in self.notes)])


def audit(
    path: str | Path,
    features: Features | None = None,
    patients: Patients | None = None,
    *,
    splits: Given | None = None,
    encoder: str | None = None,
    near: float = NEAR,
    seed: int = 0,
    jobs: int | None = 1,
    progress: ProgressBar | None = None,
) -> Audit:
    """Audit splits, a run, predictions or results for what networks could know of their test patients.

    Parameters
    ----------
    path : path
        Splits of any layout that `read_splits` knows, also those that it refuses for their leaks; a run folder; our
        predictions (``.h5ad``); or the published code's ``test_results.pkl``, which says who is tested, not who trains.
    features : path or SlideMeans, optional
        A folder of features, to look for slides that are nearly the same.
    patients : path or mapping of str to str, optional
        Slide to patient; or a table with a column of patients, perhaps one of slides, and others (site, ER, batch)
        whose association with the test folds is tested.
    splits : path or Splits, optional
        For predictions and results: whom the folds trained on, as a file, a folder, or "published:BRCA".
    encoder : str, optional
        The encoder of the features, if their files do not name it.
    near : float
        Slides whose mean features have this cosine or more are nearly the same.
    seed : int
        Random seed of permutation tests.
    jobs : int, optional
        Number of threads that read features; one per core if it is None.
    progress : callable, optional
        ``progress(items, total)`` wraps the feature files.

    Returns
    -------
    Audit
        With leaks, which make results worthless; and with near-duplicates and associations, which need a look.

    Raises
    ------
    InputError
        If a file cannot be read, or has nothing in common with the others: no slide of the features, or no patient of
        the table, is in a fold. Leaks are no error here (`Audit.refuse_leaks`).
    """
    check_limits({"near": near, "seed": seed}, _LIMITS)
    table = PatientTable.of(patients)
    sides = read_sides(path, table, splits)
    means = _means(features, encoder, jobs, progress)
    return _audited(str(path), sides, means, table, near, seed)


def audit_splits(
    splits: Splits,
    features: Features | None = None,
    patients: Patients | None = None,
    *,
    near: float = NEAR,
    seed: int = 0,
) -> Audit:
    """Audit splits in memory, in which no patient can be on two sides: near-duplicates and associations.

    Parameters
    ----------
    splits : Splits
        The splits.
    features, patients, near, seed
        As in `audit`.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    check_limits({"near": near, "seed": seed}, _LIMITS)
    return _audited(
        splits.name, sides_of(splits), _means(features, None, 1, None), PatientTable.of(patients), near, seed
    )


def _means(
    features: Features | None, encoder: str | None, jobs: int | None, progress: ProgressBar | None
) -> SlideMeans | None:
    if features is None or isinstance(features, SlideMeans):
        return features
    return read_slide_means(features, encoder=encoder, jobs=jobs, progress=progress)


def _audited(
    source: str, sides: Sides, means: SlideMeans | None, table: PatientTable, near: float, seed: int
) -> Audit:
    notes = [*sides.notes, *names_alike(sides)]
    pairs = pd.DataFrame(columns=list(PAIR_COLUMNS))
    if means is not None:
        pairs, more = _pairs(sides, means, table, near)
        notes += more
    fold, more = _test_folds(sides)
    notes += more
    columns = {
        title: column for title, column in table.columns.items() if not title.lower().startswith("fold_")
    }
    sites = {patient: tissue_source_site(patient) or "" for patient in fold}
    if any(sites.values()) and not any(title.lower() in PATIENT_COLUMNS["site"] for title in columns):
        columns = {"site": sites} | columns
        if without := [patient for patient, site in sites.items() if not site]:
            n = part(len(without), len(sites), "patient", "have")
            notes.append(f"{n} no TCGA barcode, which would name the site: {listing(without, 3)}")
    found = associations(fold, columns, seed)
    if lost := sorted(set(columns) - set(found["column"])):
        notes.append(f"not tested, having one level, or too many for the patients: {listing(lost)}")
    if table.several:
        notes.append(f"not tested, since slides of a patient differ: {listing(table.several)}")
    leaks = tuple(find_leaks(sides))
    could = {
        "sides": len(sides.listed) and sides.some_known,
        "predictors": len(sides.listed) and len(sides.tested),
        "repeats": len(sides.tested),
        "near_duplicates": means is not None,
        "associations": len(found),
    }
    looked_at = tuple(name for name, seen in could.items() if seen)
    n_folds, n_patients = len(sides.folds), len(sides.patients)
    return Audit(source, sides.kind, n_folds, n_patients, leaks, looked_at, pairs, found, tuple(notes))


def _pairs(
    sides: Sides, means: SlideMeans, table: PatientTable, near: float
) -> tuple[pd.DataFrame, list[str]]:
    """Near-duplicates on different sides, and notes on slides that could not be looked at."""
    known = set(sides.patients)
    rows = pd.concat([sides.listed, sides.tested])
    owner = dict(zip(rows["name"], rows["patient"], strict=True))
    patient = {slide: owner.get(slide) or table.patient(slide) or slide for slide in means.slides}
    notes = []
    outside = [slide for slide in means.slides if patient[slide] not in known]
    if len(outside) == len(means.slides):
        raise InputError(
            f"none of the {counted(len(outside), 'slide')} of the features is in a fold",
            where=f"features: {listing(outside, 3)}; folds: {listing(sorted(known), 3)}",
            fix="give the features of these patients; --patients says whose the slides are",
        )
    if outside:
        notes.append(
            f"{part(len(outside), len(means.slides), 'slide', 'are')} in no fold: {listing(outside, 3)}"
        )
    if without := sorted(known - set(patient.values())):
        notes.append(
            f"{part(len(without), len(known), 'patient', 'have')} no features: {listing(without, 3)}"
        )
    pairs, share = near_duplicates(means.slides, means.means, patient, _roles(sides), near)
    if share >= _TOO_MANY:
        notes.append(
            f"{100 * share:.2g}% of all pairs of slides have a cosine of {near:g} or more: the mean features of "
            f"{means.encoder} hardly vary, so near-duplicates say little"
        )
    return pairs, notes


def _roles(sides: Sides) -> pd.DataFrame:
    """The role of each patient in each fold; without lists, "test" where tested, and "train" in the other folds."""
    if len(sides.listed):
        rows = sides.listed.drop_duplicates(["patient", "fold", "role"]).sort_values("role")
        wide = rows.groupby(["patient", "fold"])["role"].agg("+".join).unstack(fill_value="")
        return wide.reindex(columns=sides.folds, fill_value="")
    rows = sides.tested.assign(here="test").drop_duplicates(["patient", "fold"])
    return rows.pivot(index="patient", columns="fold", values="here").fillna("train")


def _test_folds(sides: Sides) -> tuple[dict[str, int], list[str]]:
    """The one fold that tests each patient, or holds it out for validation if none tests; and notes on the others."""
    notes = []
    if len(sides.listed):
        role = "test" if (sides.listed["role"] == "test").any() else "val"
        rows = sides.listed[sides.listed["role"] == role]
        if role == "val":
            notes.append("there is no test part: only val is held out")
    else:
        rows = sides.tested
    pairs = rows[["patient", "fold"]].drop_duplicates()
    times = pairs["patient"].value_counts()
    if several := int((times > 1).sum()):
        notes.append(
            f"{part(several, len(times), 'held-out patient', 'are')} held out by several folds, and no part of the "
            "associations"
        )
    once = pairs[pairs["patient"].map(times) == 1]
    return dict(zip(once["patient"], once["fold"].astype(int), strict=True)), notes
