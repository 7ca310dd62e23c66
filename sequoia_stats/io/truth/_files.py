"""Files by their usual names, also with a prefix, as repositories add one: GSM123_tissue_positions_list.csv.gz."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sequoia_stats.errors import InputError, listing


def find_file(folder: Path, names: Iterable[str]) -> Path | None:
    """The file of a folder that has one of the names, or ends in an underscore and one of them.

    Parameters
    ----------
    folder : path
        Where to look; it need not exist.
    names : iterable of str
        The names, the preferred before others.

    Returns
    -------
    path or None
        None if there is none.

    Raises
    ------
    InputError
        If several files have a prefix and the same name: they are of several sections.
    """
    for name in names:
        if (path := folder / name).is_file():
            return path
        found = sorted(path for path in folder.glob(f"*_{name}") if path.is_file())
        if len(found) > 1:
            raise InputError(
                f"the folder holds several sections: {listing((path.name for path in found), 3)}",
                where=str(folder),
                fix="give each section a folder of its own",
            )
        if found:
            return found[0]
    return None
