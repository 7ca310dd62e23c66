"""Old results: what is read, what is refused, and that no code in a pickle ever runs."""

from __future__ import annotations

import io
import os
import pickle
import re
import struct
from collections import OrderedDict

import numpy as np
import pandas as pd
import pytest

from sequoia_model.errors import InputError
from sequoia_model.legacy import read_results
from sequoia_model.legacy.unpickler import _STAND_INS, load

GENES = ["A1BG", "TP53", "ESR1"]


def slide(number, extra=1):
    return f"TCGA-AA-{number:04d}-01Z-00-DX{extra}.ABC"


def make_split(fold, n=2, prefix="", **changes):
    """A split as the published code leaves it; `changes` replace parts, None takes one away."""
    generator = np.random.default_rng(fold)
    part = {
        "real": generator.normal(5, 1, (n, len(GENES))),
        "preds": generator.normal(5, 1, (n, len(GENES))).astype(np.float32),
        "random": generator.normal(0, 1, (n, len(GENES))).astype(np.float32),
        "wsi_file_name": np.array([slide(10 * fold + i) for i in range(n)]),
        "tcga_project": np.array(["TCGA-BRCA"] * n, dtype=object),
        "genes": [prefix + gene for gene in GENES],
    }
    return {key: value for key, value in (part | changes).items() if value is not None}


def make_results(*splits, **top):
    splits = splits or (make_split(0), make_split(1))
    return {f"split_{i}": split for i, split in enumerate(splits)} | {"genes": GENES} | top


def write(folder, content, protocol=pickle.HIGHEST_PROTOCOL, name="test_results.pkl"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else pickle.dumps(content, protocol=protocol))
    return path


# --- what is read --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_results_become_predictions(tmp_path, protocol):
    content = make_results(make_split(0, prefix="rna_"), make_split(1, prefix="rna_"))
    adata = read_results(write(tmp_path, content, protocol))
    assert adata.var_names.tolist() == GENES
    assert adata.obs_names.tolist() == [slide(0), slide(1), slide(10), slide(11)]
    assert adata.obs["patient_id"].tolist() == [
        "TCGA-AA-0000",
        "TCGA-AA-0001",
        "TCGA-AA-0010",
        "TCGA-AA-0011",
    ]
    assert adata.obs["fold"].tolist() == [0, 0, 1, 1]
    assert adata.obs["cohort"].unique().tolist() == ["TCGA-BRCA"]
    np.testing.assert_array_equal(adata.X[2:], content["split_1"]["preds"])
    np.testing.assert_array_equal(adata.layers["measured"][:2], content["split_0"]["real"].astype(np.float32))
    np.testing.assert_array_equal(adata.layers["untrained"][2:], content["split_1"]["random"])
    assert not adata.layers["std"].any()
    assert adata.uns["warnings"].tolist() == []


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
    read = load(write(tmp_path, {"a": {"b": array}}, protocol))["a"]["b"]
    assert read.dtype == array.dtype
    np.testing.assert_array_equal(read, array)


def test_one_split_alone_has_no_number(tmp_path):
    adata = read_results(write(tmp_path, make_split(0, random=None) | {"random": None}))
    assert adata.obs["fold"].isna().all()
    assert "untrained" not in adata.layers
    assert "does not say which fold" in adata.uns["warnings"][0]


def test_splits_are_in_the_order_of_their_numbers(tmp_path):
    splits = {f"split_{i}": make_split(i, n=1) for i in (10, 9, *range(9))}
    assert read_results(write(tmp_path, splits)).obs["fold"].tolist() == list(range(11))


def test_slides_lose_their_endings_and_a_table_names_their_patients(tmp_path):
    content = make_results(make_split(0, wsi_file_name=["S1.svs", b"S2"]))
    adata = read_results(write(tmp_path, content), {"S1.svs": "P1", "S2": "P1"})
    assert adata.obs["patient_id"].to_dict() == {"S1": "P1", "S2": "P1"}


def test_a_missing_measurement_is_kept(tmp_path):
    real = np.array([[1.0, np.nan, 2.0]] * 2)
    adata = read_results(write(tmp_path, make_results(make_split(0, real=real))))
    assert np.isnan(adata.layers["measured"][:, 1]).all()


