from __future__ import annotations

import pytest

from sequoia_base.errors import InputError
from sequoia_base.inputs import existing_file


def test_a_file_that_is_there_is_given_back(tmp_path):
    (tmp_path / "a.csv").write_text("x")
    assert existing_file(str(tmp_path / "a.csv")) == tmp_path / "a.csv"


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(InputError, match="a folder was given"):
        existing_file(tmp_path)


@pytest.mark.parametrize("name", ["no.csv", "x" * 5000])
def test_what_is_not_there_is_named(tmp_path, name):
    with pytest.raises(InputError, match="does not exist") as caught:
        existing_file(tmp_path / name)
    assert name in caught.value.where
