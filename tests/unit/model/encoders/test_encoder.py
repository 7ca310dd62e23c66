"""Encoders: what goes in, what comes out, what does not change it, and what fingerprints tell apart."""

from __future__ import annotations

import dataclasses
import hashlib

import numpy as np
import pytest
import torch
from PIL import Image

from sequoia_model.encoders import ENCODERS, Encoder
from sequoia_model.encoders import encoder as encoder_module
from sequoia_model.encoders._timm_models import build_network
from sequoia_model.encoders.encoder import fixed_image, prepare_tile
from sequoia_model.encoders.packaged import packaged_tensors
from sequoia_model.errors import InputError
from sequoia_model.types.bag import EncoderId
from sequoia_model.types.devices import batches_at_once, best_batch_size
from sequoia_model.weights.tensors import load_into
from tests.build.encoders import CPU, lite0, make_batch, make_tile, plain_lite0, random_state, tiny_card

pytestmark = pytest.mark.slow


def torchvision_pixels(tile, card):
    """A tile by the transforms on the pages of encoders."""
    from torchvision import transforms  # takes seconds

    steps = [
        transforms.Resize(card.resize, transforms.InterpolationMode(card.interpolation)),
        transforms.CenterCrop(card.input_size),
        transforms.ToTensor(),
        transforms.Normalize(card.mean, card.std),
    ]
    return transforms.Compose(steps)(Image.fromarray(tile))


def tiny(name: str, seed: int = 0) -> tuple[Encoder, torch.nn.Module]:
    """An encoder of two blocks, and its network alone."""
    card = tiny_card(name)
    networks = [build_network(card), build_network(card)]
    for network in networks:
        load_into(network, random_state(card, seed), where="", encoder=name)
    return Encoder(card, networks[0], CPU), networks[1]


class Recorder(torch.nn.Module):
    """Keeps its input."""

    def forward(self, x):
        self.seen = x
        return x.flatten(2).transpose(1, 2)


@pytest.mark.parametrize("name", ENCODERS)
def test_pixels_reach_the_network_as_torchvision_makes_them(name):
    recorder, tile = Recorder(), make_tile(3)
    encoder = Encoder(ENCODERS[name], recorder, CPU)
    encoder(encoder.prepare(tile)[None])
    torch.testing.assert_close(recorder.seen[0], torchvision_pixels(tile, encoder.card), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("side", [256, 200, 301])
@pytest.mark.parametrize(("resize", "size"), [(224, 224), (248, 224), (256, 224), (37, 32), (256, 256)])
def test_prepared_pixels_are_those_of_torchvision_exactly(side, resize, size):
    from torchvision import transforms  # takes seconds

    card, tile = tiny_card("virchow2", resize=resize, input_size=size), make_tile(1, side)
    cubic = transforms.Resize(resize, transforms.InterpolationMode.BICUBIC)
    steps = transforms.Compose([cubic, transforms.CenterCrop(size)])
    np.testing.assert_array_equal(prepare_tile(tile, card), np.asarray(steps(Image.fromarray(tile))))


def test_tiles_of_the_published_code_are_not_resized():
    tile = make_tile()
    np.testing.assert_array_equal(prepare_tile(tile, ENCODERS["resnet50"]), tile)


def test_the_packaged_encoder_agrees_with_the_plain_network():
    encoder, network = lite0(), plain_lite0()
    tiles = [make_tile(seed) for seed in range(3)]
    with torch.inference_mode():
        wanted = network(torch.stack([torchvision_pixels(tile, encoder.card) for tile in tiles])).numpy()
    got = encoder(np.stack([encoder.prepare(tile) for tile in tiles]))
    assert (got.dtype, got.shape) == (np.float32, (3, 1280))
    assert np.abs(got - wanted).max() < 1e-5 * np.abs(wanted).max()


def test_the_same_batch_gives_the_same_bytes():
    batch = make_batch(lite0(), 3)
    assert lite0()(batch).tobytes() == lite0()(batch).tobytes()


def test_a_row_does_not_depend_on_its_batch_beyond_rounding():
    batch = make_batch(lite0(), 5)
    whole, alone = lite0()(batch), lite0()(batch[4:])
    assert np.abs(whole[4] - alone[0]).max() < 1e-5 * np.abs(whole).max()


def test_zero_tiles_give_zero_rows():
    assert lite0()(make_batch(lite0(), 1)[:0]).shape == (0, 1280)


def test_arrays_that_cannot_be_written_or_lie_apart_are_taken():
    batch = make_batch(lite0(), 2)
    apart = np.asfortranarray(batch)
    apart.flags.writeable = False
    np.testing.assert_array_equal(lite0()(apart), lite0()(batch))


def test_the_batch_is_left_as_it_is():
    batch = make_batch(lite0(), 1)
    before = batch.copy()
    lite0()(batch)
    np.testing.assert_array_equal(batch, before)


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [
        ((1, 256, 256, 3), np.uint8),
        ((1, 224, 224, 3), np.float32),
        ((224, 224, 3), np.uint8),
        ((1, 3, 224, 224), np.uint8),
    ],
)
def test_other_arrays_are_refused(shape, dtype):
    with pytest.raises(InputError, match=r"must be uint8 of shape \(b, 224, 224, 3\)"):
        lite0()(np.zeros(shape, dtype))


