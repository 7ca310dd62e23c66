"""What the scripts of this folder share: settings, cohorts, progress."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from sequoia_stats import datasets
from sequoia_stats.atomic import new_file, write_text
from sequoia_stats.cohort import Cohort

HERE = Path(__file__).parent


def arguments(section: str, about: str, *more: tuple[str, type]) -> argparse.Namespace:
    """Command line of a script: ``--results``, ``--settings`` (JSON; else that section of config.yaml)."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--results", type=Path, default=HERE / "results", help="folder of the outputs")
    parser.add_argument("--settings", type=json.loads, help=f"JSON; default: {section} of config.yaml")
    for name, kind in more:
        parser.add_argument(f"--{name}", type=kind, required=True)
    options = parser.parse_args()
    if options.settings is None:
        options.settings = yaml.safe_load((HERE / "config.yaml").read_text(encoding="utf-8"))[section]
    return options


def load(name: str, endpoint: str) -> Cohort:
    """A bundled cohort; only TCGA-BRCA has more than one endpoint."""
    return datasets.load(f"{name}:{endpoint}" if name == "tcga-brca" else name)


def say(words: str) -> None:
    """A line of progress on stderr."""
    print(words, file=sys.stderr, flush=True)


def progress(finished: Iterable[object], total: int) -> Iterator[object]:
    """Pass an iterator on, with a line on stderr every tenth of the way."""
    for done, item in enumerate(finished, start=1):
        if done == total or done * 10 // total > (done - 1) * 10 // total:
            say(f"  cross-validation: {done} of {total} paths")
        yield item


def save_table(frame: pd.DataFrame, path: Path) -> None:
    """CSV with every digit, whole or not at all; an undefined number is an empty cell."""
    with new_file(path) as temporary:
        frame.to_csv(temporary, index=False, lineterminator="\n")


def save_json(content: Any, path: Path) -> None:
    """JSON, whole or not at all."""
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def save_caption(sentences: Iterable[str], path: Path) -> None:
    """One paragraph of text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, " ".join(sentence for sentence in sentences if sentence) + "\n")
