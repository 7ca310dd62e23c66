"""``sequoia-stats compare``: compare models on the same genes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sequoia_base.cli.output import Force, Json, ledger, say, show, write_csv
from sequoia_stats.cli.options import MethodOption, RuleOption, UnitsOption

if TYPE_CHECKING:
    from sequoia_stats.compare import Comparison

_FIGURES = ("r_all", "r_top", "criteria")
#: Files that the command writes; a folder with any other file is never replaced.
COMPARISON_FILES = ("comparison.csv", "models.csv", "genes.csv") + tuple(
    f"{stem}.{suffix}" for stem in _FIGURES for suffix in ("png", "svg")
)


def compare(
    predictions: Annotated[
        list[Path], typer.Argument(metavar="A B...", help="Predictions (.h5ad) of two or more models.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write.")],
    names: Annotated[
        str | None,
        typer.Option(help="Names of the models, separated by commas.  [default: the file names]"),
    ] = None,
    rule: RuleOption = "paper",
    method: MethodOption = None,
    by: Annotated[
        str | None,
        typer.Option(help="Column of slides, such as the cancer type, whose levels are compared separately."),
    ] = None,
    units: UnitsOption = None,
    top: Annotated[
        int, typer.Option(help="Number of best genes of each model that are also compared.")
    ] = 1000,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Compare models pairwise: correlations of the same genes, best genes, well-predicted genes, and figures."""
    from sequoia_base.atomic import new_folder, refuse_existing
    from sequoia_base.results import jsonable
    from sequoia_stats.compare import compare_models

    refuse_existing(output, force=force, files=COMPARISON_FILES, inputs=predictions)
    models = _by_name(predictions, names)
    result = compare_models(models, rule=rule, method=method, by=by, units=units, top=top)
    with new_folder(output) as folder:
        for stem, table in (("comparison", result.pairs), ("models", result.models), ("genes", result.genes)):
            write_csv(table, folder / f"{stem}.csv")
        _draw(result, folder)
    for line in [*result.notes, *(line for one in result.selections.values() for line in ledger(one.flow))]:
        say(line)
    flow = {name: jsonable(one.flow) for name, one in result.selections.items()}
    show(str(result), {"output": str(output), **result.to_dict(), "flow": flow}, as_json)
    say(f"written to {output}")


def _by_name(files: list[Path], names: str | None) -> dict[str, Path]:
    """The files by the names of their models, which must be unique."""
    from sequoia_stats.errors import InputError, listing

    if len(files) < 2:
        raise InputError("a comparison needs two or more files, but there is one", where=str(files[0]))
    paths = [file.resolve() for file in files]
    if repeated := sorted({str(path) for path in paths if paths.count(path) > 1}):
        raise InputError("a file is given twice", where=listing(repeated))
    words = [file.stem for file in files] if names is None else [name.strip() for name in names.split(",")]
    if len(words) != len(files) or not all(words):
        raise InputError(
            f"{len(files)} files need {len(files)} names, but --names is {names!r}", fix="--names a,b,..."
        )
    if same := sorted({word for word in words if words.count(word) > 1}):
        raise InputError(
            f"several models are called {listing(same)}", fix="give them different names: --names a,b,..."
        )
    return dict(zip(words, files, strict=True))


def _draw(result: Comparison, folder: Path) -> None:
    """Draw the correlations of all genes and of the best, and the genes left after each criterion."""
    import pandas as pd

    from sequoia_stats import plots
    from sequoia_stats.compare import distribution

    parts = [
        one.counts.assign(level=name if one.by is None else f"{name}, " + one.counts["level"].astype(str))
        for name, one in result.selections.items()
    ]
    figures = (
        plots.correlation_violins(distribution(result.selections)),
        plots.correlation_violins(distribution(result.selections, top=result.top)),
        plots.criterion_counts(pd.concat(parts)),
    )
    for stem, figure in zip(_FIGURES, figures, strict=True):
        plots.save_figure(figure, folder / stem)
