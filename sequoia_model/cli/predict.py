"""``sequoia-model predict``: predict the genes of slides, from the slides themselves or from their features."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sequoia_base.cli.output import Force, Json, ledger, progress, say, show
from sequoia_model.cli import slide_options as options
from sequoia_model.errors import InputError


def predict(
    inputs: Annotated[
        list[Path],
        typer.Argument(
            metavar="SLIDE|FEATURES|FOLDER",
            help="Slides or feature files, or folders of either, searched with their subfolders.",
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
    output: Annotated[Path, typer.Option("--output", "-o", help="Predictions file to write (.h5ad).")],
    encoder: Annotated[
        str | None,
        typer.Option(
            help="Encoder of the features, if files or weights do not name it. For slides, NAME@FILE gives "
            "its own weights."
        ),
    ] = None,
    genes: Annotated[
        Path | None,
        typer.Option(
            help="Gene names of the outputs, one per line.  [default: those of the weights, else the 20,820 "
            "published ones]"
        ),
    ] = None,
    patients: Annotated[
        Path | None,
        typer.Option(help="CSV with columns slide and patient_id.  [default: TCGA barcodes]"),
    ] = None,
    measured: Annotated[
        Path | None,
        typer.Option(help="Measured expression: a table (wsi_file_name, patient_id, rna_*) or .h5ad."),
    ] = None,
    untrained: Annotated[
        int, typer.Option(min=0, metavar="N", help="Add N predictions by untrained networks, for comparison.")
    ] = 0,
    ensemble: Annotated[
        str,
        typer.Option(
            help="Networks for patients in the splits of the weights: held-out (the one that was not trained on "
            "them) or all."
        ),
    ] = "held-out",
    intervals: Annotated[
        float | None,
        typer.Option(
            metavar="LEVEL",
            help="Put an interval around every gene that holds this share of the measured values, such as 0.9.",
        ),
    ] = None,
    intervals_method: Annotated[
        str,
        typer.Option(
            help="pooled (residuals of all folds around the mean) or cv+ (around the network of each residual)."
        ),
    ] = "pooled",
    intervals_within: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="Keep the promise within each level of a column of --patients, or within each cohort.",
        ),
    ] = None,
    intervals_normalised: Annotated[
        bool,
        typer.Option(
            "--intervals-normalised",
            help="Let the width follow the predicted value in genes where this makes intervals shorter.",
        ),
    ] = False,
    intervals_weighted: Annotated[
        bool,
        typer.Option(
            "--intervals-weighted",
            help="Weigh calibration patients by their likeness to the new ones, who are of another population.",
        ),
    ] = False,
    calibration: Annotated[
        Path | None,
        typer.Option(
            help="Predictions file with measured values, or the run folder that holds one, that calibrates the "
            "intervals.  [default: that of the training run]"
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    jobs: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Number of threads that read files.  [default: one per core for slides, 1 for features]",
        ),
    ] = None,
    batch_size: Annotated[
        int,
        typer.Option(min=1, help="Slides per pass through the networks; the last digits may depend on it."),
    ] = 16,
    slide_mpp: options.SlideMpp = None,
    mpp_table: options.MppTable = None,
    rule: Annotated[
        str | None,
        typer.Option(
            help="How tiles are chosen: paper or published-code.  [default: published-code with published "
            "weights, else paper]"
        ),
    ] = None,
    max_tiles: options.MaxTiles = None,
    all_tiles: options.AllTiles = False,
    annotation: options.Annotation = None,
    annotation_class: options.AnnotationClass = None,
    exclude_class: options.ExcludeClass = None,
    keep_ink: options.KeepInk = False,
    no_keep: Annotated[
        bool, typer.Option("--no-keep", help="Delete the features of slides at the end.")
    ] = False,
    seed: options.Seed = 0,
    force: Force = False,
    as_json: Json = False,
) -> int:
    """Predict log2(FPKM-UQ+1) of every gene: the mean and standard deviation over the folds.

    Slides are tiled and embedded first. Their features are kept in NAME_features beside the output, and the next call
    uses them again. A patient in the splits of the weights, published or of your training, is predicted only by
    the fold that held the patient out. Intervals are calibrated by the cross-validation of the training run, and are
    promised on average over genes, for patients of the same population. Exit code 3: some slides failed, the others
    are written.
    """
    from sequoia_base.conformal import IntervalOptions
    from sequoia_model.prediction import predict_any
    from sequoia_model.tiles import TileOptions

    interval_options = None
    if intervals is not None:
        interval_options = IntervalOptions(
            intervals, intervals_method, intervals_normalised, intervals_within, intervals_weighted
        )
    elif intervals_within or intervals_normalised or intervals_weighted or intervals_method != "pooled":
        raise InputError("how intervals are made is given, but not their level", fix="--intervals 0.9")
    tiling = None
    given = (rule, max_tiles, slide_mpp, mpp_table, annotation, annotation_class, exclude_class)
    if all_tiles or keep_ink or any(value is not None for value in given):
        tiling = TileOptions(
            rule, options.tiles_at_most(max_tiles, all_tiles), seed, slide_mpp, mpp_table, annotation, jobs,
            options.classes(annotation_class), options.classes(exclude_class), keep_ink,
        )  # fmt: skip
    done = predict_any(
        inputs, weights, output=output, options=tiling, seed=seed, jobs=jobs, keep=not no_keep, encoder=encoder,
        genes=genes, patients=patients, measured=measured, untrained=untrained, ensemble=ensemble, device=device,
        batch_size=batch_size, force=force, progress=progress("predict"), intervals=interval_options,
        calibration=calibration,
        embedding=lambda: options.running("embed"),
    )  # fmt: skip
    for failure in done.failed:
        say(f"failed: {failure.file}: {failure.reason}")
    for line in [*(f"warning: {text}" for text in done.warnings), *ledger(done.flow)]:
        say(line)
    show(str(done), done.to_dict(), as_json)
    say(f"written to {output}")
    return 3 if done.failed else 0
