"""``sequoia-model map``: the map of a slide, from the features of all its tiles."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sequoia_base.atomic import refuse_existing
from sequoia_base.cli.output import Force, Json, ledger, progress, say, show


def map_slide(
    features: Annotated[
        Path,
        typer.Argument(
            metavar="FEATURES", help="Feature file of one slide, with all its tiles (embed --all-tiles)."
        ),
    ],
    weights: Annotated[
        str,
        typer.Option(
            metavar="FILE|DIR|hub:ORG/NAME",
            help="Weights: a file or folder of one network, or a folder with all folds, such as that of a "
            "training run.",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Map to write (.map.h5ad).")],
    genes: Annotated[
        str | None,
        typer.Option(
            metavar="A,B|FILE",
            help="Genes whose values are also written, as X: names, or a file with a name per line. All genes can be "
            "read from the map without this, but for a tile_mlp.",
        ),
    ] = None,
    stride: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Tiles between neighbouring windows.  [default: 1]"),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Time for the windows, such as 10min: some are timed, and the smallest stride that fits is taken.",
        ),
    ] = None,
    ensemble: Annotated[
        str,
        typer.Option(
            help="Networks for a patient in the splits of the weights: held-out (the one that was not trained on "
            "the patient) or all."
        ),
    ] = "held-out",
    encoder: Annotated[
        str | None, typer.Option(help="Encoder of the features, if the file or the weights do not name it.")
    ] = None,
    slide_mpp: Annotated[
        float | None, typer.Option(metavar="X", help="µm per pixel of the slide, if the features do not say.")
    ] = None,
    origins: Annotated[
        str,
        typer.Option(
            help="Where windows may begin: overhang (over every edge) or published (not over the left and top ones)."
        ),
    ] = "overhang",
    holes: Annotated[
        str,
        typer.Option(
            help="What stands where a window has no tile: mean (of its tiles), zeros, or packed-zeros, as in the "
            "published code."
        ),
    ] = "mean",
    per_tile: Annotated[
        bool, typer.Option("--per-tile", help="Scores of single tiles by a tile_mlp, without windows.")
    ] = False,
    heads: Annotated[
        Path | None,
        typer.Option(
            help="File of the networks' last layer, which the map names; written if it is not there.  [default: that "
            "of the training run, else heads.h5 beside the output]"
        ),
    ] = None,
    patients: Annotated[
        Path | None,
        typer.Option(help="CSV with columns slide and patient_id.  [default: TCGA barcodes]"),
    ] = None,
    gene_names: Annotated[
        Path | None,
        typer.Option(
            help="Names of the networks' outputs, one per line.  [default: those of the weights, else the 20,820 "
            "published ones]"
        ),
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(help="float32 or bfloat16.  [default: bfloat16 on a GPU, float32 elsewhere]"),
    ] = None,
    slide: Annotated[
        Path | None,
        typer.Option(help="The slide itself, for the haematoxylin and the tissue of each tile."),
    ] = None,
    untrained: Annotated[
        int | None,
        typer.Option(min=0, metavar="SEED", help="Map by untrained networks instead, for comparison."),
    ] = None,
    geojson: Annotated[
        Path | None, typer.Option(help="Also write tiles with their genes for QuPath (.geojson).")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    batch_size: Annotated[
        int | None,
        typer.Option(
            min=1, help="Windows at once; the last digits may depend on it.  [default: what is fast]"
        ),
    ] = None,
    force: Force = False,
    as_json: Json = False,
) -> int:
    """Map the genes of a slide over its tiles.

    Every square window of tiles goes through the networks, and a tile has the mean over the windows that hold it. The
    map holds latent vectors, from which each gene is one product with the heads of the networks; --genes also writes
    values. A patient in the splits of the weights is mapped only by the fold that held the patient out. After Ctrl-C,
    the next call goes on.
    """
    refuse_existing(output, force=force, inputs=[features])  # before the slow import
    from sequoia_model.spatial.run import map_slide as make

    done = make(
        features, weights, output=output, genes=genes, stride=stride, budget=budget, ensemble=ensemble,
        encoder=encoder, slide_mpp=slide_mpp, origins=origins, holes=holes, per_tile=per_tile, heads=heads,
        patients=patients, gene_names=gene_names, precision=precision, slide=slide, untrained=untrained,
        geojson=geojson, device=device, batch_size=batch_size, force=force, progress=progress("map"),
    )  # fmt: skip
    for line in [*(f"warning: {text}" for text in done.warnings), *ledger(done.flow)]:
        say(line)
    show(str(done), done.to_dict(), as_json)
    say(f"written to {output}")
    return 0
