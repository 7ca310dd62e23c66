"""Comparison of models, or of cohorts: correlations of the same genes, and which genes are well predicted in each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from sequoia_base.arguments import check_limits, one_of, whole
from sequoia_base.results import Result
from sequoia_stats.association import MethodName, pearson
from sequoia_stats.compare._folds import CORRELATIONS, comparable, models_within_folds, notes_on_networks
from sequoia_stats.compare._samples import AUTO, DIFFERENT, SAME, Paired, Sharing, paired_tests, sharing
from sequoia_stats.compare.cohorts import COHORT_OVERLAPS, cohort_overlaps, group_cohorts, validated_genes
from sequoia_stats.compare.criteria import criteria_of, judged_alike
from sequoia_stats.compare.distributions import ALL, best_genes, describe, genes_of, notes_of
from sequoia_stats.compare.rank_tests import mann_whitney, signed_rank
from sequoia_stats.errors import InputError, counted, listing, part
from sequoia_stats.io import read_predictions
from sequoia_stats.selection import RULES, Selection, well_predicted
from sequoia_stats.sets._hypergeometric import overlap_p_value
from sequoia_stats.types.criteria import needs_untrained
from sequoia_stats.types.predictions import Predictions

if TYPE_CHECKING:
    from anndata import AnnData

ModelSource = str | Path | Predictions | Selection
_LIMIT = 0.05
#: Columns of pairs that models of the same samples have.
_OF_SAME = ("n_better_a", "n_better_b", "median_r_difference_low", "median_r_difference_high")


@dataclass(frozen=True, eq=False)
class Comparison(Result):
    """A comparison of models on the same patients, or of cohorts of different patients.

    Parameters
    ----------
    samples : str
        "same": models of the same patients; "different": cohorts; "mixed": some pairs are cohorts; "unknown":
        selections, which do not name their patients.
    rule : str
        The rule that makes a gene well predicted.
    criteria : tuple of str
        The criteria of the rule that were applied, the same to all models.
    top : int
        Number of best genes of each model that are compared.
    pairs : DataFrame
        A row per pair of models a, b and level, over the n_genes that both have: ``model_a, model_b, level, samples``
        ("same" or "different", empty for selections), ``n_shared`` (patients in both), ``n_genes``, ``correlation_a,
        correlation_b`` (by which a and b are compared: "r", or "r_folds" of a cross-validated cohort beside one without
        folds, where r is that of other networks in every fold), ``median_r_a, median_r_b, r_pearson, r_spearman`` (of r
        of the genes in a and b); Mann-Whitney: ``u`` (of a), ``p_mann_whitney, superiority`` (probability that a gene
        of a has a larger r than a gene of b), ``rank_biserial``; Wilcoxon on the same genes: ``v, n_equal, p_wilcoxon,
        rank_biserial_paired, hodges_lehmann, median_difference`` (a - b); the best genes of each: ``top`` (their
        number), ``top_median_a, top_median_b, top_u, p_top``; ``well_predicted_a, well_predicted_b,
        well_predicted_both, p_overlap`` (hypergeometric); for models of the same samples ``n_better_a, n_better_b``
        (genes whose r differs by the dependent test with BH-adjusted p < 0.05) and ``median_r_difference_low,
        median_r_difference_high`` (95% interval of the difference of the medians, by drawing patients 200 times with
        replacement).
    models : DataFrame
        A row per model and level, over all of its genes: ``model, level, n`` (samples), ``n_genes``, a column per
        criterion of the rule with the number of genes left, ``n_well_predicted, r_mean``, the quantiles ``r_q05, r_q25,
        r_median, r_q75, r_q95``, ``r_folds_median`` (of r within folds), ``top_mean`` (mean r of its best genes),
        ``predicted_by`` ("held-out", "ensemble", "both", "one network", or empty; see `Predictions`).
    genes : DataFrame
        A row per gene and level: ``gene, level``, then ``r_<model>``, with folds ``r_folds_<model>``, and
        ``well_predicted_<model>`` of each model; missing if a model does not have the gene. For two models of the same
        samples ``z_<a>_<b>`` and ``p_bh_<a>_<b>`` of the dependent test; z is above 0 if a is better.
    selections : dict of str to Selection
        The genes of each model with all statistics.
    overlaps : DataFrame
        For cohorts, the genes that are well predicted in each pair and in all, as from `overlap`, by ``level``; files
        that share patients are not paired.
    validated : DataFrame
        For cohorts, the genes that are well predicted in two or more: ``gene, level, n_cohorts, in_all, lowest_r`` and
        the columns of each model in `genes`. A cohort counts once, however many of its models predict the gene well.
    cohorts : tuple of tuple of str
        Models of each cohort: those that share patients are together. Selections are in none.
    notes : tuple of str
        Sentences to report with the result.
    """

    samples: str
    rule: str
    criteria: tuple[str, ...]
    top: int
    pairs: pd.DataFrame
    models: pd.DataFrame
    genes: pd.DataFrame = field(metadata={"show": False})
    selections: Mapping[str, Selection] = field(metadata={"show": False})
    overlaps: pd.DataFrame = field(metadata={"show": False}, default_factory=pd.DataFrame)
    validated: pd.DataFrame = field(metadata={"show": False}, default_factory=pd.DataFrame)
    cohorts: tuple[tuple[str, ...], ...] = field(metadata={"show": False}, default=())
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What was compared, as the heading of a report."""
        return {DIFFERENT: "Cohorts", "mixed": "Models and cohorts"}.get(self.samples, "Models")

    @property
    def conditions(self) -> str:
        """The criteria in words."""
        tested = ", without untrained networks" * (not any(map(needs_untrained, self.criteria)))
        return f"{', '.join(self.criteria)}{tested}"

    @property
    def of_cohorts(self) -> bool:
        """Whether some of the files are of different patients."""
        return len(self.cohorts) > 1

    def to_frame(self) -> pd.DataFrame:
        """The table of pairs."""
        return self.pairs

    def __str__(self) -> str:
        within = ["r_folds_median"] if self.models["r_folds_median"].notna().any() else []
        models = self.models[
            ["model", "level", "n_genes", "n_well_predicted", "r_median", *within, "top_mean", "predicted_by"]
        ]
        columns = [
            "model_a",
            "model_b",
            "level",
            "n_genes",
            "r_spearman",
            "hodges_lehmann",
            "rank_biserial_paired",
        ]
        apart = (self.pairs[list(CORRELATIONS)] == "r_folds").any(axis=None)
        columns[4:4] = CORRELATIONS if apart else ()
        columns += ["p_wilcoxon", "superiority", "p_mann_whitney", "well_predicted_both"]
        columns += ["n_better_a", "n_better_b"] if self.pairs["n_better_a"].notna().any() else []
        known = {
            name: self.pairs[name].where(self.pairs[name].notna(), "")
            for name in ("n_better_a", "n_better_b")
        }
        shown = [models, self.pairs.assign(**known)[columns]]
        shown += [self.overlaps.drop(columns=["genes", "n_lists"])] if self.of_cohorts else []
        tables = [table.to_string(index=False, float_format="{:.4g}".format, na_rep="") for table in shown]
        return "\n\n".join([f"{self.title} compared by the rule {self.rule}: {self.conditions}", *tables])


