"""`embed` when it is killed, and several at once: a slide is whole or absent, and none is done twice."""

from __future__ import annotations

import os
import signal

import pandas as pd
import pytest

from sequoia_model.embedding import embed_folder
from tests.build.commands import left_in
from tests.build.runs import TinyEncoder, start_embed, state_of, wait_for, write_slides

pytestmark = pytest.mark.slow

STEPS = ("tile", "embed", "cluster", "rename")
CLEAN = [".runs", ".runs/S00.json", ".runs/S00.lock", ".runs/table", "S00.h5", "runs.csv"]


@pytest.fixture
def slides(tmp_path):
    return write_slides(tmp_path / "slides", 1)


def embed(slides, output):
    return embed_folder(slides, output, encoder=TinyEncoder())


def stop_in(slides, output, step, number):
    """Send a signal to a process in a given step; returns its exit code."""
    process = start_embed(slides, output, stop=step)
    wait_for(lambda: state_of(output).get("state") == step, process)
    process.send_signal(number)
    answer = process.communicate(timeout=60)
    return process.returncode, answer[1]


@pytest.mark.parametrize("step", STEPS)
def test_a_run_that_was_killed_goes_on_to_what_it_would_have_made(tmp_path, slides, step):
    embed(slides, tmp_path / "undisturbed")
    stop_in(slides, tmp_path / "out", step, signal.SIGKILL)
    assert state_of(tmp_path / "out")["state"] == step
    assert "S00.h5" not in os.listdir(tmp_path / "out")
    done = embed(slides, tmp_path / "out")
    assert [(slide.state, slide.attempts, slide.tiles) for slide in done.slides] == [("done", 2, 12)]
    assert left_in(tmp_path / "out") == CLEAN
    assert whole(tmp_path / "out") == whole(tmp_path / "undisturbed")


def whole(output):
    return (output / "S00.h5").read_bytes()


def test_what_was_killed_while_it_renamed_is_not_computed_again(tmp_path, slides):
    stop_in(slides, tmp_path / "out", "rename", signal.SIGKILL)
    encoder = TinyEncoder()
    done = embed_folder(slides, tmp_path / "out", encoder=encoder)
    assert (done.counts, encoder.batches) == ({"done": 0, "already_done": 1, "failed": 0}, [])


ENDS = {
    "Ctrl-C in tile": ("tile", signal.SIGINT, 130, "interrupted"),
    "Ctrl-C in embed": ("embed", signal.SIGINT, 130, "interrupted"),
    "Ctrl-C in cluster": ("cluster", signal.SIGINT, 130, "interrupted"),
    "SIGTERM": ("embed", signal.SIGTERM, 143, "terminated"),
}


@pytest.mark.parametrize(("step", "number", "code", "word"), ENDS.values(), ids=ENDS)
def test_an_end_from_outside_leaves_nothing_half_done(tmp_path, slides, step, number, code, word):
    returned, err = stop_in(slides, tmp_path / "out", step, number)
    assert returned == code, err
    assert err.endswith(f"{word}\n") and "Traceback" not in err
    assert left_in(tmp_path / "out") == [name for name in CLEAN if name != "S00.h5"]
    assert state_of(tmp_path / "out")["note"] == "interrupted"
    assert embed(slides, tmp_path / "out").counts["done"] == 1


def test_a_process_takes_over_what_another_died_with(tmp_path):
    slides, output = write_slides(tmp_path / "slides", 3), tmp_path / "out"
    first = start_embed(slides, output, stop="embed")
    wait_for(lambda: state_of(output).get("state") == "embed", first)
    second = start_embed(slides, output)
    wait_for(lambda: state_of(output, "S02").get("state") == "done", second)
    assert (state_of(output)["state"], state_of(output)["attempts"]) == ("embed", 1)
    first.kill()
    first.communicate()
    assert second.communicate(timeout=60)[0].startswith("3 slides: 3 done") and second.returncode == 0
    assert [state_of(output, f"S{i:02}")["attempts"] for i in range(3)] == [2, 1, 1]


def test_two_processes_on_one_folder_do_each_slide_once(tmp_path):
    slides = write_slides(tmp_path / "slides", 12)
    both = [start_embed(slides, tmp_path / "out") for _ in range(2)]
    answers = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], answers
    table = pd.read_csv(tmp_path / "out" / "runs.csv")
    assert table["state"].tolist() == ["done"] * 12 and table["attempts"].sum() == 12
    assert table["slide"].tolist() == [f"S{i:02}" for i in range(12)]
    counts = [int(out.split(" done, ")[0].split()[-1]) for out, _ in answers]
    assert sum(counts) == 12
