"""Captions of the figures on maps. Each function returns sentences; every number is from a result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sequoia_stats.errors import listing
from sequoia_stats.plots import text

if TYPE_CHECKING:
    from sequoia_base.maps import Map
    from sequoia_stats.spatial.modules import ModuleMaps, SubtypeMap
    from sequoia_stats.spatial.side_by_side import MapPair

#: What every claim on these sections is worth.
ONE_TUMOUR = (
    "The sections are neighbours in one tumour of one patient: a network that learnt the others has nearly "
    "seen each."
)
_COLOURS = "Colours: percentile of a tile on its section, the same scale in all panels."


def windows(maps: Mapping[str, Map], about: dict) -> list[str]:
    """Caption of figure 5a."""
    uncovered = sum(int((~one.covered).sum()) for one in maps.values())
    tiles = sum(len(one.places) for one in maps.values())
    return [
        "The four HER2ST sections with their tiles (blue), and two of the windows of 10 × 10 places that networks see "
        "(orange): the first in reading order, which reaches beyond the tissue, and one with the most tiles. Grey: "
        "places of a window without a tile, which hold the mean of its tiles.",
        f"Windows of which more than half is tissue count; {uncovered} of {tiles:,} tiles lie in none and have no "
        "value.",
        ONE_TUMOUR,
    ]


def pairs(shown: Sequence[MapPair], about: dict) -> list[str]:
    """Caption of figure 5b."""
    beyond = [pair.gene for pair in shown if pair.p_null < 0.05]
    return [
        f"Genes on the section {shown[0].slide}, by the network that learnt from the other sections, and as measured "
        "(mean of the four nearest spots, median filter). The genes were named before any map was judged.",
        _COLOURS,
        _against_null(beyond, len(shown)),
        _worse(shown),
    ]


def sections(shown: Sequence[MapPair], about: dict) -> list[str]:
    """Caption of figure 5c."""
    beyond = [f"{pair.gene} on {pair.slide}" for pair in shown if pair.p_null < 0.05]
    genes = list(dict.fromkeys(pair.gene for pair in shown))
    return [
        f"{listing(genes)} on all sections, each mapped by the network that was not trained on it.",
        _COLOURS,
        _against_null(beyond, len(shown)),
        _worse(shown),
        ONE_TUMOUR,
    ]


def _against_null(beyond: Sequence[str], n: int) -> str:
    if not beyond:
        return f"None of the {n} maps exceeds its null of moved truths at p < .05."
    return f"Of {n} maps {len(beyond)} exceed their null of moved truths at p < .05: {listing(beyond, len(beyond))}."


def _worse(shown: Sequence[MapPair]) -> str:
    worse = [f"{pair.gene} ({pair.slide})" for pair in shown if pair.emd > pair.emd_flat]
    if not worse:
        return "The EMD of every map is smaller than that of a flat map."
    return f"A flat map has a smaller EMD than the map of {listing(worse, len(worse))}."


def nulls(medians: pd.DataFrame, about: dict) -> list[str]:
    """Caption of the medians against their null."""
    best = medians[medians["genes"].str.startswith("top") & (medians["ranked_on"] == "other slides")]
    each = [
        f"{row.slide} {text.number(row.r)} against {text.number(row.r_null_high)}"
        for row in best.itertuples()
    ]
    return [
        f"Median r over genes of the {about['network'].lower()}, by section, with the mean and the 95% quantile of the "
        "same median when the truth is moved over the tissue and turned; genes ranked on a section itself are ranked "
        "again at every move.",
        f"The {about['top']:,} best genes as other sections rank them: {', '.join(each)}.",
        verdict(about),
        ONE_TUMOUR,
    ]


def verdict(about: dict) -> str:
    """Which sections exceed their null."""
    if not about["not_beating"]:
        return "Every section exceeds the 95% quantile of its null."
    if not about["beating"]:
        return "No section exceeds the 95% quantile of its null."
    return (
        f"{listing(about['beating'])} exceed{'s' if len(about['beating']) == 1 else ''} the 95% quantile of the null; "
        f"{listing(about['not_beating'])} {'does' if len(about['not_beating']) == 1 else 'do'} not."
    )


def methods(table: pd.DataFrame, about: dict) -> list[str]:
    """Caption of the methods."""
    means = table.groupby("method", sort=False)["r"].mean()
    return [
        f"Median r of the {about['top']:,} best genes, ranked by the same method on the other sections, on the same "
        f"tiles; means over the sections: {', '.join(f'{name} {text.number(r)}' for name, r in means.items())}.",
        "Ridge on spots learns from single spots, the others from sums over windows. A training mean is constant: its "
        "r counts as 0, and it has no null.",
        ONE_TUMOUR,
    ]


def clustermap(found: ModuleMaps, what: str) -> list[str]:
    """Caption of figure 5d."""
    table = found.overall
    coherent = table[table["p_coherence"] < 0.05]["module"].tolist()
    sizes = ", ".join(f"{row.module} {row.n_found} of {row.n_genes}" for row in table.itertuples())
    return [
        f"Correlation of the genes of the {found.collection} modules over tiles, {what}; clustered by average linkage.",
        f"Genes found: {sizes}.",
        f"More coherent than random sets of genes of the same size (p < .05): {listing(coherent, len(coherent))}."
        if coherent
        else "No module is more coherent than random sets of genes of the same size (p < .05).",
    ]


def subtypes(slides: Sequence[SubtypeMap], what: str) -> list[str]:
    """Caption of figure 5e."""
    counts = [
        f"{one.slide}: {', '.join(f'{name} {n}' for name, n in one.counts.items() if n)}" for one in slides
    ]
    return [
        f"The module with the highest percentile on each {what}.",
        f"{'; '.join(counts)}.",
        "A percentile is taken over the slide, so every module is highest somewhere, whether it is active or not.",
    ]


def recovery(share: float, chance: float) -> str:
    """How much of a planted map is found again."""
    return f"Planted subtypes are found on {share:.0%} of the tiles (the largest class alone would give {chance:.0%})."


def largest_share(labels: np.ndarray) -> float:
    """The share of the most frequent label."""
    return float(np.unique(labels, return_counts=True)[1].max() / len(labels))
