"""Draw the rooms of the three packages, floor by floor: writes docs/architecture.svg.

    python docs/draw_architecture.py

A room imports only rooms below it. The floors are the layers that `make lint` holds (pyproject.toml); lines and first
sentences are read from the code.
"""

from __future__ import annotations

import ast
import re
import textwrap
import tomllib
from pathlib import Path

import matplotlib
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

ROOT = Path(__file__).resolve().parents[1]
#: The packages from left to right; `sequoia_base` lies below both.
PACKAGES = {"sequoia_stats": "#dfe9f3", "sequoia_model": "#f6e0e4", "sequoia_base": "#e4f2ea"}
WIDTH, FLOOR, GAP = 7.4, 0.62, 0.12


def rooms(package: str) -> dict[str, list[Path]]:
    """The modules of each room: a folder of the package, or a module that stands alone."""
    found: dict[str, list[Path]] = {}
    for path in sorted((ROOT / package).rglob("*.py")):
        inside = path.relative_to(ROOT / package).parts
        if inside != ("__init__.py",):
            found.setdefault(inside[0].removesuffix(".py"), []).append(path)
    return found


def floors(package: str, contracts: list[dict]) -> list[list[str]]:
    """The rooms of each layer of a package's contract, from the top."""
    layers = next(c["layers"] for c in contracts if c.get("containers") == [package])
    there = rooms(package)
    named = [[name.strip(" ()") for name in re.split(r"[:|]", layer)] for layer in layers]
    return [kept for names in named if (kept := [name for name in names if name in there])]


def sentence(package: str, room: str) -> str:
    """What a room says of itself: the first line of its docstring."""
    place = ROOT / package / room
    text = (place / "__init__.py" if place.is_dir() else place.with_suffix(".py")).read_text()
    first = (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0].rstrip(".").replace("`", "")
    return textwrap.shorten(first, 74, placeholder=" …")


def lines(paths: list[Path]) -> int:
    """Number of lines of some modules."""
    return sum(len(path.read_text().splitlines()) for path in paths)


def draw_package(axes: Axes, package: str, contracts: list[dict], left: float, bottom: float) -> float:
    """Draw a package with its lowest floor at `bottom`; returns the height of its roof."""
    there, stack = rooms(package), floors(package, contracts)
    height = len(stack) * FLOOR + 0.75
    axes.add_patch(
        FancyBboxPatch((left, bottom), WIDTH, height, "round,pad=0.05", fc=PACKAGES[package], ec="#8899aa")
    )
    total = lines(sorted((ROOT / package).rglob("*.py")))
    axes.text(left + 0.1, bottom + height - 0.3, package, fontsize=12, weight="bold", va="center")
    axes.text(
        left + WIDTH - 0.1, bottom + height - 0.3, f"{total:,} lines", fontsize=8, ha="right", va="center"
    )
    for level, names in enumerate(reversed(stack)):
        y = bottom + 0.12 + level * FLOOR
        width = (WIDTH - 0.2 - GAP * (len(names) - 1)) / len(names)
        for i, name in enumerate(names):
            x = left + 0.1 + i * (width + GAP)
            axes.add_patch(
                FancyBboxPatch((x, y), width, FLOOR - 0.2, "round,pad=0.02", fc="white", ec="#667788")
            )
            n = f"{lines(there[name]):,}"
            if len(names) == 1:
                axes.text(x + 0.08, y + 0.21, name, fontsize=8, weight="bold", va="center")
                axes.text(
                    x + 1.25, y + 0.21, sentence(package, name), fontsize=7, va="center", color="#445566"
                )
                axes.text(x + width - 0.06, y + 0.21, n, fontsize=7, ha="right", va="center")
            else:
                size = 8 if width > 1.5 else 6.4
                axes.text(
                    x + width / 2, y + 0.29, name, fontsize=size, weight="bold", ha="center", va="center"
                )
                axes.text(x + width / 2, y + 0.1, n, fontsize=6.4, ha="center", va="center")
    return bottom + height


def main() -> None:
    """Draw all three packages."""
    matplotlib.rcParams["svg.hashsalt"] = "architecture"  # the same code gives the same bytes
    matplotlib.rcParams["svg.fonttype"] = "none"
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    figure, axes = plt.subplots(figsize=(15, 10))
    roof = draw_package(axes, "sequoia_base", contracts, (WIDTH + 0.6) / 2, 0)
    above = roof + 0.5
    top = max(
        draw_package(axes, "sequoia_stats", contracts, 0, above),
        draw_package(axes, "sequoia_model", contracts, WIDTH + 0.6, above),
    )
    axes.set_xlim(-0.2, 2 * WIDTH + 0.8)
    axes.set_ylim(-0.2, top + 0.2)
    axes.axis("off")
    figure.savefig(ROOT / "docs" / "architecture.svg", bbox_inches="tight", metadata={"Date": None})


if __name__ == "__main__":
    main()
