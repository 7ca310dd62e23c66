"""An unpickler that loads arrays, tables of numbers, names, numbers, lists and dictionaries, and nothing else.

A pickle is a program: it can name any function of any module and have it called. Here, the few names that
make arrays, tables and their labels stand for classes of this room. They check their arguments and never pass them on
to numpy's own reconstruction, which trusts the flags of a data type and can mistake bytes for addresses. No other name
is looked up.
"""

from __future__ import annotations

import os
import pickle
from codecs import getincrementaldecoder
from pathlib import Path
from typing import Any

from sequoia_base.apart import call
from sequoia_base.atomic import existing_file
from sequoia_model.errors import InputError
from sequoia_model.legacy._frames import FRAME_MAKERS, Frame, Series
from sequoia_model.legacy._labels import ArrowTexts, AxisLabels, Texts, array
from sequoia_model.legacy._stand_ins import ARRAY_MAKERS, Array, StandIn
from sequoia_model.types.beginnings import kind_of_file

_STAND_INS = {**ARRAY_MAKERS, **FRAME_MAKERS}
_ADVICE = {
    "pandas": "in the program that wrote it, make each table plain (pd.DataFrame(frame.to_numpy(float), "
    "list(frame.index), list(frame.columns))), names lists (list(genes)), and save again",
    "torch": "in the program that wrote it, turn tensors into arrays (tensor.cpu().numpy()) and save again",
    "joblib": "if you trust the file, load it with joblib.load and save it with pickle.dump",
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
        Arrays (of numbers or strings), series as arrays and indexes as lists, data frames of numbers as `Table`,
        strings, bytes, numbers, lists, tuples and dictionaries.

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
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror or error}", where=str(path)) from None
    except Exception as error:  # damage makes pickle raise nearly anything, as its documentation says
        raise _unreadable(path, str(error).partition("\n")[0] or type(error).__name__) from None


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


def _unreadable(path: Path, reason: str) -> InputError:
    """What a file is that is no pickle of arrays, by how it begins; or why a pickle cannot be read."""
    what, kind = "the file is not a readable pickle of arrays", kind_of_file(path)
    if kind.endswith("archive"):
        fix = "unpack it, and give the pickle in it"
        if kind == "a zip archive":
            fix += "; if torch.save or numpy.savez wrote it, save the same with pickle.dump"
        return InputError(f"{what}: it is {kind}", where=str(path), fix=fix)
    if kind == "compressed by zlib":
        fix = (
            "if joblib.dump wrote it and you trust it, load it with joblib.load and save it with pickle.dump"
        )
        return InputError(f"{what}: it is {kind}", where=str(path), fix=fix)
    if not kind and _is_text(path):
        kind = "text, such as a CSV"
    if kind not in ("", "a pickle"):
        fix = "give test_results.pkl of the published code, or save the same with pickle.dump"
        return InputError(f"{what}: it is {kind}", where=str(path), fix=fix)
    return InputError(
        f"{what}: truncated, damaged or in another format",
        where=f"{path} ({reason})",
        fix="copy it again from where it was written",
    )


def _is_text(path: Path) -> bool:
    with path.open("rb") as file:
        begin = file.read(200)
    try:
        text = getincrementaldecoder("utf-8")().decode(begin)  # the last character may be cut
    except UnicodeDecodeError:
        return False
    return text != "" and all(letter.isprintable() or letter.isspace() for letter in text)


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
    if isinstance(value, Array | Series):
        return value.values
    if isinstance(value, Frame):
        return value.table
    if isinstance(value, AxisLabels):
        return value.labels
    if isinstance(value, Texts | ArrowTexts):
        return array(value)
    if isinstance(value, StandIn):  # a part of an array or table by itself
        raise _refused(*next(name for name, kind in _STAND_INS.items() if kind is type(value)))
    if not isinstance(value, dict | list | tuple):
        return value
    if id(value) not in done:
        if isinstance(value, dict):
            done[id(value)] = {key: _plain(item, done) for key, item in value.items()}
        else:
            done[id(value)] = type(value)([_plain(item, done) for item in value])
    return done[id(value)]
