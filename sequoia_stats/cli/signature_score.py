"""``sequoia-stats signature score``: the risk score of each patient, by one signature or by those of folds."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from sequoia_base.cli.output import Force, Json, located, say, show, write_csv
from sequoia_stats.cli.options import RuleOption
from sequoia_stats.cli.signature_intervals import (
    CalibrationOption,
    IntervalChoice,
    IntervalsWithinOption,
    LevelOption,
    NoIntervalsOption,
    ScoredFile,
    decide,
    groups_figure,
    predictions_of,
)
from sequoia_stats.cli.signature_options import (
    AllowOverlap,
    ReferenceOption,
    ScaleChoice,
    ScaleOption,
    WeightOption,
    WithinOption,
    open_scale,
)

if TYPE_CHECKING:
    import pandas as pd

    from sequoia_stats.conformal import RiskDecisions
    from sequoia_stats.signature import (
        FoldScores,
        FoldSignatures,
        PredictedSignature,
        RiskScore,
        ScaleReference,
        Signature,
    )
    from sequoia_stats.signature.patient_outcomes import GroupSurvival
    from sequoia_stats.types.expression import Expression
    from sequoia_stats.types.predictions import Predictions


class Scaling(NamedTuple):
    """How one signature puts patients on a scale; the folds of several have a scale of their own."""

    scale: ScaleChoice
    reference: str | None
    scale_within: str | None
    save_reference: Path | None
    genes_in: str

    def given(self) -> list[str]:
        """The options that were given."""
        there = {
            "--scale training": self.scale != ScaleChoice.cohort,
            "--reference": self.reference,
            "--scale-within": self.scale_within,
            "--save-reference": self.save_reference,
        }
        return [name for name, value in there.items() if value]


class Scored(NamedTuple):
    """The scores of a command, and what is written beside them.

    Parameters
    ----------
    table : DataFrame
        Index = patient id; columns ``risk_score, group`` and, where known, ``fold``.
    result : RiskScore or FoldScores
        What is said about them.
    signature : Signature or FoldSignatures
        What made them.
    folds : DataFrame or None
        The scale of each fold.
    kept : ScaleReference or None
        The frozen reference to save.
    """

    table: pd.DataFrame
    result: RiskScore | FoldScores
    signature: Signature | FoldSignatures
    folds: pd.DataFrame | None = None
    kept: ScaleReference | None = None


def score(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="[S] C",
            help="A signature file (.json), unless --signatures gives those of folds; and a cohort, AnnData, "
            "expression or predictions file, or a bundled cohort.",
            show_default=False,
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="CSV file of scores to write.")],
    signatures: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder of signature fit --splits: each patient is scored by the signature that has not seen this "
            "patient, on the scale of the training patients of its fold.",
        ),
    ] = None,
    scale: ScaleOption = ScaleChoice.cohort,
    reference: ReferenceOption = None,
    save_reference: Annotated[
        Path | None, typer.Option(help="Also save these patients as a frozen reference (.json).")
    ] = None,
    scale_within: WithinOption = None,
    max_weight_lost: WeightOption = 0.5,
    allow_overlap: AllowOverlap = False,
    outcome: Annotated[
        Path | None,
        typer.Option(
            metavar="CSV",
            help="Outcome of the patients (patient_id, time, event; outcome convert): also print the hazard ratio of "
            "the score.",
        ),
    ] = None,
    rule: RuleOption = "strict",
    level: LevelOption = None,
    calibration: CalibrationOption = None,
    intervals_within: IntervalsWithinOption = None,
    no_intervals: NoIntervalsOption = False,
    genes_in: Annotated[
        str,
        typer.Option(
            help="Whether genes are in the columns or the rows of an expression table; a reference may differ."
        ),
    ] = "columns",
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Compute the risk score of each patient.

    If the file holds predicted and measured genes, the command also tells which genes of the signature are well
    predicted, compares the score and its hazard ratio between both, and gives intervals of the measured score: a
    patient whose interval holds the cut-off is uncertain. An outcome changes no score.
    """
    from sequoia_base.atomic import refuse_existing
    from sequoia_base.outcomes import read_outcome_table
    from sequoia_stats.datasets import open_expression
    from sequoia_stats.signature.patient_outcomes import survival_of_groups

    signature, cohort = _inputs(files, signatures)
    calibration = predictions_of(calibration)
    scaling = Scaling(scale, reference, scale_within, save_reference, genes_in)
    choice = IntervalChoice(level, calibration, intervals_within, no_intervals)
    choice.check()
    inputs = [*_files_of(signature), cohort, reference, outcome, calibration]
    for path in filter(None, (output, *_beside(output), save_reference)):
        refuse_existing(path, force=force, inputs=inputs)
    _check_scaling(scaling, output, allow_overlap and signatures is not None, of_folds=signatures is not None)

    def score_file(expression: Expression, file: str, allow_overlap: bool) -> Scored:
        if signatures is not None:
            return _by_folds(signature, expression, file, max_weight_lost)
        return _by_one(signature, expression, file, scaling, max_weight_lost, allow_overlap)

    def calibrated(file: str) -> ScoredFile:
        known = open_expression(file)
        return ScoredFile(file, score_file(known, file, True).result, known.covariates, _predictions(file))

    expression = open_expression(cohort, genes_in=genes_in)
    scored, predictions = score_file(expression, cohort, allow_overlap), _predictions(cohort)
    times = None if outcome is None else read_outcome_table(outcome)
    source = ScoredFile(cohort, scored.result, expression.covariates, predictions)
    measured_scale = _measured_scale(scaling, scored.signature)
    decisions = decide(choice, scored.signature, source, calibrated, measured_scale)
    if decisions is not None:
        scored = scored._replace(table=scored.table.drop(columns="group").join(decisions.frame))
    with located(cohort):
        compared = _compared(scored, predictions, rule, measured_scale)
    with located(outcome or ""):
        hazards = None if times is None else _hazards(scored, compared, times)
        survival = None if times is None else survival_of_groups(scored.table, times)
    written = _write(scored, compared, survival, output, save_reference)
    _show(scored, compared, hazards, decisions, survival, as_json)
    for path in written:
        say(f"written to {path}")


