"""Which networks may predict a slide: those that have not been trained on its patient."""

from __future__ import annotations

from dataclasses import dataclass

from sequoia_model.errors import InputError, listing
from sequoia_model.splits import Splits

ENSEMBLES = ("held-out", "all")


@dataclass(frozen=True)
class Choice:
    """The networks that predict a slide.

    Parameters
    ----------
    networks : tuple of int
        Their positions among the weights.
    fold : int, optional
        The patient's held-out fold; None where the patient is new to all networks, or all are taken.
    seen : bool
        Whether one of them has been trained, or its training stopped, on slides of the patient.
    """

    networks: tuple[int, ...]
    fold: int | None = None
    seen: bool = False


def choose_networks(
    patients: tuple[str, ...], folds: tuple[int, ...], splits: Splits | None, ensemble: str = "held-out"
) -> Choice:
    """Choose the networks for a slide.

    Parameters
    ----------
    patients : tuple of str
        What the slide's patient may be called in the splits.
    folds : tuple of int
        The fold of each network.
    splits : Splits, optional
        Of the patients that the networks were trained on; None where they are not known.
    ensemble : {"held-out", "all"}
        Whether a patient of the splits gets the network of its test fold alone, or all.

    Raises
    ------
    InputError
        If the network of the held-out fold is not among the weights, or the names are of several patients whom
        different folds hold out.
    """
    everyone = tuple(range(len(folds)))
    known = [] if splits is None else [patient for patient in patients if patient in splits.roles.index]
    if splits is None or not known:
        return Choice(everyone)
    tested = {splits.test_fold(patient) for patient in known}
    if ensemble == "all":
        return Choice(everyone, seen=set(folds) != tested)
    if len(tested) > 1:
        raise InputError(
            f"the slide belongs to {listing(known)}, whom different folds of {splits.name} hold out",
            fix="correct its patient, or --ensemble all for a prediction that has seen the patient",
        )
    (fold,) = tested
    if fold is None or fold not in folds:
        which = "no fold" if fold is None else f"fold {fold}"
        held = f"fold {folds[0]} has" if len(folds) == 1 else f"the {len(folds)} folds given have"
        raise InputError(
            f"the patient {known[0]} is held out by {which} of {splits.name}, and {held} been trained on it",
            fix="give all folds of the weights, or --ensemble all for a prediction that has seen the patient",
        )
    return Choice((folds.index(fold),), fold)
