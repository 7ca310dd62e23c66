import re
import shutil
import subprocess
import sys

import pytest
import yaml

from tests.integration.results import ROOT

pytest.importorskip("snakemake")

COPIED = ["analyses", "sequoia_stats", "r", "reports"]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the analyses beside the sources that they name, with all outputs made, as far as Snakemake knows."""
    root = tmp_path_factory.mktemp("checkout")
    for name in COPIED:
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("results", "__pycache__"))
    summary = snakemake(root, "--summary").stdout
    outputs = [line.split("\t")[0] for line in summary.partition("output_file")[2].splitlines()[1:]]
    assert len(outputs) > 30
    for output in outputs:
        (root / output).parent.mkdir(parents=True, exist_ok=True)
        (root / output).touch()
    snakemake(root, "--touch", "--forceall")
    return root


def snakemake(root, *options):
    command = [sys.executable, "-m", "snakemake", "-s", "analyses/Snakefile", "--cores", "1", *options]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


def write_config(path, **changes):
    """The configuration of the repository with changes such as ``validation={"seed": 1}``."""
    config = yaml.safe_load((ROOT / "analyses" / "config.yaml").read_text(encoding="utf-8"))
    for section, values in changes.items():
        config[section] = {**config.get(section, {}), **values}
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return str(path)


def planned_rules(root, *options):
    """Rules that a dry run counts."""
    said = snakemake(root, "--dry-run", *options)
    counted = re.findall(r"^(\w+) +\d+$", said.stdout + said.stderr, flags=re.MULTILINE)
    return set(counted) - {"total"}


def test_a_second_call_does_nothing(checkout):
    said = snakemake(checkout, "--dry-run")
    assert "Nothing to be done" in said.stdout + said.stderr


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"validation": {"bootstrap": 17}}, {"validation", "figures", "report", "all"}),
        ({"signature": {"seed": 8}}, {"signature", "validation", "figures", "report", "all"}),
    ],
)
def test_a_change_of_settings_runs_only_what_depends_on_it(checkout, tmp_path, changes, expected):
    config = write_config(tmp_path / "config.yaml", **changes)
    assert planned_rules(checkout, "--configfile", config) == expected


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"signature": {"repeat": 20}}, "'repeat'"),
        ({"validations": {}}, "'validations'"),
        ({"validation": {"cut": "mean"}}, "'mean'"),
        ({"validation": {"cohorts": ["tcga"]}}, "'tcga'"),
    ],
)
def test_a_setting_that_does_not_exist_is_an_error_that_names_it(tmp_path, changes, words):
    config = write_config(tmp_path / "config.yaml", **changes)
    said = snakemake(ROOT, "--dry-run", "--directory", str(tmp_path), "--configfile", config)
    assert said.returncode != 0
    assert words in said.stderr + said.stdout
