"""All statistics of every gene: correlations, their comparison with an untrained network, and errors."""

from __future__ import annotations

from dataclasses import fields
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtr

from sequoia_stats.association import (
    AlternativeName,
    MethodName,
    Moments,
    benjamini_hochberg,
    correlation_p,
    dependent_correlation_ci,
    dependent_correlation_test,
    fisher_mean,
    moments,
)
from sequoia_stats.association.prediction_errors import interquartile_range, minmax, normalised_rmse
from sequoia_stats.errors import InputError, counted, listing
from sequoia_stats.selection import _levels
from sequoia_stats.selection._cluster_bootstrap import cluster_bootstrap
from sequoia_stats.types.arrays import AnyFloats, Floats
from sequoia_stats.types.predictions import FEWEST_SAMPLES

#: Statistics of a gene, in the order of the columns of the table.
STATISTICS = (
    *("n", "r", "p", "p_bh", "r_folds", "r_untrained", "r_between", "r_difference_low", "r_difference_high"),
    *("z", "p_dependent", "p_dependent_bh", "rmse", "rmse_untrained", "mae", "explained_variance"),
    *("iqr", "nrmse", "nrmse_minmax"),
)


class Setting(NamedTuple):
    """How genes are tested; `selection.well_predicted` checks and documents the options."""

    method: MethodName
    alternative: AlternativeName
    units: str
    bootstrap: int
    seed: int
    jobs: int | None


class Sums(NamedTuple):
    """Everything that is computed from the values of genes; all other statistics follow from it.

    Parameters
    ----------
    seeds : list of Moments
        One for each untrained network, or a single one without any.
    folds : list of Moments
        Predicted and measured values only, one for each fold that is large enough.
    iqr : array of shape (genes,)
        Interquartile range of the measured values.
    """

    seeds: list[Moments]
    folds: list[Moments]
    iqr: Floats


def gene_statistics(level: _levels.Level, setting: Setting) -> tuple[pd.DataFrame, list[str]]:
    """A row per gene with `STATISTICS`, and notes about them."""
    folds, notes = _folds(level)
    sums = _sums(level, folds, setting.jobs)
    found = _estimates(sums)
    tests = (
        _drawn_tests(found, level, setting)
        if setting.units == "cluster-bootstrap"
        else _tests(found, setting)
    )
    absent = np.full(len(level.data.genes), np.nan)
    found |= dict.fromkeys(("z", "p_dependent", "r_difference_low", "r_difference_high"), absent) | tests
    found["p_bh"] = benjamini_hochberg(found["p"])
    found["p_dependent_bh"] = benjamini_hochberg(found["p_dependent"]) if level.data.untrained else absent
    found["r_folds"] = _within_folds(sums.folds) if folds else absent
    table = pd.DataFrame({"gene": level.data.genes} | {name: found[name] for name in STATISTICS})
    return table, [f"{level.name}: {note}" for note in [*_remarks(table, level), *notes]]


def _sums(level: _levels.Level, folds: list[NDArray[np.intp]], jobs: int | None) -> Sums:
    """Sums over whole matrices if they can be read in place, otherwise over blocks of genes in several threads."""
    from sequoia_base.kernels import map_blocks

    data, genes = level.data, len(level.data.genes)
    if level.codes is None:
        rows = level.rows
        chosen = folds if rows is None else [rows[fold] for fold in folds]
        seeds, within = _moments(data.measured, data.predicted, data.untrained, rows, chosen, jobs)
        if rows is None:
            return Sums(seeds, within, interquartile_range(data.measured, jobs=jobs))

        def quartiles(start: int, stop: int) -> Floats:
            return interquartile_range(level.block(data.measured, start, stop), jobs=1)

        return Sums(seeds, within, np.concatenate(map_blocks(quartiles, genes, _levels.BLOCK, jobs)))

    def averaged(start: int, stop: int) -> Sums:
        measured, predicted, *untrained = (
            level.block(matrix, start, stop) for matrix in (data.measured, data.predicted, *data.untrained)
        )
        try:
            seeds, within = _moments(measured, predicted, tuple(untrained), None, folds, jobs=1)
        except InputError as error:  # the error counts columns of the block
            place = f"{level.name}, {error.where} of genes {data.genes[start]} to {data.genes[stop - 1]}"
            raise InputError(error.what, where=place) from None
        return Sums(seeds, within, interquartile_range(measured, jobs=1))

    blocks = map_blocks(averaged, genes, _levels.BLOCK, jobs)
    return Sums(
        [_joined(seed) for seed in zip(*(block.seeds for block in blocks), strict=True)],
        [_joined(fold) for fold in zip(*(block.folds for block in blocks), strict=True)],
        np.concatenate([block.iqr for block in blocks]),
    )


def _moments(
    measured: AnyFloats,
    predicted: AnyFloats,
    untrained: tuple[AnyFloats, ...],
    rows: NDArray[np.intp] | None,
    folds: list[NDArray[np.intp]],
    jobs: int | None,
) -> tuple[list[Moments], list[Moments]]:
    """Moments with every untrained network (or without any), and of every fold."""
    seeds = [moments(measured, predicted, null, rows=rows, jobs=jobs) for null in untrained or (None,)]
    return seeds, [moments(measured, predicted, rows=fold, jobs=jobs) for fold in folds]


def _joined(blocks: tuple[Moments, ...]) -> Moments:
    """Join the genes of all blocks."""
    return Moments(
        *(np.concatenate([getattr(block, column.name) for block in blocks]) for column in fields(Moments))
    )


