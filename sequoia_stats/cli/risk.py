"""``sequoia-stats risk``: compare risk scores of the same patients."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sequoia_base.cli.output import Force, Json, ledger, progress, say, show, write_csv
from sequoia_stats.cli.options import CategoricalOption, MissingOption

app = typer.Typer(help="Compare risk scores of patients.", no_args_is_help=True)
_TABLES = (
    "comparison",
    "pairs",
    "adjusted",
    "gain",
    "site_preserved",
    "proportional_hazards",
    "groups",
    "curves",
    "patients",
)
_FIGURE = "comparison"


@app.command()
def compare(
    scores: Annotated[
        list[str],
        typer.Argument(
            metavar="SCORES...",
            help="Files of scores, such as scores.csv and risk.csv: patient_id, risk_score and, where they are known, "
            "fold and group. Each is named by its stem, or as in image=runs/a/risk.csv. <stem>.folds.csv beside it "
            "holds the scale of each fold.",
        ),
    ],
    outcome: Annotated[
        Path, typer.Option(help="CSV of patient_id, time (months) and event (0 or 1); see outcome convert.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write.")],
    clinical: Annotated[
        Path | None, typer.Option(metavar="T", help="CSV or TSV of covariates, with a row per patient.")
    ] = None,
    adjust: Annotated[
        str,
        typer.Option(
            help="Covariates of the adjusted models and of the clinical-only model, separated by commas."
        ),
    ] = "",
    id_column: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="The column of patient ids in the clinical table.  [default: patient_id, or the first]",
        ),
    ] = None,
    categorical: CategoricalOption = None,
    missing: MissingOption = None,
    site: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="The column of the clinical table that names the site.  [default: the tissue source site of TCGA "
            "barcodes]",
        ),
    ] = None,
    site_preserved: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            help="Scores of a model of the same name from folds that keep sites apart; can be repeated.",
        ),
    ] = None,
    endpoint: Annotated[
        str, typer.Option(help="What the event is, for the figures: OS, PFI, RFS.")
    ] = "event",
    bootstrap: Annotated[
        int,
        typer.Option(min=0, help="Draws of patients for the intervals of C and of differences; 0 for none."),
    ] = 1000,
    seed: Annotated[
        int, typer.Option(min=0, help="Random seed of the draws, and of folds that are drawn; 0 or more.")
    ] = 0,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Compare risk scores of the same patients: C, hazard ratios, risk groups, and the gain over clinical data.

    Cross-validated scores are centred and scaled on the training patients of each fold, and compared within folds.
    """
    import json

    from sequoia_base.atomic import new_folder, refuse_existing, write_text
    from sequoia_stats import plots
    from sequoia_stats.risk import compare_risks, named_file

    named = [named_file(file) for file in [*scores, *(site_preserved or [])]]
    inputs = [outcome, clinical, *(file for _, file in named)]
    refuse_existing(
        output, force=force, files=_files([*(name for name, _ in named), "clinical"], output), inputs=inputs
    )
    result = compare_risks(
        scores,
        outcome,
        clinical=clinical,
        adjust=adjust,
        id_column=id_column,
        categorical=categorical or (),
        missing=missing or (),
        site=site,
        site_preserved=site_preserved or (),
        endpoint=endpoint,
        bootstrap=bootstrap,
        seed=seed,
        progress=progress("concordance"),
    )
    content = result.to_dict()
    with new_folder(output) as folder:
        for stem, table in result.tables().items():
            write_csv(table, folder / f"{stem}.csv")
        text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
        write_text(folder / "comparison.json", f"{text}\n")
        plots.save_figure(plots.risk_comparison(result), folder / _FIGURE)
        for name in result.curves:
            plots.save_figure(plots.survival_by_risk(result, name), folder / f"km_{name}")
    for line in ledger(result.flow):
        say(line)
    show(str(result), content, as_json)
    say(f"written to {output}")


def _files(names: list[str], output: Path) -> list[str]:
    """Files that the command writes; a folder with any other file is never replaced.

    An earlier comparison may have drawn other scores.
    """
    curves = [f"km_{name}" for name in names]
    if (output / "comparison.json").is_file():
        curves += [path.stem for path in output.glob("km_*.png")]
    return [
        "comparison.json",
        *(f"{stem}.csv" for stem in _TABLES),
        *(f"{stem}.{suffix}" for stem in [_FIGURE, *curves] for suffix in ("png", "svg")),
    ]
