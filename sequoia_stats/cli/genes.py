"""``sequoia-stats genes``: which genes are well predicted, and which criterion the others fail."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sequoia_base.cli.output import Force, Json, ledger, located, say, show, write_csv
from sequoia_stats.cli.options import MethodOption, RuleOption, UnitsOption


def genes(
    predictions: Annotated[
        str,
        typer.Argument(
            metavar="P",
            help="Predictions (.h5ad, or the folder of a run; with :LAYER one of their layers), or a matrix of "
            "predictions if --measured is given.",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Table of genes to write (.csv).")],
    rule: RuleOption = "paper",
    method: MethodOption = None,
    by: Annotated[
        str | None,
        typer.Option(help="Column of slides, such as the cancer type, whose levels are judged separately."),
    ] = None,
    units: UnitsOption = None,
    within: Annotated[
        list[str] | None,
        typer.Option(
            help="Columns, such as er,pam50,grade,site: r within the strata of each, and their mean, beside r; can be "
            "repeated."
        ),
    ] = None,
    beyond: Annotated[
        list[str] | None,
        typer.Option(
            help="Columns, such as er,grade,age: partial r with all of these held constant, beside r; can be repeated."
        ),
    ] = None,
    measured: Annotated[Path | None, typer.Option(help="Matrix of measured expression.")] = None,
    untrained: Annotated[
        list[Path] | None,
        typer.Option(help="Matrix of predictions of an untrained network; can be repeated."),
    ] = None,
    genes_in: Annotated[
        str, typer.Option(help="Whether genes are in the columns or the rows of tables.")
    ] = "columns",
    patients: Annotated[
        Path | None,
        typer.Option(
            help="CSV with a row per sample, or per patient of the predictions: its id, and patient_id, fold, "
            "cohort or other columns."
        ),
    ] = None,
    bootstrap: Annotated[
        int, typer.Option(help="Number of replicates for --units cluster-bootstrap.")
    ] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Random seed of the replicates, 0 or more.")] = 0,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Judge every gene by a rule, and count the genes left after each criterion.

    Tables are samples × genes (csv, tsv, parquet or h5ad) and are matched by sample and gene.
    """
    from sequoia_base.atomic import refuse_existing
    from sequoia_stats.cli.options import column_names
    from sequoia_stats.io import read_predictions
    from sequoia_stats.io.predictions import split_layer
    from sequoia_stats.selection import well_predicted

    inputs = [split_layer(predictions)[0], measured, patients, *(untrained or [])]
    refuse_existing(output, force=force, inputs=inputs)
    data = read_predictions(
        predictions, measured=measured, untrained=untrained or (), genes_in=genes_in, patients=patients
    )
    with located(predictions):
        selection = well_predicted(
            data,
            rule=rule,
            method=method,
            by=by,
            units=units,
            within=column_names(",".join(within) if within else None, "--within"),
            beyond=column_names(",".join(beyond) if beyond else None, "--beyond"),
            bootstrap=bootstrap,
            seed=seed,
        )
    write_csv(selection.table, output)
    for line in [*selection.notes, *ledger(selection.flow)]:
        say(line)
    n = int(selection.well_predicted.sum())
    content = {
        "output": str(output),
        "n_genes": len(selection.table),
        "n_well_predicted": n,
        "n_slides": data.n,
        "n_patients": int(data.patients.nunique()),
    }
    show(
        f"{selection}\n{n:,} of {len(selection.table):,} genes are well predicted",
        content | selection.to_dict(),
        as_json,
    )
    say(f"written to {output}")
