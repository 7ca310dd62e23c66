"""Comparison of models: correlations of the same genes, and which genes each model predicts well."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sequoia_base.arguments import check_limits, whole
from sequoia_base.results import Result
from sequoia_stats.compare.distributions import ALL, best_genes, describe, genes_of, notes_of
from sequoia_stats.compare.rank_tests import mann_whitney, signed_rank
from sequoia_stats.errors import InputError, counted, listing, part
from sequoia_stats.io import read_predictions
from sequoia_stats.selection import Selection, well_predicted
from sequoia_stats.sets._hypergeometric import overlap_p_value
from sequoia_stats.types.predictions import Predictions

if TYPE_CHECKING:
    from anndata import AnnData

ModelSource = str | Path | Predictions | Selection
_BLOCK = 1024  # genes at a time


@dataclass(frozen=True, eq=False)
class Comparison(Result):
    """A comparison of models.

    Parameters
    ----------
    rule : str
        The rule that makes a gene well predicted.
    top : int
        Number of best genes of each model that are compared.
    pairs : DataFrame
        A row per pair of models a, b and level, over the n_genes that both have: ``model_a, model_b, level, n_genes,
        median_r_a, median_r_b``; Mann-Whitney: ``u`` (of a), ``p_mann_whitney, superiority`` (probability that a gene
        of a has a larger r than a gene of b), ``rank_biserial``; Wilcoxon on the same genes: ``v, n_equal,
        p_wilcoxon, rank_biserial_paired, hodges_lehmann, median_difference`` (a - b); the best genes of each:
        ``top`` (their number), ``top_median_a, top_median_b, top_u, p_top``; ``well_predicted_a, well_predicted_b,
        well_predicted_both, p_overlap`` (hypergeometric).
    models : DataFrame
        A row per model and level, over all of its genes: ``model, level, n`` (samples), ``n_genes``, a column per
        criterion of the rule with the number of genes left, ``n_well_predicted, r_mean``, the quantiles ``r_q05,
        r_q25, r_median, r_q75, r_q95``, ``top_mean`` (mean r of its best genes).
    genes : DataFrame
        A row per gene and level: ``gene, level``, then ``r_<model>`` and ``well_predicted_<model>`` of each model;
        missing if a model does not have the gene.
    selections : dict of str to Selection
        The genes of each model with all statistics.
    notes : tuple of str
        Sentences to report with the result.
    """

    rule: str
    top: int
    pairs: pd.DataFrame
    models: pd.DataFrame
    genes: pd.DataFrame = field(metadata={"show": False})
    selections: Mapping[str, Selection] = field(metadata={"show": False})
    notes: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """The table of pairs."""
        return self.pairs

    def __str__(self) -> str:
        models = self.models[["model", "level", "n_genes", "n_well_predicted", "r_median", "top_mean"]]
        columns = [
            "model_a",
            "model_b",
            "level",
            "n_genes",
            "hodges_lehmann",
            "rank_biserial_paired",
            "p_wilcoxon",
        ]
        columns += ["superiority", "p_mann_whitney", "well_predicted_both"]
        tables = [
            table.to_string(index=False, float_format="{:.4g}".format)
            for table in (models, self.pairs[columns])
        ]
        return "\n\n".join([f"Models compared by the rule {self.rule}", *tables])


def compare_models(
    models: Mapping[str, ModelSource | AnnData],
    *,
    rule: str = "paper",
    by: str | None = None,
    top: int = 1000,
    method: str | None = None,
    units: str | None = None,
    jobs: int | None = None,
) -> Comparison:
    """Compare models pairwise on the genes that both have.

    The Mann-Whitney test, used in the paper, treats the correlations of two models as two samples. The signed-rank
    test compares each gene between the models. Both tests treat genes as independent, although they are correlated:
    rely on the effect sizes, and read the p-values as lower bounds.

    Parameters
    ----------
    models : dict of str to path, Predictions, AnnData or Selection
        Two or more models by name. Selections must have been made with `rule` and `by`.
    rule : str, default "paper"
        As in `sequoia_stats.well_predicted`.
    by : str, optional
        A column of slides, such as the cancer type; models are compared within each level.
    top : int, default 1000
        Number of genes with the largest r of each model that are compared as well, if it has as many. They are
        selected and judged on the same data.
    method, units, jobs
        As in `sequoia_stats.well_predicted`.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        If there are fewer than two models, selections were made with another rule or other levels, two models have no
        gene in common in any level, or as in `well_predicted`.
    """
    if len(models) < 2:
        raise InputError(
            f"a comparison needs two or more models, but there is {counted(len(models), 'model')}"
        )
    check_limits({"top": top}, {"top": whole(1)})
    options: dict[str, Any] = {"rule": rule, "by": by, "method": method, "units": units, "jobs": jobs}
    predictions: dict[str, Predictions] = {}
    selections: dict[str, Selection] = {}
    for name, source in models.items():
        with _named(name):
            if isinstance(source, Selection):
                selections[name] = _checked(source, rule, by)
            else:
                predictions[name] = read_predictions(source)
                selections[name] = well_predicted(predictions[name], **options)
    table = genes_of(selections)
    rows = [row for a, b in combinations(selections, 2) for row in _pairs(table, a, b, top)]
    notes = [note for a, b in combinations(predictions, 2) for note in _differences(a, b, predictions)]
    notes += _left_out(table, list(selections), "levels", "level")
    notes += _left_out(table, list(selections), "genes", "gene")
    return Comparison(
        rule=rule,
        top=top,
        pairs=pd.DataFrame(rows),
        models=_models(selections, table, top),
        genes=_side_by_side(table, list(selections)),
        selections=selections,
        notes=(*notes, *notes_of(selections)),
    )


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Name the model in an error that does not name it."""
    try:
        yield
    except InputError as error:
        if name not in error.where:
            error.where = f"{name}: {error.where}" if error.where else name
        raise


