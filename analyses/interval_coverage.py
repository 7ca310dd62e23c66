"""How often the intervals of genes hold the values of new patients, in simulated cohorts."""

from __future__ import annotations

from collections.abc import Sequence

import anndata
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_stats.conformal import gene_intervals
from sequoia_stats.types.predictions import Predictions

#: A tile's features, what they and genes have in common, and the penalty of the ridge regressions.
FEATURES, HIDDEN, PENALTY = 32, 8, 32.0
#: A gene's coverage is near the promised one within two points.
NEAR = 0.02


def simulate_cohort(
    rng: np.random.Generator, n: int, n_new: int, n_genes: int, folds: int = 5
) -> tuple[Predictions, anndata.AnnData]:
    """A cross-validated cohort, and new patients of the same population.

    Features of a slide and genes of its patient share hidden values; how well a gene follows them differs from gene to
    gene. Each network is a ridge regression on the other folds; new patients are predicted by the mean of all.

    Parameters
    ----------
    rng : Generator
    n, n_new : int
        Patients of the cohort, and new ones.
    n_genes : int
    folds : int, default 5

    Returns
    -------
    tuple of Predictions and AnnData
        The held-out predictions of the cohort, and the new patients with a layer ``measured``.
    """
    hidden = rng.normal(size=(n + n_new, HIDDEN))
    x = hidden @ rng.normal(size=(HIDDEN, FEATURES)) + rng.normal(size=(n + n_new, FEATURES))
    strength = rng.random(n_genes)
    y = strength * (hidden @ rng.normal(size=(HIDDEN, n_genes))) / np.sqrt(HIDDEN) + rng.normal(
        size=(n + n_new, n_genes)
    )
    fold = np.arange(n) % folds
    held_out, new = np.empty((n, n_genes)), np.zeros((n_new, n_genes))
    for k in range(folds):
        train = np.flatnonzero(fold != k)
        weights, bias = _ridge(x[train], y[train])
        held_out[fold == k] = x[:n][fold == k] @ weights + bias
        new += (x[n:] @ weights + bias) / folds
    genes = pd.Index([f"gene {i + 1}" for i in range(n_genes)])
    names = [f"patient {i + 1}" for i in range(n + n_new)]
    obs = pd.DataFrame({"patient_id": names, "fold": [*fold, *[None] * n_new]}, names)
    others = anndata.AnnData(new, obs[n:], pd.DataFrame(index=genes), layers={"measured": y[n:]})
    return Predictions(held_out, y[:n], obs[:n], genes, name="simulated"), others


def simulate_coverage(
    sizes: Sequence[int] = (60, 100, 500),
    *,
    cohorts: int = 20,
    n_new: int = 1000,
    n_genes: int = 300,
    level: float = 0.9,
    seed: int = 0,
    **options: bool,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The coverage of new patients by the intervals of simulated cohorts.

    Parameters
    ----------
    sizes : sequence of int
        Patients of a cohort.
    cohorts : int, default 20
        Cohorts of each size; each has a random stream of its own.
    n_new, n_genes : int
        New patients and genes of a cohort.
    level : float, default 0.9
        The promised coverage.
    seed : int, default 0
    **options
        Of `gene_intervals`.

    Returns
    -------
    genes : DataFrame
        ``n, cohort, gene, coverage``.
    summary : DataFrame
        Per size: ``n, mean, lowest, highest, sd, near``: the mean over genes and cohorts, the range of means of single
        cohorts, the standard deviation over genes within a cohort, and the share of genes within two points of `level`.
    """
    rows = []
    for size, stream in zip(sizes, np.random.SeedSequence(seed).spawn(len(sizes)), strict=True):
        for cohort, one in enumerate(stream.spawn(cohorts)):
            known, new = simulate_cohort(np.random.default_rng(one), size, n_new, n_genes)
            found = gene_intervals(known, new, level=level, **options).summary.coverage
            assert found is not None
            rows.append(
                pd.DataFrame({"n": size, "cohort": cohort, "gene": known.genes, "coverage": found.genes})
            )
    genes = pd.concat(rows, ignore_index=True)
    means = genes.groupby(["n", "cohort"])["coverage"].agg(["mean", "std"]).groupby("n")
    near = genes["coverage"].sub(level).abs().le(NEAR).groupby(genes["n"]).mean()
    summary = pd.DataFrame(
        {
            "mean": means["mean"].mean(), "lowest": means["mean"].min(), "highest": means["mean"].max(),
            "sd": means["std"].mean(), "near": near,
        }
    )  # fmt: skip
    return genes, summary.reset_index()


def _ridge(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coefficients (features, genes) and intercepts of ridge regressions."""
    centre, mean = x.mean(axis=0), y.mean(axis=0)
    centred = x - centre
    weights = np.linalg.solve(centred.T @ centred + PENALTY * np.eye(x.shape[1]), centred.T @ (y - mean))
    return weights, mean - centre @ weights
