"""Train the networks whose maps are shown, each section being held out once: read, train, save. Needs torch."""

from __future__ import annotations

from pathlib import Path

from _shared import arguments, say
from her2st_train import name_of, train_small


def main() -> None:
    """Write the run folder of a network into ``spatial/runs/``."""
    options = arguments("spatial", "Train a network on the HER2ST sections.", ("run", str))
    train_one(options.run, options.settings, options.results / "spatial")


def train_one(name: str, settings: dict, folder: Path) -> None:
    """Train a network on all folds."""
    (network,) = (one for one in settings["networks"] if name_of(one["name"]) == name)
    run = train_small(
        folder,
        name,
        "measured.h5ad",
        architecture=network["architecture"],
        recipe=settings["recipe"],
        epochs=network["epochs"],
        untrained=1,
        seed=settings["seed"],
    )
    say(f"  {name}: {', '.join(f'fold {one.fold} {one.epochs} epochs' for one in run.folds)}")


if __name__ == "__main__":
    main()
