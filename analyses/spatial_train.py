"""Train the networks whose maps are shown, each section being held out once: read, train, save. Needs torch."""

from __future__ import annotations

from pathlib import Path

from _shared import arguments, say
from her2st_train import name_of


def main() -> None:
    """Write the run folder of a network into ``spatial/runs/``."""
    options = arguments("spatial", "Train a network on the HER2ST sections.", ("run", str))
    train_one(options.run, options.settings, options.results / "spatial")


def train_one(name: str, settings: dict, folder: Path) -> None:
    """Train, on one thread: two threads of torch beside another job take four times as long."""
    import torch

    from sequoia_model.training.crossval import train
    from sequoia_model.training.options import TrainOptions

    torch.set_num_threads(1)
    (network,) = (one for one in settings["networks"] if name_of(one["name"]) == name)
    options = TrainOptions(
        architecture=network["architecture"],
        size="small",
        recipe=settings["recipe"],
        epochs=network["epochs"],
        untrained=1,
        seed=settings["seed"],
    )
    run = train(
        folder / "bags",
        folder / "measured.h5ad",
        folder / "runs" / name,
        options,
        splits=folder / "splits.csv",
        patients=folder / "patients.csv",
        device="cpu",
        cache=folder / "cache",
        force=True,
    )
    say(f"  {name}: {', '.join(f'fold {one.fold} {one.epochs} epochs' for one in run.folds)}")


if __name__ == "__main__":
    main()
