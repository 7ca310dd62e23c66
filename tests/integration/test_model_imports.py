"""Importing `sequoia_model` loads nothing, its help is instant, and every public name is there."""

from __future__ import annotations

import pytest

import sequoia_model
from tests.build.slides import write_slide
from tests.integration.test_imports import modules_after

pytestmark = pytest.mark.slow

#: Modules of timm and torch's compiler, which take seconds and which the default encoder does not need.
NOT_FOR_LITE0 = [
    "anndata", "huggingface_hub", "matplotlib", "pandas", "sympy", "timm", "torch._dynamo", "torch._inductor",
    "torchvision", "triton",
]  # fmt: skip
HEAVY = ["anndata", "h5py", "numpy", "pandas", "scipy", "timm", "torch"]


def test_importing_the_package_loads_no_library():
    assert modules_after("import sequoia_model").isdisjoint(HEAVY)


def test_the_help_of_the_command_loads_no_library():
    code = "from sequoia_model.cli.app import run; run(['--help'])"
    assert modules_after(code).isdisjoint(HEAVY)


def test_splits_and_feature_files_need_no_torch():
    code = "from sequoia_model import Splits, read_features, published_splits, read_results"
    assert "torch" not in modules_after(code)


def test_embedding_with_the_default_encoder_loads_neither_timm_nor_the_compiler(tmp_path):
    slide = write_slide(tmp_path / "a.tif")
    arguments = ["embed", str(slide), "-o", str(tmp_path / "out"), "--device", "cpu"]
    loaded = modules_after(f"from sequoia_model.cli.app import run; run({arguments})")
    assert "torch" in loaded and (tmp_path / "out" / "a.h5").is_file()
    assert loaded.isdisjoint(NOT_FOR_LITE0)


def test_the_identity_of_the_default_encoder_needs_no_torch():
    assert "torch" not in modules_after(
        "from sequoia_model.encoders import known_id; assert known_id('lite0')"
    )


@pytest.mark.parametrize("name", sequoia_model.__all__)
def test_every_public_name_is_there(name):
    assert getattr(sequoia_model, name) is not None
    assert name in dir(sequoia_model)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'predicted'"):
        sequoia_model.predicted  # noqa: B018
