"""The application ``sequoia-stats``: its groups of commands."""

from __future__ import annotations

import sequoia_base.cli.app as base
from sequoia_stats.cli import (
    cohort,
    compare,
    doctor,
    expression,
    genes,
    gsea,
    gsva,
    modules,
    ora,
    outcome,
    risk,
    signature,
    spatial,
)

app = base.new_app(
    "sequoia-stats", "Survival signatures and gene statistics on measured or predicted expression."
)
app.command("doctor")(doctor.doctor)
app.command("genes")(genes.genes)
app.command("compare")(compare.compare)
app.command("ora")(ora.ora)
app.command("gsea")(gsea.gsea)
app.command("gsva")(gsva.gsva)
app.command("modules")(modules.modules)
app.add_typer(cohort.app, name="cohort")
app.add_typer(expression.app, name="expression")
app.add_typer(outcome.app, name="outcome")
app.add_typer(signature.app, name="signature")
app.add_typer(risk.app, name="risk")
app.add_typer(spatial.app, name="spatial")


def main(arguments: list[str] | None = None) -> None:
    """Run a command and exit with its code (`sequoia_base.cli.app.main`)."""
    base.main(app, arguments, memory="use less data, or fewer --bootstrap")


def run(arguments: list[str]) -> int:
    """Run a command; returns its exit code."""
    return base.run(app, arguments, memory="use less data, or fewer --bootstrap")
