"""Tables and sets for the tests of GSVA, and GSVA itself in plain, slow Python."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from scipy import stats

SETS = {"one": ["G2"], "few": ["G1", "G4", "G5"], "many": [f"G{j}" for j in range(3, 9)], "gone": ["X", "Y"]}


def make_table(n: int = 12, genes: int = 20, seed: int = 0, digits: int | None = None) -> pd.DataFrame:
    """Samples × genes G1, G2, ...: independent normals, which tie if they have few digits."""
    values = np.random.default_rng([seed, 7]).normal(size=(n, genes))
    values = values if digits is None else values.round(digits)
    return pd.DataFrame(values, [f"S{i + 1}" for i in range(n)], [f"G{j + 1}" for j in range(genes)])


def make_counts(n: int = 12, genes: int = 20, seed: int = 0, mean: float = 30) -> pd.DataFrame:
    """Samples × genes: overdispersed counts."""
    table = make_table(n, genes)
    values = np.random.default_rng([seed, 8]).negative_binomial(2, 2 / (2 + mean), size=table.shape)
    return pd.DataFrame(values, table.index, table.columns)


def plain_density(value: float, training: list[float], kcdf: str, kernel: str) -> float:
    """The estimated distribution of one gene at one value."""
    if kcdf == "poisson":
        return float(np.mean([stats.poisson.cdf(value, other + 0.5) for other in training]))
    if kcdf == "none":
        return float(np.mean([other <= value for other in training]))
    width = np.std(training, ddof=1) / 4
    return float(np.mean([plain_normal((value - other) / width, kernel) for other in training]))


def plain_normal(v: float, kernel: str) -> float:
    """Φ, or its value in R's table."""
    if kernel == "exact":
        return float(stats.norm.cdf(v))
    if abs(v) > 10:
        return float(v > 0)
    half = float(stats.norm.cdf(int(abs(v) / 10 * 10000) / 1000))
    return 1 - half if v < 0 else half


def plain_score(
    order: list[str], genes: list[str], tau: float = 1, max_diff: bool = True, abs_ranking: bool = False
) -> float:
    """The walk of one set over genes in decreasing order, a step at every gene (positions from 1)."""
    p = len(order)
    inside = [gene for gene in order if gene in set(genes)]
    weight = {gene: abs(p / 2 - i + 1) ** tau for i, gene in enumerate(order, start=1)}
    total = math.fsum(weight[member] for member in inside)
    height, heights = 0.0, [0.0]
    for gene in order:
        if gene in inside and not total:  # a single gene in the middle: R's walk ends before it
            break
        if gene in inside:
            height += weight[gene] / total
        else:
            height -= 1 / (p - len(inside))
        heights.append(height)
    up, down = max(heights), min(heights)
    if max_diff:
        return up - down if abs_ranking else up + down
    return up if up > -down else down


def plain_gsva(
    training: pd.DataFrame,
    new: pd.DataFrame,
    sets: dict[str, list[str]],
    kcdf: str = "gaussian",
    kernel: str = "table",
    **walk: object,
) -> pd.DataFrame:
    """Scores of new samples against a training cohort without constant genes."""
    rows = {}
    for sample, values in new.iterrows():
        density = {gene: plain_density(values[gene], list(training[gene]), kcdf, kernel) for gene in training}
        order = sorted(training.columns, key=lambda gene: -density[gene])  # sorted() keeps ties in order
        rows[sample] = {name: plain_score(order, genes, **walk) for name, genes in sets.items()}
    return pd.DataFrame(rows).T
