"""``sequoia-model tile``: where the tiles of slides are, and what was left out."""

from __future__ import annotations

from sequoia_base.cli.output import Json
from sequoia_model.cli import slide_options as options


def tile(
    slides: options.Slides,
    output: options.Output,
    slide_mpp: options.SlideMpp = None,
    mpp_table: options.MppTable = None,
    rule: options.TileRuleOption = "paper",
    max_tiles: options.MaxTiles = None,
    all_tiles: options.AllTiles = False,
    annotation: options.Annotation = None,
    annotation_class: options.AnnotationClass = None,
    exclude_class: options.ExcludeClass = None,
    keep_ink: options.KeepInk = False,
    seed: options.Seed = 0,
    jobs: options.Jobs = None,
    force: options.Again = False,
    as_json: Json = False,
) -> int:
    """Choose the tiles of slides, and write coordinates, tissue mask, a picture and GeoJSON for QuPath.

    Slides that are finished in DIR are skipped. Exit code 3: some slides failed, the others are done. Exit code 2: all
    slides failed, or an argument cannot be used.
    """
    from sequoia_model.embedding import tile_folder
    from sequoia_model.tiles import TileOptions

    tiles = TileOptions(
        rule, options.tiles_at_most(max_tiles, all_tiles), seed, slide_mpp, mpp_table, annotation, jobs,
        options.classes(annotation_class), options.classes(exclude_class), keep_ink,
    )  # fmt: skip
    with options.running("tile") as progress:
        done = tile_folder(slides, output, tiles, force=force, progress=progress)
    return options.report(done, as_json)
