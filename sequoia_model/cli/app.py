"""The application ``sequoia-model``: its commands."""

from __future__ import annotations

import sequoia_base.cli.app as base
from sequoia_model.cli import (
    doctor,
    embed,
    encoders,
    info,
    map,
    predict,
    risk,
    site,
    splits,
    tile,
    train,
    weights,
)

app = base.new_app("sequoia-model", "From slides and tile features to predicted gene expression.")
app.command("doctor")(doctor.doctor)
app.command("encoders")(encoders.encoders)
app.command("tile")(tile.tile)
app.command("embed")(embed.embed)
app.command("info")(info.info)
app.command("train")(train.train)
app.command("predict")(predict.predict)
app.command("map")(map.map_slide)
app.command("risk")(risk.risk)
app.command("site")(site.site)
app.command("convert-results")(splits.convert_results)
app.add_typer(splits.app, name="splits")
app.add_typer(weights.app, name="weights")

_MEMORY = "--jobs 1, or a smaller --batch-size"


def main(arguments: list[str] | None = None) -> None:
    """Run a command and exit with its code (`sequoia_base.cli.app.main`)."""
    base.main(app, arguments, memory=_MEMORY)


def run(arguments: list[str]) -> int:
    """Run a command; returns its exit code."""
    return base.run(app, arguments, memory=_MEMORY)
