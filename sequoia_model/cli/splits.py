"""``sequoia-model splits`` and ``convert-results``: folds of patients, and old cross-validation results."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sequoia_base.cli.output import Force, Json, located, progress, say, show
from sequoia_base.errors import InputError, counted

if TYPE_CHECKING:
    from sequoia_model.splits import Splits

app = typer.Typer(help="Write, or audit, which patients train, validate and test in each fold.")


@app.callback(invoke_without_command=True)
def splits(
    context: typer.Context,
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="published:BRCA (or another cancer), draw, or a file or folder of splits: ours, CLAM, MCAT, SurvPath.",
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Table to write (.csv), one row per patient.")
    ] = None,
    patients: Annotated[
        Path | None,
        typer.Option(
            help="For draw: a CSV with the column patient_id, and cohort and site if known. For files: a CSV with the "
            "columns slide and patient_id, needed for slides without a TCGA barcode."
        ),
    ] = None,
    folds: Annotated[int | None, typer.Option(help="For draw: number of folds.  [default: 5]")] = None,
    val: Annotated[
        float | None,
        typer.Option(
            help="For draw: share of the patients outside test used for validation.  [default: 0.1]"
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="For draw: random seed, 0 or more.  [default: 0]")] = None,
    sites: Annotated[
        bool, typer.Option("--sites", help="For draw: keep all patients of a tissue source site together.")
    ] = False,
    site: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN", help="For draw: as --sites, with the sites in this column of --patients."
        ),
    ] = None,
    balance: Annotated[
        str | None,
        typer.Option(
            metavar="events|COLUMN",
            help="For draw: parts of a fold share events (the column event: 0 and 1, or True and False) or another "
            "column of --patients alike.",
        ),
    ] = None,
    solver: Annotated[
        str | None,
        typer.Option(
            help="For draw with whole sites: greedy, or milp (integer programming).  [default: milp with --balance, "
            "else greedy]"
        ),
    ] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Write which patients train, validate and test in each fold; no patient has two roles in a fold."""
    if context.invoked_subcommand is not None:
        _refuse_mixture(context)
        return
    if source is None or output is None:
        missing = "'--from'" if source is None else "'--output' / '-o'"
        raise InputError(f"Missing option {missing}.", fix="see --help")
    _check_output(output, ".csv", "splits", force, [source, patients])
    drawing = {
        "n_folds": folds, "val": val, "seed": seed, "sites": sites or None, "site": site, "balance": balance,
        "solver": solver,
    }  # fmt: skip
    options = {name: value for name, value in drawing.items() if value is not None}
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
        **{field: getattr(made.dealt, field, None) for field in ("solver", "unevenness", "gap")},
        "note": made.note,
    }
    text = f"{made.name}: {counted(len(made.roles), 'patient')}\n{table.to_string(index=False)}"
    _show_written(text, content, [made.note] if made.note else [], as_json)


@app.command()
def audit(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE|DIR",
            help="Splits (ours, CLAM, MCAT, SurvPath, also those that leak), a run folder, predictions (.h5ad), or "
            "test_results.pkl.",
        ),
    ],
    features: Annotated[
        Path | None,
        typer.Option(help="Feature files: slides on different sides that are nearly the same are listed."),
    ] = None,
    patients: Annotated[
        Path | None,
        typer.Option(
            help="CSV with the column patient_id, perhaps slide, and others, such as site, ER and batch, whose "
            "association with the folds is tested."
        ),
    ] = None,
    trained: Annotated[
        str | None,
        typer.Option(
            "--splits",
            metavar="FILE|published:CANCER",
            help="For predictions and test_results.pkl, which say who is tested: the splits by which the folds were "
            "trained.",
        ),
    ] = None,
    encoder: Annotated[
        str | None, typer.Option(help="Encoder of the features, if their files do not name it.")
    ] = None,
    near: Annotated[
        float, typer.Option(help="Cosine of mean features from which slides are nearly the same.")
    ] = 0.999,
    seed: Annotated[int, typer.Option(help="Random seed of permutation tests, 0 or more.")] = 0,
    jobs: Annotated[int, typer.Option(min=1, help="Number of threads that read features.")] = 1,
    as_json: Json = False,
) -> int:
    """Look for patients and slides on both sides of a fold, and for folds that are paired wrongly.

    Exit code 2: there are leaks. Near-duplicates, and associations of folds with sites, ER or batches, are only
    reported.
    """
    from sequoia_model.leakage import audit as audited

    found = audited(
        file,
        features,
        patients,
        splits=trained,
        encoder=encoder,
        near=near,
        seed=seed,
        jobs=jobs,
        progress=progress("features"),
    )
    show(str(found), found.to_dict(), as_json)
    if found.leaks:
        say(f"error: {counted(len(found.leaks), 'leak')}: results of these folds are worthless")
    return 2 if found.leaks else 0


