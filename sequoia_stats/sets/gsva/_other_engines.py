"""Other implementations of GSVA, for comparison: gseapy and R."""

from __future__ import annotations

from collections.abc import Callable
from importlib import metadata

import numpy as np
import pandas as pd

from sequoia_base.arguments import count_jobs
from sequoia_stats import rbridge
from sequoia_stats.errors import InputError, counted, listing
from sequoia_stats.sets.gsva.reference import Settings
from sequoia_stats.types.arrays import Floats

#: Takes genes × samples, gene names, sets, options and jobs; returns samples × sets and software versions.
Engine = Callable[
    [Floats, pd.Index, dict[str, tuple[str, ...]], Settings, int | None], tuple[Floats, dict[str, str]]
]
_WORDS = {"gaussian": "Gaussian", "poisson": "Poisson", "none": "none"}


def score_with_gseapy(
    values: Floats,
    genes: pd.Index,
    sets: dict[str, tuple[str, ...]],
    settings: Settings,
    jobs: int | None,
) -> tuple[Floats, dict[str, str]]:
    """Scores by ``gseapy.gsva``.

    Raises
    ------
    InputError
        If gseapy gives no score for a set.
    """
    import gseapy

    samples = [str(i) for i in range(values.shape[1])]
    result = gseapy.gsva(
        data=pd.DataFrame(values, genes, samples),
        gene_sets={name: list(members) for name, members in sets.items()},
        outdir=None,
        kcdf=_WORDS[settings.kcdf],
        weight=settings.tau,
        mx_diff=settings.max_diff,
        abs_ranking=settings.abs_ranking,
        min_size=1,
        max_size=len(genes),
        threads=count_jobs(jobs),
    ).res2d
    scores = result.pivot(index="Name", columns="Term", values="ES").reindex(
        index=samples, columns=list(sets)
    )
    if len(left_out := scores.columns[scores.isna().any()]):
        raise InputError(
            f"gseapy gave no score for {counted(len(left_out), 'set')}", where=listing(left_out, 5)
        )
    return scores.to_numpy(np.float64), {"gseapy": metadata.version("gseapy")}


def score_with_r(
    values: Floats,
    genes: pd.Index,
    sets: dict[str, tuple[str, ...]],
    settings: Settings,
    jobs: int | None,
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


#: The engines besides our own, by name.
OTHER_ENGINES: dict[str, Engine] = {"gseapy": score_with_gseapy, "r": score_with_r}
