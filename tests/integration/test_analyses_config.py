import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager

import pytest
import yaml

from tests.build.results import ROOT

pytestmark = pytest.mark.slow

pytest.importorskip("snakemake")

#: Rules that depend on the signature, on the well-predicted genes, and on the predictions.
OF_SIGNATURE = {"signature", "validation", "figures", "signature_pathways"}
OF_GENES = {"genes", "gene_figures", "model_figures", "pathways", "ranked_sets"}
OF_PREDICTIONS = OF_GENES | {"predictions", "agreement", "agreement_figure"}
COPIED = ["analyses", "sequoia_base", "sequoia_stats", "r", "reports"]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the analyses beside the sources that they name, with all outputs in place, as far as Snakemake
    knows."""
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


@contextmanager
def edited(path):
    """Add a line to a file, and restore it afterwards."""
    before, content = path.stat(), path.read_bytes()
    path.write_bytes(content + b"\n")
    try:
        yield
    finally:
        path.write_bytes(content)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("sequoia_stats/survival/cox.py", OF_SIGNATURE),
        ("sequoia_stats/compare/list_overlaps.py", OF_GENES | {"null_simulation", "signature_pathways"}),
        ("sequoia_stats/sets/gsva/agreement.py", {"agreement", "agreement_figure", "kernel_difference"}),
        ("sequoia_stats/sets/gsea.py", {"ranked_sets"}),
        ("analyses/simulate_predictions.py", OF_PREDICTIONS),
        ("analyses/captions_pathways.py", {"pathways", "agreement_figure", "signature_pathways"}),
        ("analyses/draw_models.py", {"model_figures"}),
        ("reports/genes.qmd", set()),
    ],
)
def test_a_change_of_code_runs_what_depends_on_it(checkout, file, expected):
    with edited(checkout / file):
        assert planned_rules(checkout) == expected | {"report", "all"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"validation": {"bootstrap": 17}}, {"validation", "figures"}),
        ({"signature": {"seed": 8}}, OF_SIGNATURE),
        ({"predictions": {"seed": 8}}, OF_PREDICTIONS),
        ({"genes": {"top": 500}}, OF_GENES),
        ({"null_simulation": {"simulations": 3}}, {"null_simulation"}),
        ({"pathways": {"shown": 5}}, {"pathways"}),
        ({"agreement": {"kernel": "exact"}}, {"agreement", "agreement_figure"}),
        ({"gsea": {"permutations": 10}}, {"ranked_sets"}),
        ({"signature_pathways": {"shown": 3}}, {"signature_pathways"}),
    ],
)
def test_a_change_of_settings_runs_only_what_depends_on_it(checkout, tmp_path, changes, expected):
    config = write_config(tmp_path / "config.yaml", **changes)
    assert planned_rules(checkout, "--configfile", config) == expected | {"report", "all"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"signature": {"repeat": 20}}, "'repeat'"),
        ({"validations": {}}, "'validations'"),
        ({"validation": {"cut": "mean"}}, "'mean'"),
        ({"validation": {"cohorts": ["tcga"]}}, "'tcga'"),
        ({"predictions": {"cohorts": ["metabric"]}}, "['metabric']"),
        ({"genes": {"rules": ["paper", "papers"]}}, "'papers'"),
        ({"pathways": {"collections": ["hallmarks"]}}, "'hallmarks'"),
        ({"her2st": {"recipe": "best"}}, "'best'"),
        ({"her2st": {"judging_stride": 2}}, "judging_stride"),
        ({"spatial": {"strides": [1]}}, "strides"),
        ({"spatial": {"windows": 10}}, "'windows'"),
        ({"risk": {"truths": ["genes"]}}, "'genes'"),
        ({"risk": {"draws": 1}}, "draws"),
        ({"calibration": {"patients": 10}}, "'patients'"),
    ],
)
def test_a_setting_that_does_not_exist_is_an_error_that_names_it(tmp_path, changes, words):
    config = write_config(tmp_path / "config.yaml", **changes)
    said = snakemake(ROOT, "--dry-run", "--directory", str(tmp_path), "--configfile", config)
    assert said.returncode != 0
    assert words in said.stderr + said.stdout
