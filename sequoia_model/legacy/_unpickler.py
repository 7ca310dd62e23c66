"""An unpickler that loads arrays, tables of numbers, strings, numbers, lists and dictionaries, and nothing else.

A pickle is a program: it can name any function of any module and have it called. Here, the few names that
make arrays and tables stand for classes of this room. They check their arguments and never pass them on to numpy's own
reconstruction, which trusts the flags of a data type and can mistake bytes for addresses. No other name is looked up.
"""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

from sequoia_base.apart import call
from sequoia_base.atomic import existing_file
from sequoia_model.errors import InputError
from sequoia_model.legacy._frames import FRAME_MAKERS, Frame
from sequoia_model.legacy._stand_ins import ARRAY_MAKERS, Array, StandIn

_STAND_INS = {**ARRAY_MAKERS, **FRAME_MAKERS}
_ADVICE = {
    "pandas": "in the program that wrote it, make each table plain (pd.DataFrame(frame.to_numpy(float), "
    "list(frame.index), list(frame.columns))) and save again",
    "torch": "in the program that wrote it, turn tensors into arrays (tensor.cpu().numpy()) and save again",
}


def load(path: str | Path) -> Any:
    """The content of a pickle, with numpy arrays and tables at any depth.

    Parameters
    ----------
    path : path
        A pickle of any protocol, written with numpy 1 or 2, and with pandas 0.24 to 3.

    Returns
    -------
    object
        Arrays (of numbers or strings), data frames of numbers as `Table`, strings, bytes, numbers, lists,
        tuples and dictionaries.

    Raises
    ------
    InputError
        If the file is missing, damaged or not a pickle, or needs anything else to load, which the error names.
    """
    path = existing_file(path)
    try:
        size = os.path.getsize(path)
        return call(f"{__name__}:load_here", path, size=size, reader="the reader of pickles")
    except InputError as error:
        raise InputError(error.what, where=str(path), fix=error.fix) from None
    except Exception as error:  # damage makes pickle raise nearly anything, as its documentation says
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise InputError(
            "the file is not a readable pickle of arrays: truncated, damaged or in another format",
            where=f"{path} ({reason})",
        ) from None


def load_here(path: Path) -> Any:
    """As `load`, in this process, which a pickle that is nested without end may crash."""
    try:
        with path.open("rb") as file:
            return _plain(_Unpickler(file).load(), {})
    except MemoryError:  # a size that the file does not have
        raise pickle.UnpicklingError("it needs more memory than this machine has") from None


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """The class that stands for a name; only the makers of arrays and bytes have one."""
        if (module, name) in _STAND_INS:
            return _STAND_INS[module, name]
        raise _refused(module, name)


def _refused(module: str, name: str) -> InputError:
    return InputError(
        f"the file needs {f'{module}.{name}'[:100]!r} to load, but only arrays, tables of numbers and strings are "
        "loaded, since anything else can run code",
        fix=_ADVICE.get(
            module.partition(".")[0], "in the program that wrote it, save only arrays and strings"
        ),
    )


def _plain(value: Any, done: dict[int, Any]) -> Any:
    """A value without stand-ins; what is held at several places is walked through once."""
    if isinstance(value, Array):
        return value.values
    if isinstance(value, Frame):
        return value.table
    if isinstance(value, StandIn):  # a part of a table, without the table
        raise _refused("pandas", type(value).__name__)
    if not isinstance(value, dict | list | tuple):
        return value
    if id(value) not in done:
        if isinstance(value, dict):
            done[id(value)] = {key: _plain(item, done) for key, item in value.items()}
        else:
            done[id(value)] = type(value)([_plain(item, done) for item in value])
    return done[id(value)]
