"""Builder of predictions with measured values, which calibrate intervals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd


def write_calibration(
    path: Path, patients: Sequence[str], folds: Sequence[int | None], *, n_genes: int = 40, **layers: Any
) -> Path:
    """Predictions of a slide a patient, and measured values that differ from them by noise of variance 1."""
    drawn = np.random.default_rng(0)
    x = drawn.normal(6, 1, size=(len(patients), n_genes)).astype(np.float32)
    obs = pd.DataFrame({"patient_id": list(patients), "cohort": "A"}, index=list(patients))
    obs["fold"] = pd.array(list(folds), dtype="Int64")
    var = pd.DataFrame(index=[f"G{i + 1}" for i in range(n_genes)])
    measured = x + drawn.normal(size=x.shape).astype(np.float32)
    anndata.AnnData(x, obs, var, layers={"measured": measured} | layers).write_h5ad(path)
    return path
