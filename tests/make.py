"""Builders of small, seeded things for tests."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from sequoia_stats.cohort import Cohort
from sequoia_stats.outcome import Outcome
from sequoia_stats.signature.signature import Signature, weighted_sum
from sequoia_stats.signature.transforms import fit_transform, within_cohort

FOLLOW_UP = 36.0  # months
SUBTYPES = ["Basal", "LumA", "LumB"]


def make_outcome(
    n: int = 60,
    events: int = 20,
    seed: int = 0,
    ties: bool = True,
    log_hazard: np.ndarray | None = None,
    endpoint: str = "RFS",
) -> Outcome:
    """Exponential times under random censoring with exactly `events` events; `ties` rounds up to whole months."""
    generator = np.random.default_rng([seed, 1])
    latent = generator.exponential(size=n) / np.exp(np.zeros(n) if log_hazard is None else log_hazard)
    share = generator.uniform(0.2, 1.0, size=n)
    limit = np.sort(latent / share)[events - 1] if events else 0.5 * (latent / share).min()
    event = latent / share <= limit
    time = np.minimum(latent, limit * share)
    time = time / time.max() * FOLLOW_UP
    return Outcome(np.ceil(time) if ties else time, event, endpoint)


def make_cohort(
    n: int = 60,
    events: int = 20,
    genes: int = 30,
    seed: int = 0,
    planted: Mapping[str, float] | None = None,
    ties: bool = False,
    name: str = "made",
) -> Cohort:
    """Independent normal genes G1, G2, ...; `planted` gives the log hazard ratio per unit of some of them."""
    generator = np.random.default_rng([seed, 0])
    patients = [f"P{i + 1}" for i in range(n)]
    expression = pd.DataFrame(
        generator.normal(size=(n, genes)), index=patients, columns=[f"G{j + 1}" for j in range(genes)]
    )
    effects = pd.Series(planted or {}, dtype=float)
    log_hazard = expression[effects.index].to_numpy() @ effects.to_numpy()
    covariates = pd.DataFrame(
        {
            "pam50": generator.choice(SUBTYPES, size=n),
            "er": generator.integers(0, 2, size=n).astype(float),
            "pr": generator.integers(0, 2, size=n).astype(float),
        },
        index=patients,
    )
    outcome = make_outcome(n, events, seed, ties, log_hazard)
    return Cohort(expression, outcome, covariates, name=name)


def make_signature(cohort: Cohort, coefficients: Mapping[str, float], transform: str = "rank") -> Signature:
    """A signature with the given coefficients, its transform and cut-off taken from `cohort`; no fit."""
    genes, weights = tuple(coefficients), np.array(list(coefficients.values()), dtype=float)
    x = cohort.expression[list(genes)].to_numpy()
    return Signature(
        genes=genes,
        coefficients=tuple(weights.tolist()),
        transform=fit_transform(transform, x),
        cutoff=float(np.median(weighted_sum(within_cohort(transform, x), weights))),
        endpoint=cohort.outcome.endpoint,
        training={
            "cohort": cohort.name,
            "note": cohort.note,
            "source": cohort.source,
            "sha256": cohort.sha256(),
            "n": cohort.n,
            "n_events": cohort.n_events,
            "n_candidates": len(cohort.genes),
        },
        selection={
            "rule": "value",
            "lambda": 0.1,
            "alpha": 1.0,
            "lambda_min_ratio": None,
            "kkt_residual": 0.0,
            "cross_validation": None,
        },
        engine="by hand",
        versions={},
        seed=0,
    )