def compare_models(
    models: Mapping[str, ModelSource | AnnData],
    *,
    rule: str = "paper",
    by: str | None = None,
    top: int = 1000,
    method: str | None = None,
    units: str | None = None,
    samples: str = AUTO,
    jobs: int | None = None,
) -> Comparison:
    """Compare models, or cohorts, pairwise on the genes that both have.

    Models of the same patients are also tested gene by gene: is measured expression equally correlated with both
    predictions? If half of the patients of the smaller file, or more, are in the other, by barcodes or with related
    measured values, two files are of the same patients; otherwise they are cohorts, and the overlap of their
    well-predicted genes is compared with chance, if they share no patient.

    The Mann-Whitney test, used in the paper, treats the correlations of two models as two samples. The signed-rank
    test compares each gene between the models. Both tests treat genes as independent, although they are correlated:
    rely on the effect sizes, and read the p-values as lower bounds.

    Parameters
    ----------
    models : dict of str to path, Predictions, AnnData or Selection
        Two or more models, or cohorts, by name. Selections must have been made with `rule` and `by`.
    rule : str, default "paper"
        As in `sequoia_stats.well_predicted`.
    by : str, optional
        A column of slides, such as the cancer type; models are compared within each level.
    top : int, default 1000
        Number of genes with the largest r of each model that are compared as well, if it has as many. They are
        selected and judged on the same data.
    method, units
        As in `sequoia_stats.well_predicted`.
    samples : {"auto", "same", "different"}
        Whether all files are models of the same patients, or cohorts; found out by default.
    jobs : int, optional
        As in `sequoia_stats.well_predicted`.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        If there are fewer than two models, selections were made with another rule, criteria or levels, two models
        have no gene in common in any level, files that are to be of the same patients share fewer than 4, or as in
        `well_predicted`.
    """
    if len(models) < 2:
        raise InputError(
            f"a comparison needs two or more models, but there is {counted(len(models), 'model')}"
        )
    check_limits(
        {"top": top, "samples": samples}, {"top": whole(1), "samples": one_of((AUTO, SAME, DIFFERENT))}
    )
    options: dict[str, Any] = {"rule": rule, "by": by, "method": method, "units": units, "jobs": jobs}
    predictions: dict[str, Predictions] = {}
    selections: dict[str, Selection] = {}
    for name, source in models.items():
        with _named(name):
            if isinstance(source, Selection):
                selections[name] = _checked(source, rule, by)
            else:
                predictions[name] = replace(read_predictions(source), name=name)  # notes are about this name
    predictions, alike = judged_alike(predictions, rule)
    for name, data in predictions.items():
        with _named(name):
            selections[name] = well_predicted(data, **options)
    selections = {name: selections[name] for name in models}
    criteria = criteria_of(selections)
    table = genes_of(selections)
    chosen = RULES[rule]
    per_patient = (units or chosen.units) != "slides"
    pairs = sharing(predictions, samples=samples, per_patient=per_patient)
    tests = {
        (a, b): paired_tests(
            predictions[a],
            predictions[b],
            by=by,
            per_patient=per_patient,
            method=cast(MethodName, method or chosen.method),
        )
        for (a, b), found in pairs.items()
        if found.samples == SAME and found.measured_alike
    }
    rows = [
        row
        for pair in combinations(selections, 2)
        for row in _pairs(table, *pair, top, pairs.get(pair), tests.get(pair))
    ]
    kinds = {found.samples for found in pairs.values()}
    kind = "mixed" if len(kinds) > 1 else kinds.pop() if kinds else "unknown"
    genes = _side_by_side(table, list(selections), tests)
    same = [pair for pair, found in pairs.items() if found.samples == SAME or found.n_shared]
    cohorts = group_cohorts(list(predictions), same)
    several = len(cohorts) > 1
    notes = [*([alike] if alike else []), *(note for found in pairs.values() for note in found.notes)]
    within_folds = models_within_folds(rows)
    notes += notes_on_networks(rows, predictions)
    notes += _left_out(table, list(selections), "levels", "level")
    notes += _left_out(table, list(selections), "genes", "gene")
    return Comparison(
        samples=kind,
        rule=rule,
        criteria=criteria,
        top=top,
        pairs=_with_gaps(pd.DataFrame(rows), ["n_shared", "n_better_a", "n_better_b"]),
        models=_models(selections, table, top, predictions),
        genes=genes,
        selections=selections,
        overlaps=cohort_overlaps(table, cohorts) if several else pd.DataFrame(columns=COHORT_OVERLAPS),
        validated=validated_genes(genes, cohorts, within_folds) if several else pd.DataFrame(),
        cohorts=cohorts,
        notes=(*notes, *notes_of(selections)),
    )


