"""Collections that travel with the package; ``data/genesets/SOURCES.md`` says where they are from."""

from __future__ import annotations

import gzip
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from sequoia_stats.errors import InputError, listing
from sequoia_stats.sets.collections.collection import GeneSets
from sequoia_stats.sets.collections.gmt import parse, read_gmt


class Bundled(NamedTuple):
    """A bundled collection: its file, what it is, where its sets are described, a notice to go with it, a licence."""

    file: str
    title: str
    page: str
    notice: str = ""
    licence: str = "CC-BY 4.0"


_MSIGDB = "https://www.gsea-msigdb.org/gsea/msigdb/"
_KEGG = "KEGG gene sets © Kanehisa Laboratories, all rights reserved; used by MSigDB with permission"
#: Names that stand wherever a GMT file may.
BUNDLED = {
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
}

#: The genes of `published_signatures`.
SIGNATURES = "published_signatures.gmt"


def load(name: str) -> GeneSets:
    """A bundled collection by name.

    Parameters
    ----------
    name : {"hallmark", "gobp", "kegg", "c8"}
        MSigDB Hallmark v2023.2 (50 sets), GO:BP v7.1 (7,530), KEGG legacy v2023.2 (186), C8 v2024.1 (840).

    Returns
    -------
    GeneSets
        With source, licence and notice; the description of a set is its page at MSigDB.

    Raises
    ------
    InputError
        If there is no such collection.

    Examples
    --------
    >>> load("hallmark")
    <GeneSets hallmark: 50 sets of 4384 genes>
    """
    if name not in BUNDLED:
        raise InputError(f"there is no bundled collection {name!r}", fix=f"choose {listing(BUNDLED)}")
    file, title, page, notice, licence = BUNDLED[name]
    sets, _ = parse(gzip.decompress(read_data(file)).decode(), file)
    pages = {set_name: page + set_name for set_name in sets}
    return GeneSets(name, sets, pages, source=title, licence=licence, notice=notice)


def open_sets(source: str | Path | GeneSets) -> GeneSets:
    """Gene sets from the name of a bundled collection or from a GMT file.

    Parameters
    ----------
    source : str, path or GeneSets
        A bundled name comes first; ``./hallmark`` is a file of that name.

    Returns
    -------
    GeneSets

    Raises
    ------
    InputError
        If it is neither a bundled name nor a file, or `read_gmt` finds fault.
    """
    if isinstance(source, GeneSets):
        return source
    if source in BUNDLED:
        return load(str(source))
    if not Path(source).exists():
        raise InputError(
            f"there is no collection and no file {str(source)!r}",
            fix=f"--sets {'|'.join(BUNDLED)}, or a GMT file",
        )
    return read_gmt(source)


def missing_files() -> list[str]:
    """Names of bundled files that the installation lacks."""
    folder = files("sequoia_stats").joinpath("data/genesets")
    names = [*(entry.file for entry in BUNDLED.values()), SIGNATURES]
    return [name for name in names if not folder.joinpath(name).is_file()]


def read_data(file: str) -> bytes:
    """The bytes of a bundled file."""
    return files("sequoia_stats").joinpath("data/genesets", file).read_bytes()
