"""The bridge to R: values, errors, printed output, threads, processes, and messages if something is missing."""

import logging
import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from joblib import Parallel, delayed

from sequoia_stats import rbridge
from sequoia_stats.errors import REvaluationError, RUnavailableError

needs_r = pytest.mark.needs_r
finite = st.floats(allow_nan=False, allow_infinity=False)


@pytest.fixture
def echo_source(tmp_path, monkeypatch):
    """An R file with a few functions, found as one of ours."""
    (tmp_path / "echo.R").write_text(
        "same <- function(x) x\n"
        "dims <- function(x) dim(x)\n"
        "stops <- function(gene) stop('no such gene: ', gene)\n"
        "warns <- function() { warning('look out'); 1 }\n"
        "is_interrupted <- function(times) {\n"
        "  tools::pskill(Sys.getpid(), tools::SIGINT)\n"
        "  for (i in seq_len(times)) sin(i)\n"
        "}\n"
        "talks <- function() { cat('hello from R\\n'); message('a message'); 1 }\n"
    )
    ours = rbridge.r_source
    monkeypatch.setattr(rbridge, "r_source", lambda name: tmp_path / name if name == "echo.R" else ours(name))
    yield "echo.R"
    rbridge.start().loaded.discard("echo.R")


@pytest.fixture
def no_session(monkeypatch):
    """As in a process that has not called R yet."""
    monkeypatch.setattr(rbridge, "_session", None)


@needs_r
@given(
    arrays(np.float64, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=finite),
    st.sampled_from("CF"),
)
def test_a_matrix_comes_back_as_it_went_in_either_memory_order(matrix, order):
    session = rbridge.start()
    np.testing.assert_array_equal(
        session._from_r(session._to_r(np.asarray(matrix, order=order))).reshape(matrix.shape), matrix
    )


@needs_r
def test_a_matrix_larger_than_a_copied_block_and_a_huge_page_keeps_every_value():
    matrix = np.arange(701 * 1301, dtype=np.float64).reshape(701, 1301)
    session = rbridge.start()
    np.testing.assert_array_equal(session._from_r(session._to_r(matrix)), matrix)


@needs_r
@pytest.mark.parametrize(
    "value", [None, True, 3, 2.5, "ESR1", ["a", "b"], {"a": 1, "b": [1.5, 2.5]}, [True, False]], ids=str
)
def test_plain_values_survive_the_round_trip(value, echo_source):
    returned = rbridge.call(echo_source, "same", x=value)
    expected = {"a": 1, "b": [1.5, 2.5]}
    returned = {**returned, "b": returned["b"].tolist()} if value == expected else returned
    assert returned == value


@needs_r
def test_missing_values_come_back_as_nan(echo_source):
    returned = rbridge.call(echo_source, "same", x=np.array([1.0, np.nan]))
    np.testing.assert_array_equal(returned, [1.0, np.nan])


@needs_r
def test_patients_stay_rows_in_r(echo_source):
    assert rbridge.call(echo_source, "dims", x=np.zeros((3, 5))).tolist() == [3, 5]


@needs_r
def test_an_integer_beyond_32_bits_is_refused():
    with pytest.raises(TypeError, match="32 bits"):
        rbridge.start()._to_r(np.array([2**31]))


@needs_r
def test_an_error_in_r_carries_its_message_and_call(echo_source):
    with pytest.raises(REvaluationError) as caught:
        rbridge.call(echo_source, "stops", gene="ESR9")
    assert caught.value.message == "no such gene: ESR9"
    assert caught.value.call == "stops(gene = gene)"


@needs_r
def test_a_warning_in_r_goes_to_the_log_and_the_value_still_comes(echo_source, caplog):
    assert rbridge.call(echo_source, "warns") == 1
    assert "look out" in caplog.text


@needs_r
def test_what_r_prints_goes_to_the_log_and_not_to_the_terminal(echo_source, caplog, capfd):
    caplog.set_level(logging.INFO, logger="sequoia_stats.rbridge")
    rbridge.call(echo_source, "talks")
    assert "hello from R" in caplog.text and "a message" in caplog.text
    assert capfd.readouterr() == ("", "")


