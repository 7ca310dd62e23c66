"""Which networks may predict a slide: those that were not trained on its patient."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sequoia_model.errors import InputError, listing
from sequoia_model.splits import Splits

ENSEMBLES = ("held-out", "all")


@dataclass(frozen=True)
class NetworkChoice:
    """The networks that predict a slide.

    Parameters
    ----------
    networks : tuple of int
        Their positions among the weights.
    fold : int, optional
        The patient's held-out fold; None if the patient is new to all networks, or all are used.
    seen : bool
        Whether slides of the patient were used to train one of them, or to stop its training.
    """

    networks: tuple[int, ...]
    fold: int | None = None
    seen: bool = False


def choose_networks(
    patients: tuple[str, ...],
    folds: tuple[int, ...],
    splits: Splits | None,
    ensemble: str = "held-out",
    seen: Collection[str] = (),
) -> NetworkChoice:
    """Choose the networks for a slide.

    Parameters
    ----------
    patients : tuple of str
        Names that the slide's patient may have in the splits.
    folds : tuple of int
        The fold of each network.
    splits : Splits, optional
        Splits of the patients that the networks were trained on; None if they are unknown.
    ensemble : {"held-out", "only held-out", "all"}
        Whether a patient in the splits is predicted only by the network of its test fold, or by all. Where the command
        cannot use all, it is "only held-out", and errors do not offer it.
    seen : collection of str
        Patients outside the splits whom all networks have seen.

    Raises
    ------
    InputError
        If the network of the held-out fold is not among the weights, or the names belong to several patients whom
        different folds hold out.
    """
    everyone = tuple(range(len(folds)))
    known = [] if splits is None else [patient for patient in patients if patient in splits.roles.index]
    if splits is None or not known:
        return NetworkChoice(everyone, seen=any(patient in seen for patient in patients))
    tested = {splits.test_fold(patient) for patient in known}
    if ensemble == "all":
        return NetworkChoice(everyone, seen=set(folds) != tested)
    or_all = ", or use --ensemble all: networks that saw the patient" if ensemble in ENSEMBLES else ""
    if len(tested) > 1:
        raise InputError(
            f"the slide belongs to {listing(known)}, who are held out by different folds of {splits.name}",
            fix=f"correct its patient{or_all}",
        )
    (fold,) = tested
    if fold is None or fold not in folds:
        which = "no fold" if fold is None else f"fold {fold}"
        held = f"fold {folds[0]} was" if len(folds) == 1 else f"the {len(folds)} folds given were"
        raise InputError(
            f"the patient {known[0]} is held out by {which} of {splits.name}, and {held} trained on it",
            fix=f"{'leave out the slide' if fold is None else 'give all folds of the weights'}{or_all}",
        )
    return NetworkChoice((folds.index(fold),), fold)
