"""``sequoia-stats signature``: fit, show, score, validate."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sequoia_base.cli.output import Force, Json, ledger, located, progress, say, show, write_csv
from sequoia_stats.cli.options import CategoricalOption, MissingOption, cohort_argument
from sequoia_stats.cli.signature_options import (
    AllowOverlap,
    ReferenceOption,
    ScaleChoice,
    ScaleOption,
    WeightOption,
    WithinOption,
    open_scale,
)
from sequoia_stats.cli.signature_score import score

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from sequoia_stats.signature import LassoCoxSignature
    from sequoia_stats.types.cohort import Cohort

app = typer.Typer(help="Fit, show, score and validate risk signatures.", no_args_is_help=True)
COHORT_HELP = "A cohort file, or a bundled cohort: tcga-brca[:PFI|DFI|OS|disease_free], scan-b or metabric."
#: What `validate` writes; a folder that holds anything else is not replaced.
VALIDATION_FILES = ("validation.json", "scores.csv", "km.png", "km.svg")
CohortArgument = Annotated[str, typer.Argument(metavar="C", help=COHORT_HELP)]
SignatureArgument = Annotated[Path, typer.Argument(metavar="S", help="A signature file (.json).")]


class TransformChoice(StrEnum):
    """Transforms of the expression of a gene."""

    rank = "rank"
    zscore = "zscore"
    log2 = "log2"
    none = "none"


class CutChoice(StrEnum):
    """Cut-offs between low and high risk."""

    frozen = "frozen"
    median = "median"


@app.command()
def fit(
    cohort: CohortArgument,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="Signature file to write (.json); with --splits the folder."),
    ],
    splits: Annotated[
        Path | None,
        typer.Option(
            metavar="CSV|DIR",
            help="Splits of the patients, or the folder of a training run: fit a signature for each fold, to the "
            "patients that train or validate in it. signature score --signatures uses them.",
        ),
    ] = None,
    engine: Annotated[str, typer.Option(help="Engine that fits the path.")] = "glmnet",
    alpha: Annotated[float, typer.Option(help="1 is the LASSO; below 1 is an elastic net.")] = 1.0,
    folds: Annotated[int | None, typer.Option(help="Number of folds, 3 or more.  [default: 5]")] = None,
    repeats: Annotated[
        int | None,
        typer.Option(help="Number of times the folds are drawn; the curves are averaged.  [default: 1]"),
    ] = None,
    foldid: Annotated[
        Path | None,
        typer.Option(help="CSV file of patient_id and fold, used instead of random folds."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Random seed of the folds, 0 or more.")] = 0,
    lambda_: Annotated[str, typer.Option("--lambda", help="Penalty: min, 1se or a value.")] = "min",
    lambda_min_ratio: Annotated[
        float | None,
        typer.Option(help="Smallest penalty as a share of the largest.  [default: the engine's own]"),
    ] = None,
    genes: Annotated[
        Path | None, typer.Option(help="File of candidate genes, one per line.  [default: all]")
    ] = None,
    shared_with: Annotated[
        list[str] | None,
        typer.Option(help="Keep only genes that this cohort also has; can be repeated."),
    ] = None,
    transform: Annotated[
        TransformChoice, typer.Option(help="Transform of each gene.")
    ] = TransformChoice.rank,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, help="Number of processes.  [default: one per core, if it is worth it]"),
    ] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Fit a LASSO Cox signature to a cohort.

    The penalty is chosen by cross-validation, unless --lambda gives its value. With --splits there is a signature for
    each fold, which has not seen the patients that the fold tests.
    """
    from sequoia_base.atomic import refuse_existing, refuse_other_ending
    from sequoia_stats.signature import LassoCoxSignature
    from sequoia_stats.signature.folds import files_in

    written = files_in(output) if splits is not None else ()
    inputs = [cohort, splits, genes, foldid, *(shared_with or [])]
    refuse_existing(output, force=force, files=written, inputs=inputs)
    if splits is None:
        refuse_other_ending(output, ".json", "a signature is")
    options = {"folds": folds, "repeats": repeats, "foldid": foldid, "lambda-min-ratio": lambda_min_ratio}
    penalty = _penalty(lambda_, [f"--{name}" for name, value in options.items() if value is not None])
    training = cohort_argument(cohort)
    estimator = LassoCoxSignature(
        engine=engine,
        alpha=alpha,
        folds=5 if folds is None else folds,
        repeats=1 if repeats is None else repeats,
        foldid=None if foldid is None else _read_foldid(foldid),
        seed=seed,
        lambda_=penalty,
        lambda_min_ratio=lambda_min_ratio,
        genes=_candidates(training, genes, shared_with or []),
        transform=transform.value,
        jobs=jobs,
    )
    with located(", ".join(str(path) for path in (cohort, splits, foldid) if path is not None)):
        if splits is None:
            _fit_one(estimator, training, output, as_json)
        else:
            _fit_folds(estimator, training, splits, output, as_json)
    say(f"written to {output}")


def _fit_one(estimator: LassoCoxSignature, training: Cohort, output: Path, as_json: bool) -> None:
    """Fit, write and show a signature of all patients."""
    from sequoia_base.results import jsonable

    signature = estimator.fit(training, progress=progress("cross-validation")).signature_
    signature.save(output)
    left_out = estimator.flow_.iloc[len(training.flow) :]
    text = "\n".join([str(signature), *ledger(left_out)])
    show(text, {**signature.to_dict(), "flow": jsonable(left_out)}, as_json)


