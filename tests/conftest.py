"""For all tests: the hypothesis profile, and `needs_r` skipped only if R is not installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings

from tests.build import processes

ROOT = Path(__file__).parents[1]
#: The beginning of the reason if a test is skipped for want of R; the summary counts these.
WITHOUT_R = "R tests left out"

# CI draws the same examples each time; elsewhere they differ from run to run.
settings.register_profile(
    "sequoia", deadline=None, max_examples=60, derandomize="CI" in os.environ, print_blob=True
)
settings.register_profile("fast", settings.get_profile("sequoia"), max_examples=10)  # make test-fast
settings.load_profile("sequoia")


@cache
def missing_in_r() -> str:
    """What R lacks, or nothing. An rpy2 that does not load with a complete R is a failure, not a skip."""
    if shutil.which("Rscript") is None:
        return "R is not installed"
    command = ["Rscript", "--vanilla", str(ROOT / "r" / "install.R"), "--missing"]
    missing = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    return f"R lacks {missing}" if missing else ""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    needing = [item for item in items if item.get_closest_marker("needs_r")]
    if needing and missing_in_r():
        for item in needing:
            item.add_marker(pytest.mark.skip(reason=f"{WITHOUT_R}: {missing_in_r()}"))


@pytest.fixture(autouse=True)
def no_process_is_left():
    """End the processes that a test has started, however the test ends."""
    yield
    processes.end_all()


def pytest_terminal_summary(terminalreporter) -> None:
    reasons = [report.longrepr[2] for report in terminalreporter.stats.get("skipped", [])]
    left_out = [reason for reason in reasons if WITHOUT_R in reason]
    if left_out:
        terminalreporter.section("R IS NOT COMPLETE", sep="!", red=True, bold=True)
        terminalreporter.line(f"{len(left_out)} tests that need R did not run: {missing_in_r()}.")
        terminalreporter.line("`make setup` says what to install.")
