"""Pickles: the arrays in them are read, and no code in them ever runs."""

from __future__ import annotations

import io
import os
import pickle
import re
import struct
import zlib
from collections import OrderedDict

import numpy as np
import pandas as pd
import pytest
import torch

from sequoia_model.errors import InputError
from sequoia_model.legacy import read_results
from sequoia_model.legacy._unpickler import _STAND_INS, load
from tests.build.pickles import GENES, make_results, write_pickle


@pytest.mark.parametrize("protocol", [2, 5])
@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype="<f8").reshape(2, 3),
        np.arange(6, dtype=">f4").reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(12.0).reshape(2, 6)[:, ::2],
        np.array(["a", "bcd"]),
        np.array([b"a", b"bcd"]),
        np.array(["a", None, 3, 0.5, True], dtype=object),
        np.array([True, False]),
        np.zeros((0, 3)),
        np.int16([[1]]),
    ],
    ids=lambda array: f"{array.dtype} {array.shape}",
)
def test_arrays_are_read_as_numpy_reads_them(tmp_path, protocol, array):
    read = load(write_pickle(tmp_path, {"a": {"b": array}}, protocol))["a"]["b"]
    assert read.dtype == array.dtype
    np.testing.assert_array_equal(read, array)


FRAME = pd.DataFrame(np.arange(6, dtype="<f4").reshape(2, 3), ["S1", "S2"], ["A", "B", "C"])
FRAMES = {
    "float32": FRAME,
    "float64": FRAME.astype(float),
    "of two types": FRAME.astype({"B": float}),
    "transposed": FRAME.T,
    "some columns": FRAME[["A", "C"]],
    "rows that are counted": FRAME.reset_index(drop=True),
    "no rows": FRAME.iloc[:0],
    "columns one by one": pd.DataFrame({"A": [1.0, 2.0], "B": [3, 4]}, ["S1", "S2"]),
}


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_tables_are_read_as_pandas_reads_them(tmp_path, protocol, frame):
    table = load(write_pickle(tmp_path, {"pred": frame}, protocol))["pred"]
    np.testing.assert_array_equal(table.values, frame.to_numpy())
    assert (list(table.index), list(table.columns)) == (list(frame.index), list(frame.columns))


def as_pandas_3(data):
    """A pickle of protocol 0 to 2 with the names that pandas 3 gives its classes."""
    for module, name, new in [
        ("pandas.core.frame", "DataFrame", "pandas"),
        ("pandas.core.indexes.base", "Index", "pandas"),
        ("pandas.core.indexes.range", "RangeIndex", "pandas"),
        ("pandas.core.arrays.string_", "StringDtype", "pandas"),
        ("pandas.core.arrays.string_", "StringArray", "pandas.arrays"),
        ("pandas.core.arrays.string_arrow", "ArrowStringArray", "pandas.arrays"),
        ("pandas._libs.missing", "NA", "pandas"),
        ("pandas.core.series", "Series", "pandas"),
    ]:
        data = data.replace(f"c{module}\n{name}\n".encode(), f"c{new}\n{name}\n".encode())
    return data


NAN_TEXTS = {"na_value": np.nan}
TEXTS = {
    "object": object,
    "string": pd.StringDtype("python"),
    "str": pd.StringDtype("python", **NAN_TEXTS),
    "arrow string": pd.StringDtype("pyarrow"),
    "arrow str": pd.StringDtype("pyarrow", **NAN_TEXTS),
}


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("kind", TEXTS.values(), ids=TEXTS)
def test_tables_with_names_of_any_type_of_text_are_read(tmp_path, protocol, kind):
    frame = FRAME.set_axis(pd.Index(["S1", "Sß"], dtype=kind)).set_axis(
        pd.Index(list("ABC"), dtype=kind), axis=1
    )
    for held in (frame, frame.iloc[1:], frame.iloc[:0]):
        data = pickle.dumps({"pred": held}, protocol)
        for written in (data, as_pandas_3(data)):
            table = load(write_pickle(tmp_path, written))["pred"]
            np.testing.assert_array_equal(table.values, held.to_numpy())
            assert (list(table.index), list(table.columns)) == (list(held.index), list("ABC"))