def _beside(output: Path) -> tuple[Path, Path, Path, Path]:
    """The files beside that of the scores: the scale of each fold, the genes, and the curves of the groups."""
    from sequoia_base.names import table_stem
    from sequoia_base.outcomes import scales_beside

    stem = table_stem(output)
    genes, png, svg = (output.with_name(f"{stem}.{ending}") for ending in ("genes.csv", "km.png", "km.svg"))
    return scales_beside(output), genes, png, svg


def _write(
    scored: Scored,
    compared: PredictedSignature | None,
    survival: GroupSurvival | None,
    output: Path,
    save_reference: Path | None,
) -> list[Path]:
    """Write all that there is, and remove what other scores of this name left beside; returns the paths."""
    from sequoia_base.outcomes import write_fold_scales, write_risk_table
    from sequoia_stats.plots import save_figure

    written, (folds, genes, png, svg) = [output], _beside(output)
    write_risk_table(scored.table, output)
    for path, write in (
        (folds, None if scored.folds is None else partial(write_fold_scales, scored.folds)),
        (genes, None if compared is None else partial(write_csv, compared.genes)),
        (save_reference, None if scored.kept is None else scored.kept.save),
    ):
        if path is not None and write is not None:
            write(path)
            written.append(path)
        elif path is not None:
            path.unlink(missing_ok=True)
    if survival is None:
        for path in (png, svg):
            path.unlink(missing_ok=True)
        return written
    return [
        *written,
        *save_figure(groups_figure(survival, f"Risk groups of {output.name}"), png.with_suffix("")),
    ]


