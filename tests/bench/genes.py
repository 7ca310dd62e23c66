"""Gene statistics against the published loop over genes, and the memory they take.

The loop is written from its description: for every gene three times scipy's pearsonr, Williams' t between two of the
correlations, two RMSEs, and for the normalised RMSE two quantiles. It is timed on 400 genes, as contiguous float64
columns and without the data frames of the original, and scaled to all genes. Ours computes everything that a user gets:
r, p, both adjusted p-values, the dependent test, RMSEs, MAE, explained variance, and the quartiles if stated;
`well_predicted` adds Zou's interval, r within folds, the criteria and the counts.
"""

from __future__ import annotations

import subprocess
import sys
from functools import partial

import numpy as np
import pandas as pd
from scipy import stats

from sequoia_stats.association import (
    benjamini_hochberg,
    correlation_p,
    dependent_correlation_test,
    moments,
)
from sequoia_stats.association.prediction_errors import interquartile_range, normalised_rmse
from sequoia_stats.selection import Selection, well_predicted
from sequoia_stats.types.predictions import Predictions
from tests.bench.timing import alternate, line

SAMPLES, GENES, TIMED = 1130, 20820, 400
# A child process with nothing else in it: how far its peak rises above its memory before it made the input. Linux
# only: on other systems the peak of a child begins with that of its parent.
MEMORY = """
from pathlib import Path
from tests.bench.genes import {function}, matrices

def peak():
    return 1024 * int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])

{function}(*matrices(genes=50))  # compiles
before = peak()
given = matrices()
size = sum(m.nbytes for m in given)
made = peak() - before
{function}(*given)
print(size, made, peak() - before)
"""


def matrices(samples: int = SAMPLES, genes: int = GENES) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Measured, predicted (r from -0.1 to 0.9 over the genes) and untrained values in float32, made in place."""
    generator = np.random.default_rng(0)
    measured, predicted, untrained = (
        generator.standard_normal((samples, genes), dtype=np.float32) for _ in range(3)
    )
    rho = np.linspace(-0.1, 0.9, genes, dtype=np.float32)
    predicted *= np.sqrt(1 - rho**2)
    for row in range(samples):
        predicted[row] += rho * measured[row]
        untrained[row] += 0.1 * measured[row]
        measured[row] += 5
    return measured, predicted, untrained


def statistics(
    measured: np.ndarray, predicted: np.ndarray, untrained: np.ndarray, quartiles: bool = False
) -> pd.DataFrame:
    """Every statistic of the loop for every gene, and more."""
    found = moments(measured, predicted, untrained)
    p = correlation_p(found.r12, found.n)
    test = dependent_correlation_test(found.r12, found.r13, found.r23, found.n, method="williams")
    frame = found.to_frame().assign(
        p=p,
        p_bh=benjamini_hochberg(p),
        t=test.statistic,
        p_dependent=test.p,
        p_dependent_bh=benjamini_hochberg(test.p),
    )
    if quartiles:
        frame["nrmse"] = normalised_rmse(found.rmse, interquartile_range(measured))
    return frame


def with_quartiles(*given: np.ndarray) -> pd.DataFrame:
    """The same, with the normalised RMSE."""
    return statistics(*given, quartiles=True)


def predictions(measured: np.ndarray, predicted: np.ndarray, untrained: np.ndarray) -> Predictions:
    """Slides in folds and two cohorts, one of 70% of them; 400 are two per patient, all others one."""
    slides, genes = measured.shape
    ids = pd.Index([f"S{i}" for i in range(slides)])
    number = np.arange(slides)
    patients = np.where(number < 400, number // 2, number).astype(str)
    cohort = np.where(number < 0.7 * slides, "A", "B")
    obs = pd.DataFrame({"patient_id": patients, "fold": number % 5, "cohort": cohort}, index=ids)
    names = pd.Index([f"G{j}" for j in range(genes)])
    return Predictions(predicted, measured, obs, names, (untrained,))


def selection(*given: np.ndarray) -> Selection:
    """What a user calls."""
    return well_predicted(predictions(*given), rule="published-code")


def selection_strict(*given: np.ndarray) -> Selection:
    """The same with the slides of a patient averaged."""
    return well_predicted(predictions(*given), rule="strict")


def selection_by(*given: np.ndarray) -> Selection:
    """The same for each of two cohorts."""
    return well_predicted(predictions(*given), rule="published-code", by="cohort")


def selection_strict_by(*given: np.ndarray) -> Selection:
    """Both."""
    return well_predicted(predictions(*given), rule="strict", by="cohort")


def published_loop(columns: list[np.ndarray], quartiles: bool) -> pd.DataFrame:
    """One gene after the other; `columns` are genes × samples, so that each is contiguous."""
    n, rows = columns[0].shape[1], []
    for x, y, z in zip(*columns, strict=True):
        (r12, p), (r13, _), (r23, _) = stats.pearsonr(x, y), stats.pearsonr(x, z), stats.pearsonr(y, z)
        determinant = 1 - r12 * r12 - r13 * r13 - r23 * r23 + 2 * r12 * r13 * r23
        spread = 2 * determinant * (n - 1) / (n - 3) + ((r12 + r13) / 2) ** 2 * (1 - r23) ** 3
        t = (r12 - r13) * np.sqrt((n - 1) * (1 + r23) / spread)
        p_dependent = 2 * stats.t.sf(abs(t), n - 3)
        rmse, rmse_untrained = np.sqrt(np.mean((x - y) ** 2)), np.sqrt(np.mean((x - z) ** 2))
        row = {"r12": r12, "p": p, "t": t, "p_dependent": p_dependent, "rmse": rmse}
        row["rmse_untrained"] = rmse_untrained
        if quartiles:
            row["nrmse"] = rmse / (np.quantile(x, 0.75) - np.quantile(x, 0.25))
        rows.append(row)
    return pd.DataFrame(rows)


def bench_memory(function: str) -> None:
    """Peak memory of a separate process."""
    command = [sys.executable, "-c", MEMORY.format(function=function)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    size, made, peak = map(int, printed.split())
    print(
        f"{'peak memory, ' + function:<44} {peak / size:8.2f} x the input of {size / 2**20:.0f} MiB "
        f"(making it took {made / size:.2f} x)   goal <= 1.5 x"
    )


def bench() -> None:
    """Print the lines of this file."""
    print(f"The loop is timed on {TIMED} of {GENES} genes and scaled.")
    given = matrices()
    some = np.linspace(0, GENES - 1, TIMED).astype(int)
    columns = [np.ascontiguousarray(m[:, some].T, dtype=np.float64) for m in given]
    for what, function, quartiles, goal in (
        ("no quartiles", statistics, False, ">= 150 x"),
        ("exact quartiles", with_quartiles, True, ">= 40 x"),
        ("well_predicted", selection, True, ">= 40 x"),
    ):
        mine, other = alternate(
            partial(function, *given), partial(published_loop, columns, quartiles), runs=5
        )
        line(f"{SAMPLES} x {GENES}, {what}", mine, other * GENES / TIMED, "loop", goal)
    want = published_loop(columns, quartiles=True)
    got, want = with_quartiles(*given).iloc[some][want.columns].to_numpy(), want.to_numpy()
    difference = np.abs(got - want) / np.maximum(np.abs(want), np.finfo(float).tiny)
    print(f"{'':<44} largest relative difference from the loop: {difference.max():.1e}")
    for function in (
        statistics,
        with_quartiles,
        selection,
        selection_strict,
        selection_by,
        selection_strict_by,
    ):
        bench_memory(function.__name__)
