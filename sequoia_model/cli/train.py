"""``sequoia-model train``: networks learn from features and measured expression."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from sequoia_base.cli.output import Json, progress
from sequoia_model.cli import slide_options, training_options
from sequoia_model.cli.training_options import end


def train(
    features: training_options.FeaturesOption,
    measured: Annotated[
        Path,
        typer.Option(
            help="Measured expression: .h5ad, or a table with wsi_file_name or patient_id and genes."
        ),
    ],
    output: training_options.OutputOption,
    architecture: Annotated[
        str | None,
        typer.Option(
            help="summary_transformer, tile_transformer or tile_mlp.  [default: that of --init, else the first]"
        ),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            help="full (as in the paper) or small (few layers on 128 principal components of the features).  "
            "[default: that of --init, else full]"
        ),
    ] = None,
    recipe: Annotated[
        str,
        typer.Option(
            help="How networks learn, when they are saved, and when training stops: paper, published-code or strict."
        ),
    ] = "paper",
    splits: training_options.SplitsOption = None,
    folds: training_options.Folds = None,
    val: training_options.Val = None,
    site: training_options.Site = None,
    epochs: training_options.Epochs = 200,
    batch_size: Annotated[int, typer.Option(help="Slides per step.")] = 16,
    lr: training_options.Lr = 1e-3,
    precision: training_options.Precision = None,
    amp: Annotated[bool, typer.Option("--amp", help="The same as --precision bfloat16.")] = False,
    encoder: training_options.EncoderOption = None,
    genes: Annotated[
        Path | None, typer.Option(help="Genes to learn, one per line.  [default: all that are measured]")
    ] = None,
    patients: training_options.PatientsOption = None,
    sample_percent: Annotated[
        float | None,
        typer.Option(help="Percent of the training patients of each fold to use, drawn at random."),
    ] = None,
    untrained: training_options.Untrained = 1,
    init: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|DIR|hub:ORG/NAME", help="Weights from which the networks start; genes may differ."
        ),
    ] = None,
    freeze: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Parts of --init that do not learn, separated by commas."),
    ] = None,
    fold: training_options.Fold = None,
    device: training_options.Device = "auto",
    jobs: training_options.JobsOption = 1,
    checkpoint_seconds: training_options.CheckpointSeconds = 20.0,
    cache: training_options.Cache = None,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write event files for TensorBoard.")
    ] = False,
    seed: slide_options.Seed = 0,
    force: training_options.ForceOption = False,
    as_json: Json = False,
) -> int:
    """Train one network per fold, predict the slides that each held out, and compare with simple baselines.

    DIR then holds the networks (for `predict --weights DIR`), predictions.h5ad (for `sequoia-stats genes`), log.csv,
    run.json and summary.md. The same command goes on where it was stopped. Exit code 3: some folds failed, or some
    slides could not be used.
    """
    from sequoia_model.training.crossval import train as run
    from sequoia_model.training.options import TrainOptions

    asked = TrainOptions(
        architecture=architecture, size=size, recipe=recipe, epochs=epochs, batch_size=batch_size, lr=lr,
        precision="bfloat16" if amp else precision, sample_percent=sample_percent, untrained=untrained, init=init,
        freeze=tuple(name.strip() for name in freeze.split(",")) if freeze else (), no_val=val == 0, seed=seed,
    )  # fmt: skip
    done = run(
        features, measured, output, asked, splits=splits, n_folds=folds, val=val, site=site, encoder=encoder,
        genes=genes, patients=patients, only=fold, device=device, jobs=jobs, tensorboard=tensorboard, force=force,
        cache=cache, checkpoint_seconds=checkpoint_seconds,
        progress=progress("read features"), on_epoch=_tell if sys.stderr.isatty() else None,
    )  # fmt: skip
    return end(done, output, as_json, failed_folds=done.n_failed_folds)


def _tell(row: Mapping[str, Any]) -> None:
    """Show an epoch on a line that the next one replaces."""
    seen = f"MSE {row['train_mse']:.4f} train, {row['val_mse']:.4f} val, r {row['val_r']:.3f}"
    print(f"\r\033[Kfold {row['fold']}, epoch {row['epoch']}: {seen}", end="", file=sys.stderr, flush=True)
