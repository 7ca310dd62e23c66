"""How well predicted pathway scores follow measured ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sequoia_stats.association import benjamini_hochberg, pearson
from sequoia_stats.errors import InputError, listing
from sequoia_stats.sets.collections import GeneSets
from sequoia_stats.sets.gsva.estimator import Gsva, Step
from sequoia_stats.sets.gsva.samples import varying
from sequoia_stats.sets.gsva.settings import SetSource, open_collections
from sequoia_stats.types.predictions import Predictions, as_predictions

if TYPE_CHECKING:
    from anndata import AnnData

#: Columns of the table, in their order.
COLUMNS = ["level", "collection", "set", "size", "genes", "n", "r", "p", "p_bh"]


def pathway_agreement(
    predictions: Predictions | AnnData,
    sets: SetSource | Sequence[SetSource] = "hallmark",
    *,
    by: str | None = None,
    **options: Any,
) -> pd.DataFrame:
    """Correlate scores of predicted expression with scores of measured expression, set by set (figure 3a).

    Predicted and measured values are scored apart, each within the samples of a level, on the same genes: those
    that are measured in all of these samples and vary in both.

    Parameters
    ----------
    predictions : Predictions or AnnData
        Rows are taken as they are; `Predictions.per_patient` gives one a patient.
    sets : str, path, GeneSets, mapping, or sequence of these
        As `Gsva`; one collection or several.
    by : str, optional
        Column of `obs` whose levels are looked at apart, such as the cancer. By default there is one level.
    **options
        Of `Gsva`: kcdf, kernel, engine, tau, max_diff, abs_ranking, min_size, max_size, aliases, threads, progress.

    Returns
    -------
    DataFrame
        A row per level, collection and set: level, collection, set, size (genes of the set that are ranked), genes
        (all that are), n (samples), r (Pearson), p (two-sided), p_bh (Benjamini-Hochberg within the level and
        collection). ``attrs["flow"]`` is the ledger of genes and sets lost: tuples of step, n_before, n_after,
        reason.

    Raises
    ------
    InputError
        If a level has too few samples, genes or sets; as `Gsva`.
    """
    collections = open_collections(sets)
    tables, flow = [], []
    for level, group in as_predictions(predictions).groups(by):
        table, steps = _one_level(group, collections, options)
        table.insert(0, "level", level)
        tables.append(table)
        flow += [(f"{level}, {step}", *rest) for step, *rest in steps]
    result = pd.concat(tables, ignore_index=True)[COLUMNS]
    result.attrs["flow"] = flow
    return result


def _one_level(
    group: Predictions, collections: list[GeneSets], options: dict[str, Any]
) -> tuple[pd.DataFrame, list[Step]]:
    both, steps = _shared_genes(group)
    together, homes = _together(collections)
    scores = []
    for table in both:
        model = Gsva(together, **options)
        scores.append(model.fit_transform(table))
    chosen = model.sets_
    steps += list(model.flow_.itertuples(index=False, name=None))
    found = pearson(*(table.to_numpy() for table in scores))
    result = pd.DataFrame(
        [(*homes[key], len(genes)) for key, genes in chosen.sets.items()],
        columns=["collection", "set", "size"],
    )
    result = result.assign(genes=both[0].shape[1], n=found.n, r=found.r, p=found.p)
    result["p_bh"] = result.groupby("collection")["p"].transform(benjamini_hochberg)
    return result, steps


def _shared_genes(group: Predictions) -> tuple[list[pd.DataFrame], list[Step]]:
    """Predicted and measured values of the genes that are complete and vary in both, and what was left out."""
    measured = np.isfinite(group.measured).all(axis=0)
    kept = np.flatnonzero(measured)
    kept = kept[varying(_by_gene(group.predicted, kept)) & varying(_by_gene(group.measured, kept))]
    n, n_complete = len(group.genes), int(measured.sum())
    if len(kept) < 2:
        raise InputError(
            f"{len(kept)} of {n} genes are measured in all samples and vary in both", where=group.name
        )
    steps: list[Step] = []
    if n_complete < n:
        reason = f"not measured in all samples: {listing(group.genes[~measured], 3)}"
        steps.append(("genes: measured", n, n_complete, reason))
    if len(kept) < n_complete:
        reason = "the others are constant, as predicted or as measured"
        steps.append(("genes: that vary", n_complete, len(kept), reason))
    tables = [
        pd.DataFrame(matrix[:, kept].astype(np.float64), group.obs.index, group.genes[kept])
        for matrix in (group.predicted, group.measured)
    ]
    return tables, steps


def _by_gene(matrix: Any, kept: Any) -> Any:
    return np.ascontiguousarray(matrix[:, kept].T, dtype=np.float64)


def _together(collections: list[GeneSets]) -> tuple[GeneSets, dict[str, tuple[str, str]]]:
    """All sets in one, so that genes are ranked once; the key of each, and the collection and name it stands for."""
    homes = {f"{one.name}\t{name}": (one.name, name) for one in collections for name in one}
    sets = [genes for one in collections for genes in one.sets.values()]
    name = "+".join(one.name for one in collections)
    return GeneSets(name, dict(zip(homes, sets, strict=True))), homes