@pytest.mark.parametrize("shape", [(256, 256), (256, 200, 3), (256, 256, 4)])
def test_other_tiles_are_refused(shape):
    with pytest.raises(InputError, match=r"must be uint8 of shape \(side, side, 3\)"):
        lite0().prepare(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("name", ["uni", "uni2-h", "h-optimus-0"])
def test_transformers_give_the_normalised_class_token(name):
    encoder, network = tiny(name)
    batch = make_batch(encoder, 2)
    with torch.inference_mode():
        pixels = torch.stack([torchvision_pixels(tile, encoder.card) for tile in batch])
        tokens = network.forward_features(pixels)[:, 0]
    np.testing.assert_allclose(encoder(batch), tokens, rtol=1e-4, atol=1e-5)


def test_virchow2_joins_the_class_token_and_the_mean_after_the_registers():
    encoder, network = tiny("virchow2")
    batch = make_batch(encoder, 2)
    with torch.inference_mode():
        tokens = network(torch.stack([torchvision_pixels(tile, encoder.card) for tile in batch])).numpy()
    assert tokens.shape == (2, 1 + 4 + 2 * 2, 24)
    wanted = np.concatenate([tokens[:, 0], tokens[:, 5:].mean(axis=1)], axis=1)
    np.testing.assert_allclose(encoder(batch), wanted, rtol=1e-4, atol=1e-5)


def test_a_gpu_gets_larger_batches_and_large_networks_smaller_ones():
    cuda = torch.device("cuda")
    assert best_batch_size(cuda, 3_000_000) > best_batch_size(cuda, 300_000_000)
    assert best_batch_size(cuda, 300_000_000) > best_batch_size(cuda, 1_100_000_000) > best_batch_size(CPU, 3)
    assert (batches_at_once(cuda), batches_at_once(CPU)) == (1, torch.get_num_threads())


def test_a_device_without_memory_for_a_batch_is_an_error_with_a_way_out(monkeypatch):
    encoder, _ = tiny("uni")

    def fail(*_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(encoder, "_vectors", fail)
    with pytest.raises(InputError, match="not have enough memory for 3 tiles at once") as caught:
        encoder(make_batch(encoder, 3))
    assert "--batch-size" in caught.value.fix


# --- fingerprints ----------------------------------------------------------------------------------------------


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


def test_a_missing_image_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(encoder_module, "files", lambda package: tmp_path)
    with pytest.raises(InputError, match="image for fingerprints cannot be read"):
        fixed_image()


@pytest.mark.parametrize("content", [b"", b"no image"])
def test_a_damaged_image_is_refused(tmp_path, monkeypatch, content):
    monkeypatch.setattr(encoder_module, "files", lambda package: tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "fingerprint.png").write_bytes(content)
    with pytest.raises(InputError, match="image for fingerprints cannot be read"):
        fixed_image()
