"""``sequoia-stats compare``: compare models on the same samples, or cohorts of different patients."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sequoia_base.cli.output import Force, Json, ledger, say, show, write_csv
from sequoia_stats.cli.options import MethodOption, UnitsOption

if TYPE_CHECKING:
    import pandas as pd

    from sequoia_stats.compare import Comparison, Subgroups

_FIGURES = ("r_all", "r_top", "criteria", "overlap")
_TABLES = ("comparison", "models", "genes", "overlap", "validated")
_OF_SUBGROUPS = ("subgroups", "subgroup_genes", "subgroup_overlap")
#: Files that the command writes; a folder with any other file is never replaced.
COMPARISON_FILES = (
    "summary.md",
    *(f"{stem}.csv" for stem in (*_TABLES, *_OF_SUBGROUPS)),
    *(f"{stem}.{suffix}" for stem in _FIGURES for suffix in ("png", "svg")),
)


def compare(
    predictions: Annotated[
        list[str],
        typer.Argument(
            metavar="A B...",
            help="Predictions (.h5ad, or folders of training runs) of two or more models or cohorts; file.h5ad:ridge "
            "or run:ridge is a layer of them.",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write.")],
    names: Annotated[
        str | None,
        typer.Option(
            help="Names of the models, separated by commas.  [default: those of the files, runs or layers]"
        ),
    ] = None,
    rule: Annotated[
        str | None,
        typer.Option(
            help="paper, published-code or strict.  [default: paper; strict if a file has no untrained network]"
        ),
    ] = None,
    method: MethodOption = None,
    by: Annotated[
        str | None,
        typer.Option(help="Column of slides, such as the cancer type, whose levels are compared separately."),
    ] = None,
    units: UnitsOption = None,
    subgroups: Annotated[
        str | None,
        typer.Option(help="Column, such as er: genes are also judged within each subgroup of patients."),
    ] = None,
    patients: Annotated[
        Path | None,
        typer.Option(
            help="CSV with a row per patient (or sample) of all files: its id, and columns for them."
        ),
    ] = None,
    samples: Annotated[
        str,
        typer.Option(
            help="same (models of the same patients) or different (cohorts); auto finds it out from the names of "
            "patients and the measured values."
        ),
    ] = "auto",
    top: Annotated[
        int, typer.Option(help="Number of best genes of each model that are also compared.")
    ] = 1000,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Compare models pairwise on the same samples, or cohorts of different patients; the files say which they are.

    Writes correlations of the same genes, best and well-predicted genes, and figures. For models, each gene is tested
    between two of them; for cohorts, validated.csv has the genes that are well predicted in several.
    """
    from sequoia_base.atomic import new_folder, refuse_existing, write_text
    from sequoia_base.results import jsonable
    from sequoia_stats.compare import compare_models, comparison_summary, judged_alike, refuse_one_table
    from sequoia_stats.io import read_predictions
    from sequoia_stats.io.predictions import split_layer

    inputs = [*(split_layer(file)[0] for file in predictions), patients]
    refuse_existing(output, force=force, files=COMPARISON_FILES, inputs=inputs)
    files = _by_name(predictions, names)
    sources = {name: read_predictions(file, patients=patients) for name, file in files.items()}
    if patients is not None and samples != "same":
        refuse_one_table(sources, patients)
    rule = rule or ("paper" if all(data.untrained for data in sources.values()) else "strict")
    options: dict[str, Any] = {"rule": rule, "method": method, "units": units}
    alike, _ = judged_alike(sources, rule)
    judged = _subgroups(alike, files, subgroups, options) if subgroups else {}
    result = compare_models(sources, by=by, top=top, samples=samples, **options)
    tables = {"comparison": result.pairs, "models": result.models, "genes": result.genes}
    tables |= {"overlap": result.overlaps, "validated": result.validated} if result.of_cohorts else {}
    tables |= _tables_of_subgroups(judged)
    with new_folder(output) as folder:
        for stem, table in tables.items():
            write_csv(table, folder / f"{stem}.csv")
        write_text(folder / "summary.md", comparison_summary(result, judged))
        _draw(result, folder)
    notes = [*result.notes, *(note for one in judged.values() for note in one.notes)]
    for line in [
        *dict.fromkeys(notes),
        *(line for one in result.selections.values() for line in ledger(one.flow)),
    ]:
        say(line)
    flow = {name: jsonable(one.flow) for name, one in result.selections.items()}
    content = {"output": str(output), **result.to_dict(), "flow": flow}
    if result.of_cohorts:
        content["overlaps"] = jsonable(result.overlaps.drop(columns="genes"))
        content["n_validated"] = int(result.validated["in_all"].sum())
    if judged:
        content["subgroups"] = jsonable(tables["subgroups"])
    text = "\n\n".join([str(result), *(f"{name}\n{one}" for name, one in judged.items())])
    show(text, content, as_json)
    say(f"written to {output}")


