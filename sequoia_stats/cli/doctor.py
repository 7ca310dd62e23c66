"""``sequoia-stats doctor``: what is installed, what is missing, and the command that gets it."""

from __future__ import annotations

from sequoia_base.cli.output import Json


def doctor(as_json: Json = False) -> int:
    """Check Python packages, R, R packages and bundled files; exit 1 if anything is missing."""
    from sequoia_base.cli.checks import check_python, report
    from sequoia_stats.cli.checks import check_files, check_r

    return report([*check_python(), *check_r(), *check_files()], as_json)
