"""The stored glmnet problems: transformed genes, outcome, settings, and R's coefficients as a dense array."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
from scipy.special import ndtri

from sequoia_stats.coxpath.path_engines import CoxPath, PathSettings
from sequoia_stats.types.outcome import Outcome
from tests.parity.reference import inputs, outcome_of, reference

CASES = list(reference("glmnet_path/settings").index)
FOLDS_STORED = ["scanb_60", "ties_30", "near_30"]


@cache
def problem(case: str) -> tuple[np.ndarray, Outcome, PathSettings]:
    ranks = inputs(f"glmnet_path/{case}_ranks").to_numpy(float)
    settings = reference("glmnet_path/settings").loc[case]
    return (
        ndtri((ranks - 3 / 8) / (len(ranks) + 1 / 4)),
        outcome_of(inputs(f"glmnet_path/{case}_outcome")),
        PathSettings(
            alpha=settings["alpha"], lambda_min_ratio=settings["lambda.min.ratio"], thresh=settings["thresh"]
        ),
    )


def foldid(case: str) -> np.ndarray:
    return inputs(f"glmnet_cv/{case}_foldid")["foldid"].to_numpy()


def stored_path(case: str) -> CoxPath:
    """R's path on all patients."""
    return _path(case, reference(f"glmnet_path/{case}_lambdas"), reference(f"glmnet_path/{case}_beta"))


def stored_fold_paths(case: str) -> list[CoxPath]:
    """R's path of every fold."""
    lambdas, beta = reference(f"glmnet_cv/{case}_fold_lambdas"), reference(f"glmnet_cv/{case}_fold_beta")
    return [
        _path(case, lambdas.loc[[fold]], beta.loc[[fold]].set_index("step"))
        for fold in np.unique(lambdas.index)
    ]


def _path(case: str, lambdas: pd.DataFrame, beta: pd.DataFrame) -> CoxPath:
    genes = inputs(f"glmnet_path/{case}_ranks").columns
    coefficients = np.zeros((len(lambdas), len(genes)))
    coefficients[beta.index.to_numpy() - 1, genes.get_indexer(beta["gene"])] = beta["coefficient"]
    return CoxPath(lambdas["lambda"].to_numpy(), coefficients, alpha=1.0, seconds=0.0)
