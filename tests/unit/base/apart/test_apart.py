"""A file that crashes, hangs or fills its reader ends the child process, and never the one that asked."""

from __future__ import annotations

import collections
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import anndata
import h5py
import numpy as np
import pytest

from sequoia_base import apart
from sequoia_base.apart import parent
from sequoia_base.errors import InputError
from sequoia_model.feature_files import read
from tests.build.cohorts import make_cohort
from tests.build.damaged import write_damaged
from tests.build.features import make_features, write_ours

ROOT = Path(__file__).parents[4]


def ask(name, *arguments, size=0):
    return apart.call(name, *arguments, size=size, reader="the reader")


def refused(call, *arguments):
    with pytest.raises(InputError) as error:
        call(*arguments)
    return error.value


def run(code, **options):
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False, **options
    )  # fmt: skip


def test_a_function_runs_in_another_process():
    assert ask("os:getpid") != os.getpid()
    assert ask("os:getpid") == ask("os:getpid")


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (1000, 7), ()])
def test_arrays_come_back_as_they_are_and_can_be_changed(shape):
    sent = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    came = ask("copy:deepcopy", {"a": sent, "b": [sent.copy(), "text"]})
    np.testing.assert_array_equal(came["a"], sent)
    assert came["a"].dtype == np.float32 and came["a"].flags.writeable
    came["a"][...] = 0
    np.testing.assert_array_equal(came["b"][0], sent)


def test_what_came_earlier_is_not_overwritten_by_what_comes_later():
    first = ask("numpy:full", 100_000, 1.0)
    ask("numpy:full", 200_000, 2.0)
    assert (first == 1).all()


def test_an_error_of_the_function_is_raised_here():
    with pytest.raises(ValueError, match="invalid literal"):
        ask("builtins:int", "x")


def test_an_error_of_ours_keeps_its_parts():
    error = refused(ask, "sequoia_base.atomic:existing_file", "/no/such/file")
    assert (error.what, error.where) == ("the file does not exist", "/no/such/file")


@pytest.mark.parametrize(("call", "said"), [
    (("os:abort",), "it crashed (SIGABRT)"),
    (("os:_exit", 7), "it crashed (code 7)"),
    (("signal:raise_signal", signal.SIGSEGV), "it crashed (SIGSEGV)"),
    (("signal:raise_signal", signal.SIGKILL), "it was killed, perhaps because memory ran out"),
])  # fmt: skip
def test_a_crash_is_an_error_and_the_next_call_works(call, said):
    error = refused(ask, *call)
    assert error.what == f"the reader stopped reading the file: {said}"
    assert ask("builtins:abs", -3) == 3


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("which", ["shared", "connection", "both"])
def test_a_descriptor_that_was_closed_or_given_to_another_file_makes_a_new_child(tmp_path, which, again):
    expected = np.arange(5000.0)
    np.testing.assert_array_equal(ask("numpy:arange", 5000.0), expected)
    child = parent._CHILD
    numbers = {"shared": child._shared, "connection": child._connection.fileno()}
    closed = list(numbers.values()) if which == "both" else [numbers[which]]
    other = os.open(tmp_path / "other", os.O_RDWR | os.O_CREAT)
    os.write(other, bytes(100_000))
    for number in closed:
        os.dup2(other, number) if again else os.close(number)
    np.testing.assert_array_equal(ask("numpy:arange", 5000.0), expected)
    apart.end()
    os.close(other)
    for number in closed if again else []:
        assert os.pread(number, 1, 0) == b"\0"  # the other file stays open
        os.close(number)


def test_without_free_descriptors_the_function_runs_here(monkeypatch):
    apart.end()

    def none_left():
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(parent.socket, "socketpair", none_left)
    assert ask("os:getpid") == os.getpid()


def test_a_hang_is_an_error_after_the_limit_which_grows_with_the_size(monkeypatch):
    monkeypatch.setattr(parent, "_SECONDS", 0.2)
    endless = ("collections:deque", itertools.count(), 0)
    assert "more than 0 s" in refused(ask, *endless).what
    begun = time.monotonic()
    assert "more than 1 s" in refused(lambda: ask(*endless, size=1_000_000)).what
    assert time.monotonic() - begun > 1
    assert ask("builtins:len", collections.deque([1])) == 1


def test_waiting_does_not_count(monkeypatch):
    monkeypatch.setattr(parent, "_SECONDS", 0.1)
    assert ask("time:sleep", 0.5) is None


def test_memory_beyond_the_machine_is_refused():
    assert "more memory than this machine has" in refused(ask, "numpy:ones", 2**50).what


def test_content_that_is_nested_too_deeply_is_refused():
    assert "nested too deeply" in refused(ask, "json:loads", "[" * 100_000 + "]" * 100_000).what