@pytest.mark.parametrize("protocol", [0, 2, 5])
@pytest.mark.parametrize("kind", TEXTS.values(), ids=TEXTS)
def test_names_in_an_index_or_a_series_are_read_in_their_order(tmp_path, protocol, kind):
    names = pd.Index(["S1", "Sß"], dtype=kind)
    held = {
        "index": names,
        "series": pd.Series(names, [5, 2]),
        "array": pd.array(["S1", "Sß"], dtype="string"),
        "numbers": pd.Series([1.5, 2]),
    }
    data = pickle.dumps(held, protocol)
    for written in (data, as_pandas_3(data)):
        read = load(write_pickle(tmp_path, written))
        assert {name: list(value) for name, value in read.items()} == {n: list(v) for n, v in held.items()}


def test_a_missing_name_is_none(tmp_path):
    frame = FRAME.set_axis(pd.Index(["S1", None], dtype=TEXTS["arrow string"]))
    assert load(write_pickle(tmp_path, frame)).index == ["S1", None]


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_tables_are_read_in_lists_at_any_depth(tmp_path, protocol):
    read = load(write_pickle(tmp_path, [{"a": {"b": {"c": [(FRAME,)]}}}, FRAME.to_numpy()], protocol))
    np.testing.assert_array_equal(read[0]["a"]["b"]["c"][0][0].values, read[1])


@pytest.mark.parametrize("kind", [object, TEXTS["string"], TEXTS["arrow str"]])
def test_tables_of_texts_are_refused(tmp_path, kind):
    with pytest.raises(InputError, match="columns that are not numbers"):
        load(write_pickle(tmp_path, pd.DataFrame({"A": pd.array(["x"], dtype=kind), "B": [1]})))


def shared(depth):
    """A list that holds itself twice at each depth: short to write, without end to walk through."""
    held = []
    for _ in range(depth):
        held = [held, held]
    return held


def test_what_is_held_often_is_walked_through_once(tmp_path):
    assert len(load(write_pickle(tmp_path, shared(60)))) == 2


GOOD = pickle.dumps(make_results())
DAMAGE = {
    "no bytes": b"",
    "truncated": GOOD[:-20],
    "truncated early": GOOD[:30],
    "protocol 0": pickle.dumps(make_results(), 0)[:500],
    "numpy's protocol 0": pickle.dumps(np.ones(3), 0)[:60],
    "a huge string": b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b"x.",
    "a huge frame": b"\x80\x04\x95" + struct.pack("<Q", 2**40) + b"x.",
    "nothing on the stack": b"\x80\x04.",
    "a persistent id": b"\x80\x04K\x01Q.",
    "an extension": b"\x80\x04\x82\x01.",
}