def _subgroups(
    sources: dict[str, Any], files: dict[str, str], column: str, options: dict[str, Any]
) -> dict[str, Subgroups]:
    """Every model in subgroups of its patients."""
    from dataclasses import replace

    from sequoia_base.cli.output import located
    from sequoia_stats.compare import by_subgroup

    found = {}
    for name, data in sources.items():
        with located(files[name]):
            found[name] = by_subgroup(replace(data, name=name), column, **options)
    return found


def _tables_of_subgroups(judged: dict[str, Subgroups]) -> dict[str, pd.DataFrame]:
    """Subgroups of all models, the r of their genes, and the genes that subgroups of a model share."""
    import pandas as pd

    if not judged:
        return {}
    genes = [
        one.table[["gene", "n", "r", "p", "well_predicted"]].assign(model=name, subgroup=level)
        for name, found in judged.items()
        for level, one in found.selections.items()
    ]
    tables = [found.table.assign(model=name) for name, found in judged.items()]
    shared = [found.shared.assign(model=name) for name, found in judged.items() if not found.shared.empty]
    made = {
        "subgroups": pd.concat(tables, ignore_index=True).rename(columns={"level": "subgroup"}),
        "subgroup_genes": pd.concat(genes, ignore_index=True),
    }
    made |= {"subgroup_overlap": pd.concat(shared, ignore_index=True)} if shared else {}
    first = ["model", "subgroup"]
    return {
        stem: table[[*(name for name in first if name in table), *table.columns.drop(first, errors="ignore")]]
        for stem, table in made.items()
    }


def _by_name(files: list[str], names: str | None) -> dict[str, str]:
    """The files by the names of their models, which must be unique."""
    from sequoia_stats.errors import InputError, listing
    from sequoia_stats.io.predictions import model_name, split_layer

    if len(files) < 2:
        raise InputError("a comparison needs two or more files, but there is one", where=str(files[0]))
    parts = [split_layer(file) for file in files]
    paths = [(Path(path).resolve(), layer) for path, layer in parts]
    if repeated := sorted({str(path) for path, layer in paths if paths.count((path, layer)) > 1}):
        raise InputError("a file is given twice", where=listing(repeated))
    words = [model_name(file) for file in files]
    words = words if names is None else [name.strip() for name in names.split(",")]
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
    """Draw the correlations of all genes and of the best, the genes left after each criterion, and those shared."""
    import pandas as pd

    from sequoia_stats import plots
    from sequoia_stats.compare import distribution

    parts = [
        one.counts.assign(level=name if one.by is None else f"{name}, " + one.counts["level"].astype(str))
        for name, one in result.selections.items()
    ]
    figures = {
        "r_all": plots.correlation_violins(distribution(result.selections)),
        "r_top": plots.correlation_violins(distribution(result.selections, top=result.top)),
        "criteria": plots.criterion_counts(pd.concat(parts)),
    }
    if result.of_cohorts:
        figures["overlap"] = plots.gene_overlaps(result.overlaps)
    for stem, figure in figures.items():
        plots.save_figure(figure, folder / stem)
