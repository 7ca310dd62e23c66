"""What became of the slides, for people and for scripts."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from sequoia_base.results import Result

FLOW_COLUMNS = ["step", "n_before", "n_after", "reason"]


@dataclass(frozen=True)
class Failure(Result):
    """A slide without predictions.

    Parameters
    ----------
    slide, file : str
    reason : str
        What was wrong, and what to do about it.
    """

    slide: str
    file: str
    reason: str


@dataclass(frozen=True, eq=False)
class PredictionRun(Result):
    """What `predict` did.

    Parameters
    ----------
    output : str
        The predictions file.
    n_slides, n_patients, n_genes : int
        What is in it.
    failed : tuple of Failure
        Slides that are not.
    ensemble : {"held-out", "all"}
        How networks were chosen.
    folds : tuple of int
        Those of the networks that were given.
    n_held_out : int
        Slides predicted by the held-out fold of their patient alone.
    n_few_tiles : int
        Slides with fewer distinct tiles than clusters.
    n_measured : int, optional
        Slides with measured expression; None where none was given.
    n_untrained : int
        Untrained predictions for each slide.
    n_negative : int
        Predicted values below 0.
    encoder : str
        Whose features they were.
    encoder_asserted : bool
        Whether the user said so for at least one file, or for the weights.
    units : str
        Of predicted and measured values.
    flow : DataFrame
        Ledger of what was lost: ``step, n_before, n_after, reason``.
    warnings : tuple of str
        What the user should know, counted.
    """

    output: str
    n_slides: int
    n_patients: int
    n_genes: int
    failed: tuple[Failure, ...]
    ensemble: str
    folds: tuple[int, ...]
    n_held_out: int
    n_few_tiles: int
    n_measured: int | None
    n_untrained: int
    n_negative: int
    encoder: str
    encoder_asserted: bool
    units: str
    flow: pd.DataFrame
    warnings: tuple[str, ...]

    @property
    def note(self) -> str:
        """By which networks the slides were predicted, in one sentence."""
        n, rest = len(self.folds), self.n_slides - self.n_held_out
        mean = f"the mean of {n} folds" if n > 1 else f"one network (fold {self.folds[0]})"
        held_out = f"{self.n_held_out} by the held-out fold of their patient"
        words = [held_out] * bool(self.n_held_out) + [f"{rest} by {mean}"] * bool(rest)
        return f"slides: {', '.join(words)}"

    def __str__(self) -> str:
        said = f"{self.encoder}{', as the user says' if self.encoder_asserted else ''}"
        who = f"{_count(self.n_slides, 'slide')} of {_count(self.n_patients, 'patient')}"
        size = f"{who} × {_count(self.n_genes, 'gene')}, {self.units}"
        lines = [size, f"  {self.note}", f"  features of {said}"]
        if self.n_measured is not None:
            lines.append(f"  measured expression for {_count(self.n_measured, 'slide')}")
        if self.n_untrained:
            lines.append(f"  {_count(self.n_untrained, 'untrained prediction')} for each slide")
        if self.n_few_tiles:
            lines.append(f"  {_count(self.n_few_tiles, 'slide')} with fewer distinct tiles than clusters")
        if self.n_negative:
            n = self.n_slides * self.n_genes
            lines.append(
                f"  {self.n_negative} of {n} values are below 0, which no measured value is: "
                "the networks' outputs have no lower bound, and they are kept as they are"
            )
        if self.failed:
            lines.append(f"  {_count(len(self.failed), 'slide')} failed")
        return "\n".join(lines)


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