WARNINGS = {
    "other keys": (make_results(make_split(0, labels=1), baseline=[1]), "not read: labels, baseline"),
    "a lost split": ({"split_0": make_split(0), "split_3": make_split(1)}, "2 splits are missing: split_1, split_2"),
    "untrained in one": (make_results(make_split(0), make_split(1, random=None)), "random is in 1 of 2 splits"),
    "projects in one": (make_results(make_split(0), make_split(1, tcga_project=None)), "tcga_project is in 1 of 2"),
    "slides of nobody": (
        make_results(make_split(0, wsi_file_name=["S1", slide(2)])),
        "1 of 2 slides name no patient, and each counts as one of its own: S1",
    ),
    "a patient in two folds": (
        make_results(make_split(0), make_split(1, wsi_file_name=[slide(0, 2), slide(9)])),
        "1 patients have slides in several folds",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("content", "words"), WARNINGS.values(), ids=WARNINGS)
def test_what_is_left_out_or_doubtful_is_said(tmp_path, content, words):
    warnings = read_results(write(tmp_path, content)).uns["warnings"]
    assert len(warnings) == 1
    assert words in warnings[0]


# --- what does not fit ---------------------------------------------------------------------------------------------

NAN = np.array([[1, 2, 3], [4, np.nan, 6.0]])
BAD = {
    "a list": ([1, 2], ["no cross-validation results", "which holds list"]),
    "an array": (np.zeros(3), ["no cross-validation results", "ndarray"]),
    "nothing": ({}, ["no cross-validation results", "a dictionary of nothing"]),
    "other keys": ({"fold_0": {}, "genes": []}, ["a dictionary of fold_0, genes", "split_0"]),
    "a split that is none": ({"split_0": 3}, ["no cross-validation results"]),
    "no predictions": (make_results(make_split(0, preds=None)), ["split_0 lacks preds", "real, random"]),
    "no slides": (make_results(make_split(0), make_split(1, wsi_file_name=None)), ["split_1 lacks wsi_file_name"]),
    "no slide": (make_results(make_split(0, n=0)), ["split_0 has no slides"]),
    "no genes": ({"split_0": make_split(0, genes=None)}, ["the key 'genes' is missing"]),
    "other genes": (make_results(make_split(0, genes=GENES[::-1])), ["lists of genes differ", "split_0, genes"]),
    "fewer genes": (make_results(genes=GENES[:2]), ["lists of genes differ: 2 genes, and 3"]),
    "a gene twice": (
        {"split_0": make_split(0, genes=["A", "A", "B"])},
        ["1 genes stand more than once: A", "split_0, genes"],
    ),
    "genes that are numbers": (make_results(genes=[1, 2, 3]), ["no list of names", "genes"]),
    "an empty gene": (make_results(genes=["A", " ", "B"]), ["1 names are empty", "number 2"]),
    "half a character": (make_results(genes=["A", "\ud800", "B"]), ["a name is no text"]),
    "a byte of zero": (make_results(genes=["A", "B\0", "C"]), ["1 names are empty or no texts", "number 2"]),
    "bytes that are no text": (make_results(genes=[b"\xff"]), ["a name is no text"]),
    "another shape": (
        make_results(make_split(0), make_split(1, real=np.zeros((3, 3)))),
        ["the shape is 3 × 3, and there are 2 slides × 3 genes", "split_1, real"],
    ),
    "one dimension": (make_results(make_split(0, preds=np.zeros(6))), ["the shape is 6,", "split_0, preds"]),
    "projects of others": (make_results(make_split(0, tcga_project=["A"])), ["1 projects and 2 slides", "split_0"]),
    "NaN predictions": (
        make_results(make_split(0, preds=NAN)),
        ["1 values are NaN or infinite", f"split_0, preds, first at slide {slide(1)}, gene TP53"],
    ),
    "NaN untrained": (make_results(make_split(0, random=NAN)), ["1 values are NaN or infinite", "split_0, random"]),
    "beyond float32": (make_results(make_split(0, preds=np.full((2, 3), 1e39))), ["6 values are NaN or infinite"]),
    "infinite measurements": (
        make_results(make_split(0, real=np.full((2, 3), np.inf))),
        ["6 values are infinite", "split_0, real"],
    ),
    "texts for numbers": (make_results(make_split(0, preds=np.full((2, 3), "a"))), ["numbers are needed", "of <U1"]),
    "lists for arrays": (make_results(make_split(0, preds=[[1.0]])), ["numbers are needed, and this is a list"]),
    "a slide twice in a split": (
        make_results(make_split(0, wsi_file_name=[slide(0), slide(0) + ".svs"])),
        ["1 slides stand more than once", f"{slide(0)} (split_0, split_0)"],
    ),
    "a slide in two splits": (make_results(make_split(0), make_split(0)), ["2 slides", "(split_0, split_1)"]),
}  # fmt: skip


@pytest.mark.parametrize(("content", "words"), BAD.values(), ids=BAD)
def test_results_that_do_not_fit_are_refused_with_split_and_key(tmp_path, content, words):
    with pytest.raises(InputError) as raised:
        read_results(write(tmp_path, content))
    assert [word for word in [*words, "test_results.pkl"] if word not in str(raised.value)] == []


def test_patients_of_other_slides_are_refused(tmp_path):
    with pytest.raises(InputError, match="none of the 4 slides is among the patients"):
        read_results(write(tmp_path, make_results()), {"S1": "P1"})


GOOD = pickle.dumps(make_results())
DAMAGE = {
    "no bytes": b"",
    "truncated": GOOD[:-20],
    "truncated early": GOOD[:30],
    "text": b"hello, this is no pickle at all\n",
    "a zip": b"PK\x03\x04" + bytes(100),
    "a huge string": b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b"x.",
    "a huge frame": b"\x80\x04\x95" + struct.pack("<Q", 2**40) + b"x.",
    "nothing on the stack": b"\x80\x04.",
    "a persistent id": b"\x80\x04K\x01Q.",
    "an extension": b"\x80\x04\x82\x01.",
}


@pytest.mark.parametrize("data", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_file_is_refused(tmp_path, data):
    with pytest.raises(InputError, match="no readable pickle of arrays") as raised:
        load(write(tmp_path, data))
    assert "test_results.pkl" in raised.value.where


@pytest.mark.parametrize("cut", range(0, len(GOOD), 37))
def test_a_file_cut_anywhere_is_refused(tmp_path, cut):
    with pytest.raises(InputError, match="no readable pickle"):
        read_results(write(tmp_path, GOOD[:cut]))


@pytest.mark.parametrize(("name", "words"), [("no.pkl", "does not exist"), ("", "a folder was given")])
def test_a_file_is_needed(tmp_path, name, words):
    with pytest.raises(InputError, match=words):
        load(tmp_path / name)


# --- what would run ------------------------------------------------------------------------------------------------


class Name:
    """Pickled as the name of anything, there or not."""

    def __init__(self, module, name):
        self.line = f"c{module}\n{name}\n".encode()

    def __call__(self):
        """Pickle asks for what can be called."""


class Call:
    """Pickled as a call, and a state that its result is given."""

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
    path = write(tmp_path, assembled(place(ATTACKS[name](code(tmp_path)))))
    wanted = name.replace("os.system", "posix.system").replace("builtins.getattr", "builtins.")
    with pytest.raises(InputError, match=f"wants to load '{re.escape(wanted)}") as raised:
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
        (pd.DataFrame({"a": [1]}), "frame.to_numpy()"),
        (pd.Index(["a"]), "frame.to_numpy()"),
        (Name("torch._utils", "_rebuild_tensor_v2"), "tensor.cpu().numpy()"),
        (Name("my.module", "Model"), "save arrays and strings alone"),
    ],
    ids=["frame", "index", "tensor", "model"],
)
def test_what_arrays_could_be_made_of_gets_advice(tmp_path, value, words):
    with pytest.raises(InputError, match="wants to load") as raised:
        load(write(tmp_path, assembled(value)))
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
    with pytest.raises(InputError, match="no readable pickle of arrays"):
        load(write(tmp_path, assembled(value)))


@pytest.mark.parametrize("name", [NDARRAY, DTYPE, ARRAY, SCALAR, BUFFER, ENCODE])
@pytest.mark.parametrize("state", [b"}X\x01\x00\x00\x00aK\x01s", b"N}X\x01\x00\x00\x00aK\x01s\x86"])
def test_a_pickle_cannot_change_what_names_stand_for(tmp_path, name, state):
    with pytest.raises(InputError, match="no readable pickle of arrays"):
        load(write(tmp_path, b"\x80\x02" + name.line + state + b"b."))
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
    assert load(write(tmp_path, assembled(content))) == {"a": [0.0], "b": [0.0], "c": "x"}


def test_names_alone_do_nothing(tmp_path):
    with pytest.raises(InputError, match="no cross-validation results"):
        read_results(write(tmp_path, assembled([NDARRAY, DTYPE])))
