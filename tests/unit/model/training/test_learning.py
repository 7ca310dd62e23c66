"""Networks learn what there is to learn: slides whose true expression is known, and so the best correlation possible.

Genes are measured with noise, so that even the truth correlates with them by 0.80 only. Networks and slides are small
(20 clusters of 32 features, 50 genes, two layers), and learn by `--recipe strict` at a rate of 0.003. A fifth of the
slides validates; 500 further slides test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from sequoia_model.nets import SummaryTransformer, TileMLP, TileTransformer
from sequoia_model.nets.slide_network import SlideNetwork
from sequoia_model.training.checkpoints import Checkpoints
from sequoia_model.training.fit import FitOptions, fit, predict
from sequoia_model.training.parts import FoldPart
from sequoia_model.training.recipes import RECIPES
from sequoia_model.training.scores import gene_correlations
from tests.build.training import make_slides

pytestmark = pytest.mark.slow

CLUSTERS, DIM, GENES, TESTED = 20, 32, 50, 500
#: The noise beside a true signal of variance 1 that makes the two correlate by 0.80: 1 / sqrt(1 + 0.75²).
NOISE = 0.75

NETWORKS: dict[str, Callable[[], SlideNetwork]] = {
    "summary_transformer": lambda: SummaryTransformer(
        input_dim=DIM, num_outputs=GENES, num_clusters=CLUSTERS, depth=2, nheads=4, dimensions_f=8, dimensions_s=8,
        dimensions_c=8,
    ),
    "tile_transformer": lambda: TileTransformer(
        num_outputs=GENES, dim=DIM, depth=2, heads=4, mlp_dim=64, dim_head=8, num_clusters=CLUSTERS
    ),
    "tile_mlp": lambda: TileMLP(
        input_dim=DIM, num_outputs=GENES, layers=(64, 64), ks=(1, 2, 5, 10, 20), num_clusters=CLUSTERS
    ),
}  # fmt: skip


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small products gain nothing from several threads, which wait for each other on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def slides(n: int, seed: int, shuffled: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Slides of which the last ones are tested; the genes of the others may be shuffled among them."""
    x, y = make_slides(n + TESTED, clusters=CLUSTERS, dim=DIM, genes=GENES, noise=NOISE, seed=seed)
    if shuffled:
        y[:n] = np.random.default_rng(seed).permutation(y[:n])
    return x, y


def learnt(folder: Path, architecture: str, n: int, seed: int, *, shuffled: bool = False) -> float:
    """Mean correlation over genes on the tested slides, after training on `n` slides."""
    x, y = slides(n, seed, shuffled)
    torch.manual_seed(seed)
    network = NETWORKS[architecture]()
    rows = np.arange(n)
    options = FitOptions(RECIPES["strict"], epochs=60, lr=0.003, seed=seed)
    parts = [FoldPart(x, y, some) for some in (rows[: n - n // 5], rows[n - n // 5 :])]
    fit(network, *parts, options, checkpoints=Checkpoints(folder, ""), device=torch.device("cpu"))
    tested = np.arange(n, n + TESTED)
    return float(gene_correlations(y[tested], predict(network, x, tested, batch_size=100)).mean())


@pytest.mark.parametrize("seed", [0, 1])
def test_the_truth_itself_correlates_with_the_measured_values_by_080(seed: int) -> None:
    _, measured = make_slides(4000, clusters=1, dim=DIM, genes=GENES, noise=NOISE, seed=seed)
    _, exact = make_slides(4000, clusters=1, dim=DIM, genes=GENES, noise=0.0, seed=seed)
    assert gene_correlations(measured, exact).mean() == pytest.approx(0.80, abs=0.01)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(
    ("architecture", "n", "least"),
    [
        ("summary_transformer", 400, 0.74),
        ("summary_transformer", 1000, 0.77),
        ("tile_transformer", 400, 0.74),
        ("tile_transformer", 1000, 0.77),
        ("tile_mlp", 400, 0.60),
    ],
)
def test_networks_come_near_the_best_that_is_possible(
    tmp_path: Path, architecture: str, n: int, least: float, seed: int
) -> None:
    assert least <= learnt(tmp_path, architecture, n, seed) <= 0.82


@pytest.mark.parametrize("architecture", NETWORKS)
def test_from_shuffled_genes_networks_learn_nothing(tmp_path: Path, architecture: str) -> None:
    assert abs(learnt(tmp_path, architecture, 400, 0, shuffled=True)) < 0.15
