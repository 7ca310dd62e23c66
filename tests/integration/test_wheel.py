"""The wheel, installed in an empty environment outside the checkout, has everything that it needs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from sequoia_stats.io import write_cohort
from sequoia_stats.rbridge import bridge_install_command, r_version_installed
from tests.build.cohorts import make_cohort, make_signature

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements.lock"


def run(*command: object, cwd: Path) -> str:
    """Standard output of a command that must succeed, without this environment's Python settings."""
    clean = {key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=clean, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def uv(tmp_path_factory) -> str:
    """The uv that set up this environment, or any other; a new one if there is none."""
    beside = [folder / ".tools/uv/bin/uv" for folder in (ROOT, Path(sys.prefix).parent)]
    candidates = [os.environ.get("SEQUOIA_UV"), "uv", *beside, Path.home() / ".local/bin/uv"]
    found = [path for path in map(shutil.which, filter(None, candidates)) if path]
    if found:
        return found[0]
    folder = tmp_path_factory.mktemp("uv")
    run(sys.executable, "-m", "venv", folder, cwd=folder)
    run(folder / "bin/python", "-m", "pip", "install", "--quiet", "uv", cwd=folder)
    return str(folder / "bin/uv")


@pytest.fixture(scope="module")
def wheel(uv, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(uv, "build", "--wheel", "--build-constraints", LOCK, "--out-dir", folder, ROOT, cwd=folder)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(uv, wheel, tmp_path_factory) -> Path:
    """The folder of programs of an environment that holds only the wheel and its dependencies."""
    folder = tmp_path_factory.mktemp("environment")
    programs = folder / "env" / "bin"
    run(uv, "venv", "--python", sys.executable, folder / "env", cwd=folder)
    run(uv, "pip", "install", "--python", programs / "python", "--constraints", LOCK, wheel, cwd=folder)
    return programs


def test_the_wheel_holds_the_r_sources_and_no_maker_of_them(wheel):
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("sequoia_stats/r/")}
    makers = {path.name for path in ROOT.glob("r/make_*.R")} | {"install.R"}
    wanted = {f"sequoia_stats/r/{path.name}" for path in ROOT.glob("r/*.R") if path.name not in makers}
    assert wanted
    assert inside == wanted


def test_the_wheel_holds_every_file_of_the_packages(wheel):
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    files = [
        path.relative_to(ROOT)
        for name in ("sequoia_base", "sequoia_stats", "sequoia_model")
        for path in (ROOT / name).rglob("*")
    ]
    wanted = {
        path.as_posix() for path in files if (ROOT / path).is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in inside if not name.startswith("sequoia_stats/r/")} == wanted


def test_the_package_is_imported_from_the_environment(installed, tmp_path):
    printed = run(
        installed / "python",
        "-c",
        "import sequoia_stats as sq; print(sq.__file__, sq.__version__)",
        cwd=tmp_path,
    )
    assert printed.startswith(str(installed.parent))


def test_the_r_sources_are_found(installed, tmp_path):
    code = "from sequoia_stats.rbridge import r_source; print(r_source('cox_path.R').is_file())"
    assert run(installed / "python", "-c", code, cwd=tmp_path).strip() == "True"


def test_the_command_shows_its_help(installed, tmp_path):
    assert "signature" in run(installed / "sequoia-stats", "--help", cwd=tmp_path)


@pytest.fixture(scope="module")
def with_bridge(uv, installed) -> Path:
    """The same environment with the bridge that `doctor` names for this R."""
    wanted = bridge_install_command(r_version_installed()).removeprefix("pip install ").split()
    pins = ["--constraints", LOCK, "--build-constraints", LOCK]
    run(uv, "pip", "install", "--python", installed / "python", *pins, *wanted, cwd=installed.parent)
    return installed


def test_a_signature_scores_a_bundled_cohort(installed, tmp_path):
    make_signature(make_cohort(genes=2), {}).save(tmp_path / "null.json")
    run(
        installed / "sequoia-stats",
        "signature",
        "score",
        "null.json",
        "metabric",
        "-o",
        "scores.csv",
        cwd=tmp_path,
    )
    header, *rows = (tmp_path / "scores.csv").read_text().splitlines()
    assert (header, len(rows)) == ("patient_id,risk_score,group", 200)


@pytest.mark.needs_r
def test_a_signature_is_fitted_by_r(with_bridge, tmp_path):
    write_cohort(make_cohort(n=120, events=60, genes=5, planted={"G1": 1.5}), tmp_path / "c.h5ad")
    printed = run(
        with_bridge / "sequoia-stats", "signature", "fit", "c.h5ad", "-o", "s.json", "--json", cwd=tmp_path
    )
    assert "G1" in json.loads(printed)["genes"]


def test_a_bundled_cohort_is_described(installed, tmp_path):
    printed = run(installed / "sequoia-stats", "cohort", "describe", "scan-b", "--json", cwd=tmp_path)
    described = json.loads(printed)
    assert described["endpoint"] == "OS"
    assert described["n"] > described["events"] > 0
