"""``sequoia-model train``: networks learn from features and measured expression."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from sequoia_base.cli.output import Json, ledger, progress, say, show
from sequoia_model.cli import slide_options as options


def train(
    features: Annotated[
        list[Path],
        typer.Argument(
            metavar="FEATURES", help="Feature files, or folders of them, searched with their subfolders."
        ),
    ],
    measured: Annotated[
        Path,
        typer.Option(
            help="Measured expression: .h5ad, or a table with wsi_file_name or patient_id and genes."
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="Run folder, created if needed; an unfinished one is resumed.",
        ),
    ],
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
    splits: Annotated[
        Path | None,
        typer.Option(
            help="Splits: a file or folder that `splits` reads or writes.  [default: drawn at random]"
        ),
    ] = None,
    folds: Annotated[int | None, typer.Option(help="Number of folds that are drawn.  [default: 5]")] = None,
    val: Annotated[
        float | None,
        typer.Option(
            help="Share of the patients outside test that validates; 0: none, and exactly --epochs epochs.  "
            "[default: 0.1]"
        ),
    ] = None,
    site: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN", help="Column of --patients whose levels stay together when folds are drawn."
        ),
    ] = None,
    epochs: Annotated[int, typer.Option(help="Largest number of epochs.")] = 200,
    batch_size: Annotated[int, typer.Option(help="Slides per step.")] = 16,
    lr: Annotated[float, typer.Option(help="Learning rate of Adam.")] = 1e-3,
    precision: Annotated[
        str | None,
        typer.Option(
            help="Precision of products: float32 or bfloat16.  [default: bfloat16 on a GPU, else float32]"
        ),
    ] = None,
    amp: Annotated[bool, typer.Option("--amp", help="The same as --precision bfloat16.")] = False,
    encoder: Annotated[
        str | None, typer.Option(help="Encoder of the features, if the files do not name it.")
    ] = None,
    genes: Annotated[
        Path | None, typer.Option(help="Genes to learn, one per line.  [default: all that are measured]")
    ] = None,
    patients: Annotated[
        Path | None,
        typer.Option(help="CSV with columns slide and patient_id.  [default: TCGA barcodes]"),
    ] = None,
    sample_percent: Annotated[
        float | None,
        typer.Option(help="Percent of the training patients of each fold to use, drawn at random."),
    ] = None,
    untrained: Annotated[
        int, typer.Option(metavar="N", help="Number of untrained networks per fold, for comparison.")
    ] = 1,
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
    fold: Annotated[int | None, typer.Option(help="Train this fold only.  [default: all]")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    jobs: Annotated[int, typer.Option(help="Number of folds trained at once.")] = 1,
    checkpoint_seconds: Annotated[
        float, typer.Option(min=0, help="Seconds between two checkpoints, at least.")
    ] = 20.0,
    cache: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Folder that keeps cluster means for the next run.  [default: ~/.cache]"
        ),
    ] = None,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write event files for TensorBoard.")
    ] = False,
    seed: options.Seed = 0,
    force: Annotated[
        bool,
        typer.Option("--force", help="Train again; replaces a run of other settings."),
    ] = False,
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
    for failure in done.failed:
        say(f"failed: {failure.line}")
    for line in [*(f"warning: {text}" for text in done.warnings), *ledger(done.flow)]:
        say(line)
    show(str(done), done.to_dict(), as_json)
    say(f"written to {output}")
    return 3 if done.failed or done.n_failed_folds else 0


def _tell(row: Mapping[str, Any]) -> None:
    """Show an epoch on a line that the next one replaces."""
    seen = f"MSE {row['train_mse']:.4f} train, {row['val_mse']:.4f} val, r {row['val_r']:.3f}"
    print(f"\r\033[Kfold {row['fold']}, epoch {row['epoch']}: {seen}", end="", file=sys.stderr, flush=True)
