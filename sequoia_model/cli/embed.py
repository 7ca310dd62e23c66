"""``sequoia-model embed``: the features of slides."""

from __future__ import annotations

from typing import Annotated

import typer

from sequoia_base.cli.output import Json
from sequoia_model.cli import slide_options as options


def embed(
    slides: options.Slides,
    output: options.Output,
    encoder: Annotated[
        str, typer.Option(help="An encoder listed by `encoders`, timm:NAME, hf-hub:ORG/NAME or NAME@FILE.")
    ] = "lite0",
    batch_size: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Number of tiles embedded at once; the last digits may depend on it.  [default: by device]",
        ),
    ] = None,
    device: Annotated[
        str, typer.Option(help="Where the encoder runs: auto, cpu, cuda, cuda:N or mps.")
    ] = "auto",
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
    """Choose the tiles of slides, and compute their features and cluster means.

    Slides that are finished in DIR are skipped. If more tiles are wanted than before, only the new ones are
    embedded. Exit code 3: some slides failed, the others are done. Exit code 2: all slides failed, or an argument
    cannot be used.
    """
    from sequoia_model.embedding import embed_folder
    from sequoia_model.tiles import TileOptions

    tiles = TileOptions(
        rule, options.tiles_at_most(max_tiles, all_tiles), seed, slide_mpp, mpp_table, annotation, jobs,
        options.classes(annotation_class), options.classes(exclude_class), keep_ink,
    )  # fmt: skip
    with options.running("embed") as progress:
        done = embed_folder(
            slides, output, tiles, encoder=encoder, batch_size=batch_size, device=device, force=force,
            progress=progress,
        )  # fmt: skip
    return options.report(done, as_json)
