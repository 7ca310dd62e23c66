"""Leaks: who is on both sides of a fold, folds paired wrongly, predictions by networks that knew the patient."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from scipy.stats import hypergeom

from sequoia_base.names import written_otherwise
from sequoia_base.results import Result
from sequoia_model.errors import counted, listing
from sequoia_model.leakage._sides import Sides

#: From this share of its test patients on, a fold may be paired with the wrong test part.
_MOST = 0.5
#: A training part that misses a whole test part more rarely than this by chance was made to leave it out.
_BY_CHANCE = 1e-3
_SIDES = ("train", "val", "test")


@dataclass(frozen=True)
class Leak(Result):
    """One way in which a network knew whom it was tested on.

    Parameters
    ----------
    kind : str
        ``patient_in_train_and_test`` (or ``_val``, or ``val_and_test``; also ``slide_in_…``), ``folds_paired_wrongly``,
        ``predicted_by_training_fold``, ``predicted_by_validation_fold``, ``patient_tested_by_several_folds`` or
        ``slide_tested_by_several_folds``.
    fold : int, optional
        The fold; None if it concerns several.
    items : tuple of str
        Patients, or slides, in alphabetical order.
    what : str
        The same in words.
    """

    kind: str
    fold: int | None
    items: tuple[str, ...]
    what: str


def find_leaks(sides: Sides) -> list[Leak]:
    """All leaks: wrong pairs of folds first, then by fold."""
    found = _wrong_pairs(sides)
    for fold in sides.folds:
        found += _both_sides(sides, fold)
        found += _predicted_by_one_who_knew(sides, fold)
    return found if len(sides.listed) else found + _tested_by_several(sides)


def _both_sides(sides: Sides, fold: int) -> list[Leak]:
    found, patients = [], set(sides.patients)
    for one, other in combinations(_SIDES, 2):
        for noun, column in (("patient", "patient"), ("slide", "name")):
            if noun == "slide" and not sides.of_slides:
                continue
            items = sorted(sides.of_role(fold, one, column) & sides.of_role(fold, other, column))
            if noun == "slide":  # a file of slides may name patients
                items = [item for item in items if item not in patients]
            if items:
                what = f"fold {fold}: {counted(len(items), f'{noun} is', f'{noun}s are')} in {one} and in {other}"
                found.append(Leak(f"{noun}_in_{one}_and_{other}", fold, tuple(items), what))
    return found


def _wrong_pairs(sides: Sides) -> list[Leak]:
    """Folds that trained on most of their own test part, or of whom they predicted, but left out that of another fold.

    As where lists of training and validation patients are read as two folds, and zipped against one list of test parts.
    """
    train = {fold: sides.of_role(fold, "train") for fold in sides.folds}
    held_out = "test" if (sides.listed["role"] == "test").any() else "val"
    test = {fold: sides.of_role(fold, held_out) for fold in sides.folds}
    found = _paired_wrongly(sides, train, test, f"its {held_out} patients", f"{held_out} part")
    if len(sides.tested):
        owners = sides.tested.groupby("fold")["patient"].agg(set).to_dict()
        predicted = {fold: owners.get(fold, set()) for fold in sides.folds}
        found += _paired_wrongly(sides, train, predicted, "the patients it predicted", "predicted part")
    return found


def _paired_wrongly(
    sides: Sides, train: Mapping[int, set[str]], test: Mapping[int, set[str]], whom: str, what_part: str
) -> list[Leak]:
    n, found = len(sides.patients), []
    for fold in sides.folds:
        seen = train[fold] & test[fold]
        if not seen or len(seen) < _MOST * len(test[fold]):
            continue
        missed = [
            other
            for other in sides.folds
            if other != fold and test[other] and not train[fold] & test[other]
            if hypergeom.pmf(0, n, len(train[fold]), len(test[other])) < _BY_CHANCE
        ]
        if missed:
            what = (
                f"fold {fold} trained on {100 * len(seen) / len(test[fold]):.0f}% of {whom}; its training part leaves "
                f"out the {what_part} of fold {listing(missed)}: the folds are paired wrongly"
            )
            found.append(Leak("folds_paired_wrongly", fold, tuple(sorted(seen)), what))
    return found


def names_alike(sides: Sides) -> list[str]:
    """Notes on patients of two sides whose names differ only in how they are written: perhaps they are the same."""
    notes = []
    for fold in sides.folds:
        test = sides.of_role(fold, "test") or sides.of_role(fold, "val")
        pairs = written_otherwise(sorted(test), sorted(sides.of_role(fold, "train")))
        if pairs:
            words = listing((f"{one} and {other}" for one, other in sorted(pairs)), 3)
            notes.append(
                f"fold {fold}: {counted(len(pairs), 'patient')} on two sides if writing makes no difference: {words}"
            )
    return notes


def _predicted_by_one_who_knew(sides: Sides, fold: int) -> list[Leak]:
    rows = sides.tested[sides.tested["fold"] == fold]
    found = []
    for role, kind, verb in (("train", "training", "trained on"), ("val", "validation", "was stopped by")):
        items = sorted(set(rows["name"][rows["patient"].isin(sides.of_role(fold, role))]))
        if items:
            what = f"fold {fold} predicted {counted(len(items), 'slide')} of patients whom it {verb}"
            found.append(Leak(f"predicted_by_{kind}_fold", fold, tuple(items), what))
    return found


def _tested_by_several(sides: Sides) -> list[Leak]:
    """Without lists of training patients: who is tested by several folds, which trained on each other's test parts."""
    found = []
    for noun, column in (("patient", "patient"), ("slide", "name")):
        pairs = sides.tested[["fold", column]].drop_duplicates()
        items = sorted(name for name, n in Counter(pairs[column]).items() if n > 1)
        if items:
            what = f"{counted(len(items), f'{noun} is', f'{noun}s are')} tested by several folds"
            found.append(Leak(f"{noun}_tested_by_several_folds", None, tuple(items), what))
    return found
