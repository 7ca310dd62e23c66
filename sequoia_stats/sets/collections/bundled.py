"""Bundled collections, and gene sets opened from any source; ``data/genesets/SOURCES.md`` lists the origins."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from sequoia_stats.errors import InputError, listing
from sequoia_stats.sets.collections.collection import GeneSets, collections_of
from sequoia_stats.sets.collections.gmt import parse, read_gmt


class Bundled(NamedTuple):
    """A bundled collection: file, title, web page of its sets, notice to pass on, licence."""

    file: str
    title: str
    page: str
    notice: str = ""
    licence: str = "CC-BY 4.0"


_MSIGDB = "https://www.gsea-msigdb.org/gsea/msigdb/"
_KEGG = "KEGG gene sets © Kanehisa Laboratories, all rights reserved; used by MSigDB with permission"
#: Names that can be used wherever a GMT file can.
BUNDLED_SETS = {
    "hallmark": Bundled(
        "h.all.v2023.2.Hs.symbols.gmt.gz", "MSigDB Hallmark v2023.2", f"{_MSIGDB}human/geneset/"
    ),
    "gobp": Bundled("c5.bp.v7.1.symbols.gmt.gz", "MSigDB C5 GO:BP v7.1", f"{_MSIGDB}cards/"),
    "kegg": Bundled(
        "c2.cp.kegg_legacy.v2023.2.Hs.symbols.gmt.gz",
        "MSigDB C2 KEGG legacy v2023.2",
        f"{_MSIGDB}human/geneset/",
        _KEGG,
        "CC-BY 4.0; KEGG gene sets © Kanehisa Laboratories, see the notice",
    ),
    "c8": Bundled(
        "c8.all.v2024.1.Hs.symbols.gmt.gz", "MSigDB C8 cell types v2024.1", f"{_MSIGDB}human/geneset/"
    ),
    "neftel": Bundled(
        "neftel2019.metamodules.gmt.gz",
        "Neftel 2019, meta-modules of glioblastoma, symbols of today",
        "https://doi.org/10.1016/j.cell.2019.06.024#",
        licence="MIT",
    ),
}

#: What can be opened as gene sets: the name of a bundled collection, a GMT file, or sets.
SetSource = str | Path | GeneSets | Mapping[str, Iterable[str]]
#: The file of `published_signatures`.
SIGNATURES = "published_signatures.gmt"


def load(name: str) -> GeneSets:
    """Load a bundled collection by name.

    Parameters
    ----------
    name : {"hallmark", "gobp", "kegg", "c8", "neftel"}
        MSigDB Hallmark v2023.2 (50 sets), GO:BP v7.1 (7,530), KEGG legacy v2023.2 (186), C8 v2024.1 (840); the
        meta-modules of glioblastoma of Neftel 2019 (8).

    Returns
    -------
    GeneSets
        With source, licence and notice; the description of a set is the address of its page.

    Raises
    ------
    InputError
        If there is no such collection.

    Examples
    --------
    >>> load("hallmark")
    <GeneSets hallmark: 50 sets of 4384 genes>
    """
    if name not in BUNDLED_SETS:
        raise InputError(
            f"{name!r} is not a bundled collection", fix=f"choose one of {listing(BUNDLED_SETS)}"
        )
    file, title, page, notice, licence = BUNDLED_SETS[name]
    sets, _ = parse(gzip.decompress(read_data(file)).decode(), file)
    pages = {set_name: page + set_name for set_name in sets}
    return GeneSets(name, sets, pages, source=title, licence=licence, notice=notice)


def open_sets(source: SetSource) -> GeneSets:
    """Open gene sets from any source.

    Parameters
    ----------
    source : str, path, GeneSets or mapping
        The name of a bundled collection, a GMT file, or sets by name. Bundled names take precedence: write
        ``./hallmark`` for a file called hallmark.

    Returns
    -------
    GeneSets

    Raises
    ------
    InputError
        If there is no such collection or file, or as in `read_gmt`.
    """
    if isinstance(source, GeneSets):
        return source
    if isinstance(source, Mapping):
        return GeneSets("sets", {name: tuple(genes) for name, genes in source.items()})
    if source in BUNDLED_SETS:
        return load(str(source))
    if not Path(source).exists():
        raise InputError(
            f"{str(source)!r} is neither a bundled collection nor a file",
            fix=f"give {'|'.join(BUNDLED_SETS)}, or a GMT file",
        )
    return read_gmt(source)


def open_collections(source: SetSource | Sequence[SetSource]) -> list[GeneSets]:
    """Open one or several collections from any sources.

    Raises
    ------
    InputError
        If there are none, two have the same name, or one cannot be opened.
    """
    if isinstance(source, str | Path | GeneSets | Mapping):
        return [open_sets(source)]
    return collections_of([open_sets(each) for each in source])


def missing_files() -> list[str]:
    """Names of bundled files that are missing from the installation."""
    folder = files("sequoia_stats").joinpath("data/genesets")
    names = [*(entry.file for entry in BUNDLED_SETS.values()), SIGNATURES]
    return [name for name in names if not folder.joinpath(name).is_file()]


def read_data(file: str) -> bytes:
    """The bytes of a bundled file."""
    return files("sequoia_stats").joinpath("data/genesets", file).read_bytes()
