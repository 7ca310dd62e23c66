"""Train one network on the HER2ST sections: read, train, save. Needs torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from _shared import arguments, say

if TYPE_CHECKING:
    from sequoia_model.training.result import TrainingRun

#: The name of the run on shuffled labels, before the number of its draw.
CONTROL = "shuffled"


def main() -> None:
    """Write a run folder into ``her2st/runs/``: that of a network, or ``shuffled_<draw>``."""
    options = arguments("her2st", "Train a network on the HER2ST sections.", ("run", str))
    settings, folder = options.settings, options.results / "her2st"
    train_one(options.run, settings, folder)


def runs_of(settings: dict) -> dict[str, tuple[str, str]]:
    """The architecture and the expression file of each run; the first network also learns shuffled labels."""
    networks = [(name_of(one["name"]), one["architecture"]) for one in settings["networks"]]
    runs = {name: (architecture, "measured.h5ad") for name, architecture in networks}
    controls = [f"{CONTROL}_{i}" for i in range(settings["controls"])]
    return runs | {name: (networks[0][1], f"{name}.h5ad") for name in controls}


def name_of(network: str) -> str:
    """The name of a network's run folder."""
    return network.lower().replace(" ", "-")


def train_one(name: str, settings: dict, folder: Path) -> None:
    """Train the network of a run."""
    architecture, measured = runs_of(settings)[name]
    run = train_small(
        folder,
        name,
        measured,
        architecture=architecture,
        recipe=settings["recipe"],
        epochs=settings["epochs"],
        untrained=settings["untrained"],
        seed=settings["seed"],
    )
    say(f"  {name}: {run.folds[0].epochs} epochs, kept {run.folds[0].kept_epoch} ({run.folds[0].stop})")


def train_small(folder: Path, name: str, measured: str, **options: Any) -> TrainingRun:
    """Train a small network on the bags of a folder, on one thread: two threads of torch beside another job take four
    times as long. The other options are those of `TrainOptions`."""
    import torch

    from sequoia_model.training.crossval import train
    from sequoia_model.training.options import TrainOptions

    torch.set_num_threads(1)
    return train(
        folder / "bags",
        folder / measured,
        folder / "runs" / name,
        TrainOptions(size="small", **options),
        splits=folder / "splits.csv",
        patients=folder / "patients.csv",
        device="cpu",
        cache=folder / "cache",
        force=True,
    )


if __name__ == "__main__":
    main()
