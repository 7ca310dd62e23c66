"""Builders of measured and predicted risk scores with a known correlation."""

from __future__ import annotations

import numpy as np
import pandas as pd


def make_scores(
    n: int = 100, r: float = 0.5, folds: int = 5, seed: int = 0, scale: float = 1.0, named: str = "P"
) -> pd.DataFrame:
    """Standard normal measured scores, and predicted ones shrunken to the SD r · `scale`; without folds, none."""
    generator = np.random.default_rng([seed, n])
    measured = generator.normal(size=n)
    predicted = scale * r * (r * measured + np.sqrt(1 - r**2) * generator.normal(size=n))
    frame = pd.DataFrame(
        {"measured": measured, "predicted": predicted}, [f"{named}{i + 1}" for i in range(n)]
    )
    return frame.assign(fold=np.arange(n) % folds) if folds else frame


def make_uneven_scores(n: int = 100, seed: int = 0, named: str = "P") -> pd.DataFrame:
    """Scores whose residual grows with the predicted score."""
    generator = np.random.default_rng([seed, n])
    predicted = generator.uniform(0, 1, size=n)
    measured = predicted + (0.1 + 2 * predicted) * generator.normal(size=n)
    return pd.DataFrame({"measured": measured, "predicted": predicted}, [f"{named}{i + 1}" for i in range(n)])
