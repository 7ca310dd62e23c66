"""The correlation of the best predicted genes, with and without choosing them where they are judged; and of slides."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sequoia_base.results import Result
from sequoia_stats.association import fisher_mean, pearson
from sequoia_stats.errors import InputError
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
        Genes ranked on all folds, r within each fold, averaged over folds by their size: chosen where judged.
    honest : float
        The same with the genes of each fold ranked on the other folds alone.
    optimism : float
        ``usual - honest``: what the choice alone adds.
    pooled : float
        Mean of r over all slides at once, genes ranked by it: what is usually printed. It also holds what differs
        between folds.
    notes : tuple of str
        What was left out.
    folds : DataFrame
        ``fold, n, usual, honest, shared``: shared is the number of genes that both choices have.
    """

    k: int
    usual: float
    honest: float
    optimism: float
    pooled: float
    notes: tuple[str, ...]
    folds: pd.DataFrame = field(metadata={"show": False})


def top_k(predictions: str | Path | Predictions | AnnData, k: int = 1000, *, jobs: int | None = None) -> TopK:
    """Mean correlation of the k best predicted genes, beside an estimate without the optimism of choosing them.

    Parameters
    ----------
    predictions : path, Predictions or AnnData
        Of out-of-fold predictions: ``obs`` names the ``fold`` in which a slide was tested.
    k : int, default 1000
        How many genes.
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
    Genes are ranked by r within folds, averaged on Fisher's scale with the weights n - 3; ties keep the order of the
    file.
    """
    data = read_predictions(predictions)
    if not 1 <= k <= len(data.genes):
        raise InputError(
            f"there are {len(data.genes)} genes, and the best {k} are asked for", where=data.name
        )
    if "fold" not in data.obs:
        raise InputError(
            "there are no folds to rank genes in", where=f"{data.name}, obs", fix="add a column 'fold' to obs"
        )
    sizes = data.obs["fold"].value_counts().sort_index()
    usable = sizes[sizes >= FEWEST_SAMPLES].index
    if len(usable) < 2:
        raise InputError(
            f"{len(usable)} folds have {FEWEST_SAMPLES} slides or more, and 2 are needed", where=data.name
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
    notes = (f"{left_out} slides are in no fold of {FEWEST_SAMPLES} or more, and left out",) * bool(left_out)
    return TopK(k, usual, honest, usual - honest, float(pooled[_best(pooled, k)].mean()), notes, folds)


def per_slide(predictions: str | Path | Predictions | AnnData, *, jobs: int | None = None) -> pd.DataFrame:
    """Correlation over genes within each slide.

    Most of it is that some genes are high in every slide, which the mean of each gene predicts as well.

    Parameters
    ----------
    predictions : path, Predictions or AnnData
        Whatever `io.read_predictions` takes.
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
