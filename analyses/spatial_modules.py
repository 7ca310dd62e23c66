"""Meta-modules on maps: of the HER2ST sections, of a simulated section, and measured on UKF243 (figures 5d-e)."""

from __future__ import annotations

from pathlib import Path

import captions_spatial as captions
import numpy as np
import pandas as pd
from _shared import HERE, arguments, save_drawing, save_json, save_table
from her2st import SECTIONS
from simulated_section import SimulatedSection, simulate_section
from spatial_maps import NETWORK, path_of

from sequoia_base.maps import read_map
from sequoia_stats import gene_modules, plots, read_truth, subtypes_of_programmes
from sequoia_stats.spatial.modules import ModuleMaps, SubtypeMap

#: A glioblastoma section with five measured scores and no counts.
UKF243 = HERE / "data" / "ukf243"


def main() -> None:
    """Write the tables, figures and captions of modules."""
    options = arguments("spatial", "Show meta-modules on maps.")
    show(options.results, options.settings)


def show(results: Path, settings: dict) -> None:
    """Find modules on predicted, simulated and measured sections."""
    chosen, seed = settings["modules"], settings["seed"]
    planted = simulate_section(side=chosen["side"], noise=chosen["noise"], seed=seed)
    maps = [read_map(path_of(results / "spatial", name, NETWORK)) for name in SECTIONS]
    found = {
        "her2st": gene_modules(maps, "neftel", n_random=chosen["random"], seed=seed),
        "simulated": gene_modules([planted.map], "neftel", n_random=chosen["random"], seed=seed),
    }
    measured = subtypes_of_programmes(read_truth(UKF243))
    tables = [one.table.assign(maps=name) for name, one in found.items()]
    save_table(pd.concat(tables, ignore_index=True), results / "spatial_modules.csv")
    genes = [one.genes.assign(maps=name) for name, one in found.items()]
    save_table(pd.concat(genes, ignore_index=True), results / "spatial_module_genes.csv")
    save_table(measured.to_frame(), results / "spatial_subtypes_ukf243.csv")
    about = describe(found, planted, len(measured.names))
    save_json(about, results / "spatial_modules.json")
    draw(found, planted, measured, about, results)


def describe(found: dict[str, ModuleMaps], planted: SimulatedSection, spots: int) -> dict:
    """Numbers for the page."""
    simulated, her2st = found["simulated"], found["her2st"]
    return {
        "recovered": planted.recovered(simulated.slides[0]),
        "largest": captions.largest_share(np.asarray(planted.planted.labels)),
        "n_tiles": len(planted.planted.names),
        "n_modules": len(simulated.modules),
        "her2st_modules": list(her2st.modules),
        "her2st_n_modules": len(her2st.modules),
        "her2st_n_found": int(her2st.overall["n_found"].sum()),
        "her2st_n_genes": int(her2st.overall["n_genes"].sum()),
        "her2st_coherent": int((her2st.overall["p_coherence"] < 0.05).sum()),
        "simulated_coherent": int((simulated.overall["p_coherence"] < 0.05).sum()),
        "n_random": int(her2st.overall["n_random"].max()),
        "her2st_notes": list(her2st.notes),
        "ukf243_spots": spots,
    }


def draw(
    found: dict[str, ModuleMaps], planted: SimulatedSection, measured: SubtypeMap, about: dict, results: Path
) -> None:
    """Draw and save the figures."""
    breast = (
        "This is breast cancer and the modules are of glioblastoma: a test of the method, not of biology."
    )
    her2st, simulated = found["her2st"], found["simulated"]
    recovered = captions.recovery(about["recovered"], about["largest"])
    figures = {
        "fig5d_her2st": (
            plots.module_clustermap(her2st),
            [*captions.clustermap(her2st, "averaged over the four HER2ST sections"), breast],
        ),
        "fig5d_simulated": (
            plots.module_clustermap(simulated),
            captions.clustermap(simulated, "on a simulated section"),
        ),
        "fig5e_her2st": (
            plots.subtype_maps(her2st.slides),
            [*captions.subtypes(her2st.slides, "tile of the HER2ST sections"), breast],
        ),
        "fig5e_simulated": (
            plots.subtype_maps([planted.planted, simulated.slides[0]]),
            [*captions.subtypes([planted.planted, simulated.slides[0]], "tile: planted (left) and found"), recovered],
        ),
        "fig5e_ukf243": (
            plots.subtype_maps([measured]),
            [
                *captions.subtypes([measured], "spot of the glioblastoma section UKF243, of five measured scores"),
                "The section has no counts, so no gene could be compared with a map.",
            ],
        ),
    }  # fmt: skip
    for name, (figure, caption) in figures.items():
        save_drawing(figure, caption, results, name)


if __name__ == "__main__":
    main()
