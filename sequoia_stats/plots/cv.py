"""Cross-validation curve of a penalised Cox model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sequoia_stats.errors import counted
from sequoia_stats.plots import _style as style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from sequoia_stats.coxpath import CrossValidation


@style.styled
def cv_curve(
    cross_validation: CrossValidation | pd.DataFrame,
    *,
    lambda_min: float | None = None,
    lambda_1se: float | None = None,
    title: str = "",
) -> Figure:
    """Draw the cross-validated deviance along the path, with the number of genes above it.

    Parameters
    ----------
    cross_validation : CrossValidation or DataFrame
        The curve; a frame has the columns of ``CrossValidation.to_frame()``: ``lambda, deviance, low, high,
        n_nonzero``.
    lambda_min, lambda_1se : float, optional
        Penalties to mark; by default, those of the CrossValidation.
    title : str, optional
        Heading; by default, the number of folds and draws, if it is known.

    Returns
    -------
    Figure
        89 mm wide; x is −log(lambda), so the number of genes grows to the right. The line ``deviance`` is the mean,
        the collection ``errors`` one standard error to each side. Only the part around the minimum is shown, where
        the mean is within two standard errors of it: the tail would flatten everything else.
    """
    if isinstance(cross_validation, pd.DataFrame):
        frame = cross_validation
    else:
        frame = cross_validation.to_frame()
        lambda_min = cross_validation.lambda_min if lambda_min is None else lambda_min
        lambda_1se = cross_validation.lambda_1se if lambda_1se is None else lambda_1se
        title = title or _describe(cross_validation.n_folds, cross_validation.repeats)
    x = -np.log(frame["lambda"].to_numpy(dtype=float))
    figure = style.new_figure(style.SINGLE_COLUMN, 2.75)
    header = style.add_header(figure, title, left=0.1) if title else 0.05
    axes = style.add_axes(figure, left=0.7, right=0.12, top=header + 0.33, bottom=0.42)
    low, high = frame["low"].to_numpy(dtype=float), frame["high"].to_numpy(dtype=float)
    axes.vlines(x, low, high, color=style.GREY, linewidth=0.5, alpha=0.7, gid="errors")
    axes.plot(
        x, frame["deviance"], marker="o", markersize=2, linewidth=0.5, color=style.VERMILLION, gid="deviance"
    )
    view = _around_minimum(frame["deviance"].to_numpy(dtype=float), low, high)
    bottom, top = float(low[view].min()), float(high[view].max())
    span, width = (top - bottom) or 1.0, float(np.ptp(x[view])) or 1.0
    axes.set_ylim(bottom - 0.05 * span, top + 0.2 * span)
    axes.set_xlim(x[view].min() - 0.01 * width, x[view].max() + 0.01 * width)
    axes.set_xlabel("−log(λ)")
    axes.set_ylabel("Partial-likelihood deviance\nper event")
    _mark(axes, frame, lambda_min, lambda_1se)
    _genes(axes, x[view], frame["n_nonzero"].to_numpy(dtype=int)[view])
    return figure


def _around_minimum(mean: np.ndarray, low: np.ndarray, high: np.ndarray) -> slice:
    """The part of the path around the minimum that is shown."""
    lowest = int(np.argmin(mean))
    beyond = np.flatnonzero(mean > mean[lowest] + (high[lowest] - low[lowest]))
    before, after = beyond[beyond < lowest], beyond[beyond > lowest]
    return slice(int(before[-1]) + 1 if before.size else 0, int(after[0]) if after.size else mean.size)


def _describe(folds: int, repeats: int) -> str:
    draws = f", mean of {repeats} draws of the folds" if repeats > 1 else ""
    return f"{folds}-fold cross-validation{draws}"


def _mark(axes: Axes, frame: pd.DataFrame, lambda_min: float | None, lambda_1se: float | None) -> None:
    marks = {"lambda.min": lambda_min, "lambda.1se": lambda_1se}
    if lambda_min is not None and lambda_min == lambda_1se:
        marks = {"lambda.min = lambda.1se": lambda_min}
    known = {name: -np.log(value) for name, value in marks.items() if value is not None}
    path = -np.log(frame["lambda"].to_numpy(dtype=float))
    for (name, x), line in zip(known.items(), ("--", ":"), strict=False):
        genes = counted(int(frame["n_nonzero"].iloc[int(np.argmin(np.abs(path - x)))]), "gene")
        axes.axvline(
            x, ymax=0.87, color=style.INK, linewidth=0.8, linestyle=line, label=f"{name}: {genes}", gid=name
        )
    if known:
        axes.legend(
            loc="upper center", ncols=len(known), fontsize=style.SMALL, borderaxespad=0.2, handlelength=1.8,
            columnspacing=1.2,
        )  # fmt: skip


def _genes(axes: Axes, x: np.ndarray, genes: np.ndarray) -> None:
    """Write seven numbers of genes along the top."""
    picks = np.unique(np.linspace(0, len(x) - 1, 7).round().astype(int))
    top = axes.secondary_xaxis("top")
    top.set_xticks(x[picks], [str(genes[pick]) for pick in picks])
    top.set_xlabel("Genes in the model", labelpad=3)
    top.tick_params(length=2)
