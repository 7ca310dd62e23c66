"""The bundled section UKF243: read as it lies, and made as it was."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sequoia_stats.io import read_truth

ANALYSES = Path(__file__).parents[3] / "analyses"
BUNDLE = ANALYSES / "data" / "ukf243"


@pytest.fixture
def bundle(monkeypatch):
    monkeypatch.syspath_prepend(str(ANALYSES))
    import ukf243_bundle

    yield ukf243_bundle
    sys.modules.pop("ukf243_bundle")


def test_the_bundled_section_has_its_scores_and_its_scale():
    truth = read_truth(BUNDLE)
    assert truth.n == 1937 and truth.counts is None
    assert list(truth.programmes) == [
        "Radial Glia", "Reactive Immune", "Neuronal Development", "OPC", "Reactive Hypoxia",
    ]  # fmt: skip
    assert truth.mpp == pytest.approx(1.1616, abs=1e-4)
    assert truth.spot_um == pytest.approx(55.957 * truth.mpp, rel=1e-4) == pytest.approx(65, abs=0.01)
    first = truth.spots.index("AAACAAGTATCTCCCA-1")
    np.testing.assert_allclose(
        truth.programmes.iloc[first], [0.438784, 0.657413, 0.059129, 0.326358, 0.769096]
    )


def test_the_spots_lie_on_the_bundled_image():
    truth = read_truth(BUNDLE)
    assert truth.image_size == (8193, 7623)
    assert (truth.centres_px.max(axis=0) < truth.image_size).all() and (truth.centres_px > 0).all()


def test_the_bundle_is_made_of_the_files_of_the_repository(bundle, tmp_path):
    folder, made = tmp_path / "from", tmp_path / "to"
    folder.mkdir()
    spatial = BUNDLE / "spatial"
    (folder / "scalefactors_json.json").write_bytes((spatial / "scalefactors_json.json").read_bytes())
    positions = gzip.decompress((spatial / "tissue_positions_list.csv.gz").read_bytes())
    (folder / "tissue_positions_list.csv").write_bytes(positions)
    table = pd.read_csv(BUNDLE / "programmes.csv.gz").rename(
        columns={"barcode": "barcodes", "Neuronal Development": "Neuronal Developmemnt"}
    )
    table.to_csv(folder / "Tab_GeneSet_243_T.csv")
    from PIL import Image

    Image.open(spatial / "tissue_hires_image.jpg").save(folder / "tissue_hires_image.png")
    bundle.main([str(folder), "--bundle", str(made)])
    assert (made / "programmes.csv.gz").read_bytes() == (BUNDLE / "programmes.csv.gz").read_bytes()
    assert read_truth(made).image_size == read_truth(BUNDLE).image_size
