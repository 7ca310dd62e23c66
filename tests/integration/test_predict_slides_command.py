"""`sequoia-model predict SLIDE`: tiles, features and genes in one call."""

from __future__ import annotations

import json

import anndata
import numpy as np
import pytest

from sequoia_model.feature_files import read
from sequoia_model.prediction import from_slides, plan
from sequoia_model.targets import slide_patients
from tests.build.commands import left_in, sequoia_model
from tests.build.features import write_ours
from tests.build.networks import BRCA_SLIDES, write_wide_folds
from tests.build.slides import write_image, write_slide

pytestmark = pytest.mark.slow

KEPT = ["out.h5ad", "out_features", "out_features/.runs", "out_features/S1.h5", "out_features/runs.csv"]


@pytest.fixture
def folder(tmp_path):
    """Weights for lite0, and a slide of 12 tiles."""
    write_wide_folds(tmp_path / "weights")
    write_slide(tmp_path / "slides" / "S1.tif")
    return tmp_path


def predict(capsys, folder, *options, slides="slides", output="out.h5ad"):
    words = ["predict", folder / slides, "--weights", folder / "weights", "-o", folder / output, *options]
    return sequoia_model(capsys, *words)


def calls_of(monkeypatch, module, name):
    """Records the calls of a function of a module, which is still called."""
    calls, function = [], getattr(module, name)

    def counted(*given, **options):
        calls.append(given)
        return function(*given, **options)

    monkeypatch.setattr(module, name, counted)
    return calls


def kept(folder):
    """The files besides slides and weights, without the states of the run."""
    return [
        name for name in left_in(folder) if not name.startswith(("slides", "weights", "out_features/.runs/"))
    ]


def test_a_slide_becomes_predictions_and_its_features_stay(capsys, folder):
    answer = predict(capsys, folder)
    assert answer.code == 0, answer.err
    adata = anndata.read_h5ad(folder / "out.h5ad")
    assert adata.obs_names.tolist() == ["S1"] and adata.obs["n_tiles"].tolist() == [12]
    assert np.isfinite(adata.X).all() and adata.shape == (1, 40)
    assert adata.uns["encoder"] == "lite0" and not adata.uns["encoder_asserted"]
    assert kept(folder) == KEPT


def test_slides_are_searched_and_tables_are_opened_once(capsys, folder, monkeypatch):
    (folder / "ref.csv").write_text("wsi_file_name,patient_id,rna_G1\nS1,P1,2.5\n")
    (folder / "patients.csv").write_text("slide,patient_id\nS1,P1\n")
    searches = calls_of(monkeypatch, from_slides, "search_slides")
    tables = calls_of(monkeypatch, plan, "open_measured")
    patients = calls_of(monkeypatch, slide_patients, "known_patients")
    answer = predict(capsys, folder, "--measured", folder / "ref.csv", "--patients", folder / "patients.csv")
    assert answer.code == 0, answer.err
    assert [len(calls) for calls in (searches, tables, patients)] == [1, 1, 1]
    assert anndata.read_h5ad(folder / "out.h5ad").layers["measured"][0, 0] == 2.5


def test_the_same_as_embed_and_predict_from_features(capsys, folder):
    predict(capsys, folder)
    assert sequoia_model(capsys, "embed", folder / "slides", "-o", folder / "features").code == 0
    assert predict(capsys, folder, slides="features", output="again.h5ad").code == 0
    one, two = (anndata.read_h5ad(folder / name) for name in ("out.h5ad", "again.h5ad"))
    np.testing.assert_array_equal(one.X, two.X)


def test_tiles_that_were_left_out_travel_with_the_result(capsys, folder):
    flow = predict(capsys, folder, "--json").json["flow"]
    assert flow == [{"step": "tiles", "n_before": 48, "n_after": 12, "reason": "36 background"}]
    assert anndata.read_h5ad(folder / "out.h5ad").uns["flow"]["reason"].tolist() == ["36 background"]


def test_features_are_not_kept_unless_wanted(capsys, folder):
    assert predict(capsys, folder, "--no-keep").code == 0
    assert kept(folder) == ["out.h5ad"]


def test_kept_features_are_used_again(capsys, folder):
    predict(capsys, folder)
    before = (folder / "out_features" / "S1.h5").stat().st_mtime_ns
    assert predict(capsys, folder, "--force", "--untrained", 1).code == 0
    assert (folder / "out_features" / "S1.h5").stat().st_mtime_ns == before


@pytest.mark.parametrize(("words", "rule"), [({}, "paper"), ({"cancer": "BRCA"}, "published-code")])
def test_the_rule_is_the_one_that_the_weights_have_seen(capsys, folder, words, rule):
    write_wide_folds(folder / "other", folds=1, **words)
    options = ("--weights", folder / "other", "--ensemble", "all")
    assert predict(capsys, folder, *options).code == 0
    assert read(folder / "out_features" / "S1.h5").rule == rule


