"""The correlation of the best predicted genes, with and without the optimism of their selection, and within slides."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sequoia_base.results import Result
from sequoia_stats.association import fisher_mean, pearson
from sequoia_stats.errors import InputError, counted
from sequoia_stats.io import read_predictions
from sequoia_stats.types.predictions import FEWEST_SAMPLES, Predictions

if TYPE_CHECKING:
    from anndata import AnnData


@dataclass(frozen=True, eq=False)
class TopK(Result):
    """Mean r of the k best genes.

    Parameters
    ----------
    k : int
        Number of genes.
    usual : float
        Genes are ranked on all folds, r is taken within each fold and averaged over folds by their size: genes are
        selected and judged on the same data.
    honest : float
        The same, but the genes of each fold are ranked on the other folds only.
    optimism : float
        ``usual - honest``: the effect of the selection.
    pooled : float
        Mean of r over all slides at once, with genes ranked by it, as is usually reported. It also includes
        differences between folds.
    notes : tuple of str
        What was left out.
    folds : DataFrame
        ``fold, n, usual, honest, shared``: shared is the number of genes in both selections.
    """

    k: int
    usual: float
    honest: float
    optimism: float
    pooled: float
    notes: tuple[str, ...]
    folds: pd.DataFrame = field(metadata={"show": False})


def top_k(predictions: str | Path | Predictions | AnnData, k: int = 1000, *, jobs: int | None = None) -> TopK:
    """Mean correlation of the k best predicted genes, with an estimate free of the optimism of their selection.

    Parameters
    ----------
    predictions : path, Predictions or AnnData
        Out-of-fold predictions: ``obs`` has the ``fold`` in which each slide was tested.
    k : int, default 1000
        Number of genes.
    jobs : int, optional
        Number of threads, one per available core by default.

    Returns
    -------
    TopK

    Raises
    ------
    InputError
        If there are fewer than k genes, no folds, or fewer than 2 folds of at least 4 slides.

    Notes
    -----
    Genes are ranked by r within folds, averaged on Fisher's scale with weights n - 3. Ties keep the order of the
    file.
    """
    data = read_predictions(predictions)
    if not 1 <= k <= len(data.genes):
        raise InputError(
            f"the best {k:,} genes were requested, but there are {counted(len(data.genes), 'gene')}",
            where=data.name,
        )
    if "fold" not in data.obs:
        raise InputError(
            "ranking genes needs folds, and there are none",
            where=f"{data.name}, obs",
            fix="add a column 'fold' to obs",
        )
    sizes = data.obs["fold"].value_counts().sort_index()
    usable = sizes[sizes >= FEWEST_SAMPLES].index
    if len(usable) < 2:
        raise InputError(
            f"{counted(len(usable), 'fold')} with {FEWEST_SAMPLES} slides or more, but 2 are needed",
            where=data.name,
        )
    rows = [(data.obs["fold"] == fold).to_numpy() for fold in usable]
    found = [pearson(data.measured, data.predicted, rows=fold, jobs=jobs) for fold in rows]
    r, weights = np.array([f.r for f in found]), np.maximum([f.n - 3 for f in found], 0)
    everywhere = _best(fisher_mean(r, weights), k)
    lines = []
    for i, fold in enumerate(usable):
        others = np.arange(len(usable)) != i
        elsewhere = _best(fisher_mean(r[others], weights[others]), k)
        shared = len(np.intersect1d(everywhere, elsewhere))
        lines.append((fold, int(sizes[fold]), r[i, everywhere].mean(), r[i, elsewhere].mean(), shared))
    folds = pd.DataFrame(lines, columns=["fold", "n", "usual", "honest", "shared"])
    usual, honest = (float(np.average(folds[column], weights=folds["n"])) for column in ("usual", "honest"))
    pooled = pearson(data.measured, data.predicted, jobs=jobs).r
    left_out = data.n - int(folds["n"].sum())
    notes = (
        f"{counted(left_out, 'slide')} left out: no fold, or one with fewer than {FEWEST_SAMPLES} slides",
    ) * bool(left_out)
    return TopK(k, usual, honest, usual - honest, float(pooled[_best(pooled, k)].mean()), notes, folds)


def per_slide(predictions: str | Path | Predictions | AnnData, *, jobs: int | None = None) -> pd.DataFrame:
    """Correlation over genes within each slide.

    It is high mainly because some genes are high in every slide, which the mean of each gene would predict as well.

    Parameters
    ----------
    predictions : path, Predictions or AnnData
        Anything that `io.read_predictions` reads.
    jobs : int, optional
        Number of threads, one per available core by default.

    Returns
    -------
    DataFrame
        ``slide, patient_id, n, r``: n is the number of genes measured in the slide.
    """
    data = read_predictions(predictions)
    found = pearson(data.measured.T, data.predicted.T, jobs=jobs)
    return pd.DataFrame(
        {
            "slide": data.obs.index,
            "patient_id": data.obs["patient_id"].to_numpy(),
            "n": found.n,
            "r": found.r,
        }
    )


def _best(r: np.ndarray, k: int) -> np.ndarray:
    """Positions of the k largest."""
    return np.argsort(-r, kind="stable")[:k]