def _checked(selection: Selection, rule: str, by: str | None) -> Selection:
    if (selection.rule, selection.by) != (rule, by):
        raise InputError(
            f"the genes were judged by the rule {selection.rule} {_by_levels(selection.by)}, "
            f"not by {rule} {_by_levels(by)}",
            fix="judge all models in the same way",
        )
    return selection


def _by_levels(by: str | None) -> str:
    return f"by levels of {by}" if by else "without levels"


def _pairs(table: pd.DataFrame, a: str, b: str, top: int) -> list[dict[str, Any]]:
    """A row for each level that both models have."""
    sides = [dict(list(table[table["model"] == name].groupby("level", sort=False))) for name in (a, b)]
    rows = []
    for level in (level for level in sides[0] if level in sides[1]):
        x, y = (side[level].set_index("gene") for side in sides)
        shared = x.index.intersection(y.index, sort=False)
        if len(shared):
            row = _compare(x.loc[shared], y.loc[shared], top)
            rows.append({"model_a": a, "model_b": b, "level": level, "n_genes": len(shared), **row})
    if not rows:
        genes = [listing(table.loc[table["model"] == name, "gene"], 3) for name in (a, b)]
        raise InputError(
            f"{a} and {b} have no gene in common in any level",
            where=f"{a} has {genes[0]}; {b} has {genes[1]}",
            fix="names must match exactly",
        )
    return rows


def _compare(x: pd.DataFrame, y: pd.DataFrame, top: int) -> dict[str, Any]:
    """The statistics of two models on the same genes."""
    r_a, r_b = x["r"].to_numpy(), y["r"].to_numpy()
    apart, paired = mann_whitney(r_a, r_b), signed_rank(r_a, r_b)
    best_a, best_b = (np.sort(r)[::-1][:top] for r in (r_a, r_b))
    best = mann_whitney(best_a, best_b)
    well_a, well_b = x["well_predicted"].to_numpy(dtype=bool), y["well_predicted"].to_numpy(dtype=bool)
    both = int((well_a & well_b).sum())
    return {
        "median_r_a": float(np.median(r_a)), "median_r_b": float(np.median(r_b)),
        "u": apart.statistic, "p_mann_whitney": apart.p, "superiority": apart.superiority,
        "rank_biserial": apart.rank_biserial,
        "v": paired.statistic, "n_equal": paired.n_zero, "p_wilcoxon": paired.p,
        "rank_biserial_paired": paired.rank_biserial, "hodges_lehmann": paired.hodges_lehmann,
        "median_difference": paired.median_difference,
        "top": len(best_a), "top_median_a": float(np.median(best_a)), "top_median_b": float(np.median(best_b)),
        "top_u": best.statistic, "p_top": best.p,
        "well_predicted_a": int(well_a.sum()), "well_predicted_b": int(well_b.sum()), "well_predicted_both": both,
        "p_overlap": float(overlap_p_value(both, len(x), int(well_a.sum()), int(well_b.sum()))),
    }  # fmt: skip


