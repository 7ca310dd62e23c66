"""``sequoia-model risk``: networks learn a patient's risk from features and outcomes."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from sequoia_base.cli.output import Json, progress
from sequoia_model.cli import slide_options, training_options
from sequoia_model.cli.training_options import end

#: Options that --weights leaves a use for.
_OF_SCORING = ("features", "output", "weights", "encoder", "patients", "jobs", "cache", "force", "as_json")


def risk(
    context: typer.Context,
    features: training_options.FeaturesOption,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR|CSV",
            help="Run folder, created if needed; an unfinished one is resumed. With --weights, the CSV of scores.",
        ),
    ],
    outcome: Annotated[
        Path | None,
        typer.Option(
            help="Outcome to learn from: CSV with patient_id, time (months) and event (0 or 1), as `sequoia-stats "
            "outcome convert` writes it."
        ),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="A finished run whose networks score these patients; nothing is trained."
        ),
    ] = None,
    architecture: Annotated[
        str | None,
        typer.Option(help="summary_transformer, tile_transformer or tile_mlp.  [default: the first]"),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            help="full (as in the paper) or small (few layers on 128 principal components of the features).  "
            "[default: full]"
        ),
    ] = None,
    recipe: Annotated[
        str,
        typer.Option(
            help="Which epoch counts: strict (the best loss of the validation part, and training stops without a "
            "better one) or paper (the last one)."
        ),
    ] = "strict",
    splits: training_options.SplitsOption = None,
    folds: training_options.Folds = None,
    val: training_options.Val = None,
    site: training_options.Site = None,
    epochs: training_options.Epochs = 50,
    batch_size: Annotated[int, typer.Option(help="Patients per step.")] = 64,
    lr: training_options.Lr = 1e-3,
    precision: training_options.Precision = None,
    ties: Annotated[str, typer.Option(help="Events at the same time: efron or breslow.")] = "efron",
    fusion: Annotated[
        str,
        typer.Option(
            help="A patient's slides: late (mean of their risks) or early (risk of the mean of their features)."
        ),
    ] = "late",
    stratified: Annotated[
        bool, typer.Option("--stratified", help="Spread the events evenly over the steps.")
    ] = False,
    repeats: Annotated[
        int,
        typer.Option(metavar="N", help="Networks per fold, from other random numbers; the first one counts."),
    ] = 5,
    encoder: training_options.EncoderOption = None,
    patients: training_options.PatientsOption = None,
    untrained: training_options.Untrained = 1,
    fold: training_options.Fold = None,
    device: training_options.Device = "auto",
    jobs: training_options.JobsOption = 1,
    checkpoint_seconds: training_options.CheckpointSeconds = 20.0,
    cache: training_options.Cache = None,
    seed: slide_options.Seed = 0,
    force: training_options.ForceOption = False,
    as_json: Json = False,
) -> int:
    """Train networks whose output is a patient's risk, fold by fold, and tell the risk of the patients held out.

    DIR then holds risk.csv (for `sequoia-stats risk compare`), the networks, log.csv, run.json and summary.md, which
    shows how far C depends on the epoch and on random numbers. The same command goes on where it was stopped.
    Exit code 3: some folds failed, or some slides could not be used.

    With --weights, the networks of a finished run score other patients, in SDs of their training patients: by the mean
    over folds, or by the fold that held the patient out.
    """
    from sequoia_model.errors import InputError
    from sequoia_model.risk.crossval import train_risk
    from sequoia_model.risk.options import RiskOptions

    if weights is not None:
        _refuse_options_of_training(context)
        return _score(features, weights, output, encoder, patients, jobs, cache, force, as_json)
    if outcome is None:
        raise InputError("there is no outcome to learn from", fix="--outcome outcome.csv, or --weights DIR")
    asked = RiskOptions(
        architecture=architecture, size=size, recipe=recipe, epochs=epochs, batch_size=batch_size, lr=lr,
        precision=precision, ties=ties, fusion=fusion, stratified=stratified, repeats=repeats, untrained=untrained,
        no_val=val == 0, seed=seed,
    )  # fmt: skip
    done = train_risk(
        features, outcome, output, asked, splits=splits, n_folds=folds, val=val, site=site, encoder=encoder,
        patients=patients, only=fold, device=device, jobs=jobs, cache=cache, checkpoint_seconds=checkpoint_seconds,
        force=force, progress=progress("read features"), on_epoch=_tell if sys.stderr.isatty() else None,
    )  # fmt: skip
    return end(done, output, as_json, failed_folds=done.n_failed_folds)


def _refuse_options_of_training(context: typer.Context) -> None:
    """Refuse options that say how networks learn, where none does."""
    from sequoia_model.errors import InputError, listing

    given = [
        f"--{name.replace('_', '-')}"
        for name in context.params
        if name not in _OF_SCORING
        and (source := context.get_parameter_source(name)) is not None
        and source.name == "COMMANDLINE"
    ]
    if given:
        raise InputError(f"{listing(given)} cannot be used with --weights: nothing is trained")


def _score(
    features: list[Path],
    weights: Path,
    output: Path,
    encoder: str | None,
    patients: Path | None,
    jobs: int,
    cache: Path | None,
    force: bool,
    as_json: bool,
) -> int:
    """Score patients by the networks of a finished run."""
    from sequoia_model.risk.scoring import score_risk

    done = score_risk(
        features, weights, output, encoder=encoder, patients=patients, jobs=jobs, cache=cache, force=force,
        progress=progress("read features"),
    )  # fmt: skip
    return end(done, output, as_json)


def _tell(row: Mapping[str, Any]) -> None:
    """Show an epoch on a line that the next one replaces."""
    where = f"fold {row['fold']}, repeat {row['repeat']}, epoch {row['epoch']}"
    val, c = row["val_loss"], row["val_c"]  # NaN without a validation part
    seen = f", {val:.4f} val" if val == val else ""
    seen += f", C {c:.3f}" if c == c else ""
    print(f"\r\033[K{where}: loss {row['train_loss']:.4f} train{seen}", end="", file=sys.stderr, flush=True)
