"""``sequoia-stats doctor``: what is installed, what is missing, and the command that installs it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sequoia_base.cli.output import Json, show_checks
from sequoia_stats.errors import SequoiaError

if TYPE_CHECKING:
    from sequoia_base.checks import Check


def doctor(as_json: Json = False) -> int:
    """Check Python packages, R, R packages and bundled files; exit with 1 if anything is missing."""
    from sequoia_base.checks import check_python

    return show_checks([*check_python(), *_check_r(), *_check_files()], as_json)


def _check_r() -> Iterator[Check]:
    """R, the bridge to it, and the R packages."""
    from sequoia_base.checks import Check, is_at_least
    from sequoia_stats import rbridge

    version = rbridge.r_version_installed()
    if version is None:
        packages = " ".join(("r-base-core", *rbridge.R_PACKAGES.values()))
        yield Check("R", False, "not found", f"sudo apt-get install {packages}")
        yield Check("rpy2", False, "cannot be tested without R", "install R, then run doctor again")
        return
    needed = rbridge.OLDEST["R"]
    if not is_at_least(version, needed):
        fix = "sudo apt-get install --only-upgrade r-base-core, on a system that offers a newer R"
        yield Check("R", False, f"{version}, but {needed} is needed", fix)
        yield Check("rpy2", False, f"cannot be tested with R {version}", "install R, then run doctor again")
        return
    yield Check("R", True, f"{version} in {rbridge.r_home()}")
    try:
        yield Check("rpy2", True, rbridge.bridge_description())
        installed = rbridge.versions()
    except SequoiaError as error:
        yield Check("rpy2", False, error.what, error.fix)
        return
    for name, debian in rbridge.R_PACKAGES.items():
        oldest, found = rbridge.OLDEST.get(name), installed[name]
        ok = bool(found) and (oldest is None or is_at_least(found, oldest))
        detail = found or "not installed"
        yield Check(
            f"R {name}",
            ok,
            detail if ok or not found else f"{found}, but {oldest} is needed",
            "" if ok else f"sudo apt-get install {debian}",
        )


def _check_files() -> Iterator[Check]:
    """The R sources, cohorts and gene sets that come with the package."""
    from sequoia_base.checks import DISTRIBUTION, Check
    from sequoia_stats import datasets, genesets, rbridge

    reinstall = f"pip install --force-reinstall {DISTRIBUTION}"
    for source in ("bridge.R", "cox_path.R", "gsva.R", "signature.R"):
        try:
            yield Check(f"r/{source}", True, str(rbridge.r_source(source)))
        except SequoiaError as error:
            yield Check(f"r/{source}", False, error.what, reinstall)
    for what, absent in (
        ("bundled cohorts", datasets.missing_files()),
        ("bundled gene sets", genesets.missing_files()),
    ):
        found = f"{', '.join(absent)} missing" if absent else "complete"
        yield Check(what, not absent, found, reinstall if absent else "")