def _show(
    scored: Scored,
    compared: PredictedSignature | None,
    hazards: pd.DataFrame | None,
    decisions: RiskDecisions | None,
    survival: GroupSurvival | None,
    as_json: bool,
) -> None:
    """Print the scores, what they are on measured expression and for the outcome, and who is uncertain."""
    from sequoia_base.results import jsonable
    from sequoia_stats.signature import FoldScores, RiskScore
    from sequoia_stats.signature.predicted import hazard_lines

    table, groups = scored.table, ("high", "low", *(["uncertain"] if decisions is not None else []))
    counts = {group: int((table["group"] == group).sum()) for group in groups}
    of_groups = {"n": len(table), **{f"n_{group}": n for group, n in counts.items()}}
    result = scored.result
    if isinstance(result, FoldScores):
        result = replace(result, frame=result.frame.assign(group=table["group"].to_numpy()))
    lines, content = [str(result)], {**of_groups, **result.to_dict(), **of_groups}
    if isinstance(result, RiskScore):
        numbers = ", ".join(f"{n} {group}" for group, n in counts.items())
        lines.append(f"  patients       {len(table)} ({numbers})")
    if compared is not None:
        lines.append(str(compared))
        content["predicted"] = {**compared.to_dict(), "genes": jsonable(compared.genes)}
    if hazards is not None:
        lines += hazard_lines(hazards)
        if compared is None:
            content["hazard_ratios"] = jsonable(hazards)
        else:
            content["predicted"]["hazard_ratios"] = jsonable(hazards)
    if decisions is not None:
        lines.append(str(decisions))
        content["intervals"] = decisions.to_dict()
    if survival is not None:
        lines.append(str(survival))
        content["groups"] = survival.to_dict()
    show("\n".join(lines), content, as_json)


def _inputs(files: list[str], signatures: Path | None) -> tuple[Path, str]:
    """The signature, or the folder of those of folds, and the cohort."""
    from sequoia_stats.errors import InputError, counted, listing

    wanted = 1 if signatures is not None else 2
    if len(files) != wanted:
        needed = "the cohort alone" if signatures is not None else "a signature and a cohort"
        raise InputError(
            f"{counted(len(files), 'file is', 'files are')} given, but the command needs {needed}",
            where=listing(files),
            fix="signature score --signatures DIR COHORT -o scores.csv"
            if signatures is not None
            else "signature score signature.json COHORT -o scores.csv, or --signatures DIR COHORT",
        )
    return (Path(files[0]), files[1]) if signatures is None else (signatures, files[0])


def _by_one(
    path: Path,
    expression: Expression,
    cohort: str,
    scaling: Scaling,
    max_weight_lost: float,
    allow_overlap: bool,
) -> Scored:
    """Scores of all patients by one signature, with the fold of each where the file states it."""
    import pandas as pd

    from sequoia_stats.signature import Signature
    from sequoia_stats.signature.fold_scores import whole_folds
    from sequoia_stats.signature.scoring import risk_groups

    signature = Signature.load(path)
    fixed = open_scale(scaling.reference, signature, scaling.scale, scaling.scale_within, scaling.genes_in)
    with located(cohort):
        risk = signature.risk_score(
            expression,
            scale=scaling.scale.value,
            reference=fixed,
            scale_within=scaling.scale_within,
            max_weight_lost=max_weight_lost,
            allow_overlap=allow_overlap,
        )
        kept = None if scaling.save_reference is None else signature.reference(expression)
        folds = whole_folds(expression)
    table = pd.DataFrame(
        {"risk_score": risk.scores, "group": risk_groups(risk.scores.to_numpy(), signature.cutoff)}
    )
    return Scored(table if folds is None else table.assign(fold=folds), risk, signature, kept=kept)