def _fit_folds(
    estimator: LassoCoxSignature, training: Cohort, splits: Path, output: Path, as_json: bool
) -> None:
    """Fit, write and show a signature for each fold."""
    from sequoia_base.results import jsonable
    from sequoia_stats.signature import fit_folds

    signatures = fit_folds(estimator, training, splits, progress=progress("folds"))
    signatures.save(output)
    left_out = signatures.flow.iloc[len(training.flow) :]
    text = "\n".join([str(signatures), *ledger(left_out)])
    show(text, {**signatures.to_dict(), "flow": jsonable(left_out)}, as_json)


@app.command("show")
def show_signature(signature: SignatureArgument, as_json: Json = False) -> None:
    """Print a signature."""
    from sequoia_stats.signature import Signature

    loaded = Signature.load(signature)
    show(str(loaded), loaded.to_dict(), as_json)


app.command()(score)


@app.command()
def validate(
    signature: SignatureArgument,
    cohort: CohortArgument,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write.")],
    adjust: Annotated[
        str, typer.Option(help="Covariates of the adjusted Cox model, separated by commas.")
    ] = "",
    categorical: CategoricalOption = None,
    missing: MissingOption = None,
    cut: Annotated[
        CutChoice,
        typer.Option(help="Cut-off: the median of the training cohort, or of this one."),
    ] = CutChoice.frozen,
    scale: ScaleOption = ScaleChoice.cohort,
    reference: ReferenceOption = None,
    scale_within: WithinOption = None,
    max_weight_lost: WeightOption = 0.5,
    allow_overlap: AllowOverlap = False,
    bootstrap: Annotated[
        int, typer.Option(min=0, help="Bootstrap replicates for the interval of C; 0 for none.")
    ] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Random seed of the bootstrap, 0 or more.")] = 0,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Validate a signature on a cohort.

    Tests the risk groups by the log-rank test and the risk score by Cox models, computes Harrell's C, and draws the
    survival curves of the groups.
    """
    import json

    from sequoia_base.atomic import new_folder, refuse_existing, write_text
    from sequoia_stats import plots
    from sequoia_stats.signature import Signature
    from sequoia_stats.signature import validate as run

    refuse_existing(output, force=force, files=VALIDATION_FILES, inputs=[signature, cohort, reference])
    loaded, patients = Signature.load(signature), cohort_argument(cohort)
    fixed = open_scale(reference, loaded, scale, scale_within)
    with located(cohort):
        result = run(
            loaded,
            patients,
            cut=cut.value,
            adjust=adjust,
            categorical=categorical or (),
            missing=missing or (),
            scale=scale.value,
            reference=fixed,
            scale_within=scale_within,
            max_weight_lost=max_weight_lost,
            allow_overlap=allow_overlap,
            bootstrap=bootstrap,
            seed=seed,
            progress=progress("concordance"),
        )
    content = result.to_dict()
    with new_folder(output) as folder:
        write_text(
            folder / "validation.json",
            json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n",
        )
        write_csv(result.scores, folder / "scores.csv")
        plots.save_figure(plots.kaplan_meier(result), folder / "km")
    show(str(result), content, as_json)
    say(f"written to {output}")


def _penalty(text: str, options: list[str]) -> str | float:
    """A rule of --lambda or a value; refuses or names options of cross-validation that do not apply."""
    from sequoia_stats.errors import InputError

    if "--foldid" in options and {"--folds", "--repeats"} & set(options):
        raise InputError(
            "--folds and --repeats cannot be combined with --foldid, which gives the folds",
            fix="leave them out",
        )
    try:
        value = float(text)
    except ValueError:
        return text  # the estimator knows which words are valid
    if options:
        say(f"--lambda {text} needs no cross-validation, so these options are not used: {', '.join(options)}")
    return value


def _candidates(training: Cohort, genes: Path | None, shared_with: list[str]) -> list[str] | None:
    """Candidate genes: a list or all genes, without those that another cohort lacks."""
    from sequoia_stats.datasets import open_expression
    from sequoia_stats.errors import InputError
    from sequoia_stats.io import read_gene_list
    from sequoia_stats.types.expression import shared_genes
    from sequoia_stats.types.genes import match, other_identifiers

    if genes is None and not shared_with:
        return None
    wanted = list(training.genes) if genes is None else read_gene_list(genes)
    others = [open_expression(other) for other in shared_with]
    candidates = shared_genes(wanted, *others)
    if not (match(candidates, training.genes) >= 0).any():
        tables: dict[str, Iterable[str]] = {f"cohort {other.name}": other.genes for other in others}
        if genes is not None:
            tables["list of candidates"] = wanted
        kinds = other_identifiers(training_cohort=training.genes, **tables)
        raise InputError(
            f"no candidate gene is in {training.name}"
            + (" and in all cohorts of --shared-with" if shared_with else ""),
            where=", ".join(map(str, [*([genes] if genes else []), *shared_with])),
            fix=f"name the genes alike: {kinds}" if kinds else "check the names of the genes",
        )
    return candidates


def _read_foldid(path: Path) -> pd.Series:
    """Fold of each patient, from a CSV file."""
    from sequoia_stats.errors import InputError, counted, listing
    from sequoia_stats.io import read_table

    table = read_table(path)
    absent = [column for column in ("patient_id", "fold") if column not in table]
    if absent:
        raise InputError(
            f"{counted(len(absent), 'column is', 'columns are')} missing: {listing(absent)}",
            where=f"{path}; the columns are {listing(table.columns)}",
            fix="give a CSV with the columns patient_id and fold",
        )
    odd = ~table["fold"].astype(str).str.fullmatch(r"[0-9]{1,9}")
    if odd.any():
        raise InputError(
            f"{int(odd.sum())} of {counted(len(table), 'fold')} are not whole numbers 1, 2, ...",
            where=f"{path}: {listing(table.loc[odd, 'patient_id'])}",
        )
    return table.set_index("patient_id")["fold"].astype(int)
