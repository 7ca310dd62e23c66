"""Fingerprints: what they tell apart, and what they do not mind."""

from __future__ import annotations

import dataclasses
import hashlib

import numpy as np
import pytest
import torch

from sequoia_model.encoders import ENCODERS, Encoder, encoder
from sequoia_model.encoders._timm_models import build_network
from sequoia_model.encoders.encoder import fixed_image
from sequoia_model.encoders.packaged import packaged_tensors
from sequoia_model.errors import InputError
from sequoia_model.types.bag import EncoderId
from sequoia_model.weights.tensors import load_into
from tests.build.encoders import CPU, lite0, plain_lite0


def changed(noise: float = 0.0, **card) -> EncoderId:
    """The packaged encoder with noise on its kernels, or another card."""
    generator = torch.Generator().manual_seed(1)
    state = packaged_tensors()
    for kernel in [tensor for tensor in state.values() if tensor.ndim == 4]:
        kernel.mul_(1 + noise * torch.randn(kernel.shape, generator=generator))
    network = build_network(ENCODERS["lite0"])
    load_into(network, state, where="", encoder="lite0")
    return Encoder(dataclasses.replace(ENCODERS["lite0"], **card), network, CPU).id


def same(vector: np.ndarray) -> bool:
    return lite0().id.is_same(EncoderId("lite0", fingerprint=vector))


def test_the_fixed_image_never_changes():
    digest = hashlib.sha256(fixed_image().tobytes()).hexdigest()
    assert digest == "029b2c53271e2c8498eeed3bf99d6d34a7782325b7579b20c49d0d93002a5fab"


def test_another_batch_is_the_same_encoder():
    image = lite0().prepare(fixed_image())
    assert same(lite0()(np.stack([image] * 5))[3])


def test_the_plain_network_is_the_same_encoder():
    card = lite0().card
    pixels = torch.from_numpy(lite0().prepare(fixed_image())).permute(2, 0, 1)[None] / 255
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (card.mean, card.std))
    with torch.inference_mode():
        vector = plain_lite0()((pixels - mean) / std)[0].numpy()
    assert same(vector)


def test_weights_rounded_to_float16_are_the_same_encoder():
    network = plain_lite0().half().float()
    assert lite0().id.is_same(Encoder(lite0().card, network, CPU).id)


@pytest.mark.parametrize(
    "card",
    [
        {"interpolation": "bilinear"},
        {"mean": (0.5, 0.5, 0.5)},
        {"resize": 256},
        {"resize": 256, "input_size": 256},
    ],
)
def test_other_pixels_are_another_encoder(card):
    assert not lite0().id.is_same(changed(**card))


@pytest.mark.parametrize("noise", [0.01, 0.05])
def test_other_weights_are_another_encoder(noise):
    assert not lite0().id.is_same(changed(noise))


def test_a_missing_image_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(encoder, "files", lambda package: tmp_path)
    with pytest.raises(InputError, match="image for fingerprints cannot be read"):
        fixed_image()


@pytest.mark.parametrize("content", [b"", b"no image"])
def test_a_damaged_image_is_told(tmp_path, monkeypatch, content):
    monkeypatch.setattr(encoder, "files", lambda package: tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "fingerprint.png").write_bytes(content)
    with pytest.raises(InputError, match="image for fingerprints cannot be read"):
        fixed_image()
