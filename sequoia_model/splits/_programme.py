"""Deals whole sites to parts so that the parts are alike: a mixed-integer programme, solved by HiGHS through SciPy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

#: The solver stops when no deal can be better by more than this share of 1 + the unevenness.
GAP = 0.01
#: At most this many nodes of the search tree. Not a time: the same input gives the same folds on every machine.
NODES = 300
_ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Wanted:
    """What each part should hold of each column.

    Parameters
    ----------
    share : array of shape (parts, c)
        The sums that an even part would hold.
    scale : array of shape (c,)
        In what unit a sum that is off counts as 1.
    weight : array of shape (c,)
        How much each column counts; they sum to 1.
    """

    share: NDArray[np.float64]
    scale: NDArray[np.float64]
    weight: NDArray[np.float64]

    def unevenness(self, deal: NDArray, sums: NDArray[np.float64]) -> float:
        """How far parts are from even, as a share, on average over parts and (weighted) columns.

        Parameters
        ----------
        deal : array of shape (sites,)
            The part of each site.
        sums : array of shape (sites, c)
            What each site holds.
        """
        held = np.zeros_like(self.share)
        np.add.at(held, deal, sums)
        return float((np.abs(held - self.share).mean(axis=0) / self.scale) @ self.weight)


@dataclass(frozen=True, eq=False)
class Deal:
    """The part of each site, and how good it is.

    Parameters
    ----------
    part : array of shape (sites,)
        Number of the part.
    unevenness : float
        As `Wanted.unevenness`.
    gap : float
        By how much a better deal could at most be better, as a share of 1 + `unevenness`; NaN if the solver found
        nothing better than the start.
    finished : bool
        Whether `gap` is within `GAP`; otherwise the limit of nodes was reached.
    """

    part: NDArray[np.intp]
    unevenness: float
    gap: float
    finished: bool


def deal_whole(
    sums: NDArray[np.float64], wanted: Wanted, start: NDArray[np.intp], *, alike: bool = True
) -> Deal:
    """Deal sites to parts so that the mean unevenness is least.

    Minimises 1 + Σ_c weight_c · mean_p |Σ_s x_sp · sums_sc − share_pc| / scale_c over x_sp in {0, 1}, Σ_p x_sp = 1.
    The 1 makes the gap one of evenness itself: a perfect deal has the bound 1, where a bound of 0 could never be proven
    to within a share of it.

    Parameters
    ----------
    sums : array of shape (sites, c)
        What each site holds; the first column is its number of patients.
    wanted : Wanted
        What the parts should hold.
    start : array of shape (sites,)
        A deal that is returned unless a better one is found; no worse ones are searched.
    alike : bool
        Whether parts are interchangeable. The i-th largest site then goes to one of the first i parts, since every
        deal can be renumbered so, and the solver need not look at all the others.
    """
    n, (n_parts, n_columns) = len(sums), wanted.share.shape
    before = wanted.unevenness(start, sums)
    n_x, n_off = n * n_parts, n_columns * n_parts
    cost = np.concatenate(
        [np.zeros(n_x), np.repeat(wanted.weight / (n_parts * wanted.scale), n_parts), [1.0]]
    )
    once = sparse.kron(sparse.eye_array(n), np.ones((1, n_parts)))
    some = sparse.kron(np.ones((1, n)), sparse.eye_array(n_parts))  # no part is empty
    held = sparse.kron(sparse.csr_array(sums.T), sparse.eye_array(n_parts))
    nothing, off = sparse.csr_array((n_off, 1)), sparse.eye_array(n_off)
    share = wanted.share.T.ravel()
    low, high = np.zeros(n_x + n_off + 1), np.ones(n_x + n_off + 1)
    high[n_x:-1], low[-1] = np.inf, 1
    if alike:
        for place, site in enumerate(np.argsort(-sums[:, 0], kind="stable")[:n_parts]):
            high[site * n_parts + place + 1 : (site + 1) * n_parts] = 0
    result = milp(
        cost,
        integrality=np.concatenate([np.ones(n_x), np.zeros(n_off + 1)]),
        bounds=Bounds(low, high),
        constraints=[
            LinearConstraint(sparse.hstack([once, sparse.csr_array((n, n_off + 1))]), 1, 1),
            LinearConstraint(sparse.hstack([held, -off, nothing]), -np.inf, share),
            LinearConstraint(sparse.hstack([held, off, nothing]), share, np.inf),
            LinearConstraint(sparse.csr_array(cost[None]), -np.inf, (1 + before) * (1 + _ROUNDING)),
            LinearConstraint(sparse.hstack([some, sparse.csr_array((n_parts, n_off + 1))]), 1, np.inf),
        ],
        options={"mip_rel_gap": GAP, "node_limit": NODES},
    )
    if result.x is None:
        return Deal(start, before, float("nan"), False)
    part = result.x[:n_x].reshape(n, n_parts).argmax(axis=1)
    after = wanted.unevenness(part, sums)
    if after > before:
        part, after = start, before
    bound = result.mip_dual_bound
    gap = float("nan") if bound is None else max(0.0, (1 + after - bound) / (1 + after))
    return Deal(part, after, gap, gap <= GAP + _ROUNDING)
