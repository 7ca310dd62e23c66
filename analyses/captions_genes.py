"""Captions of the figures on genes. Each function returns sentences; every number in them comes from a result."""

from __future__ import annotations

from collections.abc import Sequence

import noise_model

from sequoia_stats import Selection
from sequoia_stats.compare import Comparison, Distribution, Downsampling, SampleSize
from sequoia_stats.errors import counted
from sequoia_stats.plots import text
from sequoia_stats.selection import RULES


def simulated(simulations: Sequence[dict]) -> str:
    """What the predictions are, as a sentence for a caption."""
    note = noise_model.note([one["source"] for one in simulations])
    return f"{note[0].upper()}{note[1:]}."


def violins(correlations: Distribution, selection: Selection, simulations: Sequence[dict]) -> list[str]:
    """Caption of the correlations of all genes."""
    counts = correlations.summary
    parts = [
        f"{row.level} {row.n_well_predicted:,} of {counted(row.n_genes, 'gene')}"
        for row in counts.itertuples()
    ]
    return [
        "Correlation of predicted with measured expression of every gene, by cohort; above, the number of genes that "
        f"are well predicted by {RULES[selection.rule].title}: {', '.join(parts)}.",
        "Boxes: quartiles and median; whiskers: 5th to 95th percentile.",
        criteria_of(selection),
        simulated(simulations),
    ]


def criteria(selection: Selection, simulations: Sequence[dict]) -> list[str]:
    """Caption of the genes left after each criterion."""
    return [
        f"Genes left after each criterion of {RULES[selection.rule].title}, applied one after the other.",
        criteria_of(selection),
        simulated(simulations),
    ]


def criteria_of(selection: Selection) -> str:
    """The test, its units, and the genes over which p-values are adjusted."""
    test = {"steiger": "Steiger's Z", "williams": "Williams' t"}.get(selection.method, selection.method)
    side = {"two-sided": "two-sided", "greater": "one-sided", "absolute": "one-tailed on its absolute value"}
    return (
        f"Correlations with the trained and the untrained network compared by {test}, {side[selection.alternative]}; "
        f"units: {selection.units}; Benjamini-Hochberg over all genes of a cohort."
    )


def sample_size(size: SampleSize, selection: Selection, simulations: Sequence[dict]) -> list[str]:
    """Caption of the numbers against sample size."""
    n = len(size.table)
    return [
        f"Genes that are well predicted by {RULES[selection.rule].title} against the number of {selection.units}.",
        f"There are only {counted(n, 'cohort')}, and they differ in the genes measured: a trend means little.",
        simulated(simulations),
    ]


def downsampling(smaller: Downsampling, simulations: Sequence[dict]) -> list[str]:
    """Caption of the numbers in subsets of the patients."""
    draws = int(smaller.summary["repeats"].max())
    return [
        f"Genes that are well predicted by {RULES[smaller.rule].title} in random subsets of the patients "
        f"({counted(draws, 'draw')} each; the line connects the medians), and in all patients.",
        "Fewer patients are used to judge the genes; the training is unchanged.",
        simulated(simulations),
    ]


def models(
    top: Distribution,
    comparisons: Sequence[Comparison],
    simulations: Sequence[dict],
    settings: Sequence[dict],
) -> list[str]:
    """Caption of the comparison of models."""
    levels = [f"times {model['factor']:g} ({model['name']})" for model in settings]
    pairs = [
        f"{row.level} median difference {text.number(row.hodges_lehmann, 3)}, "
        f"Wilcoxon {text.p_statement(row.p_wilcoxon)}, Mann-Whitney {text.p_statement(row.p_mann_whitney)}"
        for one in comparisons
        for row in one.pairs.itertuples()
    ]
    return [
        f"Correlation of the {top.top:,} best predicted genes of each model and cohort; above, the number of genes "
        f"that are well predicted by {RULES[comparisons[0].rule].title}. Boxes: quartiles and median; whiskers: 5th to "
        "95th percentile.",
        f"The models are noise levels, not networks: target correlations {' and '.join(levels)}.",
        f"Over all genes (Hodges-Lehmann): {'; '.join(pairs)}. Genes are not independent, so p-values are too small.",
        simulated(simulations),
    ]
