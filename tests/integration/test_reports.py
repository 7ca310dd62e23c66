import csv
import json
import os
import re
import shutil
import subprocess
import sys

import pytest

bs4 = pytest.importorskip("bs4")
pytest.importorskip("jupytext")

from tests.build.results import COHORTS, ROOT, make_results  # noqa: E402

pytestmark = pytest.mark.slow

PAGES = ["index.html", "signature.html", "genes.html", "pathways.html"]
#: Results that pages need, and what the error says if they are missing.
NEEDED = {
    "hazard_ratios.csv": "hazard_ratios.csv",
    "validation_two.json": "no validation of Two",
    "captions/forest.txt": "captions/forest.txt",
    "null.csv": "null.csv",
    "simulation_two.json": "no simulation of Two",
    "collection_small.json": "collection_small.json",
}
#: Figures of simulated predictions.
SIMULATED = [
    "simulated_correlations",
    "criteria",
    "simulated_models",
    "sample_size",
    "downsampling",
    "fig3a",
    "heatmap_other",
    "circos_small",
]


def render(results, path=""):
    """Run the command; `path` is the PATH, empty so that a quarto on this machine is not found."""
    command = [sys.executable, str(ROOT / "reports" / "render.py"), "--results", str(results)]
    environment = {**os.environ, "PATH": path}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return make_results(tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="module")
def report(results):
    outcome = render(results)
    assert outcome.returncode == 0, outcome.stderr
    return results / "report"


@pytest.fixture(scope="module")
def soups(report):
    return {
        page: bs4.BeautifulSoup((report / page).read_text(encoding="utf-8"), "html.parser") for page in PAGES
    }


def lookup(results, address):
    """The value that ``file|row|column`` names."""
    file, row, column = address.split("|")
    if file.endswith(".csv"):
        with (results / file).open(encoding="utf-8", newline="") as lines:
            return list(csv.DictReader(lines))[int(row)][column]
    value = json.loads((results / file).read_text(encoding="utf-8"))
    for key in [column] if column in value else column.split("."):
        value = value[key]
    return value


def as_number(shown):
    """Number and half a unit of its last digit, of what a page shows."""
    plain = shown.replace("−", "-").replace(",", "")
    mantissa, _, exponent = plain.removesuffix("%").partition(" × 10")
    power = int(exponent.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")) or 0) - 2 * plain.endswith(
        "%"
    )
    decimals = len(mantissa.partition(".")[2])
    return float(mantissa) * 10.0**power, 0.5 * 10.0 ** (power - decimals) * (1 + 1e-9)


@pytest.mark.parametrize("page", PAGES)
def test_every_marked_number_equals_its_cell(results, soups, page):
    marked = soups[page].select("[data-cell][title]")
    assert len(marked) > 5
    for element in marked:
        number, tolerance = as_number(element.text)
        assert number == pytest.approx(float(lookup(results, element["data-cell"])), abs=tolerance, rel=0)


@pytest.mark.parametrize("page", PAGES)
def test_every_marked_text_equals_its_cell(results, soups, page):
    marked = [element for element in soups[page].select("[data-cell]") if not element.has_attr("title")]
    assert marked
    assert all(str(lookup(results, element["data-cell"])) in element.text for element in marked)


def test_tables_hold_no_number_without_an_address(soups):
    cells = [cell for soup in soups.values() for cell in soup.select("tbody td")]
    for element in [part for cell in cells for part in cell.select("[data-cell]")]:
        element.extract()
    assert len(cells) > 50
    assert not [cell.text for cell in cells if re.search(r"\d", cell.text)]


def test_every_row_of_the_hazard_ratios_is_shown(report, results):
    page = (report / "signature.html").read_text(encoding="utf-8")
    rows = {int(row) for row in re.findall(r'data-cell="hazard_ratios\.csv\|(\d+)\|hr"', page)}
    assert rows == set(range(2 * len(COHORTS)))


def test_every_criterion_of_every_rule_is_shown(report, results):
    page = (report / "genes.html").read_text(encoding="utf-8")
    shown = re.findall(r'data-cell="counts_([a-z-]+)\.csv\|(\d+)\|Two"', page)
    expected = [
        (rule, str(row))
        for rule in ("paper", "published-code", "strict")
        for row in range(len((results / f"counts_{rule}.csv").read_text(encoding="utf-8").splitlines()) - 1)
    ]
    assert shown == expected


def test_the_null_table_shows_every_rule_and_number_of_slides(report):
    page = (report / "genes.html").read_text(encoding="utf-8")
    assert re.findall(r'data-cell="null\.csv\|(\d+)\|any_found"', page) == [str(row) for row in range(6)]


@pytest.mark.parametrize("figure", SIMULATED)
def test_captions_say_that_predictions_are_simulated(results, figure):
    caption = (results / "captions" / f"{figure}.txt").read_text(encoding="utf-8")
    assert (
        "Simulated predictions: measured expression of One and Two plus noise; says nothing about images."
        in caption
    )


def test_notices_of_gene_sets_are_under_their_figures(results):
    caption = (results / "captions" / "heatmap_other.txt").read_text(encoding="utf-8")
    assert caption.endswith(" © us.\n")


