"""What an installation holds, and whether it is new enough: the checks of `doctor`."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata

DISTRIBUTION = "sequoia-histology"


@dataclass(frozen=True)
class Check:
    """One thing that `doctor` checked.

    Parameters
    ----------
    name : str
        What was checked.
    ok : bool
        Whether it is there, and new enough.
    found : str
        Its version or place, or what is wrong.
    fix : str
        The command that repairs it; empty if nothing needs to be done.
    optional : bool
        Whether the packages work without it.
    """

    name: str
    ok: bool
    found: str
    fix: str = ""
    optional: bool = False


def check_python(extra: str = "") -> Iterator[Check]:
    """Python itself and the packages that the installation requires, with those of an `extra`."""
    yield Check("Python", True, platform.python_version())
    try:
        requirements = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        yield Check(DISTRIBUTION, False, "not installed, only imported from a folder", "pip install .")
        return
    for requirement in sorted(requirements):
        text, _, condition = requirement.partition(";")
        if condition and not (extra and re.search(rf"extra == ['\"]{extra}['\"]", condition)):
            continue
        found = re.match(r"([A-Za-z0-9_.-]+)(?:.*?>=([0-9.]+))?", text)
        assert found is not None
        name, oldest = found.groups()
        wanted = f"pip install '{DISTRIBUTION}[{extra}]'" if condition else f"pip install '{text.strip()}'"
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            yield Check(name, False, "not installed", wanted)
            continue
        new_enough = oldest is None or is_at_least(version, oldest)
        found_version = version if new_enough else f"{version}, but {oldest} is needed"
        yield Check(name, new_enough, found_version, "" if new_enough else wanted)


def is_at_least(version: str, oldest: str) -> bool:
    """Compare versions number by number, as R does: "4.1-6" is 4.1.6."""
    have, want = ([int(part) for part in re.findall(r"\d+", text)] for text in (version, oldest))
    return have + [0] * (len(want) - len(have)) >= want
