"""Maps of all genes by five networks, against the published way.

The slide is a disc of tiles; the networks have the size of the paper, with random parameters. The published way takes
each window in turn, for each of five networks: it encodes the tiles of the window, predicts all genes, appends them to
a list for each tile of the window, and averages the lists at the end. Ours encodes each tile once, averages latent
vectors, and keeps the heads apart. The published code is slower than what stands for it here: it also reads the pixels
of each tile again, encodes tiles one by one, and appends gene by gene.

Both sides take the same 200 windows with one network. The time of an encoder is that of a few tiles, in batches that
are fast for it. All is scaled to the windows of the slide and five networks: products of measured times and numbers.
bfloat16 is measured where the processor has such products, or on a GPU.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from numpy.typing import NDArray

from sequoia_model.encoders import get_encoder
from sequoia_model.nets import SummaryTransformer
from sequoia_model.spatial.latents import window_latents
from sequoia_model.spatial.window_means import tile_means
from sequoia_model.spatial.windows import Windows, windows_of
from tests.bench.nets import flops, peak, timed
from tests.bench.timing import line, seconds

GENES, FOLDS, TAKEN, RUNS = 20_820, 5, 200, 3
RADIUS = 35.7  # a disc of about 4,000 tiles
#: Encoder: as timm calls it, pixels of a tile, tiles of which it is timed, goals in float32 and bfloat16. Tiles of the
#: whole ResNet-50, whose features have 2,048 numbers, are as the published code resizes them; the other is cut before
#: its last block, and has 1,024.
ENCODERS: dict[str, tuple[str, tuple[int, int], int, tuple[int, int]]] = {
    "lite0": ("tf_efficientnet_lite0", (224, 224), 64, (15, 25)),
    "cut ResNet-50": ("resnet50", (224, 224), 16, (100, 100)),
    "ResNet-50": ("resnet50", (256, 265), 16, (100, 100)),
    "ViT-L/16": ("vit_large_patch16_224", (224, 224), 4, (100, 100)),
}
#: Tiles at once on a CPU.
BATCH = 4


def bench() -> None:
    """Print the lines of this file."""
    torch.manual_seed(0)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    windows = windows_of(_disc())
    n = int(windows.tiles.max()) + 1
    print(f"{n:,} tiles, {len(windows):,} windows, {torch.get_num_threads()} threads, {device}")
    for name, (timm_name, shape, some, goals) in ENCODERS.items():
        encoder = _encoder(timm_name, device, cut=name.startswith("cut"))
        a_tile = _seconds_of_a_tile(encoder, shape, some, device)
        _beside_published(name, int(encoder.num_features), a_tile, goals, windows, device)


def _beside_published(
    name: str, dim: int, a_tile: float, goals: tuple[int, int], windows: Windows, device: str
) -> None:
    """The whole map with features of an encoder that takes `a_tile` seconds, and for lite0 the parts of the map."""
    n = int(windows.tiles.max()) + 1
    network = SummaryTransformer(input_dim=dim, num_outputs=GENES).eval().to(device)
    features = np.random.default_rng(0).normal(size=(n, dim)).astype(np.float32)
    a_tile_of_ours = _seconds_of_our_lite0(device) if name == "lite0" else a_tile
    taken = slice(len(windows) // 2 - TAKEN // 2, len(windows) // 2 + TAKEN // 2)
    some_windows = Windows(windows.origins[taken], windows.tiles[taken], windows.size, windows.stride)
    after = tile_seconds(windows, n, dim)
    held = float((windows.tiles >= 0).sum(axis=1).mean())
    with tempfile.TemporaryDirectory() as folder:
        network_alone, genes_after = published(network, features, some_windows, device, Path(folder))
    scale = FOLDS * len(windows)
    theirs = scale * (held * a_tile + (network_alone + genes_after) / TAKEN)
    for precision, goal in zip(("float32", "bfloat16"), goals, strict=True):
        if precision == "bfloat16" and not _has_bfloat16(device):
            print("this processor has no products in bfloat16")
            continue
        a_window = latent_seconds(network, features, some_windows, precision, device) / TAKEN
        ours = n * a_tile_of_ours + scale * a_window + FOLDS * after
        line(f"whole map, {name}, {precision} (scaled)", ours, theirs, "published", f">= {goal} x")
        if name == "lite0":
            print(
                f"{'':<44} network {a_window * 1e3:.0f} ms a window; {_share(network, a_window, device, precision)}"
            )
    if name == "lite0":
        per_window = FOLDS * after, scale * genes_after / TAKEN
        line("everything after the network (scaled)", *per_window, "by window", ">= 20 x")
        sizes = [n * FOLDS * width * 4 / 1e6 for width in (dim, GENES)]
        print(
            f"{'disk':<44} {sizes[0]:8.0f} MB  genes {sizes[1]:14.0f} MB {sizes[1] / sizes[0]:7.2f} x   goal >= 15 x"
        )


def latent_seconds(
    network: SummaryTransformer, features: NDArray[np.float32], windows: Windows, precision: str, device: str
) -> float:
    """Seconds of the latent vectors of all windows."""
    run = timed(
        lambda: window_latents(network, features, windows, precision=precision, device=device), device
    )
    return min(seconds(run) for _ in range(RUNS))


def tile_seconds(windows: Windows, n: int, dim: int) -> float:
    """Seconds of a fold after the network: the means of the latent vectors, written to a file."""
    latents = np.random.default_rng(1).normal(size=(len(windows), dim)).astype(np.float32)

    def run() -> None:
        with tempfile.TemporaryDirectory() as folder, h5py.File(Path(folder, "map.h5"), "w") as file:
            file["latent"] = tile_means(latents, windows, n)[0]

    return min(seconds(run) for _ in range(RUNS))


def published(
    network: SummaryTransformer, features: NDArray[np.float32], windows: Windows, device: str, folder: Path
) -> tuple[float, float]:
    """Seconds of windows one by one: of the network up to its head, and of genes, their lists, means and file."""
    inputs = [features[tiles[tiles >= 0]] for tiles in windows.tiles]
    padded = [np.pad(rows, ((0, windows.size**2 - len(rows)), (0, 0))) for rows in inputs]
    latents: list[torch.Tensor] = []

    def bodies() -> None:
        with torch.inference_mode():
            latents[:] = [network.latent(torch.from_numpy(x)[None].to(device)) for x in padded]

    def genes() -> None:
        found: dict[int, list[NDArray[np.float32]]] = defaultdict(list)
        with torch.inference_mode():
            for latent, tiles in zip(latents, windows.tiles.tolist(), strict=True):
                predicted = network.linear_head[1](latent)[0].cpu().numpy()
                for tile in tiles:
                    if tile >= 0:
                        found[tile].append(predicted)
        means = np.stack([np.mean(values, axis=0) for values in found.values()])
        with h5py.File(folder / "genes.h5", "w") as file:
            file["genes"] = means

    return seconds(timed(bodies, device)), seconds(genes)


def _share(network: SummaryTransformer, a_window: float, device: str, precision: str) -> str:
    """Which share of the fastest product of large matrices the windows reach."""
    x = torch.zeros(1, network.num_clusters, network.token_dim, device=device)
    with torch.inference_mode():
        count = flops(lambda: network.latent(x))
    if precision != "float32":
        return f"{count / a_window / 1e12:.2f} TFLOP/s"
    rate = peak(device)
    share = count / a_window / rate
    return f"{share:.0%} of the peak of {rate / 1e12:.2f} TFLOP/s   goal >= 70%"


def _disc() -> NDArray[np.int64]:
    """The places of a disc of tiles."""
    places = np.argwhere(np.ones((2 * int(RADIUS) + 3,) * 2))
    return places[np.linalg.norm(places - places.mean(axis=0), axis=1) < RADIUS]


def _encoder(timm_name: str, device: str, *, cut: bool) -> Any:
    """An encoder with random parameters; a ResNet may be cut before its last block."""
    import timm

    network = timm.create_model(timm_name, num_classes=0)
    if cut:
        network.layer4, network.num_features = torch.nn.Identity(), 1024
    return network.eval().to(device)


def _seconds_of_a_tile(encoder: torch.nn.Module, shape: tuple[int, int], some: int, device: str) -> float:
    """Seconds of a tile, in batches."""
    tiles = torch.zeros(some, 3, *shape, device=device)

    def run() -> None:
        with torch.inference_mode():
            for block in tiles.split(BATCH if device == "cpu" else some):
                encoder(block)

    return _fastest(timed(run, device)) / some


def _seconds_of_our_lite0(device: str) -> float:
    """Seconds of a tile by our lite0, from its pixels."""
    encoder = get_encoder("lite0", device=device)
    tiles = np.zeros((BATCH, 224, 224, 3), dtype=np.uint8)
    return _fastest(lambda: [encoder(tiles) for _ in range(8)]) / (8 * BATCH)


def _fastest(run: Callable[[], object]) -> float:
    run()
    return min(seconds(run) for _ in range(RUNS))


def _has_bfloat16(device: str) -> bool:
    """Whether products in bfloat16 are faster than in float32 here."""
    return device == "cuda" or "amx_bf16" in Path("/proc/cpuinfo").read_text()
