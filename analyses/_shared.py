"""What the scripts of this folder share: settings, cohorts, progress."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import yaml

from sequoia_base.atomic import new_file, write_text
from sequoia_stats import datasets, shared_genes
from sequoia_stats.types.cohort import Cohort

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HERE = Path(__file__).parent


def arguments(sections: str, about: str, *more: tuple[str, type]) -> argparse.Namespace:
    """Command line of a script: ``--results``, ``--settings`` (JSON; default: sections of config.yaml as one)."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--results", type=Path, default=HERE / "results", help="folder of the outputs")
    parser.add_argument("--settings", type=json.loads, help=f"JSON; default: {sections} of config.yaml")
    for name, kind in more:
        parser.add_argument(f"--{name}", type=kind, required=True)
    options = parser.parse_args()
    if options.settings is None:
        config = yaml.safe_load((HERE / "config.yaml").read_text(encoding="utf-8"))
        options.settings = {k: v for section in sections.split() for k, v in config[section].items()}
    return options


def load(name: str, endpoint: str) -> Cohort:
    """A bundled cohort; only TCGA-BRCA has more than one endpoint."""
    return datasets.load(f"{name}:{endpoint}" if name == "tcga-brca" else name)


def candidates(cohort: str, shared_with: Iterable[str], endpoint: str) -> list[str]:
    """The genes that a signature can choose from: those of its cohort that the others also have, sorted."""
    return sorted(shared_genes(*(load(name, endpoint) for name in (cohort, *shared_with))))


def predictions_file(results: Path, cohort: str, model: str) -> Path:
    """The file of a model's predictions."""
    return results / f"predictions_{cohort}_{model.replace(' ', '-')}.h5ad"


def save_drawing(figure: Figure, caption: Iterable[str], results: Path, name: str) -> None:
    """Write a figure and its caption."""
    from sequoia_stats import plots  # not if nothing is drawn

    plots.save_figure(figure, results / name)
    save_caption(caption, results / "captions" / f"{name}.txt")


def say(words: str) -> None:
    """Print a line of progress on stderr."""
    print(words, file=sys.stderr, flush=True)


def progress(finished: Iterable[object], total: int) -> Iterator[object]:
    """Pass on an iterator, printing a line on stderr after every tenth of it."""
    for done, item in enumerate(finished, start=1):
        if done == total or done * 10 // total > (done - 1) * 10 // total:
            say(f"  cross-validation: {done} of {total} paths")
        yield item


def read_json(path: Path) -> Any:
    """The content of a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def save_table(frame: pd.DataFrame, path: Path) -> None:
    """Write a CSV with every digit, whole or not at all; an undefined number is an empty cell."""
    with new_file(path) as temporary:
        frame.to_csv(temporary, index=False, lineterminator="\n")


def save_json(content: Any, path: Path) -> None:
    """Write JSON, whole or not at all."""
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def save_caption(sentences: Iterable[str], path: Path) -> None:
    """Write one paragraph of text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, " ".join(sentence for sentence in sentences if sentence) + "\n")
