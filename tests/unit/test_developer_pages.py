"""The pages for developers name files and functions that exist, and the drawing shows the code as it is."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
STEPS = re.findall(r"^\| `([\w/]+\.py):(\w+)` \|", PAGE, flags=re.MULTILINE)


def test_both_walks_have_steps():
    assert len(STEPS) >= 20


@pytest.mark.parametrize(("file", "name"), STEPS, ids=[f"{file}:{name}" for file, name in STEPS])
def test_a_step_of_a_walk_exists(file, name):
    tree = ast.parse((ROOT / file).read_text())
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def test_the_drawing_shows_every_room():
    drawing = (ROOT / "docs" / "architecture.svg").read_text()
    folders = [
        path.parent
        for package in ("base", "stats", "model")
        for path in ROOT.glob(f"sequoia_{package}/*/__init__.py")
    ]
    assert [folder.name for folder in folders if f">{folder.name}<" not in drawing] == []


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "README.md", "docs/architecture.md"])
def test_a_page_names_files_that_exist(page):
    named = set(
        re.findall(r"`((?:sequoia_|tests/|analyses/|docs/|r/)[\w/.]+\.\w+)`", (ROOT / page).read_text())
    )
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
