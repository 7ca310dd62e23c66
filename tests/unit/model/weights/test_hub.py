"""Weights on the hub: from its cache, from a server that answers like the hub, and without an answer."""

from __future__ import annotations

import http.server
import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from huggingface_hub import constants

from sequoia_model.errors import InputError
from sequoia_model.splits import draw
from sequoia_model.weights import hub
from sequoia_model.weights.loading import load_weights
from sequoia_model.weights.side_file import write_side_file
from tests.build.weights import TOY, hub_cache

pytestmark = pytest.mark.slow

FIVE = [f"gevaertlab/sequoia-brca-{fold}" for fold in range(5)]
REVISION = "89abcdef0123456789abcdef0123456789abcdef"
#: Loads each source and prints its folds or the error.
SCRIPT = """
import json, sys
from sequoia_model.errors import InputError
from sequoia_model.weights.loading import load_weights
for source in sys.argv[1:]:
    try:
        print(json.dumps(load_weights(source).folds))
    except InputError as error:
        print(json.dumps(str(error)))
"""


def loaded(*sources: str, **environment: str) -> list[object]:
    """The folds or the error of each source, in a process whose environment names cache and hub."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT, *sources], env=os.environ | environment, check=True,
        capture_output=True, text=True, timeout=120, cwd=Path(__file__).parents[4],
    )  # fmt: skip
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_published_weights_are_five_repositories(cache):
    hub_cache(cache, *FIVE)
    weights = load_weights("hub:gevaertlab/sequoia-brca")
    assert (weights.folds, weights.encoder, weights.cancer) == ((0, 1, 2, 3, 4), "uni", "BRCA")
    assert weights.source == "hub:gevaertlab/sequoia-brca"


def test_a_name_that_ends_in_a_digit_is_one_repository(cache):
    weights = load_weights(f"hub:{hub_cache(cache, FIVE[3]) and FIVE[3]}")
    assert (weights.folds, weights.cancer) == ((3,), "BRCA")


def test_names_of_other_publishers_tell_nothing(cache):
    hub_cache(cache, "somebody/sequoia-brca-3")
    weights = load_weights("hub:somebody/sequoia-brca-3")
    assert (weights.folds, weights.encoder, weights.cancer) == ((3,), None, None)


def test_what_is_not_in_the_cache_is_refused_offline_with_the_way_out(cache):
    hub_cache(cache, *FIVE[:4])
    words = (
        "sequoia-brca-4 is not in the hub's cache",
        "HF_HUB_OFFLINE is set",
        "DIR/sequoia-brca-4/",
        "HF_HOME",
    )
    with pytest.raises(InputError, match=r"[\s\S]*".join(words)):
        load_weights("hub:gevaertlab/sequoia-brca")


def test_half_a_download_is_not_taken_for_weights(cache):
    hub_cache(cache, FIVE[0])
    next(cache.rglob("model.safetensors")).unlink()
    with pytest.raises(InputError, match="is not in the hub's cache"):
        load_weights(f"hub:{FIVE[0]}")


@pytest.mark.parametrize("name", ["sequoia-brca", "a/b/c", "", "gevaertlab/", "gevaertlab/sequoia brca"])
def test_what_is_not_the_name_of_a_repository_is_refused(name):
    with pytest.raises(
        InputError, match=r"is not the name of a repository[\s\S]*hub:gevaertlab/sequoia-brca"
    ):
        load_weights(f"hub:{name}")


def test_the_environment_says_where_the_cache_is(tmp_path):
    hub_cache(tmp_path / "hub", FIVE[0])
    answers = loaded(f"hub:{FIVE[0]}", f"hub:{FIVE[1]}", HF_HOME=str(tmp_path), HF_HUB_OFFLINE="1")
    assert answers[0] == [0]
    assert "HF_HUB_OFFLINE is set" in str(answers[1])


def test_a_hub_that_never_answers_is_given_up_soon(cache, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(hub, "_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/config.json"
        monkeypatch.setattr("huggingface_hub.hf_hub_url", lambda *_, **__: url)
        start = time.monotonic()
        with pytest.raises(InputError, match=r"cannot be downloaded: .*timed out"):
            load_weights(f"hub:{FIVE[0]}")
    assert time.monotonic() - start < 10


class Hub(http.server.BaseHTTPRequestHandler):
    """Answers like the hub for repositories named whole, run, gated and absent; any other has no weights."""

    #: What lies beside the network of run.
    beside = TOY

    def do_GET(self) -> None:
        self.answer(with_body=True)

    def do_HEAD(self) -> None:
        self.answer(with_body=False)

    def answer(self, *, with_body: bool) -> None:
        name, file = self.path.split("/")[2], TOY / self.path.rpartition("/")[2]
        if name == "run-0" and (self.beside / file.name).is_file():
            file = self.beside / file.name
        code, why = {"gated-0": (403, "GatedRepo"), "absent-0": (404, "RepoNotFound")}.get(name, (200, ""))
        if code == 200 and not (
            file.is_file() and (name in ("whole-0", "run-0") or file.name == "config.json")
        ):
            code, why = 404, "EntryNotFound"
        body = file.read_bytes() if code == 200 else b""
        self.send_response(code)
        headers = {"X-Error-Code": why, "X-Repo-Commit": REVISION, "ETag": f'"{file.name}"'}
        for word, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(word, value)
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_the_tables_that_a_side_file_names_come_with_it(tmp_path, monkeypatch):
    genes = [f"G{i}" for i in range(40)]
    write_side_file(
        tmp_path, encoder="uni", genes=genes, units="x", splits=draw("ABCDEF", n_folds=2), slides={"a": "A"}
    )
    monkeypatch.setattr(Hub, "beside", tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        there = {"HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}", "HF_HOME": str(tmp_path / "cache")}
        answers = loaded("hub:somebody/run-0", **there, HF_HUB_OFFLINE="0")
        server.shutdown()
    assert answers == [[0]]
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache" / "hub"))
    weights = load_weights("hub:somebody/run-0")
    assert weights.splits.n_folds == 2 and weights.splits.name == "the splits of run-0"
    assert weights.slides == {"a": "A"} and weights.genes == tuple(genes)


def test_the_hub_gives_weights_or_the_reason_why_not(tmp_path, monkeypatch):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sources = [f"hub:somebody/{name}" for name in ("whole-0", "gated-0", "absent", "other-0")]
        there = {"HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}", "HF_HOME": str(tmp_path)}
        whole, gated, absent, other = loaded(*sources, **there, HF_HUB_OFFLINE="0")
        server.shutdown()
    assert whole == [0]
    assert "gated-0 is gated" in str(gated) and "hf auth login" in str(gated)
    assert "no such repository" in str(absent) and "somebody/absent-0" in str(absent)
    assert "other-0 has no model.safetensors" in str(other)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    assert load_weights(sources[0]).folds == (0,)  # from the cache: the server is gone
