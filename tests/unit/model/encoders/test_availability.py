"""Which encoders this machine can get."""

from __future__ import annotations

from sequoia_model.encoders import availability
from sequoia_model.encoders.availability import check_encoders
from tests.build.encoders import gated, write_cache


def refuse_access(monkeypatch):
    """The hub answers, but gives no access."""

    def ask(*_, **__):
        raise gated()

    monkeypatch.setattr(availability, "ask", ask)


def states(found):
    return {each.card.name: each.state for each in found}


def test_offline_the_hub_is_asked_only_once(cache, monkeypatch):
    asked = []

    def ask(repository, *_, **__):
        asked.append(repository)
        raise OSError("Name or service not known")

    monkeypatch.setattr(availability, "ask", ask)
    found = states(check_encoders())
    assert (found.pop("lite0"), set(found.values())) == ("packaged", {"offline"})
    assert asked == ["timm/resnet50.tv_in1k"]


def test_the_cache_comes_first_then_the_answer_of_the_hub(cache, monkeypatch):
    (write_cache(cache, "MahmoodLab/UNI") / "pytorch_model.bin").touch()
    refuse_access(monkeypatch)
    found = {each.card.name: each for each in check_encoders()}
    assert (found["uni"].state, found["uni2-h"].state) == ("in the cache", "gated")
    assert "https://huggingface.co/MahmoodLab/UNI2-h, then hf auth login" in found["uni2-h"].fix


def test_an_encoder_that_the_hub_gives_is_reachable(cache, monkeypatch):
    monkeypatch.setattr(availability, "ask", lambda *_, **__: None)
    assert states(check_encoders())["virchow2"] == "reachable"