def _by_folds(folder: Path, expression: Expression, cohort: str, max_weight_lost: float) -> Scored:
    """Scores of each patient by the signature that has not seen this patient."""
    from sequoia_stats.signature import FoldSignatures

    signatures = FoldSignatures.load(folder)
    with located(cohort):
        scores = signatures.risk_score(expression, max_weight_lost=max_weight_lost)
    table, folds = scores.frame.set_index("patient_id"), scores.folds.set_index("fold")
    if table["fold"].isna().all():
        table = table.drop(columns="fold")
    return Scored(table, scores, signatures, folds if len(folds) else None)


def _predictions(cohort: str) -> Predictions | None:
    """Predicted and measured genes, if the file of the cohort holds both for enough slides."""
    from sequoia_stats.io.h5ad import read_adata, recognises
    from sequoia_stats.types.predictions import FEWEST_SAMPLES, Predictions

    path = Path(cohort)
    if not (recognises(path) and path.is_file()):
        return None
    adata = read_adata(path)
    if "measured" not in adata.layers or adata.n_obs < FEWEST_SAMPLES:
        return None
    with located(cohort):
        return Predictions.from_adata(adata, path.stem)


def _measured_scale(scaling: Scaling, signature: Signature | FoldSignatures) -> ScaleReference | None:
    """The scale that the reference gives to measured scores, if it holds measured expression of enough patients."""
    from sequoia_stats.errors import InputError
    from sequoia_stats.signature import Signature
    from sequoia_stats.signature.predicted import measured_reference

    if scaling.reference is None or not isinstance(signature, Signature) or signature.is_null:
        return None
    predictions = _predictions(scaling.reference) if signature.transform.depends_on_cohort else None
    if predictions is None:
        return None
    try:
        return measured_reference(signature, predictions)
    except InputError:  # told where a measured score is asked for
        return None


def _compared(
    scored: Scored, predictions: Predictions | None, rule: str, reference: ScaleReference | None
) -> PredictedSignature | None:
    """The signature on predicted beside measured expression, if there is any."""
    from sequoia_stats.signature import compare_with_measured

    if predictions is None:
        return None
    options: dict[str, Any] = {"rule": rule, "reference": reference}
    return compare_with_measured(scored.signature, predictions, scored.result, **options)


def _hazards(scored: Scored, compared: PredictedSignature | None, outcome: pd.DataFrame) -> pd.DataFrame:
    """Hazard ratios of the predicted and the measured score of the same patients, or of the score alone."""
    from sequoia_stats.signature.predicted import comparable, hazard_table, with_genes

    if compared is not None and compared.n:  # without measured scores there are no pairs
        return hazard_table(compared.pairs, outcome)
    scores = comparable(scored.result).rename("risk score").to_frame()
    if "fold" in scored.table:
        scores["fold"] = scored.table["fold"]
    return hazard_table(with_genes(scores, scored.result)[0], outcome)


def _files_of(signature: Path) -> list[Path]:
    """The signature, and its files if it is a folder."""
    return [signature, *(signature.iterdir() if signature.is_dir() else [])]


def _check_scaling(scaling: Scaling, output: Path, overlap: bool, *, of_folds: bool) -> None:
    """Refuse options that do not go together."""
    from sequoia_base.atomic import refuse_other_ending
    from sequoia_stats.errors import InputError

    given = [*scaling.given(), *(["--allow-overlap"] if overlap else [])]
    if of_folds and given:
        raise InputError(
            f"--signatures and {' and '.join(given)} cannot be combined",
            fix="leave it out: the training patients of each fold give the scale, and nobody is scored who was seen",
        )
    if scaling.save_reference is None:
        return
    refuse_other_ending(scaling.save_reference, ".json", "a reference is")
    if scaling.save_reference.resolve() == output.resolve():
        raise InputError("scores and reference cannot be the same file", where=str(output))
    if other := given[:-1]:
        raise InputError(
            f"--save-reference and {' and '.join(other)} cannot be combined",
            fix="save the reference in a call of its own, with the scale of its cohort",
        )