def _estimates(sums: Sums) -> dict[str, Floats]:
    """Correlations and errors; values of the untrained network are NaN without one."""
    seeds, first = sums.seeds, sums.seeds[0]
    null_r, between = first.r13, first.r23
    if len(seeds) > 1:
        null_r, between = fisher_mean([m.r13 for m in seeds]), fisher_mean([m.r23 for m in seeds])
    nrmse = normalised_rmse(first.rmse, sums.iqr)
    return {
        "n": first.n,
        "r": first.r12,
        "r_untrained": null_r,
        "r_between": between,
        "rmse": first.rmse,
        "rmse_untrained": np.sqrt(np.mean([m.rmse_untrained**2 for m in seeds], axis=0)),
        "mae": first.mae,
        "explained_variance": first.explained_variance,
        "iqr": sums.iqr,
        "nrmse": nrmse,
        "nrmse_minmax": minmax(nrmse),
    }


def _tests(found: dict[str, Floats], setting: Setting) -> dict[str, Floats]:
    """Student's t of r and, with an untrained network, the dependent test and Zou's interval."""
    r12, r13, r23, n = (found[name] for name in ("r", "r_untrained", "r_between", "n"))
    p = {"p": correlation_p(r12, n)}
    if np.isnan(r13).any():
        return p
    test = dependent_correlation_test(
        r12, r13, r23, n, method=setting.method, alternative=setting.alternative
    )
    undefined = r12 == 0  # a constant gene
    if setting.alternative == "absolute":  # the published code checks the untrained network as well
        undefined |= (r13 == 0) & (r23 == 0)
    low, high = dependent_correlation_ci(r12, r13, r23, n)
    return p | {
        "z": np.where(undefined, 0.0, test.statistic),
        "p_dependent": np.where(undefined, 1.0, test.p),
        "r_difference_low": low,
        "r_difference_high": high,
    }


def _drawn_tests(found: dict[str, Floats], level: _levels.Level, setting: Setting) -> dict[str, Floats]:
    """Both tests and the interval, by drawing patients with replacement.

    Student's t with the patients' degrees of freedom, since standard errors from few patients are uncertain.
    """
    data = level.data
    codes, patients = pd.factorize(level.obs["patient_id"], sort=True)
    if len(patients) < FEWEST_SAMPLES:
        raise InputError(
            f"{counted(len(patients), 'patient')} cannot be resampled: {FEWEST_SAMPLES} or more are needed",
            where=level.name,
        )
    spread = cluster_bootstrap(
        data.measured,
        data.predicted,
        data.untrained,
        codes,
        replicates=setting.bootstrap,
        seed=setting.seed,
        rows=level.rows,
    )
    inside = np.nextafter(1.0, 0.0)
    z, null_z = (np.arctanh(np.clip(found[name], -inside, inside)) for name in ("r", "r_untrained"))
    p = {"p": 2 * stdtr(len(patients) - 2, -np.abs(_ratio(z, spread.se)))}
    if not data.untrained:
        return p
    statistic = _ratio(z - null_z, spread.se_difference)
    df = len(patients) - 3
    tails = {"two-sided": 2 * stdtr(df, -np.abs(statistic)), "absolute": stdtr(df, -np.abs(statistic))}
    upper = tails.get(setting.alternative, stdtr(df, -statistic))
    return p | {
        "z": statistic,
        "p_dependent": np.where(statistic == 0, 1.0, upper),
        "r_difference_low": spread.low,
        "r_difference_high": spread.high,
    }


def _ratio(estimate: Floats, error: Floats) -> Floats:
    """Estimate divided by standard error; 0 if the standard error is missing or 0, or the estimate is 0."""
    usable = ~np.isnan(error) & (error > 0) & (estimate != 0)
    return np.divide(estimate, error, out=np.zeros_like(estimate), where=usable)


def _folds(level: _levels.Level) -> tuple[list[NDArray[np.intp]], list[str]]:
    """Units of every fold that is large enough, and notes about the rest."""
    if "fold" not in level.obs or level.obs["fold"].isna().all():
        return [], []
    folds, unknown = level.obs["fold"], int(level.obs["fold"].isna().sum())
    sizes = folds.value_counts()
    small = sizes[sizes < FEWEST_SAMPLES]
    notes = []
    if unknown:
        notes.append(f"r_folds leaves out {unknown} of {level.n} rows without a fold")
    if len(small):
        notes.append(
            f"r_folds leaves out {counted(len(small), 'fold')} with fewer than {FEWEST_SAMPLES} rows"
        )
    return [np.flatnonzero(folds == fold) for fold in sizes.index.difference(small.index)], notes


def _within_folds(found: list[Moments]) -> Floats:
    """Average of r within the folds on Fisher's scale, weighted by n - 3."""
    weights = np.maximum([result.n - 3 for result in found], 0)
    mean = fisher_mean([result.r12 for result in found], weights)
    return np.where(weights.sum(axis=0) > 0, mean, np.nan)


def _remarks(table: pd.DataFrame, level: _levels.Level) -> list[str]:
    """Notes about anything unusual in a level."""
    remarks = []
    undefined = table["r"] == 0
    if undefined.any():
        genes = listing(table.loc[undefined, "gene"], 3)
        remarks.append(
            f"{counted(int(undefined.sum()), 'gene')} with r 0 and p 1 (constant or rarely measured): {genes}"
        )
    flat = table["iqr"] == 0
    if flat.any():
        genes = listing(table.loc[flat, "gene"], 3)
        remarks.append(
            f"{counted(int(flat.sum()), 'gene')} with an interquartile range of 0, and so without nrmse: {genes}"
        )
    holes = int((table["n"] < level.n).sum())
    if holes:
        remarks.append(
            f"{counted(holes, 'gene')} not measured in all {level.n} rows, and judged by the rows that have a value"
        )
    return remarks
