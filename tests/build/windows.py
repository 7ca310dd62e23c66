"""Builders of tissue on the grid of tiles, of small networks for its windows, and maps by brute force."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from hypothesis import strategies as st

#: Features, genes and window of the small networks.
DIM, GENES, SIZE = 6, 5, 3


@st.composite
def tissues(draw: st.DrawFn, longest: int = 9) -> np.ndarray:
    """Places of tissue with holes: (row, column) in reading order, somewhere on the slide; at least one."""
    shape = draw(st.tuples(st.integers(1, longest), st.integers(1, longest)))
    generator = np.random.default_rng(draw(st.integers(0, 99)))
    there = generator.random(shape) < draw(st.sampled_from([0.3, 0.6, 0.8, 0.95, 1]))
    there[tuple(generator.integers(shape))] = True
    return np.argwhere(there) + draw(st.integers(0, 20))


def make_tissue(rows: int = 7, columns: int = 8, holes: int = 6, seed: int = 0) -> np.ndarray:
    """Places of a rectangle without some."""
    generator = np.random.default_rng(seed)
    places = np.argwhere(np.ones((rows, columns), dtype=bool))
    return np.delete(places, generator.choice(len(places), holes, replace=False), axis=0)


def make_transformer(architecture: str = "summary_transformer", size: int = SIZE, pca: bool = False):
    """A network of random float64 parameters in evaluation mode, for windows of size × size tiles."""
    import torch

    from sequoia_model.nets.architectures import ARCHITECTURES

    sizes = {
        "summary_transformer": {"input_dim": DIM, "depth": 2, "nheads": 2}
        | dict.fromkeys(("dimensions_f", "dimensions_s", "dimensions_c"), 4),
        "tile_transformer": {"dim": DIM, "depth": 2, "heads": 2, "mlp_dim": 7, "dim_head": 4},
    }
    torch.manual_seed(size)
    network = ARCHITECTURES[architecture](
        num_outputs=GENES, num_clusters=size * size, **sizes[architecture]
    ).double()
    if pca:
        network.with_pca(torch.randn(2 * DIM), torch.randn(2 * DIM, DIM))
    return network.eval()


def make_mlp(ks=(1, 2, 5, 100), size: int = SIZE):
    """A `TileMLP` of random float64 parameters in evaluation mode."""
    import torch

    from sequoia_model.nets import TileMLP

    torch.manual_seed(size)
    sizes = {"input_dim": DIM, "num_outputs": GENES, "num_clusters": size * size}
    return TileMLP(**sizes, layers=(7,), ks=ks).double().eval()


def tile_values(n: int, dim: int = DIM, seed: int = 0) -> np.ndarray:
    """Normal float64 features of tiles."""
    return np.random.default_rng([seed, n]).normal(size=(n, dim))


def windows_by_hand(
    places: np.ndarray, size: int, stride: int = 1, origins: str = "overhang"
) -> dict[tuple[int, int], dict[tuple[int, int], int]]:
    """Origin → place in the window → tile, by trying every origin, for windows of which more than half is tissue."""
    tile_at = {tuple(place): i for i, place in enumerate(places.tolist())}
    (top, left), (bottom, right) = places.min(axis=0).tolist(), places.max(axis=0).tolist()
    found = {}
    for row in range(top - size + 1, bottom + 1):
        for column in range(left - size + 1, right + 1):
            if (row - top) % stride or (column - left) % stride:
                continue
            if origins == "published" and (row < top or column < left):
                continue
            inside = {
                (i, j): tile_at[row + i, column + j]
                for i in range(size)
                for j in range(size)
                if (row + i, column + j) in tile_at
            }
            if len(inside) > size * size / 2:
                found[row, column] = inside
    return found


def map_by_hand(network, features: np.ndarray, windows, rule: str = "mean") -> dict[int, np.ndarray]:
    """Tile → genes, by dictionaries over the predictions of `windows_by_hand`, one window at a time."""
    predictions = defaultdict(list)
    for inside in windows.values():
        genes = predict_by_hand(network, features, inside, rule)
        for tile in inside.values():
            predictions[tile].append(genes)
    return {tile: np.mean(found, axis=0) for tile, found in predictions.items()}


def predict_by_hand(network, features: np.ndarray, inside: dict, rule: str) -> np.ndarray:
    """The genes of one window."""
    import torch

    size = int(network.num_clusters**0.5)
    real = features[list(inside.values())]
    if rule == "packed-zeros":
        tokens = np.vstack([real, np.zeros((size * size - len(real), features.shape[1]))])
    else:
        hole = real.mean(axis=0) if rule == "mean" else np.zeros(features.shape[1])
        tokens = np.array(
            [features[inside[i, j]] if (i, j) in inside else hole for i in range(size) for j in range(size)]
        )
    with torch.inference_mode():
        like = next(network.parameters())
        return network(torch.from_numpy(tokens)[None].to(like.dtype))[0].double().numpy()
