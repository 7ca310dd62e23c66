"""`sequoia-model doctor`: what it finds, and that it fails if something is removed."""

from __future__ import annotations

from importlib import metadata

import pytest

from sequoia_model.cli import doctor
from sequoia_model.encoders import packaged
from tests.build.commands import sequoia_model


def checks(answer):
    return {check["name"]: check for check in answer.json["checks"]}


def test_doctor_passes_here_and_names_torch_and_the_device(capsys):
    answer = sequoia_model(capsys, "doctor", "--json")
    assert answer.code == 0
    assert checks(answer)["torch"]["found"] == metadata.version("torch")
    assert checks(answer)["device"]["found"].startswith(("cpu", "cuda"))


def test_a_package_of_the_extra_that_is_missing_is_named_with_its_command(capsys, monkeypatch):
    def version(name, real=metadata.version):
        if name == "safetensors":
            raise metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(metadata, "version", version)
    answer = sequoia_model(capsys, "doctor", "--json")
    assert answer.code == 1
    assert checks(answer)["safetensors"]["fix"] == "pip install 'sequoia-histology[model]'"


@pytest.mark.parametrize(
    "name", ["fingerprint.png", "gene_list.csv.gz", "lite0.json", "published_splits.csv.gz"]
)
def test_a_file_of_ours_that_is_missing_is_named(capsys, monkeypatch, tmp_path, name):
    monkeypatch.setattr(doctor, "files", lambda package: tmp_path)
    answer = sequoia_model(capsys, "doctor")
    assert answer.code == 1
    assert f"data/{name}" in answer.out


def test_the_cache_of_weights_is_counted(capsys, monkeypatch, tmp_path):
    from huggingface_hub import constants

    for fold in range(5):
        (tmp_path / f"models--gevaertlab--sequoia-brca-{fold}").mkdir()
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    answer = sequoia_model(capsys, "doctor", "--json")
    assert checks(answer)["weights from the hub"]["found"].startswith("5 published networks")


def test_the_library_of_slides_and_the_packaged_weights_are_looked_at(capsys):
    found = checks(sequoia_model(capsys, "doctor", "--json"))
    assert found["openslide loads"]["found"].startswith("library ")
    assert found["weights of lite0"]["found"].endswith(".pth")


def test_damaged_packaged_weights_fail_the_doctor_with_the_command(capsys, monkeypatch, tmp_path):
    (tmp_path / "w.pth").write_bytes(b"damaged")
    monkeypatch.setattr(packaged, "packaged_file", lambda: tmp_path / "w.pth")
    answer = sequoia_model(capsys, "doctor", "--json")
    assert answer.code == 1
    assert "force-reinstall efficientnet-lite0" in checks(answer)["weights of lite0"]["fix"]


def test_unavailable_encoders_are_shown_but_are_not_a_fault(capsys, monkeypatch, tmp_path):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    answer = sequoia_model(capsys, "doctor", "--check-gated", "--json")
    assert answer.code == 0
    assert checks(answer)["encoder lite0"]["found"].startswith("packaged: ")
    assert checks(answer)["encoder uni"]["found"] == "offline: HF_HUB_OFFLINE is set"
    assert not checks(answer)["encoder uni"]["ok"] and checks(answer)["encoder uni"]["optional"]
    assert "--encoder uni@FILE" in checks(answer)["encoder uni"]["fix"]
