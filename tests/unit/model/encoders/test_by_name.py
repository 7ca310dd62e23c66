"""Encoders by name: what a name means, weights from files and the hub's cache, and what to do if there are none."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from sequoia_model.encoders import by_name, get_encoder
from sequoia_model.encoders.by_name import EncoderSource, parse_name
from sequoia_model.errors import InputError
from sequoia_model.weights import hub
from tests.build.encoders import embedded, gated, random_state, tiny_card, write_cache

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
def test_the_way_out_is_stated_offline(cache, name):
    with pytest.raises(
        InputError,
        match=r"is not in the hub's cache[\s\S]*HF_HUB_OFFLINE[\s\S]*model\.safetensors[\s\S]*HF_HOME",
    ):
        get_encoder(name, device="cpu")


def test_a_gated_repository_says_where_to_ask(cache, monkeypatch):
    def refuse(*_, **__):
        raise gated()

    monkeypatch.setattr(hub, "ask", refuse)
    words = (
        r"UNI is gated[\s\S]*https://huggingface\.co/MahmoodLab/UNI[\s\S]*hf auth login; or [\s\S]*uni@FILE"
    )
    with pytest.raises(InputError, match=words):
        get_encoder("uni", device="cpu")


def test_an_encoder_for_another_resolution_is_refused_by_name(monkeypatch):
    other = dataclasses.replace(by_name.ENCODERS["uni"], mpp=0.25)
    monkeypatch.setattr(by_name, "ENCODERS", {**by_name.ENCODERS, "uni": other})
    with pytest.raises(
        InputError, match=r"uni was made for tiles of 0\.25 µm per pixel, but tiles are read at 0\.5"
    ):
        get_encoder("uni", device="cpu")


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
        ("phikon", "features of phikon can be read, but this package cannot embed"),
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
