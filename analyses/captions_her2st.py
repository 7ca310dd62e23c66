"""Captions of the figures on the HER2ST sections. Each function returns sentences; every number is from a result."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from her2st import ROLES

from sequoia_stats.compare import Distribution
from sequoia_stats.errors import listing
from sequoia_stats.plots import text
from sequoia_stats.selection import RULES


def setting(about: dict) -> list[str]:
    """What learnt from what, and what this cannot show."""
    train, val, test = (
        listing(name for name, role in ROLES.items() if role == part) for part in ("train", "val", "test")
    )
    return [
        f"Networks of the size {about['size']} learnt {about['genes']:,} genes from {about['n_train']:,} windows of "
        f"10 × 10 tiles of the HER2ST sections {train} (features of {about['encoder']}; expression: the sum of the "
        f"spots within a window, {about['units']}); {val} stopped training and ranked the genes "
        f"({about['n_val']:,} windows), {test} tests ({about['n_test']:,} windows).",
        "These are adjacent sections of one tumour of one patient: this shows that networks learn, not that they "
        "generalise.",
    ]


def judged(about: dict, rule: str) -> str:
    """How the rule counted genes."""
    return (
        f"Above, the number of genes that are well predicted by {RULES[rule].title}, in windows at least "
        f"{about['judging_stride']} places apart ({about['judged_low']} to {about['judged_high']} windows): the median "
        "over all offsets, since neighbouring windows overlap."
    )


def correlations(drawn: Distribution, about: dict, rule: str) -> list[str]:
    """Caption of figure 1d."""
    medians = [f"{row.model} {text.number(row.r_median)}" for row in drawn.summary.itertuples()]
    return [
        "Correlation of predicted with measured expression of every gene, over the windows of a section that was held "
        f"out; medians: {', '.join(medians)}.",
        f"Labels shuffled: the same network, trained on the expression of other windows of the same sections "
        f"({about['controls']} draws together).",
        judged(about, rule),
        _BOXES,
        *setting(about),
    ]


def models(drawn: Distribution, pairs: pd.DataFrame, about: dict, rule: str) -> list[str]:
    """Caption of figures 2a-b."""
    medians = [f"{row.model} {text.number(row.r_median)}" for row in drawn.summary.itertuples()]
    best = about["winner"]
    ahead = [
        (row.method_b, row.hodges_lehmann) if row.method_a == best else (row.method_a, -row.hodges_lehmann)
        for row in pairs.itertuples()
        if best in (row.method_a, row.method_b)
    ]
    against = [f"{name} {text.number(difference, 3)}" for name, difference in ahead]
    return [
        f"Correlation of the {drawn.top:,} best genes of each method on a section that was held out; the genes were "
        f"ranked on another section; medians: {', '.join(medians)}.",
        "Tuned ridge: with the penalty that is best on the section that stopped the networks.",
        judged(about, rule),
        f"Best: {best}. Median difference of its r from that of the others over all genes (Hodges-Lehmann): "
        f"{', '.join(against)}."
        if against
        else f"Best: {best}.",
        _BOXES,
        *setting(about),
    ]


def learning(networks: Sequence[str], about: dict) -> list[str]:
    """Caption of the learning curves."""
    return [
        f"Errors and correlations of {listing(networks, len(networks))} by epoch. Left: dashed, training; solid, "
        "validation; grey, the training mean on the validation section "
        f"({text.number(about['mean_val_mse'], 3)}). Right: the correlation of genes on the validation section, "
        f"averaged over genes. Points: the epoch that is kept (recipe {about['recipe']}).",
        "Errors are in the units of the recipe: standard deviations of the training windows for strict."
        if about["recipe"] == "strict"
        else "",
        *setting(about),
    ]


_BOXES = "Boxes: quartiles and median; whiskers: 5th to 95th percentile."