def convert_results(
    results: Annotated[
        Path,
        typer.Argument(
            metavar="PKL",
            help="test_results.pkl, as the published code writes it: of a cross-validation, or of another cohort.",
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Predictions file to write (.h5ad).")],
    patients: Annotated[
        Path | None,
        typer.Option(help="CSV with the columns slide and patient_id, for slides without a TCGA barcode."),
    ] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Convert results of the published code to a predictions file, without running any code in the pickle."""
    from sequoia_base.results import jsonable
    from sequoia_model.legacy import read_results, write_results

    _check_output(output, ".h5ad", "predictions", force, [results, patients])
    adata = read_results(results, patients)
    write_results(adata, output)
    warnings = adata.uns["warnings"].tolist()
    layers, n_patients = sorted(adata.layers), int(adata.obs["patient_id"].nunique())
    content = {
        "output": str(output),
        "n_slides": adata.n_obs,
        "n_patients": n_patients,
        "n_genes": adata.n_vars,
        "folds": sorted(adata.obs["fold"].dropna().unique().tolist()),
        "layers": layers,
        "n_negative": adata.uns["n_negative"],
        "units": adata.uns["units"],
        "warnings": warnings,
    }
    size = f"{counted(adata.n_obs, 'slide')} of {counted(n_patients, 'patient')} × {counted(adata.n_vars, 'gene')}"
    text = f"{size}, {adata.uns['units']}\n  {adata.uns['note']}\n  layers {', '.join(layers)}"
    _show_written(text, jsonable(content), [f"warning: {warning}" for warning in warnings], as_json)


def _check_output(output: Path, ending: str, noun: str, force: bool, inputs: list[Path | str | None]) -> None:
    """Refuse an output that exists or has another ending."""
    from sequoia_base.atomic import refuse_existing, refuse_other_ending

    refuse_existing(output, force=force, inputs=inputs)
    refuse_other_ending(output, ending, f"{noun} are")


def _refuse_mixture(context: typer.Context) -> None:
    """Refuse options that write splits before the name of another command: they would be ignored."""
    given = [
        option for option in context.command.params if context.params.get(option.name or "") not in _NOT_GIVEN
    ]
    if given:
        raise InputError(
            f"{given[0].opts[0]} writes splits, and {context.invoked_subcommand} is another command",
            fix=f"give the options of {context.invoked_subcommand} after its name, and write splits by themselves",
        )


_NOT_GIVEN = (None, False)


def _show_written(text: str, content: dict[str, Any], warnings: list[str], as_json: bool) -> None:
    show(text, content, as_json)
    for warning in warnings:
        say(warning)
    say(f"written to {content['output']}")


def _make(source: str, patients: Path | None, options: dict[str, Any]) -> Splits:
    from sequoia_model.splits import published, read_splits

    kind, colon, cancer = source.partition(":")
    if source == "draw":
        if patients is None:
            raise InputError(
                "there are no patients to draw from", fix="give --patients CSV, with a column patient_id"
            )
        return _draw(patients, **options)
    if options:
        raise InputError(
            "--folds, --val, --seed, --sites, --site, --balance and --solver can only be used with --from draw",
            fix="leave them out",
        )
    if kind == "published" and colon:
        if patients is not None:
            raise InputError("the published splits already name patients", fix="leave out --patients")
        return published(cancer)
    if not os.path.exists(source):
        raise InputError(
            f"--from {source!r} is neither published:CANCER, nor draw, nor a file or folder that exists"
        )
    return read_splits(source, patients)


def _draw(
    patients: Path,
    *,
    sites: bool = False,
    site: str | None = None,
    balance: str | None = None,
    **options: Any,
) -> Splits:
    """Folds of the patients in a table; its column of sites takes precedence over barcodes."""
    from sequoia_model.patients import (
        one_value_each,
        read_patient_column,
        read_patient_events,
        read_patient_table,
    )
    from sequoia_model.splits import draw

    table = read_patient_table(patients)
    cohorts, named = (
        one_value_each(
            zip(table["patient_id"], table[column], strict=True), "patient", f"{patients}, column {column}"
        )
        if column in table
        else None
        for column in ("cohort", "site")
    )
    if site is not None:
        sites, named = True, read_patient_column(patients, site)
    if balance == "events":
        options |= {"balance": read_patient_events(patients), "balance_name": "events"}
    elif balance is not None:
        options |= {"balance": read_patient_column(patients, balance), "balance_name": balance}
    with located(patients):
        return draw(
            table["patient_id"], cohorts=cohorts, sites=(named or True) if sites else False, **options
        )