def test_slides_that_fail_are_listed_and_the_rest_is_done(capsys, folder):
    (folder / "slides" / "broken.svs").write_text("no slide")
    write_image(folder / "slides" / "plain.png")
    answer = predict(capsys, folder, "--json")
    assert answer.code == 3
    reasons = {failure["slide"]: failure["reason"] for failure in answer.json["failed"]}
    assert set(reasons) == {"broken", "plain"} and "--slide-mpp" in reasons["plain"]
    assert set(answer.json["failed"][0]) == {"slide", "file", "reason", "what", "where", "fix"}
    assert answer.json["flow"][0]["reason"] == "2 failed: broken, plain"
    assert anndata.read_h5ad(folder / "out.h5ad").obs_names.tolist() == ["S1"]


def test_nothing_is_written_where_every_slide_fails(capsys, folder):
    (folder / "slides" / "S1.tif").write_text("no slide")
    answer = predict(capsys, folder, "--no-keep")
    assert answer.code == 2 and "S1.tif" in answer.err and "Traceback" not in answer.err
    assert kept(folder) == []


def test_a_patient_whom_the_network_has_seen_is_refused_also_as_a_slide(capsys, folder):
    write_wide_folds(folder / "other", folds=1, cancer="BRCA")
    (folder / "slides" / "S1.tif").rename(folder / "slides" / f"{BRCA_SLIDES[2]}.tif")
    answer = predict(capsys, folder, "--weights", folder / "other")
    assert answer.code == 2 and "held out by fold 2" in answer.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--max-tiles", 4, "--all-tiles"), "both given"),
        (("--slide-mpp", 0.5, "--mpp-table", "t.csv"), "both given"),
        (("--rule", "papr"), "'papr' is not a valid rule"),
        (("--encoder", "uni"), "take features of lite0"),
        (("--genes", "absent.txt"), "absent.txt"),
        (("--measured", "absent.csv"), "absent.csv"),
        (("--annotation", "absent.png"), "absent.png"),
    ],
)
def test_what_cannot_be_done_is_refused_before_any_slide_is_embedded(capsys, folder, options, words):
    answer = predict(capsys, folder, *options)
    assert answer.code == 2 and words in answer.err and "Traceback" not in answer.err
    assert kept(folder) == []


def test_weights_for_other_features_are_refused_before_any_slide_is_embedded(capsys, folder):
    write_wide_folds(folder / "other", dim=64, folds=1)
    answer = predict(capsys, folder, "--weights", folder / "other")
    assert answer.code == 2 and "lite0 makes 1280 features, but the networks take 64" in answer.err
    assert kept(folder) == ["other"] + [
        f"other/made-0{name}"
        for name in ("", "/config.json", "/genes.csv", "/model.safetensors", "/sequoia.json")
    ]


def test_slides_and_features_together_are_refused(capsys, folder):
    write_ours(folder / "f" / "S2.h5")
    answer = predict(capsys, folder, folder / "f")
    assert answer.code == 2 and "slides and features were given together" in answer.err


def test_a_folder_of_both_is_refused(capsys, folder):
    write_ours(folder / "slides" / "S2.h5")
    answer = predict(capsys, folder)
    assert answer.code == 2 and "the folder holds both slides and feature files" in answer.err


def test_features_beside_slides_that_an_earlier_call_kept_are_no_other_features(capsys, folder):
    assert predict(capsys, folder, output="slides/out.h5ad").code == 0
    assert predict(capsys, folder, output="slides/out.h5ad").code == 2
    assert predict(capsys, folder, "--force", output="slides/out.h5ad").code == 0


@pytest.mark.parametrize(
    "option",
    [("--slide-mpp", 0.5), ("--no-keep",), ("--all-tiles",), ("--rule", "paper"), ("--max-tiles", 4000)],
)
def test_options_of_slides_are_refused_with_features(capsys, folder, option):
    write_ours(folder / "f" / "S2.h5", dim=1280)
    answer = predict(capsys, folder, *option, slides="f")
    assert answer.code == 2 and option[0] in answer.err and "tiles are chosen from slides" in answer.err


def test_what_is_said_about_an_annotation_travels_with_the_result(capsys, folder):
    areas = [
        {"type": "Feature", "geometry": {"type": shape, "coordinates": coordinates}, "properties": {}}
        for shape, coordinates in (
            ("Polygon", [[[0, 0], [2000, 0], [2000, 1500], [0, 1500]]]),
            ("Point", [5, 5]),
        )
    ]
    (folder / "a.geojson").write_text(json.dumps(areas))
    (folder / "slides" / "x.vsi").write_bytes(b"x")
    answer = predict(capsys, folder, "--annotation", folder / "a.geojson", "--json")
    assert "S1: passed over in a.geojson: 1 point" in answer.json["warnings"]
    assert "passed over: 1 file .vsi (Olympus VSI is not read)" in [
        line["reason"] for line in answer.json["flow"]
    ]