@pytest.mark.parametrize("data", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_file_is_refused(tmp_path, data):
    with pytest.raises(InputError, match="not a readable pickle of arrays") as raised:
        load(write_pickle(tmp_path, data))
    assert "test_results.pkl" in raised.value.where and "copy it again" in raised.value.fix


def saved(write):
    """What a function writes into a file."""
    out = io.BytesIO()
    write(out)
    return out.getvalue()


TABLE = pd.DataFrame({"ß": [1.0]}, ["S1"])
OTHERS = {
    "text": (TABLE.to_csv().encode(), "text, such as a CSV", "give test_results.pkl"),
    "numpy.save": (saved(lambda file: np.save(file, TABLE)), "a NumPy array", "pickle.dump"),
    "numpy.savez": (saved(lambda file: np.savez(file, TABLE)), "a zip archive", "numpy.savez wrote it"),
    "torch.save": (
        saved(lambda file: torch.save({"a": TABLE.to_numpy()}, file)), "a zip archive", "if torch.save"
    ),
    "gzip": (saved(lambda file: TABLE.to_pickle(file, compression="gzip")), "a gzip archive", "unpack it"),
    "xz": (saved(lambda file: TABLE.to_pickle(file, compression="xz")), "an xz archive", "unpack it"),
    "bzip2": (saved(lambda file: TABLE.to_pickle(file, compression="bz2")), "a bzip2 archive", "unpack it"),
    "joblib": (zlib.compress(GOOD, 3), "compressed by zlib", "joblib.dump wrote it"),
}  # fmt: skip


@pytest.mark.parametrize(("data", "kind", "fix"), OTHERS.values(), ids=OTHERS)
def test_another_kind_of_file_is_named(tmp_path, data, kind, fix):
    with pytest.raises(InputError, match=f"not a readable pickle of arrays: it is {kind}") as raised:
        load(write_pickle(tmp_path, data))
    assert fix in raised.value.fix


@pytest.mark.parametrize("cut", range(0, len(GOOD), 37))
def test_a_file_cut_anywhere_is_refused(tmp_path, cut):
    with pytest.raises(InputError, match="not a readable pickle"):
        read_results(write_pickle(tmp_path, GOOD[:cut]))


@pytest.mark.parametrize(("name", "words"), [("no.pkl", "does not exist"), ("", "a folder was given")])
def test_a_file_is_needed(tmp_path, name, words):
    with pytest.raises(InputError, match=words):
        load(tmp_path / name)


# --- what would run ------------------------------------------------------------------------------------------------


class Name:
    """Pickled as any name, whether it exists or not."""

    def __init__(self, module, name):
        self.line = f"c{module}\n{name}\n".encode()

    def __call__(self):
        """pickle asks for a callable."""


class Call:
    """Pickled as a call, and a state for its result."""

    def __init__(self, function, *arguments, state=None):
        self.reduced = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self):
        return self.reduced


class Pickler(pickle._Pickler):
    def save(self, value, save_persistent_id=True):
        if isinstance(value, Name):
            self.write(value.line)
        else:
            super().save(value, save_persistent_id)


def assembled(value, protocol=4):
    out = io.BytesIO()
    Pickler(out, protocol).dump(value)
    return out.getvalue()


def code(folder):
    return f"open({str(folder / 'canary')!r}, 'w').close()"


ATTACKS = {
    "os.system": lambda code: Call(os.system, f'python3 -c "{code}"'),
    "builtins.eval": lambda code: Call(eval, code),
    "builtins.exec": lambda code: Call(exec, code),
    "builtins.getattr": lambda code: Call(getattr, Call(__import__, "os"), "system"),
    "builtins.__import__": lambda code: Call(__import__, "os"),
    "numpy.load": lambda code: Call(np.load, "canary.npy", None, True),
    "numpy._core.multiarray._reconstruct.__globals__": lambda code: Name(
        "numpy._core.multiarray", "_reconstruct.__globals__"
    ),
    "numpy.ctypeslib.load_library": lambda code: Call(Name("numpy.ctypeslib", "load_library"), "x.so", "."),
    "numpy.f2py.compile": lambda code: Name("numpy.f2py", "compile"),
    "_pickle.loads": lambda code: Call(pickle.loads, pickle.dumps(Call(eval, code))),
    "functools.partial": lambda code: Call(Name("functools", "partial"), Name("os", "system")),
    "collections.OrderedDict": lambda code: OrderedDict(a=1),
}
PLACES = {
    "alone": lambda attack: attack,
    "a value": lambda attack: {"split_0": {"preds": attack}, "genes": GENES},
    "in an array": lambda attack: np.array([attack, 1], dtype=object),
    "an argument": lambda attack: Call(np.dtype, attack),
    "a state": lambda attack: Call(np.dtype, "f8", state=(3, attack)),
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("name", ATTACKS)
def test_code_in_a_pickle_is_named_and_never_runs(tmp_path, name, place):
    path = write_pickle(tmp_path, assembled(place(ATTACKS[name](code(tmp_path)))))
    wanted = name.replace("os.system", "posix.system").replace("builtins.getattr", "builtins.")
    with pytest.raises(InputError, match=f"needs '{re.escape(wanted)}") as raised:
        load(path)
    assert "can run code" in raised.value.what
    assert raised.value.where == str(path)
    assert not (tmp_path / "canary").exists()


def test_the_canary_would_have_been_left(tmp_path):
    pickle.loads(assembled(ATTACKS["builtins.exec"](code(tmp_path))))
    assert (tmp_path / "canary").exists()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (pd.Series(["a"], dtype="category"), "list(genes)"),
        (pd.DataFrame({"a": pd.Categorical(["b"])}), "frame.to_numpy(float)"),
        (np.dtype("f4"), "save only arrays and strings"),
        (Name("torch._utils", "_rebuild_tensor_v2"), "tensor.cpu().numpy()"),
        (Name("my.module", "Model"), "save only arrays and strings"),
        (Name("joblib.numpy_pickle", "NumpyArrayWrapper"), "load it with joblib.load"),
    ],
    ids=["levels", "categories", "type", "tensor", "model", "joblib"],
)
def test_what_arrays_could_be_made_of_gets_advice(tmp_path, value, words):
    with pytest.raises(InputError, match="to load, but only arrays") as raised:
        load(write_pickle(tmp_path, assembled(value)))
    assert words in raised.value.fix


