"""`sequoia-model encoders`: the table, for people and for programs."""

from __future__ import annotations

from sequoia_model.encoders import ENCODERS
from tests.build.commands import sequoia_model
from tests.integration.test_imports import modules_after


def test_every_encoder_is_listed_with_what_it_is(capsys):
    answer = sequoia_model(capsys, "encoders")
    assert answer.code == 0
    assert [line for line in answer.out.splitlines() if line in ENCODERS] == list(ENCODERS)
    assert "not a pathology encoder" in answer.out
    assert "hub:MahmoodLab/UNI, gated" in answer.out


def test_the_table_is_given_to_programs(capsys):
    content = sequoia_model(capsys, "encoders", "--json").json
    assert content["default"] == "lite0"
    uni = {row["name"]: row for row in content["encoders"]}["uni"]
    assert (uni["dimension"], uni["mpp"], uni["input_size"], uni["gated"]) == (1024, 0.5, 224, True)


def test_the_table_needs_no_torch():
    assert "torch" not in modules_after("from sequoia_model.cli.app import run; run(['encoders'])")
