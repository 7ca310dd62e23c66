"""Captions of the figures on gene sets. Each function returns sentences; every number in them comes from a result."""

from __future__ import annotations

from collections.abc import Sequence

import captions
import pandas as pd
from captions_genes import simulated

from sequoia_stats import Signature
from sequoia_stats.errors import counted
from sequoia_stats.selection import RULES
from sequoia_stats.sets.collections import GeneSets


def heatmap(about: dict, simulations: Sequence[dict]) -> list[str]:
    """Caption of figures 3b and 3d."""
    return [
        f"{tested(about)}, with the number of genes that list and set share; colour: adjusted p.",
        merging(about),
        test_of(about),
        simulated(simulations),
        about["notice"] and f"{about['notice']}.",
    ]


def circos(about: dict, simulations: Sequence[dict]) -> list[str]:
    """Caption of figures 3c and 3e."""
    return [
        f"Cohorts and the gene sets enriched among their well-predicted genes ({about['source']}, adjusted p below "
        "0.05); ribbons are as wide as the number of genes that list and set share.",
        merging(about),
        simulated(simulations),
        about["notice"] and f"{about['notice']}.",
    ]


def control(about: dict, simulations: Sequence[dict]) -> list[str]:
    """Caption of the negative control."""
    return [
        f"Gene sets ({about['source']}) among the well-predicted genes of each cohort, and among the same number of "
        "genes with the lowest correlation. Enrichment among the latter has other reasons than "
        "prediction.",
        test_of(about),
        simulated(simulations),
        about["notice"] and f"{about['notice']}.",
    ]


def signature_pathways(
    signature: Signature,
    table: pd.DataFrame,
    links: pd.DataFrame,
    collections: Sequence[GeneSets],
    settings: dict,
) -> list[str]:
    """Caption of figure 4d."""
    held, drawn = links["target"].nunique(), min(links["target"].nunique(), settings["shown"])
    with_set = links["source"].nunique()
    found = int((table["p_bh"] < 0.05).sum()) if len(table) else 0
    sources = " and ".join(sets.source for sets in collections)
    notices = dict.fromkeys(sets.notice for sets in collections if sets.notice)
    return [
        f"Genes of the signature and the gene sets that hold them ({sources}): {with_set} of "
        f"{counted(len(signature.genes), 'gene')} are in {counted(held, 'set')}"
        f"{f'; {drawn} are drawn' if drawn < held else ''}.",
        f"Among the {counted(signature.training['n_candidates'], 'candidate gene')} of the training cohort, "
        f"{counted(found, 'set is', 'sets are')} enriched at an adjusted p below 0.05 (one-sided "
        "hypergeometric test, Benjamini-Hochberg per collection).",
        "A ribbon shows that a gene belongs to a set, not that the set is active.",
        *captions.training(signature),
        *(f"{notice}." for notice in notices),
    ]


def agreement(
    table: pd.DataFrame, settings: dict, sources: Sequence[str], simulations: Sequence[dict]
) -> list[str]:
    """Caption of figure 3a."""
    return [
        "Correlation, over patients, between pathway scores (GSVA) of predicted and of measured expression; "
        f"one point per gene set and cohort, {len(table):,} in total "
        f"({'; '.join(sources)}). Boxes: quartiles and median; whiskers: 5th to 95th percentile.",
        "Scored within each cohort, separately for predicted and measured expression, with kcdf "
        f"{settings['kcdf']}, kernel {settings['kernel']}; sets of "
        f"{settings['min_size']} to {settings['max_size']} genes; slides of a patient averaged.",
        simulated(simulations),
    ]


def tested(about: dict) -> str:
    """Which sets are drawn, and how many are enriched."""
    return (
        f"Gene sets enriched among the genes that are well predicted by {RULES[about['rule']].title}: "
        f"{about['sets_enriched']:,} of {counted(about['sets_tested'], 'set')} of {about['source']} in at least one "
        "cohort"
    )


def merging(about: dict) -> str:
    """The rule by which similar sets became one row."""
    measure = {"jaccard": "Jaccard index", "overlap": "overlap coefficient"}[about["merge"]["measure"]]
    lost = about["sets_not_tested_everywhere"]
    left_out = f"; left out: {counted(lost, 'enriched set')} not tested in every cohort" if lost else ""
    return (
        f"Similar sets are merged (average linkage, {measure} of at least {about['merge']['threshold']:g}) into "
        f"{counted(about['groups'], 'group')}, each drawn with the average of its adjusted p-values, which is not a "
        f"test (a group whose average is 0.05 or more in every cohort is not drawn), and named after the set with the "
        f"smallest average p{left_out}."
    )


def test_of(about: dict) -> str:
    """The test, its universe and its limits."""
    return (
        "One-sided hypergeometric test; universe: all genes of the cohort; sets of "
        f"{about['min_size']:,} to {about['max_size']:,} of them; Benjamini-Hochberg per cohort."
    )