ARRAY = Name("numpy._core.multiarray", "_reconstruct")
SCALAR = Name("numpy._core.multiarray", "scalar")
BUFFER = Name("numpy._core.numeric", "_frombuffer")
ENCODE = Name("_codecs", "encode")
NDARRAY, DTYPE = Name("numpy", "ndarray"), Name("numpy", "dtype")
F8, OBJECT = Call(DTYPE, "f8"), Call(DTYPE, "O8")
OBJECT_WITHOUT_FLAGS = Call(DTYPE, "O8", state=(3, "|", None, None, None, -1, -1, 0))


def array(*state):
    return Call(ARRAY, NDARRAY, (0,), b"b", state=state)


TRICKS = {
    "another class of arrays": Call(ARRAY, DTYPE, (0,), b"b", state=(1, (1,), F8, False, bytes(8))),
    "an array that is called": Call(NDARRAY, (2,)),
    "a type with fields": Call(DTYPE, "V8"),
    "a type of several": Call(DTYPE, "O,f8"),
    "a type of times": np.array(["2020-01-01"], dtype="M8[D]"),
    "a type of complex numbers": np.array([1j]),
    "a type as a dictionary": Call(DTYPE, {"names": ["a"], "formats": ["O"]}),
    "a type of type": Call(DTYPE, F8),
    "a type that does not exist": Call(DTYPE, "f1"),
    "fields in a state": Call(DTYPE, "f8", state=(3, "|", None, ("a",), {"a": (OBJECT, 0)}, 8, 8, 0)),
    "an order of bytes": Call(DTYPE, "f8", state=(3, "x", None, None, None, -1, -1, 0)),
    "addresses for objects": array(1, (1,), OBJECT_WITHOUT_FLAGS, False, b"A" * 8),
    "objects in a buffer": Call(BUFFER, b"A" * 8, OBJECT, (1,), "C"),
    "an object as a scalar": Call(SCALAR, OBJECT, b"A" * 8),
    "an object in a list as a scalar": Call(SCALAR, OBJECT, ["a"]),
    "an object in objects": array(1, (1,), OBJECT, False, [F8]),
    "a list in objects": array(1, (1,), OBJECT, False, [[1]]),
    "a shape beyond the bytes": array(1, (1000,), F8, False, bytes(8)),
    "a huge shape": array(1, (2**40, 2**40), F8, False, bytes(8)),
    "a shape that is negative": array(1, (-1,), F8, False, bytes(8)),
    "two negative sides": array(1, (-1, -1), F8, False, bytes(8)),
    "a shape of floats": array(1, (1.0,), F8, False, bytes(8)),
    "a shape that is none": array(1, None, F8, False, bytes(8)),
    "a type that is none": array(1, (1,), "f8", False, bytes(8)),
    "a state that is none": array(1),
    "an array without a state": Call(ARRAY, NDARRAY, (0,), b"b"),
    "too few bytes": Call(SCALAR, F8, bytes(3)),
    "axes in another order": Call(BUFFER, bytes(8), F8, (1,), "K", (0,)),
    "another codec": Call(ENCODE, "abc", "rot13"),
    "a codec that unpacks": Call(ENCODE, b"abc", "zlib_codec"),
    "what latin1 has not": Call(ENCODE, "\u20ac", "latin1"),
    "bytes by number": Call(Name("__builtin__", "bytes"), 10),
    "a state for a class": Call(ENCODE, "a", "latin1", state={"a": 1}),
}  # fmt: skip