def _with_gaps(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Whole numbers stay whole where some are missing."""
    whole_numbers = {
        name: pd.Series([None if n != n else int(n) for n in table[name]], table.index, dtype=object)
        for name in columns
        if table[name].isna().any()
    }
    return table.assign(**whole_numbers)


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


def _pairs(
    table: pd.DataFrame, a: str, b: str, top: int, found: Sharing | None, tests: Paired | None
) -> list[dict[str, Any]]:
    """A row for each level that both models have."""
    sides = [dict(list(table[table["model"] == name].groupby("level", sort=False))) for name in (a, b)]
    rows = []
    for level in (str(level) for level in sides[0] if level in sides[1]):
        x, y = (side[level].set_index("gene") for side in sides)
        shared = x.index.intersection(y.index, sort=False)
        if len(shared):
            about = {
                "samples": found.samples if found else "",
                "n_shared": found.n_shared if found else np.nan,
            }
            (u, v), by_which = comparable(x.loc[shared], y.loc[shared], found)
            first = {"model_a": a, "model_b": b, "level": level, **about, "n_genes": len(u)}
            first |= dict(zip(CORRELATIONS, by_which, strict=True))
            row = _compare(u, v, top)
            rows.append(first | row | _better(level, tests))
    if not rows:
        genes = [listing(table.loc[table["model"] == name, "gene"], 3) for name in (a, b)]
        raise InputError(
            f"{a} and {b} have no gene in common in any level",
            where=f"{a} has {genes[0]}; {b} has {genes[1]}",
            fix="names must match exactly",
        )
    return rows


def _better(level: str, tests: Paired | None) -> dict[str, Any]:
    """How many genes each of two models of the same samples predicts better, and the interval of their medians."""
    if tests is None or level not in tests.intervals:
        return dict.fromkeys(
            ("n_better_a", "n_better_b", "median_r_difference_low", "median_r_difference_high"), np.nan
        )
    own = tests.genes[tests.genes["level"] == level]
    told = own.loc[own["p_bh"] < _LIMIT, "z"]
    low, high = tests.intervals[level]
    return {
        "n_better_a": int((told > 0).sum()), "n_better_b": int((told < 0).sum()),
        "median_r_difference_low": low, "median_r_difference_high": high,
    }  # fmt: skip


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
        **{
            f"r_{kind}": float(pearson(u[:, None], v[:, None]).r[0])
            for kind, (u, v) in {"pearson": (r_a, r_b), "spearman": (rankdata(r_a), rankdata(r_b))}.items()
        },
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


def _models(
    selections: Mapping[str, Selection], table: pd.DataFrame, top: int, predictions: Mapping[str, Predictions]
) -> pd.DataFrame:
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
    within = genes["r_folds"].median().rename("r_folds_median")
    made = sizes.join(left).join(well).join(described).join(within).join(best).reset_index()
    by = {name: data.predicted_by for name, data in predictions.items()}
    return made.assign(predicted_by=[by.get(name, "") for name in made["model"]])


def _side_by_side(
    table: pd.DataFrame, models: list[str], tests: Mapping[tuple[str, str], Paired]
) -> pd.DataFrame:
    """A row per gene and level, in order of first appearance."""
    order = pd.MultiIndex.from_frame(table[["gene", "level"]].drop_duplicates())
    columns: dict[str, pd.Series] = {}
    for model in models:
        own = table[table["model"] == model].set_index(["gene", "level"])
        columns[f"r_{model}"] = own["r"].reindex(order)
        if own["r_folds"].notna().any():
            columns[f"r_folds_{model}"] = own["r_folds"].reindex(order)
        columns[f"well_predicted_{model}"] = own["well_predicted"].astype("boolean").reindex(order)
    for (a, b), found in tests.items():
        own = found.genes.set_index(["gene", "level"])
        columns |= {f"{name}_{a}_{b}": own[name].reindex(order) for name in ("z", "p_bh")}
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
