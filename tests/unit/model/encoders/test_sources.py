"""What the name of an encoder means."""

from __future__ import annotations

import pytest

from sequoia_model.encoders.sources import EncoderSource, parse_name
from sequoia_model.errors import InputError


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
def test_prefixes_and_what_stands_behind_the_at(name, source):
    assert parse_name(name) == source


def test_a_folder_is_a_model_of_its_own(tmp_path):
    assert parse_name(str(tmp_path)) == EncoderSource("folder", str(tmp_path))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "the name of the encoder is empty"),
        ("  ", "the name of the encoder is empty"),
        ("@w.bin", "the name of the encoder is empty"),
        ("uni@", "nothing stands behind the @"),
        ("virchow3", r"there is no encoder 'virchow3'[\s\S]*did you mean virchow2"),
        ("zzz", r"there is no encoder 'zzz'[\s\S]*known are lite0, resnet50"),
        ("phikon", "features of phikon can be read, and tiles cannot be embedded"),
        ("hf-hub:uni", "names no repository"),
        ("hf-hub:a/b/c", "names no repository"),
        ("hf-hub:", "names no repository"),
    ],
)
def test_what_is_no_name_is_refused_with_the_way_out(name, words):
    with pytest.raises(InputError, match=words):
        parse_name(name)


def test_a_file_alone_does_not_say_whose_weights_it_holds(tmp_path):
    (tmp_path / "w.pth").touch()
    with pytest.raises(InputError, match=r"does not say which encoder[\s\S]*ENCODER@.*w\.pth"):
        parse_name(str(tmp_path / "w.pth"))
