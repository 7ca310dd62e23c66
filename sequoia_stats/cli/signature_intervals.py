"""The intervals of ``sequoia-stats signature score``, and the survival of the groups that they make."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from sequoia_base.cli.output import located, say

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from sequoia_stats.conformal import RiskDecisions
    from sequoia_stats.signature import FoldScores, FoldSignatures, RiskScore, ScaleReference, Signature
    from sequoia_stats.signature.patient_outcomes import GroupSurvival
    from sequoia_stats.types.predictions import Predictions

LevelOption = Annotated[
    float | None,
    typer.Option(
        help="Level of the intervals of the measured score, between 0 and 1. A patient whose interval holds the "
        "cut-off is uncertain.  [default: 0.9]"
    ),
]
CalibrationOption = Annotated[
    str | None,
    typer.Option(
        metavar="FILE|RUN",
        help="Predictions with measured expression, or the folder of a training run with its own, whose residuals "
        "give the intervals.  [default: C, if it holds measured expression]",
    ),
]
IntervalsWithinOption = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN",
        help="Take the residuals of each level of a column of obs by themselves: site, subtype, cancer.",
    ),
]
NoIntervalsOption = Annotated[
    bool,
    typer.Option("--no-intervals", help="Groups by the predicted score alone: nobody is uncertain."),
]


def predictions_of(calibration: str | None) -> str | None:
    """The file of the calibration: the predictions of a run, if its folder is given."""
    there = calibration is not None and Path(calibration).is_dir()
    return str(Path(calibration or "") / "predictions.h5ad") if there else calibration


class IntervalChoice(NamedTuple):
    """What was asked of the intervals."""

    level: float | None
    calibration: str | None
    within: str | None
    off: bool

    def given(self) -> list[str]:
        """The options that ask for intervals."""
        there = {
            "--level": self.level,
            "--calibration": self.calibration,
            "--intervals-within": self.within,
        }
        return [name for name, value in there.items() if value is not None]

    def check(self) -> None:
        """Refuse options of intervals that are switched off, and a level that is none."""
        from sequoia_base.conformal import check_level
        from sequoia_stats.errors import InputError

        if self.off and (given := self.given()):
            raise InputError(
                f"--no-intervals and {' and '.join(given)} cannot be combined", fix="leave one of them out"
            )
        if self.level is not None:
            check_level(self.level)


class ScoredFile(NamedTuple):
    """Patients of one file: their scores, what else is known of them, and their measured genes if it holds any."""

    file: str
    result: RiskScore | FoldScores
    covariates: pd.DataFrame
    predictions: Predictions | None


def decide(
    choice: IntervalChoice,
    signature: Signature | FoldSignatures,
    scored: ScoredFile,
    calibrated: Callable[[str], ScoredFile],
    reference: ScaleReference | None,
) -> RiskDecisions | None:
    """The risk groups of patients by intervals; None if there are none, and nobody asked for them.

    Parameters
    ----------
    choice : IntervalChoice
        What was asked for.
    signature : Signature or FoldSignatures
        What made the scores.
    scored : ScoredFile
        The patients to decide.
    calibrated : callable
        Scores the patients of the file of the calibration.
    reference : ScaleReference or None
        The scale of measured scores if a reference gives that of predicted ones.

    Raises
    ------
    InputError
        If intervals were asked for, and cannot be made.
    """
    from sequoia_stats.errors import InputError
    from sequoia_stats.signature import decide_scores

    if choice.off or not (choice.given() or scored.predictions):
        return None
    known = scored if choice.calibration is None else calibrated(choice.calibration)
    if known.predictions is None:
        raise InputError(
            "there is no measured expression, from which intervals are made",
            where=known.file,
            fix="give predictions with measured expression with --calibration, such as those of a training run",
        )
    try:
        with located(known.file):
            decisions = decide_scores(
                signature,
                scored.result,
                known.predictions,
                known.result,
                truth=scored.predictions,
                level=0.9 if choice.level is None else choice.level,
                within=None if choice.within is None else _levels(choice.within, known, scored),
                reference=reference,
            )
            if choice.level is not None:
                _refuse_whole_lines(decisions)
    except InputError as error:
        if choice.given():
            raise
        say(f"no intervals: {error.what}")
        return None
    return decisions


def groups_figure(survival: GroupSurvival, title: str) -> Figure:
    """The curves of risk groups, with the log-rank test of high against low risk."""
    from sequoia_stats import plots

    return plots.risk_groups(
        survival.curves, title, survival.tested[:1].upper() + survival.tested[1:], endpoint=""
    )


def _levels(column: str, *sources: ScoredFile) -> pd.Series:
    """The level of each patient of the sources."""
    import pandas as pd

    from sequoia_stats.errors import InputError, listing

    for source in sources:
        if column not in source.covariates:
            raise InputError(
                f"there is no column {column!r} beside the expression",
                where=f"{source.file}; its columns: {listing(source.covariates.columns, 30) or 'none'}",
                fix="name a column of obs with --intervals-within",
            )
    levels = pd.concat([source.covariates[column] for source in sources])
    return levels[~levels.index.duplicated()]


def _refuse_whole_lines(decisions: RiskDecisions) -> None:
    """Refuse a level that the calibration can give to nobody."""
    from sequoia_base.conformal import largest_level
    from sequoia_stats.errors import InputError, counted

    intervals = decisions.intervals
    if intervals.n_whole < len(intervals.frame):
        return
    n = int(intervals.frame["n"].max())
    raise InputError(
        f"intervals of {100 * intervals.level:g}% are the whole line for everybody: {counted(n, 'residual')} give "
        f"{100 * largest_level(n):.4g}% at most",
        fix="ask for a lower --level, or give predictions of more patients with --calibration",
    )
