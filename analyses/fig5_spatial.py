"""Maps of the HER2ST sections beside the truth and chance (figures 5a-c, tables of sections, methods and rules)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import captions_spatial as captions
import numpy as np
import pandas as pd
from _shared import HERE, arguments, read_json, save_drawing, save_json, save_table
from her2st import BUNDLE, SECTIONS
from numpy.typing import NDArray
from spatial_judge import Judged, read_judged, truth_of
from spatial_maps import METHODS, NETWORK, TILES, UNTRAINED, WINDOWS, path_of

from sequoia_base.maps import Map, read_map
from sequoia_model.spatial.windows import windows_of
from sequoia_stats import evaluate_map, plots
from sequoia_stats.spatial.across_slides import bootstrap_means
from sequoia_stats.spatial.evaluation import Evaluation
from sequoia_stats.spatial.rankings import best_genes, ranked_medians
from sequoia_stats.spatial.side_by_side import map_pairs

#: Medians over genes that the table of rules shows: what each says of a gene is in docs/spatial.md.
STATISTICS = (
    "r", "r_paper", "r_one_spot", "r_unsmoothed", "r_pearson_residuals", "r_partial", "spearman", "ssim", "js", "emd",
    "emd_flat", "emd_paper", "moran_truth", "moran_unsmoothed", "moran_one_spot", "moran_map",
)  # fmt: skip
#: Tables that `make calibrate` keeps.
CALIBRATION = HERE / "data" / "calibration"
#: Sections of the figure with the picture, and genes of the figure of all sections.
PICTURED, BESIDE = "C2", 2


def main() -> None:
    """Write the tables, figures and captions of the page on maps."""
    options = arguments("spatial", "Show the maps of the HER2ST sections.")
    show(options.results, options.settings)


def show(results: Path, settings: dict, bundle: Path = BUNDLE) -> None:
    """Read what was judged, and write what it shows."""
    folder = results / "spatial"
    judged = {
        method: {name: read_judged(folder / "judged" / name, method) for name in SECTIONS}
        for method in METHODS
    }
    medians = medians_of(judged, settings["top"])
    save_table(medians, results / "spatial_medians.csv")
    methods = methods_of(medians)
    save_table(methods, results / "spatial_methods.csv")
    over = over_sections(methods, settings["seed"])
    save_table(over, results / "spatial_over.csv")
    genes = {
        name: pd.read_csv(results / f"spatial_genes_{name}.csv", keep_default_na=False, na_values=[""])
        for name in SECTIONS
    }
    save_table(rules_of(genes, settings["top"]), results / "spatial_rules.csv")
    save_table(across(genes), results / "spatial_across.csv")
    sections = sections_of(folder)
    save_table(sections, results / "spatial_sections.csv")
    strides = pd.concat([pd.read_csv(folder / "maps" / name / "strides.csv") for name in SECTIONS])
    save_table(strides, results / "spatial_strides.csv")
    for name, table in (("null_size", "shift_null"), ("emd_overshoot", "emd_overshoot")):
        save_table(pd.read_csv(CALIBRATION / f"{table}.csv"), results / f"spatial_{name}.csv")
    about = describe(methods, over, genes, sections, strides, settings)
    about["verdict"] = captions.verdict(about)
    save_json(about, results / "spatial.json")
    draw(results, medians, methods, about, settings, bundle)


def read_genes(path: Path) -> pd.DataFrame:
    """The genes of a section; an empty cell is an undefined number."""
    return pd.read_csv(path, keep_default_na=False, na_values=[""])


def medians_of(judged: Mapping[str, Mapping[str, Judged]], top: int) -> pd.DataFrame:
    """`ranked_medians` of every method and section, with ``method, section`` before them: genes are ranked by the same
    method on the other sections, and on the section itself."""
    rows = []
    for method, sections in judged.items():
        for name, one in sections.items():
            others = {other: each.genes for other, each in sections.items() if other != name}
            table = ranked_medians(one.genes, one.null, others, top=top)
            table.insert(0, "section", name)
            table.insert(0, "method", METHODS[method])
            rows.append(table)
    return pd.concat(rows, ignore_index=True)


def methods_of(medians: pd.DataFrame) -> pd.DataFrame:
    """A row per method and section: ``method, section, r, r_null_mean, r_null_high, beats_null``, of the best genes as
    other sections rank them, ``r_same, r_same_null_high`` of those that the section itself ranks best, ``r_all`` and
    ``share_beating`` of all genes, ``r_hvg, emd, emd_flat`` of the genes with most variance."""
    keys = ["method", "section"]

    def part(kind: str, ranked_on: str, columns: dict[str, str]) -> pd.DataFrame:
        chosen = medians["genes"].str.startswith(kind) & (medians["ranked_on"] == ranked_on)
        return medians[chosen].set_index(keys)[list(columns)].rename(columns=columns)

    same = {name: name for name in ("r", "r_null_mean", "r_null_high", "beats_null")}
    parts = [
        part("top", "other slides", same),
        part("top", "this slide", {"r": "r_same", "r_null_high": "r_same_null_high"}),
        part("all", "", {"r": "r_all", "share_beating": "share_beating"}),
        part("hvg", "this slide", {"r": "r_hvg", "emd": "emd", "emd_flat": "emd_flat"}),
    ]
    return pd.concat(parts, axis=1).reset_index()


def over_sections(methods: pd.DataFrame, seed: int) -> pd.DataFrame:
    """A row per method: means over sections of the columns of `methods_of`, ``r_low, r_high``, a 95% interval of the
    mean r by a bootstrap over sections, ``n_beating`` and ``n_sections``."""
    random = np.random.default_rng(np.random.SeedSequence(seed))
    rows = []
    for method, part in methods.groupby("method", sort=False):
        numbers = part.drop(columns=["method", "section", "beats_null"]).astype(np.float64)
        low, high = bootstrap_means(numbers[["r"]].to_numpy(), random)[:, 0]
        beating = int((part["r"] > part["r_null_high"]).sum())
        rows.append(
            {
                "method": method, **numbers.mean().to_dict(), "r_low": low, "r_high": high, "n_beating": beating,
                "n_sections": len(part),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def rules_of(genes: Mapping[str, pd.DataFrame], top: int) -> pd.DataFrame:
    """A row per section: medians of `STATISTICS` over the best genes as other sections rank them."""
    rows = []
    for name, table in genes.items():
        others = [other for section, other in genes.items() if section != name]
        chosen = best_genes(others, "r", top, table["gene"])
        rows.append(
            {"section": name, **table[table["gene"].isin(chosen)][list(STATISTICS)].median().to_dict()}
        )
    return pd.DataFrame(rows)


def across(genes: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """A row per gene: ``gene, n_sections, n_above`` (r above .1), ``n_beating`` (p_shift below .05), and means over
    sections of r, its null and its EMD, by falling r."""
    stacked = pd.concat(genes.values()).assign(
        n_above=lambda t: t["r"] > 0.1, n_beating=lambda t: t["p_shift"] < 0.05
    )
    groups = stacked.groupby("gene")
    means = groups[["r", "r_shift_mean", "r_shift_high", "r_partial", "emd", "emd_flat"]].mean()
    counts = groups[["n_above", "n_beating"]].sum().astype(int)
    table = pd.concat([groups.size().rename("n_sections"), counts, means], axis=1).reset_index()
    return table.sort_values(["r", "gene"], ascending=[False, True], ignore_index=True)


def sections_of(folder: Path) -> pd.DataFrame:
    """A row per section: its part in each fold, and what was judged."""
    rows = [read_json(folder / "judged" / name / "about.json") for name in SECTIONS]
    windows = pd.read_csv(folder / "windows.csv")["section"].value_counts()
    table = pd.DataFrame(rows).drop(columns=["notes", "partial_given"])
    table.insert(1, "n_bags", windows.reindex(table["section"]).to_numpy())
    return table


def describe(
    methods: pd.DataFrame, over: pd.DataFrame, genes: Mapping[str, pd.DataFrame], sections: pd.DataFrame,
    strides: pd.DataFrame, settings: dict,
) -> dict[str, Any]:  # fmt: skip
    """Numbers for the page and the captions."""
    network = methods[methods["method"] == METHODS[NETWORK]].set_index("section")
    beats = network["r"] > network["r_null_high"]
    table = over.set_index("method")
    rivals = table.drop(index=METHODS[NETWORK])["r"]
    p = pd.concat([one["p_shift"] for one in genes.values()])
    stacked = pd.concat(genes.values())
    return {
        "network": METHODS[NETWORK],
        "top": int(settings["top"]),
        "stride": settings["stride"],
        "recipe": settings["recipe"],
        "n_sections": len(sections),
        "n_genes_low": int(sections["n_genes"].min()),
        "n_genes_high": int(sections["n_genes"].max()),
        "n_shifts_low": int(sections["n_shifts"].min()),
        "n_shifts_high": int(sections["n_shifts"].max()),
        "nearest_um": float(sections["nearest_um"].median()),
        "last_um": float(sections["last_um"].median()),
        "r_low": float(network["r"].min()),
        "r_high": float(network["r"].max()),
        "null_high_low": float(network["r_null_high"].min()),
        "null_high_high": float(network["r_null_high"].max()),
        "n_beating": int(beats.sum()),
        "beating": beats.index[beats].tolist(),
        "not_beating": beats.index[~beats].tolist(),
        "margin_low": float((network["r"] - network["r_null_high"]).min()),
        "margin_high": float((network["r"] - network["r_null_high"]).max()),
        "best_rival": str(rivals.idxmax()),
        "best_rival_r": float(rivals.max()),
        "network_r": float(table.loc[METHODS[NETWORK], "r"]),
        "windows_r": float(table.loc[METHODS[WINDOWS], "r"]),
        "tiles_epochs": int(settings["networks"][1]["epochs"]),
        "tiles_r": float(table.loc[METHODS[TILES], "r"]),
        "share_beating": float((p.dropna() < 0.05).mean()),
        "share_beating_low": float(network["share_beating"].min()),
        "share_beating_high": float(network["share_beating"].max()),
        "naive": float((stacked["p_naive"] < 0.05).mean()),
        "emd": float(stacked["emd"].median()),
        "emd_flat": float(stacked["emd_flat"].median()),
        "emd_worse_than_flat": float((stacked["emd"] > stacked["emd_flat"]).mean()),
        "rank_reverses": int(sections["n_rank_reverses"].sum()),
        "moran_truth": float(stacked["moran_truth"].median()),
        "moran_one_spot": float(stacked["moran_one_spot"].median()),
        "moran_map": float(stacked["moran_map"].median()),
        "p_spectral_share": float((stacked["p_spectral"].dropna() < 0.05).mean()),
        "shown": settings["shown"],
        **{f"stride_{stride}_r": float(part["r"].median()) for stride, part in strides.groupby("stride")},
        **{f"untrained_{key}": float(table.loc[METHODS[UNTRAINED], key]) for key in ("r", "r_same")},
    }


def draw(
    results: Path, medians: pd.DataFrame, methods: pd.DataFrame, about: dict, settings: dict, bundle: Path
) -> None:
    """Draw and save the figures."""
    folder = results / "spatial"
    maps = {name: read_map(path_of(folder, name, NETWORK)) for name in SECTIONS}
    save_drawing(
        plots.slide_windows([windowed(name, one, bundle) for name, one in maps.items()]),
        captions.windows(maps, about), results, "fig5a",
    )  # fmt: skip
    genes = settings["shown"]
    shown = {
        name: evaluate_map(one, truth_of(name, bundle), genes=genes, spectral=0) for name, one in maps.items()
    }
    pictured = pairs_of(shown[PICTURED], genes, picture(PICTURED, bundle))
    save_drawing(plots.map_and_truth(pictured, across=2), captions.pairs(pictured, about), results, "fig5b")
    beside = [pair for gene in genes[:BESIDE] for one in shown.values() for pair in pairs_of(one, [gene])]
    save_drawing(
        plots.map_and_truth(beside, across=len(SECTIONS)), captions.sections(beside, about), results, "fig5c"
    )
    network = medians[(medians["method"] == METHODS[NETWORK])].rename(columns={"section": "slide"})
    save_drawing(plots.medians_against_null(network), captions.nulls(network, about), results, "spatial_null")
    rows = methods.rename(columns={"section": "slide", "method": "genes"}).assign(
        ranked_on="", n_genes=settings["top"]
    )
    rows = rows.sort_values("slide", kind="stable")
    save_drawing(
        plots.medians_against_null(rows), captions.methods(methods, about), results, "spatial_methods"
    )


def pairs_of(one: Evaluation, genes: Sequence[str], image: NDArray[np.uint8] | None = None) -> list:
    """Maps and truths of those of the genes that vary enough on the section."""
    judged = set(one.genes["gene"])
    return map_pairs(one, [gene for gene in genes if gene in judged], image=image)


def picture(name: str, bundle: Path) -> NDArray[np.uint8]:
    """The bundled picture of a section."""
    from PIL import Image

    with Image.open(bundle / f"{name}.jpg") as image:
        return np.asarray(image.convert("RGB"))


def windowed(name: str, one: Map, bundle: Path) -> plots.SlideWindows:
    """A section with its tiles, the first of its windows, and one with the most tiles."""
    windows = windows_of(one.places)
    side, mpp = one.tile_um / 1000, float(one.about["slide_mpp"]) / 1000
    size = (one.about["slide_width"] * mpp, one.about["slide_height"] * mpp)
    fullest = int((windows.tiles >= 0).sum(axis=1).argmax())
    offsets = np.argwhere(np.ones((windows.size, windows.size)))
    chosen = [(windows.origins[i] + offsets)[:, ::-1] * side for i in (0, fullest)]
    return plots.SlideWindows(
        name, picture(name, bundle), size, one.places[:, ::-1] * side, side, chosen, len(windows)
    )


if __name__ == "__main__":
    main()
