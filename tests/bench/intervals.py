"""Intervals for 1,130 new slides × 20,820 genes from as many cross-validated ones, beside MAPIE gene by gene.

MAPIE takes one target at a time: it is timed on 20 genes and scaled, with stored predictions in place of estimators.
Beside its default, CV+ ("plus"), stand its pooled residuals of folds ("base"), which are our default and give the same
bounds, and its split regressor, which knows no folds and is its fastest way to them. Memory is the peak of a process
beyond its inputs (calibration and X) and its outputs (lower, upper), as a share of X, lower and upper; and that of
`predict`, whose matrices stay in files.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.model_selection import PredefinedSplit

from sequoia_base.conformal import IntervalOptions
from sequoia_model.prediction._file import PredictionsFile
from sequoia_model.prediction.intervals import open_calibration, write_intervals
from sequoia_model.weights.loading import Weights
from sequoia_stats.conformal import GeneIntervals, gene_intervals
from sequoia_stats.types.predictions import Predictions
from tests.bench.timing import line, peak, seconds

SLIDES, GENES, TIMED, LEVEL = 1130, 20_820, 20, 0.9
MEMORY = "from tests.bench.intervals import {name}; {name}({argument!r})"
NAMES = [f"G{i}" for i in range(GENES)]
#: Genes on which CV+ is timed.
FEW = 1000


def make_inputs() -> tuple[Predictions, anndata.AnnData]:
    """A cross-validation in five folds, and new slides."""
    drawn = np.random.default_rng(0)
    predicted = drawn.normal(size=(SLIDES, GENES)).astype(np.float32)
    measured = predicted + drawn.normal(size=predicted.shape).astype(np.float32)
    names = [f"P{i}" for i in range(SLIDES)]
    obs = pd.DataFrame({"patient_id": names, "fold": np.arange(SLIDES) % 5}, index=names)
    known = Predictions(predicted, measured, obs, pd.Index(NAMES))
    new = drawn.normal(size=predicted.shape).astype(np.float32)
    return known, anndata.AnnData(
        new, pd.DataFrame(index=[f"N{i}" for i in range(SLIDES)]), pd.DataFrame(index=NAMES)
    )


class Stored(RegressorMixin, BaseEstimator):
    """An estimator whose predictions are its only feature."""

    def fit(self, x: NDArray[np.floating], y: NDArray[np.floating]) -> Stored:
        """Nothing to learn."""
        self.n_features_in_ = x.shape[1]
        return self

    def predict(self, x: NDArray[np.floating]) -> NDArray[np.floating]:
        """The stored predictions."""
        return x[:, 0]


def with_mapie(known: Predictions, new: anndata.AnnData, method: str) -> NDArray[np.floating]:
    """The bounds (slides, 2, genes) of the timed genes: by residuals of folds, "plus" or "base", or by "split"."""
    from mapie.regression import CrossConformalRegressor, SplitConformalRegressor

    folds = PredefinedSplit(known.obs["fold"].to_numpy(dtype=int))
    bounds = []
    for gene in range(TIMED):
        x, y = known.predicted[:, [gene]], known.measured[:, gene]
        if method == "split":
            model = SplitConformalRegressor(Stored().fit(x, y), confidence_level=LEVEL, prefit=True)
            model.conformalize(x, y)
        else:
            model = CrossConformalRegressor(Stored(), confidence_level=LEVEL, method=method, cv=folds)
            model.fit_conformalize(x, y)
        bounds.append(model.predict_interval(new.X[:, [gene]])[1][:, :, 0])
    return np.stack(bounds, axis=-1)


def memory_of_arrays(_: str) -> None:
    """Peak memory beyond inputs and outputs."""
    known, new = make_inputs()
    before = resident()
    found: GeneIntervals = gene_intervals(known, new, level=LEVEL)
    print(max(0, peak() - before - found.lower.nbytes - found.upper.nbytes))


def memory_of_files(folder: str) -> None:
    """Memory that intervals add to a process whose matrices are in files."""
    output = Path(folder) / "out.h5ad"
    weights = Weights((), (0, 1), folder)
    calibration = open_calibration(
        IntervalOptions(LEVEL), weights, NAMES, calibration=Path(folder) / "known.h5ad"
    )
    plan = calibration.plan([f"N{i}" for i in range(SLIDES)], [None] * SLIDES, None, ())
    drawn = np.random.default_rng(1)
    with PredictionsFile(output, NAMES, []) as file:
        for _ in range(0, SLIDES, 10):
            file.append(X=drawn.normal(size=(10, GENES)).astype(np.float32))
        before = resident()
        duration = seconds(lambda: write_intervals(file, plan, calibration, NAMES, measured=False))
        print(max(0, peak() - before), duration)
        file.finish(pd.DataFrame(index=[f"N{i}" for i in range(SLIDES)]), {})


def resident() -> int:
    """Memory of this process now, in bytes."""
    return 1024 * int(Path("/proc/self/status").read_text().split("VmRSS:")[1].split()[0])


def in_a_process(name: str, argument: str) -> list[float]:
    """What a function of this file prints in a process of its own."""
    command = [sys.executable, "-c", MEMORY.format(name=name, argument=argument)]
    return [
        float(word)
        for word in subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    ]


def bench_cv_plus(known: Predictions, new: anndata.AnnData) -> None:
    """One line: CV+ for some genes, scaled to all."""
    some = new[:, :FEW].copy()
    by_network = {fold: some.X + np.float32(0.1 * fold) for fold in range(5)}
    options = {"level": LEVEL, "method": "cv+", "by_network": by_network}
    gene_intervals(
        known, some[:5].copy(), **options | {"by_network": {k: v[:5] for k, v in by_network.items()}}
    )
    duration = seconds(lambda: gene_intervals(known, some, **options)) * GENES / FEW
    print(f"{f'  cv+, scaled from {FEW} genes':<44} {duration:8.3f} s")


def bench() -> None:
    """Print the lines of this file."""
    known, new = make_inputs()
    gene_intervals(known, new[:, :50].copy(), level=LEVEL)
    found = gene_intervals(known, new, level=LEVEL)
    ours = seconds(lambda: gene_intervals(known, new, level=LEVEL))
    for method, goal in (("plus", "500 x"), ("base", "-"), ("split", "-")):
        bounds = with_mapie(known, new, method)
        np.testing.assert_allclose(
            found.lower[:, :TIMED], bounds[:, 0], atol=1e-5
        )  # its networks are all equal here
        np.testing.assert_allclose(found.upper[:, :TIMED], bounds[:, 1], atol=1e-5)
        theirs = seconds(partial(with_mapie, known, new, method)) * GENES / TIMED
        line(f"intervals, {SLIDES} slides x {GENES} genes", ours, theirs, f"MAPIE {method}", goal)
    for name in ("normalised", "weighted"):
        duration = seconds(partial(gene_intervals, known, new, level=LEVEL, **{name: True}))
        print(f"{f'  {name}':<44} {duration:8.3f} s")
    bench_cv_plus(known, new)
    three = 3 * found.lower.nbytes
    (extra,) = in_a_process("memory_of_arrays", "")
    print(
        f"{'  memory beyond inputs and outputs':<44} {extra / 2**20:8.1f} MiB   "
        f"{extra / three:.2f} of X, lower and upper   goal 0.5"
    )
    with tempfile.TemporaryDirectory() as folder:
        known.adata.write_h5ad(Path(folder) / "known.h5ad")
        extra, duration = in_a_process("memory_of_files", folder)
    print(
        f"{'  in files, as predict makes them':<44} {duration:8.3f} s   {extra / 2**20:.1f} MiB more memory, "
        f"{extra / three:.2f} of X, lower and upper"
    )
