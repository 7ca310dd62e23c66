"""Two slides: their tissue, the tiles that each rule chooses, and why places are left out. Needs torch."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from _shared import HERE, save_drawing, save_json, save_table, say

from sequoia_model.slide import Slide, open_slide
from sequoia_model.tiles import TILE_RULES, Candidates, TileOptions, find_candidates
from sequoia_model.types.grid import TileGrid
from sequoia_stats import plots

SLIDES = HERE.parent / "tests" / "data" / "slides"
#: Pixels of the longer side of the picture of a slide, and how many tiles are shown.
PICTURE, SHOWN = 1200, 7
REASONS = ("background", "little tissue", "low contrast", "not drawn")


@dataclass(frozen=True)
class Source:
    """A slide to show.

    Parameters
    ----------
    name : str
        Name of its results.
    file, short, title : str
    mpp : float, optional
        µm per pixel, if the file does not state it.
    """

    name: str
    file: str
    short: str
    title: str
    mpp: float | None = None


SOURCES = (
    Source(
        "svs",
        "CMU-1-Small-Region.svs",
        "CMU-1 (SVS)",
        "A region of a slide as a scanner wrote it (Aperio SVS)",
    ),
    Source(
        "her2st",
        "HER2ST_C2.jpg",
        "HER2ST C2 (JPEG)",
        "A HER2-positive breast tumour on an array (HER2ST, C2)",
        0.688,
    ),
)


def main(arguments: list[str] | None = None) -> None:
    """Write ``slides_counts.csv``, ``slides_differences.csv``, and for each slide its facts and a figure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--results", type=Path, default=HERE / "results", help="folder of the outputs")
    results: Path = parser.parse_args(arguments).results
    rows: list[dict[str, object]] = []
    compared: list[dict[str, object]] = []
    for source in SOURCES:
        say(f"  {source.file}")
        with open_slide(SLIDES / source.file, mpp=source.mpp) as slide:
            candidates = {rule: find_candidates(slide, TileOptions(rule=rule)) for rule in TILE_RULES}
            grids = {rule: each.examine().grid for rule, each in candidates.items()}
            rows += [counts(source, grid) for grid in grids.values()]
            compared.append(differences(source, grids))
            save_json(about(slide, candidates["paper"]), results / f"slide_{source.name}.json")
            figure = plots.tiled_slide(drawn(slide, candidates["paper"], grids["paper"]), title=source.title)
            save_drawing(figure, caption(slide, grids["paper"]), results, f"slide_{source.name}")
    save_table(pd.DataFrame(rows).convert_dtypes(), results / "slides_counts.csv")
    save_table(pd.DataFrame(compared), results / "slides_differences.csv")


def counts(source: Source, grid: TileGrid) -> dict[str, object]:
    """Tiles by the reason why they are not used; missing for a reason that a rule does not have."""
    lost = {reason.replace(" ", "_"): grid.left_out.get(reason) for reason in REASONS}
    return {
        "slide": source.short,
        "rule": grid.rule,
        "places": grid.n_places,
        **lost,
        "tiles": len(grid.coords),
    }


def differences(source: Source, grids: dict[str, TileGrid]) -> dict[str, object]:
    """Numbers of tiles chosen by both rules, and by only one."""
    paper, published = ({tuple(corner) for corner in grids[rule].coords.tolist()} for rule in TILE_RULES)
    return {
        "slide": source.short, "both": len(paper & published), "paper_only": len(paper - published),
        "published_only": len(published - paper),
    }  # fmt: skip


def about(slide: Slide, candidates: Candidates) -> dict[str, object]:
    """The facts about a slide that a run would use."""
    width, height = slide.size
    said = {"given": "given by the user", "mpp": "stated in the file"}
    return {
        "width": width, "height": height, "mpp": slide.mpp, "side": candidates.side,
        "tissue_mm2": candidates.mask.area_mm2,
        "source": said.get(slide.resolution.source, f"from the {slide.resolution.source} of the file"),
    }  # fmt: skip


def drawn(slide: Slide, candidates: Candidates, grid: TileGrid) -> plots.TiledSlide:
    """What the figure shows; the tiles in full resolution are evenly spread over those that were chosen."""
    width, height = slide.size
    mm = slide.mpp / 1000
    picture, _ = slide.thumbnail(max(width, height) * slide.mpp / PICTURE)
    picks = np.linspace(0, len(grid.coords) - 1, SHOWN + 2).round().astype(int)[1:-1]
    tiles = np.stack([slide.read(x, y, grid.side) for x, y in grid.coords[picks].tolist()])
    return plots.TiledSlide(
        picture, candidates.mask.mask, (width * mm, height * mm), grid.coords * mm, grid.side * mm, tiles
    )


def caption(slide: Slide, grid: TileGrid) -> list[str]:
    """Caption of a slide; its numbers are those of the grid."""
    lost = ", ".join(f"{n:,} {reason}" for reason, n in grid.left_out.items() if n) or "none"
    coarse = (
        f"The slide has {slide.mpp:g} µm per pixel, so its tiles are enlarged and show no more detail than the slide."
        if slide.mpp > 1.05 * grid.mpp
        else ""
    )
    return [
        f"{slide.path.name}: the slide, its tissue mask (black), and the tiles that the paper's rule chooses; below, "
        f"{SHOWN} tiles as the encoder sees them ({grid.size} × {grid.size} pixels at {grid.mpp:g} µm).",
        f"{len(grid.coords):,} of {grid.n_places:,} places are tiles; left out: {lost}.",
        coarse,
    ]


if __name__ == "__main__":
    main()
