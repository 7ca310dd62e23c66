"""``sequoia-model doctor``: what is installed, what is missing, and the command that installs it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.resources import files
from typing import Annotated

import typer

from sequoia_base.checks import DISTRIBUTION, Check, check_python
from sequoia_base.cli.output import Json, show_checks

CheckGated = Annotated[
    bool,
    typer.Option(
        "--check-gated", help="Also show which encoders are available here; contacts the hub briefly."
    ),
]


def doctor(as_json: Json = False, check_gated: CheckGated = False) -> int:
    """Check Python packages, the device, bundled files and the cache of weights; exit with 1 if anything is missing."""
    checks = [
        *check_python("model"),
        *_check_device(),
        *_check_files(),
        _check_openslide(),
        _check_packaged(),
    ]
    return show_checks([*checks, _check_cache(), *(_check_encoders() if check_gated else ())], as_json)


def _check_device() -> Iterator[Check]:
    try:
        import torch
    except (ImportError, OSError) as error:  # OSError: a library of the wrong build
        yield Check("torch loads", False, str(error), f"pip install '{DISTRIBUTION}[model]'")
        return
    if torch.cuda.is_available():
        name = torch.cuda.get_device_name()
        memory = torch.cuda.get_device_properties(0).total_memory / 2**30
        yield Check("device", True, f"cuda: {name}, {memory:.0f} GiB")
    else:
        yield Check("device", True, f"cpu, {torch.get_num_threads()} threads (no CUDA device found)")


def _check_files() -> Iterator[Check]:
    for name in ("fingerprint.png", "gene_list.csv.gz", "lite0.json", "published_splits.csv.gz"):
        there = files("sequoia_model").joinpath("data", name).is_file()
        fix = "" if there else f"pip install --force-reinstall {DISTRIBUTION}"
        yield Check(f"data/{name}", there, "complete" if there else "missing", fix)


def _check_cache() -> Check:
    """Where weights from the hub are kept. An empty cache is not a fault, since weights may also be in a folder."""
    try:
        from huggingface_hub import constants
    except ImportError as error:
        return Check("weights from the hub", False, str(error), f"pip install '{DISTRIBUTION}[model]'")
    cache = constants.HF_HUB_CACHE
    found = sorted(os.listdir(cache)) if os.path.isdir(cache) else []
    published = [name for name in found if name.startswith("models--gevaertlab--sequoia-")]
    offline = ", offline mode (HF_HUB_OFFLINE)" if constants.HF_HUB_OFFLINE else ""
    return Check("weights from the hub", True, f"{len(published)} published networks in {cache}{offline}")


def _check_openslide() -> Check:
    """The library is separate from the Python package, and may be missing or of the wrong build."""
    try:
        import openslide
    except (ImportError, OSError) as error:
        return Check("openslide loads", False, str(error), f"pip install '{DISTRIBUTION}[model]'")
    return Check("openslide loads", True, f"library {openslide.__library_version__}")


def _check_packaged() -> Check:
    """The weights of the default encoder, read in full: a damaged file is a fault of the installation."""
    from sequoia_model.errors import InputError

    try:
        from sequoia_model.encoders.packaged import packaged_file, packaged_tensors

        packaged_tensors()
        return Check("weights of lite0", True, str(packaged_file()))
    except (ImportError, OSError) as error:
        return Check("weights of lite0", False, str(error), f"pip install '{DISTRIBUTION}[model]'")
    except InputError as error:
        return Check("weights of lite0", False, error.what, error.fix)


def _check_encoders() -> Iterator[Check]:
    """Encoders that are not available are shown, but are not a fault: gated weights are not part of an installation."""
    try:
        from sequoia_model.encoders import check_encoders
    except (ImportError, OSError) as error:
        yield Check("encoders", False, str(error), f"pip install '{DISTRIBUTION}[model]'")
        return
    for each in check_encoders():
        here = each.state in ("packaged", "in the cache", "reachable")
        yield Check(
            f"encoder {each.card.name}", here, f"{each.state}: {each.detail}", each.fix, optional=True
        )
