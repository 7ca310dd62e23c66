import pytest
import torch

from sequoia_model.errors import InputError
from sequoia_model.types.devices import choose_device, networks_that_fit


@pytest.mark.parametrize("name", ["gpu", "cpu:1", "meta", "", "cuda:x"])
def test_an_unknown_device_is_refused(name):
    with pytest.raises(InputError, match="device"):
        choose_device(name)


def test_cuda_without_a_gpu_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="this machine has none of this kind"):
        choose_device("cuda")


def test_a_gpu_beyond_the_last_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(InputError, match="no device cuda:2: this machine has only 2 of this kind"):
        choose_device("cuda:2")


@pytest.mark.parametrize(("there", "kind"), [(True, "cuda"), (False, "cpu")])
def test_auto_takes_a_gpu_if_there_is_one(monkeypatch, there, kind):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert choose_device("auto").type == kind


@pytest.mark.parametrize(("free_gib", "networks"), [(80, 5), (8, 3), (1, 1)])
def test_as_many_networks_are_trained_at_once_as_fit_into_free_memory(monkeypatch, free_gib, networks):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free_gib * 2**30, 80 * 2**30))
    assert networks_that_fit(torch.device("cuda"), 53_762_388, 5) == networks
