"""What a comparison compared and found, in words: sentences, captions of its figures, and notes."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import pandas as pd

from sequoia_stats.compare.distributions import ALL
from sequoia_stats.compare.models import Comparison
from sequoia_stats.compare.subgroups import Subgroups
from sequoia_stats.errors import counted, listing

_MOST = 12  # sentences of a kind; the tables have the rest


def comparison_summary(comparison: Comparison, subgroups: dict[str, Subgroups] | None = None) -> str:
    """The summary of a comparison as Markdown.

    Parameters
    ----------
    comparison : Comparison
        What was compared.
    subgroups : dict of str to Subgroups, optional
        Each model judged in subgroups, by the name of the model.

    Returns
    -------
    str
        A heading and sentences, then captions of the figures ``r_all``, ``r_top``, ``criteria`` and, for cohorts,
        ``overlap``, then the notes.
    """
    what = comparison.title
    names = list(comparison.selections)
    sections = [
        f"# {what} compared: {listing(names, len(names))}",
        f"All are judged by the rule {comparison.rule}: {comparison.conditions}.",
        _bullets(_of_models(comparison)),
        f"## {what} side by side\n\n{_bullets(_of_pairs(comparison))}",
    ]
    if comparison.of_cohorts:
        sections.append(f"## Well-predicted genes of several cohorts\n\n{_bullets(_of_overlaps(comparison))}")
    for name, found in (subgroups or {}).items():
        sections.append(f"## {name}, by {found.column}\n\n{_bullets(_of_subgroups(found))}")
    sections.append(f"## Figures\n\n{_bullets(_captions(comparison, what.lower()))}")
    notes = [*comparison.notes, *(note for found in (subgroups or {}).values() for note in found.notes)]
    if notes:
        sections.append(f"## Notes\n\n{_bullets(list(dict.fromkeys(notes)), most=len(notes))}")
    return "\n\n".join(sections) + "\n"


def _bullets(sentences: list[str], most: int = _MOST) -> str:
    left = len(sentences) - most
    return "\n".join(
        [*(f"- {one}" for one in sentences[:most]), *[f"- {left} more are in the tables"] * (left > 0)]
    )


def _at(level: object) -> str:
    return "" if level == ALL else f"{level}: "


def _p(value: float) -> str:
    return f"p = {value:.2g}" if value > 0 else "p < 1e-307"  # smaller than any number


def _of_models(comparison: Comparison) -> list[str]:
    sentences = []
    for row in comparison.models.to_dict("records"):
        units = "patients" if comparison.selections[row["model"]].units == "patients" else "slides"
        sentences.append(
            f"{_at(row['level'])}{row['model']}: {row['n']:,} {units}, {row['n_well_predicted']:,} of "
            f"{counted(row['n_genes'], 'gene')} well predicted by the rule {comparison.rule}; "
            f"median r {row['r_median']:.3f}{_networks(row)}"
        )
    return sentences


def _networks(row: dict[Hashable, Any]) -> str:
    """How a model was judged, where it is known."""
    within = f" ({row['r_folds_median']:.3f} within folds)" if pd.notna(row["r_folds_median"]) else ""
    return within + (
        f"; {row['predicted_by']} predictions" if row["predicted_by"] in ("held-out", "ensemble") else ""
    )


def _r(row: dict[Hashable, Any], side: str) -> str:
    """The median of the correlations by which a model is compared."""
    within = " within folds" * (row[f"correlation_{side}"] == "r_folds")
    return f"{row[f'median_r_{side}']:.3f}{within}"


def _of_pairs(comparison: Comparison) -> list[str]:
    sentences = []
    for row in comparison.pairs.to_dict("records"):
        a, b = row["model_a"], row["model_b"]
        sentence = (
            f"{_at(row['level'])}{a} and {b} have {counted(row['n_genes'], 'gene')} in common: "
            f"median r {_r(row, 'a')} and {_r(row, 'b')} "
            f"(Mann-Whitney {_p(row['p_mann_whitney'])}; on the same genes Wilcoxon {_p(row['p_wilcoxon'])}, "
            f"difference {row['hodges_lehmann']:+.3f}); Spearman correlation of their r {row['r_spearman']:.2f}"
        )
        if pd.notna(row["n_better_a"]):
            sentence += (
                f"; on the same samples {counted(row['n_better_a'], 'gene is', 'genes are')} better in {a}, "
                f"{row['n_better_b']:,} in {b} (BH-adjusted p < 0.05), and the difference of the medians lies between "
                f"{row['median_r_difference_low']:+.3f} and {row['median_r_difference_high']:+.3f} (95%, over patients)"
            )
        sentences.append(sentence)
    return sentences


def _of_overlaps(comparison: Comparison) -> list[str]:
    n, everywhere = len(comparison.validated), int(comparison.validated["in_all"].sum())
    cohorts = comparison.cohorts
    both = (
        f"two or more cohorts, {everywhere:,} of them in all {len(cohorts)}"
        if len(cohorts) > 2
        else "both cohorts"
    )
    sentences = [f"`validated.csv` lists {counted(n, 'gene')} well predicted in {both}"]
    if any(len(one) > 1 for one in cohorts):
        named = "; ".join(" and ".join(one) for one in cohorts)
        sentences[0] += f" (files that share patients count as one: {named})"
    for row in comparison.overlaps.to_dict("records"):
        sizes = " and ".join(f"{int(size):,}" for size in row["sizes"].split(";"))
        tested = "both" if row["n_lists"] == 2 else "all"
        sentences.append(
            f"{_at(row['level'])}{row['lists']}: {row['overlap']:,} shared of {sizes}, "
            f"among {counted(row['universe'], 'gene')} tested in {tested}; {row['expected']:,.1f} expected by chance, "
            f"{_p(row['p'])}"
        )
    return sentences


def _of_subgroups(found: Subgroups) -> list[str]:
    return [
        f"{row['level']}: {row['n']:,} slides of {counted(row['n_patients'], 'patient')}, "
        f"{row['n_well_predicted']:,} of {counted(row['n_genes'], 'gene')} well predicted; "
        f"median r {row['r_median']:.3f}"
        for row in found.table.to_dict("records")
    ]


def _captions(comparison: Comparison, what: str) -> list[str]:
    pairs = comparison.pairs
    apart = (pairs[["correlation_a", "correlation_b"]] == "r_folds").to_numpy().any()
    pooled = "; of cross-validated cohorts, pooled over folds" * bool(apart)
    captions = [
        f"`r_all`: correlation of predicted and measured expression, all genes of the {what}; above, how many are "
        f"well predicted by the rule {comparison.rule}{pooled}",
        f"`r_top`: the same of the {comparison.top:,} genes with the largest r in each of the {what}, which are "
        "selected and judged on the same data",
        "`criteria`: genes left after each criterion of the rule",
    ]
    if comparison.of_cohorts:
        captions.append(
            "`overlap`: well-predicted genes that cohorts share (bars), and that independent lists would (marks); p "
            "is hypergeometric, and a lower bound, since genes are correlated"
        )
    return captions