def test_captions_of_merged_sets_give_the_rule_and_its_result(results):
    caption = (results / "captions" / "heatmap_small.txt").read_text(encoding="utf-8")
    groups = lookup(results, "collection_small.json||groups")
    assert f"Jaccard index of at least 0.5) into {groups} group" in caption
    assert "which is not a test" in caption


def test_captions_are_those_of_the_figures(results, soups):
    captions = {caption.text for soup in soups.values() for caption in soup.select("figcaption")}
    files = (results / "captions").glob("*.txt")
    assert captions == {file.read_text(encoding="utf-8").strip() for file in files}


@pytest.mark.parametrize("figure", ["km_one", "km_two", "forest", "cv_curve", "coefficients"])
def test_a_caption_says_on_what_and_how_the_signature_was_trained(results, figure):
    caption = (results / "captions" / f"{figure}.txt").read_text(encoding="utf-8")
    assert "Progression-free interval (PFI) (90 patients, 30 events)" in caption
    assert "lambda_min_ratio 0.05" in caption
    assert "In 4 of the 20 fold draws lambda.min chose no gene" in caption


def test_the_caption_of_a_cohort_carries_its_numbers(results):
    caption = (results / "captions" / "km_two.txt").read_text(encoding="utf-8")
    numbers = lookup(results, "validation_two.json||cuts.median")
    assert "Two, Relapse-free survival (RFS)" in caption and "80 patients, 20 events" in caption
    assert f"({numbers['n_high']} high, {numbers['n_low']} low)" in caption


@pytest.mark.parametrize("page", PAGES)
def test_a_page_needs_no_other_file(report, soups, page):
    soup = soups[page]
    assert all(image["src"].startswith("data:image/png;base64,") for image in soup.select("img"))
    assert not soup.select("script, link, iframe, object")
    assert not re.search(r"https?://|url\(|@import", (report / page).read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_pages_that_are_there(report, soups, page):
    targets = {link["href"] for link in soups[page].select("a")}
    assert targets == set(PAGES)
    assert all((report / target).is_file() for target in targets)


@pytest.mark.parametrize("page", PAGES)
def test_code_and_prompts_are_hidden(soups, page):
    shown = soups[page].get_text()
    assert "import " not in shown and "Out[" not in shown
    assert soups[page].title.text == soups[page].h1.text != ""


@pytest.mark.parametrize("file", NEEDED)
def test_a_missing_result_fails_the_build_and_leaves_no_page(results, tmp_path, file):
    shutil.copytree(results, tmp_path / "results", ignore=shutil.ignore_patterns("report"))
    (tmp_path / "results" / file).unlink()
    outcome = render(tmp_path / "results")
    assert outcome.returncode == 2
    assert "no report" in outcome.stderr and "Traceback" not in outcome.stderr
    assert NEEDED[file] in outcome.stderr
    assert not [path.name for path in (tmp_path / "results").iterdir() if "report" in path.name]


def test_a_failed_build_keeps_the_last_report(results, report, tmp_path):
    shutil.copytree(results, tmp_path / "results")
    (tmp_path / "results" / "forest.png").unlink()
    render(tmp_path / "results")
    kept, last = tmp_path / "results" / "report" / "index.html", report / "index.html"
    assert kept.read_bytes() == last.read_bytes()


def test_a_null_model_is_reported(tmp_path):
    outcome = render(make_results(tmp_path / "results", genes=0))
    assert outcome.returncode == 0, outcome.stderr
    page = (tmp_path / "results" / "report" / "signature.html").read_text(encoding="utf-8")
    assert "null model: hazard ratio 1" in page


def fake_quarto(folder, body):
    """A quarto that does what the test says."""
    folder.mkdir()
    (folder / "quarto").write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    (folder / "quarto").chmod(0o755)
    return str(folder)


def test_quarto_renders_where_it_is_found(results, tmp_path):
    shutil.copytree(results, tmp_path / "results", ignore=shutil.ignore_patterns("report"))
    path = fake_quarto(
        tmp_path / "bin",
        'echo "$QUARTO_PYTHON $SEQUOIA_RESULTS $1 $2" > "$4/index.html"\n'
        'for page in signature genes pathways; do : > "$4/$page.html"; done',
    )
    outcome = render(tmp_path / "results", path)
    assert outcome.returncode == 0, outcome.stderr
    said = (tmp_path / "results" / "report" / "index.html").read_text(encoding="utf-8").strip()
    assert said == f"{sys.executable} {tmp_path / 'results'} render {ROOT / 'reports'}"


def test_a_failing_quarto_leaves_no_page(results, tmp_path):
    shutil.copytree(results, tmp_path / "results", ignore=shutil.ignore_patterns("report"))
    path = fake_quarto(tmp_path / "bin", 'echo half > "$4/index.html"; exit 1')
    outcome = render(tmp_path / "results", path)
    assert outcome.returncode == 2 and "quarto stopped" in outcome.stderr
    assert not (tmp_path / "results" / "report").exists()
