"""Bags of the HER2ST sections: windows of tiles as feature files, their bulk, and who trains, validates and tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from _shared import arguments, save_table, say
from her2st import (
    BUNDLE,
    ROLES,
    SECTIONS,
    UNITS,
    WINDOW,
    Section,
    bulk,
    read_section,
    tokens,
    windows,
)

from sequoia_base.atomic import new_file
from sequoia_model import FeatureBag, Splits, write_features

if TYPE_CHECKING:
    import anndata

NOTE = f"no clusters: the tiles of a window of {WINDOW} × {WINDOW} places, in reading order"


def main() -> None:
    """Write the bags, their table, expression (measured and shuffled), patients and splits to ``her2st/``."""
    options = arguments("her2st", "Make bags of the HER2ST sections.")
    sections = [read_section(name, BUNDLE) for name in SECTIONS]
    table = save(sections, options.settings, options.results / "her2st")
    counts = table["section"].value_counts(sort=False)
    say(f"  windows: {', '.join(f'{name} {n}' for name, n in counts.items())}")


def save(sections: Sequence[Section], settings: dict, folder: Path) -> pd.DataFrame:
    """Write everything that training needs, and return the table of windows."""
    bags = folder / "bags"
    bags.mkdir(parents=True, exist_ok=True)
    (folder / "cache").mkdir(exist_ok=True)
    for old in bags.glob("*.h5"):  # those of other settings
        old.unlink()
    tables, values = [], []
    for section in sections:
        table = windows_of(section, settings)
        corners = table[["row", "column"]].to_numpy()
        values.append(bulk(section, corners))
        for name, corner in zip(table["slide"], corners, strict=True):
            save_bag(section, name, corner, bags / f"{name}.h5")
        tables.append(table)
    table = pd.concat(tables, ignore_index=True)
    measured = adata_of(table, np.concatenate(values), sections[0].genes)
    save_adata(measured, folder / "measured.h5ad")
    for i, seed in enumerate(np.random.SeedSequence(settings["seed"]).spawn(settings["controls"])):
        save_adata(shuffled(measured, seed), folder / f"shuffled_{i}.h5ad")
    save_table(table[["slide", "section"]].set_axis(["slide", "patient_id"], axis=1), folder / "patients.csv")
    roles = pd.DataFrame({"fold_0": {section.name: ROLES[section.name] for section in sections}})
    Splits(roles, name="HER2ST").save(folder / "splits.csv")
    save_table(table, folder / "windows.csv")
    return table


def windows_of(section: Section, settings: dict) -> pd.DataFrame:
    """The windows of a section: those of the stride, or all where networks are tested."""
    tested = ROLES[section.name] == "test"
    corners = windows(section.places, 1 if tested else settings["stride"])
    inside = ((section.places >= corners[:, None]) & (section.places < corners[:, None] + WINDOW)).all(axis=2)
    return pd.DataFrame(
        {
            "slide": [f"{section.name}_{row:02d}_{column:02d}" for row, column in corners.tolist()],
            "section": section.name,
            "role": ROLES[section.name],
            "row": corners[:, 0],
            "column": corners[:, 1],
            "tiles": inside.sum(axis=1),
        }
    )


def save_bag(section: Section, name: str, window: np.ndarray, path: Path) -> None:
    """Write the tokens of a window as a feature file in which they take the place of cluster means."""
    bag = FeatureBag(name, cluster_features=tokens(section, window), encoder=section.encoder)
    more = {"cluster_note": NOTE, "section": section.name, "row": int(window[0]), "column": int(window[1])}
    write_features(bag, path, force=True, more=more)


def adata_of(table: pd.DataFrame, values: np.ndarray, genes: Sequence[str]) -> anndata.AnnData:
    """Measured expression of windows; sections take the place of patients."""
    import anndata

    obs = pd.DataFrame(
        {"patient_id": table["section"].to_numpy()}, index=pd.Index(table["slide"], name="slide")
    )
    adata = anndata.AnnData(values, obs, pd.DataFrame(index=pd.Index(genes, name="gene")))
    adata.uns["units"] = UNITS
    return adata


def shuffled(measured: anndata.AnnData, seed: int | np.random.SeedSequence) -> anndata.AnnData:
    """The same expression, given to other windows of the same section: a control in which there is nothing to learn
    but the mean of a section."""
    rng = np.random.default_rng(seed)
    order = np.arange(measured.n_obs)
    for rows in measured.obs.groupby("patient_id", observed=True).indices.values():
        order[rows] = rng.permutation(rows)
    adata = measured.copy()
    adata.X = measured.X[order]
    return adata


def save_adata(adata: anndata.AnnData, path: Path) -> None:
    """Write an h5ad, whole or not at all."""
    with new_file(path) as temporary:
        adata.write_h5ad(temporary)


if __name__ == "__main__":
    main()
