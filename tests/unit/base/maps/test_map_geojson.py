"""Maps as GeoJSON for QuPath."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sequoia_base.errors import InputError
from sequoia_base.maps import write_geojson
from tests.build.maps import make_gene_map, make_heads, make_map


@pytest.fixture
def made(tmp_path):
    return make_map(make_heads(tmp_path / "heads.h5"))


def features(path) -> list[dict]:
    return json.loads(path.read_text())["features"]


def test_every_tile_is_a_square_of_its_side_around_its_centre(tmp_path, made):
    write_geojson(made, tmp_path / "a.geojson", ["ESR1"])
    rings = np.array([tile["geometry"]["coordinates"][0] for tile in features(tmp_path / "a.geojson")])
    np.testing.assert_array_equal(rings[:, :4].mean(axis=1), made.centres_px)
    np.testing.assert_array_equal(np.ptp(rings, axis=1), np.full((19, 2), 400))
    np.testing.assert_array_equal(rings[:, 0], rings[:, 4])


def test_measurements_are_genes_and_their_spread(tmp_path, made):
    write_geojson(made, tmp_path / "a.geojson", ["ESR1", "KRT5"])
    first = features(tmp_path / "a.geojson")[0]["properties"]
    assert first["objectType"] == "tile" and first["name"] == "0x0"
    expected = {
        "ESR1": made.gene("ESR1")[0], "KRT5": made.gene("KRT5")[0],
        "ESR1 (SD)": made.std("ESR1")[0], "KRT5 (SD)": made.std("KRT5")[0], "windows": 4,
    }  # fmt: skip
    assert first["measurements"] == pytest.approx(expected, rel=1e-5)


def test_values_that_are_not_there_are_left_out(tmp_path, made):
    write_geojson(made, tmp_path / "a.geojson", ["ESR1"])
    assert features(tmp_path / "a.geojson")[3]["properties"]["measurements"] == {"windows": 0}
    assert "NaN" not in (tmp_path / "a.geojson").read_text()


def test_coordinates_count_from_the_scanned_area(tmp_path, made):
    write_geojson(made, tmp_path / "a.geojson", [], origin=(100, 30))
    assert features(tmp_path / "a.geojson")[0]["geometry"]["coordinates"][0][0] == [-100, -30]


def test_the_genes_are_those_that_are_stored_unless_named(tmp_path):
    write_geojson(make_gene_map(np.ones((19, 4))), tmp_path / "a.geojson")
    assert set(features(tmp_path / "a.geojson")[5]["properties"]["measurements"]) == {
        "ESR1", "GATA3", "MKI67", "KRT5", "windows",
    }  # fmt: skip


def test_an_absent_gene_or_unknown_side_leaves_no_file(tmp_path, made):
    with pytest.raises(InputError, match="no gene TP53"):
        write_geojson(made, tmp_path / "a.geojson", ["TP53"])
    with pytest.raises(InputError, match="does not say how many pixels a tile has"):
        write_geojson(make_map(made.heads, tile_px=0.0), tmp_path / "a.geojson")
    assert not (tmp_path / "a.geojson").exists()
