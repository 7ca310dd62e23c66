"""Folders of runs: states, claims, what a dead process leaves, and the table."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
import time

import pytest

from sequoia_base.errors import Failure
from sequoia_base.runs import RunFolder
from sequoia_base.runs.states import ItemState, read_state, write_state
from sequoia_model.errors import InputError

SETTINGS = {"seed": 0}


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path / "deep" / "out", item="slide", facts=("tiles",))


def do(folder, name, text="new", outputs=None):
    """An item from its claim to its end."""
    names = outputs or [f"{name}.h5"]
    with folder.claim(name) as claim:
        claim.recover()
        claim.begin("tile", SETTINGS)
        for output in names:
            (claim.part / output).write_text(text)
        claim.advance("embed", tiles=7)
        claim.finish(names, note="a note")


def break_off(folder, error):
    """An item in the middle of which an error is raised."""
    with folder.claim("S") as claim:
        claim.begin("tile", SETTINGS)
        (claim.part / "S.h5").write_text("half")
        raise error


def table(folder):
    return (folder.path / "runs.csv").read_text().splitlines()


def died_renaming(folder, *left, renamed=()):
    """An item whose process died while it renamed ``S.png`` and ``S.h5``."""
    state = ItemState("S", "rename", attempts=1, settings=SETTINGS, outputs=["S.png", "S.h5"])
    write_state(folder.hidden / "S.json", state)
    (folder.hidden / "S.part").mkdir()
    for name in left:
        (folder.hidden / "S.part" / name).write_text("whole")
    for name in renamed:
        (folder.path / name).write_text("whole")


def test_an_item_goes_through_its_steps_to_done(folder):
    do(folder, "S")
    state = folder.state("S")
    assert (state.state, state.attempts, state.details, state.note) == ("done", 1, {"tiles": 7}, "a note")
    assert state.made == SETTINGS and state.settled <= time.time()
    assert (folder.path / "S.h5").read_text() == "new"


def test_nothing_but_states_and_locks_stays_beside_the_outputs(folder):
    do(folder, "S")
    assert sorted(os.listdir(folder.hidden)) == ["S.json", "S.lock", "table"]
    assert sorted(os.listdir(folder.path)) == [".runs", "S.h5", "runs.csv"]


def test_the_table_has_a_row_for_each_item_in_the_order_of_names(folder):
    for name in ("b", "a", "A,1"):
        do(folder, name)
    assert table(folder)[0] == "slide,state,attempts,tiles,seconds,reason"
    assert [line.rpartition(",done,")[0] for line in table(folder)[1:]] == ['"A,1"', "a", "b"]
    assert table(folder)[2].startswith("a,done,1,7,0.") and table(folder)[2].endswith(",a note")


def test_the_table_holds_what_other_processes_have_done(folder):
    other = RunFolder(folder.path, item="slide", facts=("tiles",))
    do(folder, "a")
    do(other, "b")
    do(folder, "c")
    do(other, "a")
    assert [line.split(",")[:3] for line in table(folder)[1:]] == [
        ["a", "done", "2"],
        ["b", "done", "1"],
        ["c", "done", "1"],
    ]


def test_a_reason_of_several_lines_is_one_row(folder):
    with folder.claim("S") as claim:
        claim.begin("tile", SETTINGS)
        claim.fail(Failure("S", "S.svs", "what\n  it was", "there", "mend it"))
    assert table(folder)[1].endswith(",S.svs: what it was: there; mend it") and len(table(folder)) == 2


def test_an_item_is_claimed_by_one_at_a_time(folder):
    with folder.claim("S"):
        assert RunFolder(folder.path, item="slide", facts=("tiles",)).claim("S") is None
        assert folder.claim("T") is not None
    again = folder.claim("S")
    assert again is not None
    again.release()


def test_a_failure_keeps_its_reason_and_nothing_else(folder):
    with folder.claim("S") as claim:
        claim.begin("tile", SETTINGS)
        (claim.part / "S.h5").write_text("half")
        claim.fail(Failure("S", "S.svs", "no tissue"))
    assert folder.state("S").failure == Failure("S", "S.svs", "no tissue")
    assert sorted(os.listdir(folder.path)) == [".runs", "runs.csv"]
    assert "S.part" not in os.listdir(folder.hidden)


def test_attempts_are_counted(folder):
    with folder.claim("S") as claim:
        claim.begin("tile", SETTINGS)
        claim.fail(Failure("S", "S.svs", "no tissue"))
    do(folder, "S")
    assert (folder.state("S").attempts, folder.state("S").failure, folder.state("S").note) == (
        2,
        None,
        "a note",
    )


def test_an_unexpected_error_is_recorded_and_raised(folder):
    with pytest.raises(ZeroDivisionError):
        break_off(folder, ZeroDivisionError("division by zero"))
    assert folder.state("S").reason == "internal error: ZeroDivisionError: division by zero"
    assert not (folder.hidden / "S.part").exists()
    folder.claim("S").release()


def test_ctrl_c_leaves_the_step_and_frees_the_item(folder):
    with pytest.raises(KeyboardInterrupt):
        break_off(folder, KeyboardInterrupt())
    assert (folder.state("S").state, folder.state("S").reason) == ("tile", "interrupted")
    assert not (folder.hidden / "S.part").exists()
    folder.claim("S").release()


def test_what_a_dead_process_left_half_written_goes_with_the_next_claim(folder):
    write_state(folder.hidden / "S.json", ItemState("S", "embed", attempts=1))
    (folder.hidden / "S.part").mkdir()
    (folder.hidden / "S.part" / "S.h5").write_text("half")
    with folder.claim("S") as claim:
        claim.recover()
        assert claim.state.state == "embed" and not (folder.hidden / "S.part").exists()


@pytest.mark.parametrize("renamed", [(), ("S.png",), ("S.png", "S.h5")])
def test_whole_outputs_of_a_dead_process_are_renamed(folder, renamed):
    died_renaming(folder, *({"S.png", "S.h5"} - set(renamed)), renamed=renamed)
    with folder.claim("S") as claim:
        claim.recover()
    assert (folder.state("S").state, folder.state("S").attempts) == ("done", 2)
    assert folder.state("S").made == SETTINGS and not (folder.hidden / "S.part").exists()
    assert [(folder.path / name).read_text() for name in ("S.png", "S.h5")] == ["whole"] * 2


def test_outputs_of_which_one_is_lost_are_not(folder):
    died_renaming(folder, "S.h5")
    with folder.claim("S") as claim:
        claim.recover()
        claim.begin("tile", SETTINGS)
    assert folder.state("S").attempts == 2
    assert sorted(os.listdir(folder.path)) == [".runs", "runs.csv"]


def test_outputs_are_renamed_in_their_order(folder, monkeypatch):
    renamed = []
    real = os.replace
    monkeypatch.setattr(os, "replace", lambda a, b: (renamed.append(os.path.basename(b)), real(a, b)))
    do(folder, "S", outputs=["S_mask.png", "S.geojson", "S.h5"])
    assert [name for name in renamed if name not in ("S.json", "runs.csv")] == [
        "S_mask.png",
        "S.geojson",
        "S.h5",
    ]


def test_an_output_whose_place_is_taken_by_a_folder_is_an_error(folder):
    (folder.path / "S.h5").mkdir()
    with pytest.raises(InputError, match="cannot be written") as caught:
        do(folder, "S")
    assert caught.value.where == str(folder.path / "S.h5")


def test_a_failure_on_a_full_disk_is_no_second_error(folder, monkeypatch):
    with folder.claim("S") as claim:
        claim.begin("tile", SETTINGS)
        monkeypatch.setattr("sequoia_base.runs.states.os.replace", full)
        claim.fail(Failure("S", "S.svs", "no space"))
        assert claim.state.state == "failed"
    assert folder.state("S").state == "tile"
    assert not list(folder.hidden.glob("*.new"))


def full(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_step_on_a_full_disk_is_an_error_that_names_the_file(folder, monkeypatch):
    monkeypatch.setattr("sequoia_base.runs.states.os.replace", full)
    with folder.claim("S") as claim, pytest.raises(InputError, match="No space left on device") as caught:
        claim.begin("tile", SETTINGS)
    assert caught.value.where.endswith("S.json")


def test_a_damaged_state_is_reported_in_the_table(folder):
    (folder.hidden / "S.json").write_text('{"slide": "S", "sta')
    folder.write_table()
    assert table(folder)[1] == f"S,damaged,0,,,{folder.hidden / 'S.json'} is damaged"
    assert read_state(folder.hidden / "T.json") == ItemState("T")


@pytest.mark.parametrize("name", ["file", "file/below", "\0", "x" * 300])
def test_an_output_that_can_be_no_folder_is_an_error(tmp_path, name):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="folder"):
        RunFolder(tmp_path / name)


def test_a_folder_that_takes_no_files_is_an_error():
    with pytest.raises(InputError, match="the output folder"):
        RunFolder("/proc/self")


def test_a_disk_without_locks_is_an_error(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(InputError, match="does not support locks"):
        RunFolder(tmp_path)


def test_items_that_are_held_come_last(folder):
    held = folder.claim("a")
    turns = folder.in_turn(["a", "b", "c"])
    assert [take(turns), take(turns)] == ["b", "c"]
    threading.Timer(0.3, held.release).start()
    assert take(turns) == "a"
    assert list(turns) == []


def take(turns):
    name, claim = next(turns)
    claim.release()
    return name


def test_an_item_that_can_have_no_lock_is_reported(folder):
    (name, error), (other, claim) = folder.in_turn(["n" * 255, "b"])
    assert (name, other) == ("n" * 255, "b") and "File name too long" in error.what
    claim.release()


def test_the_columns_between_attempts_and_seconds_are_those_of_the_folder(tmp_path):
    folder = RunFolder(tmp_path, item="fold", facts=("epochs", "loss"))
    with folder.claim("0") as claim:
        claim.begin("train", SETTINGS)
        claim.advance("train", epochs=12, other="not shown")
    assert table(folder)[0] == "fold,state,attempts,epochs,loss,seconds,reason"
    assert table(folder)[1].startswith("0,train,1,12,,0.")


def test_a_failure_is_read_back_in_its_parts(folder):
    failure = Failure("S", "S.svs", "no tissue", "level 2", "annotate it")
    with folder.claim("S") as claim:
        claim.begin("tile", SETTINGS)
        claim.fail(failure)
    assert (folder.state("S").failure, folder.state("S").reason) == (
        failure,
        "S.svs: no tissue: level 2; annotate it",
    )


def test_a_state_of_version_0_1_is_read(folder):
    old = '{"slide": "S", "state": "done", "attempts": 1, "tiles": 7, "reason": "few", "details": '
    (folder.hidden / "S.json").write_text(old + '{"left_out": {"a": 1}}}')
    state = folder.state("S")
    assert (state.item, state.details, state.reason) == ("S", {"left_out": {"a": 1}, "tiles": 7}, "few")
