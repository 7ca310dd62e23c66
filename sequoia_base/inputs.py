"""Inputs that are to be files."""

from __future__ import annotations

import os
from pathlib import Path

from sequoia_base.errors import InputError


def existing_file(path: str | Path) -> Path:
    """The path of a file that is there.

    Raises
    ------
    InputError
        If it is a folder, or nothing has this name.
    """
    path = Path(path)
    if os.path.isdir(path):  # as the next one, no error for a name that is too long
        raise InputError("a folder was given where a file is needed", where=str(path))
    if not os.path.isfile(path):
        raise InputError("the file does not exist", where=str(path))
    return path