def test_threads_take_turns():
    found = {}
    threads = [
        threading.Thread(target=lambda i=i: found.update({i: ask("builtins:abs", -i)})) for i in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {i: i for i in range(20)}


def test_a_relative_path_is_that_of_the_caller(tmp_path, monkeypatch):
    ask("os:getpid")
    monkeypatch.chdir(tmp_path)
    assert os.path.samefile(ask("os:getcwd"), tmp_path)


def test_without_python_to_start_the_function_runs_here(monkeypatch):
    apart.end()
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    assert ask("os:getpid") == os.getpid()
    apart.end()


def test_a_script_without_a_main_guard_works_and_nothing_is_left():
    code = "from sequoia_base import apart; print(apart.call('os:getpid', size=0, reader='r'))"
    done = run(code)
    assert (done.returncode, done.stderr) == (0, "")
    with pytest.raises(ProcessLookupError):
        os.kill(int(done.stdout), 0)


def test_ctrl_c_ends_a_child_that_hangs():
    code = (
        "import os, signal, itertools, threading; from sequoia_base import apart\n"
        "child = apart.call('os:getpid', size=0, reader='r'); print(child, flush=True)\n"
        "threading.Timer(1, os.kill, (os.getpid(), signal.SIGINT)).start()\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "try: apart.call('collections:deque', itertools.count(), 0, size=0, reader='r')\n"
        "except KeyboardInterrupt: print('interrupted')\n"
    )
    done = run(code)
    child, word = done.stdout.split()
    assert (word, done.stderr) == ("interrupted", "")
    with pytest.raises(ProcessLookupError):
        os.kill(int(child), 0)


def test_a_forked_process_has_a_child_of_its_own():
    ours = ask("os:getpid")
    reader, writer = os.pipe()
    forked = os.fork()
    if not forked:
        os.write(writer, str(ask("os:getpid")).encode())
        apart.end()
        os._exit(0)
    os.waitpid(forked, 0)
    assert int(os.read(reader, 20)) != ours == ask("os:getpid")
    os.close(reader), os.close(writer)


# --- files -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["crash_features", "crash_features_2"])
def test_a_feature_file_that_crashes_hdf5_is_refused_and_the_next_is_read(tmp_path, name):
    error = refused(read, write_damaged(name, tmp_path / "A.h5"))
    assert error.where.startswith(str(tmp_path / "A.h5"))
    assert "the HDF5 library stopped reading the file" in error.what
    np.testing.assert_array_equal(read(write_ours(tmp_path / "B.h5")).features, make_features())


def test_a_feature_file_that_keeps_hdf5_busy_for_ever_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(parent, "_SECONDS", 1.0)
    error = refused(read, write_damaged("hang_features", tmp_path / "A.h5"))
    assert "stopped reading the file: it took more than 1 s" in error.what


def test_a_cohort_that_crashes_hdf5_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(parent, "_SECONDS", 5.0)
    error = refused(apart.h5ad.read, write_damaged("crash_cohort", tmp_path / "c.h5ad"))
    assert str(tmp_path / "c.h5ad") in error.where


def test_anndata_comes_back_as_anndata_itself_reads_it(tmp_path):
    make_cohort().adata.write_h5ad(tmp_path / "c.h5ad")
    came, known = apart.h5ad.read(tmp_path / "c.h5ad"), anndata.read_h5ad(tmp_path / "c.h5ad")
    np.testing.assert_array_equal(came.X, known.X)
    assert came.obs.equals(known.obs) and came.var.equals(known.var)
    assert came.uns.keys() == known.uns.keys() and not came.is_view
    came.obs["new"] = 1
    came[:3].copy()


def test_parts_of_anndata_are_read_without_the_rest(tmp_path):
    adata = make_cohort().adata
    adata.layers["measured"] = np.asarray(adata.X) + 1
    adata.write_h5ad(tmp_path / "c.h5ad")
    found, obs, var = apart.h5ad.names(tmp_path / "c.h5ad")
    assert {"X", "obs", "layers/measured"} <= found and len(obs) == adata.n_obs and len(var) == adata.n_vars
    some = np.array([1, 4])
    np.testing.assert_allclose(
        apart.h5ad.rows(tmp_path / "c.h5ad", "layers/measured", some),
        np.asarray(adata.X)[some] + 1,
        rtol=1e-6,
    )


def test_the_content_of_a_group_is_that_of_the_group_alone(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["top"], file["in/x"], file["in/deep/y"] = 1, [2, 3], 4
        file["in"].attrs["unit"] = "µm"
    about, datasets = apart.contents(tmp_path / "a.h5", "in")
    assert about == {"unit": "µm"} and list(datasets) == ["x"] and list(datasets["x"]) == [2, 3]
    assert list(apart.contents(tmp_path / "a.h5")[1]) == ["top"]
