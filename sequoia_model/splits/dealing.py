"""Deals whole sites to the parts of folds greedily: the largest first, each to where it fits best."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from sequoia_model.errors import InputError, counted, listing

#: What always works.
LOOSE = "do not keep sites whole (without --sites and --site)"


def n_val(n: int, val: float) -> int:
    """How many of `n` patients validate, with at least one left to train."""
    return (
        min(max(1, math.ceil(val * n - 1e-9)), n - 1) if val else 0
    )  # 1e-9: 0.07 × 100 is above 7 in binary


def filling_sites(site: np.ndarray, n_folds: int) -> str:
    """A note that names the sites that are larger than an even test part; "" if there are none.

    Raises
    ------
    InputError
        If a site has more patients than all others together: the fold that tests it would train on fewer patients than
        it tests. With two folds this is so in any case, and nothing is refused.
    """
    sizes = pd.Series(site).value_counts()
    if n_folds > 2 and 2 * sizes.iloc[0] > len(site):
        raise InputError(
            f"the site {sizes.index[0]} has {sizes.iloc[0]:,} of {counted(len(site), 'patient')}, more than all "
            f"other sites together, so it cannot be kept whole in one of {n_folds} folds",
            fix=f"use --folds 2 --val 0, leave the site out, or {LOOSE}",
        )
    large = sizes[sizes * n_folds > len(site)]
    if large.empty:
        return ""
    words = listing(
        f"{name} ({size:,})" for name, size in sorted(large.items(), key=lambda item: (-item[1], item[0]))
    )
    return f"; larger than an even test part of {len(site) / n_folds:.4g} patients: {words}"


def deal_sites(
    site: np.ndarray, cohort: np.ndarray, n_folds: int, generator: np.random.Generator
) -> np.ndarray:
    """A fold for each patient: whole sites, the largest first, each to the fold with the fewest of its cohorts."""
    sites, counts = count_by_site(site, cohort)
    if len(sites) < n_folds:
        raise InputError(
            f"{counted(len(sites), 'site is', 'sites are')} too few for {n_folds} folds",
            where=listing(sites),
            fix=f"use --folds {len(sites)}, or {LOOSE}" if len(sites) > 1 else LOOSE,
        )
    shuffled = generator.permutation(len(sites))
    load = np.zeros((n_folds, counts.shape[1]), dtype=int)
    fold = np.empty(len(site), dtype=int)
    for i in shuffled[np.argsort(-counts[shuffled].sum(axis=1), kind="stable")]:
        best = min(range(n_folds), key=lambda k: (load[k] @ counts[i], load[k].sum()))
        load[best] += counts[i]
        fold[site == sites[i]] = best
    return fold


def validate_sites(
    test: np.ndarray, site: np.ndarray, cohort: np.ndarray, val: float, generator: np.random.Generator
) -> np.ndarray:
    """The roles of a fold; whole sites in random order validate, each if it fits into the share."""
    roles = np.where(test, "test", "train").astype(object)
    if not val:
        return roles
    sites, counts = count_by_site(site[~test], cohort[~test])
    if len(sites) < 2:
        raise InputError(
            f"outside a test part only the site {sites[0]} is left to train and to validate",
            fix=f"use --val 0, or {LOOSE}",
        )
    wanted = np.array([n_val(n, val) for n in counts.sum(axis=0)])
    chosen = np.zeros(len(sites), dtype=bool)
    for i in generator.permutation(len(sites)):
        chosen[i] = (counts[chosen].sum(axis=0) + counts[i] <= wanted).all()
    if not chosen.any():
        chosen[counts.sum(axis=1).argmin()] = True
    return np.where(~test & np.isin(site, np.array(sites, dtype=object)[chosen]), "val", roles)


def count_by_site(site: np.ndarray, cohort: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Names of the sites, and the number of patients by site (rows) and cohort."""
    table = pd.crosstab(site, cohort)
    return list(table.index), table.to_numpy()
