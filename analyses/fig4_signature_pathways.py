"""Pathways of the genes of the signature (figure 4d): read, look up, draw, save."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import captions_pathways as captions
import pandas as pd
from _shared import arguments, candidates, save_drawing, save_table

from sequoia_stats import Signature, genesets, plots
from sequoia_stats.sets.collections import GeneSets
from sequoia_stats.sets.ora import ORA_COLUMNS, hypergeometric


def main() -> None:
    """Write the sets that contain genes of the signature, the circle and its caption."""
    options = arguments("signature signature_pathways", "Draw the pathways of the signature.")
    settings = options.settings
    universe = candidates(settings["cohort"], settings["shared_with"], settings["endpoint"])
    collections = [genesets.load(name) for name in settings["collections"]]
    draw(options.results, universe, collections, settings)


def draw(results: Path, universe: Sequence[str], collections: list[GeneSets], settings: dict) -> None:
    """Read the signature, and test its genes against those that it could have chosen."""
    signature = Signature.load(results / "signature.json")
    table = pd.DataFrame(columns=[*ORA_COLUMNS, "collection"])
    links = pd.DataFrame(columns=["source", "target", "collection"])
    if len(signature.genes):
        lists = {"signature": signature.genes}
        table = hypergeometric(lists, collections, universe=universe, min_size=settings["min_size"])
        links = links_of(table)
    save_table(table, results / "ora_signature.csv")
    save_table(links, results / "signature_pathways.csv")
    note = "" if len(links) else "No gene of the signature is in a set."
    figure = plots.chord_diagram(links, most=settings["shown"], italic=("source",), note=note)
    caption = captions.signature_pathways(signature, table, links, collections, settings)
    save_drawing(figure, caption, results, "fig4d")


def links_of(table: pd.DataFrame) -> pd.DataFrame:
    """A row per gene of the signature and set that contains it."""
    held = table[table["overlap"] > 0]
    links = held.assign(source=held["genes"].str.split(";")).explode("source")
    return links.rename(columns={"set": "target"})[["source", "target", "collection"]]


if __name__ == "__main__":
    main()
