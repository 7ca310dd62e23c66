"""Make the bundle of the HER2ST sections from their images and counts. Needs torch, and files that are not bundled.

    python analyses/her2st_bundle.py FOLDER

The folder holds, for each section, ``C2_HE.jpg``, ``C2.tsv.gz`` (counts, rows "XxY") and ``C2_selection.tsv`` (spots),
as almaan/her2st has them; data/her2st/SOURCES.md says what is made of them.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from _shared import save_table, say
from her2st import BUNDLE, MPP, SECTIONS, TRAINING

from sequoia_base.atomic import new_file
from sequoia_model import Encoder, FeatureBag, TileOptions, embed, get_encoder, read_features, write_features
from sequoia_model.errors import InputError
from sequoia_model.slide import Slide, open_slide
from sequoia_model.spatial.stain_density import tile_densities

ENCODER, GENES = "lite0", 2000
#: Pixels of the longer side of the picture of a section, and the quality of its JPEG.
THUMBNAIL, QUALITY = 700, 80


def main(arguments: list[str] | None = None) -> None:
    """Write a feature file and a picture for each section, ``spots.h5ad`` and ``tiles.csv``."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="folder of the images, counts and spots")
    parser.add_argument("--bundle", type=Path, default=BUNDLE, help="folder of the outputs")
    options = parser.parse_args(arguments)
    options.bundle.mkdir(parents=True, exist_ok=True)
    encoder = get_encoder(ENCODER, device="cpu")
    for name in SECTIONS:
        bag = features_of(options.folder / f"{name}_HE.jpg", encoder)
        say(f"  {name}: {bag.n_tiles} tiles")
        write_small(bag, options.bundle / f"{name}.h5")
    write_spots({name: read_spots(options.folder, name) for name in SECTIONS}, options.bundle / "spots.h5ad")
    write_pictures(options.folder, options.bundle)


def write_pictures(folder: Path, bundle: Path) -> None:
    """Write ``tiles.csv``, the haematoxylin and the tissue of the tiles, and a small picture of each section."""
    tables = []
    for name in SECTIONS:
        with open_slide(folder / f"{name}_HE.jpg", mpp=MPP) as slide:
            tables.append(densities(name, bundle, slide))
            write_thumbnail(slide, bundle / f"{name}.jpg")
    save_table(pd.concat(tables, ignore_index=True), bundle / "tiles.csv")


def densities(name: str, bundle: Path, slide: Slide) -> pd.DataFrame:
    """A row per tile of the features: ``section, x, y``, its corner in pixels, ``haematoxylin, tissue``."""
    bag = read_features(bundle / f"{name}.h5")
    assert bag.coords is not None and bag.geometry.side is not None
    corners = np.asarray(bag.coords, dtype=np.int64)
    found = tile_densities(slide, corners, bag.geometry.side)
    return pd.DataFrame(
        {
            "section": name,
            "x": corners[:, 0],
            "y": corners[:, 1],
            "haematoxylin": found.haematoxylin.round(5),
            "tissue": found.tissue.round(4),
        }
    )


def write_thumbnail(slide: Slide, path: Path) -> None:
    """Write a JPEG whose longer side has `THUMBNAIL` pixels."""
    from PIL import Image

    picture, _ = slide.thumbnail(max(slide.size) * slide.mpp / THUMBNAIL)
    with new_file(path) as temporary:
        Image.fromarray(picture).save(temporary, format="JPEG", quality=QUALITY, optimize=True)


def features_of(image: Path, encoder: Encoder) -> FeatureBag:
    """The features of all tiles of 128 µm that hold tissue by the paper's rule."""
    return embed(image, encoder=encoder, options=TileOptions(rule="paper", max_tiles=None, slide_mpp=MPP))


def write_small(bag: FeatureBag, path: Path) -> None:
    """Write the features of tiles in our layout, as compressed float16: half the digits, a sixth of the size."""
    import h5py

    image = io.BytesIO()
    with new_file(path) as temporary:
        write_features(bag, temporary, force=True)
        with h5py.File(temporary) as full, h5py.File(image, "w") as small:
            small.create_dataset("features", data=full["features"][:].astype(np.float16), compression="gzip")
            small["coords"] = full["coords"][:].astype(np.int32)
            small.attrs.update({**full.attrs, "slide": path.stem})
        temporary.write_bytes(image.getbuffer())


def read_spots(folder: Path, name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The counts (spots × genes) and positions (x, y, pixel_x, pixel_y) of the spots that have both."""
    counts = pd.read_csv(folder / f"{name}.tsv.gz", sep="\t", index_col=0)
    spots = pd.read_csv(folder / f"{name}_selection.tsv", sep="\t")
    spots.index = pd.Index(spots["x"].astype(str) + "x" + spots["y"].astype(str))
    if counts.columns.has_duplicates or counts.index.has_duplicates or spots.index.has_duplicates:
        raise InputError("a gene or a spot is duplicated", where=f"{folder}, section {name}")
    both = spots.index[spots.index.isin(counts.index)]
    return counts.loc[both], spots.loc[both]


def chosen_genes(counts: Mapping[str, pd.DataFrame], n: int = GENES) -> list[str]:
    """The genes with most counts in the training sections, among those that both have; equal ones by name.

    The sections that validate and test are not looked at.
    """
    sums = pd.concat([counts[name].sum() for name in TRAINING], axis=1, join="inner").sum(axis=1)
    order = pd.DataFrame({"counts": -sums, "gene": sums.index}, sums.index).sort_values(["counts", "gene"])
    return sorted(order.index[:n])


def write_spots(read: Mapping[str, tuple[pd.DataFrame, pd.DataFrame]], path: Path) -> None:
    """Write the counts of the chosen genes as AnnData: obs = spot, with its section, place on the array and total."""
    import anndata

    counts = {name: table for name, (table, _) in read.items()}
    genes = chosen_genes(counts)
    x = np.concatenate([table.reindex(columns=genes, fill_value=0).to_numpy() for table in counts.values()])
    if x.max() > np.iinfo(np.uint16).max:
        raise InputError("a count does not fit into 16 bits", where=str(path))
    obs = pd.concat(
        pd.DataFrame(
            {"section": name, "x": spots["x"], "y": spots["y"], "total": table.sum(axis=1)}, spots.index
        ).set_axis(f"{name}_" + spots.index)
        for name, (table, spots) in read.items()
    )
    adata = anndata.AnnData(x.astype(np.uint16), obs, pd.DataFrame(index=pd.Index(genes, name="gene")))
    adata.obsm["spatial"] = np.concatenate(
        [spots[["pixel_x", "pixel_y"]].to_numpy(np.float64) for _, spots in read.values()]
    )
    adata.uns["units"] = "counts"
    adata.uns["genes"] = f"{len(genes)} with most counts in the sections {' and '.join(TRAINING)}"
    with new_file(path) as temporary:
        adata.write_h5ad(temporary, compression="gzip")


if __name__ == "__main__":
    main()
