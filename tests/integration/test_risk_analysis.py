"""Where the truth is planted, each route finds what it can see of it: one small draw of semi-synthetic patients."""

import shutil

import pandas as pd
import pytest
import yaml

from tests.build.results import ROOT, scripts_of_analyses

with scripts_of_analyses():
    import fig4_risk
    import risk_draw

pytestmark = [pytest.mark.slow, pytest.mark.needs_r]

#: Fewer patients than the figures have, and a stronger effect.
CHANGES = {
    "patients": 60,
    "genes": 30,
    "score_genes": 8,
    "hazard_ratio": 6.0,
    "events": 0.7,
    "truths": ["expression", "morphology", "none"],
    "paper_draws": 0,
    "bootstrap": 20,
    "draws": 2,
}


@pytest.fixture(scope="module")
def settings():
    config = yaml.safe_load((ROOT / "analyses" / "config.yaml").read_text(encoding="utf-8"))
    return config["risk"] | CHANGES


@pytest.fixture(scope="module")
def results(settings, tmp_path_factory):
    """A draw, and a copy that takes the place of a second one."""
    folder = tmp_path_factory.mktemp("results")
    risk_draw.run(0, risk_draw.read_tissue(settings), settings, folder / "risk" / "draw_0")
    shutil.copytree(folder / "risk" / "draw_0", folder / "risk" / "draw_1")
    return folder


@pytest.fixture(scope="module")
def c_index(results):
    table = pd.read_csv(results / "risk" / "draw_0" / "comparison.csv")
    return table.set_index(["truth", "route"])["c_index"]


@pytest.fixture(scope="module")
def drawn(results, settings):
    fig4_risk.draw(results, settings)
    return results


@pytest.mark.parametrize("truth", ["expression", "morphology"])
def test_the_planted_risk_orders_patients(c_index, truth):
    assert c_index[truth, "oracle"] > 0.7


def test_a_signature_on_measured_genes_finds_a_score_of_genes(c_index):
    assert c_index["expression", "measured"] > 0.7


@pytest.mark.parametrize("route", ["image", "ridge", "predicted"])
def test_what_sees_the_image_finds_a_share_of_a_cluster(c_index, route):
    assert c_index["morphology", route] > 0.58


@pytest.mark.parametrize("route", risk_draw.ROUTES)
def test_without_an_effect_no_route_finds_one(c_index, route):
    assert c_index["none", route] == pytest.approx(0.5, abs=0.12)


def test_the_planted_risk_of_the_draw_is_not_known_to_any_route(c_index):
    routes = [route for route in risk_draw.ROUTES if route != "oracle"]
    assert (c_index["morphology"][routes] < c_index["morphology", "oracle"]).all()


def test_every_section_is_scored_by_a_fold_of_its_own(results):
    scores = pd.read_csv(results / "risk" / "draw_0" / "morphology" / "image.csv")
    pairs = set(zip(scores["patient_id"].str[:2], scores["fold"], strict=True))
    assert pairs == {("C2", 0), ("C3", 1), ("C4", 2), ("C5", 3)}


def test_captions_begin_by_saying_that_patients_are_semi_synthetic(drawn):
    texts = {path.stem: path.read_text(encoding="utf-8") for path in (drawn / "captions").glob("*.txt")}
    assert len(texts) == 10
    first = {stem: text.split(". ")[0] for stem, text in texts.items() if stem != "coverage"}
    assert all(sentence.startswith("Semi-synthetic") for sentence in first.values())
    assert all("Nothing follows from this for" in text for text in texts.values())


def test_the_caption_of_a_figure_has_the_numbers_of_the_table(drawn):
    row = pd.read_csv(drawn / "risk.csv").set_index(["truth", "route"]).loc[("morphology", "image")]
    caption = (drawn / "captions" / "fig4f_morphology.txt").read_text(encoding="utf-8")
    assert f"Over 2 draws, C is {row['c_mean']:.3f} " in caption
