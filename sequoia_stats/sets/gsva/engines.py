"""Other implementations of GSVA, for comparison: gseapy, and R itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import metadata

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.kernels import count_threads
from sequoia_stats import rbridge
from sequoia_stats.errors import InputError
from sequoia_stats.sets.gsva.settings import Settings

Floats = NDArray[np.float64]
#: Takes genes × samples, names of genes, sets by name, settings, threads; gives samples × sets and versions.
Engine = Callable[
    [Floats, pd.Index, dict[str, list[str]], Settings, int | None], tuple[Floats, dict[str, str]]
]
_WORDS = {"gaussian": "Gaussian", "poisson": "Poisson", "none": "none"}


def score_with_gseapy(
    values: Floats,
    genes: pd.Index,
    sets: dict[str, list[str]],
    settings: Settings,
    threads: int | None,
) -> tuple[Floats, dict[str, str]]:
    """Scores by ``gseapy.gsva``.

    Raises
    ------
    InputError
        If gseapy leaves a set out.
    """
    import gseapy

    samples = [str(i) for i in range(values.shape[1])]
    result = gseapy.gsva(
        data=pd.DataFrame(values, genes, samples),
        gene_sets=sets,
        outdir=None,
        kcdf=_WORDS[settings.kcdf],
        weight=settings.tau,
        mx_diff=settings.max_diff,
        abs_ranking=settings.abs_ranking,
        min_size=1,
        max_size=len(genes),
        threads=count_threads(threads),
    ).res2d
    scores = result.pivot(index="Name", columns="Term", values="ES").reindex(
        index=samples, columns=list(sets)
    )
    _refuse_holes(scores.columns[scores.isna().any()], "gseapy")
    return scores.to_numpy(np.float64), {"gseapy": metadata.version("gseapy")}


def score_with_r(
    values: Floats,
    genes: pd.Index,
    sets: dict[str, list[str]],
    settings: Settings,
    threads: int | None,
) -> tuple[Floats, dict[str, str]]:
    """Scores by R's GSVA, on one core.

    Raises
    ------
    RUnavailableError
        If R or GSVA is missing.
    """
    rbridge.require("GSVA")
    positions = genes.get_indexer(pd.Index([gene for members in sets.values() for gene in members])) + 1
    scores = rbridge.call(
        "gsva.R",
        "gsva_scores",
        values=values,
        members=positions.astype(np.int32),
        sizes=np.array([len(members) for members in sets.values()], dtype=np.int32),
        kcdf=_WORDS[settings.kcdf],
        tau=settings.tau,
        max_diff=settings.max_diff,
        abs_ranking=settings.abs_ranking,
    )
    return np.reshape(scores, (len(sets), values.shape[1])).T, rbridge.versions(("GSVA",))


#: The engines beside our own.
ENGINES: dict[str, Engine] = {"gseapy": score_with_gseapy, "r": score_with_r}


def _refuse_holes(left_out: Sequence[str] | pd.Index, engine: str) -> None:
    if len(left_out):
        raise InputError(f"{engine} gave no score for {len(left_out)} sets", where=", ".join(left_out[:5]))
