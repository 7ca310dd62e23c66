"""Penalised Cox paths: engines that fit them, cross-validation of the penalty, and optimality of a solution."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sequoia_base.lazy import on_demand

if TYPE_CHECKING:
    from sequoia_stats.coxpath.cross_validation import (
        FOLD_LIMITS,
        CrossValidation,
        check_foldids,
        cross_validate,
        stratified_folds,
    )
    from sequoia_stats.coxpath.optimality import kkt_residual, largest_penalty
    from sequoia_stats.coxpath.path_engines import (
        PATH_ENGINES,
        CoxPath,
        PathEngine,
        PathSettings,
        cox_path,
        path_engine,
    )

__all__ = [
    "FOLD_LIMITS",
    "PATH_ENGINES",
    "CoxPath",
    "CrossValidation",
    "PathEngine",
    "PathSettings",
    "check_foldids",
    "cox_path",
    "cross_validate",
    "kkt_residual",
    "largest_penalty",
    "path_engine",
    "stratified_folds",
]

# A worker process that fits a path imports little else.
__getattr__ = on_demand(
    __name__,
    {
        "FOLD_LIMITS": "cross_validation:FOLD_LIMITS",
        "PATH_ENGINES": "path_engines:PATH_ENGINES",
        "CoxPath": "path_engines:CoxPath",
        "CrossValidation": "cross_validation:CrossValidation",
        "PathEngine": "path_engines:PathEngine",
        "PathSettings": "path_engines:PathSettings",
        "check_foldids": "cross_validation:check_foldids",
        "cox_path": "path_engines:cox_path",
        "cross_validate": "cross_validation:cross_validate",
        "kkt_residual": "optimality:kkt_residual",
        "largest_penalty": "optimality:largest_penalty",
        "path_engine": "path_engines:path_engine",
        "stratified_folds": "cross_validation:stratified_folds",
    },
)
