"""Intervals of a risk score: where the measured score of a patient lies, given the predicted one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sequoia_base.arguments import check_limits, one_of
from sequoia_base.conformal import check_level, conformal_rank, largest_level
from sequoia_base.names import tcga_patient
from sequoia_base.results import Result
from sequoia_stats.conformal._score_line import FEWEST_RESIDUALS, ScoreLine
from sequoia_stats.errors import InputError, counted, listing, part

Width = Literal["constant", "predicted", "shorter"]
#: A predicted width is chosen where intervals are shorter by this part; a smaller gain may be chance.
_GAIN = 0.05


@dataclass(frozen=True, eq=False)
class ScoreIntervals(Result):
    """Intervals of the measured score of patients.

    Parameters
    ----------
    frame : DataFrame
        A row per patient, by patient id: ``predicted``; ``centre``, the measured score expected from it; ``lower`` and
        ``upper``, which are infinite if the interval is the whole line; ``n``, the number of patients whose residuals
        gave it; and ``cross_validated``, true for a patient of the calibration, whose own fold gave none.
    level : float
        The coverage that is asked for.
    n : int
        Number of patients of the calibration that have a measured score.
    r : float
        Pearson correlation of their measured and predicted scores; NaN if one of them is constant.
    width : {"constant", "predicted"}
        Whether all intervals are equally wide, or as wide as the residual expected from the predicted score.
    n_whole : int
        Number of patients whose interval is the whole line.
    notes : tuple of str
        What to know before reading the intervals.
    """

    frame: pd.DataFrame = field(metadata={"show": False})
    level: float
    n: int
    r: float
    width: Width
    n_whole: int
    notes: tuple[str, ...] = ()


def score_intervals(
    calibration: pd.DataFrame,
    scores: pd.DataFrame,
    *,
    level: float = 0.9,
    width: Width = "shorter",
    within: str | None = None,
) -> ScoreIntervals:
    """Intervals that hold the measured score of a patient with a given probability.

    The measured score is expected on a line through the calibration: predictions are shrunken, so that the difference
    of measured and predicted score depends on the predicted one. The half-width is the ⌈(n + 1) · level⌉-th smallest
    residual, each from the line without the patient (the jackknife; Barber et al. 2021, Annals of Statistics 49:486).
    The line never falls: a predicted score that runs against the measured one says nothing.

    A patient of the calibration gets the line and the residuals of the patients of the other folds. This is no
    guarantee: the networks of these folds were trained on this patient. Anybody else gets those of all patients, and
    the interval holds the measured score with the probability `level` on average over patients of the same population;
    not at each score, and not among the patients whose interval misses a cut-off.

    Parameters
    ----------
    calibration : DataFrame
        A row per patient, by patient id: ``measured`` and ``predicted`` score, and, if known, ``fold``. A patient
        without a fold stands alone. Patients without a measured score give no residual, but keep their fold.
    scores : DataFrame
        A row per patient, by patient id: ``predicted`` score.
    level : float, default 0.9
        The coverage, between 0 and 1.
    width : {"constant", "predicted", "shorter"}
        Equally wide intervals; intervals as wide as the expected size of the residual, a line of the predicted score;
        or the latter only if they are shorter by 5% on average.
    within : str, optional
        A column of both frames, as site or subtype: the residuals come from patients of the same level, so that the
        coverage holds for each. A level with too few patients, or a patient without a level, takes those of all, and a
        note says so.

    Returns
    -------
    ScoreIntervals
        On the scale of the measured scores.

    Raises
    ------
    InputError
        If a column is missing, a patient is duplicated, a score is missing or infinite, or fewer than 3 patients have
        a measured score.
    """
    check_level(level)
    check_limits({"width": width}, {"width": one_of(get_args(Width))})
    groups = [] if within is None else [within]
    _check(calibration, ["predicted"], "calibration")
    _check(scores, ["predicted"], "scores")
    for frame, name in ((calibration, "calibration"), (scores, "scores")):
        _check_there(frame, groups, name)
    known = _measured(calibration)
    cells = list(_cells(calibration, known, scores, within, level))
    x = scores["predicted"].to_numpy(np.float64)
    centre, sizes, own = np.empty(len(x)), np.empty(len(x), dtype=int), np.empty(len(x), dtype=bool)
    kinds: tuple[Width, ...] = ("constant", "predicted") if width == "shorter" else (width,)
    halves = {kind: np.empty(len(x)) for kind in kinds}
    for cell in cells:
        rows, line = cell.rows, cell.line
        centre[rows], sizes[rows], own[rows] = line.expected.at(x[rows]), cell.chosen.sum(), cell.own
        for kind, half in halves.items():
            half[rows] = line.half_widths(x[rows], level, kind, cell.chosen)
    kind = _shorter(halves) if width == "shorter" else width
    lower, upper = centre - halves[kind], centre + halves[kind]
    columns = {"centre": centre, "lower": lower, "upper": upper, "n": sizes, "cross_validated": own}
    frame = pd.DataFrame({"predicted": x, **columns}, scores.index)
    r = correlation(known["measured"], known["predicted"])
    notes = _notes(frame, level, r, sorted({cell.small for cell in cells} - {""}), within)
    if within is not None and (unknown := int(scores[within].isna().sum())):
        who = part(unknown, len(scores), "patient", "have")
        notes = (*notes, f"{who} no {within}, and the intervals of all patients")
    return ScoreIntervals(frame, float(level), len(known), r, kind, int(np.isinf(upper).sum()), notes)


def _shorter(halves: dict[Width, NDArray[np.float64]]) -> Width:
    """The kind of width that is used."""
    gain = halves["predicted"].mean() < (1 - _GAIN) * halves["constant"].mean()
    return "predicted" if gain else "constant"


def correlation(measured: pd.Series, predicted: pd.Series) -> float:
    """Pearson correlation of two scores of the same patients; NaN if one of them is constant."""
    x, y = (scores.to_numpy(np.float64) - scores.mean() for scores in (measured, predicted))
    size = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / size if size > 0 else float("nan")


@dataclass(frozen=True)
class _Cell:
    """Scores that share their intervals: rows, the line, and which of its patients give the residuals.

    `own` tells that the patients are of the calibration, and `small` names their level if it has too few patients.
    """

    rows: NDArray[np.intp]
    line: ScoreLine
    chosen: NDArray[np.bool_]
    own: bool
    small: str = ""


def _cells(
    calibration: pd.DataFrame, known: pd.DataFrame, scores: pd.DataFrame, within: str | None, level: float
) -> Iterator[_Cell]:
    parts = _parts(calibration)
    of_score = _parts_of(parts, scores.index)
    of_known = parts[known.index].to_numpy()
    predicted, measured = (known[name].to_numpy(np.float64) for name in ("predicted", "measured"))
    theirs, ours = (None if within is None else _texts(frame[within]) for frame in (known, scores))
    order = np.argsort(of_score, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(of_score[order])) + 1):
        code = of_score[rows[0]]
        others = of_known != code
        line = ScoreLine.fit(predicted[others], measured[others])
        everyone = np.ones(len(line.residuals), dtype=bool)
        if theirs is None or ours is None or not everyone.size:
            yield _Cell(rows, line, everyone, own=code >= 0)
            continue
        for group in pd.unique(ours[rows]):
            same = (theirs[others] == group) & (group != "")
            enough = conformal_rank(int(same.sum()), level) <= same.sum()
            here = rows[ours[rows] == group]
            yield _Cell(here, line, same if enough else everyone, code >= 0, "" if enough else str(group))


def _parts(calibration: pd.DataFrame) -> pd.Series:
    """What is left out with each patient, as a whole number: their fold, or the patient alone if there is none."""
    alone = pd.Series(range(len(calibration)), calibration.index)
    if "fold" not in calibration:
        return alone
    codes, folds = pd.factorize(calibration["fold"])  # −1 where it is missing
    return pd.Series(codes, calibration.index).where(codes >= 0, alone + len(folds))


def _parts_of(parts: pd.Series, patients: pd.Index) -> NDArray[np.intp]:
    """The part of each patient; −1 for new ones. A sample of TCGA counts as its patient."""
    people = parts.set_axis(parts.index.map(lambda name: tcga_patient(str(name))))
    people = people[~people.index.duplicated()]
    as_patient = people.reindex(patients.map(lambda name: tcga_patient(str(name)))).set_axis(patients)
    return parts.reindex(patients).fillna(as_patient).fillna(-1).to_numpy(np.intp)


def _texts(levels: pd.Series) -> NDArray[np.object_]:
    """The levels as texts; empty where one is missing."""
    return levels.astype(object).where(levels.notna(), "").astype(str).to_numpy(object)


def _measured(calibration: pd.DataFrame) -> pd.DataFrame:
    """The patients that have a measured score."""
    _check(calibration, ["measured"], "calibration", complete=False)
    known = calibration[calibration["measured"].notna()]
    if len(known) < FEWEST_RESIDUALS:
        raise InputError(
            f"{counted(len(known), 'patient has', 'patients have')} a measured score, "
            f"but intervals need {FEWEST_RESIDUALS}",
            fix="give predictions of more patients that were measured",
        )
    return known


def _check(scores: pd.DataFrame, columns: Sequence[str], what: str, *, complete: bool = True) -> None:
    """Refuse scores without a column, with a patient twice, or with missing (unless some may be) or infinite values."""
    _check_there(scores, columns, what)
    twice = scores.index[scores.index.duplicated()].unique()
    if len(twice):
        raise InputError(
            f"{what}: {counted(len(twice), 'patient is', 'patients are')} duplicated", where=listing(twice)
        )
    for column in columns:
        bad = scores[column].isna() & complete | scores[column].isin([np.inf, -np.inf])
        if bad.any():
            raise InputError(
                f"{what}: {part(int(bad.sum()), len(scores), 'patient', 'have')} no {column} value, or an infinite one",
                where=listing(scores.index[bad]),
            )


def _check_there(scores: pd.DataFrame, columns: Sequence[str], what: str) -> None:
    """Refuse scores without a column."""
    if absent := [column for column in columns if column not in scores]:
        raise InputError(
            f"{what}: there is no column {listing(absent)}", where=f"columns: {listing(scores.columns)}"
        )


def _notes(
    frame: pd.DataFrame, level: float, r: float, small: Sequence[str], within: str | None
) -> tuple[str, ...]:
    notes = []
    own = int(frame["cross_validated"].sum())
    if own:
        who = "all patients are" if own == len(frame) else part(own, len(frame), "patient", "are")
        notes.append(
            f"{who} of the calibration: the residuals of the other folds were used, which is no guarantee"
        )
    whole = frame["upper"] == np.inf
    if whole.any():
        n = int(frame.loc[whole, "n"].min())
        notes.append(
            f"{part(int(whole.sum()), len(frame), 'patient', 'have')} the whole line as interval: "
            f"{counted(n, 'residual')} give {largest_level(n):.3g} at most, not {level:g}"
        )
    if small:
        notes.append(
            f"too few patients for intervals within {within} {listing(small)}: all patients were used there"
        )
    if not r > 0:
        notes.append(
            f"the predicted score does not rise with the measured one (r = {r:.2f}): it says nothing of a patient"
        )
    return tuple(notes)