@pytest.mark.parametrize("value", TRICKS.values(), ids=TRICKS)
def test_arrays_that_are_not_what_they_say_are_refused(tmp_path, value):
    with pytest.raises(InputError, match="not a readable pickle of arrays"):
        load(write_pickle(tmp_path, assembled(value)))


@pytest.mark.parametrize("name", [NDARRAY, DTYPE, ARRAY, SCALAR, BUFFER, ENCODE])
@pytest.mark.parametrize("state", [b"}X\x01\x00\x00\x00aK\x01s", b"N}X\x01\x00\x00\x00aK\x01s\x86"])
def test_a_pickle_cannot_change_what_names_stand_for(tmp_path, name, state):
    with pytest.raises(InputError, match="not a readable pickle of arrays"):
        load(write_pickle(tmp_path, b"\x80\x02" + name.line + state + b"b."))
    assert not any(hasattr(kind, "a") for kind in _STAND_INS.values())


@pytest.mark.parametrize("core", ["numpy.core", "numpy._core"])
def test_numpy_1_and_2_call_the_same_by_two_names(tmp_path, core):
    content = {
        "a": Call(
            Name(f"{core}.multiarray", "_reconstruct"),
            NDARRAY,
            (0,),
            b"b",
            state=(1, (1,), F8, False, bytes(8)),
        ),
        "b": Call(Name(f"{core}.numeric", "_frombuffer"), bytes(8), F8, (1,), "C"),
        "c": Call(Name(f"{core}.multiarray", "scalar"), Call(DTYPE, "U1"), "x".encode("utf-32-le")),
    }
    assert load(write_pickle(tmp_path, assembled(content))) == {"a": [0.0], "b": [0.0], "c": "x"}


def test_names_alone_do_nothing(tmp_path):
    with pytest.raises(InputError, match="does not hold cross-validation results"):
        read_results(write_pickle(tmp_path, assembled([NDARRAY, DTYPE])))


LONG = Call(
    Name("pandas.core.indexes.base", "_new_Index"),
    Name("pandas.core.indexes.range", "RangeIndex"),
    {"start": 0, "stop": 10**12, "step": 1, "name": None},
)


@pytest.mark.parametrize("axes", [[["A"], ["S1", "S2"]], [LONG, LONG], [LONG, ["A"]], ["AB", "CD"]])
def test_tables_whose_axes_do_not_fit_their_values_are_refused(tmp_path, axes):
    """However long the axes say that they are, no memory is taken for them."""
    manager = Call(Name("pandas.core.internals.managers", "BlockManager"), (), axes)
    frame = Call(Name("pandas.core.frame", "DataFrame"), state={"_mgr": manager})
    with pytest.raises(InputError, match=r"without its values|no plain names"):
        load(write_pickle(tmp_path, assembled({"pred": frame})))
