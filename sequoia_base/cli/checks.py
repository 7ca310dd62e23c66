"""What a `doctor` is made of: checks, those of the Python packages, and how they are shown."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from importlib import metadata

from sequoia_base.cli.output import show
from sequoia_base.versions import is_at_least

DISTRIBUTION = "sequoia-histology"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Parameters
    ----------
    name : str
    ok : bool
    found : str
        Version, place, or what is wrong.
    fix : str
        The command that mends it; empty where nothing is to be done.
    optional : bool
        Whether it is no fault where it is not there.
    """

    name: str
    ok: bool
    found: str
    fix: str = ""
    optional: bool = False


def check_python(extra: str = "") -> Iterator[Check]:
    """Python itself and the packages that are depended on, those of an `extra` too, by the installation's metadata."""
    yield Check("Python", True, platform.python_version())
    try:
        requirements = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        yield Check(DISTRIBUTION, False, "not installed, only imported from its folder", "pip install .")
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
        found_version = version if new_enough else f"{version}, and {oldest} is needed"
        yield Check(name, new_enough, found_version, "" if new_enough else wanted)


def report(checks: Iterable[Check], as_json: bool) -> int:
    """Show all checks; returns the exit code, 1 if any failed."""
    checks = list(checks)
    width = max(len(check.name) for check in checks)
    lines = [
        f"{_word(check)}  {check.name:<{width}}  {check.found}"
        + (f"\n         {'':<{width}}  → {check.fix}" if check.fix else "")
        for check in checks
    ]
    failing = sum(not check.ok and not check.optional for check in checks)
    optional = sum(not check.ok and check.optional for check in checks)
    well = (
        f"everything that is needed is there, {optional} more are not" if optional else "everything is there"
    )
    lines.append(f"{failing} of {len(checks)} checks failed" if failing else well)
    show("\n".join(lines), {"ok": not failing, "checks": [asdict(check) for check in checks]}, as_json)
    return 1 if failing else 0


def _word(check: Check) -> str:
    return "ok     " if check.ok else "absent " if check.optional else "MISSING"
