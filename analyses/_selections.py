"""Selections on disk, and several of them as one."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pandas as pd
from _shared import save_json, save_table

from sequoia_stats import Selection

#: Column of slides whose levels take the place of the cancer types of the publication.
LEVEL = "cohort"


def save_selection(selection: Selection, results: Path, name: str) -> None:
    """Write ``genes_<rule>_<name>.csv``, the table of genes, and ``selection_<rule>_<name>.json`` with the rest."""
    save_table(selection.table, results / f"genes_{selection.rule}_{name}.csv")
    save_json(selection.to_dict(), results / f"selection_{selection.rule}_{name}.json")


def load_selection(results: Path, rule: str, name: str) -> Selection:
    """Read what `save_selection` wrote."""
    fields = json.loads((results / f"selection_{rule}_{name}.json").read_text(encoding="utf-8"))
    path = results / f"genes_{rule}_{name}.csv"
    table = pd.read_csv(
        path, keep_default_na=False, na_values=[""], float_precision="round_trip"
    )  # NA is a gene
    return Selection(
        table=table.fillna({"failed": ""}),
        counts=pd.DataFrame(fields.pop("counts")),
        flow=pd.DataFrame(fields.pop("flow")),
        adjusted=pd.DataFrame(fields.pop("adjusted")),
        notes=tuple(fields.pop("notes")),
        **fields,
    )


def together(selections: Iterable[Selection]) -> Selection:
    """Selections of different cohorts by one rule as one, whose levels are the cohorts."""
    parts = list(selections)
    return replace(
        parts[0],
        table=pd.concat([one.table for one in parts], ignore_index=True),
        counts=pd.concat([one.counts for one in parts], ignore_index=True),
        notes=tuple(dict.fromkeys(note for one in parts for note in one.notes)),
        flow=pd.concat([one.flow for one in parts], ignore_index=True),
    )