def _models(selections: Mapping[str, Selection], table: pd.DataFrame, top: int) -> pd.DataFrame:
    """A row per model and level."""
    keys = ["model", "level"]
    counts = pd.concat(
        [
            selection.counts.assign(
                model=name, level=ALL if selection.by is None else selection.counts["level"]
            )
            for name, selection in selections.items()
        ]
    )
    criteria = [c for c in dict.fromkeys(counts["criterion"]) if c != "tested"]
    left = counts.pivot(index=keys, columns="criterion", values="n_left")[criteria]
    genes = table.groupby(keys, sort=False)
    sizes = genes.agg(n=("n", "max"), n_genes=("gene", "size"))
    well = genes["well_predicted"].sum().rename("n_well_predicted")
    best = best_genes(table, top).groupby(keys, sort=False)["r"].mean().rename("top_mean")
    described = describe(table).drop(columns="n")
    return sizes.join(left).join(well).join(described).join(best).reset_index()


def _side_by_side(table: pd.DataFrame, models: list[str]) -> pd.DataFrame:
    """A row per gene and level, in order of first appearance."""
    order = pd.MultiIndex.from_frame(table[["gene", "level"]].drop_duplicates())
    columns: dict[str, pd.Series] = {}
    for model in models:
        own = table[table["model"] == model].set_index(["gene", "level"])
        columns[f"r_{model}"] = own["r"].reindex(order)
        columns[f"well_predicted_{model}"] = own["well_predicted"].astype("boolean").reindex(order)
    return pd.DataFrame(columns).reset_index()


def _left_out(table: pd.DataFrame, models: list[str], what: str, column: str) -> list[str]:
    """Notes on genes or levels that are not in all models."""
    everywhere = [set(table.loc[table["model"] == model, column]) for model in models]
    shared = set.intersection(*everywhere)
    return [
        f"{part(len(own - shared), len(own), f'{what[:-1]} of {model}', 'are', f'{what} of {model}')} "
        f"not in all models: {listing(sorted(own - shared), 3)}"
        for model, own in zip(models, everywhere, strict=True)
        if own - shared
    ]


def _differences(a: str, b: str, predictions: Mapping[str, Predictions]) -> Iterable[str]:
    """Notes if two models were judged on different slides or against different measured values."""
    x, y = predictions[a], predictions[b]
    slides, genes = (
        x.obs.index.intersection(y.obs.index, sort=False),
        x.genes.intersection(y.genes, sort=False),
    )
    if len(slides) < max(x.n, y.n):
        yield (
            f"{a} and {b} were judged on different slides ({x.n} and {y.n}, with {len(slides)} in common), "
            "which may explain differences"
        )
    if len(slides) and not _same_measured(x, y, slides, genes):
        yield f"{a} and {b} were judged against different measured values for the same slides"


def _same_measured(x: Predictions, y: Predictions, slides: pd.Index, genes: pd.Index) -> bool:
    rows = [data.obs.index.get_indexer(slides) for data in (x, y)]
    for start in range(0, len(genes), _BLOCK):
        block = genes[start : start + _BLOCK]
        p, q = (
            data.measured[np.ix_(row, data.genes.get_indexer(block))]
            for data, row in zip((x, y), rows, strict=True)
        )
        if not np.allclose(p, q, rtol=1e-5, atol=1e-6, equal_nan=True):
            return False
    return True
