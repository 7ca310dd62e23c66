"""Encoders outside the table: folders, repositories and timm's own models."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from sequoia_model.encoders import get_encoder
from sequoia_model.errors import InputError
from tests.build.encoders import embedded, make_tile, write_cache, write_tiny


def test_a_folder_is_loaded_as_timm_loads_it(tmp_path):
    import timm  # takes seconds

    folder = write_tiny(tmp_path / "My_Net")
    encoder = get_encoder(str(folder), device="cpu")
    network = timm.create_model(f"local-dir:{folder}", pretrained=True).eval()
    network.reset_classifier(0)
    pixels = torch.from_numpy(encoder.prepare(make_tile())).permute(2, 0, 1)[None] / 255
    with torch.inference_mode():
        wanted = network((pixels - 0.5) / 0.25)
    np.testing.assert_allclose(embedded(str(folder)), wanted[0], rtol=1e-4, atol=1e-5)
    assert (encoder.id.name, encoder.card.dimension, encoder.card.mpp) == ("local:my-net", 24, None)
    assert (encoder.card.resize, encoder.card.input_size, encoder.card.interpolation) == (40, 32, "bilinear")


@pytest.mark.parametrize(
    ("repository", "name"), [("Org/Tiny_Net", "org/tiny-net"), ("timm/Tiny", "timm:tiny")]
)
def test_a_repository_is_loaded_from_the_cache(cache, repository, name):
    write_tiny(write_cache(cache, repository))
    encoder = get_encoder(f"hf-hub:{repository}", device="cpu")
    assert encoder.id.name == name
    assert "is not known" in encoder.card.note


def test_weights_on_disk_for_an_architecture_of_timm(tmp_path):
    import timm  # takes seconds

    network = timm.create_model("test_vit", pretrained=False)
    save_file(network.state_dict(), tmp_path / "model.safetensors")
    encoder = get_encoder(f"timm:test_vit@{tmp_path}", device="cpu")
    assert encoder.id.name == "timm:test-vit.r160-in1k"
    assert encoder(encoder.prepare(make_tile())[None]).shape == (1, encoder.card.dimension)


def test_an_architecture_that_timm_lacks_offers_near_ones():
    with pytest.raises(InputError, match=r"timm has no model 'resnet5'[\s\S]*timm:\w*resnet5\d"):
        get_encoder("timm:resnet5", device="cpu")


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("{}", 'does not name an "architecture"'),
        ("[]", 'does not name an "architecture"'),
        ("{", r"config\.json cannot be read"),
        ('{"architecture": "nothing_such"}', "into nothing_such"),
        (
            '{"architecture": "vit_tiny_patch16_224", "model_args": {"foo": 1}}',
            "timm cannot load these weights",
        ),
    ],
)
def test_a_folder_of_something_else_is_refused(tmp_path, config, words):
    (write_tiny(tmp_path) / "config.json").write_text(config)
    with pytest.raises(InputError, match=words):
        get_encoder(str(tmp_path), device="cpu")


def test_a_folder_without_config_is_refused(tmp_path):
    (write_tiny(tmp_path) / "config.json").unlink()
    with pytest.raises(InputError, match=r"has no config\.json"):
        get_encoder(str(tmp_path), device="cpu")


def test_a_model_that_makes_tokens_is_refused(tmp_path):
    write_tiny(tmp_path, classes=0, global_pool="")
    with pytest.raises(InputError, match="a tile into more than one vector"):
        get_encoder(str(tmp_path), device="cpu")


def test_a_missing_tensor_in_a_folder_is_named(tmp_path):
    import timm  # takes seconds

    network = timm.create_model("test_vit", pretrained=False)
    state = network.state_dict()
    del state["cls_token"]
    torch.save(state, tmp_path / "w.pth")
    with pytest.raises(InputError, match=r"Missing key[\s\S]*cls_token"):
        get_encoder(f"timm:test_vit@{tmp_path / 'w.pth'}", device="cpu")
