"""Encoders by name: from files, from the cache of the hub, and the way out where weights cannot be had."""

from __future__ import annotations

import dataclasses
import socket
import time

import numpy as np
import pytest
import timm
import torch
from huggingface_hub import constants, errors
from safetensors.torch import save_file

from sequoia_model.encoders import by_name, get_encoder
from sequoia_model.encoders.availability import check_encoders
from sequoia_model.encoders.by_name import EncoderSource, parse_name
from sequoia_model.errors import InputError
from sequoia_model.weights import hub
from tests.build.encoders import make_tile, random_state, tiny_card, write_cache, write_tiny

REPOSITORIES = {
    "uni": "MahmoodLab/UNI",
    "uni2-h": "MahmoodLab/UNI2-h",
    "virchow2": "paige-ai/Virchow2",
    "h-optimus-0": "bioptimus/H-optimus-0",
}


@pytest.fixture
def small(monkeypatch):
    """A table whose encoders have two blocks."""
    table = {name: tiny_card(name) for name in REPOSITORIES}
    monkeypatch.setattr(by_name, "ENCODERS", by_name.ENCODERS | table)
    return table


def refused_by_the_hub(monkeypatch, error):
    """The hub answers, and says no."""

    def ask(*_, **__):
        raise error

    monkeypatch.setattr(hub, "ask", ask)
    monkeypatch.setattr("sequoia_model.encoders.availability.ask", ask)


def gated() -> Exception:
    error = errors.GatedRepoError.__new__(errors.GatedRepoError)
    Exception.__init__(error, "403")
    return error


def embedded(name: str) -> np.ndarray:
    encoder = get_encoder(name, device="cpu")
    return encoder(encoder.prepare(make_tile())[None])[0]


@pytest.mark.parametrize("name", REPOSITORIES)
@pytest.mark.parametrize("file", ["model.safetensors", "pytorch_model.bin"])
def test_gated_encoders_are_read_from_the_cache_of_the_hub(cache, small, name, file):
    place = write_cache(cache, REPOSITORIES[name]) / file
    (save_file if file.endswith("safetensors") else torch.save)(random_state(small[name]), place)
    encoder = get_encoder(name, device="cpu")
    assert encoder.id.name == name
    assert encoder.id.fingerprint.shape == ((48,) if name == "virchow2" else (24,))
    np.testing.assert_array_equal(embedded(f"{name}@{place.parent}"), embedded(name))


def test_the_hubs_name_of_an_encoder_is_the_encoder(cache, small):
    save_file(random_state(small["uni"]), write_cache(cache, REPOSITORIES["uni"]) / "model.safetensors")
    assert get_encoder("hf-hub:MahmoodLab/UNI", device="cpu").id.name == "uni"


def test_weights_of_another_encoder_are_refused_by_tensors(tmp_path, small):
    save_file(random_state(small["uni2-h"]), tmp_path / "model.safetensors")
    with pytest.raises(
        InputError,
        match=r"not the weights of uni: tensors[\s\S]*unexpected: reg_token[\s\S]*of another shape",
    ):
        get_encoder(f"uni@{tmp_path}", device="cpu")


@pytest.mark.parametrize("name", ["resnet50", "uni", "timm:resnet50.tv_in1k", "hf-hub:somebody/net"])
def test_offline_the_way_out_is_said(cache, name):
    with pytest.raises(
        InputError,
        match=r"is not in the hub's cache[\s\S]*HF_HUB_OFFLINE[\s\S]*model\.safetensors[\s\S]*HF_HOME",
    ):
        get_encoder(name, device="cpu")


def test_a_gated_repository_says_where_to_ask(cache, monkeypatch):
    refused_by_the_hub(monkeypatch, gated())
    words = (
        r"UNI is gated[\s\S]*https://huggingface\.co/MahmoodLab/UNI[\s\S]*hf auth login; or [\s\S]*uni@FILE"
    )
    with pytest.raises(InputError, match=words):
        get_encoder("uni", device="cpu")


