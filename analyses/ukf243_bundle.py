"""Make the bundle of the glioblastoma section UKF243: positions, scale factors, scores of programmes, and its image.

    python analyses/ukf243_bundle.py FOLDER

The folder holds the files of Priyankas007/spatial_gradients side by side; data/ukf243/SOURCES.md says what is made of
them.
"""

from __future__ import annotations

import argparse
import gzip
from pathlib import Path

import pandas as pd
from _shared import say

from sequoia_base.atomic import new_file

BUNDLE = Path(__file__).parent / "data" / "ukf243"
#: Names of programmes that the table misspells or writes in several ways.
SPELLINGS = {
    "Neuronal Developmemnt": "Neuronal Development",
    "Reactive_Immune": "Reactive Immune",
    "Reactive-Hypoxia": "Reactive Hypoxia",
}
QUALITY = 33  # of the JPEG: at this size the thumbnail stays below 150 kB


def main(arguments: list[str] | None = None) -> None:
    """Write a folder as Space Ranger has it, with ``programmes.csv.gz``."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="folder of the files")
    parser.add_argument("--bundle", type=Path, default=BUNDLE, help="folder of the outputs")
    options = parser.parse_args(arguments)
    spatial = options.bundle / "spatial"
    spatial.mkdir(parents=True, exist_ok=True)
    _write(spatial / "scalefactors_json.json", (options.folder / "scalefactors_json.json").read_bytes())
    positions = (options.folder / "tissue_positions_list.csv").read_bytes()
    _write(spatial / "tissue_positions_list.csv.gz", gzip.compress(positions, mtime=0))
    write_thumbnail(options.folder / "tissue_hires_image.png", spatial / "tissue_hires_image.jpg")
    table = programmes(options.folder / "Tab_GeneSet_243_T.csv")
    text = table.to_csv(index=False, float_format="%.6f", lineterminator="\n")
    _write(options.bundle / "programmes.csv.gz", gzip.compress(text.encode(), mtime=0))
    say(f"  {len(table):,} spots, {table.shape[1] - 1} programmes")


def programmes(path: Path) -> pd.DataFrame:
    """Barcodes and scores, without row numbers; names of programmes are mended."""
    table = pd.read_csv(path, index_col=0).rename(columns=SPELLINGS)
    return table.rename(columns={"barcodes": "barcode"})


def write_thumbnail(image: Path, path: Path) -> None:
    """Write an image as a JPEG of the same size in pixels, so that the scale factors hold."""
    from PIL import Image

    with new_file(path) as temporary, Image.open(image) as full:
        full.convert("RGB").save(temporary, format="JPEG", quality=QUALITY, optimize=True)


def _write(path: Path, content: bytes) -> None:
    with new_file(path) as temporary:
        temporary.write_bytes(content)


if __name__ == "__main__":
    main()
