"""Options that `train` and `risk` share, and how both end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sequoia_base.cli.output import ledger, say, show

if TYPE_CHECKING:
    from sequoia_model.risk.result import RiskRun
    from sequoia_model.risk.scoring import ScoredPatients
    from sequoia_model.training.result import TrainingRun

FeaturesOption = Annotated[
    list[Path],
    typer.Argument(
        metavar="FEATURES", help="Feature files, or folders of them, searched with their subfolders."
    ),
]
OutputOption = Annotated[
    Path,
    typer.Option(
        "--output",
        "-o",
        metavar="DIR",
        help="Run folder, created if needed; an unfinished one is resumed.",
    ),
]
SplitsOption = Annotated[
    Path | None,
    typer.Option(
        help="Splits: a run folder, or a file or folder that `splits` reads or writes.  [default: drawn at random]"
    ),
]
Folds = Annotated[int | None, typer.Option(help="Number of folds that are drawn.  [default: 5]")]
Val = Annotated[
    float | None,
    typer.Option(
        help="Share of the patients outside test that validates; 0: none, and exactly --epochs epochs.  "
        "[default: 0.1]"
    ),
]
Site = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN", help="Column of --patients whose levels stay together when folds are drawn."
    ),
]
Epochs = Annotated[int, typer.Option(help="Largest number of epochs.")]
Lr = Annotated[float, typer.Option(help="Learning rate of Adam.")]
Precision = Annotated[
    str | None,
    typer.Option(
        help="Precision of products: float32 or bfloat16.  [default: bfloat16 on a GPU, else float32]"
    ),
]
EncoderOption = Annotated[
    str | None, typer.Option(help="Encoder of the features, if the files do not name it.")
]
PatientsOption = Annotated[
    Path | None,
    typer.Option(help="CSV with columns slide and patient_id.  [default: TCGA barcodes]"),
]
Untrained = Annotated[
    int, typer.Option(metavar="N", help="Number of untrained networks per fold, for comparison.")
]
Fold = Annotated[int | None, typer.Option(help="Train this fold only.  [default: all]")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]
JobsOption = Annotated[int, typer.Option(help="Number of folds trained at once.")]
CheckpointSeconds = Annotated[float, typer.Option(min=0, help="Seconds between two checkpoints, at least.")]
Cache = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Folder that keeps cluster means for the next run.  [default: ~/.cache]"
    ),
]
ForceOption = Annotated[
    bool,
    typer.Option("--force", help="Train again; replaces a run of other settings."),
]


def end(
    done: TrainingRun | RiskRun | ScoredPatients, output: Path, as_json: bool, *, failed_folds: int = 0
) -> int:
    """Show what was done; returns the exit code, 3 if some folds failed or some slides could not be used."""
    for failure in done.failed:
        say(f"failed: {failure.line}")
    for line in [*(f"warning: {text}" for text in done.warnings), *ledger(done.flow)]:
        say(line)
    show(str(done), done.to_dict(), as_json)
    say(f"written to {output}")
    return 3 if done.failed or failed_folds else 0
