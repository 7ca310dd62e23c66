"""Maps of one HER2ST section: of networks that did not see it, and of baselines on the same tiles. Needs torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from _shared import arguments, save_table, say
from her2st import BUNDLE, SECTIONS, read_section
from her2st_train import name_of
from numpy.typing import NDArray
from spatial_bags import SIDE
from spatial_baselines import spot_ridge, training_mean, window_ridge

from sequoia_base.maps import Map, read_map, write_map
from sequoia_model import spatial_map
from sequoia_stats.association import pearson

#: Maps of a section, by the names of their files; the first is that of the network.
NETWORK, UNTRAINED, TILES = "network", "untrained", "tile-mlp"
SPOTS, WINDOWS, MEAN = "ridge-spots", "ridge-windows", "training-mean"
METHODS = {
    NETWORK: "Linearized transformer",
    UNTRAINED: "Untrained network",
    TILES: "Tile MLP, single tiles",
    WINDOWS: "Ridge on windows",
    SPOTS: "Ridge on spots",
    MEAN: "Training mean",
}


def main() -> None:
    """Write the maps of a section to ``spatial/maps/<section>/``, and ``strides.csv`` beside them."""
    options = arguments("spatial", "Map a HER2ST section.", ("section", str))
    make_maps(options.section, options.settings, options.results / "spatial")


def make_maps(name: str, settings: dict, folder: Path, bundle: Path = BUNDLE) -> None:
    """Write all maps of a section of a bundle."""
    import torch

    torch.set_num_threads(1)
    first, second = (one["name"] for one in settings["networks"])
    path_of(folder, name, NETWORK).parent.mkdir(parents=True, exist_ok=True)
    network = mapped(name, NETWORK, folder, first, bundle)
    genes = list(network.gene_names)
    mapped(name, UNTRAINED, folder, first, bundle, untrained=settings["seed"])
    mapped(name, TILES, folder, second, bundle, per_tile=True, genes=genes)
    for method, values in baselines(name, settings["stride"], bundle):
        values = np.where(network.covered[:, None], values, np.nan)
        one = network.with_values(genes, values.astype(np.float32), source=method)
        write_map(one, path_of(folder, name, method), force=True)
    save_table(strides(name, network, settings, folder, bundle), folder / "maps" / name / "strides.csv")


def path_of(folder: Path, section: str, method: str) -> Path:
    """The map of a section by a method."""
    return folder / "maps" / section / f"{method}.map.h5ad"


def mapped(name: str, method: str, folder: Path, network: str, bundle: Path, **options: Any) -> Map:
    """Map a section by the network that was not trained on it, and add what its picture shows."""
    path = path_of(folder, name, method)
    run = spatial_map(
        bundle / f"{name}.h5",
        folder / "runs" / name_of(network),
        output=path,
        patients={name: name},
        device="cpu",
        force=True,
        **options,
    )
    assert run.held_out is not None and not run.seen
    say(f"  {name}, {METHODS[method]}: {run.n_covered} of {run.n_tiles} tiles, {run.n_windows} windows")
    found = read_map(path)
    complete = replace(found, columns=densities(name, found, bundle))
    write_map(complete, path, force=True)
    return read_map(path)


def densities(name: str, found: Map, bundle: Path) -> pd.DataFrame:
    """The haematoxylin and the tissue of the tiles of a map, from the bundle."""
    table = pd.read_csv(bundle / "tiles.csv")
    table = table[table["section"] == name]
    places = (table[["y", "x"]].to_numpy() // SIDE).tolist()
    at = {tuple(place): row for row, place in enumerate(places)}
    rows = [at[tuple(place)] for place in found.places.tolist()]
    return table[["haematoxylin", "tissue"]].iloc[rows].reset_index(drop=True)


def baselines(name: str, stride: int, bundle: Path) -> Iterator[tuple[str, NDArray[np.floating[Any]]]]:
    """The values of baselines on the tiles of a section, (tiles, genes): each learns from the other three."""
    held_out = read_section(name, bundle)
    others = [read_section(other, bundle) for other in SECTIONS if other != name]
    yield WINDOWS, window_ridge(others, held_out, stride)
    yield SPOTS, spot_ridge(others, held_out)
    yield MEAN, training_mean(others, held_out)


def strides(name: str, dense: Map, settings: dict, folder: Path, bundle: Path) -> pd.DataFrame:
    """How maps with fewer windows differ: ``section, stride, n_windows, n_tiles, r, r_low``, the median over genes and
    the 5% quantile of the correlation with the map of stride 1 over the tiles that both have."""
    genes = list(dense.gene_names)
    rows = [(name, 1, int(dense.about["n_windows"]), int(dense.covered.sum()), 1.0, 1.0)]
    for stride in settings["strides"]:
        with TemporaryDirectory(dir=folder) as temporary:
            path = Path(temporary) / "sparse.map.h5ad"
            spatial_map(
                bundle / f"{name}.h5",
                folder / "runs" / name_of(settings["networks"][0]["name"]),
                output=path,
                patients={name: name},
                stride=stride,
                device="cpu",
            )
            sparse = read_map(path)
            both = dense.covered & sparse.covered
            r = pearson(dense.genes(genes)[both], sparse.genes(genes)[both]).r
        tiles, low = int(both.sum()), float(np.quantile(r, 0.05))
        rows.append((name, stride, int(sparse.about["n_windows"]), tiles, float(np.median(r)), low))
    return pd.DataFrame(rows, columns=["section", "stride", "n_windows", "n_tiles", "r", "r_low"])


if __name__ == "__main__":
    main()
