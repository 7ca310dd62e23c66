"""``sequoia-model splits`` and ``convert-results``: folds of patients, and results of old cross-validations."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sequoia_base.cli.output import Force, Json, located, say, show

if TYPE_CHECKING:
    from sequoia_model.splits import Splits


def splits(
    source: Annotated[
        str,
        typer.Option(
            "--from",
            help="published:BRCA (or another cancer), draw, or a file or folder of ours, CLAM, MCAT or SurvPath.",
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The table to write (.csv), a row per patient.")
    ],
    patients: Annotated[
        Path | None,
        typer.Option(
            help="CSV: patient_id, and slide where slides are no TCGA barcodes; for draw also cohort and site."
        ),
    ] = None,
    folds: Annotated[int | None, typer.Option(help="Of draw: number of folds.  [default: 5]")] = None,
    val: Annotated[
        float | None, typer.Option(help="Of draw: share of the others that validates.  [default: 0.1]")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of draw.  [default: 0]")] = None,
    sites: Annotated[
        bool, typer.Option("--sites", help="Of draw: keep all patients of a tissue source site together.")
    ] = False,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Write who trains, validates and tests in each fold; no patient has two roles in one."""
    from sequoia_base.atomic import refuse_existing

    refuse_existing(output, force=force, inputs=[source, patients])
    _refuse_ending(output, ".csv", "splits")
    options = {
        name: value
        for name, value in {"n_folds": folds, "val": val, "seed": seed, "sites": sites or None}.items()
        if value is not None
    }
    made = _make(source, patients, options)
    made.save(output)
    table = made.sizes.reset_index()
    content = {
        "output": str(output),
        "name": made.name,
        "n_patients": len(made.roles),
        "n_folds": made.n_folds,
        "is_partition": made.is_partition,
        "sizes": table.to_dict("records"),
        "note": made.note,
    }
    show(f"{made.name}: {len(made.roles)} patients\n{table.to_string(index=False)}", content, as_json)
    if made.note:
        say(made.note)
    say(f"written to {output}")


def convert_results(
    results: Annotated[Path, typer.Argument(metavar="PKL", help="test_results.pkl of the published code.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The predictions to write (.h5ad).")],
    patients: Annotated[
        Path | None, typer.Option(help="CSV: slide and patient_id, where slides are no TCGA barcodes.")
    ] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Turn old cross-validation results into a predictions file; code that a pickle may hold never runs."""
    from sequoia_base.atomic import refuse_existing
    from sequoia_base.results import jsonable
    from sequoia_model.legacy import read_results, write_results

    refuse_existing(output, force=force, inputs=[results, patients])
    _refuse_ending(output, ".h5ad", "predictions")
    adata = read_results(results, patients)
    warnings = adata.uns["warnings"].tolist()
    content = {
        "output": str(output),
        "n_slides": adata.n_obs,
        "n_patients": int(adata.obs["patient_id"].nunique()),
        "n_genes": adata.n_vars,
        "folds": sorted(adata.obs["fold"].dropna().unique().tolist()),
        "layers": sorted(adata.layers),
        "n_negative": adata.uns["n_negative"],
        "units": adata.uns["units"],
        "warnings": warnings,
    }
    write_results(adata, output)
    size = f"{content['n_slides']} slides of {content['n_patients']} patients × {content['n_genes']} genes"
    layers = ", ".join(sorted(adata.layers))
    show(
        f"{size}, {adata.uns['units']}\n  {adata.uns['note']}\n  layers {layers}", jsonable(content), as_json
    )
    for warning in warnings:
        say(f"warning: {warning}")
    say(f"written to {output}")


def _make(source: str, patients: Path | None, options: dict[str, Any]) -> Splits:
    from sequoia_model.errors import InputError
    from sequoia_model.splits import published, read_splits

    kind, colon, cancer = source.partition(":")
    if source == "draw":
        if patients is None:
            raise InputError(
                "there are no patients to draw from", fix="--patients CSV, with a column patient_id"
            )
        return _draw(patients, **options)
    if options:
        raise InputError("--folds, --val, --seed and --sites belong to --from draw", fix="leave them out")
    if kind == "published" and colon:
        if patients is not None:
            raise InputError("the published splits name patients themselves", fix="leave --patients out")
        return published(cancer)
    if not os.path.exists(source):
        raise InputError(
            "the splits are neither published:CANCER, nor draw, nor a file or folder that exists",
            where=source,
        )
    return read_splits(source, patients)


def _draw(patients: Path, *, sites: bool = False, **options: Any) -> Splits:
    """Folds of the patients of a table, whose sites go before those of barcodes."""
    from sequoia_model.patients import one_each, read_patient_table
    from sequoia_model.splits import draw

    table = read_patient_table(patients)
    cohorts, named = (
        one_each(
            zip(table["patient_id"], table[column], strict=True), "patient", f"{patients}, column {column}"
        )
        if column in table
        else None
        for column in ("cohort", "site")
    )
    with located(patients):
        return draw(
            table["patient_id"], cohorts=cohorts, sites=(named or True) if sites else False, **options
        )


def _refuse_ending(output: Path, ending: str, what: str) -> None:
    from sequoia_model.errors import InputError

    if output.suffix != ending:
        raise InputError(
            f"{what} are written as {ending}, not {output.suffix or 'without an ending'}", where=str(output)
        )
