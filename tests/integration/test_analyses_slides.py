"""The tables and figures of `analyses/slides.py`, made once from the slides in ``tests/data``."""

import json

import pandas as pd
import pytest

from tests.build.results import scripts_of_analyses

pytestmark = pytest.mark.slow

with scripts_of_analyses():
    import slides


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    slides.main(["--results", str(folder)])
    return folder


def test_every_place_is_a_tile_or_left_out_for_one_reason(results):
    counts = pd.read_csv(results / "slides_counts.csv").fillna(0)
    lost = counts[["background", "little_tissue", "low_contrast", "not_drawn"]].sum(axis=1)
    assert (lost + counts["tiles"] == counts["places"]).all() and (counts["tiles"] > 0).all()


def test_counts_are_whole_numbers_or_nothing(results):
    counts = pd.read_csv(results / "slides_counts.csv", dtype=str, keep_default_na=False)
    cells = counts.drop(columns=["slide", "rule"]).to_numpy().ravel()
    assert all(cell.isdigit() or not cell for cell in cells)


def test_rules_share_tiles_and_each_has_its_own(results):
    counts = pd.read_csv(results / "slides_counts.csv").pivot(index="slide", columns="rule", values="tiles")
    compared = pd.read_csv(results / "slides_differences.csv", index_col="slide")
    assert (compared["both"] + compared["paper_only"] == counts["paper"]).all()
    assert (compared["both"] + compared["published_only"] == counts["published-code"]).all()


@pytest.mark.parametrize(("name", "said"), [("svs", "stated in the file"), ("her2st", "given by the user")])
def test_facts_say_where_the_scale_is_from(results, name, said):
    assert json.loads((results / f"slide_{name}.json").read_text())["source"] == said
    assert {path.suffix for path in results.glob(f"slide_{name}.*")} == {".json", ".png", ".svg"}
