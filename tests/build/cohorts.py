"""Builders of small data for tests, with random seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from sequoia_stats.selection import Selection
from sequoia_stats.signature.overlap import hash_training
from sequoia_stats.signature.scoring import weighted_sum
from sequoia_stats.signature.signature import Signature
from sequoia_stats.signature.transforms import fit_transform, within_cohort
from sequoia_stats.types.cohort import Cohort
from sequoia_stats.types.outcome import Outcome
from sequoia_stats.types.predictions import Predictions

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
    prefix: str = "P",
) -> Cohort:
    """Independent normal genes G1, G2, ...; `planted` gives the log hazard ratio per unit of some of them. The ids of
    patients are numbers after `prefix`."""
    generator = np.random.default_rng([seed, 0])
    patients = [f"{prefix}{i + 1}" for i in range(n)]
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


def make_signature(
    cohort: Cohort,
    coefficients: Mapping[str, float],
    transform: str = "rank",
    trained_on: Sequence[str] | None = (),
) -> Signature:
    """A signature with the given coefficients, its transform and cut-off taken from `cohort`; no fit.

    Patients named in `trained_on` count as seen, with somebody else; None says nobody, as in schema version 1.
    """
    seen = {} if trained_on is None else {"patients": hash_training(["somebody else", *trained_on])}
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
            "candidates": list(cohort.genes),
            **seen,
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


def make_predictions(
    n: int = 40,
    genes: int = 12,
    accuracy: float | Sequence[float] = 0.6,
    slides: int = 1,
    n_untrained: int = 1,
    folds: int = 5,
    cohorts: int = 1,
    seed: int = 0,
    dtype: type = np.float64,
    name: str = "made",
) -> Predictions:
    """`n` patients with `slides` slides each, genes G1, G2, ... around 5; `accuracy` is the correlation of a patient's
    prediction with the measurement, one for all genes or one per gene. Slides of a patient share the measurement and
    most of the prediction. An untrained network is uninformative and far off. Cohorts are called A, B, ..."""
    generator = np.random.default_rng([seed, 2])
    rho = np.broadcast_to(np.asarray(accuracy, dtype=float), genes)
    truth, noise = generator.normal(size=(2, n, genes))
    patient = np.repeat(np.arange(n), slides)
    predicted = 5 + 0.5 * (rho * truth + np.sqrt(1 - rho**2) * noise)[patient]
    if slides > 1:
        predicted += 0.1 * generator.normal(size=predicted.shape)
    untrained = 0.1 * generator.normal(size=(n_untrained, len(patient), genes))
    obs = pd.DataFrame(
        {
            "patient_id": [f"P{i + 1}" for i in patient],
            "fold": patient % folds,
            "cohort": [chr(ord("A") + i % cohorts) for i in patient],
        },
        index=[f"P{i + 1}-{j % slides + 1}" if slides > 1 else f"P{i + 1}" for j, i in enumerate(patient)],
    )
    return Predictions(
        predicted.astype(dtype),
        (5 + truth[patient]).astype(dtype),
        obs,
        pd.Index([f"G{j + 1}" for j in range(genes)]),
        tuple(untrained.astype(dtype)),
        name=name,
    )


def make_selection(
    n: Sequence[int], n_well_predicted: Sequence[int], by: str = "cancer", seed: int = 0
) -> Selection:
    """A selection without predictions: levels C1, C2, ... with `n` samples, each with the given number of
    well-predicted genes and as many others."""
    generator = np.random.default_rng([seed, 3])
    tables = [
        pd.DataFrame(
            {
                by: f"C{i}",
                "gene": [f"G{j + 1}" for j in range(2 * int(well))],
                "n": samples,
                "r": np.sort(generator.uniform(-0.2, 0.8, 2 * int(well)))[::-1],
                "well_predicted": np.arange(2 * int(well)) < well,
            }
        )
        for i, (samples, well) in enumerate(zip(n, n_well_predicted, strict=True), start=1)
    ]
    table = pd.concat(tables, ignore_index=True)
    lines = [
        (level, criterion, int(number))
        for level, part in table.groupby(by, sort=False)
        for criterion, number in (("tested", len(part)), ("r>0", part["well_predicted"].sum()))
    ]
    counts = pd.DataFrame(lines, columns=["level", "criterion", "n_left"])
    return Selection(table, counts, "paper", "steiger", "two-sided", "slides", by)


def make_matrices(
    n: int = 40, genes: int = 12, missing: float = 0.0, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Measured, predicted and untrained values, n × genes, that are correlated; a share of the measured is missing."""
    generator = np.random.default_rng([seed, 4])
    measured = 5 + generator.normal(size=(n, genes))
    predicted = 2 + 0.6 * measured + generator.normal(size=(n, genes))
    untrained = 0.2 * measured - 0.3 * predicted + generator.normal(size=(n, genes))
    measured[generator.uniform(size=(n, genes)) < missing] = np.nan
    return measured, predicted, untrained