def test_a_hub_that_never_answers_is_given_up_soon(cache, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(hub, "_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/config.json"
        monkeypatch.setattr("huggingface_hub.hf_hub_url", lambda *_, **__: url)
        start = time.monotonic()
        with pytest.raises(InputError, match=r"cannot be downloaded: .*timed out"):
            get_encoder("uni", device="cpu")
    assert time.monotonic() - start < 20


def test_an_encoder_for_another_resolution_is_refused_by_name(monkeypatch):
    other = dataclasses.replace(by_name.ENCODERS["uni"], mpp=0.25)
    monkeypatch.setattr(by_name, "ENCODERS", {**by_name.ENCODERS, "uni": other})
    with pytest.raises(
        InputError, match=r"uni was made for tiles of 0\.25 µm per pixel, but tiles are read at 0\.5"
    ):
        get_encoder("uni", device="cpu")


def test_a_folder_is_loaded_as_timm_loads_it(tmp_path):
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
        ("{}", 'no "architecture" of timm in it'),
        ("[]", 'no "architecture" of timm in it'),
        ("{", r"config\.json cannot be read"),
        ('{"architecture": "nothing_such"}', "timm cannot make nothing_such"),
        ('{"architecture": "vit_tiny_patch16_224", "model_args": {"foo": 1}}', "timm cannot make"),
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
    network = timm.create_model("test_vit", pretrained=False)
    state = network.state_dict()
    del state["cls_token"]
    torch.save(state, tmp_path / "w.pth")
    with pytest.raises(InputError, match=r"Missing key[\s\S]*cls_token"):
        get_encoder(f"timm:test_vit@{tmp_path / 'w.pth'}", device="cpu")


def states(found):
    return {each.card.name: each.state for each in found}


def test_offline_only_the_first_is_asked_for(cache, monkeypatch):
    asked = []

    def ask(repository, *_, **__):
        asked.append(repository)
        raise OSError("Name or service not known")

    monkeypatch.setattr("sequoia_model.encoders.availability.ask", ask)
    found = states(check_encoders())
    assert (found.pop("lite0"), set(found.values())) == ("packaged", {"offline"})
    assert asked == ["timm/resnet50.tv_in1k"]


def test_what_is_in_the_cache_is_said_and_the_rest_by_the_answer_of_the_hub(cache, monkeypatch):
    (write_cache(cache, REPOSITORIES["uni"]) / "pytorch_model.bin").touch()
    refused_by_the_hub(monkeypatch, gated())
    found = {each.card.name: each for each in check_encoders()}
    assert (found["uni"].state, found["uni2-h"].state) == ("in the cache", "gated")
    assert "https://huggingface.co/MahmoodLab/UNI2-h, then hf auth login" in found["uni2-h"].fix


def test_what_the_hub_gives_is_reachable(cache, monkeypatch):
    monkeypatch.setattr("sequoia_model.encoders.availability.ask", lambda *_, **__: None)
    assert states(check_encoders())["virchow2"] == "reachable"


# --- what a name means -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("lite0", "lite0"),
        (" UNI_v1 ", "uni"),
        ("mahmood-uni2", "uni2-h"),
        ("hf-hub:paige-ai/Virchow2", "virchow2"),
    ],
)
def test_any_spelling_means_the_row_of_the_table(name, word):
    assert parse_name(name) == EncoderSource("card", word)


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("uni@/data/uni.bin", EncoderSource("card", "uni", weights="/data/uni.bin")),
        ("uni@w@1/x.bin", EncoderSource("card", "uni", weights="w@1/x.bin")),
        ("timm:resnet18.a1_in1k", EncoderSource("timm", "resnet18.a1_in1k")),
        ("timm:resnet18@w.pth", EncoderSource("timm", "resnet18", weights="w.pth")),
        ("hf-hub:Org/Net_1", EncoderSource("hub", "Org/Net_1")),
        ("hf-hub:Org/Net@v2", EncoderSource("hub", "Org/Net", revision="v2")),
        ("hf-hub:MahmoodLab/UNI@v2", EncoderSource("hub", "MahmoodLab/UNI", revision="v2")),
    ],
)
def test_prefixes_and_what_follows_the_at(name, source):
    assert parse_name(name) == source


def test_a_folder_is_a_model_of_its_own(tmp_path):
    assert parse_name(str(tmp_path)) == EncoderSource("folder", str(tmp_path))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "the name of the encoder is empty"),
        ("  ", "the name of the encoder is empty"),
        ("@w.bin", "the name of the encoder is empty"),
        ("uni@", "nothing follows the @"),
        ("virchow3", r"there is no encoder 'virchow3'[\s\S]*did you mean virchow2"),
        ("zzz", r"there is no encoder 'zzz'[\s\S]*valid are lite0, resnet50"),
        ("phikon", "features of phikon can be read, but tiles cannot be embedded"),
        ("hf-hub:uni", "is not the name of a repository"),
        ("hf-hub:a/b/c", "is not the name of a repository"),
        ("hf-hub:", "is not the name of a repository"),
    ],
)
def test_what_is_not_a_name_is_refused_with_the_way_out(name, words):
    with pytest.raises(InputError, match=words):
        parse_name(name)


def test_a_file_alone_does_not_say_whose_weights_it_holds(tmp_path):
    (tmp_path / "w.pth").touch()
    with pytest.raises(InputError, match=r"does not say whose weights[\s\S]*ENCODER@.*w\.pth"):
        parse_name(str(tmp_path / "w.pth"))
