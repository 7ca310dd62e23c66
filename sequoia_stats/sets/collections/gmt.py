"""GMT files: one set per line, with name, description and genes separated by tabs."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

from sequoia_base.atomic import new_file
from sequoia_base.tables import read_text
from sequoia_stats.errors import InputError, listing
from sequoia_stats.sets.collections.collection import GeneSets
from sequoia_stats.types.genes import is_symbol, refuse_dates

_LAYOUT = "in a GMT file, name, description and genes are separated by tabs"
_TURN = "turn rows into columns, so that each set is a line, and call the file .gmt"
_SIGNS = ((" ", "spaces"), (",", "commas"), (";", "semicolons"))


def read_gmt(path: str | Path, *, name: str | None = None) -> GeneSets:
    """Read gene sets from a GMT file.

    Parameters
    ----------
    path : path
        A text file, plain or compressed (.gz).
    name : str, optional
        Name of the collection; by default the name of the file.

    Returns
    -------
    GeneSets
        Sets in the order of the file. If the second column contains gene names, the descriptions may be missing from
        the file: the notice then says so, and these genes are in no set.

    Raises
    ------
    InputError
        If the file cannot be read, is not text or ends in .gmx; if a line has spaces or commas instead of tabs, a set
        has no genes or its name is duplicated, or a spreadsheet turned a gene into a date.
    """
    path = Path(path)
    if path.name.lower().removesuffix(".gz").endswith(".gmx"):
        raise InputError("the file is GMX, where each column is a set", where=str(path), fix=_TURN)
    sets = GeneSets(
        name or path.name.removesuffix(".gz").removesuffix(".gmt"), *parse(read_text(path), str(path))
    )
    joined = next((gene for gene in sets.genes if any(sign in gene for sign, _ in _SIGNS)), None)
    if joined is not None:
        where = f"{path}, set {next(name for name in sets if joined in sets[name])}"
        raise InputError(f"{joined!r} is not a gene name", where=where, fix=f"{_LAYOUT}, without weights")
    try:
        refuse_dates(sets.genes, str(path))
    except InputError:
        for set_name in sets:  # again set by set, so that the error names it
            refuse_dates(sets[set_name], f"{path}, set {set_name}")
        raise
    return _questioned(sets, path)


def write_gmt(sets: GeneSets, path: str | Path) -> None:
    """Write gene sets as GMT, completely or not at all; the same sets always give the same bytes.

    Parameters
    ----------
    sets : GeneSets
        The sets to write, in their order.
    path : path
        Compressed if it ends in ``.gz``.

    Raises
    ------
    InputError
        If a name contains a tab or a line break.
    """
    rows = [[name, sets.descriptions.get(name, ""), *genes] for name, genes in sets.sets.items()]
    text = "".join("\t".join(row) + "\n" for row in rows)
    tabs = sum(len(row) - 1 for row in rows)
    if text.count("\t") != tabs or text.count("\n") != len(rows) or "\r" in text:
        raise InputError("a name or description contains a tab or a line break", where=sets.name)
    with new_file(path) as temporary:
        temporary.write_bytes(compressed(text.encode()) if str(path).endswith(".gz") else text.encode())


def parse(text: str, where: str) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
    """Sets and descriptions in the text of a GMT file."""
    sets: dict[str, tuple[str, ...]] = {}
    words: dict[str, str] = {}
    for row, line in enumerate(text.split("\n"), start=1):
        if not line or line.isspace():
            continue
        name, word, body = (*line.split("\t", 2), "", "")[:3]
        genes = tuple(body.split("\t"))
        if " " in body or "\t\t" in body or body[:1] == "\t" or body[-1:] in ("\t", ""):
            genes = tuple(gene for field in genes if (gene := field.strip()))
        name, word = name.strip(), word.strip()
        if '"' in line:
            name, word, genes = _bare(name), _bare(word), tuple(map(_bare, genes))
            if odd := next((gene for gene in genes if '"' in gene), ""):
                fix = "take the quotes away: a GMT file has none"
                raise InputError(
                    f"a gene has a quote in its name: {odd}", where=f"{where}, row {row}", fix=fix
                )
        if not name or not genes:
            raise _bad_line(line, name, f"{where}, row {row}")
        if name in sets:
            raise InputError(f"the set {name} is duplicated", where=f"{where}, row {row}")
        sets[name] = genes
        if word:
            words[name] = word
    return sets, words


def _bare(text: str) -> str:
    """A field without the quotes around it, which R's write.table adds."""
    return text[1:-1].strip() if len(text) > 1 and text[0] == text[-1] == '"' else text


def compressed(raw: bytes) -> bytes:
    """Compress as gzip does, but without time and system in the header, so that equal content gives equal bytes."""
    packed = bytearray(gzip.compress(raw, 9, mtime=0))
    packed[9] = 255
    return bytes(packed)


def _questioned(sets: GeneSets, path: Path) -> GeneSets:
    """The sets, with a notice if their descriptions are genes."""
    words = dict.fromkeys(sets.descriptions.values())
    genes = [word for word in words if word in sets.genes or is_symbol(word)]
    if not genes:
        return sets
    notice = (
        f"{path.name}: the second column, reserved for the description, contains gene names"
        f" ({listing(genes, 3)}): is the description missing?"
    )
    return replace(sets, notice=notice)


def _bad_line(line: str, name: str, where: str) -> InputError:
    """The error for a line that is not a set."""
    if not name:
        return InputError("a set has no name", where=where, fix=_LAYOUT)
    sign = next((word for sign, word in _SIGNS if sign in line.strip()), "")
    if sign and "\t" not in line:
        return InputError(f"the line has {sign} instead of tabs", where=where, fix=_LAYOUT)
    return InputError(f"the set {name} has no genes", where=where, fix=_LAYOUT)
