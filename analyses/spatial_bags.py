"""Bags for maps of the HER2ST sections: windows of tiles as feature files, their bulk, and four folds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from _shared import arguments, save_table, say
from her2st import BUNDLE, MPP, SECTIONS, Section, bulk, read_section
from her2st_bags import NOTE, adata_of, save_adata

from sequoia_model import FeatureBag, Splits, write_features
from sequoia_model.spatial.holes import fill
from sequoia_model.spatial.windows import Windows, windows_of
from sequoia_model.types.bag import TileGeometry

#: Side of a tile in pixels of the images and in µm.
SIDE = 186
SIDE_UM = SIDE * MPP


def main() -> None:
    """Write the bags, their table, expression, patients and splits to ``spatial/``."""
    options = arguments("spatial", "Make bags for maps of the HER2ST sections.")
    sections = [read_section(name, BUNDLE) for name in SECTIONS]
    table = save(sections, options.settings["stride"], options.results / "spatial")
    counts = table["section"].value_counts(sort=False)
    say(f"  windows: {', '.join(f'{name} {n}' for name, n in counts.items())}")


def roles_of(sections: Sequence[str]) -> pd.DataFrame:
    """Each section tests once: the next in the order of their names stops training, and the others train."""
    n = len(sections)
    roles = {
        f"fold_{i}": {
            name: {0: "test", 1: "val"}.get((j - i) % n, "train") for j, name in enumerate(sections)
        }
        for i in range(n)
    }
    return pd.DataFrame(roles)


def save(sections: Sequence[Section], stride: int, folder: Path) -> pd.DataFrame:
    """Write everything that training needs, and return the table of windows."""
    (folder / "bags").mkdir(parents=True, exist_ok=True)
    (folder / "cache").mkdir(exist_ok=True)
    for old in (folder / "bags").glob("*.h5"):  # those of other settings
        old.unlink()
    tables, values = [], []
    for section in sections:
        windows = windows_of(section.places, stride=stride)
        table = table_of(section.name, windows)
        values.append(bulk(section, windows.origins))
        save_bags(section, windows, table["slide"], folder / "bags")
        tables.append(table)
    table = pd.concat(tables, ignore_index=True)
    save_adata(adata_of(table, np.concatenate(values), sections[0].genes), folder / "measured.h5ad")
    save_table(table[["slide", "section"]].set_axis(["slide", "patient_id"], axis=1), folder / "patients.csv")
    Splits(roles_of([section.name for section in sections]), name="HER2ST").save(folder / "splits.csv")
    save_table(table, folder / "windows.csv")
    return table


def table_of(name: str, windows: Windows) -> pd.DataFrame:
    """A row per window: ``slide, section, row, column``, its first place, and ``tiles``, the number that it holds."""
    rows, columns = windows.origins.T
    slides = [f"{name}_{i:04d}" for i in range(len(windows))]
    tiles = (windows.tiles >= 0).sum(axis=1)
    return pd.DataFrame({"slide": slides, "section": name, "row": rows, "column": columns, "tiles": tiles})


def save_bags(section: Section, windows: Windows, names: Sequence[str], folder: Path) -> None:
    """Write the tokens of each window as a feature file in which they take the place of cluster means."""
    features = torch.from_numpy(section.features)
    tokens, _ = fill(features, torch.from_numpy(np.ascontiguousarray(windows.tiles)))
    for name, means in zip(names, tokens.numpy(), strict=True):
        bag = FeatureBag(
            name,
            cluster_features=means,
            encoder=section.encoder,
            geometry=TileGeometry(side_um=SIDE_UM),
        )
        write_features(bag, folder / f"{name}.h5", force=True, more={"cluster_note": NOTE})


if __name__ == "__main__":
    main()