@needs_r
def test_the_console_of_other_users_of_rpy2_is_given_back(echo_source):
    from rpy2.rinterface_lib import callbacks

    before = callbacks.consolewrite_print
    rbridge.call(echo_source, "talks")
    assert callbacks.consolewrite_print is before


@needs_r
def test_programs_started_after_r_inherit_the_environment_as_it_was():
    script = (
        "import os, subprocess, sys; before = dict(os.environ); from sequoia_stats import rbridge; rbridge.start();"
        "after = subprocess.run(['env', '-0'], capture_output=True, text=True).stdout.rstrip('\\0').split('\\0');"
        "after = dict(line.split('=', 1) for line in after);"
        "print([k for k in before.keys() | after.keys() if before.get(k) != after.get(k) and not k.startswith('R_')])"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


@needs_r
def test_no_converter_is_switched_on_for_others(echo_source):
    import rpy2.robjects as ro

    rbridge.call(echo_source, "same", x=np.zeros((2, 2)))
    with pytest.raises(NotImplementedError):
        ro.conversion.get_conversion().py2rpy(np.zeros(2))


@needs_r
def test_calls_from_other_threads_give_the_same_answers(echo_source):
    answers = [None] * 4

    def ask(i):
        answers[i] = rbridge.call(echo_source, "same", x=np.full(1000, float(i))).sum()

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert answers == [0.0, 1000.0, 2000.0, 3000.0]


@needs_r
def test_worker_processes_start_an_r_of_their_own():
    answers = Parallel(n_jobs=2)(delayed(rbridge.versions)(("glmnet",)) for _ in range(4))
    assert answers == [rbridge.versions(("glmnet",))] * 4


@needs_r
def test_an_r_package_that_is_missing_is_named_with_the_way_to_get_it():
    with pytest.raises(RUnavailableError, match="R package nonesuch is not installed") as caught:
        rbridge.require("nonesuch")
    assert "apt-get install r-cran-nonesuch" in caught.value.fix


@needs_r
def test_an_r_package_that_is_too_old_is_named(monkeypatch):
    monkeypatch.setitem(rbridge.OLDEST, "glmnet", "99.0")
    with pytest.raises(RUnavailableError, match=r"glmnet is .*, but 99.0 or later is needed"):
        rbridge.require("glmnet")


@needs_r
def test_an_interruption_stops_r_and_leaves_it_usable(echo_source):
    with pytest.raises(KeyboardInterrupt):
        rbridge.call(echo_source, "is_interrupted", times=10**9)
    assert rbridge.call(echo_source, "same", x=1.5) == 1.5


def test_without_r_one_sentence_says_what_to_install(monkeypatch, no_session, tmp_path):
    monkeypatch.delenv("R_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RUnavailableError, match="R was not found") as caught:
        rbridge.start()
    assert "apt-get install r-base-core r-cran-glmnet" in caught.value.fix


def test_an_r_that_is_too_old_is_refused_before_it_is_loaded(monkeypatch, no_session, tmp_path):
    monkeypatch.setattr(rbridge, "r_home", lambda: tmp_path)
    monkeypatch.setattr(rbridge, "r_version_installed", lambda: "3.6.3")
    with pytest.raises(RUnavailableError, match=r"R is 3\.6\.3, but 4\.2 or later is needed"):
        rbridge.start()


def test_without_rpy2_the_line_that_installs_it_is_given(monkeypatch, no_session, tmp_path):
    monkeypatch.setattr(rbridge, "r_home", lambda: tmp_path)
    monkeypatch.setattr(rbridge, "r_version_installed", lambda: "4.2.2")
    monkeypatch.setitem(sys.modules, "rpy2.rinterface", None)
    with pytest.raises(RUnavailableError, match="rpy2 is not installed") as caught:
        rbridge.start()
    assert caught.value.fix == "pip install --no-binary rpy2 rpy2==3.5.17"


def test_the_bridge_for_r_4_5_needs_no_build():
    assert rbridge.bridge_install_command("4.5.0") == "pip install rpy2"
