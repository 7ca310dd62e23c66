"""``sequoia-stats doctor``: what is installed, what is missing, and the command that gets it."""

from __future__ import annotations

from sequoia_stats.cli.output import Json, show


def doctor(as_json: Json = False) -> int:
    """Check Python packages, R, R packages and bundled files; exit 1 if anything is missing."""
    from dataclasses import asdict

    from sequoia_stats.cli.checks import check_files, check_python, check_r

    checks = [*check_python(), *check_r(), *check_files()]
    width = max(len(check.name) for check in checks)
    lines = [
        f"{'ok     ' if check.ok else 'MISSING'}  {check.name:<{width}}  {check.found}"
        + (f"\n         {'':<{width}}  → {check.fix}" if check.fix else "")
        for check in checks
    ]
    failing = sum(not check.ok for check in checks)
    lines.append("everything is there" if not failing else f"{failing} of {len(checks)} checks failed")
    show("\n".join(lines), {"ok": not failing, "checks": [asdict(check) for check in checks]}, as_json)
    return 1 if failing else 0
