"""``sequoia-model predict``: the genes of slides, from the slides themselves or from their features."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sequoia_base.cli.output import Force, Json, ledger, progress, say, show
from sequoia_model.cli import slide_options as options


def predict(
    inputs: Annotated[
        list[Path],
        typer.Argument(
            metavar="SLIDE|FEATURES|FOLDER", help="Slides, or feature files; folders of either in depth."
        ),
    ],
    weights: Annotated[
        str, typer.Option(metavar="DIR|hub:ORG/NAME", help="Weights: one network, or a folder of folds.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The predictions to write (.h5ad).")],
    encoder: Annotated[
        str | None,
        typer.Option(help="The encoder, where files or weights do not name it; of slides also NAME@FILE."),
    ] = None,
    genes: Annotated[
        Path | None, typer.Option(help="Names of the outputs, where they are not the 20,820 published ones.")
    ] = None,
    patients: Annotated[
        Path | None, typer.Option(help="CSV with slide and patient_id.  [default: TCGA barcodes]")
    ] = None,
    measured: Annotated[
        Path | None, typer.Option(help="Reference table (wsi_file_name, patient_id, rna_*) or .h5ad.")
    ] = None,
    untrained: Annotated[
        int, typer.Option(min=0, help="Predictions by so many untrained networks, for comparison.")
    ] = 0,
    ensemble: Annotated[
        str, typer.Option(help="Networks of a patient of the published splits: held-out, or all.")
    ] = "held-out",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    jobs: Annotated[
        int | None,
        typer.Option(min=1, help="Threads that read.  [default: all cores for slides, 1 for features]"),
    ] = None,
    batch_size: Annotated[
        int, typer.Option(min=1, help="Slides of a forward pass; the last digits may depend on it.")
    ] = 16,
    slide_mpp: options.SlideMpp = None,
    mpp_table: options.MppTable = None,
    rule: Annotated[
        str | None,
        typer.Option(
            help="Which tiles: paper, or published-code.  [default: published-code with published weights, "
            "else paper]"
        ),
    ] = None,
    max_tiles: options.MaxTiles = None,
    all_tiles: options.AllTiles = False,
    annotation: options.Annotation = None,
    no_keep: Annotated[
        bool, typer.Option("--no-keep", help="Do not keep the features of slides beside the output.")
    ] = False,
    seed: Annotated[
        int, typer.Option(min=0, help="Of the drawing of tiles, the clusters and untrained networks.")
    ] = 0,
    force: Force = False,
    as_json: Json = False,
) -> int:
    """Predict log2(FPKM-UQ+1) of every gene, as mean and standard deviation over the folds.

    Slides are tiled and embedded first; their features stay in NAME_features beside the output, where the next call
    finds them. With published weights a patient of the published splits is predicted by its held-out fold alone.
    Exit code 3: some slides failed, and the rest is written.
    """
    from sequoia_model.prediction import predict_any

    said: dict[str, object] = {
        "slide_mpp": slide_mpp,
        "mpp_table": mpp_table,
        "rule": rule,
        "annotation": annotation,
    }
    tiling = {name: value for name, value in said.items() if value is not None}
    if all_tiles or max_tiles is not None:
        tiling["max_tiles"] = options.tiles_at_most(max_tiles, all_tiles)
    done = predict_any(
        inputs, weights, output=output, encoder=encoder, genes=genes, patients=patients, measured=measured,
        untrained=untrained, ensemble=ensemble, device=device, jobs=jobs, batch_size=batch_size, tiling=tiling,
        keep=not no_keep, seed=seed, force=force, progress=progress("predict"),
        embedding=lambda: options.running("embed"),
    )  # fmt: skip
    for failure in done.failed:
        say(f"failed: {failure.file}: {failure.reason}")
    for line in [*(f"warning: {text}" for text in done.warnings), *ledger(done.flow)]:
        say(line)
    show(str(done), done.to_dict(), as_json)
    say(f"written to {output}")
    return 3 if done.failed else 0
