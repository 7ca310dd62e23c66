"""Agreement of predicted with measured pathway scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sequoia_base.arguments import ProgressBar
from sequoia_base.flow import Flow
from sequoia_stats.association import benjamini_hochberg, pearson
from sequoia_stats.errors import InputError, listing, part
from sequoia_stats.sets.collections import GeneSets
from sequoia_stats.sets.collections.bundled import SetSource, open_collections
from sequoia_stats.sets.gsva.samples import varying
from sequoia_stats.sets.gsva.scorer import Gsva
from sequoia_stats.types.predictions import Predictions, as_predictions

if TYPE_CHECKING:
    from anndata import AnnData

#: Columns of the table, in their order.
_COLUMNS = ["level", "collection", "set", "size", "genes", "n", "r", "p", "p_bh"]


def pathway_agreement(
    predictions: Predictions | AnnData,
    sets: SetSource | Sequence[SetSource] = "hallmark",
    *,
    by: str | None = None,
    progress: ProgressBar | None = None,
    **options: Any,
) -> pd.DataFrame:
    """Correlate scores of predicted expression with scores of measured expression, set by set (figure 3a).

    Predicted and measured values are scored separately within each level, on the same genes: those that are
    measured in all samples of the level and vary in both.

    Parameters
    ----------
    predictions : Predictions or AnnData
        Rows are used as they are; `Predictions.per_patient` gives one row per patient.
    sets : str, path, GeneSets, mapping, or sequence of these
        One or several collections, as in `Gsva`.
    by : str, optional
        Column of `obs`, such as the cancer type, whose levels are analysed separately. One level by default.
    progress : callable, optional
        As in `Gsva.fit_transform`; called for each scoring.
    **options
        Options of `Gsva`: kcdf, kernel, engine, tau, max_diff, abs_ranking, min_size, max_size, aliases, jobs.

    Returns
    -------
    DataFrame
        One row per level, collection and set: level, collection, set, size (ranked genes of the set), genes (all
        ranked genes), n (samples), r (Pearson), p (two-sided), p_bh (Benjamini-Hochberg within the level and
        collection). ``attrs["flow"]`` is the ledger of genes and sets lost: tuples of step, n_before, n_after,
        reason.

    Raises
    ------
    InputError
        If a level has too few samples, genes or sets, or as in `Gsva`.
    """
    collections = open_collections(sets)
    tables, flow = [], Flow()
    for level, group in as_predictions(predictions).groups(by):
        table, steps = _one_level(group, collections, options, progress)
        table.insert(0, "level", level)
        tables.append(table)
        flow.extend(step._replace(step=f"{level}, {step.step}") for step in steps)
    result = pd.concat(tables, ignore_index=True)[_COLUMNS]
    result.attrs["flow"] = list(flow)
    return result


def _one_level(
    group: Predictions, collections: list[GeneSets], options: dict[str, Any], progress: ProgressBar | None
) -> tuple[pd.DataFrame, Flow]:
    both, flow = _shared_genes(group)
    together, homes = _together(collections)
    scores = []
    for table in both:
        model = Gsva(together, **options)
        scores.append(model.fit_transform(table, progress=progress))
    chosen = model.sets_
    flow.extend(Flow.of(model.flow_))
    found = pearson(*(table.to_numpy() for table in scores))
    result = pd.DataFrame(
        [(*homes[key], len(genes)) for key, genes in chosen.sets.items()],
        columns=["collection", "set", "size"],
    )
    result = result.assign(genes=both[0].shape[1], n=found.n, r=found.r, p=found.p)
    result["p_bh"] = result.groupby("collection")["p"].transform(benjamini_hochberg)
    return result, flow


def _shared_genes(group: Predictions) -> tuple[list[pd.DataFrame], Flow]:
    """Predicted and measured values of the genes that are complete and vary in both, and the genes lost."""
    measured = np.isfinite(group.measured).all(axis=0)
    kept = np.flatnonzero(measured)
    kept = kept[varying(_by_gene(group.predicted, kept)) & varying(_by_gene(group.measured, kept))]
    n, n_complete = len(group.genes), int(measured.sum())
    if len(kept) < 2:
        raise InputError(
            f"{part(len(kept), n, 'gene', 'are')} measured in all samples and not constant", where=group.name
        )
    flow = Flow()
    if n_complete < n:
        reason = f"not measured in all samples: {listing(group.genes[~measured], 3)}"
        flow.add("genes: measured", n, n_complete, reason)
    if len(kept) < n_complete:
        flow.add("genes: that vary", n_complete, len(kept), "predicted or measured values are constant")
    tables = [
        pd.DataFrame(matrix[:, kept].astype(np.float64), group.obs.index, group.genes[kept])
        for matrix in (group.predicted, group.measured)
    ]
    return tables, flow


def _by_gene(matrix: Any, kept: Any) -> Any:
    return np.ascontiguousarray(matrix[:, kept].T, dtype=np.float64)


def _together(collections: list[GeneSets]) -> tuple[GeneSets, dict[str, tuple[str, str]]]:
    """All sets as one collection, so that genes are ranked once; collection and name of each by its key."""
    homes = {f"{one.name}\t{name}": (one.name, name) for one in collections for name in one}
    sets = [genes for one in collections for genes in one.sets.values()]
    name = "+".join(one.name for one in collections)
    return GeneSets(name, dict(zip(homes, sets, strict=True))), homes
