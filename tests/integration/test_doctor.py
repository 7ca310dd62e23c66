"""`doctor`: each check fails if its object is removed, and names the command that restores it."""

from __future__ import annotations

from importlib import metadata

import pytest

from sequoia_base import checks
from sequoia_stats import datasets, rbridge
from sequoia_stats.errors import RUnavailableError
from tests.build.commands import sequoia

INSTALLED = {
    "R": "4.2.2",
    "glmnet": "4.1-6",
    "survival": "3.5-3",
    "GSVA": "1.46",
    "psych": "2.2",
    "jsonlite": "1.8",
}


@pytest.fixture(autouse=True)
def healthy(monkeypatch):
    """A machine that lacks nothing, whether or not this one has R."""
    monkeypatch.setattr(rbridge, "r_home", lambda: "/usr/lib/R")
    monkeypatch.setattr(rbridge, "r_version_installed", lambda: "4.2.2")
    monkeypatch.setattr(rbridge, "bridge_description", lambda: "3.5.17, cffi ABI mode")
    monkeypatch.setattr(rbridge, "versions", lambda: INSTALLED)


def failing(capsys):
    """The checks that fail; the exit code and the verdict agree."""
    answer = sequoia(capsys, "doctor", "--json")
    assert answer.code == 1
    assert answer.json["ok"] is False
    return {check["name"]: check for check in answer.json["checks"] if not check["ok"]}


def test_a_machine_that_lacks_nothing_passes(capsys):
    answer = sequoia(capsys, "doctor")
    assert answer.code == 0
    assert "MISSING" not in answer.out
    assert answer.out.endswith("nothing is missing\n")


def test_json_is_one_object_with_the_verdict_and_the_checks(capsys):
    answer = sequoia(capsys, "doctor", "--json").json
    assert answer["ok"] is True
    assert set(answer["checks"][0]) == {"name", "ok", "found", "fix", "optional"}
    assert {"Python", "numpy", "R", "rpy2", "R glmnet", "r/cox_path.R", "bundled cohorts"} <= {
        check["name"] for check in answer["checks"]
    }


def test_versions_and_the_mode_of_cffi_are_printed(capsys):
    out = sequoia(capsys, "doctor").out
    assert metadata.version("numpy") in out
    assert "3.5.17, cffi ABI mode" in out
    assert "4.2.2 in /usr/lib/R" in out


def test_a_failure_is_printed_with_its_command(capsys, monkeypatch):
    monkeypatch.setattr(rbridge, "versions", lambda: INSTALLED | {"glmnet": ""})
    answer = sequoia(capsys, "doctor")
    assert answer.code == 1
    assert "MISSING  R glmnet" in answer.out
    assert "→ sudo apt-get install r-cran-glmnet" in answer.out
    assert "1 of " in answer.out


def test_a_python_package_that_is_missing_is_named(capsys, monkeypatch):
    monkeypatch.setattr(metadata, "version", without("lifelines"))
    check = failing(capsys)["lifelines"]
    assert check["found"] == "not installed"
    assert check["fix"].startswith("pip install 'lifelines>=")


def test_a_python_package_that_is_too_old_is_named(capsys, monkeypatch):
    monkeypatch.setattr(metadata, "version", lambda name: "0.0.1" if name == "anndata" else "999")
    check = failing(capsys)["anndata"]
    assert check["found"].startswith("0.0.1, but ")
    assert check["fix"].startswith("pip install 'anndata>=")


def test_a_package_that_is_imported_from_its_folder_only_is_named(capsys, monkeypatch):
    monkeypatch.setattr(checks, "DISTRIBUTION", "sequoia-never-installed")
    assert failing(capsys)["sequoia-never-installed"]["fix"] == "pip install ."


def test_r_that_is_not_on_the_path_is_named_with_all_its_packages(capsys, monkeypatch, tmp_path):
    monkeypatch.undo()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("R_HOME", raising=False)
    checks = failing(capsys)
    assert checks["R"]["fix"].startswith("sudo apt-get install r-base-core r-cran-glmnet")
    assert checks["rpy2"]["fix"] == "install R, then run doctor again"


@pytest.mark.parametrize("home", ["there/is/no/such/folder", "."])
def test_an_r_home_without_r_is_no_r(capsys, monkeypatch, tmp_path, home):
    monkeypatch.undo()
    monkeypatch.setenv("R_HOME", str(tmp_path / home))
    assert failing(capsys)["R"]["found"] == "not found"


def test_r_that_is_too_old_is_named(capsys, monkeypatch):
    monkeypatch.setattr(rbridge, "r_version_installed", lambda: "3.6.3")
    checks = failing(capsys)
    assert checks["R"]["found"] == f"3.6.3, but {rbridge.OLDEST['R']} is needed"
    assert "apt-get" in checks["R"]["fix"]
    assert "cannot be tested" in checks["rpy2"]["found"]


def test_a_missing_bridge_is_named_with_the_line_for_this_r(capsys, monkeypatch):
    def absent():
        raise RUnavailableError("rpy2 is not installed", fix=rbridge.bridge_install_command("4.2.2"))

    monkeypatch.setattr(rbridge, "bridge_description", absent)
    assert failing(capsys)["rpy2"]["fix"] == "pip install --no-binary rpy2 rpy2==3.5.17"


@pytest.mark.parametrize("package", list(rbridge.R_PACKAGES))
def test_an_r_package_that_is_missing_is_named(capsys, monkeypatch, package):
    monkeypatch.setattr(rbridge, "versions", lambda: INSTALLED | {package: ""})
    checks = failing(capsys)
    assert list(checks) == [f"R {package}"]
    assert checks[f"R {package}"]["fix"] == f"sudo apt-get install {rbridge.R_PACKAGES[package]}"


def test_an_r_package_that_is_too_old_is_named(capsys, monkeypatch):
    monkeypatch.setattr(rbridge, "versions", lambda: INSTALLED | {"survival": "2.44"})
    check = failing(capsys)["R survival"]
    assert check["found"] == f"2.44, but {rbridge.OLDEST['survival']} is needed"
    assert check["fix"] == "sudo apt-get install r-cran-survival"


@pytest.mark.parametrize("source", ["bridge.R", "cox_path.R", "signature.R"])
def test_an_r_source_that_is_missing_is_named(capsys, monkeypatch, source):
    there = rbridge.r_source

    def absent(name):
        return there("no such file" if name == source else name)

    monkeypatch.setattr(rbridge, "r_source", absent)
    assert failing(capsys)[f"r/{source}"]["fix"] == "pip install --force-reinstall sequoia-histology"


def test_a_bundled_file_that_is_missing_is_named(capsys, monkeypatch):
    monkeypatch.setattr(datasets, "_FILES", (*datasets._FILES, "gone.csv.gz"))
    check = failing(capsys)["bundled cohorts"]
    assert check["found"] == "gone.csv.gz missing"
    assert check["fix"] == "pip install --force-reinstall sequoia-histology"


@pytest.mark.needs_r
def test_this_machine_is_healthy(capsys, monkeypatch):
    monkeypatch.undo()
    answer = sequoia(capsys, "doctor", "--json")
    assert answer.code == 0, answer.out
    assert answer.json["ok"] is True


def without(name):
    """`metadata.version` on a machine that lacks a package."""
    version = metadata.version

    def asked(package):
        if package == name:
            raise metadata.PackageNotFoundError(package)
        return version(package)

    return asked
