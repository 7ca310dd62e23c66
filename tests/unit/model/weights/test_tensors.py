"""Files of weights: what is read, what is refused, and what the message says."""

from __future__ import annotations

import pathlib

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from sequoia_model.errors import InputError
from sequoia_model.weights.tensors import load_into, read_tensors, weights_at
from tests.build.damaged import deep_pickle
from tests.build.encoders import random_state, tiny_card


@pytest.fixture
def state():
    return random_state(tiny_card("uni"))


def network():
    return nn.Sequential(nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2))


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_both_kinds_of_files_are_read_and_found_in_a_folder(tmp_path, state, name):
    (save_file if name.endswith("safetensors") else torch.save)(state, tmp_path / name)
    assert weights_at(tmp_path) == weights_at(tmp_path / name) == tmp_path / name
    torch.testing.assert_close(read_tensors(weights_at(tmp_path))[0], state, rtol=0, atol=0)


def test_safetensors_are_preferred(tmp_path, state):
    torch.save(state, tmp_path / "pytorch_model.bin")
    save_file(state, tmp_path / "model.safetensors")
    assert weights_at(tmp_path).name == "model.safetensors"


@pytest.mark.parametrize("wrapper", ["state_dict", "model", "teacher"])
def test_what_training_code_puts_around_a_state_is_taken_off(tmp_path, wrapper):
    torch.save({wrapper: {"module._orig_mod.a": torch.ones(2)}, "epoch": 3}, tmp_path / "w.pth")
    assert list(read_tensors(tmp_path / "w.pth")[0]) == ["a"]


def test_half_precision_becomes_float32(tmp_path):
    torch.save({"a": torch.ones(2, dtype=torch.float16), "n": torch.tensor(3)}, tmp_path / "w.pth")
    assert {t.dtype for t in read_tensors(tmp_path / "w.pth")[0].values()} == {torch.float32, torch.int64}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "damaged or holds no weights"),
        (b"hello", "opening a pickled model can run any code|damaged"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "git-lfs pointer"),
    ],
)
@pytest.mark.parametrize("suffix", [".bin", ".safetensors"])
def test_files_of_something_else_are_named(tmp_path, content, words, suffix):
    path = tmp_path / f"w{suffix}"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words) as error:
        read_tensors(path)
    assert str(path) in str(error.value)


def test_pickled_code_is_not_run(tmp_path):
    torch.save({"a": pathlib.PurePosixPath("/")}, tmp_path / "w.pth")
    with pytest.raises(InputError, match=r"pickled pathlib\.[\s\S]*only a state dict is read"):
        read_tensors(tmp_path / "w.pth")


def test_other_content_is_refused(tmp_path):
    torch.save({"a": [1, 2]}, tmp_path / "w.pth")
    with pytest.raises(InputError, match="something other than tensors by name"):
        read_tensors(tmp_path / "w.pth")


def test_a_missing_file_and_an_empty_folder_are_refused(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        weights_at(tmp_path / "w.bin")
    with pytest.raises(InputError, match=r"no model\.safetensors and no pytorch_model\.bin"):
        weights_at(tmp_path)


def test_a_missing_tensor_is_named():
    state = network().state_dict()
    del state["0.bias"]
    with pytest.raises(InputError, match=r"not the weights of uni: tensors 1 missing: 0\.bias[\s\S]*w\.bin"):
        load_into(network(), state, where="w.bin", encoder="uni")


def test_an_unexpected_tensor_and_another_shape_are_named():
    state = network().state_dict() | {"blocks.7": torch.ones(1), "0.bias": torch.ones(3)}
    with pytest.raises(
        InputError, match=r"1 unexpected: blocks\.7; 1 of another shape: 0\.bias is \(3,\), not \(2,\)"
    ):
        load_into(network(), state, where="w.bin", encoder="uni")


def test_values_that_are_not_finite_are_refused():
    state = network().state_dict() | {"0.bias": torch.tensor([1.0, torch.nan])}
    with pytest.raises(InputError, match=r"NaN or infinite values in the weights: 0\.bias"):
        load_into(network(), state, where="w.bin", encoder="uni")


def test_counters_that_old_checkpoints_lack_may_be_missing():
    state = network().state_dict()
    del state["1.num_batches_tracked"]
    loaded = network()
    load_into(loaded, state, where="w.bin", encoder="uni")
    torch.testing.assert_close({name: loaded.state_dict()[name] for name in state}, dict(state))


def test_the_classifier_of_a_checkpoint_is_left_out():
    headless = network()
    headless.pretrained_cfg = {"classifier": "fc"}
    state = network().state_dict()
    load_into(
        headless, state | {"fc.weight": torch.ones(2, 2), "fc.bias": torch.ones(2)}, where="", encoder="x"
    )
    torch.testing.assert_close(dict(headless.state_dict()), dict(state))


def test_a_checkpoint_that_holds_a_list_is_called_so(tmp_path):
    torch.save([[[]]], tmp_path / "w.pt")
    with pytest.raises(InputError, match="it holds a list, not tensors by name"):
        read_tensors(tmp_path / "w.pt")


def test_a_nested_pickle_was_not_written_by_torch(tmp_path):
    (tmp_path / "w.pt").write_bytes(deep_pickle(100_000).replace(b"\x80\x04", b"\x80\x02", 1))
    with pytest.raises(InputError, match=r"torch\.save did not write it"):
        read_tensors(tmp_path / "w.pt")
