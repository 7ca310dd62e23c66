"""``sequoia-model doctor``: what is installed, what is missing, and the command that gets it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.resources import files
from typing import TYPE_CHECKING

from sequoia_base.cli.output import Json

if TYPE_CHECKING:
    from sequoia_base.cli.checks import Check


def doctor(as_json: Json = False) -> int:
    """Check Python packages, the device, our own files and where weights are kept; exit 1 if anything is missing."""
    from sequoia_base.cli.checks import check_python, report

    return report([*check_python("model"), *_check_device(), *_check_files(), _check_cache()], as_json)


def _check_device() -> Iterator[Check]:
    from sequoia_base.cli.checks import DISTRIBUTION, Check

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
        yield Check("device", True, f"cpu, {torch.get_num_threads()} threads (no CUDA device is seen)")


def _check_files() -> Iterator[Check]:
    from sequoia_base.cli.checks import DISTRIBUTION, Check

    for name in ("gene_list.csv.gz", "published_splits.csv.gz"):
        there = files("sequoia_model").joinpath("data", name).is_file()
        fix = "" if there else f"pip install --force-reinstall {DISTRIBUTION}"
        yield Check(f"data/{name}", there, "complete" if there else "missing", fix)


def _check_cache() -> Check:
    """Where weights from the hub are kept. An empty cache is no fault: a folder of weights does as well."""
    from sequoia_base.cli.checks import DISTRIBUTION, Check

    try:
        from huggingface_hub import constants
    except ImportError as error:
        return Check("weights from the hub", False, str(error), f"pip install '{DISTRIBUTION}[model]'")
    cache = constants.HF_HUB_CACHE
    found = sorted(os.listdir(cache)) if os.path.isdir(cache) else []
    published = [name for name in found if name.startswith("models--gevaertlab--sequoia-")]
    offline = ", offline mode (HF_HUB_OFFLINE)" if constants.HF_HUB_OFFLINE else ""
    return Check("weights from the hub", True, f"{len(published)} of ours in {cache}{offline}")
