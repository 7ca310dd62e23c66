"""R bridge and cross-validation against rpy2's own conversion and cv.glmnet."""

from __future__ import annotations

import statistics
import time

import numpy as np
import rpy2.robjects as ro
from rpy2.robjects import numpy2ri
from rpy2.robjects.conversion import localconverter

from sequoia_stats import datasets, rbridge, shared_genes
from sequoia_stats.coxpath.cross_validation import CrossValidation, cross_validate, stratified_folds
from sequoia_stats.coxpath.path_engines import PathSettings, cox_path
from sequoia_stats.signature.transforms import within_cohort
from tests.bench.timing import alternate, line, seconds

CV_GLMNET = """
function(x, time, event, foldid, ratio)
  glmnet::cv.glmnet(x, survival::Surv(time, event), family = "cox", foldid = foldid, lambda.min.ratio = ratio)
"""
CORES = 2
SETTINGS = PathSettings(lambda_min_ratio=0.05)


def bench_copy(order: str) -> None:
    """Copy a matrix of 909 patients × 5,000 genes to R."""
    matrix = np.asarray(np.random.default_rng(0).normal(size=(909, 5000)), order=order)
    session = rbridge.start()

    def theirs() -> object:
        with localconverter(ro.default_converter + numpy2ri.converter):
            return numpy2ri.numpy2rpy(matrix)

    ours, other = alternate(lambda: session._array_to_r(matrix), theirs, runs=11)
    line(f"copy 909 x 5000 doubles into R ({order} order)", ours, other, "numpy2ri", "<= 0.05 s, >= 2 x")


def bench_cross_validation() -> None:
    """5-fold cross-validation on TCGA-BRCA, with the genes shared with SCAN-B and METABRIC."""
    tcga = datasets.load_tcga_brca()
    shared = shared_genes(tcga, datasets.load_scanb(), datasets.load_metabric())
    x, outcome = within_cohort("rank", tcga.expression[shared].to_numpy()), tcga.outcome
    foldids = stratified_folds(outcome.event, 5)
    r_function = ro.r(CV_GLMNET)
    arguments = [
        ro.r.matrix(ro.FloatVector(x.ravel(order="F")), nrow=len(x)),
        ro.FloatVector(outcome.time / outcome.time.max()),
        ro.FloatVector(outcome.event.astype(float)),
        ro.IntVector(foldids[0].tolist()),
        SETTINGS.lambda_min_ratio,
    ]

    def ours() -> CrossValidation:
        return cross_validate(x, outcome, foldids, SETTINGS, jobs=CORES)[1]

    def theirs() -> object:
        return r_function(*arguments)

    mine, other = alternate(ours, theirs, runs=5)
    line(f"5-fold CV, {len(x)} x {len(shared)}, {CORES} processes", mine, other, "cv.glmnet", ">= 1.8 x")
    reference = np.array(theirs().rx2("cvm"))
    print(
        f"{'':<44} largest relative difference of the curves: {np.abs(ours().mean / reference - 1).max():.1e}"
    )

    start = time.perf_counter()
    path = cox_path(x, outcome, SETTINGS)
    whole = time.perf_counter() - start
    print(
        f"{'one path through the bridge':<44} {whole:8.3f} s   of which {path.seconds:.3f} s inside R's fit; "
        f"conversion {bench_conversion(x, path.coefficients) / path.seconds:.1%} of it   goal <= 2%"
    )


def bench_conversion(x: np.ndarray, coefficients: np.ndarray) -> float:
    """Seconds to convert the expression in and the coefficients out."""
    session = rbridge.start()
    back = session._to_r(np.asfortranarray(coefficients))
    return statistics.median(seconds(lambda: (session._to_r(x), session._from_r(back))) for _ in range(11))


def bench() -> None:
    """Print the lines of this file."""
    print(f"R packages: {rbridge.versions(('glmnet', 'survival'))}")
    bench_copy("C")
    bench_copy("F")
    bench_cross_validation()
