"""Learning curves: the errors of networks on the training and the validation part, epoch by epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sequoia_stats.plots import _style as style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Columns that `learning_curves` reads.
_COLUMNS = ("network", "epoch", "train_mse", "val_mse", "val_r", "saved")
_LEFT, _GAP, _RIGHT, _BOTTOM = 0.55, 0.62, 0.12, 0.42  # margins and the space between the panels, inches


@style.styled
def learning_curves(log: pd.DataFrame, *, mean_mse: float | None = None, title: str = "") -> Figure:
    """Draw the error and the correlation of networks by epoch.

    Parameters
    ----------
    log : DataFrame
        The ``log.csv`` of training runs under each other, with a column ``network`` that names each: ``network, epoch,
        train_mse, val_mse, val_r, saved``. Rows of a network are in the order of its epochs; `saved` is true where it
        was saved, and the last of these is the network that is kept.
    mean_mse : float, optional
        The error of the training mean on the validation part, as a line to compare with.
    title : str, optional
        Heading.

    Returns
    -------
    Figure
        183 mm wide. The first axes have the errors on a logarithmic scale, as lines with the gids ``train-<network>``
        (dashed) and ``val-<network>``; the second the correlation on the validation part, ``r-<network>``. The point
        ``kept-<network>`` on both marks the kept epoch.

    Raises
    ------
    InputError
        If a column is missing.
    """
    style.check_columns(log, _COLUMNS, "epochs")
    if log.empty:
        return style.empty_figure(title or "Learning curves", "There are no epochs to draw.")
    networks = list(dict.fromkeys(log["network"]))
    figure = style.new_figure(style.DOUBLE_COLUMN, 2.5)
    top = style.add_header(figure, title, left=0.1) + 0.22  # the names of the networks are above the panels
    panel = (style.DOUBLE_COLUMN - _LEFT - _GAP - _RIGHT) / 2
    margins = {"bottom": _BOTTOM, "top": top}
    errors = style.add_axes(figure, left=_LEFT, right=_RIGHT + panel + _GAP, **margins)
    correlations = style.add_axes(figure, left=_LEFT + panel + _GAP, right=_RIGHT, **margins)
    for network, colour in zip(networks, style.PALETTE * len(networks), strict=False):
        part = log[log["network"] == network]
        kept = _kept(part)
        _curve(errors, part, "train_mse", colour, f"train-{network}", linestyle=(0, (3, 2)), linewidth=0.8)
        _curve(errors, part, "val_mse", colour, f"val-{network}", kept, f"kept-{network}")
        _curve(correlations, part, "val_r", colour, f"r-{network}", kept, f"kept-{network}")
    if mean_mse is not None:
        errors.axhline(mean_mse, color=style.GREY, linewidth=0.8, zorder=0, gid="mean")
    errors.set_yscale("log")
    errors.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    errors.set_ylabel("Mean squared error")
    correlations.set_ylabel("Mean r of genes, validation")
    for axes in (errors, correlations):
        axes.set_xlabel("Epoch")
        axes.set_xlim(0, max(1, int(log["epoch"].max())))
    style.name_in_colours(figure, networks, left=_LEFT, top=top - 0.12, gid="network")
    return figure


def _kept(part: pd.DataFrame) -> int | None:
    """The position of the epoch whose network is kept; None if none was saved."""
    saved = np.flatnonzero(part["saved"].to_numpy(dtype=bool))
    return int(saved[-1]) if len(saved) else None


def _curve(
    axes: Axes,
    part: pd.DataFrame,
    column: str,
    colour: str,
    gid: str,
    kept: int | None = None,
    mark: str = "",
    linestyle: str | tuple[int, tuple[int, int]] = "-",
    linewidth: float = 1.2,
) -> None:
    x, y = (part[name].to_numpy(dtype=float) for name in ("epoch", column))
    axes.plot(x, y, color=colour, linestyle=linestyle, linewidth=linewidth, gid=gid)
    if kept is not None:
        axes.plot(
            x[kept : kept + 1], y[kept : kept + 1], color=colour, marker="o", markersize=4, gid=mark, clip_on=False
        )  # fmt: skip
