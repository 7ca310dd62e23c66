"""Draws folds at random: balanced, within cohorts, and with whole sites if wanted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from sequoia_base.arguments import check_limits, number, one_of, optional, whole
from sequoia_base.names import tissue_source_site
from sequoia_base.splits import Splits
from sequoia_model.errors import InputError, counted, listing, part
from sequoia_model.patients import known_text
from sequoia_model.splits._balance import balance_of
from sequoia_model.splits._solving import dealt_greedily, solved
from sequoia_model.splits.dealing import deal_sites, filling_sites, n_val, validate_sites

#: Share of the patients outside the test part that the published splits use for validation, rounded up.
VAL = 0.1
#: How whole sites can be dealt.
SOLVERS = ("greedy", "milp")
_LIMITS = {
    "n_folds": whole(2),
    "val": number("a number from 0 to below 1", lambda share: 0 <= share < 1),
    "seed": whole(0),
}


def draw(
    patients: Iterable[str],
    *,
    n_folds: int = 5,
    val: float = VAL,
    seed: int = 0,
    sites: bool | Mapping[str, str] = False,
    cohorts: Mapping[str, str] | None = None,
    balance: Mapping[str, object] | None = None,
    balance_name: str = "balance",
    solver: str | None = None,
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
        hospital a new code in each study, and each code is a site here. The solver "milp" deals them otherwise.
    cohorts : mapping of str to str, optional
        The cohort of each patient. The patients of every cohort are spread evenly over the folds, and over val.
    balance : mapping of str to object, optional
        A value of each patient that test and val parts should share alike: a level, such as an event or a grade, or
        a number. Numbers are levels if at most ten differ, and if `balance_name` says that they are codes (site,
        batch, centre, plate, scanner, …). Without whole sites patients are dealt within levels, or
        within fifths of the numbers.
    balance_name : str
        What `balance` is called in the note and in errors.
    solver : {"greedy", "milp"}, optional
        How whole sites are dealt. "milp" minimises how far the parts are from even, in patients of every cohort and in
        what is balanced, by integer programming: to within .01 of the least mean share, or until it has looked at a
        fixed number of nodes, from the greedy deal as start. A site larger than an even test part has one of its own.
        `Splits.note` and `Splits.dealt` give the unevenness and the gap that was reached. "greedy" balances numbers of
        patients alone. By default "milp" if `balance` is given,
        otherwise "greedy".

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
    bias. Nat. Commun. 12, 4423 (2021): folds that preserve sites, with the outcome balanced by optimisation.

    Examples
    --------
    >>> draw([f"P{i}" for i in range(10)], n_folds=5).sizes.loc[0].to_dict()
    {'train': 7, 'val': 1, 'test': 2}
    """
    names = sorted(set(patients))
    _check(names, n_folds, val, seed, solver, sites)
    cohort = (
        _looked_up(names, cohorts, "cohort") if cohorts is not None else np.full(len(names), "", dtype=object)
    )
    if balance is not None and solver == "greedy":
        raise InputError(
            f"the greedy solver does not balance {balance_name}",
            fix="leave out --solver greedy, or what is to be balanced",
        )
    alike = None if balance is None else balance_of(balance, names, n_folds, balance_name)
    generator = np.random.default_rng(seed)
    note, dealt = "", None
    if sites is False:
        stratum = cohort if alike is None else _joined(cohort, alike.level)
        test = _deal(stratum, n_folds, generator)
        roles = [_validate(test == fold, stratum, val, generator) for fold in range(n_folds)]
        if alike is not None:
            note = f"balanced by {alike.words}"
    else:
        site = _sites(names, None if sites is True else sites)
        filling = filling_sites(site, n_folds)
        if (solver or ("greedy" if alike is None else "milp")) == "greedy":
            test = deal_sites(site, cohort, n_folds, generator)
            roles = [validate_sites(test == fold, site, cohort, val, generator) for fold in range(n_folds)]
            dealt, how = dealt_greedily(site, cohort, test, n_folds), ""
        else:
            test, roles, dealt, how = solved(site, cohort, alike, n_folds, val, generator)
        counts = [
            f"{len(set(site[test == fold]))} ({counted(int(np.sum(test == fold)), 'patient')})"
            for fold in range(n_folds)
        ]
        note = f"{len(set(site))} tissue source sites, each whole in one part of a fold; in test: {', '.join(counts)}"
        note += f"{filling}{how}"
    frame = pd.DataFrame(
        {f"fold_{i}": column for i, column in enumerate(roles)}, pd.Index(names), dtype=object
    )
    cohort_of = pd.Series(cohort, pd.Index(names), dtype=object)
    return Splits(frame, cohort_of, f"drawn with seed {seed}", note, dealt)


def _check(
    names: list[str], n_folds: int, val: float, seed: int, solver: str | None, sites: bool | Mapping[str, str]
) -> None:
    if any(not name.strip() for name in names):
        raise InputError("a patient has no name")
    check_limits({"solver": solver}, {"solver": optional(one_of(SOLVERS))})
    if solver is not None and sites is False:
        raise InputError(
            "a solver is used only where sites are kept whole", fix="add --sites or --site COLUMN"
        )
    check_limits({"n_folds": n_folds, "val": val, "seed": seed}, _LIMITS)
    if len(names) < n_folds or (val and len(names) - math.ceil(len(names) / n_folds) < 2):
        raise InputError(
            f"{counted(len(names), 'patient is', 'patients are')} too few for {n_folds} folds",
            fix="use fewer folds",
        )


def _looked_up(names: list[str], table: Mapping[str, str], what: str) -> np.ndarray:
    found = {name: known_text(str(table.get(name) or ""), name) for name in names}
    absent = [name for name in names if not found[name]]
    if absent:
        raise InputError(
            f"{part(len(absent), len(names), 'patient', 'have')} no {what}",
            where=listing(absent),
            fix=f"add their {what}, or leave them out of the table",
        )
    return np.array(list(found.values()), dtype=object)


def _deal(cohort: np.ndarray, n_folds: int, generator: np.random.Generator) -> np.ndarray:
    """A fold for each patient: the cohorts, each shuffled, are dealt like cards, one after the other."""
    order = np.concatenate([generator.permutation(np.flatnonzero(cohort == c)) for c in sorted(set(cohort))])
    fold = np.empty(len(cohort), dtype=int)
    fold[order] = np.arange(len(cohort)) % n_folds
    return fold


def _joined(cohort: np.ndarray, level: np.ndarray) -> np.ndarray:
    """A stratum for each level of each cohort."""
    return np.array([f"{c}\0{one}" for c, one in zip(cohort, level, strict=True)], dtype=object)


def _validate(test: np.ndarray, cohort: np.ndarray, val: float, generator: np.random.Generator) -> np.ndarray:
    """The roles of a fold; the patients who validate are spread over the cohorts."""
    roles = np.where(test, "test", "train").astype(object)
    order, place = [], []
    for name in sorted(set(cohort)):
        outside = generator.permutation(np.flatnonzero(~test & (cohort == name)))
        order.append(outside)
        place.append((np.arange(len(outside)) + 0.5) / max(1, len(outside)))
    shuffled, depth = np.concatenate(order), np.concatenate(place)
    first = np.argsort(depth, kind="stable")[: n_val(len(shuffled), val)]
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
