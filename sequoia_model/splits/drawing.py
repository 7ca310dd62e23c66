"""Draws folds at random: balanced, within cohorts, and with whole sites if wanted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from sequoia_base.arguments import check_limits, number, whole
from sequoia_base.names import tissue_source_site
from sequoia_model.errors import InputError, counted, listing, part
from sequoia_model.splits.assignment import Splits

#: Share of the patients outside the test part that the published splits use for validation, rounded up.
VAL = 0.1
_LIMITS = {
    "n_folds": whole(2),
    "val": number("a number from 0 to below 1", lambda share: 0 <= share < 1),
    "seed": whole(0),
}
_FEWER = "use fewer folds or more patients, or leave out whole sites"


def draw(
    patients: Iterable[str],
    *,
    n_folds: int = 5,
    val: float = VAL,
    seed: int = 0,
    sites: bool | Mapping[str, str] = False,
    cohorts: Mapping[str, str] | None = None,
) -> Splits:
    """Draw folds of patients; each patient is tested in exactly one.

    Parameters
    ----------
    patients : iterable of str
        Names of the patients. Neither their order nor repeated names change the result.
    n_folds : int
        Number of folds. The sizes of their test parts differ by at most one patient, in all and within each cohort.
    val : float
        Share of the patients outside the test part used for validation, rounded up. With 0.1, as in the published
        splits, and five folds, 72% of the patients train, 8% validate and 20% test.
    seed : int
        Random seed, 0 or more; the same seed gives the same folds.
    sites : bool or mapping of str to str
        Whether all patients of a tissue source site have the same role in a fold, so that no site has two roles in
        it. True takes the sites from TCGA barcodes; a mapping gives the site of each patient. Sites are dealt in the
        order of their size, the largest first, each to the test part that has the fewest patients of its cohort. The
        parts then differ by more than one patient, and `Splits.note` gives their sizes. The val part also consists of
        whole sites, as many of each cohort as fit into its share, but at least the smallest site. TCGA gives a
        hospital a new code in each study, and each code is a site here.
    cohorts : mapping of str to str, optional
        The cohort of each patient. The patients of every cohort are spread evenly over the folds, and over val.

    Returns
    -------
    Splits
        With a note on the sites if they are kept whole.

    Raises
    ------
    InputError
        If there are too few patients or sites for the folds, a patient has no site or cohort, or a number is out of
        range.

    References
    ----------
    Howard, F. M. et al. The impact of site-specific digital histology signatures on deep learning model accuracy and
    bias. Nat. Commun. 12, 4423 (2021): folds that preserve sites. That paper balances the outcome by optimisation;
    here sites are dealt greedily.

    Examples
    --------
    >>> draw([f"P{i}" for i in range(10)], n_folds=5).sizes.loc[0].to_dict()
    {'train': 7, 'val': 1, 'test': 2}
    """
    names = sorted(set(patients))
    _check(names, n_folds, val, seed)
    cohort = (
        _looked_up(names, cohorts, "cohort") if cohorts is not None else np.full(len(names), "", dtype=object)
    )
    generator = np.random.default_rng(seed)
    if sites is False:
        test = _deal(cohort, n_folds, generator)
        roles = [_validate(test == fold, cohort, val, generator) for fold in range(n_folds)]
        note = ""
    else:
        site = _sites(names, None if sites is True else sites)
        test = _deal_sites(site, cohort, n_folds, generator)
        roles = [_validate_sites(test == fold, site, cohort, val, generator) for fold in range(n_folds)]
        counts = [
            f"{len(set(site[test == fold]))} ({counted(int(np.sum(test == fold)), 'patient')})"
            for fold in range(n_folds)
        ]
        note = f"{len(set(site))} tissue source sites, each whole in one part of a fold; in test: {', '.join(counts)}"
    frame = pd.DataFrame(
        {f"fold_{i}": column for i, column in enumerate(roles)}, pd.Index(names), dtype=object
    )
    return Splits(frame, pd.Series(cohort, pd.Index(names), dtype=object), f"drawn with seed {seed}", note)


def _check(names: list[str], n_folds: int, val: float, seed: int) -> None:
    if any(not name.strip() for name in names):
        raise InputError("a patient has no name")
    check_limits({"n_folds": n_folds, "val": val, "seed": seed}, _LIMITS)
    if len(names) < n_folds or (val and len(names) - math.ceil(len(names) / n_folds) < 2):
        raise InputError(
            f"{counted(len(names), 'patient is', 'patients are')} too few for {n_folds} folds",
            fix="use fewer folds",
        )


def _n_val(n: int, val: float) -> int:
    """How many of `n` patients validate, with at least one left to train."""
    return (
        min(max(1, math.ceil(val * n - 1e-9)), n - 1) if val else 0
    )  # 1e-9: 0.07 × 100 is above 7 in binary


def _looked_up(names: list[str], table: Mapping[str, str], what: str) -> np.ndarray:
    absent = [name for name in names if not table.get(name)]
    if absent:
        raise InputError(
            f"{part(len(absent), len(names), 'patient', 'have')} no {what}", where=listing(absent)
        )
    return np.array([table[name] for name in names], dtype=object)


def _deal(cohort: np.ndarray, n_folds: int, generator: np.random.Generator) -> np.ndarray:
    """A fold for each patient: the cohorts, each shuffled, are dealt like cards, one after the other."""
    order = np.concatenate([generator.permutation(np.flatnonzero(cohort == c)) for c in sorted(set(cohort))])
    fold = np.empty(len(cohort), dtype=int)
    fold[order] = np.arange(len(cohort)) % n_folds
    return fold


def _validate(test: np.ndarray, cohort: np.ndarray, val: float, generator: np.random.Generator) -> np.ndarray:
    """The roles of a fold; the patients who validate are spread over the cohorts."""
    roles = np.where(test, "test", "train").astype(object)
    order, place = [], []
    for name in sorted(set(cohort)):
        outside = generator.permutation(np.flatnonzero(~test & (cohort == name)))
        order.append(outside)
        place.append((np.arange(len(outside)) + 0.5) / max(1, len(outside)))
    shuffled, depth = np.concatenate(order), np.concatenate(place)
    first = np.argsort(depth, kind="stable")[: _n_val(len(shuffled), val)]
    roles[shuffled[first]] = "val"
    return roles


def _sites(names: list[str], table: Mapping[str, str] | None) -> np.ndarray:
    if table is not None:
        return _looked_up(names, table, "site")
    found = {name: tissue_source_site(name) or "" for name in names}
    absent = [name for name, site in found.items() if not site]
    if absent:
        raise InputError(
            f"{part(len(absent), len(names), 'patient', 'have')} no TCGA barcode, which would name their site",
            where=listing(absent),
            fix="add a column 'site' to --patients",
        )
    return np.array(list(found.values()), dtype=object)


def _deal_sites(
    site: np.ndarray, cohort: np.ndarray, n_folds: int, generator: np.random.Generator
) -> np.ndarray:
    """A fold for each patient: whole sites, the largest first, each to the fold with the fewest of its cohorts."""
    sites, counts = _count(site, cohort)
    if len(sites) < n_folds:
        raise InputError(
            f"{counted(len(sites), 'site is', 'sites are')} too few for {n_folds} folds",
            where=listing(sites),
            fix=_FEWER,
        )
    shuffled = generator.permutation(len(sites))
    load = np.zeros((n_folds, counts.shape[1]), dtype=int)
    fold = np.empty(len(site), dtype=int)
    for i in shuffled[np.argsort(-counts[shuffled].sum(axis=1), kind="stable")]:
        best = min(range(n_folds), key=lambda k: (load[k] @ counts[i], load[k].sum()))
        load[best] += counts[i]
        fold[site == sites[i]] = best
    return fold


def _validate_sites(
    test: np.ndarray, site: np.ndarray, cohort: np.ndarray, val: float, generator: np.random.Generator
) -> np.ndarray:
    """The roles of a fold; whole sites in random order validate, each if it fits into the share."""
    roles = np.where(test, "test", "train").astype(object)
    if not val:
        return roles
    sites, counts = _count(site[~test], cohort[~test])
    if len(sites) < 2:
        raise InputError(
            f"outside a test part only the site {sites[0]} is left to train and to validate", fix=_FEWER
        )
    wanted = np.array([_n_val(n, val) for n in counts.sum(axis=0)])
    chosen = np.zeros(len(sites), dtype=bool)
    for i in generator.permutation(len(sites)):
        chosen[i] = (counts[chosen].sum(axis=0) + counts[i] <= wanted).all()
    if not chosen.any():
        chosen[counts.sum(axis=1).argmin()] = True
    return np.where(~test & np.isin(site, np.array(sites, dtype=object)[chosen]), "val", roles)


def _count(site: np.ndarray, cohort: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Names of the sites, and the number of patients by site (rows) and cohort."""
    table = pd.crosstab(site, cohort)
    return list(table.index), table.to_numpy()
