"""Judge the maps of one HER2ST section against its spots, and against chance: read, judge, save."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from _shared import arguments, save_json, save_table, say
from her2st import BUNDLE, MPP
from numpy.typing import NDArray
from spatial_maps import MEAN, METHODS, NETWORK, path_of

from sequoia_base.atomic import new_file
from sequoia_base.maps import Map, read_map
from sequoia_stats import SpatialTruth, evaluate_map, read_truth
from sequoia_stats.spatial.evaluation import Evaluation
from sequoia_stats.spatial.percentiles import percentiles
from sequoia_stats.spatial.rankings import NullOfGenes, best_genes
from sequoia_stats.spatial.shifts import shift_null
from sequoia_stats.spatial.transport import emds

#: Distance between the spots, and their diameter, in µm.
PITCH_UM, SPOT_UM = 200.0, 100.0


def main() -> None:
    """Write the genes of each method and their nulls to ``spatial/judged/<section>/``, and ``spatial_genes_*.csv``."""
    options = arguments("spatial", "Judge the maps of a HER2ST section.", ("section", str))
    judge(options.section, options.settings, options.results)


def judge(name: str, settings: dict, results: Path, bundle: Path = BUNDLE) -> None:
    """Judge all maps of a section: that of the network in full, the others on the same tiles and genes."""
    folder = results / "spatial"
    target = folder / "judged" / name
    target.mkdir(parents=True, exist_ok=True)
    truth = truth_of(name, bundle)
    network = evaluate_map(
        read_map(path_of(folder, name, NETWORK)),
        truth,
        top=settings["top"],
        spectral=settings["spectral"],
        seed=settings["seed"],
    )
    say(str(network))
    save_table(network.genes, results / f"spatial_genes_{name}.csv")
    save_json(about(network), target / "about.json")
    save_judged(Judged(network.genes, network.null), target, NETWORK)
    measured = Measured.of(network, settings["emd_genes"])
    for method in METHODS:
        if method not in (NETWORK, MEAN):
            judged = judge_on(measured, read_map(path_of(folder, name, method)))
            save_judged(judged, target, method)
    save_judged(judge_constant(measured), target, MEAN)


def truth_of(name: str, bundle: Path = BUNDLE) -> SpatialTruth:
    """The spots of a section, from the bundle."""
    return read_truth(bundle / "spots.h5ad", section=name, mpp=MPP, pitch=PITCH_UM, spot_um=SPOT_UM)


def about(one: Evaluation) -> dict:
    """What the page says of a section."""
    return {
        "section": one.slide,
        "n_tiles": one.n_tiles,
        "n_genes": one.n_genes,
        "n_shifts": one.n_shifts,
        "overlap": one.overlap,
        "nearest_um": one.spot_distance_um["nearest"],
        "last_um": one.spot_distance_um["last"],
        "partial_given": list(one.partial_given),
        "n_rank_reverses": one.n_rank_reverses,
        "notes": list(one.notes),
    }


@dataclass(frozen=True, eq=False)
class Judged:
    """The genes of a method on a section, with their null.

    Parameters
    ----------
    genes : DataFrame
        A row per gene: at least ``gene, r, p_shift, emd, emd_flat, variance``.
    null : NullOfGenes
        Correlations with moved truths.
    """

    genes: pd.DataFrame
    null: NullOfGenes


@dataclass(frozen=True, eq=False)
class Measured:
    """What all methods are judged with: the truth that the map of the network was judged with.

    Parameters
    ----------
    genes : DataFrame
        ``gene, variance, emd_flat``.
    tiles : array of shape (tiles,), int64
        The tiles of the map.
    places : array of shape (tiles, 2), int64
        Their rows and columns.
    truth : array of shape (genes, tiles)
        Smoothed expression.
    with_emd : array of shape (genes,), bool
        Genes whose EMD is computed, those with most variance.
    """

    genes: pd.DataFrame
    tiles: NDArray[np.int64]
    places: NDArray[np.int64]
    truth: NDArray[np.float64]
    with_emd: NDArray[np.bool_]

    @classmethod
    def of(cls, network: Evaluation, n_emd: int) -> Measured:
        """The truth of an evaluation."""
        genes = network.genes[["gene", "variance", "emd_flat"]]
        counts = network.measured.counts_of(genes["gene"].tolist())
        chosen = best_genes([genes], "variance", n_emd, genes["gene"])
        tiles = network.tiles
        return cls(
            genes,
            tiles.tiles,
            tiles.places,
            tiles.smoothed(tiles.unsmoothed(counts)),
            genes["gene"].isin(chosen).to_numpy(),
        )


def judge_on(measured: Measured, map_: Map) -> Judged:
    """Judge another map on the same tiles and genes."""
    names = measured.genes["gene"].tolist()
    maps = np.asarray(map_.genes(names), dtype=np.float64)[measured.tiles].T
    found = shift_null(maps, measured.truth, measured.places)
    weights = np.sqrt(found.overlap / len(measured.tiles))[:, None]
    null = NullOfGenes(tuple(names), (found.null_r * weights).astype(np.float32))
    table = measured.genes.assign(r=found.r, p_shift=found.p, emd=np.nan)
    rows = measured.with_emd
    table.loc[rows, "emd"] = emds(percentiles(maps[rows]), percentiles(measured.truth[rows]), measured.places)
    return Judged(table, null)


def judge_constant(measured: Measured) -> Judged:
    """A map that is the same everywhere: it correlates with nothing, which counts as r 0, and its EMD is that of a
    flat map."""
    table = measured.genes.assign(r=0.0, p_shift=1.0, emd=measured.genes["emd_flat"])
    return Judged(table, NullOfGenes(tuple(table["gene"]), np.zeros((0, len(table)), dtype=np.float32)))


def save_judged(judged: Judged, folder: Path, method: str) -> None:
    """Write the genes of a method and their null."""
    columns = ["gene", "r", "p_shift", "emd", "emd_flat", "variance"]
    save_table(judged.genes[columns], folder / f"{method}.csv")
    with new_file(folder / f"{method}.npy") as temporary, temporary.open("wb") as file:
        np.save(file, judged.null.r, allow_pickle=False)


def read_judged(folder: Path, method: str) -> Judged:
    """Read what `save_judged` wrote."""
    genes = pd.read_csv(
        folder / f"{method}.csv", keep_default_na=False, na_values={"emd": [""], "p_shift": [""]}
    )
    null = np.load(folder / f"{method}.npy", allow_pickle=False)
    return Judged(genes, NullOfGenes(tuple(genes["gene"]), null))


if __name__ == "__main__":
    main()
