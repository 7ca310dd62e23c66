"""A small signature, and its validation on simulated cohorts."""

from __future__ import annotations

import numpy as np

from sequoia_stats.signature import Signature, Validation, validate
from sequoia_stats.signature.overlap import hash_training
from sequoia_stats.signature.transforms import fit_transform
from tests.build.cohorts import make_cohort


def make_signature(genes: int = 3, cutoff: float = 0.0, endpoint: str = "PFI") -> Signature:
    """Genes G1, G2, ... with coefficients of alternating sign that grow in size."""
    signs = (-1.0) ** np.arange(genes)
    return Signature(
        genes=tuple(f"G{i + 1}" for i in range(genes)),
        coefficients=tuple(signs * 0.1 * np.arange(1, genes + 1)),
        transform=fit_transform("zscore", np.random.default_rng(0).normal(size=(50, genes))),
        cutoff=cutoff,
        endpoint=endpoint,
        training={"cohort": "made", "note": "", "source": "", "sha256": "0" * 64, "n": 90, "n_events": 30,
                  "n_candidates": 30, "patients": hash_training(["somebody else"])},
        selection={"rule": "min", "lambda": 0.1, "alpha": 1.0, "lambda_min_ratio": 0.05, "kkt_residual": 0.0,
                   "cross_validation": {"n_folds": 5, "repeats": 20, "lambda_min": 0.1, "lambda_1se": 0.3,
                                        "null_draws": 4, "null_draws_1se": 9, "at_path_end": False}},
        engine="glmnet",
        versions={"R": "4.2.2"},
        seed=7,
    )  # fmt: skip


def make_validation(
    n: int = 120, events: int = 40, seed: int = 0, adjust: tuple[str, ...] = (), **signature: object
) -> Validation:
    """The signature on a cohort where its second gene matters."""
    cohort = make_cohort(n=n, events=events, planted={"G2": -0.6}, seed=seed, name="Made")
    return validate(make_signature(**signature), cohort, bootstrap=20, adjust=adjust)
