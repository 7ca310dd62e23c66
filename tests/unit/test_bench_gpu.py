"""The script that measures on a GPU runs, on the CPU and with small sizes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As on a machine without a GPU; several threads would only wait for each other."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.slow
def test_all_parts_run_on_the_cpu_and_write_their_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.bench import gpu

    gpu.main(gpu.TINY, limit=60, parts=list(gpu.PARTS), output=tmp_path / "gpu.json")
    rows = json.loads((tmp_path / "gpu.json").read_text())["rows"]
    assert not [row["error"] for row in rows if row["error"]]
    assert {row["part"] for row in rows} == set(gpu.PARTS)
    assert all(row["seconds"] > 0 for row in rows)


def test_parts_for_which_no_time_is_left_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.bench import gpu

    result = gpu.main(gpu.TINY, limit=-1, parts=["map"])
    assert [row["error"] for row in result["rows"]] == ["no time was left"]
    assert "no time was left" in capsys.readouterr().out
