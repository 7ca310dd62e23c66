"""Ridge of all genes against scikit-learn's RidgeCV, one gene after the other, at the size of one fold of BRCA.

900 slides of 800 patients in 1,024 columns, 20,820 genes in float32, 20 penalties. RidgeCV chooses the penalty of a
gene by leaving out slides; ours leaves out patients. RidgeCV is timed on a few genes, spread over all, and scaled to
all of them. For the genes that were timed, with each slide a patient of its own, the penalties must be the same and
the predictions equal. RidgeCV for all genes at once (`alpha_per_target`) is another user's way: it is timed on a
tenth of the genes, after which its time grows with their number, and its memory is what it needs for that tenth.
"""

from __future__ import annotations

import subprocess
import sys

import numpy as np
from sklearn.linear_model import RidgeCV
from sklearn.preprocessing import StandardScaler

from sequoia_model.training.baselines import ALPHAS, fit_ridge, nearest_neighbours
from tests.bench.timing import line, seconds

SLIDES, PATIENTS, COLUMNS, GENES, TIMED, TENTH = 900, 800, 1024, 20_820, 4, 2_082
#: A child process with nothing else in it: how far its peak rises above its memory with the input.
MEMORY = """
from tests.bench.ridge import {function}, make_part
from tests.bench.timing import peak

{function}(*make_part(slides=40, columns=10, genes=20))  # loads what is loaded once
part = make_part(genes={genes})
before = peak()
result = {function}(*part)
print(before, peak())
"""


def make_part(
    slides: int = SLIDES, columns: int = COLUMNS, genes: int = GENES
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features with decreasing variances, genes that depend on some directions of them, and patients."""
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(slides, columns)) / np.sqrt(1 + np.arange(columns))
    x = scores @ np.linalg.qr(rng.normal(size=(columns, columns)))[0]
    few = min(50, columns)
    y = rng.standard_normal((slides, genes), dtype=np.float32)
    loadings = rng.normal(size=(few, genes)) * np.linspace(0, 1, genes)
    for slide in range(slides):  # in place: the peak must not be that of making the input
        y[slide] += scores[slide, :few] @ loadings
    patients = np.arange(slides) * (slides * PATIENTS // SLIDES) // slides
    return x, y, patients


def ours(x: np.ndarray, y: np.ndarray, patients: np.ndarray) -> object:
    """What `train` fits in each fold."""
    return fit_ridge(x, y, patients=patients)


def neighbours(x: np.ndarray, y: np.ndarray, patients: np.ndarray) -> object:
    """The other baseline, for its memory and time."""
    return nearest_neighbours(x, y, patients=patients)


def at_once(x: np.ndarray, y: np.ndarray, patients: np.ndarray) -> object:
    """RidgeCV for all genes in one call; it knows nothing of patients."""
    return RidgeCV(alphas=ALPHAS, alpha_per_target=True).fit(StandardScaler().fit_transform(x), y)


def one_by_one(x: np.ndarray, y: np.ndarray) -> list[RidgeCV]:
    """RidgeCV gene by gene; the columns are standardised once."""
    standard = StandardScaler().fit_transform(x)
    return [RidgeCV(alphas=ALPHAS).fit(standard, column) for column in y.T]


def bench_memory(function: str, genes: int = GENES) -> None:
    """Peak memory of a separate process."""
    command = [sys.executable, "-c", MEMORY.format(function=function, genes=genes)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    before, after = map(int, answer.stdout.split())
    rise = f"{(after - before) / 2**20:6.0f} MiB above its input"
    print(f"{f'peak memory, {function}, {genes:,} genes':<52} {after / 2**20:6.0f} MiB, {rise}")


def bench() -> None:
    """Print the lines of this file."""
    x, y, patients = make_part()
    some = np.linspace(0, GENES - 1, TIMED).astype(int)
    print(
        f"RidgeCV gene by gene is timed on {TIMED} of {GENES:,} genes, and at once on {TENTH:,}; both are scaled."
    )
    fit_ridge(x[:50], y[:50, :50])
    mine = seconds(lambda: ours(x, y, patients))
    single = seconds(lambda: one_by_one(x, y[:, some]))
    line(
        f"{GENES:,} genes, {len(ALPHAS)} penalties", mine, single * GENES / TIMED, "gene by gene", ">= 100 x"
    )
    tenth = np.linspace(0, GENES - 1, TENTH).astype(int)
    together = seconds(lambda: at_once(x, y[:, tenth], patients))
    line("the same", mine, together * GENES / TENTH, "all at once", "none")
    print(f"{'nearest neighbours':<44} {seconds(lambda: neighbours(x, y, patients)):8.3f} s")
    alone, theirs = fit_ridge(x, y[:, some]), one_by_one(x, y[:, some])
    assert alone.alpha.tolist() == [model.alpha_ for model in theirs]
    predicted = np.column_stack([model.predict(StandardScaler().fit_transform(x)) for model in theirs])
    print(f"{'':<44} largest difference of predictions: {np.abs(alone.predict(x) - predicted).max():.1e}")
    for function, genes in (("ours", GENES), ("neighbours", GENES), ("at_once", TENTH)):
        bench_memory(function, genes)
