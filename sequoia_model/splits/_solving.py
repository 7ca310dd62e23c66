"""Folds of whole sites by integer programming: what each part should hold, and how near it came."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sequoia_base.splits import Dealt
from sequoia_model.errors import counted
from sequoia_model.splits._balance import Balance
from sequoia_model.splits._programme import NODES, Deal, Wanted, deal_whole
from sequoia_model.splits.dealing import deal_sites, n_val, validate_sites


def solved(
    site: np.ndarray,
    cohort: np.ndarray,
    balance: Balance | None,
    n_folds: int,
    val: float,
    generator: np.random.Generator,
) -> tuple[np.ndarray, list[np.ndarray], Dealt, str]:
    """The test fold of each patient, the roles in each fold, and how even the parts are, also as a note.

    Parameters
    ----------
    site, cohort : array of shape (n,)
        Of each patient.
    balance : Balance, optional
        What parts should share alike besides numbers of patients.
    n_folds : int
        Number of folds.
    val : float
        Share of the patients outside test that validate.
    generator : Generator
        Decides between deals that are as good.

    Raises
    ------
    InputError
        If there are too few sites.
    """
    columns, scale, weight = _columns(cohort, balance, n_folds)
    start = deal_sites(site, cohort, n_folds, generator)
    # In another order of the sites the solver finds another of the best deals: the seed decides between them.
    names = generator.permutation(sorted(set(site)))
    place = {name: i for i, name in enumerate(names)}
    code = np.array([place[name] for name in site])
    sums = _per_site(columns, code, len(names))
    deal = _test_parts(
        sums, Wanted(columns.sum(axis=0) / n_folds, scale, weight), _of_sites(start, code), n_folds
    )
    test = deal.part[code]
    roles, worst = [], 0.0
    for fold in range(n_folds):
        role = validate_sites(test == fold, site, cohort, val, generator)
        if val:
            outside = np.flatnonzero(deal.part != fold)
            chosen = _val_part(
                sums[outside], scale * n_folds, weight, _of_sites(role == "val", code)[outside], val
            )
            worst = max(worst, chosen.unevenness)
            validates = np.isin(code, outside[chosen.part == 1])
            role = np.where(test == fold, "test", np.where(validates, "val", "train")).astype(object)
        roles.append(role)
    worst_val = worst if val else None
    gap = None if np.isnan(deal.gap) else deal.gap
    return test, roles, Dealt("milp", deal.unevenness, gap, worst_val), _note(deal, balance, worst_val)


def dealt_greedily(site: np.ndarray, cohort: np.ndarray, fold: np.ndarray, n_folds: int) -> Dealt:
    """How even the test parts of the greedy deal are.

    Parameters
    ----------
    site, cohort, fold : array of shape (n,)
        Of each patient.
    n_folds : int
        Number of folds.
    """
    columns, scale, weight = _columns(cohort, None, n_folds)
    _, code = np.unique(site.astype(str), return_inverse=True)
    sums = _per_site(columns, code, int(code.max()) + 1)
    wanted = Wanted(np.tile(columns.sum(axis=0) / n_folds, (n_folds, 1)), scale, weight)
    return Dealt("greedy", wanted.unevenness(_of_sites(fold, code), sums))


def _columns(
    cohort: np.ndarray, balance: Balance | None, n_folds: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """What is summed over the patients of a part, the unit of each column, and how much it counts.

    Patients, those of each cohort if there are several, and the balanced property count alike, however many columns
    they have.
    """
    groups = [np.ones((len(cohort), 1))]
    if len(names := sorted(set(cohort))) > 1:
        groups.append((cohort[:, None] == np.array(names, dtype=object)).astype(np.float64))
    scales = [np.maximum(group.sum(axis=0) / n_folds, 1) for group in groups]
    if balance is not None:
        groups.append(balance.columns)
        scales.append(balance.scale)
    weights = [np.full(group.shape[1], 1 / (len(groups) * group.shape[1])) for group in groups]
    return np.hstack(groups), np.concatenate(scales), np.concatenate(weights)


def _per_site(columns: NDArray[np.float64], code: NDArray, n_sites: int) -> NDArray[np.float64]:
    sums = np.zeros((n_sites, columns.shape[1]))
    np.add.at(sums, code, columns)
    return sums


def _of_sites(value: np.ndarray, code: NDArray) -> NDArray[np.intp]:
    """The value of each site, from those of its patients, who all have the same."""
    found = np.zeros(code.max() + 1, dtype=np.intp)
    found[code] = value
    return found


def _test_parts(sums: NDArray[np.float64], wanted: Wanted, start: NDArray[np.intp], n_folds: int) -> Deal:
    """The test fold of each site. One that is larger than an even part gets a fold of its own."""
    alone: list[int] = []
    for site in np.argsort(-sums[:, 0], kind="stable"):
        rest = sums[:, 0].sum() - sums[alone, 0].sum()
        if sums[site, 0] * (n_folds - len(alone)) <= rest or n_folds - len(alone) == 2:
            break
        alone.append(int(site))
    others = np.setdiff1d(np.arange(len(sums)), alone)
    n_left = n_folds - len(alone)
    share = np.tile(sums[others].sum(axis=0) / n_left, (n_left, 1))
    _, first = np.unique(start[others], return_inverse=True)
    if first.max() >= n_left:  # the greedy deal put others beside a large site
        first = np.arange(len(others)) % n_left
    found = deal_whole(sums[others], Wanted(share, wanted.scale, wanted.weight), first)
    part = np.empty(len(sums), dtype=np.intp)
    part[alone], part[others] = np.arange(len(alone)), found.part + len(alone)
    whole = Wanted(np.tile(wanted.share, (n_folds, 1)), wanted.scale, wanted.weight)
    return Deal(part, whole.unevenness(part, sums), found.gap, found.finished)


def _val_part(
    sums: NDArray[np.float64],
    scale: NDArray[np.float64],
    weight: NDArray[np.float64],
    start: NDArray[np.intp],
    val: float,
) -> Deal:
    """Which sites outside test validate (part 1), like the others (part 0) in all that is balanced."""
    n = int(sums[:, 0].sum())
    share = n_val(n, val) / n
    wanted = np.outer([1 - share, share], sums.sum(axis=0))
    return deal_whole(sums, Wanted(wanted, np.maximum(scale * share, 1), weight), start, alike=False)


def _note(deal: Deal, balance: Balance | None, worst_val: float | None) -> str:
    what = "patients" if balance is None else f"patients and {balance.words}"
    val = "" if worst_val is None else f", val parts by up to {100 * worst_val:.2g}%"
    if np.isnan(deal.gap):
        search = f"the solver found nothing better than the greedy deal in {counted(NODES, 'node')}"
    else:
        search = f"gap {deal.gap:.2g} of 1 + the unevenness" + (
            "" if deal.finished else f", stopped after {counted(NODES, 'node')}"
        )
    off = f"{100 * deal.unevenness:.2g}% on average{val}"
    return f"; solved by milp: test parts are off even in {what} by {off}; {search}"
